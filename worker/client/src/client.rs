//! Posting and waiting.

use crate::error::ClientError;
use crate::terms::Terms;
use crate::work::{ArtifactUris, Work};
use assay::address;
use assay::state::{Job, PaymentMint};
use assay::state_machine::JobState;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::{Chain, Sender};
use assay_store::{FetchOptions, Fetcher, LocalStore};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// One paying key with its access to the chain.
pub struct Client {
    pub(crate) sender: Sender,
    pub(crate) key: Keypair,
    pub(crate) fetcher: Fetcher,
    pub(crate) store: LocalStore,
    /// Job numbers come from a counter on-chain: two posts at once would take the same one.
    posting: Arc<Mutex<()>>,
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
const LOOK_INTERVAL: Duration = Duration::from_millis(400);

impl Client {
    /// A client that pays with `key` and keeps downloads in `store`.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(sender: Sender, key: Keypair, store: LocalStore, fetch: FetchOptions) -> Result<Self, ClientError> {
        Ok(Self { sender, key, fetcher: Fetcher::new(fetch)?, store, posting: Arc::default() })
    }

    /// The paying key's address.
    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    /// The connection.
    pub fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// Posts a job: escrows the maximum price out of the key's associated token account.
    ///
    /// # Errors
    /// Terms that the program refuses, too few tokens, or a chain that does not answer.
    pub async fn post(&self, work: &Work, artifacts: &ArtifactUris, terms: &Terms) -> Result<Posted, ClientError> {
        let network = self.chain().network().await?;
        let mint = self.mint(&terms.payment_mint).await?;
        let token = TokenMint { address: mint.mint, token_program: mint.token_program };
        let source = token.associated_account(&self.address());
        let one_at_a_time = self.posting.lock().await;
        let job_id = self.chain().next_job_id(&self.address()).await?;
        let arguments = terms.arguments(job_id, work, artifacts, &network, &mint)?;
        let instruction = instructions::post_job(&self.address(), token, &source, arguments);
        let landed = self.sender.execute(&[instruction], &[&self.key]).await?;
        drop(one_at_a_time);
        Ok(Posted { address: address::job(&self.address(), job_id), job_id, slot: landed.slot })
    }

    /// Waits until the job has ended, and ends it where only a deadline is left to state: an unclaimed job expires, a
    /// claim without a result is missed, a result whose window closed is final.
    ///
    /// # Errors
    /// The job is unknown, or the chain stays silent.
    pub async fn wait(&self, job: &Pubkey, mut see: impl FnMut(&Progress)) -> Result<Ended, ClientError> {
        let mut last = None;
        loop {
            let slot = self.chain().slot().await?;
            let found = self.chain().find_job(job).await?;
            match (found, last.take()) {
                (Some(found), _) => {
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
                (None, Some(last)) => return Ok(Ended { address: *job, job: last }),
                (None, None) => return Err(ClientError::NoJob { job: *job }),
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Takes an unclaimed job back.
    ///
    /// # Errors
    /// A node was faster, or the key is not the one that posted.
    pub async fn cancel(&self, job: &Pubkey) -> Result<(), ClientError> {
        self.sender.execute(&[instructions::cancel_job(&self.address(), job)], &[&self.key]).await?;
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
        JobState::Committed if passed(job.committed_slot, job.window_slots.saturating_add(COURTESY_SLOTS)) => {
            Some(instructions::finalise_job(&job.node, address))
        }
        _ => None,
    }
}
