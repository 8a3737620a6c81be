//! Status and health over HTTP, on loopback unless told otherwise: read only.

use crate::driver::Shared;
use crate::journal::{JournalError, Record};
use crate::market::Market;
use crate::service::ServiceError;
pub use crate::totals::Totals;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Records that one status lists.
pub const MOST_RECORDS: usize = 1_000;

/// What `assay node status` shows of a running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Address of the node account, base58.
    pub node: String,
    /// Slot that the node last saw.
    pub slot: u64,
    /// Places for jobs, and how many are free.
    pub capacity: (usize, usize),
    /// Name and description of each backend, in order of preference.
    pub backends: Vec<(String, String)>,
    /// How all jobs ended.
    pub totals: Totals,
    /// The records that changed last, newest first; at most [`MOST_RECORDS`].
    pub jobs: Vec<Record>,
}

/// Serves `GET /v1/status` and `GET /v1/health` until `stop`.
pub(crate) async fn serve<M: Market>(
    shared: Arc<Shared<M>>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    let router = Router::new()
        .route("/v1/status", get(status::<M>))
        .route("/v1/health", get(|| async { "ok" }))
        .with_state(shared);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(|error| ServiceError::Server(error.to_string()))
}

async fn status<M: Market>(State(shared): State<Arc<Shared<M>>>) -> Result<Json<Status>, (StatusCode, String)> {
    // Reading the journal blocks on the disk.
    tokio::task::spawn_blocking(move || of(&shared))
        .await
        .map_err(|error| error.to_string())
        .and_then(|status| status.map_err(|error| error.to_string()))
        .map(Json)
        .map_err(|reason| (StatusCode::INTERNAL_SERVER_ERROR, reason))
}

/// The status as of now.
///
/// # Errors
/// The journal cannot be read.
pub fn of<M: Market>(shared: &Shared<M>) -> Result<Status, JournalError> {
    let totals = shared.journal.totals()?;
    let mut jobs: Vec<Record> = shared.journal.all()?.into_iter().map(|(_, record)| record).collect();
    jobs.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    jobs.truncate(MOST_RECORDS);
    Ok(Status {
        node: shared.node.to_string(),
        slot: shared.board.slot(),
        capacity: (shared.config.concurrent_jobs, shared.capacity.available_permits()),
        backends: shared.engine.backends().into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        totals,
        jobs,
    })
}
