//! Mode `watch`: what is going on in the market, and what wants attention. Reads only.

use crate::docket::Docket;
use crate::driver::{DriveError, Shared};
use assay::dispute::ChallengeState;
use assay::dispute::clocks::allowance;
use assay::state::{Challenge, Job};
use assay::state_machine::JobState;
use assay_chain::accounts::{ChallengeFilter, JobFilter};
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often everything is read.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Alerts that are kept, the newest ones.
const KEPT_ALERTS: usize = 200;

/// Whose clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The challenger has to reveal, prove or ask on.
    Challenger,
    /// The node, or anybody for it, has to answer.
    Defender,
    /// Who posted an unsigned segment root has to answer.
    Poster,
}

/// A clock that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTime {
    /// Whose it is.
    pub side: Side,
    /// Slots that are left of it.
    pub left_slots: u64,
    /// Slots that it has in all.
    pub length_slots: u64,
}

impl RunningTime {
    /// Whether less than a quarter is left.
    pub fn is_short(&self) -> bool {
        self.left_slots.saturating_mul(4) < self.length_slots
    }
}

/// A result that can be challenged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenJob {
    /// Its address.
    pub job: String,
    /// `committed` or `accepted`.
    pub state: String,
    /// Last slot in which it can be challenged.
    pub last_slot: u64,
}

/// A challenge that is on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenChallenge {
    /// Its address.
    pub challenge: String,
    /// The challenged job.
    pub job: String,
    /// Who challenges.
    pub challenger: String,
    /// Where it is in its life.
    pub state: String,
    /// What is said to be wrong; nothing while it is sealed.
    pub target: Option<String>,
    /// The clock that runs; none once it has ended.
    pub clock: Option<RunningTime>,
}

/// Something that wants attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// `V0801` a new challenge, `V0802` a clock with less than a quarter left, `V0803` a conviction.
    pub code: String,
    /// The slot at which it was seen.
    pub slot: u64,
    /// The job.
    pub job: String,
    /// In words.
    pub words: String,
}

/// What was seen at the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    /// Results that can be challenged.
    pub jobs: Vec<OpenJob>,
    /// Challenges, ended ones too until they are closed.
    pub challenges: Vec<SeenChallenge>,
    /// The newest last.
    pub alerts: Vec<Alert>,
}

/// What was seen so far: each thing is told once.
#[derive(Debug, Default)]
pub struct Watch {
    market: Market,
    challenges: BTreeSet<Pubkey>,
    short: BTreeSet<(Pubkey, Side)>,
    convicted: BTreeSet<Pubkey>,
    has_looked: bool,
}

impl Watch {
    /// What was seen at the last look.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Takes in the jobs of the program and the dockets of those that are challenged; the alerts that are new.
    pub fn observe(&mut self, slot: u64, jobs: &[(Pubkey, Job)], dockets: &[Docket]) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut alert = |code: &str, job: &Pubkey, words: String| {
            alerts.push(Alert { code: code.to_owned(), slot, job: job.to_string(), words });
        };
        let mut market = Market { alerts: std::mem::take(&mut self.market.alerts), ..Market::default() };
        let (mut challenges, mut short, mut convicted) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (address, job) in jobs {
            if job.state.can_be_challenged() {
                market.jobs.push(OpenJob {
                    job: address.to_string(),
                    state: format!("{:?}", job.state).to_lowercase(),
                    last_slot: job.committed_slot.saturating_add(job.window_slots),
                });
            }
            if job.state == JobState::Convicted {
                convicted.insert(*address);
                // What was settled before this process began is history.
                let is_history = !self.has_looked && job.record.settled;
                if !self.convicted.contains(address) && !is_history {
                    alert("V0803", address, format!("the result is convicted: {:?}", job.record.fault));
                }
            }
        }
        for docket in dockets {
            let Some(job) = &docket.job else { continue };
            for (address, challenge) in &docket.challenges {
                let clock = running(docket, job, challenge);
                let by = challenge.challenger;
                challenges.insert(*address);
                if !self.challenges.contains(address) && !challenge.state.is_end() {
                    alert("V0801", &docket.address, format!("challenge {address} by {by}"));
                }
                if let Some(RunningTime { side, left_slots, length_slots }) = clock.filter(RunningTime::is_short) {
                    short.insert((*address, side));
                    if !self.short.contains(&(*address, side)) {
                        let side = format!("{side:?}").to_lowercase();
                        let words = format!("challenge {address}: {left_slots} of {length_slots} slots left ({side})");
                        alert("V0802", &docket.address, words);
                    }
                }
                let target = challenge.target;
                let is_sealed = challenge.revealed_slot == 0;
                market.challenges.push(SeenChallenge {
                    challenge: address.to_string(),
                    job: docket.address.to_string(),
                    challenger: by.to_string(),
                    state: format!("{:?}", challenge.state).to_lowercase(),
                    target: (!is_sealed).then(|| format!("{:?} {}", target.kind, target.index).to_lowercase()),
                    clock,
                });
            }
        }
        market.jobs.sort_by_key(|job| job.last_slot);
        market.alerts.extend(alerts.iter().cloned());
        let surplus = market.alerts.len().saturating_sub(KEPT_ALERTS);
        market.alerts.drain(..surplus);
        *self = Self { market, challenges, short, convicted, has_looked: true };
        alerts
    }
}

