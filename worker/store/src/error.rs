//! Everything that can go wrong, each with a stable code and what to do about it.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::id::ArtifactId;
use crate::uri::MAX_ARTIFACT_URI_BYTES;

/// The result of an operation of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

/// How much of a text that somebody else wrote is repeated in a message.
const QUOTED_CHARS: usize = 200;

/// Why an operation on artifacts failed.
///
/// The message begins with the [code](StoreError::code), says what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is described by its message; its fields are the values in it")]
pub enum StoreError {
    #[error("S0101: artifact {id} is not in this store; put or fetch it first")]
    NotFound { id: ArtifactId },

    #[error(
        "S0102: the bytes that arrived hash to {actual}, not to {expected}, so they are another artifact and were not kept; \
         ask whoever named the source for the right id or another source"
    )]
    WrongHash { expected: ArtifactId, actual: ArtifactId },

    #[error(
        "S0103: the artifact has {}, more than the {limit_bytes} bytes allowed here; nothing was kept; \
         raise the limit if the artifact is wanted",
        described_size(.found_bytes)
    )]
    TooLarge { limit_bytes: u64, found_bytes: Option<u64> },

    #[error(
        "S0104: artifact {id} is damaged on disk (its bytes hash to {actual}); remove it and fetch it again, and check the disk"
    )]
    Corrupt { id: ArtifactId, actual: ArtifactId },

    #[error("S0105: the disk or quota of {} is full; free space or move the store", .path.display())]
    DiskFull { path: PathBuf },

    #[error("S0106: cannot {action} {}: {source}; check the path, its permissions and the disk", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },

    #[error("S0107: bytes {start}..{end} were asked of an artifact of {length_bytes} bytes; ask for a range inside it")]
    RangeOutside { start: u64, end: u64, length_bytes: u64 },

    #[error("S0108: what was being stored broke off and nothing was kept: {source}; send it again")]
    SourceFailed { source: io::Error },

    #[error("S0109: background work was cancelled because the runtime is shutting down; start again")]
    ShuttingDown,

    #[error("S0201: {text:?} is not an artifact id; an id is the SHA-256 hash of the bytes as 64 hexadecimal digits")]
    BadId { text: String },

    #[error(
        "S0202: the artifact URI has {bytes} bytes, the chain holds {MAX_ARTIFACT_URI_BYTES}; use a shorter base address"
    )]
    UriTooLong { bytes: usize },

    #[error("S0203: {uri:?} is not an artifact URI: {reason}; the form is <base>/v1/artifacts/<64 hexadecimal digits>")]
    UriMalformed { uri: String, reason: String },

    #[error("S0204: artifacts are not fetched over {scheme:?}; use http:// or https://")]
    SchemeRefused { scheme: String },

    #[error(
        "S0205: {host:?} is at {address}, {reason}; use a public address, or allow private ones in the options if the URI is trusted"
    )]
    AddressRefused { host: String, address: IpAddr, reason: &'static str },

    #[error(
        "S0206: {uri:?} names a file of this machine; use http:// or https://, or allow local files if the name is trusted"
    )]
    LocalFileRefused { uri: String },

    #[error(
        "S0301: {uri:?} could not be reached or broke off, {attempts} times in a row: {reason}; check the address and the network"
    )]
    Unreachable { uri: String, attempts: u32, reason: String },

    #[error("S0302: {uri:?} answered status {status}{}; {}", colon(.reason), advice(*.status))]
    HttpStatus { uri: String, status: u16, reason: String },

    #[error(
        "S0303: {uri:?} broke off after {received_bytes} bytes, {attempts} times in a row: {reason}; \
         fetch again to resume from there, or use another source"
    )]
    Incomplete { uri: String, received_bytes: u64, attempts: u32, reason: String },

    #[error(
        "S0304: {uri:?} was not done within {} s; raise the deadline or use a faster source \
         (a fetch resumes from what arrived)",
        .limit.as_secs_f64()
    )]
    DeadlinePassed { uri: String, limit: Duration },

    #[error("S0305: a redirect from {uri:?} was not followed: {reason}; use the final address")]
    RedirectRefused { uri: String, reason: String },

    #[error("S0306: {uri:?} does not follow HTTP: {reason}; use another source")]
    Protocol { uri: String, reason: String },

    #[error("S0307: the HTTP client cannot be set up: {reason}; check the options")]
    ClientSetup { reason: String },

    #[error("S0401: this server takes no uploads from here; ask its operator to enable them, or use another store")]
    UploadsRefused,

    #[error("S0402: this upload needs the server's token in the header `Authorization: Bearer <token>`")]
    Unauthorized,

    #[error("S0403: the server is at its limit of requests; try again in a moment")]
    Busy,

    #[error("S0404: there is nothing at this path; artifacts are at /v1/artifacts/<id>, health is at /v1/health")]
    NoSuchRoute,

    #[error("S0405: this method is not served here; artifacts take GET, HEAD and PUT, health takes GET and HEAD")]
    MethodNotAllowed,

    #[error(
        "S0406: the body arrived too slowly and nothing was kept; send at least {min_bytes_per_second} bytes a second"
    )]
    TooSlow { min_bytes_per_second: u64 },

    #[error("S0407: the server cannot accept connections: {source}; check the address it listens on")]
    ListenerFailed { source: io::Error },

    #[error("S0408: {reason}; use {}", .fix)]
    BadOption { reason: &'static str, fix: &'static str },

    #[error("S0409: the server could not do this because of its own disk; its log says why")]
    ServerFailed,

    #[error(
        "S0410: this server takes no uploads from pages of {origin}; ask its operator to allow that origin \
         (`assay store serve --upload-origin`), or upload from the command line"
    )]
    OriginRefused { origin: String },

    #[error(
        "S0501: this is no address of a store: {reason}; the form is s3://bucket/prefix, or the http(s) address of a folder"
    )]
    RemoteMalformed { reason: String },

    #[error(
        "S0502: what is sent to {host} would go unencrypted; use https, or allow that if the network in between is one's own"
    )]
    RemoteUnencrypted { host: String },

    #[error(
        "S0503: there are no credentials for the store: {reason}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a \
         profile of the shared file with AWS_PROFILE"
    )]
    NoCredentials { reason: String },

    #[error("S0504: {store} does not take these credentials: {reason}; check the key and whether it has expired")]
    CredentialsRefused { store: String, reason: String },

    #[error(
        "S0505: {store} does not allow this: {reason}; give the key's owner the right to it, on this bucket and prefix"
    )]
    AccessDenied { store: String, reason: String },

    #[error(
        "S0506: {store} is not there: its bucket or folder does not exist; make it, or check its name and the endpoint"
    )]
    BucketMissing { store: String },

    #[error("S0507: {store} says that this machine's clock is wrong; set it, best with time synchronisation")]
    ClockSkewed { store: String },

    #[error("S0508: {store} is served elsewhere; check the region and the endpoint, or use the final address")]
    WrongRegion { store: String },

    #[error("S0509: {store} failed: {reason}; check the endpoint, or use another store")]
    RemoteFailed { store: String, reason: String },

    #[error(
        "S0510: strangers cannot fetch what was stored: {reason}; let everybody read below the prefix of the bucket, and give the \
         address at which they do"
    )]
    NotPublic { reason: String },

    #[error("S0511: {store} does not list what it holds; a WebDAV server does, and S3")]
    NoListing { store: String },
}

