//! Getting everything back that a job still holds: the unspent escrow, the charge of a miss, the rent.

use crate::client::Client;
use crate::error::ClientError;
use assay::CreditRole;
use assay::address;
use assay::dispute::ChallengeState;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::accounts::{ChallengeFilter, DemandFilter};
use assay_chain::instructions::{self, TokenMint};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

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
    /// Withdraws what the ended job owes to this client and closes the job if nothing else is inside.
    ///
    /// So is what this client has in the job's disputes: the bond of a filing, its share of a bounty, the rent of demands.
    ///
    /// The node's credit and the fees of attestations are paid out too, to their owners' associated accounts: whoever pays that
    /// gets the rent back sooner.
    ///
    /// # Errors
    /// The job has not ended, or the chain refuses; what was withdrawn before stays withdrawn.
    pub async fn reclaim(&self, address: &Pubkey) -> Result<Reclaimed, ClientError> {
        let Some(job) = self.chain().find_job(address).await? else { return Err(ClientError::NoJob { job: *address }) };
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
        if job.credits.fee > 0
            && let Err(error) = self.sender.execute(&[instructions::sweep_fee(address, mint)], &[&self.key]).await
        {
            tracing::debug!(job = %address, %error, "the fee was not swept by us");
        }
        if job.credits.node > 0 {
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
        if self.chain().find_job(address).await?.is_some_and(|job| job.is_over() && job.record.burn_credit > 0) {
            let burn = instructions::burn_slash(address, self.chain().stake_mint().await?);
            if let Err(error) = self.sender.execute(&[burn], &[&self.key]).await {
                tracing::debug!(job = %address, %error, "what was slashed was not burned by us");
            }
        }
        let now = self.chain().find_job(address).await?;
        reclaimed.closed = match now {
            None => true,
            Some(job) if job.check_closable().is_ok() => {
                self.sender.execute(&[instructions::close_job(address, &job, mint)], &[&self.key]).await?;
                true
            }
            Some(_) => false,
        };
        Ok(reclaimed)
    }

    /// Brings back what this client has in the disputes of an ended job, as far as that is possible now. Validators settle
    /// disputes of their own; one that the client alone has won is settled by nobody else.
    async fn end_disputes(&self, job_address: &Pubkey, job: &Job) -> Result<(), ClientError> {
        let me = self.key.pubkey();
        let attempt = async |instruction, what: &str| {
            // Anybody may do it, and whoever comes second is refused.
            if let Err(error) = self.sender.execute(&[instruction], &[&self.key]).await {
                tracing::debug!(job = %job_address, %error, "{what}: not by us, or not yet");
            }
        };
        let own = address::challenge(job_address, &me);
        let challenge = self.chain().find_challenge(&own).await?;
        if job.state == JobState::Convicted {
            if challenge.as_ref().is_some_and(|challenge| !challenge.state.is_end()) {
                attempt(instructions::resolve_challenge(job_address, &me), "ending the own challenge").await;
            }
            let now = self.chain().find_job(job_address).await?;
            if now.is_some_and(|job| !job.record.settled && job.record.challenges_open == 0) {
                let state = Some(ChallengeState::Won);
                let filter = ChallengeFilter { state, job: Some(*job_address), ..ChallengeFilter::default() };
                let won: Vec<Pubkey> =
                    self.chain().challenges(filter).await?.into_iter().map(|(address, _)| address).collect();
                attempt(instructions::settle_dispute(job_address, &won), "settling the dispute").await;
            }
        }
        if challenge.is_some() {
            let stake_mint = self.chain().stake_mint().await?;
            let close = instructions::close_challenge(&me, job_address, &me, stake_mint);
            attempt(close, "closing the own challenge").await;
        }
        if self.chain().find_job(job_address).await?.is_some_and(|job| job.is_over()) {
            let filter = DemandFilter { job: Some(*job_address), ..DemandFilter::default() };
            for (address, demand) in self.chain().demands(filter).await? {
                if demand.payer == me {
                    attempt(instructions::close_demand(&address, &demand), "closing a demand").await;
                }
            }
        }
        Ok(())
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
