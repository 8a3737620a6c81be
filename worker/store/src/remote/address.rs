//! The names of remote stores, as pure functions.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::error::{Result, StoreError};

/// Lengths that a bucket's name may have.
const BUCKET_CHARS: std::ops::RangeInclusive<usize> = 3..=63;

/// Where a remote store is: `s3://bucket/prefix`, or the `http` or `https` address of a WebDAV folder.
///
/// A name of this kind is the operator's or client's own and is never taken from a job: what an `s3://` name means depends
/// on endpoint and credentials of whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteAddress {
    /// A bucket of an S3-compatible store.
    Bucket {
        /// Its name.
        bucket: String,
        /// What the keys of all artifacts begin with, without slashes at its ends; may be empty.
        prefix: String,
    },
    /// A folder of an HTTP server that takes `PUT` and, for listing, WebDAV's `PROPFIND`.
    Http(Url),
}

impl RemoteAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`StoreError::RemoteMalformed`], also where it carries a user name, a password, a query or a fragment: secrets have
    /// no place in what is shown and logged.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |reason: &str| StoreError::RemoteMalformed { reason: reason.to_owned() };
        let url = Url::parse(text).map_err(|error| malformed(&error.to_string()))?;
        check_plain(&url)?;
        match url.scheme() {
            "s3" => {
                let bucket = url.host_str().unwrap_or_default();
                let is_name = BUCKET_CHARS.contains(&bucket.len())
                    && bucket.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
                if !is_name || url.port().is_some() {
                    return Err(malformed("a bucket has 3 to 63 small letters, digits, hyphens and dots"));
                }
                let prefix = url.path().trim_matches('/');
                if !prefix.split('/').all(is_segment) && !prefix.is_empty() {
                    return Err(malformed(
                        "a prefix has letters, digits, hyphens, dots, underscores and single slashes",
                    ));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            "http" | "https" if url.host().is_some() => Ok(Self::Http(url)),
            _ => Err(malformed("it begins with neither s3://, http:// nor https://")),
        }
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Http(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

impl FromStr for RemoteAddress {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

fn is_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain)
}

/// Refuses what could be a secret, or change what the address means.
fn check_plain(url: &Url) -> Result<()> {
    let refused = |reason: &str| Err(StoreError::RemoteMalformed { reason: reason.to_owned() });
    if !url.username().is_empty() || url.password().is_some() {
        return refused(
            "it contains a user name or password; credentials come from the environment or from files, never from addresses",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("it contains a query (?) or a fragment (#)");
    }
    Ok(())
}

/// Reads the address of an endpoint and checks that what is sent to it is encrypted, unless it stays on this machine or
/// `allow_unencrypted`.
pub(super) fn endpoint(text: &str, allow_unencrypted: bool) -> Result<Url> {
    let malformed = |reason: String| StoreError::RemoteMalformed { reason };
    let url = Url::parse(text).map_err(|error| malformed(format!("the endpoint: {error}")))?;
    check_plain(&url)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(malformed("the endpoint begins with neither http:// nor https://".to_owned()));
    }
    if url.scheme() == "http" && !allow_unencrypted && !is_loopback(&url) {
        return Err(StoreError::RemoteUnencrypted { host: url.host_str().unwrap_or_default().to_owned() });
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, shown) in [
            ("s3://artifacts", "s3://artifacts"),
            ("s3://artifacts/", "s3://artifacts"),
            ("s3://my.bucket-1/some/prefix_2/", "s3://my.bucket-1/some/prefix_2"),
            ("https://files.example/dav/", "https://files.example/dav"),
            ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ] {
            let address = RemoteAddress::parse(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse::<RemoteAddress>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_names_no_store_or_carries_a_secret_is_refused_and_not_repeated() {
        for text in [
            "",
            "artifacts",
            "/data/artifacts",
            "file:///data",
            "gs://bucket",
            "s3://",
            "s3://ab",
            "s3://Bucket_1",
            "s3://bucket:9000/x",
            "s3://bucket/a//b",
            "s3://bucket/a%20b",
            "s3://key:hushhush@bucket",
            "https://user:hushhush@files.example",
            "https://files.example/?token=hushhush",
            "https://files.example/#hushhush",
        ] {
            let error = RemoteAddress::parse(text).unwrap_err();
            assert_eq!(error.code(), "S0501", "{text:?}: {error}");
            assert!(!error.to_string().contains("hushhush"), "{error}");
        }
    }

    #[test]
    fn credentials_go_unencrypted_to_this_machine_only_unless_that_is_allowed() {
        for text in ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000", "https://s3.example"] {
            endpoint(text, false).unwrap();
        }
        for text in ["http://s3.example", "http://10.0.0.1:9000"] {
            assert_eq!(endpoint(text, false).unwrap_err().code(), "S0502", "{text}");
            endpoint(text, true).unwrap();
        }
        for text in ["s3.example", "ftp://s3.example", "https://key:secret@s3.example", "https://s3.example/?a=b"] {
            assert_eq!(endpoint(text, true).unwrap_err().code(), "S0501", "{text}");
        }
    }
}