impl StoreError {
    /// The stable code of this error, such as `S0101`; its meaning never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "S0101",
            Self::WrongHash { .. } => "S0102",
            Self::TooLarge { .. } => "S0103",
            Self::Corrupt { .. } => "S0104",
            Self::DiskFull { .. } => "S0105",
            Self::Io { .. } => "S0106",
            Self::RangeOutside { .. } => "S0107",
            Self::SourceFailed { .. } => "S0108",
            Self::ShuttingDown => "S0109",
            Self::BadId { .. } => "S0201",
            Self::UriTooLong { .. } => "S0202",
            Self::UriMalformed { .. } => "S0203",
            Self::SchemeRefused { .. } => "S0204",
            Self::AddressRefused { .. } => "S0205",
            Self::LocalFileRefused { .. } => "S0206",
            Self::Unreachable { .. } => "S0301",
            Self::HttpStatus { .. } => "S0302",
            Self::Incomplete { .. } => "S0303",
            Self::DeadlinePassed { .. } => "S0304",
            Self::RedirectRefused { .. } => "S0305",
            Self::Protocol { .. } => "S0306",
            Self::ClientSetup { .. } => "S0307",
            Self::UploadsRefused => "S0401",
            Self::Unauthorized => "S0402",
            Self::Busy => "S0403",
            Self::NoSuchRoute => "S0404",
            Self::MethodNotAllowed => "S0405",
            Self::TooSlow { .. } => "S0406",
            Self::ListenerFailed { .. } => "S0407",
            Self::BadOption { .. } => "S0408",
            Self::ServerFailed => "S0409",
            Self::OriginRefused { .. } => "S0410",
            Self::RemoteMalformed { .. } => "S0501",
            Self::RemoteUnencrypted { .. } => "S0502",
            Self::NoCredentials { .. } => "S0503",
            Self::CredentialsRefused { .. } => "S0504",
            Self::AccessDenied { .. } => "S0505",
            Self::BucketMissing { .. } => "S0506",
            Self::ClockSkewed { .. } => "S0507",
            Self::WrongRegion { .. } => "S0508",
            Self::RemoteFailed { .. } => "S0509",
            Self::NotPublic { .. } => "S0510",
            Self::NoListing { .. } => "S0511",
        }
    }

    /// Whether the same request may succeed later without anybody changing it: the network, the other side's load or
    /// the disk was at fault, not the artifact, its name or the options.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Incomplete { .. }
            | Self::DeadlinePassed { .. }
            | Self::SourceFailed { .. }
            | Self::ShuttingDown
            | Self::Busy
            | Self::DiskFull { .. } => true,
            Self::HttpStatus { status, .. } => is_transient_status(*status),
            _ => false,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { action, path, source },
        }
    }

    pub(crate) fn bad_id(text: &str) -> Self {
        Self::BadId { text: quoted(text) }
    }

    pub(crate) fn malformed(uri: &str, reason: impl Into<String>) -> Self {
        Self::UriMalformed { uri: quoted(uri), reason: reason.into() }
    }
}

