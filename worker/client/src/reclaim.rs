//! Getting everything back that a job still holds: the unspent escrow, the charge of a miss, the rent.

use crate::client::Client;
use crate::error::ClientError;
use assay::CreditRole;
use assay::address;
use assay::dispute::ChallengeState;
use assay::state::Job;
use assay::state_machine::JobState;
use assay::units::Slot;
use assay_chain::accounts::{ChallengeFilter, DemandFilter};
use assay_chain::instructions::{self, TokenMint};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// Numbers of this client's jobs that are compared with an address at which there is no job any more.
const MOST_JOB_IDS: u64 = 10_000;

/// What came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Base units of the payment mint.
    pub refund: u64,
    /// Base units of the stake mint: the charge that a missed claim cost its node.
    pub charge: u64,
    /// Whether the job and its vault are closed and their rent is back. `false` while the node's credit is still inside.
    pub closed: bool,
}

impl Client {
    /// Withdraws what the ended job owes to its client, this one or a budget, and closes the job if nothing else is inside.
    ///
    /// So is what this client has in the job's disputes: the bond of a filing, its share of a bounty, the rent of demands, of roots
    /// and of a witness. Somebody else may close the job first: what this client had in its disputes comes back all the same,
    /// and calling again is harmless.
    ///
    /// The node's credit, its delegators' share and the fees of attestations are paid out too, to their owners' accounts: whoever
    /// pays that gets the rent back sooner.
    ///
    /// # Errors
    /// The job has not ended, or the chain refuses; what was withdrawn before stays withdrawn. There is no such job: nor was
    /// there one of this client, and this client has nothing in its disputes.
    pub async fn reclaim(&self, address: &Pubkey) -> Result<Reclaimed, ClientError> {
        let Some(job) = self.chain().find_job(address).await? else { return self.reclaim_from_closed(address).await };
        if !job.state.is_end() {
            return Err(ClientError::NotEnded { job: *address, state: format!("{:?}", job.state).to_lowercase() });
        }
        let account = self.chain().payment_mint(&job.payment_mint).await?;
        let mint = TokenMint { address: account.mint, token_program: account.token_program };
        let me = self.key.pubkey();
        let mut reclaimed = Reclaimed::default();
        if job.credits.client > 0 {
            let destination = mint.associated_account(&job.client);
            let pay = [
                mint.create_associated_account(&me, &job.client),
                instructions::withdraw_credit(&me, address, mint, CreditRole::Client, &destination),
            ];
            if let Err(error) = self.sender.execute(&pay, &[&self.key]).await {
                // Anybody may pay the refund out to this client: then it is here all the same.
                let now = self.chain().find_job(address).await?;
                if now.is_some_and(|job| job.credits.client > 0) {
                    return Err(error.into());
                }
            }
            reclaimed.refund = job.credits.client;
        }
        if job.charge_credit > 0 {
            let stake_mint = self.chain().stake_mint().await?;
            let destination = stake_mint.associated_account(&job.client);
            let pay = [
                stake_mint.create_associated_account(&me, &job.client),
                instructions::withdraw_charge(&me, address, stake_mint, &destination),
            ];
            if let Err(error) = self.sender.execute(&pay, &[&self.key]).await {
                let now = self.chain().find_job(address).await?;
                if now.is_some_and(|job| job.charge_credit > 0) {
                    return Err(error.into());
                }
            }
            reclaimed.charge = job.charge_credit;
        }
        if job.credits.fee > 0 {
            let take = self.chain().fee_instructions(&me, address, &job, mint).await?;
            if let Err(error) = self.sender.execute(&take, &[&self.key]).await {
                tracing::debug!(job = %address, %error, "the fee was not taken out by us");
            }
        }
        if job.credits.delegators > 0 {
            let take = self.chain().delegation_reward_instructions(&me, address, &job, mint).await?;
            if let Err(error) = self.sender.execute(&take, &[&self.key]).await {
                tracing::debug!(job = %address, %error, "the delegators' share was not taken out by us");
            }
        }
        // A fee in the stake mint may have rewarded the node, and a share that nobody can claim is its own.
        if self.chain().find_job(address).await?.is_some_and(|job| job.credits.node > 0) {
            let pay = [
                mint.create_associated_account(&me, &job.payee),
                instructions::help_withdraw_credit(&me, address, mint, CreditRole::Node, &job.payee),
            ];
            // The node may withdraw at this very moment, or its account may be frozen: neither is this client's affair.
            if let Err(error) = self.sender.execute(&pay, &[&self.key]).await {
                tracing::debug!(job = %address, %error, "the node's credit was not paid out by us");
            }
        }
        if job.audit.open_attestations > 0 {
            self.end_attestations(address, mint).await?;
        }
        self.end_disputes(address, &job).await?;
        let job_id = (!job.is_receipt()).then_some(job.job_id);
        self.close_accounts(address, job_id).await?;
        if self.chain().find_job(address).await?.is_some_and(|job| job.is_over() && job.record.burn_credit > 0) {
            let burn = instructions::burn_slash(address, self.chain().stake_mint().await?);
            if let Err(error) = self.sender.execute(&[burn], &[&self.key]).await {
                tracing::debug!(job = %address, %error, "what was slashed was not burned by us");
            }
        }
        reclaimed.closed = self.close(address, mint).await?;
        Ok(reclaimed)
    }

