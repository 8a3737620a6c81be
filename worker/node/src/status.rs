//! Status and health over HTTP, on loopback unless told otherwise: read only.

use crate::driver::Shared;
use crate::journal::{Outcome, Record, Stage};
use crate::market::Market;
use crate::service::ServiceError;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
    /// Sums over the journal.
    pub totals: Totals,
    /// All records, newest change first.
    pub jobs: Vec<Record>,
}

/// How many jobs ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Not yet over.
    pub open: u64,
    /// Settled and paid out.
    pub paid: u64,
    /// Taken by others, or gone.
    pub lost: u64,
    /// Refused before any bond was at risk.
    pub skipped: u64,
    /// Claimed and not delivered.
    pub missed: u64,
    /// Base units paid out, over all payment mints.
    pub earned: u64,
}

impl Totals {
    /// Counts records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut totals = Self::default();
        for record in records {
            match &record.stage {
                Stage::Finished(Outcome::Paid { amount }) => {
                    totals.paid += 1;
                    totals.earned = totals.earned.saturating_add(*amount);
                }
                Stage::Finished(Outcome::Lost { .. }) => totals.lost += 1,
                Stage::Finished(Outcome::Skipped(_)) => totals.skipped += 1,
                Stage::Finished(Outcome::Missed { .. }) => totals.missed += 1,
                _ => totals.open += 1,
            }
        }
        totals
    }
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
    let records = shared.journal.all().map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let mut jobs: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
    jobs.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    Ok(Json(Status {
        node: shared.node.to_string(),
        slot: shared.board.slot(),
        capacity: (shared.config.concurrent_jobs, shared.capacity.available_permits()),
        backends: shared.engine.backends().into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        totals: Totals::of(&jobs),
        jobs,
    }))
}
