//! The form in which a job names an artifact.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::error::{Result, StoreError};
use crate::id::ArtifactId;

/// The longest URI that a job account on the chain holds, in bytes.
pub const MAX_ARTIFACT_URI_BYTES: usize = 128;

/// The path of artifacts below a store's base address.
pub(crate) const ARTIFACTS_PATH: &str = "/v1/artifacts/";

/// Where an artifact is, and which one it is: `<base>/v1/artifacts/<hex>`.
///
/// `http`, `https` or `file`; without user name, query or fragment; at most [`MAX_ARTIFACT_URI_BYTES`] bytes; the last
/// path segment is the [`ArtifactId`]. Other paths before that segment are accepted, so any plain file server will do.
/// Whether a URI may be *fetched* is decided by the fetcher's options.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ArtifactUri {
    text: String,
    id: ArtifactId,
}

impl ArtifactUri {
    /// The URI of artifact `id` in the store whose base address is `base`, such as `https://store.example:8080`.
    ///
    /// # Errors
    /// As [`ArtifactUri::parse`].
    pub fn new(base: &str, id: ArtifactId) -> Result<Self> {
        Self::parse(&format!("{}{ARTIFACTS_PATH}{id}", base.trim_end_matches('/')))
    }

    /// Reads a URI, and the id from its last path segment.
    ///
    /// # Errors
    /// [`StoreError::UriTooLong`], [`StoreError::UriMalformed`], [`StoreError::SchemeRefused`], or
    /// [`StoreError::BadId`] where the last path segment is not an id.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_ARTIFACT_URI_BYTES {
            return Err(StoreError::UriTooLong { bytes: text.len() });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StoreError::malformed(
                text,
                "it contains a space, a control character or a letter beyond ASCII",
            ));
        }
        let url = Url::parse(text).map_err(|error| StoreError::malformed(text, error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https" | "file") {
            return Err(StoreError::SchemeRefused { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(StoreError::malformed(text, "it contains a user name or password, and jobs are public"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(StoreError::malformed(text, "it contains a query (?) or a fragment (#)"));
        }
        let last_segment = url.path().rsplit('/').next().unwrap_or_default();
        let id = last_segment.parse()?;
        Ok(Self { text: text.to_owned(), id })
    }

    /// The artifact that the URI names.
    pub fn id(&self) -> ArtifactId {
        self.id
    }

    /// The URI as text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ArtifactUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for ArtifactUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtifactUri({})", self.text)
    }
}

impl FromStr for ArtifactUri {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl Serialize for ArtifactUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ArtifactUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_its_artifact() {
        let id = ArtifactId::of(b"graph");
        for base in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "https://store.example/some/folder"] {
            let uri = ArtifactUri::new(base, id).unwrap();
            assert_eq!(uri.id(), id);
            assert_eq!(uri.as_str(), format!("{}/v1/artifacts/{id}", base.trim_end_matches('/')));
            assert_eq!(uri.to_string().parse::<ArtifactUri>().unwrap(), uri);
            let json = serde_json::to_string(&uri).unwrap();
            assert_eq!(serde_json::from_str::<ArtifactUri>(&json).unwrap(), uri);
        }
        assert_eq!(ArtifactUri::parse(&format!("https://bucket.example/{id}")).unwrap().id(), id);
        assert_eq!(ArtifactUri::parse(&format!("file:///data/{id}")).unwrap().id(), id);
    }

    #[test]
    fn the_chain_bound_is_exact() {
        let id = ArtifactId::of(b"graph");
        let room = MAX_ARTIFACT_URI_BYTES - ARTIFACTS_PATH.len() - 64 - "http://".len();
        let fits = format!("http://{}", "a".repeat(room));
        assert_eq!(ArtifactUri::new(&fits, id).unwrap().as_str().len(), MAX_ARTIFACT_URI_BYTES);
        let error = ArtifactUri::new(&format!("{fits}a"), id).unwrap_err();
        assert!(matches!(error, StoreError::UriTooLong { bytes: 129 }), "{error}");
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        let id = ArtifactId::of(b"graph");
        let cases = [
            ("".to_owned(), "S0203"),
            (format!("/v1/artifacts/{id}"), "S0203"),
            (format!("http://user:secret@host/{id}"), "S0203"),
            (format!("http://user@host/{id}"), "S0203"),
            (format!("http://host/{id}?token=1"), "S0203"),
            (format!("http://host/{id}#part"), "S0203"),
            (format!("http://ho st/{id}"), "S0203"),
            (format!("http://host/\n{id}"), "S0203"),
            (format!("http://hôst/{id}"), "S0203"),
            (format!("ftp://host/{id}"), "S0204"),
            ("data:text/plain,hello".to_owned(), "S0204"),
            (format!("http://host/{id}/"), "S0201"),
            (format!("http://host/{id}/.."), "S0201"),
            ("http://host/v1/artifacts/abc".to_owned(), "S0201"),
        ];
        for (text, code) in cases {
            assert_eq!(ArtifactUri::parse(&text).unwrap_err().code(), code, "{text:?}");
        }
    }
}
