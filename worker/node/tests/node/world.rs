//! A market in memory: the program's own accounts and transitions, with transactions that land, expire and are refused.
//! It can live in a file, so that a process that dies finds it again.

use crate::court::Court;
use anchor_lang::{AnchorDeserialize, AnchorSerialize};
use assay::AssayError;
use assay::fairness::seed::Found;
use assay::session::{Receipt, Voucher};
use assay::state::{
    CommittedResult, Demand, DisputeParameters, DisputeTerms, Job, JobNode, Node, Parameters, PaymentMint,
    SchedulingParameters, SegmentClaim, Session,
};
use assay::state_machine::JobEvent;
use assay::units::{BasisPoints, Slot, TokenAmount};
use assay_chain::instructions::read_open_session;
use assay_chain::program_error;
use assay_node::defence::cost::rent_lamports;
use assay_node::defence::duties::Dispute;
use assay_node::identity::Statement;
use assay_node::journal::{InFlight, Purpose, SessionPurpose};
use assay_node::market::{
    Action, CarriedOut, EndpointView, Fate, Market, Move, OwnBuffer, Seen, SessionAction, Signed, Unreachable, Upkeep,
};
use referee::commit::commitment;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use solana_sdk::transaction::Transaction as ChainTransaction;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What a transaction costs, and what the node thinks that it can cost.
pub(crate) const FEE_LAMPORTS: u64 = 5_000;
pub(crate) const MOST_FEE_LAMPORTS: u64 = 10_000;
/// Slots for which a transaction can land: more than a busy machine takes to send what is signed.
pub(crate) const VALID_SLOTS: u64 = 5_000;

/// Everything that is on the chain, and what was sent to it.
#[derive(Clone, Debug, Default, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct World {
    pub(crate) slot: u64,
    pub(crate) node_address: [u8; 32],
    pub(crate) operator: [u8; 32],
    /// What the operator holds.
    pub(crate) lamports: u64,
    pub(crate) jobs: BTreeMap<[u8; 32], Vec<u8>>,
    pub(crate) sessions: BTreeMap<[u8; 32], Vec<u8>>,
    pub(crate) node: Vec<u8>,
    pub(crate) landed: Vec<u64>,
    /// Every transaction that was signed, in order.
    pub(crate) signed: Vec<Transaction>,
    /// Ids of the transactions that were sent, in order.
    pub(crate) sent: Vec<u64>,
    pub(crate) paid: u64,
    /// Transactions that get lost until their blockhash expires.
    pub(crate) lose: u64,
    /// Roots of segments that were signed, in order.
    pub(crate) segments_signed: Vec<SignedSegment>,
    /// Messages of receipts that were signed, in order.
    pub(crate) receipts_signed: Vec<Vec<u8>>,
    /// Payments of strangers that were sent, each time that they were.
    pub(crate) payments_sent: u64,
    /// Signatures of those that landed, and where.
    pub(crate) payments_landed: BTreeMap<Vec<u8>, u64>,
    /// While it is set, no payment is confirmed.
    pub(crate) hold_payments: bool,
    /// What sessions that are opened leave the node to answer challenges, instead of what the network says.
    pub(crate) hasty_clock_slots: Option<u32>,
    pub(crate) court: Court,
}

/// A root that the node signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct SignedSegment {
    pub(crate) job: [u8; 32],
    pub(crate) segment: u16,
    pub(crate) root: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct Transaction {
    pub(crate) id: u64,
    pub(crate) purpose: u8,
    pub(crate) job: [u8; 32],
    pub(crate) last_slot: u64,
    /// What is committed to, if that is the purpose.
    pub(crate) result: Option<Committed>,
    /// What is recorded of a session, if that is the purpose.
    pub(crate) voucher: Option<Vec<u8>>,
}

/// Added to the numbers of the purposes of sessions, so that they are none of jobs.
pub(crate) const OF_SESSIONS: u8 = 100;
/// The cluster of these tests.
pub(crate) const GENESIS: [u8; 32] = [5; 32];

/// The blockhash that this chain knows.
pub(crate) const BLOCKHASH: [u8; 32] = [3; 32];
/// The only payment mint.
pub(crate) const PAYMENT_MINT: [u8; 32] = [9; 32];

