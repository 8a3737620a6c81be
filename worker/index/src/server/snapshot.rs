//! `/v1/snapshot`: built once for every state of the history, whoever asks for it.

use super::{Shared, query};
use crate::error::RequestError;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How old a snapshot may be although something has changed: building one for 10,000 rows takes a share of that.
const KEPT: Duration = Duration::from_secs(1);

/// A snapshot, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Built {
    version: u64,
    /// When it was built.
    pub(super) at: Instant,
    tag: String,
    plain: Bytes,
    zipped: Bytes,
}

pub(super) async fn snapshot(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, RequestError> {
    query::nothing(&uri)?;
    let built = current(&shared).await?;
    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::from_str(&built.tag) {
        answer.insert(header::ETAG, tag);
    }
    if headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == built.tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    if !takes_gzip(&headers) {
        return Ok((answer, built.plain).into_response());
    }
    answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok((answer, built.zipped).into_response())
}

/// The last snapshot, or a new one. Whoever asks meanwhile waits for the same.
async fn current(shared: &Shared) -> Result<Built, RequestError> {
    let mut kept = shared.snapshot.lock().await;
    let version = shared.history.version();
    if let Some(built) = kept.as_ref().filter(|built| built.version == version || built.at.elapsed() < KEPT) {
        return Ok(built.clone());
    }
    let built = shared
        .read(move |history| {
            let snapshot = history.snapshot()?;
            let plain = serde_json::to_vec(&snapshot).map_err(std::io::Error::from);
            let (plain, zipped) = plain
                .and_then(|plain| Ok((Bytes::from(gzip(&plain)?), plain)))
                .map_err(|source| crate::IndexError::Database {
                    path: history.path().to_path_buf(),
                    source: Box::new(source.into()),
                })
                .map(|(zipped, plain)| (Bytes::from(plain), zipped))?;
            // Two processes can give different snapshots under one version, but not under one slot and record as well.
            let tag = format!("\"{}-{}-{version}\"", snapshot.slot, snapshot.last_id);
            Ok(Built { version, at: Instant::now(), tag, plain, zipped })
        })
        .await?;
    *kept = Some(built.clone());
    Ok(built)
}

fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Whether the header names gzip, or everything, and does not refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for (value, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("*", true),
            ("br", false),
            ("gzip;q=0", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes_gzip(&headers), takes, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
