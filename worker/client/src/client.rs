//! Posting and waiting.

use crate::error::ClientError;
use crate::own::is_posted_with;
use crate::terms::Terms;
use crate::work::{ArtifactUris, Work};
use assay::address;
use assay::state::{Credits, Job, PaymentMint};
use assay::state_machine::JobState;
use assay::{AssayError, PostJobArgs};
use assay_chain::accounts::decode_job;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::{Chain, ChainError, Sender};
use assay_store::{FetchOptions, Fetcher, LocalStore};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Mutex;

/// One paying key with its access to the chain.
pub struct Client {
    pub(crate) sender: Sender,
    pub(crate) key: Keypair,
    /// Where the key is the agent or the owner of a budget: the budget, whose jobs these are.
    pub(crate) budget: Option<Pubkey>,
    pub(crate) fetcher: Fetcher,
    pub(crate) store: LocalStore,
    /// Job numbers come from a counter on-chain: two posts at once would take the same one.
    pub(crate) posting: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("key", &self.key.pubkey()).finish_non_exhaustive()
    }
}

/// A job that is on-chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Address of the job.
    pub address: Pubkey,
    /// The client's number for it.
    pub job_id: u64,
    /// Slot in which it was posted.
    pub slot: u64,
}

/// What a waiting client sees.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The confirmed slot.
    pub slot: u64,
    /// The job as of now.
    pub job: Job,
}

/// A job that has come to an end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Address of the job.
    pub address: Pubkey,
    /// Its last state; the account may already be closed.
    pub job: Job,
}

/// How often a waiting client looks; a slot takes 400 ms.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(400);
/// How long a job may be unknown before it counts as missing.
pub(crate) const UNKNOWN_PATIENCE: Duration = Duration::from_secs(15);
/// How long the chain may be silent before waiting ends.
pub(crate) const SILENCE_PATIENCE: Duration = Duration::from_secs(180);
/// How often a post whose number was taken tries the next one.
const POST_ATTEMPTS: u32 = 4;

/// Measures how long something has not been well.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    since: Option<Instant>,
}

impl Patience {
    pub(crate) fn reset(&mut self) {
        self.since = None;
    }

    pub(crate) fn is_at_end(&mut self, limit: Duration) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() >= limit
    }
}

/// Whether a post was refused because its number is not the client's next.
pub(crate) fn is_used_id(error: &ChainError) -> bool {
    match error {
        ChainError::TransactionFailed(failure) => failure.assay_error() == Some(AssayError::JobIdMismatch),
        _ => false,
    }
}

/// How a job ended that was closed between two looks. A committed or accepted one without an open challenge was settled: a
/// conviction takes several transactions in several slots, which the looks in between would have shown.
fn closed(address: &Pubkey, mut last: Job) -> Result<Ended, ClientError> {
    if last.state.can_be_challenged() && last.finalise().is_ok() {
        // Closing is possible only after everything is withdrawn.
        last.credits = Credits::default();
        return Ok(Ended { address: *address, job: last });
    }
    Err(ClientError::Vanished { job: *address, state: format!("{:?}", last.state).to_lowercase() })
}