    /// Closes the job if nothing is inside any more; whether it is closed now, by whomever.
    async fn close(&self, address: &Pubkey, mint: TokenMint) -> Result<bool, ClientError> {
        let Some(job) = self.chain().find_job(address).await? else { return Ok(true) };
        if job.check_closable().is_err() || self.can_be_called_in_again(&job).await? {
            return Ok(false);
        }
        let close = match job.is_receipt() {
            true => instructions::close_receipt(address, &job),
            false => instructions::close_job(address, &job, mint),
        };
        let closed = self.sender.execute(&[close], &[&self.key]).await;
        match closed {
            Ok(_) => Ok(true),
            Err(error) if self.chain().find_job(address).await?.is_some() => Err(error.into()),
            Err(error) => {
                tracing::debug!(job = %address, %error, "somebody else closed it first");
                Ok(true)
            }
        }
    }

    /// Whether the job is a receipt whose session still takes some: then it stays until no other can come to its address.
    async fn can_be_called_in_again(&self, job: &Job) -> Result<bool, ClientError> {
        if !job.is_receipt() {
            return Ok(false);
        }
        let session = self.chain().find_session(&job.session).await?;
        let now = Slot(self.chain().slot().await?);
        Ok(session.is_some_and(|session| session.takes_receipts(now).unwrap_or(true)))
    }

    /// What this client still has in the disputes of a job that is closed.
    async fn reclaim_from_closed(&self, address: &Pubkey) -> Result<Reclaimed, ClientError> {
        let job_id = self.own_job_id(address).await?;
        let left = self.close_accounts(address, job_id).await?;
        if job_id.is_none() && left == 0 {
            return Err(ClientError::NoJob { job: *address });
        }
        Ok(Reclaimed { closed: true, ..Reclaimed::default() })
    }

    /// The number of a session that this client opened, the newest first.
    pub(crate) async fn own_session_id(&self, address: &Pubkey) -> Result<Option<u64>, ClientError> {
        let next = self.chain().next_job_id(&self.address()).await?;
        let ids = next.saturating_sub(MOST_JOB_IDS)..next;
        Ok(ids.rev().find(|id| address::session(&self.address(), *id) == *address))
    }

    /// The number of a job that this client, or its budget, posted, the newest first.
    async fn own_job_id(&self, address: &Pubkey) -> Result<Option<u64>, ClientError> {
        let next = self.chain().next_job_id(&self.account()).await?;
        let ids = next.saturating_sub(MOST_JOB_IDS)..next;
        Ok(ids.rev().find(|id| address::job(&self.account(), *id) == *address))
    }

    /// Does what anybody may do, and whoever comes second is refused.
    async fn attempt(&self, job: &Pubkey, instruction: Instruction, what: &str) {
        if let Err(error) = self.sender.execute(&[instruction], &[&self.key]).await {
            tracing::debug!(%job, %error, "{what}: not by us, or not yet");
        }
    }

