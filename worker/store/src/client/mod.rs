//! Fetching from, and uploading to, HTTP servers that others name.

mod address;
mod document;
mod download;
mod failure;
mod fetch;
mod guard;
mod look;
mod retry;
mod source;
mod upload;

#[cfg(fuzzing)]
pub(crate) use address::kind_of;
pub use document::Document;
pub use fetch::{FetchOptions, FetchSource, Fetched, Fetcher, Progress};
pub(crate) use guard::bare_client;
pub use upload::{UploadOptions, UploadOutcome, Uploader};
#[cfg(fuzzing)]
pub(crate) use {guard::redirect_target, source::http_url};