/// Arguments of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct Committed {
    pub(crate) boundary_root: [u8; 32],
    pub(crate) output_root: [u8; 32],
    pub(crate) manifest: [u8; 32],
    pub(crate) output_path: Vec<[u8; 32]>,
}

/// The rules under which these tests run: nobody is drawn, and nothing jails.
fn scheduling() -> SchedulingParameters {
    SchedulingParameters { epoch_slots: 1_000_000, stake_per_job: 1, ..SchedulingParameters::default() }
}

fn parameters() -> Parameters {
    Parameters {
        maximum_open_jobs_per_node: 1_000,
        maximum_claim_slots: 20_000,
        maximum_run_slots: 200_000,
        minimum_window_slots: 200,
        maximum_window_slots: 1_000,
        protocol_fee_bps: 250,
        dispute: DisputeParameters {
            challenge_bond_bps: 1_000,
            reveal_slots: 20,
            challenger_clock_slots: 60,
            defender_clock_slots: 20_000,
            slash_bps: 2_500,
            bounty_bps: 5_000,
            opening_fee_lamports: 70_000,
        },
        scheduling: scheduling(),
        ..Parameters::default()
    }
}

pub(crate) fn pack<T: AnchorSerialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.serialize(&mut bytes).unwrap();
    bytes
}

impl World {
    pub(crate) fn job(&self, address: &Pubkey) -> Option<Job> {
        self.jobs.get(&address.to_bytes()).map(|bytes| Job::deserialize(&mut bytes.as_slice()).unwrap())
    }

    pub(crate) fn put_job(&mut self, address: &Pubkey, job: &Job) {
        self.jobs.insert(address.to_bytes(), pack(job));
    }

    pub(crate) fn node(&self) -> Node {
        Node::deserialize(&mut self.node.as_slice()).unwrap()
    }

    pub(crate) fn put_node(&mut self, node: &Node) {
        self.node = pack(node);
    }

    /// Takes lamports from the operator, who has to keep the rent of its own account.
    pub(crate) fn pay(&mut self, lamports: u64) -> Result<(), AssayError> {
        let rest = self.lamports.checked_sub(lamports).filter(|rest| *rest >= rent_lamports(0));
        self.lamports = rest.ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Distinct transactions of a purpose that were sent.
    pub(crate) fn sent(&self, purpose: Purpose) -> Vec<&Transaction> {
        self.signed.iter().filter(|tx| tx.purpose == purpose as u8 && self.sent.contains(&tx.id)).collect()
    }

    /// What the program would do, with its own checks in its own order.
    pub(crate) fn execute(&mut self, tx: &Transaction) -> Result<(), AssayError> {
        if tx.purpose >= OF_SESSIONS {
            return self.execute_in_session(tx);
        }
        let address = Pubkey::new_from_array(tx.job);
        let mut job = self.job(&address).ok_or(AssayError::IllegalTransition)?;
        let mut node = self.node();
        let now = Slot(self.slot);
        match tx.purpose {
            purpose if purpose == Purpose::Claim as u8 => {
                job.state.after(JobEvent::Claim)?;
                if job.claim_deadline()?.has_passed(now) {
                    return Err(AssayError::ClaimWindowClosed);
                }
                if node.stake < job.minimum_stake {
                    return Err(AssayError::StakeBelowJobMinimum);
                }
                let by = JobNode {
                    node: Pubkey::new_from_array(self.node_address),
                    operator: Pubkey::new_from_array(self.operator),
                    payee: node.withdraw_authority,
                };
                job.claim(by, now)?;
                let slash = BasisPoints(u32::from(job.dispute.slash_bps));
                node.lock_bond(TokenAmount(job.bond), slash, now, job.last_obligation()?)?;
            }
            purpose if purpose == Purpose::Commit as u8 => {
                job.state.after(JobEvent::Commit)?;
                if job.run_deadline()?.has_passed(now) {
                    return Err(AssayError::RunDeadlinePassed);
                }
                let Committed { boundary_root, output_root, manifest: result_manifest, output_path } =
                    tx.result.clone().unwrap();
                if job.output.boundary_root(&output_root, &output_path)? != boundary_root {
                    return Err(AssayError::BoundaryRootMismatch);
                }
                let commitment = commitment(&tx.job, &job.node.to_bytes(), &boundary_root);
                job.commit(CommittedResult { commitment, boundary_root, output_root, result_manifest }, now)?;
            }
            purpose if purpose == Purpose::Finalise as u8 => {
                job.state.after(JobEvent::Finalise)?;
                if !job.challenge_deadline()?.has_passed(now) {
                    return Err(AssayError::ChallengeWindowOpen);
                }
                job.finalise()?;
                if job.is_receipt() {
                    let mut session = self.session(&job.session).ok_or(AssayError::SessionMissing)?;
                    session.end_receipt()?;
                    self.put_session(&job.session, &session);
                } else {
                    node.settle_job(TokenAmount(job.bond))?;
                }
            }
            purpose if purpose == Purpose::Withdraw as u8 => {
                if job.credits.node == 0 {
                    return Err(AssayError::NothingOwed);
                }
                self.paid += job.credits.node;
                job.credits.node = 0;
            }
            _ => {
                job.state.after(JobEvent::Miss)?;
                if !job.run_deadline()?.has_passed(now) {
                    return Err(AssayError::RunDeadlineNotPassed);
                }
                let (cost, _) = node.record_miss(&job, now, &scheduling())?;
                job.miss(&cost)?;
            }
        }
        node.invariant()?;
        job.invariant()?;
        self.put_job(&address, &job);
        self.put_node(&node);
        Ok(())
    }
}

impl World {
    pub(crate) fn session(&self, address: &Pubkey) -> Option<Session> {
        self.sessions.get(&address.to_bytes()).map(|bytes| Session::deserialize(&mut bytes.as_slice()).unwrap())
    }