    /// Ends this client's challenge of a convicted job, and the dispute. Validators settle disputes of their own; one that the
    /// client alone has won is settled by nobody else.
    async fn end_disputes(&self, address: &Pubkey, job: &Job) -> Result<(), ClientError> {
        if job.state != JobState::Convicted {
            return Ok(());
        }
        let me = self.address();
        let challenge = self.chain().find_challenge(&address::challenge(address, &me)).await?;
        if challenge.is_some_and(|challenge| !challenge.state.is_end()) {
            self.attempt(address, instructions::resolve_challenge(address, &me), "ending the own challenge").await;
        }
        let now = self.chain().find_job(address).await?;
        if now.is_some_and(|job| !job.record.settled && job.record.challenges_open == 0) {
            let state = Some(ChallengeState::Won);
            let filter = ChallengeFilter { state, job: Some(*address), ..ChallengeFilter::default() };
            let won = self.chain().challenges(filter).await?.into_iter().map(|(address, _)| address);
            let won: Vec<Pubkey> = won.collect();
            self.attempt(address, instructions::settle_dispute(address, &won), "settling the dispute").await;
        }
        Ok(())
    }

    /// Closes what this client opened in disputes of a job that is over or gone, as far as that is possible now: its challenge,
    /// its demands, roots that it stands for, and a witness that a call left behind which broke off. How many there were.
    async fn close_accounts(&self, address: &Pubkey, job_id: Option<u64>) -> Result<usize, ClientError> {
        let me = self.address();
        let mut accounts = 0;
        if self.chain().find_challenge(&address::challenge(address, &me)).await?.is_some() {
            accounts += 1;
            let stake_mint = self.chain().stake_mint().await?;
            let close = instructions::close_challenge(&me, address, &me, stake_mint);
            self.attempt(address, close, "closing the own challenge").await;
        }
        if self.chain().find_job(address).await?.is_none_or(|job| job.is_over()) {
            let filter = DemandFilter { job: Some(*address), ..DemandFilter::default() };
            for (place, demand) in self.chain().demands(filter).await? {
                if demand.payer == me {
                    accounts += 1;
                    self.attempt(address, instructions::close_demand(&place, &demand), "closing a demand").await;
                }
            }
            for (place, claim) in self.chain().segment_claims(address).await? {
                if claim.payer == me {
                    accounts += 1;
                    let stake_mint = self.chain().stake_mint().await?;
                    let close = instructions::close_segment_claim(&me, &place, &claim, stake_mint);
                    self.attempt(address, close, "closing a root").await;
                }
            }
        }
        if let Some(id) = job_id
            && let Some((buffer, _)) = self.chain().find_buffer(&address::buffer(&me, id)).await?
            && buffer.held_by == Pubkey::default()
        {
            accounts += 1;
            self.attempt(address, instructions::close_buffer(&me, id), "closing a witness").await;
        }
        Ok(accounts)
    }

    /// Settles the job's attestations and pays their fees out to their owners' associated accounts: the job stays as long as
    /// one is open. Validators do this themselves; whoever comes second is refused.
    async fn end_attestations(&self, address: &Pubkey, mint: TokenMint) -> Result<(), ClientError> {
        let me = self.key.pubkey();
        for attestation in self.chain().attestations_of_job(address).await? {
            let mut steps = Vec::new();
            if !attestation.released {
                steps.push(vec![instructions::settle_attestation(&attestation)]);
            }
            if self.chain().find_job(address).await?.is_some_and(|job| job.audit.fee > 0) {
                steps.push(vec![
                    mint.create_associated_account(&me, &attestation.payee),
                    instructions::help_collect_attestation(&me, &attestation, mint),
                ]);
            }
            for step in steps {
                if let Err(error) = self.sender.execute(&step, &[&self.key]).await {
                    tracing::debug!(job = %address, validator = %attestation.validator, %error, "not ended by us");
                }
            }
        }
        Ok(())
    }
}
