//! Getting everything back that a session still holds: the unspent balance and the rent.

use crate::client::Client;
use crate::error::ClientError;
use assay::CreditRole;
use assay::session::SessionState;
use assay::state::Session as SessionAccount;
use assay::units::Slot;
use assay_chain::accounts::JobFilter;
use assay_chain::instructions::{self, TokenMint};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// What came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReclaimedSession {
    /// Base units of the payment mint.
    pub refund: u64,
    /// Receipts that this client had called in and that are closed now.
    pub receipts: usize,
    /// Whether session and vault are closed and their rent is back. `false` while the node's credit is still inside.
    pub closed: bool,
}

impl Client {
    /// Ends what only time was left to end (an offer that expired, receipts whose window is over, the session itself), withdraws
    /// what the session owes to this client, and closes it if nothing else is inside. Receipts that this client called in are
    /// closed as well. Calling again is harmless.
    ///
    /// # Errors
    /// The session has not ended, or the chain refuses; what was withdrawn before stays withdrawn. There is no such session.
    pub async fn reclaim_session(&self, address: &Pubkey) -> Result<ReclaimedSession, ClientError> {
        let mut reclaimed = ReclaimedSession::default();
        let Some(session) = self.chain().find_session(address).await? else {
            reclaimed.receipts = self.reclaim_receipts(address, None).await?;
            if reclaimed.receipts == 0 && self.own_session_id(address).await?.is_none() {
                return Err(ClientError::NoSession { session: *address });
            }
            return Ok(ReclaimedSession { closed: true, ..reclaimed });
        };
        let session = self.bring_to_its_end(address, session).await?;
        let mint = self.chain().payment_mint(&session.payment_mint).await?;
        let mint = TokenMint { address: mint.mint, token_program: mint.token_program };
        let me = self.key.pubkey();
        if session.credits.client > 0 {
            let destination = mint.associated_account(&session.client);
            let role = CreditRole::Client;
            let pay = [
                mint.create_associated_account(&me, &session.client),
                instructions::withdraw_session_credit(&me, address, mint, role, &destination),
            ];
            if let Err(error) = self.sender.execute(&pay, &[&self.key]).await {
                // Anybody may pay the refund out to this client: then it is here all the same.
                let now = self.chain().find_session(address).await?;
                if now.is_some_and(|session| session.credits.client > 0) {
                    return Err(error.into());
                }
            }
            reclaimed.refund = session.credits.client;
        }
        if session.credits.node > 0 {
            let role = CreditRole::Node;
            let pay = vec![
                mint.create_associated_account(&me, &session.payee),
                instructions::help_withdraw_session_credit(&me, address, mint, role, &session.payee),
            ];
            // The node may withdraw at this very moment, or its account may be frozen: neither is this client's affair.
            self.attempt_session(address, pay, "paying the node's credit out").await;
        }
        reclaimed.receipts = self.reclaim_receipts(address, Some(&session.node)).await?;
        reclaimed.closed = self.close_session(address, mint).await?;
        Ok(reclaimed)
    }

    /// The session once it has ended.
    async fn bring_to_its_end(&self, address: &Pubkey, session: SessionAccount) -> Result<SessionAccount, ClientError> {
        let now = Slot(self.chain().slot().await?);
        let passed = |deadline: assay::error::Checked<assay::market::Deadline>| {
            deadline.is_ok_and(|deadline| deadline.has_passed(now))
        };
        match session.state {
            SessionState::Offered if passed(session.accept_deadline()) => {
                self.attempt_session(address, vec![instructions::expire_session(address)], "ending the offer").await;
            }
            SessionState::Active if passed(session.closing_deadline()) => {
                if session.open_receipts > 0 {
                    self.end_receipts(address, &session.node).await?;
                }
                let finalise = instructions::finalise_session(&session.node, address);
                self.attempt_session(address, vec![finalise], "ending the session").await;
            }
            SessionState::Convicted if session.open_receipts > 0 => self.end_receipts(address, &session.node).await?,
            _ => return self.ended(address, session),
        }
        let now = self.chain().find_session(address).await?;
        let now = now.ok_or(ClientError::NoSession { session: *address })?;
        self.ended(address, now)
    }

    fn ended(&self, address: &Pubkey, session: SessionAccount) -> Result<SessionAccount, ClientError> {
        if session.state.is_end() { Ok(session) } else { Err(ClientError::session_state(address, session.state)) }
    }

    /// Ends every receipt of a session whose window is over without a challenge.
    async fn end_receipts(&self, address: &Pubkey, node: &Pubkey) -> Result<(), ClientError> {
        let now = Slot(self.chain().slot().await?);
        for (job_address, job) in self.receipts(address, Some(node)).await? {
            let over = job.challenge_deadline().is_ok_and(|deadline| deadline.has_passed(now));
            if job.state.can_be_challenged() && over && job.record.challenges_open == 0 {
                let finalise = instructions::finalise_receipt(address, &job_address);
                self.attempt_session(address, vec![finalise], "ending a receipt").await;
            }
        }
        Ok(())
    }

    /// Closes the receipts of a session that this client called in; how many are gone now.
    async fn reclaim_receipts(&self, address: &Pubkey, node: Option<&Pubkey>) -> Result<usize, ClientError> {
        let mut closed = 0;
        for (job_address, job) in self.receipts(address, node).await? {
            if job.client == self.address() && job.state.is_end() {
                closed += usize::from(self.reclaim(&job_address).await?.closed);
            }
        }
        Ok(closed)
    }

    /// Receipts of a session that are called in: all of a node's, or those that this client called in.
    async fn receipts(
        &self,
        session: &Pubkey,
        node: Option<&Pubkey>,
    ) -> Result<Vec<(Pubkey, assay::state::Job)>, ClientError> {
        let filter = match node {
            Some(node) => JobFilter { node: Some(*node), ..JobFilter::default() },
            None => JobFilter { client: Some(self.address()), ..JobFilter::default() },
        };
        let jobs = self.chain().jobs(filter).await?;
        Ok(jobs.into_iter().filter(|(_, job)| job.session == *session).collect())
    }

    async fn close_session(&self, address: &Pubkey, mint: TokenMint) -> Result<bool, ClientError> {
        let Some(session) = self.chain().find_session(address).await? else { return Ok(true) };
        if session.check_closable().is_err() {
            return Ok(false);
        }
        let close = instructions::close_session(address, &session, mint);
        match self.sender.execute(&[close], &[&self.key]).await {
            Ok(_) => Ok(true),
            Err(error) if self.chain().find_session(address).await?.is_some() => Err(error.into()),
            Err(error) => {
                tracing::debug!(session = %address, %error, "somebody else closed it first");
                Ok(true)
            }
        }
    }

    /// Does what anybody may do, and whoever comes second is refused.
    async fn attempt_session(&self, session: &Pubkey, instructions: Vec<Instruction>, what: &str) {
        if let Err(error) = self.sender.execute(&instructions, &[&self.key]).await {
            tracing::debug!(%session, %error, "{what}: not by us, or not yet");
        }
    }
}
