//! The market over real RPC endpoints.

mod views;

use crate::defence::duties::Dispute;
use crate::identity::Statement;
use crate::journal::{InFlight, SessionPurpose};
use crate::market::{
    Action, CarriedOut, EndpointView, Fate, Market, Move, OwnBuffer, RpcUse, Seen, SessionAction, Signed, Unreachable,
    Upkeep,
};
use crate::settings::Settings;
use crate::urgency;
use assay::CommitResultArgs;
use assay::CreditRole;
use assay::address;
use assay::fairness::seed::Found;
use assay::session::{Receipt, Voucher};
use assay::state::{Demand, Job, Node, Parameters, PaymentMint, SegmentClaim, Session};
use assay_chain::accounts::{ChallengeFilter, DemandFilter, decode_job, decode_network, decode_node, decode_session};
use assay_chain::chain::RawAccount;
use assay_chain::failure::TransactionFailure;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::sender::LAMPORTS_PER_SIGNATURE;
use assay_chain::{Chain, ChainError, FeeSettings, Outcome, SendOptions, Sender, SignedTransaction, Urgency};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use solana_sdk::transaction::Transaction;

/// The operator's, and the one over the root of a segment.
const MOST_SIGNATURES: u64 = 2;

/// What a transaction of a node can cost at most with these settings.
pub fn most_fee_lamports(fees: &FeeSettings) -> u64 {
    let priority = fees.priority_fee().most_lamports();
    MOST_SIGNATURES.saturating_mul(LAMPORTS_PER_SIGNATURE).saturating_add(priority)
}

/// One node's access to the chain, over one endpoint or several.
pub struct RpcMarket {
    sender: Sender,
    operator: Keypair,
    node: Pubkey,
    /// Which chain this is, in the words of the chain itself.
    genesis_hash: [u8; 32],
    settings: Settings,
}

impl std::fmt::Debug for RpcMarket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The operator's key stays out of every log.
        f.debug_struct("RpcMarket").field("node", &self.node).field("operator", &self.operator.pubkey()).finish()
    }
}

impl RpcMarket {
    /// Access for the node at `node`, acting with its operator's key. What is paid for priority stands in the settings.
    pub fn new(sender: Sender, operator: Keypair, node: Pubkey, genesis_hash: [u8; 32], settings: Settings) -> Self {
        Self { sender, operator, node, genesis_hash, settings }
    }

    /// For a transaction of this urgency, with the fees of the settings as they are now.
    fn sender(&self, urgency: Urgency) -> Sender {
        let priority_fee = self.settings.now().fees.priority_fee();
        let options = SendOptions { priority_fee, urgency, ..*self.sender.options() };
        Sender::new(self.chain().clone(), options)
    }

    fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// Whoever called tries again.
    fn unreachable(&self, error: ChainError) -> Unreachable {
        Unreachable { reason: error.to_string() }
    }

