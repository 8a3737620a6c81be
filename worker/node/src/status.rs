//! Status and health over HTTP, on loopback unless told otherwise: read only.

use crate::breaker::Report;
use crate::defence::alarm::Conviction;
use crate::defence::reserve::Funds;
use crate::driver::Shared;
use crate::engine::AdapterReport;
use crate::journal::{JournalError, Record, SessionRecord, Stage};
use crate::market::Market;
use crate::meter::Standing;
use crate::metrics::Measured;
use crate::readiness::Facts;
use crate::service::ServiceError;
use crate::settings::SettingsReport;
pub use crate::totals::{SessionTotals, Totals};
use assay_chain::EndpointReport;
use assay_store::ServerOptions;
use assay_telemetry::page;
use assay_telemetry::readiness::Readiness;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Records that one status lists.
pub const MOST_RECORDS: usize = 1_000;

/// What `assay node status` shows of a running node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Address of the node account, base58.
    pub node: String,
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// Seconds since the process started.
    #[serde(default)]
    pub uptime_seconds: u64,
    /// Whether it takes jobs, or exactly why not.
    #[serde(default)]
    pub readiness: Readiness,
    /// Whether it is to end, and takes nothing new.
    #[serde(default)]
    pub is_draining: bool,
    /// Slot that the node last saw.
    pub slot: u64,
    /// Milliseconds since then; nothing before the first.
    #[serde(default)]
    pub slot_age_millis: Option<u64>,
    /// What its own account said when it was last read.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// Results that are committed and can still be challenged.
    #[serde(default)]
    pub windows_open: u64,
    /// Results that are not in the mirror yet.
    #[serde(default)]
    pub mirror_waiting: u64,
    /// Places for jobs, and how many are free.
    pub capacity: (usize, usize),
    /// Name and description of each backend, in order of preference.
    pub backends: Vec<(String, String)>,
    /// Every adapter, in order of preference, those that are not trusted too.
    #[serde(default)]
    pub adapters: Vec<AdapterReport>,
    /// Bytes of artifacts and results in the node's store, as last counted.
    #[serde(default)]
    pub store_bytes: Option<u64>,
    /// How all jobs ended.
    pub totals: Totals,
    /// Disputes that are open at present.
    #[serde(default)]
    pub disputes: OpenDisputes,
    /// Lamports of the operator key, and what the defence of the open jobs can take.
    #[serde(default)]
    pub funds: Funds,
    /// What stops claims before much is lost.
    #[serde(default)]
    pub breaker: Report,
    /// How each RPC endpoint is doing, in the order of the settings.
    #[serde(default)]
    pub endpoints: Vec<EndpointReport>,
    /// What became of the last changes of the settings.
    #[serde(default)]
    pub settings: SettingsReport,
    /// Why the node claims no more, if that is so.
    #[serde(default)]
    pub conviction: Option<Conviction>,
    /// Sums over all sessions.
    #[serde(default)]
    pub session_totals: SessionTotals,
    /// The records of sessions that changed last, newest first; at most [`MOST_RECORDS`].
    #[serde(default)]
    pub sessions: Vec<SessionRecord>,
    /// The records that changed last, newest first; at most [`MOST_RECORDS`].
    pub jobs: Vec<Record>,
}

/// Disputes over results of this node that are not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenDisputes {
    /// Jobs that are challenged.
    pub jobs: u64,
    /// Challenges that have not ended.
    pub challenges: u64,
    /// Base units of the stake mint: bonds of those jobs, which a conviction takes.
    pub bonds_at_risk: u64,
    /// Slot by which the next answer is due, if one is.
    pub next_answer_slot: Option<u64>,
    /// Lamports that lie as rent in accounts which this node opened for disputes.
    pub rent_lamports: u64,
}

impl OpenDisputes {
    /// What is open in these records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut open = Self::default();
        for log in records.into_iter().filter_map(|record| record.dispute.as_ref()) {
            open.rent_lamports = open.rent_lamports.saturating_add(log.rent_lamports);
            if log.open == 0 {
                continue;
            }
            open.jobs += 1;
            open.challenges += u64::from(log.open);
            open.bonds_at_risk = open.bonds_at_risk.saturating_add(log.bond);
            open.next_answer_slot = [open.next_answer_slot, log.until_slot].into_iter().flatten().min();
        }
        open
    }
}

