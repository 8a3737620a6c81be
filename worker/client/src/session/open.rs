//! Opening a session, waiting for the node, and ending it.

use super::model::{Model, ModelUris};
use super::terms::SessionTerms;
use crate::client::{Client, LOOK_INTERVAL, Patience, SILENCE_PATIENCE, UNKNOWN_PATIENCE, is_used_id};
use crate::error::ClientError;
use assay::address;
use assay::session::SessionState;
use assay::state::Session as SessionAccount;
use assay_chain::ChainError;
use assay_chain::accounts::decode_session;
use assay_chain::instructions::{self, TokenMint};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// How often an opening whose number was taken tries the next one.
const OPEN_ATTEMPTS: u32 = 4;

/// A session that is on-chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedSession {
    /// Address of the session.
    pub address: Pubkey,
    /// The client's number for it.
    pub session_id: u64,
    /// Slot in which it was opened.
    pub slot: u64,
}

impl Client {
    /// Opens a session over `model`: escrows the balance out of the key's associated token account.
    ///
    /// # Errors
    /// Terms that the program refuses, too few tokens, or a chain that does not answer.
    pub async fn open_session(
        &self,
        model: &Model,
        uris: &ModelUris,
        terms: &SessionTerms,
        voucher_key: &Pubkey,
    ) -> Result<OpenedSession, ClientError> {
        let network = self.chain().network().await?;
        let mint = self.mint(&terms.payment_mint).await?;
        let token = TokenMint { address: mint.mint, token_program: mint.token_program };
        let source = token.associated_account(&self.address());
        let _one_at_a_time = self.posting.lock().await;
        let mut attempts = 1;
        loop {
            let session_id = self.chain().next_job_id(&self.address()).await?;
            let address = address::session(&self.address(), session_id);
            let arguments = terms.arguments(session_id, model, uris, voucher_key, &network, &mint)?;
            let instruction = instructions::open_session(&self.address(), &terms.node, token, &source, arguments);
            let error = match self.sender.execute(&[instruction], &[&self.key]).await {
                Ok(landed) => return Ok(OpenedSession { address, session_id, slot: landed.slot }),
                Err(error) => error,
            };
            // It may have landed although nobody said so; a second one would be escrowed twice.
            if let Ok(Some(session)) = self.chain().find_session(&address).await
                && session.graph_root == model.graph_root
                && session.voucher_key == *voucher_key
            {
                return Ok(OpenedSession { address, session_id, slot: session.offered_slot });
            }
            if !is_used_id(&error) || attempts == OPEN_ATTEMPTS {
                return Err(error.into());
            }
            attempts += 1;
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits until the node has accepted, and gives the session as it is then. An offer that nobody accepted in time is ended.
    ///
    /// # Errors
    /// The session is unknown, came to nothing, or the chain stays silent for minutes.
    pub async fn await_acceptance(
        &self,
        session: &Pubkey,
        mut see: impl FnMut(&SessionAccount),
    ) -> Result<SessionAccount, ClientError> {
        let mut patience = Patience::default();
        let mut seen_slot = 0;
        loop {
            match self.look_at_session(session, seen_slot).await {
                Ok((slot, Some(found))) => {
                    patience.reset();
                    seen_slot = slot;
                    see(&found);
                    match found.state {
                        SessionState::Active => return Ok(found),
                        SessionState::Offered => {
                            let deadline = found.offered_slot.saturating_add(found.accept_slots);
                            if slot > deadline {
                                let expire = instructions::expire_session(session);
                                // Whoever comes second is refused, and the next look shows why.
                                if let Err(error) = self.sender.execute(&[expire], &[&self.key]).await {
                                    tracing::debug!(%session, %error, "somebody else ended the offer");
                                }
                            }
                        }
                        state => return Err(ClientError::session_state(session, state)),
                    }
                }
                Ok((_, None)) if patience.is_at_end(UNKNOWN_PATIENCE) => {
                    return Err(ClientError::NoSession { session: *session });
                }
                Ok((_, None)) => {}
                Err(error) if error.is_transient() && !patience.is_at_end(SILENCE_PATIENCE) => {
                    tracing::debug!(%session, %error, "the chain does not answer; looking again");
                }
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn look_at_session(
        &self,
        session: &Pubkey,
        minimum_slot: u64,
    ) -> Result<(u64, Option<SessionAccount>), ChainError> {
        let observed = self.chain().accounts(&[*session], minimum_slot).await?;
        // What was closed within its last slot has no data and belongs to the system program.
        let live = observed.value.into_iter().flatten().find(|account| !account.data.is_empty());
        Ok((observed.slot, live.map(|account| decode_session(session, &account)).transpose()?))
    }

    /// Takes an offer back that the node has not accepted.
    ///
    /// # Errors
    /// The node was faster, or the key is not the one that opened the session.
    pub async fn cancel_session(&self, session: &Pubkey) -> Result<(), ClientError> {
        self.sender.execute(&[instructions::cancel_session(&self.address(), session)], &[&self.key]).await?;
        Ok(())
    }

    /// Ends the serving of a session now. Vouchers and receipts count for the window after that.
    ///
    /// # Errors
    /// The session is not active, or the key is not the one that opened it.
    pub async fn end_session(&self, session: &Pubkey) -> Result<(), ClientError> {
        self.sender.execute(&[instructions::end_session(&self.key.pubkey(), session)], &[&self.key]).await?;
        Ok(())
    }
}
