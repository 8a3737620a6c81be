//! `GET` and `HEAD` of an artifact.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use super::Shared;
use super::admission::Cut;
use super::reply::{Refusal, requested_id};
use crate::error::StoreError;
use crate::local::{ArtifactReader, CHUNK_BYTES};
use crate::pace::Pace;
use crate::range::{RequestedRange, requested_range};

/// Serves an artifact or a range of it. `HEAD` never takes a range (RFC 9110, section 14.2).
pub(super) async fn download(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(cut): Extension<Cut>,
    path: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let place = shared.admit(peer, &cut)?;
    let id = requested_id(path)?;
    let reader = shared.store.reader(&id).await?;
    let length_bytes = reader.length_bytes();
    let tag = format!("\"{id}\"");
    if matches_tag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, immutable(&tag)).into_response());
    }
    if method == Method::HEAD {
        let length = [(CONTENT_LENGTH, length_bytes.to_string())];
        return Ok((immutable(&tag), described(), length, Body::empty()).into_response());
    }
    let (status, start, length) = match wanted_range(&headers, &tag, length_bytes) {
        RequestedRange::Whole => (StatusCode::OK, 0, length_bytes),
        RequestedRange::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        RequestedRange::Unsatisfiable => {
            return Err(Refusal(StoreError::RangeOutside { start: length_bytes, end: length_bytes, length_bytes }));
        }
    };
    let pace = shared.pace();
    let body = Body::from_stream(body_of(reader, start, length, pace).await?.map(move |chunk| {
        // The place is held until the body is dropped.
        place.moved(chunk.as_ref().map_or(0, Bytes::len));
        chunk
    }));
    let length_header = [(CONTENT_LENGTH, length.to_string())];
    let mut response = (status, immutable(&tag), described(), length_header, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let span = format!("bytes {start}-{}/{length_bytes}", start + length - 1);
        if let Ok(value) = span.try_into() {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
    }
    Ok(response)
}

/// The bytes, ending in an error, which cuts the connection, when the client falls behind `pace`.
async fn body_of(
    reader: ArtifactReader,
    start: u64,
    length: u64,
    pace: Pace,
) -> Result<impl Stream<Item = io::Result<Bytes>>, StoreError> {
    let chunks = ReaderStream::with_capacity(reader.into_range(start, length).await?, CHUNK_BYTES);
    let mut sent_bytes = 0;
    let mut next_by = pace.next_by(Instant::now(), 0);
    Ok(chunks.map(move |chunk| {
        let now = Instant::now();
        if now > next_by {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly"));
        }
        sent_bytes += chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        next_by = pace.next_by(now, sent_bytes);
        chunk
    }))
}

fn wanted_range(headers: &HeaderMap, tag: &str, length_bytes: u64) -> RequestedRange {
    let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return RequestedRange::Whole;
    };
    // A range is wanted only of the version that the client has a part of.
    if headers.get(IF_RANGE).is_some_and(|version| version != tag) {
        return RequestedRange::Whole;
    }
    requested_range(range, length_bytes)
}

/// Whether the client says that it has this artifact.
fn matches_tag(headers: &HeaderMap, tag: &str) -> bool {
    let listed = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|tags| tags.split(',')).any(|listed| {
        let listed = listed.trim();
        listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == tag
    })
}

/// An artifact never changes: caches may keep it.
fn immutable(tag: &str) -> [(HeaderName, String); 2] {
    [(ETAG, tag.to_owned()), (CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())]
}

/// Bytes of strangers: a browser must not take them for a page.
fn described() -> [(HeaderName, &'static str); 3] {
    [(CONTENT_TYPE, "application/octet-stream"), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (ACCEPT_RANGES, "bytes")]
}