    async fn read<T>(
        &self,
        address: &Pubkey,
        minimum_slot: u64,
        decode: impl Fn(&Pubkey, &RawAccount) -> Result<T, ChainError>,
    ) -> Result<Seen<T>, Unreachable> {
        let observed = self.chain().accounts(&[*address], minimum_slot).await.map_err(|e| self.unreachable(e))?;
        // What was closed within its last slot has no data and belongs to the system program.
        let live = observed.value.into_iter().flatten().find(|account| !account.data.is_empty());
        let account = live.map(|account| decode(address, &account)).transpose().map_err(|e| self.unreachable(e))?;
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
            Action::Claim { seal } => {
                let sealing = seal.then(|| instructions::seal_seed(address));
                sealing.into_iter().chain([instructions::claim_job(&operator, &self.node, address)]).collect()
            }
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
            Action::Finalise if job.is_receipt() => vec![instructions::finalise_receipt(&job.session, address)],
            Action::Finalise => vec![instructions::finalise_job(&self.node, address)],
            Action::Withdraw => {
                let mint = self.token_mint(&job.payment_mint).await?;
                let mut steps = Vec::new();
                if job.state.is_end() && job.credits.fee > 0 {
                    // A fee in the stake mint comes with a reward, which is withdrawn together with the price. Others are not the
                    // node's affair: their vaults can be frozen.
                    let network = self.chain().network().await.map_err(|e| self.unreachable(e))?;
                    if network.stake_mint == job.payment_mint {
                        let take = self.chain().fee_instructions(&operator, address, job, mint).await;
                        steps.extend(take.map_err(|e| self.unreachable(e))?);
                    }
                }
                steps.push(mint.create_associated_account(&operator, &job.payee));
                steps.push(instructions::help_withdraw_credit(&operator, address, mint, CreditRole::Node, &job.payee));
                steps
            }
        })
    }

    async fn session_instructions(
        &self,
        address: &Pubkey,
        session: &Session,
        action: &SessionAction,
    ) -> Result<Vec<Instruction>, Unreachable> {
        let operator = self.operator.pubkey();
        Ok(match action {
            SessionAction::Accept => vec![instructions::accept_session(&operator, &self.node, address)],
            SessionAction::Record(held) => {
                let voucher = Voucher { genesis_hash: self.genesis_hash, session: *address, amount: held.amount };
                instructions::record_voucher(&session.voucher_key, &voucher, &held.signature).to_vec()
            }
            SessionAction::Finalise => vec![instructions::finalise_session(&self.node, address)],
            SessionAction::Withdraw => {
                let mint = self.token_mint(&session.payment_mint).await?;
                let role = CreditRole::Node;
                vec![
                    mint.create_associated_account(&operator, &session.payee),
                    instructions::help_withdraw_session_credit(&operator, address, mint, role, &session.payee),
                ]
            }
        })
    }

    async fn token_mint(&self, mint: &Pubkey) -> Result<TokenMint, Unreachable> {
        let account = self.chain().payment_mint(mint).await.map_err(|e| self.unreachable(e))?;
        Ok(TokenMint { address: account.mint, token_program: account.token_program })
    }

    /// Simulates and signs.
    async fn prepared<P>(
        &self,
        purpose: P,
        instructions: &[Instruction],
        urgency: Urgency,
    ) -> Result<Signed<P>, Unreachable> {
        match self.sender(urgency).prepare(instructions, &[&self.operator]).await {
            Ok(signed) => Ok(Signed::Ready(InFlight {
                purpose,
                signature: signed.signature().to_string(),
                transaction: signed.to_bytes().map_err(|e| self.unreachable(e))?,
            })),
            Err(ChainError::TransactionFailed(failure)) => {
                let (code, reason) = words(&failure);
                Ok(Signed::Refused { code, reason })
            }
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// Sends instructions in one transaction and waits for its fate.
    async fn send(&self, instructions: &[Instruction], urgency: Urgency) -> Result<CarriedOut, Unreachable> {
        let sender = self.sender(urgency);
        let refused = |failure: &TransactionFailure| {
            let (code, reason) = words(failure);
            CarriedOut::Refused { code, reason }
        };
        let signed = match sender.prepare(instructions, &[&self.operator]).await {
            Ok(signed) => signed,
            Err(ChainError::TransactionFailed(failure)) => return Ok(refused(&failure)),
            Err(error) => return Err(self.unreachable(error)),
        };
        let fee_lamports = signed.fee_lamports();
        match sender.deliver(&signed).await.map_err(|e| self.unreachable(e))? {
            Outcome::Landed(landed) => Ok(CarriedOut::Landed { slot: landed.slot, fee_lamports }),
            Outcome::Failed { failure, .. } => Ok(refused(&failure)),
            Outcome::Expired { .. } => Ok(CarriedOut::Refused {
                code: String::new(),
                reason: "the transaction expired before it landed".to_owned(),
            }),
        }
    }

    async fn instructions_of(&self, job: &Pubkey, one: &Move) -> Result<Vec<Instruction>, Unreachable> {
        let operator = self.operator.pubkey();
        Ok(match one {
            Move::RecordRoot { segment, root } => {
                let seen = self.job(job, 0).await?;
                let account = seen.account.ok_or_else(|| Unreachable { reason: "the job is gone".to_owned() })?;
                let statement = instructions::segment_statement(self.genesis_hash, job, &account, *segment, *root);
                let signature: [u8; 64] = self.operator.sign_message(&statement.message()).into();
                instructions::record_segment_root(&operator, &account.operator, &statement, &signature).to_vec()
            }
            Move::OpenBuffer { id, bytes } => instructions::create_buffer(&operator, *id, *bytes),
            Move::WriteBuffer { id, offset, bytes } => vec![instructions::write_buffer(&operator, *id, *offset, bytes)],
            Move::Answer { address, demand, id } => {
                vec![instructions::answer_opening(&operator, address, demand, &address::buffer(&operator, *id))]
            }
            Move::CloseBuffer { id } => vec![instructions::close_buffer(&operator, *id)],
            Move::TimeOut { challenge } => vec![instructions::time_out_challenger(challenge, &self.node)],
            Move::CloseDemand { address, demand } => vec![instructions::close_demand(address, demand)],
            Move::CloseClaim { address, claim } => {
                let mint = self.chain().stake_mint().await.map_err(|e| self.unreachable(e))?;
                vec![instructions::close_segment_claim(&operator, address, claim, mint)]
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

    async fn parameters(&self, minimum_slot: u64) -> Result<Parameters, Unreachable> {
        let seen = self.read(&address::network(), minimum_slot, decode_network).await?;
        let network = seen.account.ok_or_else(|| Unreachable { reason: "there is no network".to_owned() })?;
        Ok(network.parameters)
    }

    async fn paused_until_slot(&self) -> Result<u64, Unreachable> {
        let seen = self.read(&address::network(), 0, decode_network).await?;
        Ok(seen.account.map_or(0, |network| network.paused_until_slot))
    }

    fn rpc(&self) -> RpcUse {
        let chain = self.chain();
        RpcUse {
            traffic: chain.traffic_of_each(),
            endpoints: chain.endpoints(),
            failovers: chain.failovers(),
            paid: chain.paid(),
        }
    }

    async fn endpoint_views(&self) -> Vec<Option<EndpointView>> {
        views::of_all(&self.chain().each(), &self.node).await
    }

    async fn remembered(&self, wanted: u64) -> Result<Option<Found>, Unreachable> {
        self.chain().slot_hash_at(wanted).await.map_err(|e| self.unreachable(e))
    }

    async fn sign(&self, address: &Pubkey, job: &Job, action: &Action) -> Result<Signed, Unreachable> {
        let instructions = self.instructions(address, job, action).await?;
        let urgency = urgency::of_action(job, action, self.chain().best_known_slot());
        self.prepared(action.purpose(), &instructions, urgency).await
    }

    async fn session(&self, session: &Pubkey, minimum_slot: u64) -> Result<Seen<Session>, Unreachable> {
        self.read(session, minimum_slot, decode_session).await
    }

    async fn sign_session(
        &self,
        address: &Pubkey,
        session: &Session,
        action: &SessionAction,
    ) -> Result<Signed<SessionPurpose>, Unreachable> {
        let instructions = self.session_instructions(address, session, action).await?;
        self.prepared(action.purpose(), &instructions, urgency::of_session_action(action)).await
    }

    fn sign_receipt(&self, operator: &Pubkey, receipt: &Receipt) -> Option<[u8; 64]> {
        (*operator == self.operator.pubkey()).then(|| self.operator.sign_message(&receipt.message()).into())
    }

    fn sign_identity(&self, statement: &Statement) -> [u8; 64] {
        self.operator.sign_message(&statement.message()).into()
    }

    fn genesis_hash(&self) -> [u8; 32] {
        self.genesis_hash
    }

    fn sign_segment(&self, address: &Pubkey, job: &Job, segment: u16, root: &[u8; 32]) -> Option<[u8; 64]> {
        let statement = instructions::segment_statement(self.genesis_hash, address, job, segment, *root);
        (job.operator == self.operator.pubkey()).then(|| self.operator.sign_message(&statement.message()).into())
    }

    async fn submit<P: Sync>(&self, transaction: &InFlight<P>) -> Result<Fate, Unreachable> {
        let signed = SignedTransaction::from_bytes(&transaction.transaction).map_err(|e| self.unreachable(e))?;
        Ok(fate(self.sender.deliver(&signed).await.map_err(|e| self.unreachable(e))?))
    }

    async fn settle(&self, transaction: &Transaction) -> Result<Fate, Unreachable> {
        Ok(fate(self.sender.deliver_foreign(transaction).await.map_err(|e| self.unreachable(e))?))
    }

    async fn payment_mint(&self, mint: &Pubkey) -> Result<Option<PaymentMint>, Unreachable> {
        self.chain().find_payment_mint(mint).await.map_err(|e| self.unreachable(e))
    }

    fn operator(&self) -> Pubkey {
        self.operator.pubkey()
    }

    async fn balance_lamports(&self) -> Result<u64, Unreachable> {
        self.chain().balance_lamports(&self.operator.pubkey()).await.map_err(|e| self.unreachable(e))
    }

    fn most_fee_lamports(&self) -> u64 {
        most_fee_lamports(&self.settings.now().fees)
    }

    async fn dispute(&self, job: &Pubkey, minimum_slot: u64) -> Result<(u64, Dispute), Unreachable> {
        let filter = ChallengeFilter { job: Some(*job), ..ChallengeFilter::default() };
        let challenges = self.chain().challenges_at(filter, minimum_slot).await.map_err(|e| self.unreachable(e))?;
        // Demands are read later: whatever a challenge waits for is among them.
        let filter = DemandFilter { job: Some(*job), ..DemandFilter::default() };
        let demands = self.chain().demands_at(filter, challenges.slot).await.map_err(|e| self.unreachable(e))?;
        Ok((challenges.slot, Dispute { challenges: challenges.value, demands: demands.value }))
    }

    async fn segment_claims(&self, job: &Pubkey, _: u64) -> Result<Vec<(Pubkey, SegmentClaim)>, Unreachable> {
        self.chain().segment_claims(job).await.map_err(|e| self.unreachable(e))
    }

    async fn demand(&self, address: &Pubkey, _: u64) -> Result<Option<Demand>, Unreachable> {
        self.chain().find_demand(address).await.map_err(|e| self.unreachable(e))
    }

    async fn buffer(&self, id: u64, _: u64) -> Result<Option<OwnBuffer>, Unreachable> {
        let address = address::buffer(&self.operator.pubkey(), id);
        let found = self.chain().find_buffer(&address).await.map_err(|e| self.unreachable(e))?;
        Ok(found.map(|(buffer, bytes)| OwnBuffer {
            held_by: (buffer.held_by != Pubkey::default()).then_some(buffer.held_by),
            bytes,
        }))
    }

    async fn carry_out(&self, job: &Pubkey, moves: &[Move], due_slot: Option<u64>) -> Result<CarriedOut, Unreachable> {
        let mut instructions = Vec::new();
        for one in moves {
            instructions.extend(self.instructions_of(job, one).await?);
        }
        let low_slots = self.settings.now().disputes.low_clock_slots;
        let urgency = urgency::of_moves(moves, due_slot, self.chain().best_known_slot(), low_slots);
        self.send(&instructions, urgency).await
    }

    async fn keep_up(&self, upkeep: &Upkeep) -> Result<CarriedOut, Unreachable> {
        let operator = self.operator.pubkey();
        let instruction = match upkeep {
            Upkeep::Heartbeat => instructions::heartbeat(&operator, &self.node),
            Upkeep::Profile(profile) => instructions::set_profile(&operator, &self.node, *profile),
        };
        self.send(&[instruction], Urgency::Low).await
    }
}

fn fate(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Landed(landed) => Fate::Landed { slot: landed.slot },
        Outcome::Failed { failure, .. } => {
            let (code, reason) = words(&failure);
            Fate::Failed { code, reason }
        }
        Outcome::Expired { .. } => Fate::Expired,
    }
}

fn words(failure: &TransactionFailure) -> (String, String) {
    (failure.assay_error().map(assay_chain::program_error::code).unwrap_or_default(), failure.to_string())
}