impl Client {
    /// A client that pays with `key` and keeps downloads in `store`.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(sender: Sender, key: Keypair, store: LocalStore, fetch: FetchOptions) -> Result<Self, ClientError> {
        Ok(Self { sender, key, budget: None, fetcher: Fetcher::new(fetch)?, store, posting: Arc::default() })
    }

    /// The same client, whose jobs are those of a budget: it posts out of the budget's vault, within its limits, and cancels,
    /// accepts and files for it. The key is the budget's agent or its owner and pays transaction fees alone, but for the bond of
    /// a filing, which returns to it; everything else returns to the budget.
    #[must_use]
    pub fn out_of(self, budget: Pubkey) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// The paying key's address.
    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    /// The client of the jobs that it posts: the budget, or the paying key itself.
    pub fn account(&self) -> Pubkey {
        self.budget.unwrap_or_else(|| self.address())
    }

    /// The connection.
    pub fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// Posts a job: escrows the maximum price out of the associated token account of the key, or of the budget.
    ///
    /// A job's number makes it unique: whatever becomes of the transaction, the job is posted once or not at all.
    ///
    /// # Errors
    /// Terms that the program refuses (a limit of the budget by its code), too few tokens, or a chain that does not answer.
    pub async fn post(&self, work: &Work, artifacts: &ArtifactUris, terms: &Terms) -> Result<Posted, ClientError> {
        let network = self.chain().network().await?;
        let mint = self.mint(&terms.payment_mint).await?;
        let _one_at_a_time = self.posting.lock().await;
        let mut attempts = 1;
        loop {
            let job_id = self.chain().next_job_id(&self.account()).await?;
            let arguments = terms.arguments(job_id, work, artifacts, &network, &mint)?;
            let error = match self.post_once(arguments, &mint).await {
                Ok(posted) => return Ok(posted),
                Err(error) => error,
            };
            // Another process posted with the same key, or the endpoint lagged behind an earlier post.
            if !is_used_id(&error) || attempts == POST_ATTEMPTS {
                return Err(error.into());
            }
            attempts += 1;
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Posts a job under this number or not at all, as [`Self::post`] does under the next one. The program takes each number of a
    /// client once and in order, so that whoever repeats this with the same number never pays for a second job.
    ///
    /// # Errors
    /// As [`Self::post`]; and the program's `JobIdMismatch` where the number is not the client's next, unless a job of this work at
    /// these terms is posted under it: then that one is returned.
    pub async fn post_numbered(
        &self,
        job_id: u64,
        work: &Work,
        artifacts: &ArtifactUris,
        terms: &Terms,
    ) -> Result<Posted, ClientError> {
        let network = self.chain().network().await?;
        let mint = self.mint(&terms.payment_mint).await?;
        let arguments = terms.arguments(job_id, work, artifacts, &network, &mint)?;
        let _one_at_a_time = self.posting.lock().await;
        Ok(self.post_once(arguments, &mint).await?)
    }

    /// Sends one post, and finds out whether it landed where nobody said so.
    async fn post_once(&self, arguments: PostJobArgs, mint: &PaymentMint) -> Result<Posted, ChainError> {
        let token = TokenMint { address: mint.mint, token_program: mint.token_program };
        let (me, job_id) = (self.address(), arguments.job_id);
        let address = address::job(&self.account(), job_id);
        let asked = arguments.clone();
        let instruction = match &self.budget {
            Some(budget) => instructions::post_budget_job(&me, budget, token, arguments),
            None => instructions::post_job(&me, token, &token.associated_account(&me), arguments),
        };
        let error = match self.sender.execute(&[instruction], &[&self.key]).await {
            Ok(landed) => return Ok(Posted { address, job_id, slot: landed.slot }),
            Err(error) => error,
        };
        // It may have landed although nobody said so; a second one would be paid for twice.
        if let Ok(Some(job)) = self.chain().find_job(&address).await
            && is_posted_with(&asked, &mint.mint, &job)
        {
            return Ok(Posted { address, job_id, slot: job.posted_slot });
        }
        Err(error)
    }

    /// Waits until the job has ended, and ends it where only a deadline is left to state: an unclaimed job expires, a
    /// claim without a result is missed, a result whose window closed is final.
    ///
    /// # Errors
    /// The job is unknown, was closed before its end was seen, or the chain stays silent for minutes.
    pub async fn wait(&self, job: &Pubkey, mut see: impl FnMut(&Progress)) -> Result<Ended, ClientError> {
        let mut last: Option<Job> = None;
        let mut patience = Patience::default();
        let mut seen_slot = 0;
        let mut learning = None;
        loop {
            match self.look(job, seen_slot).await {
                Ok((slot, Some(found))) => {
                    patience.reset();
                    seen_slot = slot;
                    if found.claimed_slot != 0 && learning.is_none() {
                        // Once, beside the waiting: when the result is wanted the node may be away.
                        learning = Some(self.learn_mirror(found.node));
                    }
                    see(&Progress { slot, job: found.clone() });
                    if found.state.is_end() {
                        return Ok(Ended { address: *job, job: found });
                    }
                    if let Some(instruction) = overdue(job, &found, slot) {
                        // Nodes do this themselves; whoever comes second is refused, and the next look shows why.
                        if let Err(error) = self.sender.execute(&[instruction], &[&self.key]).await {
                            tracing::debug!(%job, %error, "somebody else ended the job");
                        }
                    }
                    last = Some(found);
                }
                Ok((_, None)) => match last.take() {
                    Some(last) => return closed(job, last),
                    // The endpoint may not know yet what was posted a moment ago through another one.
                    None if patience.is_at_end(UNKNOWN_PATIENCE) => return Err(ClientError::NoJob { job: *job }),
                    None => {}
                },
                Err(error) if error.is_transient() && !patience.is_at_end(SILENCE_PATIENCE) => {
                    tracing::debug!(%job, %error, "the chain does not answer; looking again");
                }
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// The job at a slot not before `minimum_slot`, and that slot.
    async fn look(&self, job: &Pubkey, minimum_slot: u64) -> Result<(u64, Option<Job>), ChainError> {
        let observed = self.chain().accounts(&[*job], minimum_slot).await?;
        // What was closed within its last slot has no data and belongs to the system program.
        let live = observed.value.into_iter().flatten().find(|account| !account.data.is_empty());
        Ok((observed.slot, live.map(|account| decode_job(job, &account)).transpose()?))
    }

    /// Takes an unclaimed job back.
    ///
    /// # Errors
    /// A node was faster, or the key is not the one that posted.
    pub async fn cancel(&self, job: &Pubkey) -> Result<(), ClientError> {
        let cancel = match &self.budget {
            Some(budget) => instructions::cancel_budget_job(&self.address(), budget, job),
            None => instructions::cancel_job(&self.address(), job),
        };
        self.sender.execute(&[cancel], &[&self.key]).await?;
        Ok(())
    }

    /// The payment mint's account, if jobs may be posted in it.
    pub(crate) async fn mint(&self, mint: &Pubkey) -> Result<PaymentMint, ClientError> {
        match self.chain().find_payment_mint(mint).await? {
            Some(account) if account.enabled => Ok(account),
            _ => Err(ClientError::Mint { mint: *mint }),
        }
    }
}

/// Slots that a node gets to end its own job before the client does it.
const COURTESY_SLOTS: u64 = 15;

/// The instruction that ends a job whose deadline has passed for a while.
fn overdue(address: &Pubkey, job: &Job, slot: u64) -> Option<solana_sdk::instruction::Instruction> {
    let passed = |start: u64, length: u64| slot > start.saturating_add(length);
    match job.state {
        JobState::Posted if passed(job.posted_slot, job.claim_slots) => Some(instructions::expire_job(address)),
        JobState::Claimed if passed(job.claimed_slot, job.run_slots) => {
            Some(instructions::expire_claim(&job.node, address))
        }
        JobState::Committed | JobState::Accepted
            if job.record.challenges_open == 0
                && passed(job.committed_slot, job.window_slots.saturating_add(COURTESY_SLOTS)) =>
        {
            Some(match job.is_receipt() {
                true => instructions::finalise_receipt(&job.session, address),
                false => instructions::finalise_job(&job.node, address),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::Discriminator;
    use assay::instruction;
    use assay::state::DisputeRecord;
    use assay::state_machine::JobEvent;

    fn job(state: JobState) -> Job {
        Job {
            version: Job::VERSION,
            state,
            node: Pubkey::new_unique(),
            price_max: 100,
            price: 60,
            posted_slot: 1_000,
            claim_slots: 10,
            claimed_slot: 2_000,
            run_slots: 20,
            committed_slot: 3_000,
            window_slots: 30,
            ..Job::default()
        }
    }

    /// First bytes of the instruction that ends the job at a slot.
    fn ends(state: JobState, slot: u64) -> Option<Vec<u8>> {
        overdue(&Pubkey::new_unique(), &job(state), slot).map(|instruction| instruction.data[..8].to_vec())
    }

    #[test]
    fn a_job_is_ended_only_after_the_last_slot_of_its_deadline() {
        let cases = [
            (JobState::Posted, 1_010, instruction::ExpireJob::DISCRIMINATOR),
            (JobState::Claimed, 2_020, instruction::ExpireClaim::DISCRIMINATOR),
            (JobState::Committed, 3_030 + COURTESY_SLOTS, instruction::FinaliseJob::DISCRIMINATOR),
        ];
        for (state, last, expected) in cases {
            assert_eq!(ends(state, last), None, "{state:?}");
            assert_eq!(ends(state, last + 1).as_deref(), Some(expected), "{state:?}");
        }
        for state in [JobState::Settled, JobState::Cancelled, JobState::Expired, JobState::Missed] {
            assert_eq!(ends(state, u64::MAX), None, "{state:?}");
        }
    }

    #[test]
    fn a_receipt_is_ended_with_its_session() {
        let receipt = Job { session: Pubkey::new_unique(), ..job(JobState::Committed) };
        let ends = overdue(&Pubkey::new_unique(), &receipt, 3_031 + COURTESY_SLOTS).unwrap();
        assert_eq!(&ends.data[..8], instruction::FinaliseReceipt::DISCRIMINATOR);
        assert_eq!(ends.accounts[0].pubkey, receipt.session);
    }

    #[test]
    fn a_deadline_beyond_all_slots_never_passes() {
        let endless = Job { claim_slots: u64::MAX, ..job(JobState::Posted) };
        assert!(overdue(&Pubkey::new_unique(), &endless, u64::MAX).is_none());
    }

    #[test]
    fn a_committed_job_that_is_closed_was_settled_and_of_others_nothing_is_claimed() {
        let address = Pubkey::new_unique();
        let ended = closed(&address, job(JobState::Committed)).unwrap();
        assert_eq!((ended.job.state, ended.job.credits), (JobState::Settled, Credits::default()));
        for state in [JobState::Posted, JobState::Claimed] {
            let error = closed(&address, job(state)).unwrap_err();
            assert!(error.to_string().starts_with("J0111"), "{error}");
        }
        assert!(JobState::Committed.after(JobEvent::Miss).is_err());
        let disputed = Job {
            record: DisputeRecord { challenges_open: 1, ..DisputeRecord::default() },
            ..job(JobState::Committed)
        };
        assert!(closed(&address, disputed).is_err(), "a dispute can end either way");
    }

    #[test]
    fn patience_ends_after_its_limit_and_begins_again() {
        let mut patience = Patience::default();
        assert!(!patience.is_at_end(Duration::from_secs(3_600)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(patience.is_at_end(Duration::from_millis(1)), "it counts from the first trouble");
        patience.reset();
        assert!(!patience.is_at_end(Duration::from_secs(3_600)));
        assert!(patience.is_at_end(Duration::ZERO));
    }
}
