//! The market over a real RPC endpoint.

use crate::journal::InFlight;
use crate::market::{Action, Fate, Market, Seen, Signed, Unreachable};
use assay::CommitResultArgs;
use assay::CreditRole;
use assay::state::{Job, Node};
use assay_chain::accounts::{decode_job, decode_node};
use assay_chain::chain::RawAccount;
use assay_chain::failure::TransactionFailure;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::{Chain, ChainError, Outcome, Sender, SignedTransaction};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;

/// One node's access to the chain.
pub struct RpcMarket {
    sender: Sender,
    operator: Keypair,
    node: Pubkey,
    /// Which chain this is, in the words of the chain itself.
    genesis_hash: [u8; 32],
}

impl std::fmt::Debug for RpcMarket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The operator's key stays out of every log.
        f.debug_struct("RpcMarket").field("node", &self.node).field("operator", &self.operator.pubkey()).finish()
    }
}

impl RpcMarket {
    /// Access for the node at `node`, acting with its operator's key.
    pub fn new(sender: Sender, operator: Keypair, node: Pubkey, genesis_hash: [u8; 32]) -> Self {
        Self { sender, operator, node, genesis_hash }
    }

    fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    async fn read<T>(
        &self,
        address: &Pubkey,
        minimum_slot: u64,
        decode: impl Fn(&Pubkey, &RawAccount) -> Result<T, ChainError>,
    ) -> Result<Seen<T>, Unreachable> {
        let observed = self.chain().accounts(&[*address], minimum_slot).await.map_err(unreachable)?;
        // What was closed within its last slot has no data and belongs to the system program.
        let live = observed.value.into_iter().flatten().find(|account| !account.data.is_empty());
        let account = live.map(|account| decode(address, &account)).transpose().map_err(unreachable)?;
        Ok(Seen { slot: observed.slot, account })
    }

    async fn instructions(
        &self,
        address: &Pubkey,
        job: &Job,
        action: &Action,
    ) -> Result<Vec<Instruction>, Unreachable> {
        let operator = self.operator.pubkey();
        Ok(match action {
            Action::Claim => vec![instructions::claim_job(&operator, &self.node, address)],
            Action::Commit { boundary_root, output_root, output_path, manifest } => {
                let args = CommitResultArgs {
                    boundary_root: *boundary_root,
                    output_root: *output_root,
                    output_path: output_path.clone(),
                    result_manifest: *manifest,
                };
                vec![instructions::commit_result(&operator, address, args)]
            }
            Action::Expire => vec![instructions::expire_claim(&self.node, address)],
            Action::Finalise => vec![instructions::finalise_job(&self.node, address)],
            Action::Withdraw => {
                let account = self.chain().payment_mint(&job.payment_mint).await.map_err(unreachable)?;
                let mint = TokenMint { address: account.mint, token_program: account.token_program };
                vec![
                    mint.create_associated_account(&operator, &job.payee),
                    instructions::help_withdraw_credit(&operator, address, mint, CreditRole::Node, &job.payee),
                ]
            }
        })
    }
}

impl Market for RpcMarket {
    async fn job(&self, job: &Pubkey, minimum_slot: u64) -> Result<Seen<Job>, Unreachable> {
        self.read(job, minimum_slot, decode_job).await
    }

    async fn node(&self, minimum_slot: u64) -> Result<Seen<Node>, Unreachable> {
        self.read(&self.node, minimum_slot, decode_node).await
    }

    async fn sign(&self, address: &Pubkey, job: &Job, action: &Action) -> Result<Signed, Unreachable> {
        let instructions = self.instructions(address, job, action).await?;
        match self.sender.prepare(&instructions, &[&self.operator]).await {
            Ok(signed) => Ok(Signed::Ready(InFlight {
                purpose: action.purpose(),
                signature: signed.signature().to_string(),
                transaction: signed.to_bytes().map_err(unreachable)?,
            })),
            Err(ChainError::TransactionFailed(failure)) => {
                let (code, reason) = words(&failure);
                Ok(Signed::Refused { code, reason })
            }
            Err(error) => Err(unreachable(error)),
        }
    }

    fn sign_segment(&self, address: &Pubkey, job: &Job, segment: u16, root: &[u8; 32]) -> Option<[u8; 64]> {
        if job.operator != self.operator.pubkey() {
            return None;
        }
        let message = [
            b"\xffassay/segment/1".as_slice(),
            &self.genesis_hash,
            assay::ID.as_ref(),
            address.as_ref(),
            &job.commitment,
            &segment.to_le_bytes(),
            &job.ir_version.to_le_bytes(),
            root,
        ]
        .concat();
        Some(self.operator.sign_message(&message).into())
    }

    async fn submit(&self, transaction: &InFlight) -> Result<Fate, Unreachable> {
        let signed = SignedTransaction::from_bytes(&transaction.transaction).map_err(unreachable)?;
        match self.sender.deliver(&signed).await.map_err(unreachable)? {
            Outcome::Landed(landed) => Ok(Fate::Landed { slot: landed.slot }),
            Outcome::Failed { failure, .. } => {
                let (code, reason) = words(&failure);
                Ok(Fate::Failed { code, reason })
            }
            Outcome::Expired { .. } => Ok(Fate::Expired),
        }
    }
}

fn unreachable(error: ChainError) -> Unreachable {
    Unreachable { reason: error.to_string() }
}

fn words(failure: &TransactionFailure) -> (String, String) {
    (failure.assay_error().map(assay_chain::program_error::code).unwrap_or_default(), failure.to_string())
}