    pub(crate) fn put_session(&mut self, address: &Pubkey, session: &Session) {
        self.sessions.insert(address.to_bytes(), pack(session));
    }

    /// Distinct transactions of a purpose in sessions that were sent.
    pub(crate) fn sent_in_sessions(&self, purpose: SessionPurpose) -> Vec<&Transaction> {
        let number = OF_SESSIONS + purpose as u8;
        self.signed.iter().filter(|tx| tx.purpose == number && self.sent.contains(&tx.id)).collect()
    }

    /// What the program would do in a session, with its own checks in its own order.
    fn execute_in_session(&mut self, tx: &Transaction) -> Result<(), AssayError> {
        let address = Pubkey::new_from_array(tx.job);
        let mut session = self.session(&address).ok_or(AssayError::SessionMissing)?;
        let mut node = self.node();
        let now = Slot(self.slot);
        match tx.purpose - OF_SESSIONS {
            purpose if purpose == SessionPurpose::Accept as u8 => {
                if session.accept_deadline()?.has_passed(now) {
                    return Err(AssayError::AcceptDeadlinePassed);
                }
                let by = JobNode {
                    node: Pubkey::new_from_array(self.node_address),
                    operator: Pubkey::new_from_array(self.operator),
                    payee: node.withdraw_authority,
                };
                session.accept(by, now)?;
                let slash = BasisPoints(u32::from(session.dispute.slash_bps));
                node.lock_bond(TokenAmount(session.bond), slash, now, session.last_obligation()?)?;
            }
            purpose if purpose == SessionPurpose::Record as u8 => {
                let voucher = tx.voucher.clone().unwrap();
                let (amount, signature) = voucher.split_first_chunk::<8>().unwrap();
                let amount = u64::from_le_bytes(*amount);
                let message = Voucher { genesis_hash: GENESIS, session: address, amount }.message();
                let signature = Signature::try_from(signature).unwrap();
                if !signature.verify(session.voucher_key.as_ref(), &message) {
                    return Err(AssayError::SignatureInvalid);
                }
                session.record_voucher(TokenAmount(amount), now)?;
            }
            purpose if purpose == SessionPurpose::Finalise as u8 => {
                session.finalise(now)?;
                node.settle_job(TokenAmount(session.bond))?;
            }
            _ => {
                if session.credits.node == 0 {
                    return Err(AssayError::NothingOwed);
                }
                self.paid += session.credits.node;
                session.credits.node = 0;
            }
        }
        node.invariant()?;
        session.invariant()?;
        self.put_session(&address, &session);
        self.put_node(&node);
        Ok(())
    }

