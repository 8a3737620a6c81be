//! One node's way into the world, which can be cut, frozen and made to refuse.

use super::{
    Committed, FEE_LAMPORTS, GENESIS, MOST_FEE_LAMPORTS, OF_SESSIONS, PAYMENT_MINT, SignedSegment, Transaction,
    VALID_SLOTS, World, pack, parameters, scheduling,
};
use anchor_lang::AnchorDeserialize;
use assay::AssayError;
use assay::fairness::seed::Found;
use assay::session::Receipt;
use assay::state::{Demand, Job, Node, Parameters, PaymentMint, SegmentClaim, Session};
use assay::units::Slot;
use assay_chain::program_error;
use assay_node::defence::duties::Dispute;
use assay_node::identity::Statement;
use assay_node::journal::{InFlight, Purpose, SessionPurpose};
use assay_node::market::{
    Action, CarriedOut, EndpointView, Fate, Market, Move, OwnBuffer, Seen, SessionAction, Signed, Unreachable, Upkeep,
};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::transaction::Transaction as ChainTransaction;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

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
    /// Looks at a job that end in a panic, and how many did.
    panics: usize,
    panicked: usize,
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

    /// The next looks at a job panic.
    pub(crate) fn panic(&self, looks: usize) {
        self.calls.lock().unwrap().panics = looks;
    }

    /// Looks at a job that panicked.
    pub(crate) fn panicked(&self) -> usize {
        self.calls.lock().unwrap().panicked
    }

    fn panics(&self) -> bool {
        let mut calls = self.calls.lock().unwrap();
        let panics = calls.panics > 0;
        calls.panics = calls.panics.saturating_sub(1);
        calls.panicked += usize::from(panics);
        panics
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

pub(super) fn words(error: AssayError) -> (String, String) {
    (program_error::code(error), error.to_string())
}

impl Market for TestMarket {
    async fn job(&self, job: &Pubkey, minimum_slot: u64) -> Result<Seen<Job>, Unreachable> {
        assert!(!self.panics(), "the test says so");
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
