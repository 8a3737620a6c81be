//! What a running validator says of itself, over HTTP on its status address.

use crate::budget::Standing;
use crate::config::Mode;
use crate::driver::{Shared, today};
use crate::duties::{self, Sums};
use crate::journal::{Audit, Ending, Journal, JournalError, Record};
use crate::service::ServiceError;
use crate::watching::Market;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Records that an answer lists at most, the newest first; open ones are always among them.
const LISTED: usize = 200;

/// Sums over all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Jobs replayed and found right.
    pub agreed: u64,
    /// Jobs found wrong.
    pub wrong: u64,
    /// Jobs left to others.
    pub left: u64,
    /// Challenges that won.
    pub won: u64,
    /// Challenges that were lost.
    pub lost: u64,
    /// Disputes under way.
    pub open: u64,
    /// Base units of the stake mint earned: what came back beyond the bonds.
    pub earned: u64,
    /// Lamports of fees promised for disputes.
    pub fees_lamports: u64,
}

/// What a validator says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The key that challenges.
    pub challenger: String,
    /// What it does of its own accord.
    pub mode: Mode,
    /// The latest slot that it saw.
    pub slot: u64,
    /// Spent, reserved and at risk.
    pub standing: Standing,
    /// Sums over all records.
    pub totals: Totals,
    /// What paid audits came to.
    pub duties: Sums,
    /// The newest records.
    pub jobs: Vec<Record>,
    /// What mode `watch` sees; nothing in other modes.
    #[serde(default)]
    pub market: Option<Market>,
}

impl Totals {
    /// Sums over records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut totals = Self::default();
        for record in records {
            match &record.audit {
                Audit::Agreed { .. } => totals.agreed += 1,
                Audit::Wrong(_) => totals.wrong += 1,
                Audit::Left { .. } => totals.left += 1,
                Audit::Pending => {}
            }
            let Some(dispute) = &record.dispute else { continue };
            totals.fees_lamports = totals.fees_lamports.saturating_add(dispute.costs.budgeted_lamports());
            match &record.ending {
                Some(Ending::Won { received }) => {
                    totals.won += 1;
                    totals.earned = totals.earned.saturating_add(received.saturating_sub(dispute.bond));
                }
                Some(Ending::Lost { .. }) => totals.lost += 1,
                None => totals.open += 1,
                Some(_) => {}
            }
        }
        totals
    }
}

/// Records and sums of a journal.
///
/// # Errors
/// The journal failed.
pub fn recorded(journal: &Journal) -> Result<(Vec<Record>, Totals), JournalError> {
    let mut records: Vec<Record> = journal.all()?.into_iter().map(|(_, record)| record).collect();
    let totals = Totals::of(&records);
    records.sort_by_key(|record| (record.ending.is_some(), std::cmp::Reverse(record.last_slot)));
    records.truncate(LISTED);
    Ok((records, totals))
}

/// What this validator says of itself now.
///
/// # Errors
/// The journal failed.
pub fn of(shared: &Shared) -> Result<Status, JournalError> {
    let (jobs, totals) = recorded(&shared.journal)?;
    Ok(Status {
        challenger: shared.terms.me.to_string(),
        mode: shared.config.mode,
        slot: shared.board.slot(),
        standing: shared.journal.standing(&shared.config.budget, today())?,
        totals,
        duties: duties::sums(shared)?,
        jobs,
        market: shared.board.market(),
    })
}

/// Disputes under way.
pub(crate) fn open_disputes(shared: &Shared) -> Result<u64, JournalError> {
    Ok(Totals::of(shared.journal.all()?.iter().map(|(_, record)| record)).open)
}

/// Serves `/v1/status` and `/v1/health` until `stop`.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    let router =
        Router::new().route("/v1/status", get(status)).route("/v1/health", get(|| async { "ok" })).with_state(shared);
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    server.await.map_err(|error| ServiceError::Server(error.to_string()))
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    match of(&shared) {
        Ok(status) => Json(status).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
