//! `GET /v1/segments/{job}/{segment}`: the signed trace; `GET /v1/segments/{job}/{segment}/advice`: the sums of its
//! contractions; `GET /v1/results/{job}`: the manifest of a result that this node has stored. Or a refusal as JSON
//! `{"code","message"}`.
//!
//! A trace that is not there yet is computed; who asked is answered when it is done, or told with `202` and `Retry-After`
//! to ask again. Each computation costs this machine work, so that an address may ask for so many a minute, and no more
//! than so many wait. Nothing of what others sent is repeated in an answer.

use super::{SegmentError, Trace};
use crate::driver::Shared;
use crate::journal::Stage;
use crate::market::Market;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a request waits for its trace before it is told to ask again.
const PATIENCE: Duration = Duration::from_secs(20);
/// When to ask again for what is being computed, or when the queue is full.
const RETRY_SECONDS: u64 = 2;

/// The routes that stand beside the artifacts.
pub(crate) fn routes<M: Market>(shared: Arc<Shared<M>>) -> Router {
    Router::new()
        .route("/v1/segments/{job}/{segment}", get(segment::<M>))
        .route("/v1/segments/{job}/{segment}/advice", get(advice::<M>))
        .route("/v1/results/{job}", get(result::<M>))
        .with_state(shared)
}

/// Why a request has no trace.
enum Refused {
    Path,
    TooMany(Duration),
    Full,
    Pending,
    Segment(SegmentError),
}

#[derive(Serialize)]
struct Reply {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct ResultReply {
    /// SHA-256 of the manifest, in hex: an artifact of this node's store.
    manifest: String,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Pending => StatusCode::ACCEPTED,
            Self::Segment(SegmentError::Unknown(_)) => StatusCode::NOT_FOUND,
            Self::Segment(SegmentError::Closed(_)) => StatusCode::GONE,
            #[cfg(debug_assertions)]
            Self::Segment(SegmentError::Withheld) => StatusCode::FORBIDDEN,
            Self::Segment(SegmentError::Unavailable(_) | SegmentError::SecondRoot) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn reply(&self) -> Reply {
        let (code, message) = match self {
            Self::Path => {
                ("N0701", "N0701 the path is /v1/segments/{address of the job}/{number of the segment}".into())
            }
            Self::TooMany(_) => ("N0704", "N0704 too many requests of this address; ask again later".into()),
            Self::Full => ("N0705", "N0705 too many traces are waiting to be computed; ask again later".into()),
            Self::Pending => ("N0709", "N0709 the trace is being computed; ask again".into()),
            // What went wrong inside is nothing for strangers.
            Self::Segment(SegmentError::Unavailable(_)) => {
                ("N0706", "N0706 the trace cannot be given at present; ask again, or demand it on-chain".into())
            }
            Self::Segment(error @ SegmentError::Unknown(_)) => ("N0702", error.to_string()),
            Self::Segment(error @ SegmentError::Closed(_)) => ("N0703", error.to_string()),
            Self::Segment(error @ SegmentError::SecondRoot) => ("N0707", error.to_string()),
            #[cfg(debug_assertions)]
            Self::Segment(error @ SegmentError::Withheld) => ("N0708", error.to_string()),
        };
        Reply { code, message }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_secs().saturating_add(1)),
            Self::Full | Self::Pending => Some(RETRY_SECONDS),
            Self::Path | Self::Segment(_) => None,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status(), [(CACHE_CONTROL, "no-store")], Json(self.reply())).into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

async fn segment<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Refused> {
    let (job, segment) = asked(path)?;
    #[cfg(debug_assertions)]
    if shared.fault.is_some_and(|fault| fault.withholds_segment(segment)) {
        return Err(Refused::Segment(SegmentError::Withheld));
    }
    let trace = given(&shared, peer, job, segment).await?;
    #[cfg(debug_assertions)]
    let trace = shared.second_trace(&job, segment, trace).await.map_err(Refused::Segment)?;
    Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(trace.manifest)).into_response())
}