    /// What becomes of a transaction that opens a session: what the program checks beside the terms, which are the node's to check.
    fn settle(&mut self, transaction: &ChainTransaction) -> Fate {
        self.payments_sent += 1;
        let signature = transaction.signatures[0].as_ref().to_vec();
        if let Some(slot) = self.payments_landed.get(&signature) {
            return Fate::Landed { slot: *slot };
        }
        if transaction.message.recent_blockhash.to_bytes() != BLOCKHASH {
            return Fate::Expired;
        }
        let client = transaction.message.account_keys[0];
        let opening = transaction.message.instructions.last().unwrap();
        let args = read_open_session(&opening.data).unwrap();
        let address = assay::address::session(&client, args.session_id);
        if args.session_id != 0 || self.session(&address).is_some() {
            let (code, reason) = words(AssayError::JobIdMismatch);
            return Fate::Failed { code, reason };
        }
        let mut dispute = DisputeTerms::new(&parameters().dispute, TokenAmount(args.bond)).unwrap();
        dispute.defender_clock_slots = self.hasty_clock_slots.unwrap_or(dispute.defender_clock_slots);
        let session = Session {
            version: Session::VERSION,
            client,
            session_id: args.session_id,
            payment_mint: Pubkey::new_from_array(PAYMENT_MINT),
            node: Pubkey::new_from_array(self.node_address),
            vault: assay::address::vault(&address),
            graph_root: args.graph_root,
            params_root: args.params_root,
            ir_version: args.ir_version,
            voucher_key: args.voucher_key,
            price: args.price,
            balance: args.balance,
            accept_slots: args.accept_slots,
            session_slots: args.session_slots,
            window_slots: args.window_slots,
            bond: args.bond,
            protocol_fee_bps: parameters().protocol_fee_bps,
            dispute,
            offered_slot: self.slot,
            graph_uri: args.graph_uri,
            params_uri: args.params_uri,
            ..Session::default()
        };
        self.put_session(&address, &session);
        self.payments_landed.insert(signature, self.slot);
        Fate::Landed { slot: self.slot }
    }

    /// What the program does when a receipt is called in, with hints that lead nowhere; the address of the job.
    pub(crate) fn call_in(&mut self, message: &[u8]) -> Pubkey {
        let receipt = Receipt::parse(message).unwrap();
        let mut session = self.session(&receipt.session).unwrap();
        session.open_receipt(Slot(self.slot)).unwrap();
        let address = assay::address::receipt(&receipt.session, &receipt.hash());
        let job = Job {
            version: Job::VERSION,
            state: assay::state_machine::JobState::Committed,
            client: Pubkey::new_unique(),
            job_id: receipt.sequence,
            payment_mint: session.payment_mint,
            node: session.node,
            operator: session.operator,
            payee: session.payee,
            graph_root: session.graph_root,
            params_root: session.params_root,
            inputs_root: receipt.inputs_root,
            ir_version: session.ir_version,
            symbols: receipt.symbols,
            output: receipt.output,
            window_slots: session.window_slots,
            bond: session.bond,
            posted_slot: self.slot,
            claimed_slot: self.slot,
            committed_slot: self.slot,
            commitment: commitment(&address.to_bytes(), &session.node.to_bytes(), &receipt.boundary_root),
            boundary_root: receipt.boundary_root,
            output_root: receipt.output_root,
            result_manifest: [0xee; 32],
            dispute: session.dispute,
            session: receipt.session,
            graph_uri: session.graph_uri.clone(),
            params_uri: session.params_uri.clone(),
            inputs_uri: "http://127.0.0.1:9/v1/artifacts/nowhere".to_owned(),
            ..Job::default()
        };
        self.put_job(&address, &job);
        self.put_session(&receipt.session, &session);
        address
    }
}

/// At which call the node is to freeze for ever, as if the power went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freeze {
    pub(crate) call: usize,
    /// Whether the call has its effect first.
    pub(crate) after: bool,
}

