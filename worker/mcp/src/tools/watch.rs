//! `watch`: waits for a job, for a bounded time, with notifications of progress.

use super::{Call, Effect, tool};
use crate::error::Refusal;
use crate::offer::address;
use crate::view::{JobView, state};
use assay::state::Job;
use assay::units::Slot;
use assay_client::ClientError;
use rmcp::model::{ProgressNotificationParam, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::time::{Duration, Instant};

/// How often a job is looked at; a slot takes 400 milliseconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(400);
/// How long a job may be unknown: an endpoint may lag behind the one through which it was posted.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(5);
/// How often progress is reported while nothing changes.
const QUIET_INTERVAL: Duration = Duration::from_secs(2);
/// How long a call waits unless it says otherwise, in seconds.
const STANDARD_WAIT_SECONDS: u64 = 30;

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Until {
    /// A node has claimed the job.
    Claimed,
    /// A result is committed: it can be fetched and verified.
    Committed,
    /// The job has ended, one way or the other.
    #[default]
    Ended,
}

impl Until {
    fn is_reached(self, job: &Job) -> bool {
        // What has ended comes no further.
        job.state.is_end()
            || match self {
                Self::Claimed => job.claimed_slot != 0,
                Self::Committed => job.committed_slot != 0,
                Self::Ended => false,
            }
    }
}

/// What is to be watched.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Address of the job
    job: String,
    /// What to wait for [default: ended]
    #[serde(default)]
    until: Until,
    /// How long to wait at most; 0 looks once [default: 30]
    #[serde(default)]
    wait_seconds: Option<u64>,
}

/// What was seen.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Watched {
    /// The job as it was seen last
    job: JobView,
    /// Whether what was waited for has happened, or the job has ended otherwise
    is_reached: bool,
    /// Whether its account was closed while it was watched: then `job` is how it was seen last
    is_closed: bool,
    /// The slot as of which it was seen
    slot: u64,
    /// How long this call has waited
    waited_milliseconds: u64,
}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Watched>(
        "watch",
        "Watch a job",
        Effect::Reads,
        "Waits until a job is claimed, has a committed result, or has ended, for a bounded time; call it again to wait longer. Reports \
         progress if the request has a progress token. Sends nothing: a job whose deadline has passed is ended by its node, by \
         anybody, or by `reclaim`.",
    )
}

pub(super) async fn watch(call: &Call, arguments: Arguments) -> Result<Watched, Refusal> {
    let most = call.context.limits.max_wait;
    let wait = match arguments.wait_seconds {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::from_secs(STANDARD_WAIT_SECONDS).min(most),
    };
    if wait > most {
        let text = format!("`wait_seconds` is at most {} on this server; wait shorter, and call again", most.as_secs());
        return Err(Refusal::new("Y0105", text));
    }
    let address = address("job", &arguments.job)?;
    let begun = Instant::now();
    let mut reporter = Reporter::new(wait);
    let mut last: Option<(u64, Job)> = None;
    loop {
        let slot = call.context.chain.slot().await?;
        match call.context.chain.find_job(&address).await? {
            Some(job) => {
                reporter.report(call, slot, &job, begun.elapsed()).await;
                let is_reached = arguments.until.is_reached(&job);
                if is_reached || begun.elapsed() >= wait {
                    return Ok(watched(&address, &job, slot, is_reached, false, begun));
                }
                last = Some((slot, job));
            }
            None => match last {
                // Only an ended job is closed.
                Some((_, job)) => return Ok(watched(&address, &job, slot, true, true, begun)),
                None if begun.elapsed() >= wait.min(UNKNOWN_PATIENCE) => {
                    return Err(ClientError::NoJob { job: address }.into());
                }
                None => {}
            },
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn watched(address: &Pubkey, job: &Job, slot: u64, is_reached: bool, is_closed: bool, begun: Instant) -> Watched {
    Watched {
        job: JobView::of(address, job),
        is_reached,
        is_closed,
        slot,
        waited_milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// Reports progress: at once when the state changes, else now and then.
struct Reporter {
    wait: Duration,
    reported: Option<(String, Duration)>,
}

impl Reporter {
    fn new(wait: Duration) -> Self {
        Self { wait, reported: None }
    }

    /// What is to be said at this moment, if anything.
    fn due(&mut self, slot: u64, job: &Job, elapsed: Duration) -> Option<String> {
        let now = state(job);
        let is_news = match &self.reported {
            None => true,
            Some((before, at)) => *before != now || elapsed.saturating_sub(*at) >= QUIET_INTERVAL,
        };
        if !is_news {
            return None;
        }
        let price = match job.claimed_slot {
            0 => job.price_at(Slot(slot)).map_or(job.price_max, |price| price.0),
            _ => job.price,
        };
        let said = format!("slot {slot}: {now}, price {price} base units");
        self.reported = Some((now, elapsed));
        Some(said)
    }

    async fn report(&mut self, call: &Call, slot: u64, job: &Job, elapsed: Duration) {
        let Some(token) = call.request.meta.get_progress_token() else { return };
        let Some(message) = self.due(slot, job, elapsed) else { return };
        let progress = ProgressNotificationParam::new(token, elapsed.as_secs_f64())
            .with_total(self.wait.as_secs_f64())
            .with_message(message);
        if let Err(error) = call.request.peer.notify_progress(progress).await {
            tracing::debug!(%error, "nobody hears of the progress");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state_machine::JobState;

    #[test]
    fn an_end_reaches_everything_and_a_state_what_it_means() {
        let posted = Job::default();
        let claimed = Job { state: JobState::Claimed, claimed_slot: 5, ..Job::default() };
        let committed = Job { state: JobState::Committed, committed_slot: 6, ..claimed.clone() };
        let expired = Job { state: JobState::Expired, ..Job::default() };
        for (until, reached) in [
            (Until::Claimed, [false, true, true, true]),
            (Until::Committed, [false, false, true, true]),
            (Until::Ended, [false, false, false, true]),
        ] {
            assert_eq!(
                [&posted, &claimed, &committed, &expired].map(|job| until.is_reached(job)),
                reached,
                "{until:?}"
            );
        }
    }

    #[test]
    fn changes_are_reported_at_once_and_quiet_now_and_then() {
        let mut reporter = Reporter::new(Duration::from_secs(9));
        let job = Job { price_min: 3, price_max: 3, ..Job::default() };
        let seconds = Duration::from_secs_f64;
        assert_eq!(reporter.due(7, &job, seconds(0.0)).as_deref(), Some("slot 7: posted, price 3 base units"));
        assert_eq!(reporter.due(8, &job, seconds(1.9)), None);
        assert!(reporter.due(9, &job, seconds(2.0)).is_some());
        let claimed = Job { state: JobState::Claimed, claimed_slot: 9, price: 2, ..job };
        assert_eq!(reporter.due(9, &claimed, seconds(2.1)).as_deref(), Some("slot 9: claimed, price 2 base units"));
    }
}
