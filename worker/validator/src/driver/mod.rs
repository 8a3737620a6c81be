//! Takes one job from first sight to its end. Every decision is [`next_step`]'s; this carries it out.
//!
//! | module | what it is |
//! |---|---|
//! | `inspection` | replaying, comparing, and what can be proved |
//! | `promise` | transactions: written down, sent, and what became of them |
//! | `upload` | a proof into a buffer, in parallel pieces |

mod inspection;
mod promise;
pub(crate) mod upload;

use crate::board::Board;
use crate::budget::{OverBudget, day_of};
use crate::config::ValidatorConfig;
use crate::docket::Docket;
use crate::evidence::{Comparison, OwnTrace, Replay, ReplayError, Sources};
use crate::failpoint;
use crate::journal::{Audit, Dispute, Ending, Journal, JournalError, Record, Verdict};
use crate::meter::Meter;
use crate::steps::{Step, Terms, UNTIL_CHANGE, next_step};
use assay::dispute::{ChallengeState, seal};
use assay::state::Job;
use assay_chain::instructions::TokenMint;
use assay_chain::{Chain, ChainError, Sender};
use assay_store::ArtifactUri;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// What all drivers of a validator share.
pub struct Shared {
    /// Settings.
    pub config: ValidatorConfig,
    /// What decides besides accounts and records.
    pub terms: Terms,
    /// The key that challenges and pays.
    pub key: Keypair,
    /// Sends.
    pub sender: Sender,
    /// What was found, sealed and spent.
    pub journal: Journal,
    /// Gathers evidence.
    pub sources: Sources,
    /// Slots and bells.
    pub board: Board,
    /// What is timed.
    pub meter: Meter,
    /// One permit for each replay under way.
    pub replays: Arc<Semaphore>,
    /// Genesis hash of the chain, as the network pins it.
    pub genesis_hash: [u8; 32],
    /// What bonds are paid in.
    pub stake_mint: TokenMint,
    /// Decides which jobs are replayed.
    pub selection_secret: [u8; 32],
    /// The chain's slot when the validator started: before the watcher has told one.
    pub first_slot: u64,
    /// Held while a dispute is begun, so that two do not count on the same money.
    pub purse: Mutex<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of every log.
        f.debug_struct("Shared").field("challenger", &self.terms.me).finish_non_exhaustive()
    }
}

impl Shared {
    /// The chain.
    pub fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// The day by which fees are counted.
    pub(crate) fn today(&self) -> u64 {
        day_of(self.board.slot().max(self.first_slot))
    }