/// The clock that runs in a challenge.
fn running(docket: &Docket, job: &Job, challenge: &Challenge) -> Option<RunningTime> {
    let terms = &job.dispute;
    let until = |last: u64| last.saturating_sub(docket.slot);
    let (side, left_slots, length) = match challenge.state {
        ChallengeState::Sealed => {
            let left = until(challenge.reveal_deadline(terms).ok()?.last().0);
            (Side::Challenger, left, allowance(terms.reveal_slots, challenge.reveal_extended))
        }
        ChallengeState::Revealed if job.record.convicted_slot > 0 => {
            let convicted = assay::units::Slot(job.record.convicted_slot);
            let last = challenge.proof_deadline(terms, convicted).ok()?.last();
            (Side::Challenger, until(last.0), last.since(convicted))
        }
        ChallengeState::Revealed if docket.is_challengers_turn(challenge) => {
            let length = allowance(terms.challenger_clock_slots, challenge.clocks.challenger_extended);
            (Side::Challenger, docket.challenger_slots_left(challenge, job), length)
        }
        ChallengeState::Revealed if challenge.clocks.poster_answers => {
            let claim = docket.claims.get(&docket.demands.get(&challenge.clocks.demand)?.claim)?;
            let length = allowance(terms.defender_clock_slots, claim.clock.extended);
            let used = claim.clock.used_slots.saturating_add(docket.slot.saturating_sub(claim.clock.since_slot));
            (Side::Poster, length.0.saturating_sub(used), length)
        }
        ChallengeState::Revealed => {
            let length = allowance(terms.defender_clock_slots, challenge.clocks.defender_extended);
            (Side::Defender, docket.defender_slots_left(challenge, job), length)
        }
        _ => return None,
    };
    Some(RunningTime { side, left_slots, length_slots: length.0 })
}

/// Looks until `cancel`. Nothing is signed, sent or written down.
pub(crate) async fn run(shared: Arc<Shared>, cancel: CancellationToken) {
    let mut watch = Watch::default();
    while !cancel.is_cancelled() {
        match look(&shared, &mut watch).await {
            Ok(()) => shared.board.show(watch.market().clone()),
            Err(error) => tracing::warn!(%error, "the watch goes on after a pause"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            () = cancel.cancelled() => {}
        }
    }
}

async fn look(shared: &Shared, watch: &mut Watch) -> Result<(), DriveError> {
    let chain = shared.chain();
    let jobs = chain.jobs_at(JobFilter::default(), 0).await?;
    let challenges = chain.challenges_at(ChallengeFilter::default(), jobs.slot).await?.value;
    let challenged: BTreeSet<Pubkey> = challenges.iter().map(|(_, challenge)| challenge.job).collect();
    let mut dockets = Vec::with_capacity(challenged.len());
    for job in &challenged {
        dockets.push(Docket::read(chain, job, None, jobs.slot).await?);
    }
    for Alert { code, job, words, .. } in watch.observe(jobs.slot, &jobs.value, &dockets) {
        tracing::warn!(code, job, "{words}");
    }
    Ok(())
}
