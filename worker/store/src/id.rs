//! The name of an artifact: the SHA-256 hash of its bytes.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// Length of an [`ArtifactId`] in bytes.
pub const ARTIFACT_ID_BYTES: usize = 32;

/// The SHA-256 hash of an artifact's bytes.
///
/// Shown, parsed and serialised as 64 hexadecimal digits; shown in lower case, parsed in either case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId(pub [u8; ARTIFACT_ID_BYTES]);

impl ArtifactId {
    /// The id of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; ARTIFACT_ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtifactId({self})")
    }
}

impl FromStr for ArtifactId {
    type Err = StoreError;

    /// # Errors
    /// [`StoreError::BadId`] unless `text` is exactly 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hash = [0; ARTIFACT_ID_BYTES];
        match hex::decode_to_slice(text, &mut hash) {
            Ok(()) => Ok(Self(hash)),
            Err(_) => Err(StoreError::bad_id(text)),
        }
    }
}

impl From<[u8; ARTIFACT_ID_BYTES]> for ArtifactId {
    fn from(hash: [u8; ARTIFACT_ID_BYTES]) -> Self {
        Self(hash)
    }
}

impl Serialize for ArtifactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArtifactId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Computes an [`ArtifactId`] piece by piece.
#[derive(Clone, Default)]
pub struct ArtifactHasher(Sha256);

impl ArtifactHasher {
    /// A hasher that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the artifact.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The id of all bytes taken so far.
    pub fn finish(self) -> ArtifactId {
        ArtifactId(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_id_is_the_sha_256_hash() {
        assert_eq!(ArtifactId::of(b"").to_string(), EMPTY);
        let mut hasher = ArtifactHasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), ArtifactId::of(b"abc"));
    }

    #[test]
    fn text_and_json_round_trip() {
        let id = ArtifactId::of(b"weights");
        assert_eq!(id.to_string().parse::<ArtifactId>().unwrap(), id);
        assert_eq!(id.to_string().to_uppercase().parse::<ArtifactId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<ArtifactId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<ArtifactId>("\"ab\"").is_err());
    }

    #[test]
    fn anything_but_64_hexadecimal_digits_is_refused() {
        let long = format!("{EMPTY}00");
        let dotted = format!("../{}", &EMPTY[3..]);
        let spaced = format!(" {}", &EMPTY[1..]);
        let wide = "é".repeat(32);
        for text in ["", "ab", &EMPTY[1..], &long, &dotted, &spaced, &wide] {
            let error = text.parse::<ArtifactId>().unwrap_err();
            assert_eq!(error.code(), "S0201", "{text:?}");
        }
    }
}