/// One node's access to the world.
#[derive(Clone, Debug)]
pub(crate) struct TestMarket {
    world: Arc<Mutex<World>>,
    file: Option<PathBuf>,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    count: usize,
    /// How many of them asked for the balance, which is looked at from time to time.
    looks: usize,
    freeze: Option<Freeze>,
    unreachable: usize,
    refuse: Vec<(Purpose, AssayError)>,
    /// What the endpoints say.
    views: Vec<Option<EndpointView>>,
}

impl TestMarket {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), file: None, calls: Arc::default() }
    }

    /// The world that an earlier process left in `file`; what changes goes there.
    pub(crate) fn in_file(file: PathBuf) -> Self {
        let world = World::deserialize(&mut std::fs::read(&file).unwrap().as_slice()).unwrap();
        Self { file: Some(file), ..Self::new(world) }
    }

    pub(crate) fn save(world: &World, file: &std::path::Path) {
        let temporary = file.with_extension("new");
        std::fs::write(&temporary, pack(world)).unwrap();
        std::fs::rename(temporary, file).unwrap();
    }

    /// Reads or changes the world.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }

    pub(crate) fn freeze(&self, freeze: Option<Freeze>) {
        let mut calls = self.calls.lock().unwrap();
        (calls.count, calls.looks) = (0, 0);
        calls.freeze = freeze;
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.lock().unwrap().count
    }

    /// Calls that were not looks at the balance.
    pub(crate) fn calls_for_jobs(&self) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.count - calls.looks
    }

    /// The next calls fail.
    pub(crate) fn unreachable(&self, calls: usize) {
        self.calls.lock().unwrap().unreachable = calls;
    }

    /// The next simulation of this purpose is refused.
    pub(crate) fn refuse(&self, purpose: Purpose, error: AssayError) {
        self.calls.lock().unwrap().refuse.push((purpose, error));
    }

    /// From now on the endpoints say this.
    pub(crate) fn show(&self, views: Vec<Option<EndpointView>>) {
        self.calls.lock().unwrap().views = views;
    }

    async fn call<T>(&self, act: impl FnOnce(&mut World) -> T) -> Result<T, Unreachable> {
        self.counted(false, act).await
    }

    async fn counted<T>(&self, is_look: bool, act: impl FnOnce(&mut World) -> T) -> Result<T, Unreachable> {
        let (freeze, fails) = {
            let mut calls = self.calls.lock().unwrap();
            calls.count += 1;
            calls.looks += usize::from(is_look);
            let fails = calls.unreachable > 0;
            calls.unreachable = calls.unreachable.saturating_sub(1);
            (calls.freeze.filter(|freeze| freeze.call == calls.count), fails)
        };
        if freeze.is_some_and(|freeze| !freeze.after) {
            std::future::pending::<()>().await;
        }
        if fails {
            return Err(Unreachable { reason: "the test says so".into() });
        }
        let result = {
            let mut world = self.world.lock().unwrap();
            let result = act(&mut world);
            if let Some(file) = &self.file {
                Self::save(&world, file);
            }
            result
        };
        if freeze.is_some() {
            std::future::pending::<()>().await;
        }
        Ok(result)
    }
}

fn words(error: AssayError) -> (String, String) {
    (program_error::code(error), error.to_string())
}

impl Market for TestMarket {
    async fn job(&self, job: &Pubkey, minimum_slot: u64) -> Result<Seen<Job>, Unreachable> {
        self.call(|world| {
            assert!(minimum_slot <= world.slot, "asked for the future");
            Seen { slot: world.slot, account: world.job(job) }
        })
        .await
    }

    async fn node(&self, minimum_slot: u64) -> Result<Seen<Node>, Unreachable> {
        self.call(|world| {
            assert!(minimum_slot <= world.slot, "asked for the future");
            Seen { slot: world.slot, account: Some(world.node()) }
        })
        .await
    }

    async fn parameters(&self, _: u64) -> Result<Parameters, Unreachable> {
        Ok(parameters())
    }

    async fn paused_until_slot(&self) -> Result<u64, Unreachable> {
        Ok(0)
    }

    async fn endpoint_views(&self) -> Vec<Option<EndpointView>> {
        self.calls.lock().unwrap().views.clone()
    }

    async fn remembered(&self, _: u64) -> Result<Option<Found>, Unreachable> {
        Ok(None)
    }