/// The manifest of a stored result. A job names it; who calls a receipt in cannot know it.
async fn result<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refused> {
    let Ok(Path(job)) = path else { return Err(Refused::Path) };
    let job: Pubkey = job.parse().map_err(|_| Refused::Path)?;
    let record = shared.journal.get(&job);
    let record = record.map_err(|error| Refused::Segment(SegmentError::Unavailable(error.to_string())))?;
    let Some(Stage::Committed(executed)) = record.map(|record| record.stage) else {
        return Err(Refused::Segment(SegmentError::Unknown(format!("no result of job {job} is stored here"))));
    };
    let reply = ResultReply { manifest: hex::encode(executed.manifest) };
    Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(reply)).into_response())
}

/// The trace, from the store, or computed now if this address may ask for that.
async fn given<M: Market>(
    shared: &Arc<Shared<M>>,
    peer: SocketAddr,
    job: Pubkey,
    segment: u16,
) -> Result<Trace, Refused> {
    match shared.stored_segment(&job, segment).await {
        Ok(Some(trace)) => return Ok(trace),
        Ok(None) => {}
        Err(error) => return Err(Refused::Segment(error)),
    }
    let mut outcome = {
        // Of two requests for the same segment, the second must not find the place taken and the work not yet begun.
        let _one_by_one = shared.segments.entrance();
        match shared.segments.under_way(&job, segment) {
            Some(outcome) => outcome,
            None => {
                shared.segments.rates.take(peer.ip(), Instant::now()).map_err(Refused::TooMany)?;
                let place = Arc::clone(&shared.segments.places).try_acquire_owned().map_err(|_| Refused::Full)?;
                shared.begin_segment(job, segment, Some(place))
            }
        }
    };
    let Ok(ended) = tokio::time::timeout(PATIENCE, outcome.wait_for(Option::is_some)).await else {
        return Err(Refused::Pending);
    };
    match ended.ok().and_then(|ended| ended.clone()) {
        Some(Ok(trace)) => Ok(trace),
        Some(Err(error)) => Err(Refused::Segment(error)),
        None => Err(Refused::Segment(SegmentError::Unavailable("the node is shutting down".to_owned()))),
    }
}

async fn advice<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Refused> {
    let (job, segment) = asked(path)?;
    #[cfg(debug_assertions)]
    if shared.fault.is_some_and(|fault| fault.withholds_segment(segment)) {
        return Err(Refused::Segment(SegmentError::Withheld));
    }
    if let Some(advice) = shared.stored_advice(&job, segment).await.map_err(Refused::Segment)? {
        return Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(advice)).into_response());
    }
    shared.segments.rates.take(peer.ip(), Instant::now()).map_err(Refused::TooMany)?;
    let place = Arc::clone(&shared.segments.places).try_acquire_owned().map_err(|_| Refused::Full)?;
    let computing = shared.segments.tasks.spawn({
        let shared = Arc::clone(&shared);
        async move {
            let cancel = shared.segments.cancel.clone();
            let advice = cancel.run_until_cancelled(shared.advice(job, segment)).await;
            drop(place);
            advice
        }
    });
    match tokio::time::timeout(PATIENCE, computing).await {
        Err(_) => Err(Refused::Pending),
        Ok(Ok(Some(Ok(advice)))) => Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(advice)).into_response()),
        Ok(Ok(Some(Err(error)))) => Err(Refused::Segment(error)),
        Ok(Ok(None) | Err(_)) => {
            Err(Refused::Segment(SegmentError::Unavailable("the node is shutting down".to_owned())))
        }
    }
}

/// The job and segment that a path names.
fn asked(path: Result<Path<(String, String)>, PathRejection>) -> Result<(Pubkey, u16), Refused> {
    let Ok(Path((job, segment))) = path else { return Err(Refused::Path) };
    match (job.parse(), segment.parse()) {
        (Ok(job), Ok(segment)) => Ok((job, segment)),
        _ => Err(Refused::Path),
    }
}