/// Serves `GET /v1/status`, the metrics, and whether the node lives and is ready, until `stop`.
pub(crate) async fn serve<M: Market>(
    shared: Arc<Shared<M>>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    let router = Router::new()
        .route("/v1/status", get(status::<M>))
        .route("/v1/metrics", get(metrics::<M>))
        .route("/metrics", get(metrics::<M>))
        .route("/v1/health", get(|| async { "ok" }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready::<M>))
        .with_state(shared);
    assay_store::serve_router(listener, ServerOptions::of_status(), router, stop)
        .await
        .map_err(|error| ServiceError::Server(error.to_string()))
}

async fn status<M: Market>(State(shared): State<Arc<Shared<M>>>) -> Result<Json<Status>, (StatusCode, String)> {
    now(shared).await.map(Json)
}

async fn metrics<M: Market>(
    State(shared): State<Arc<Shared<M>>>,
) -> Result<([(HeaderName, &'static str); 1], String), (StatusCode, String)> {
    let status = now(Arc::clone(&shared)).await?;
    let failed = |error: String| (StatusCode::INTERNAL_SERVER_ERROR, error);
    let text = tokio::task::spawn_blocking(move || {
        let measured = Measured { machine: shared.meter.machine(), rpc: shared.market.rpc() };
        crate::metrics::of(&status, &shared.meter, &measured)
    });
    let text = text.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
    Ok(([(CONTENT_TYPE, page::CONTENT_TYPE)], text))
}

/// `200` while the node takes jobs, else `503`; the body says why in either case.
async fn ready<M: Market>(State(shared): State<Arc<Shared<M>>>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&shared);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Whether the node takes jobs.
pub fn readiness<M: Market>(shared: &Shared<M>) -> Readiness {
    let (slot, funds, conviction) = (shared.board.slot(), shared.reserve.funds(), shared.alarm.conviction());
    let due = shared.alarm.low(slot, shared.config.now().disputes.low_clock_slots);
    let breaker = shared.breaker_report();
    let facts = Facts {
        slot,
        slot_age: shared.board.slot_age(),
        standing: shared.meter.standing(),
        funds: Some(&funds),
        conviction: conviction.as_ref(),
        is_draining: shared.leaving.is_under_way(),
        full_store: shared.publisher.keeper.counted().map(|stored| (stored, shared.config.now().retention.most_bytes)),
        answer_due: due.map(|(job, until_slot)| (job.to_string(), until_slot)),
        breaker: Some(&breaker),
    };
    facts.readiness()
}

async fn now<M: Market>(shared: Arc<Shared<M>>) -> Result<Status, (StatusCode, String)> {
    // Reading the journal blocks on the disk.
    tokio::task::spawn_blocking(move || of(&shared))
        .await
        .map_err(|error| error.to_string())
        .and_then(|status| status.map_err(|error| error.to_string()))
        .map_err(|reason| (StatusCode::INTERNAL_SERVER_ERROR, reason))
}

/// The status as of now.
///
/// # Errors
/// The journal cannot be read.
pub fn of<M: Market>(shared: &Shared<M>) -> Result<Status, JournalError> {
    let totals = shared.journal.totals()?;
    let mut jobs: Vec<Record> = shared.journal.newest(MOST_RECORDS)?.into_iter().map(|(_, record)| record).collect();
    jobs.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    let disputes = OpenDisputes::of(&jobs);
    let windows_open = jobs.iter().filter(|record| matches!(record.stage, Stage::Committed(_))).count() as u64;
    jobs.truncate(MOST_RECORDS);
    let sessions = shared.journal.newest_sessions(MOST_RECORDS)?;
    let mut sessions: Vec<SessionRecord> = sessions.into_iter().map(|(_, record)| record).collect();
    sessions.sort_by_key(|record| std::cmp::Reverse(record.last_slot));
    sessions.truncate(MOST_RECORDS);
    Ok(Status {
        node: shared.node.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: shared.meter.uptime().as_secs(),
        readiness: readiness(shared),
        is_draining: shared.leaving.is_under_way(),
        slot: shared.board.slot(),
        slot_age_millis: shared.board.slot_age().map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        standing: shared.meter.standing(),
        windows_open,
        mirror_waiting: shared.publisher.mirror.as_ref().map_or(0, |mirror| mirror.waiting() as u64),
        capacity: (shared.config.now().concurrent_jobs, shared.capacity.available_permits()),
        backends: shared.engine.backends().into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        adapters: shared.engine.adapters(),
        store_bytes: shared.publisher.keeper.counted(),
        totals,
        disputes,
        funds: shared.reserve.funds(),
        breaker: shared.breaker_report(),
        endpoints: shared.market.rpc().endpoints,
        settings: shared.config.report(),
        conviction: shared.alarm.conviction(),
        session_totals: shared.journal.session_totals()?,
        sessions,
        jobs,
    })
}