    async fn sign(&self, address: &Pubkey, _: &Job, action: &Action) -> Result<Signed, Unreachable> {
        let purpose = action.purpose();
        let refused = {
            let mut calls = self.calls.lock().unwrap();
            let at = calls.refuse.iter().position(|(refused, _)| *refused == purpose);
            at.map(|at| calls.refuse.remove(at).1)
        };
        self.call(|world| {
            let result = match action {
                Action::Commit { boundary_root, output_root, output_path, manifest } => Some(Committed {
                    boundary_root: *boundary_root,
                    output_root: *output_root,
                    manifest: *manifest,
                    output_path: output_path.clone(),
                }),
                _ => None,
            };
            let id = world.signed.len() as u64 + 1;
            let last_slot = world.slot + VALID_SLOTS;
            let job = address.to_bytes();
            let tx = Transaction { id, purpose: purpose as u8, job, last_slot, result, voucher: None };
            let simulated = refused.map_or_else(|| world.clone().execute(&tx), Err);
            if let Err(error) = simulated {
                let (code, reason) = words(error);
                return Signed::Refused { code, reason };
            }
            world.signed.push(tx.clone());
            Signed::Ready(InFlight { purpose, signature: id.to_string(), transaction: pack(&tx) })
        })
        .await
    }

    async fn session(&self, session: &Pubkey, minimum_slot: u64) -> Result<Seen<Session>, Unreachable> {
        self.call(|world| {
            assert!(minimum_slot <= world.slot, "asked for the future");
            Seen { slot: world.slot, account: world.session(session) }
        })
        .await
    }

    async fn sign_session(
        &self,
        address: &Pubkey,
        _: &Session,
        action: &SessionAction,
    ) -> Result<Signed<SessionPurpose>, Unreachable> {
        let purpose = action.purpose();
        self.call(|world| {
            let voucher = match action {
                SessionAction::Record(held) => Some([held.amount.to_le_bytes().as_slice(), &held.signature].concat()),
                _ => None,
            };
            let (id, job) = (world.signed.len() as u64 + 1, address.to_bytes());
            let last_slot = world.slot + VALID_SLOTS;
            let tx = Transaction { id, purpose: OF_SESSIONS + purpose as u8, job, last_slot, result: None, voucher };
            if let Err(error) = world.clone().execute(&tx) {
                let (code, reason) = words(error);
                return Signed::Refused { code, reason };
            }
            world.signed.push(tx.clone());
            Signed::Ready(InFlight { purpose, signature: id.to_string(), transaction: pack(&tx) })
        })
        .await
    }

    fn sign_receipt(&self, operator: &Pubkey, receipt: &Receipt) -> Option<[u8; 64]> {
        // Not a signature: what was signed, and how often.
        let mut world = self.world.lock().unwrap();
        if operator.to_bytes() != world.operator {
            return None;
        }
        world.receipts_signed.push(receipt.message().to_vec());
        if let Some(file) = &self.file {
            Self::save(&world, file);
        }
        Some([&receipt.hash()[..], &[0; 32]].concat().try_into().unwrap())
    }

    fn sign_identity(&self, statement: &Statement) -> [u8; 64] {
        // Not a signature: what was signed.
        [&statement.nonce[..], statement.node.as_ref()].concat().try_into().unwrap()
    }

    fn genesis_hash(&self) -> [u8; 32] {
        GENESIS
    }

    async fn settle(&self, transaction: &ChainTransaction) -> Result<Fate, Unreachable> {
        while self.with(|world| world.hold_payments) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        self.call(|world| world.settle(transaction)).await
    }

    async fn payment_mint(&self, mint: &Pubkey) -> Result<Option<PaymentMint>, Unreachable> {
        let mint = *mint;
        self.call(|_| {
            (mint.to_bytes() == PAYMENT_MINT).then(|| PaymentMint {
                enabled: true,
                mint,
                token_program: Pubkey::new_from_array([10; 32]),
                bond_numerator: 1,
                bond_denominator: 1,
                version: PaymentMint::VERSION,
                bump: 0,
                freezable: false,
                decimals: 6,
                fee_vault: Pubkey::default(),
            })
        })
        .await
    }