    /// Sends what is legal whenever it arrives and belongs to no dispute of ours; its fee is written down first.
    ///
    /// # Errors
    /// The day's budget is used up, or the program refuses.
    pub(crate) async fn send_within_budget(&self, instructions: &[Instruction]) -> Result<(), DriveError> {
        let priority = self.sender.options().priority_fee.most_lamports();
        let (budget, fee) = (&self.config.budget, promise::LAMPORTS_PER_SIGNATURE.saturating_add(priority));
        let today = self.today();
        let standing = self.journal.standing(budget, today)?;
        let taken = standing.spent_today.saturating_add(standing.reserved);
        if taken.saturating_add(fee) > budget.max_fees_lamports_per_day {
            let over = OverBudget::Day {
                spent: standing.spent_today,
                reserved: standing.reserved,
                needed: fee,
                limit: budget.max_fees_lamports_per_day,
            };
            return Err(over.into());
        }
        self.journal.add_fees(today, fee)?;
        match self.sender.execute(instructions, &[&self.key]).await {
            Ok(_) => Ok(()),
            Err(ChainError::TransactionFailed(failure)) => Err(promise::refused(&failure)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Why a driver gave up for now; it tries again after a pause.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal failed: without it nothing may be promised.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain does not answer.
    #[error("V0501 {0}")]
    Chain(ChainError),
    /// The replay failed for a passing reason.
    #[error(transparent)]
    Replay(ReplayError),
    /// The validator's own store failed.
    #[error("V0502 the validator's store failed: {0}")]
    Store(String),
    /// A budget stands in the way.
    #[error(transparent)]
    Budget(#[from] OverBudget),
    /// The program refused what the chain's state seemed to allow.
    #[error("V0503 refused: {code} {reason}")]
    Refused {
        /// Stable code, if the program gave one.
        code: String,
        /// In words.
        reason: String,
    },
    /// Nothing can be proved or demanded at present.
    #[error("{code} {reason}")]
    Stuck {
        /// Stable code.
        code: String,
        /// Why.
        reason: String,
    },
}

impl From<ChainError> for DriveError {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

/// What is known only as long as the process lives.
#[derive(Debug, Default)]
struct Memory {
    /// The replay and what comparing it came to.
    replayed: Option<Arc<Replay>>,
    comparison: Option<Comparison>,
    /// The own trace of the segment whose openings are forced.
    own_trace: Option<OwnTrace>,
    /// Bytes of the prepared proof.
    proof: Option<Vec<u8>>,
    failures: u32,
}

/// One job in work.
#[derive(Debug)]
pub struct Driver {
    shared: Arc<Shared>,
    address: Pubkey,
    bell: Arc<Notify>,
    /// Slot of the last look.
    looked: u64,
    memory: Memory,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.board.forget(&self.address);
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A clock may be running: no longer pause than this.
const LONGEST_PAUSE_IN_DISPUTE: Duration = Duration::from_secs(1);
/// How often the accounts of a dispute are read while nothing is known to change: others' moves do not touch the job.
const LOOK_INTERVAL_IN_DISPUTE: Duration = Duration::from_millis(400);
/// The same where only the job itself matters, whose changes the watcher tells.
const LOOK_INTERVAL: Duration = Duration::from_secs(15);
/// The same for a result that is right, where nothing is left but a second signed root, whose recording the vigil tells.
const LOOK_INTERVAL_WHERE_RIGHT: Duration = Duration::from_secs(60);

/// What a turn came to.
enum Turn {
    Again,
    Wait(u64),
    Over,
}

impl Driver {
    /// A driver for the job; it does nothing yet.
    pub fn new(shared: Arc<Shared>, address: Pubkey, seen_slot: u64) -> Self {
        let bell = shared.board.listen(&address);
        Self { shared, address, bell, looked: seen_slot, memory: Memory::default() }
    }

    /// Works until nothing is left to do, or until `cancel`: then between two steps. What is promised is in the journal
    /// and goes on after the next start. Returns the slot of the last look.
    ///
    /// # Errors
    /// The journal failed.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<u64, JournalError> {
        while !cancel.is_cancelled() {
            match self.turn().await {
                Ok(Turn::Over) => break,
                Ok(Turn::Again) => self.memory.failures = 0,
                Ok(Turn::Wait(until)) => {
                    self.memory.failures = 0;
                    self.wait(until, &cancel).await?;
                }
                Err(DriveError::Journal(error)) => return Err(error),
                Err(error) => {
                    self.memory.failures = self.memory.failures.saturating_add(1);
                    let pause = pause_after(self.memory.failures, self.in_dispute()?);
                    tracing::warn!(job = %self.address, %error, ?pause, "trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = cancel.cancelled() => {}
                    }
                }
            }
        }
        Ok(self.looked)
    }

    async fn wait(&self, until: u64, cancel: &CancellationToken) -> Result<(), JournalError> {
        let record = self.shared.journal.get(&self.address)?;
        let longest = match record {
            Some(record) if is_in_dispute(&record) => LOOK_INTERVAL_IN_DISPUTE,
            Some(Record { audit: Audit::Agreed { .. }, .. }) => LOOK_INTERVAL_WHERE_RIGHT,
            _ => LOOK_INTERVAL,
        };
        tokio::select! {
            () = self.bell.notified() => {}
            () = self.shared.board.reached(until), if until != UNTIL_CHANGE => {}
            () = tokio::time::sleep(longest) => {}
            () = cancel.cancelled() => {}
        }
        Ok(())
    }

    async fn turn(&mut self) -> Result<Turn, DriveError> {
        let mut record = self.record()?;
        self.keep_roots(&mut record)?;
        let docket = self.look(&record).await?;
        self.note(&docket, &mut record)?;
        if self.memory.proof.is_none() {
            self.memory.proof = self.stored_proof(&record).await;
        }
        let step = next_step(&docket, &record, self.memory.proof.as_deref(), &self.shared.terms);
        tracing::debug!(job = %self.address, slot = docket.slot, ?step, "step");
        match step {
            Step::InFlight(_) => self.resolve().await?,
            Step::Replay => self.inspect(&docket, record).await?,
            Step::AskAgain => self.ask_again(&docket, record).await?,
            Step::Accuse(equivocation) => self.accuse(&docket, record, &equivocation).await?,
            Step::Seal => self.seal(&docket, record).await?,
            Step::Make(wanted) => self.make(&docket, record, &wanted).await?,
            Step::Prepare => self.prepare(&docket, record).await?,
            Step::Upload => {
                if let Some(proof) = self.memory.proof.clone() {
                    self.upload(&docket, record, &proof).await?;
                }
            }
            Step::CloseBuffer => self.close_buffer(record).await?,
            Step::Wait { until } => return Ok(Turn::Wait(until)),
            Step::Finish(ending) => self.finish(record, ending)?,
            Step::Done => return Ok(Turn::Over),
        }
        Ok(Turn::Again)
    }

    /// Reads all accounts of the dispute, at a slot not before the last look.
    async fn look(&mut self, record: &Record) -> Result<Docket, DriveError> {
        let own = record.dispute.as_ref().map(|dispute| (self.shared.terms.me, dispute.buffer));
        let docket = Docket::read(self.shared.chain(), &self.address, own, self.looked).await?;
        self.looked = self.looked.max(docket.slot);
        Ok(docket)
    }

    /// Writes down what the accounts tell and the closing would take away.
    fn note(&self, docket: &Docket, record: &mut Record) -> Result<(), JournalError> {
        let (Some(dispute), Some((_, challenge))) = (&mut record.dispute, docket.challenge_of(&self.shared.terms.me))
        else {
            return Ok(());
        };
        let result = match challenge.state {
            ChallengeState::Sealed | ChallengeState::Revealed => None,
            ChallengeState::Won => Some(Verdict::Won),
            ChallengeState::Lost => Some(Verdict::Lost),
            ChallengeState::Moot => Some(Verdict::Moot),
        };
        let owed = challenge.bond.saturating_add(challenge.earned).saturating_add(docket.expected_share(challenge));
        let owed = if result.is_some() { owed } else { 0 };
        if dispute.committed && dispute.result == result && dispute.received == owed {
            return Ok(());
        }
        if dispute.result != result {
            tracing::info!(job = %self.address, ?result, "the challenge is decided");
        }
        (dispute.committed, dispute.result, dispute.received) = (true, result, owed);
        self.save(record)
    }

    /// Chooses a salt, reserves the money, and writes both down.
    async fn seal(&mut self, docket: &Docket, mut record: Record) -> Result<(), DriveError> {
        let (Some(job), Audit::Wrong(wrong)) = (&docket.job, &record.audit) else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        let _purse = shared.purse.lock().await;
        let bond = job.dispute.challenge_bond;
        let standing = self.shared.journal.standing(&self.shared.config.budget, self.shared.today())?;
        if let Err(over) = self.shared.config.budget.check_new_dispute(&standing, bond) {
            tracing::error!(job = %self.address, %over, finding = wrong.words, "a wrong result is NOT challenged");
            return self.finish(record, refused_by(&over.to_string()));
        }
        let me = self.shared.terms.me;
        let held = self.shared.chain().token_balance(&self.shared.stake_mint.associated_account(&me)).await?;
        if held.unwrap_or(0) < bond {
            let text = format!(
                "V0304 the bond is {bond} base units of the stake mint and {me} holds {}; send it more",
                held.unwrap_or(0)
            );
            tracing::error!(job = %self.address, text, finding = wrong.words, "a wrong result is NOT challenged");
            return self.finish(record, refused_by(&text));
        }
        let salt: [u8; 32] = rand::random();
        let target = crate::steps::target_of(wrong.target);
        record.dispute = Some(Dispute {
            challenger: me.to_string(),
            salt,
            sealed: seal(&me, &self.address, target, &wrong.own_hash, &salt),
            bond,
            buffer: rand::random(),
            artifacts: artifacts_of(job),
            sealed_slot: docket.slot,
            sealed_at: now(),
            last_at: now(),
            committed: false,
            result: None,
            received: 0,
            costs: crate::journal::Costs::default(),
        });
        self.save(&mut record)?;
        failpoint::reach("after_seal");
        Ok(())
    }

    fn finish(&mut self, mut record: Record, ending: Ending) -> Result<(), DriveError> {
        match &ending {
            Ending::Nothing => tracing::debug!(job = %self.address, audit = ?record.audit, "nothing to challenge"),
            ending => tracing::info!(job = %self.address, ?ending, "job over"),
        }
        self.memory = Memory::default();
        record.ending = Some(ending);
        Ok(self.save(&mut record)?)
    }

    fn record(&self) -> Result<Record, JournalError> {
        let known = self.shared.journal.get(&self.address)?;
        Ok(known.unwrap_or_else(|| Record::new(&self.address, self.looked)))
    }

    fn save(&self, record: &mut Record) -> Result<(), JournalError> {
        record.last_slot = record.last_slot.max(self.looked);
        self.shared.journal.put(&self.address, record)
    }

    fn in_dispute(&self) -> Result<bool, JournalError> {
        let record = self.shared.journal.get(&self.address)?;
        Ok(record.as_ref().is_some_and(is_in_dispute))
    }
}

fn is_in_dispute(record: &Record) -> bool {
    record.dispute.is_some() && record.ending.is_none()
}

/// The artifacts that a job's replay reads, hex.
fn artifacts_of(job: &Job) -> Vec<String> {
    let uris = [&job.graph_uri, &job.params_uri, &job.inputs_uri];
    uris.into_iter().filter_map(|uri| Some(ArtifactUri::parse(uri).ok()?.id().to_string())).collect()
}

/// A refusal in words, as an ending.
fn refused_by(text: &str) -> Ending {
    let (code, reason) = text.split_once(' ').unwrap_or(("V0300", text));
    Ending::NotChallenged { code: code.to_owned(), reason: reason.to_owned() }
}

/// Seconds since 1970: for people, and for how long disputes took. Nothing is decided by it.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn pause_after(failures: u32, in_dispute: bool) -> Duration {
    let longest = if in_dispute { LONGEST_PAUSE_IN_DISPUTE } else { LONGEST_PAUSE };
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_short_while_a_clock_may_run() {
        let millis = |dispute| [1, 2, 3, 4, 9, u32::MAX].map(|failures| pause_after(failures, dispute).as_millis());
        assert_eq!(millis(false), [250, 500, 1_000, 2_000, 10_000, 10_000]);
        assert_eq!(millis(true), [250, 500, 1_000, 1_000, 1_000, 1_000]);
    }
}
