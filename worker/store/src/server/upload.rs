//! `PUT` of an artifact.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, FORWARDED, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout, timeout_at};

use super::admission::{Admitted, Cut};
use super::pages::permit_origin;
use super::reply::{Refusal, requested_id};
use super::{Shared, Uploads};
use crate::error::{Result, StoreError};
use crate::pace::Pace;
use crate::wire::StoredReply;

/// How much of a refused body is still read, and for how long: a connection closed with unread bytes is reset, and the
/// reset can overtake the answer that says why.
const DRAINED_BYTES: usize = 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Takes an artifact, hashing it as it arrives. A refused one leaves nothing.
pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(cut): Extension<Cut>,
    path: std::result::Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> std::result::Result<Response, Refusal> {
    let mut body = body.into_data_stream();
    match store(&shared, (peer, &cut), path, &headers, &mut body).await {
        Ok(response) => Ok(response),
        Err(error) => {
            drain(&mut body).await;
            Err(Refusal(error))
        }
    }
}

async fn store(
    shared: &Shared,
    (peer, cut): (SocketAddr, &Cut),
    path: std::result::Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Response> {
    permit(&shared.options.uploads, peer.ip(), headers)?;
    permit_origin(&shared.options, headers)?;
    let place = shared.admit(peer, cut)?;
    let id = requested_id(path)?;
    let limit_bytes = shared.options.max_artifact_bytes;
    let found_bytes = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if found_bytes.is_some_and(|bytes| bytes > limit_bytes) {
        return Err(StoreError::TooLarge { limit_bytes, found_bytes });
    }
    let was_there = shared.store.contains(&id).await?;
    let stored = shared.store.put_stream(paced(body, shared.pace(), &place), Some(id), limit_bytes).await;
    let artifact = stored.map_err(|error| match error {
        StoreError::SourceFailed { source } if source.kind() == io::ErrorKind::TimedOut => {
            StoreError::TooSlow { min_bytes_per_second: shared.options.min_bytes_per_second }
        }
        other => other,
    })?;
    let status = if was_there { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(StoredReply { id: artifact.id, bytes: artifact.bytes })).into_response())
}

/// Whether the sender may upload.
fn permit(uploads: &Uploads, peer: IpAddr, headers: &HeaderMap) -> Result<()> {
    match uploads {
        Uploads::Refused => Err(StoreError::UploadsRefused),
        Uploads::Token(token) => {
            let offered = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            if offered.is_some_and(|header| token.admits(header)) { Ok(()) } else { Err(StoreError::Unauthorized) }
        }
        Uploads::Loopback => {
            let forwarded = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
            let addressed_here = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback_host);
            if peer.to_canonical().is_loopback() && addressed_here && !forwarded {
                Ok(())
            } else {
                Err(StoreError::UploadsRefused)
            }
        }
    }
}

/// Whether a `Host` header names this machine. A web page can make a browser here send requests to a loopback address
/// under a name of its own (DNS rebinding), but then that name is in the header.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The body, failing with [`io::ErrorKind::TimedOut`] when it falls behind `pace`.
fn paced(body: &mut BodyDataStream, pace: Pace, place: &Admitted) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((body, 0_u64), move |(body, received_bytes)| async move {
        let next_by = pace.next_by(Instant::now(), received_bytes);
        let chunk = match timeout_at(next_by, body.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => Ok(chunk),
            // Not the kind of the cause: a broken connection must not pass for a slow one.
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let bytes = chunk.as_ref().map_or(0, Bytes::len);
        place.moved(bytes);
        let received_bytes = received_bytes + bytes as u64;
        Some((chunk, (body, received_bytes)))
    })
}

async fn drain(body: &mut BodyDataStream) {
    let read = async {
        let mut drained = 0;
        while let Some(Ok(chunk)) = body.next().await {
            drained += chunk.len();
            if drained > DRAINED_BYTES {
                break;
            }
        }
    };
    // Time is up or the body is at its end: the answer goes out either way.
    let _ = timeout(DRAIN_TIME, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn loopback_uploads_come_from_this_machine_only() {
        let here: IpAddr = [127, 0, 0, 1].into();
        let there: IpAddr = [192, 0, 2, 1].into();
        let local = headers(&[("host", "127.0.0.1:8080")]);
        assert!(permit(&Uploads::Loopback, here, &local).is_ok());
        assert!(permit(&Uploads::Loopback, "::ffff:127.0.0.1".parse().unwrap(), &local).is_ok());
        let refused = [
            (there, local.clone()),
            (here, headers(&[("host", "evil.example:8080")])),
            (here, headers(&[])),
            (here, headers(&[("host", "127.0.0.1"), ("x-forwarded-for", "192.0.2.1")])),
            (here, headers(&[("host", "127.0.0.1"), ("forwarded", "for=192.0.2.1")])),
        ];
        for (peer, headers) in refused {
            assert_eq!(permit(&Uploads::Loopback, peer, &headers).unwrap_err().code(), "S0401", "{peer} {headers:?}");
        }
    }

    #[test]
    fn loopback_hosts_are_recognised() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "127.9.9.9"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.0.1:80",
            "[2001:db8::1]:80",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn the_token_is_needed_from_any_address() {
        let token = crate::UploadToken::new("correct-horse-battery").unwrap();
        let right = headers(&[("authorization", "Bearer correct-horse-battery")]);
        let uploads = Uploads::Token(token);
        let there: IpAddr = [192, 0, 2, 1].into();
        assert!(permit(&uploads, there, &right).is_ok());
        for headers in [headers(&[]), headers(&[("authorization", "Bearer wrong")])] {
            assert_eq!(permit(&uploads, [127, 0, 0, 1].into(), &headers).unwrap_err().code(), "S0402");
        }
        assert_eq!(permit(&Uploads::Refused, [127, 0, 0, 1].into(), &right).unwrap_err().code(), "S0401");
    }
}
