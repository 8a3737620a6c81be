//! What a running validator says of itself, over HTTP on its status address.

use crate::budget::Standing;
use crate::config::Mode;
use crate::driver::Shared;
use crate::duties::{self, Sums};
use crate::journal::{Audit, Ending, Journal, JournalError, Record};
use crate::metrics::{self, Measured};
use crate::readiness;
use crate::service::ServiceError;
use crate::watching::Market;
use assay_chain::EndpointReport;
use assay_store::ServerOptions;
use assay_telemetry::page;
use assay_telemetry::readiness::Readiness;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
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
#[serde(default)]
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
    /// Challenges that were neither: the job was decided otherwise.
    pub moot: u64,
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
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// Seconds since the process started.
    #[serde(default)]
    pub uptime_seconds: u64,
    /// Whether it takes disputes on, or exactly why not.
    #[serde(default)]
    pub readiness: Readiness,
    /// The key that challenges.
    pub challenger: String,
    /// What it does of its own accord.
    pub mode: Mode,
    /// The latest slot that it saw.
    pub slot: u64,
    /// Milliseconds since then; nothing before the first.
    #[serde(default)]
    pub slot_age_millis: Option<u64>,
    /// Spent, reserved and at risk.
    pub standing: Standing,
    /// Sums over all records.
    pub totals: Totals,
    /// What paid audits came to.
    pub duties: Sums,
    /// How each RPC endpoint is doing, in the order of the settings.
    #[serde(default)]
    pub endpoints: Vec<EndpointReport>,
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
        records.into_iter().for_each(|record| totals.add(record));
        totals
    }

    /// Counts one record more.
    pub fn add(&mut self, record: &Record) {
        match &record.audit {
            Audit::Agreed { .. } => self.agreed += 1,
            Audit::Wrong(_) => self.wrong += 1,
            Audit::Left { .. } => self.left += 1,
            Audit::Pending => {}
        }
        let Some(dispute) = &record.dispute else { return };
        self.fees_lamports = self.fees_lamports.saturating_add(dispute.costs.budgeted_lamports());
        match &record.ending {
            Some(Ending::Won { received }) => {
                self.won += 1;
                self.earned = self.earned.saturating_add(received.saturating_sub(dispute.bond));
            }
            Some(Ending::Lost { .. }) => self.lost += 1,
            Some(Ending::Moot { .. }) => self.moot += 1,
            None => self.open += 1,
            Some(_) => {}
        }
    }

    /// The sums of both.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            agreed: self.agreed.saturating_add(other.agreed),
            wrong: self.wrong.saturating_add(other.wrong),
            left: self.left.saturating_add(other.left),
            won: self.won.saturating_add(other.won),
            lost: self.lost.saturating_add(other.lost),
            moot: self.moot.saturating_add(other.moot),
            open: self.open.saturating_add(other.open),
            earned: self.earned.saturating_add(other.earned),
            fees_lamports: self.fees_lamports.saturating_add(other.fees_lamports),
        }
    }
}

/// Records and sums of a journal.
///
/// # Errors
/// The journal failed.
pub fn recorded(journal: &Journal) -> Result<(Vec<Record>, Totals), JournalError> {
    let mut records: Vec<Record> = journal.newest(LISTED)?.into_iter().map(|(_, record)| record).collect();
    let totals = journal.totals()?;
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
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: shared.meter.uptime().as_secs(),
        readiness: readiness_of(shared)?,
        challenger: shared.terms.me.to_string(),
        mode: shared.config.mode,
        slot: shared.board.slot(),
        slot_age_millis: shared.board.slot_age().map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        standing: shared.journal.standing(&shared.config.budget, shared.today())?,
        totals,
        duties: duties::sums(shared)?,
        endpoints: shared.chain().endpoints(),
        jobs,
        market: shared.board.market(),
    })
}

/// Disputes under way.
pub(crate) fn open_disputes(shared: &Shared) -> Result<u64, JournalError> {
    Ok(Totals::of(shared.journal.live()?.iter().map(|(_, record)| record)).open)
}

/// Whether the validator takes disputes on.
///
/// # Errors
/// The journal failed.
pub fn readiness_of(shared: &Shared) -> Result<Readiness, JournalError> {
    let (config, board) = (&shared.config, &shared.board);
    let standing = shared.journal.standing(&config.budget, shared.today())?;
    Ok(readiness::readiness(config.mode, board.slot(), board.slot_age(), &standing, &config.budget))
}

/// Serves the status, the metrics, and whether the validator lives and is ready, until `stop`.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    let router = Router::new()
        .route("/v1/status", get(status))
        .route("/v1/metrics", get(numbers))
        .route("/metrics", get(numbers))
        .route("/v1/health", get(|| async { "ok" }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(shared);
    let server = assay_store::serve_router(listener, ServerOptions::of_status(), router, stop);
    server.await.map_err(|error| ServiceError::Server(error.to_string()))
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    answer(move || of(&shared).map(|status| Json(status).into_response())).await
}

async fn numbers(State(shared): State<Arc<Shared>>) -> Response {
    answer(move || {
        let status = of(&shared)?;
        let chain = shared.chain();
        let measured = Measured {
            machine: shared.meter.machine(),
            traffic: chain.traffic_of_each(),
            failovers: chain.failovers(),
            paid: chain.paid(),
        };
        Ok(match metrics::of(&status, &shared.meter, &shared.config.budget, &measured) {
            Ok(text) => ([(CONTENT_TYPE, page::CONTENT_TYPE)], text).into_response(),
            Err(error) => failed(error.to_string()),
        })
    })
    .await
}

/// `200` while the validator takes disputes on, else `503`; the body says why in either case.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    answer(move || {
        let readiness = readiness_of(&shared)?;
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok((status, Json(readiness)).into_response())
    })
    .await
}

/// Reading the journal blocks on the disk.
async fn answer(work: impl FnOnce() -> Result<Response, JournalError> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => failed(error.to_string()),
        Err(error) => failed(error.to_string()),
    }
}

fn failed(reason: String) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response()
}
