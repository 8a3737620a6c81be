//! Serving the history over HTTP, read only.
//!
//! README.md has the table of paths. Every refusal is a JSON object `{"code","error"}`. Connections are bounded by the server of
//! artifacts, which this one shares; requests at work and followers of events are bounded here, as are the lengths of queries and pages.

mod events;
mod followers;
mod pages;
pub(crate) mod query;
mod snapshot;

use crate::error::{IndexError, RequestError};
use crate::history::History;
use crate::shape::{Health, Refusal};
use assay_store::{ServerOptions, serve_router};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Requests at work at a time, and followers of events.
const MOST_REQUESTS: usize = 64;
const MOST_FOLLOWERS: usize = 256;
/// Followers of one address, where nothing else is said.
pub(crate) const MOST_FOLLOWERS_OF_AN_ADDRESS: usize = 32;
/// Longest query. The longest that makes sense has about 250 bytes.
const MOST_QUERY_BYTES: usize = 512;
/// Silence of the chain after which the index says that it is behind. Slots are heard all the time.
const BEHIND: Duration = Duration::from_secs(30);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) history: Arc<History>,
    /// The id of the last record.
    pub(crate) last_id: watch::Receiver<u64>,
    /// When the chain was last heard, and whether it is being followed.
    pub(crate) heard: Mutex<Heard>,
    snapshot: tokio::sync::Mutex<Option<snapshot::Built>>,
    requests: Semaphore,
    followers: followers::Followers,
    stop: CancellationToken,
}

/// What was heard of the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) last: Instant,
    /// Everything was read since the last drop.
    pub(crate) complete: bool,
}

impl Shared {
    pub(crate) fn new(
        history: Arc<History>,
        last_id: watch::Receiver<u64>,
        followers_of_an_address: usize,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            history,
            last_id,
            heard: Mutex::new(Heard { last: Instant::now(), complete: false }),
            snapshot: tokio::sync::Mutex::new(None),
            requests: Semaphore::new(MOST_REQUESTS),
            followers: followers::Followers::new(MOST_FOLLOWERS, followers_of_an_address),
            stop,
        })
    }

    /// Reads the history where blocking on the disk is allowed.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&History) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, RequestError> {
        let history = Arc::clone(&self.history);
        let done = tokio::task::spawn_blocking(move || read(&history)).await;
        done.map_err(IndexError::from).and_then(|done| done).map_err(|error| {
            tracing::error!(%error, "a request cannot be answered");
            RequestError::Internal
        })
    }
}

/// Serves until `stop`.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    options: ServerOptions,
    stop: CancellationToken,
) -> Result<(), IndexError> {
    Ok(serve_router(listener, options, router(shared), stop).await?)
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/snapshot", get(snapshot::snapshot))
        .route("/v1/jobs", get(pages::jobs))
        .route("/v1/jobs/{address}", get(pages::job))
        .route("/v1/nodes", get(pages::nodes))
        .route("/v1/nodes/{address}", get(pages::node))
        .route("/v1/accounts/{address}", get(pages::account))
        .route("/v1/stats", get(pages::stats))
        .route("/v1/events", get(events::events))
        .route("/health", get(health))
        .fallback(|| async { RequestError::NoSuchRoute })
        .method_not_allowed_fallback(|| async { RequestError::MethodNotAllowed })
        .layer(from_fn_with_state(Arc::clone(&shared), admit))
        .with_state(shared)
}

/// Bounds what is asked, and lets pages of any origin read the answer.
async fn admit(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = if *request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let bytes = request.uri().query().map_or(0, str::len);
        match shared.requests.try_acquire() {
            _ if bytes > MOST_QUERY_BYTES => {
                RequestError::QueryTooLong { bytes, most: MOST_QUERY_BYTES }.into_response()
            }
            Err(_) => RequestError::Busy("requests").into_response(),
            Ok(_place) => next.run(request).await,
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Last-Event-ID, If-None-Match"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn health(State(shared): State<Arc<Shared>>) -> (StatusCode, Json<Health>) {
    let heard = *shared.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let silent = heard.last.elapsed();
    let follows = heard.complete && silent < BEHIND;
    let health = Health {
        status: if follows { "ok" } else { "behind" }.to_owned(),
        slot: shared.history.slot(),
        last_id: *shared.last_id.borrow(),
        silent_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
    };
    (if follows { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Query(_) | Self::Parameter { .. } => StatusCode::BAD_REQUEST,
            Self::QueryTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::Unknown { .. } | Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::EventAhead { .. } => StatusCode::CONFLICT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let refusal = Refusal { code: self.code().to_owned(), error: self.to_string() };
        (status, Json(refusal)).into_response()
    }
}

#[cfg(test)]
mod tests;