/// The statuses after which the same request may succeed.
pub(crate) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The first characters of a text that somebody else wrote, for a message.
pub(crate) fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS).collect()
}

fn described_size(found_bytes: &Option<u64>) -> String {
    match found_bytes {
        Some(bytes) => format!("{bytes} bytes"),
        None => "no declared length and went on arriving".to_owned(),
    }
}

fn colon(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => "check the token and whether this store takes uploads",
        404 | 410 => "the source does not have this artifact; use another source",
        413 => "the artifact is larger than this store takes",
        _ if is_transient_status(status) => "the source is overloaded or broken; try again later",
        _ => "check the address",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<StoreError> {
        let id = ArtifactId::of(b"a");
        let path = PathBuf::from("store");
        let failure = || io::Error::other("broken");
        let uri = || "http://store".to_owned();
        let reason = || "reason".to_owned();
        vec![
            StoreError::NotFound { id },
            StoreError::WrongHash { expected: id, actual: id },
            StoreError::TooLarge { limit_bytes: 1, found_bytes: None },
            StoreError::Corrupt { id, actual: id },
            StoreError::DiskFull { path: path.clone() },
            StoreError::Io { action: "read", path, source: failure() },
            StoreError::RangeOutside { start: 1, end: 2, length_bytes: 1 },
            StoreError::SourceFailed { source: failure() },
            StoreError::ShuttingDown,
            StoreError::bad_id("x"),
            StoreError::UriTooLong { bytes: 129 },
            StoreError::malformed("x", "reason"),
            StoreError::SchemeRefused { scheme: "ftp".to_owned() },
            StoreError::AddressRefused { host: uri(), address: [127, 0, 0, 1].into(), reason: "a loopback address" },
            StoreError::LocalFileRefused { uri: uri() },
            StoreError::Unreachable { uri: uri(), attempts: 3, reason: reason() },
            StoreError::HttpStatus { uri: uri(), status: 404, reason: reason() },
            StoreError::Incomplete { uri: uri(), received_bytes: 1, attempts: 3, reason: reason() },
            StoreError::DeadlinePassed { uri: uri(), limit: Duration::from_secs(1) },
            StoreError::RedirectRefused { uri: uri(), reason: reason() },
            StoreError::Protocol { uri: uri(), reason: reason() },
            StoreError::ClientSetup { reason: reason() },
            StoreError::UploadsRefused,
            StoreError::Unauthorized,
            StoreError::Busy,
            StoreError::NoSuchRoute,
            StoreError::MethodNotAllowed,
            StoreError::TooSlow { min_bytes_per_second: 1 },
            StoreError::ListenerFailed { source: failure() },
            StoreError::BadOption { reason: "reason", fix: "fix" },
            StoreError::ServerFailed,
            StoreError::RemoteMalformed { reason: reason() },
            StoreError::RemoteUnencrypted { host: uri() },
            StoreError::NoCredentials { reason: reason() },
            StoreError::CredentialsRefused { store: uri(), reason: reason() },
            StoreError::AccessDenied { store: uri(), reason: reason() },
            StoreError::BucketMissing { store: uri() },
            StoreError::ClockSkewed { store: uri() },
            StoreError::WrongRegion { store: uri() },
            StoreError::RemoteFailed { store: uri(), reason: reason() },
            StoreError::NotPublic { reason: reason() },
            StoreError::NoListing { store: uri() },
        ]
    }

    #[test]
    fn every_message_begins_with_its_own_code_and_says_what_to_do() {
        let mut codes = std::collections::BTreeSet::new();
        for error in one_of_each() {
            let message = error.to_string();
            let after_code = message.strip_prefix(error.code()).unwrap_or_else(|| panic!("{message}"));
            assert!(after_code.starts_with(": "), "{message}");
            assert!(codes.insert(error.code()), "{} is used twice", error.code());
        }
    }

    #[test]
    fn text_of_strangers_is_cut_and_escaped() {
        let message = StoreError::bad_id(&"\u{1b}[2J".repeat(1_000)).to_string();
        assert!(message.len() < 2_000 && !message.contains('\u{1b}'), "{message}");
    }

    #[test]
    fn a_full_disk_has_its_own_code() {
        let error = StoreError::io("write", Path::new("x"), io::ErrorKind::StorageFull.into());
        assert_eq!(error.code(), "S0105");
        assert!(error.is_transient());
        assert_eq!(StoreError::io("write", Path::new("x"), io::ErrorKind::NotFound.into()).code(), "S0106");
    }
}