    fn operator(&self) -> Pubkey {
        Pubkey::new_from_array(self.world.lock().unwrap().operator)
    }

    async fn balance_lamports(&self) -> Result<u64, Unreachable> {
        self.counted(true, |world| world.lamports).await
    }

    fn most_fee_lamports(&self) -> u64 {
        MOST_FEE_LAMPORTS
    }

    async fn dispute(&self, job: &Pubkey, minimum_slot: u64) -> Result<(u64, Dispute), Unreachable> {
        self.call(|world| {
            assert!(minimum_slot <= world.slot, "asked for the future");
            (world.slot, world.court.dispute(job))
        })
        .await
    }

    async fn segment_claims(&self, job: &Pubkey, _: u64) -> Result<Vec<(Pubkey, SegmentClaim)>, Unreachable> {
        self.call(|world| world.court.claims_of(job)).await
    }

    async fn demand(&self, address: &Pubkey, _: u64) -> Result<Option<Demand>, Unreachable> {
        self.call(|world| world.court.demand(address)).await
    }

    async fn buffer(&self, id: u64, _: u64) -> Result<Option<OwnBuffer>, Unreachable> {
        self.call(|world| world.court.buffer(id)).await
    }

    async fn keep_up(&self, upkeep: &Upkeep) -> Result<CarriedOut, Unreachable> {
        let upkeep = *upkeep;
        self.call(|world| {
            let mut node = world.node();
            let done = match upkeep {
                Upkeep::Heartbeat => node.record_heartbeat(Slot(world.slot), &scheduling()).map(drop),
                Upkeep::Profile(profile) => node.set_profile(profile),
            };
            match done {
                Ok(()) => {
                    world.put_node(&node);
                    CarriedOut::Landed { slot: world.slot, fee_lamports: 0 }
                }
                Err(error) => {
                    let (code, reason) = words(error);
                    CarriedOut::Refused { code, reason }
                }
            }
        })
        .await
    }

    async fn carry_out(&self, job: &Pubkey, moves: &[Move], _: Option<u64>) -> Result<CarriedOut, Unreachable> {
        self.call(|world| {
            let mut after = world.clone();
            let paid = after.pay(FEE_LAMPORTS);
            let done = paid.and_then(|()| moves.iter().try_for_each(|one| after.carry_out(job, one)));
            match done {
                Ok(()) => {
                    *world = after;
                    world.court.transactions += 1;
                    CarriedOut::Landed { slot: world.slot, fee_lamports: FEE_LAMPORTS }
                }
                Err(error) => {
                    let (code, reason) = words(error);
                    CarriedOut::Refused { code, reason }
                }
            }
        })
        .await
    }

    fn sign_segment(&self, address: &Pubkey, job: &Job, segment: u16, root: &[u8; 32]) -> Option<[u8; 64]> {
        // Not a signature: which root was signed for what, and how often.
        let mut world = self.world.lock().unwrap();
        if job.operator.to_bytes() != world.operator {
            return None;
        }
        world.segments_signed.push(SignedSegment { job: address.to_bytes(), segment, root: *root });
        if let Some(file) = &self.file {
            Self::save(&world, file);
        }
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(root);
        signature[32..34].copy_from_slice(&segment.to_le_bytes());
        Some(signature)
    }

    async fn submit<P: Sync>(&self, transaction: &InFlight<P>) -> Result<Fate, Unreachable> {
        let tx = Transaction::deserialize(&mut transaction.transaction.as_slice()).unwrap();
        self.call(|world| {
            if !world.sent.contains(&tx.id) {
                world.sent.push(tx.id);
            }
            if world.landed.contains(&tx.id) {
                return Fate::Landed { slot: world.slot };
            }
            if world.lose > 0 {
                world.lose -= 1;
                world.slot = world.slot.max(tx.last_slot + 1);
            }
            if world.slot > tx.last_slot {
                return Fate::Expired;
            }
            match world.pay(FEE_LAMPORTS).and_then(|()| world.execute(&tx)) {
                Ok(()) => {
                    world.landed.push(tx.id);
                    Fate::Landed { slot: world.slot }
                }
                Err(error) => {
                    let (code, reason) = words(error);
                    Fate::Failed { code, reason }
                }
            }
        })
        .await
    }
}
