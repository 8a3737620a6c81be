//! The chain beside the model: makes each action, compares, and drains.

use crate::action::{Action, Caller, Destination, model_parameters};
use crate::delegation::{DelegationAction, PoolModel};
use crate::sessions::{SessionAction, SessionStage};
use crate::state::{
    AUTHORITY, CLIENTS, FIRST_VALIDATOR, JobModel, MintModel, Model, NODES, NodeModel, PARTIES, PAYMENT_MINTS,
    STAKE_MINT, STRANGER, State, Terms, VALIDATORS, ValidatorModel,
};
use assay::address;
use assay::audit::Draw;
use assay::instructions::{CreditRole, PostJobArgs};
use assay::state::Change;
use program_tests::audits::{CHAIN_LENGTH, Validator};
use program_tests::delegation_calls::COMMISSION_BPS;
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::terms::terms;
use program_tests::tokens::associated;
use program_tests::{ComputedResult, Job, Mint, Node, Session, World};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// What each party holds of each mint at the beginning: little enough that it runs out.
const WALLET: u64 = 20_000;
/// Nodes begin with different stakes; one is not registered.
const STAKES: [u64; NODES] = [100_000, 30_000, 0];
/// Of the validators.
const VALIDATOR_STAKES: [u64; VALIDATORS] = [40_000, 12_000];

#[derive(Clone)]
pub(crate) struct Market {
    pub(crate) world: World,
    pub(crate) model: Model,
    pub(crate) parties: [Pubkey; PARTIES],
    pub(crate) nodes: [Node; NODES],
    pub(crate) validators: [Validator; VALIDATORS],
    guardian: Pubkey,
    /// The two keys between which each node switches.
    pub(crate) operators: [[Pubkey; 2]; NODES],
    pub(crate) mints: [Mint; PAYMENT_MINTS + 1],
    /// Addresses that are read after every step: each party's token accounts, and the vaults of fees and of stake.
    pub(crate) wallets: [[Pubkey; PAYMENT_MINTS + 1]; PARTIES],
    pub(crate) vaults: [Pubkey; PAYMENT_MINTS + 1],
    pub(crate) counters: [Pubkey; CLIENTS],
    pub(crate) jobs: Vec<Job>,
    pub(crate) sessions: Vec<Session>,
    /// Signs the vouchers of all sessions.
    pub(crate) voucher_key: Pubkey,
    /// Tokens of each mint with those who take no part.
    pub(crate) elsewhere: [u64; PAYMENT_MINTS + 1],
    /// Lamports of each party at the beginning.
    lamports: [u64; PARTIES],
}

impl Market {
    /// A new market: two mints allowed, two nodes with stake, everybody with tokens of everything.
    pub(crate) fn open() -> Self {
        let mut world = World::uninitialised();
        world.svm = std::mem::take(&mut world.svm).with_sigverify(false).with_transaction_history(0);
        world.accepts(&world.initialize_network(model_parameters()));
        world.accepts(&world.create_stake_register(world.payer()));
        let mints = [world.create_mint("first mint", true), world.create_mint_2022("second mint"), world.stake_mint];
        for mint in &mints[..PAYMENT_MINTS] {
            world.governs(allowance(mint, 1, 1));
        }
        let guardian = world.appointed_guardian();
        let mut parties = [Pubkey::default(); PARTIES];
        for (at, party) in parties.iter_mut().enumerate() {
            *party = match at {
                AUTHORITY => world.authority,
                STRANGER => world.mallory,
                _ => world.rich_key(&format!("party {at}")),
            };
            for mint in &mints {
                world.fund(*party, mint, WALLET);
            }
        }
        let lamports = parties.map(|party| world.lamports(party));
        let mut nodes = Vec::new();
        let mut operators = Vec::new();
        let mut models = Vec::new();
        for (at, stake) in STAKES.into_iter().enumerate() {
            let owner = parties[CLIENTS + at];
            let keys = [world.key(&format!("operator {at}")), world.key(&format!("other operator {at}"))];
            let node = Node { address: address::node(&owner, 0), owner, operator: keys[0] };
            if stake > 0 {
                world.accepts(&world.register_node(&node, 0, ""));
                world.mint_to(&mints[STAKE_MINT], associated(owner, &mints[STAKE_MINT]), stake);
                world.accepts(&world.stake(&node, owner, stake));
                world.accepts(&world.open_delegation_pool(&node, COMMISSION_BPS));
                for mint in &mints[..PAYMENT_MINTS] {
                    world.accepts(&world.add_reward_mint(&node, mint));
                }
            }
            let mut record = assay::state::Node::default();
            let epoch_slots = model_parameters().scheduling.epoch_slots;
            record.begin(assay::units::Slot(world.slot()), epoch_slots).expect("a slot");
            let pool = PoolModel { commission_bps: COMMISSION_BPS, ..PoolModel::default() };
            let (registered, pool) = (stake > 0, (stake > 0).then_some(pool));
            models.push(NodeModel { registered, stake, record, pool, ..NodeModel::default() });
            nodes.push(node);
            operators.push(keys);
        }
        let mut validators = Vec::new();
        for (at, stake) in VALIDATOR_STAKES.into_iter().enumerate() {
            let key = parties[FIRST_VALIDATOR + at];
            let secret = [at as u8 + 1; 32];
            let validator = Validator { address: address::validator(&key), authority: key, auditor: key, secret };
            world.accepts(&world.register_validator(&validator));
            world.accepts(&world.commit_chain(&validator, validator.chain_end()));
            world.mint_to(&mints[STAKE_MINT], associated(key, &mints[STAKE_MINT]), stake);
            world.accepts(&world.stake_validator(&validator, stake));
            validators.push(validator);
        }
        let first_epoch = world.epoch_of(world.slot()) + 2;
        let staked_slot = world.slot();
        // Into the first epoch that counts.
        world.advance(40);
        let models_of_validators = VALIDATOR_STAKES.map(|stake| ValidatorModel {
            stake,
            recent: (stake, staked_slot),
            first_epoch,
            shown_epoch: first_epoch - 1,
            ..ValidatorModel::default()
        });
        let wallets = parties.map(|party| mints.map(|mint| world.balance(party, &mint)));
        let mint = || MintModel { enabled: true, numerator: 1, denominator: 1, fee_vault: 0 };
        let model = Model {
            slot: world.slot(),
            parameters: model_parameters(),
            validators: models_of_validators,
            mints: [mint(), mint()],
            wallets,
            nodes: models.try_into().expect("the nodes"),
            next_id: [0; CLIENTS],
            jobs: Vec::new(),
            pause: (0, 0),
            sessions: Vec::new(),
            stake_vault: STAKES.iter().sum::<u64>() + VALIDATOR_STAKES.iter().sum::<u64>(),
            donated_stake: 0,
        };
        let voucher_key = world.voucher_key();
        let mut market = Self {
            world,
            model,
            parties,
            nodes: nodes.try_into().expect("the nodes"),
            validators: validators.try_into().expect("the validators"),
            guardian,
            operators: operators.try_into().expect("the operators"),
            mints,
            wallets: parties.map(|party| mints.map(|mint| associated(party, &mint))),
            vaults: [
                address::fee_vault(&mints[0].address),
                address::fee_vault(&mints[1].address),
                address::stake_vault(),
            ],
            counters: [0, 1, 2].map(|client: usize| address::client(&parties[client])),
            jobs: Vec::new(),
            sessions: Vec::new(),
            voucher_key,
            elsewhere: [0; PAYMENT_MINTS + 1],
            lamports,
        };
        market.elsewhere = [0, 1, 2].map(|mint| market.world.supply(&market.mints[mint]) - market.held(mint));
        market.check();
        market
    }

    /// Tries an action on the chain, which must do as the model says. Whether it was accepted.
    pub(crate) fn step(&mut self, action: &Action) -> bool {
        let broken = self.model.broken_rules(action);
        let accepted = self.try_on_chain(action);
        match accepted {
            Ok(()) => assert!(broken.is_empty(), "accepted, but breaks {broken:?}: {action:?}"),
            Err(refusal) => {
                assert!(!broken.is_empty(), "breaks no rule, but refused: {action:?}: {refusal:#?}");
                assert!(broken.contains(&refusal.why), "breaks {broken:?}, but refused for {refusal:#?}: {action:?}");
                return false;
            }
        }
        if let Action::Post { client, mint, id, .. } = *action {
            self.jobs.push(self.world.job_at(self.parties[client], id, &self.mints[mint]));
        }
        if let Action::Session(SessionAction::OpenSession { client, mint, node, id, .. }) = *action {
            self.sessions.push(self.session_to_open(client, mint, node, id));
        }
        self.model.apply(action);
        if let Action::Commit { job, .. } = *action {
            self.model.jobs[job].draws = [0, 1].map(|validator| self.draws(validator, job));
        }
        true
    }

    /// The seed that a validator shows for a job, as far as its chain reaches.
    fn seed(&self, validator: usize, job: usize) -> [u8; 32] {
        let model = &self.model.validators[validator];
        let steps = (self.model.epoch(self.model.jobs[job].committed) + 1).checked_sub(model.first_epoch);
        let reached = steps.is_some_and(|steps| (1..=CHAIN_LENGTH).contains(&steps));
        let epoch = self.model.epoch(self.model.jobs[job].committed);
        if reached { self.validators[validator].seed(model.first_epoch, epoch) } else { [0; 32] }
    }

    fn draws(&self, validator: usize, job: usize) -> bool {
        let (model, address) = (&self.model.jobs[job], self.jobs[job].address);
        let beacon = self.world.read_job(&self.jobs[job]).audit.beacon;
        let weight = self.model.validators[validator].weight(model.posted);
        Draw::new(&self.seed(validator, job), &beacon, &address).selects(weight, model.validator_stake, 16)
    }

    fn try_on_chain(&mut self, action: &Action) -> Result<(), program_tests::Refusal> {
        let (world, mints) = (&mut self.world, &self.mints);
        match *action {
            Action::Advance(slots) => world.advance(slots),
            Action::DonateToJob { job, amount } => world.mint_to(&self.jobs[job].mint, self.jobs[job].vault, amount),
            Action::DonateToStake { amount } => world.mint_to(&mints[STAKE_MINT], address::stake_vault(), amount),
            Action::Session(SessionAction::DonateToSession { session, amount }) => {
                world.mint_to(&self.sessions[session].mint, self.sessions[session].vault, amount);
            }
            Action::Session(ref action) => {
                let instructions = self.session_instructions(action);
                self.world.transact(&instructions)?;
            }
            Action::Delegation(ref action) => {
                let instructions = self.delegation_instructions(action);
                self.world.transact(&instructions)?;
            }
            _ => {
                let instructions = match self.change(action) {
                    Some(change) => self.world.at_once(change).to_vec(),
                    None => vec![self.instruction(action)],
                };
                self.world.transact(&instructions)?;
            }
        }
        Ok(())
    }

    /// The change that an action of governance proposes and carries out at once.
    fn change(&self, action: &Action) -> Option<Change> {
        match *action {
            Action::SetParameters(parameters) => Some(Change::Parameters { parameters }),
            Action::SetPaymentMint { mint, enabled, numerator, denominator } => {
                let terms = MintTerms { enabled, bond_numerator: numerator, bond_denominator: denominator };
                Some(terms.of(&self.mints[mint]))
            }
            Action::WithdrawFees { mint, amount } => Some(self.world.fee_withdrawal(&self.mints[mint], amount)),
            _ => None,
        }
    }

    fn instruction(&self, action: &Action) -> Instruction {
        let (world, mints, nodes) = (&self.world, &self.mints, &self.nodes);
        let with_key = |node: usize, key: usize| Node { operator: self.operators[node][key], ..nodes[node] };
        match *action {
            Action::Pause { slots } => world.pause_new_work(self.guardian, slots).instruction(),
            Action::Register { node } => world.register_node(&with_key(node, 0), 0, "").instruction(),
            Action::Deregister { node } => world.deregister_node(&nodes[node]).instruction(),
            Action::Heartbeat { node } => {
                let key = self.model.nodes[node].operator;
                world.heartbeat(&with_key(node, key)).instruction()
            }
            Action::SwitchOperator { node } => {
                let other = self.operators[node][1 - self.model.nodes[node].operator];
                world.update_node(&nodes[node], other, "http://node.example").instruction()
            }
            Action::Stake { node, amount } => world.stake(&nodes[node], nodes[node].owner, amount).instruction(),
            Action::RequestWithdrawal { node, amount } => world.request_withdrawal(&nodes[node], amount).instruction(),
            Action::CancelWithdrawal { node, place } => world.cancel_withdrawal(&nodes[node], place).instruction(),
            Action::WithdrawStake { node } => world.withdraw_stake(&nodes[node]).instruction(),
            Action::Post { client, mint, id, terms: t } => {
                let job = world.job_at(self.parties[client], id, &mints[mint]);
                world.post_job(&job, post_args(id, t)).instruction()
            }
            Action::Claim { node, operator, job } => {
                world.claim_job(&with_key(node, operator), &self.jobs[job]).instruction()
            }
            Action::Commit { node, operator, job, honest } => {
                let mut args = ComputedResult::new(&terms().output, &self.jobs[job].id.to_le_bytes()).args();
                if !honest {
                    args.output_root[0] ^= 1;
                }
                world.commit_result(&with_key(node, operator), &self.jobs[job], args).instruction()
            }
            Action::Finalise { node, job } => world.finalise_job(&nodes[node], &self.jobs[job]).instruction(),
            Action::Cancel { client, job } => {
                let signed = |accounts: &mut assay::accounts::CancelJob| accounts.client = self.parties[client];
                world.cancel_job(&self.jobs[job]).with(signed).instruction()
            }
            Action::ExpireJob { job } => world.expire_job(&self.jobs[job]).instruction(),
            Action::Burn { job } => world.burn_slash(&self.jobs[job]).instruction(),
            Action::ExpireClaim { node, job } => world.expire_claim(&nodes[node], &self.jobs[job]).instruction(),
            Action::WithdrawCredit { job, role, caller, destination } => {
                let model = &self.model.jobs[job];
                let payee = match role {
                    CreditRole::Client => self.parties[model.client],
                    CreditRole::Node => model.claimer.map_or(world.mallory, |(node, _)| nodes[node].owner),
                };
                let job = &self.jobs[job];
                let to = self.destination(payee, &job.mint, job.vault, destination);
                world.withdraw_credit_to(self.caller(payee, caller), job, role, to).instruction()
            }
            Action::WithdrawCharge { job, caller, destination } => {
                let payee = self.jobs[job].client;
                let to = self.destination(payee, &mints[STAKE_MINT], address::stake_vault(), destination);
                let signer = self.caller(payee, caller);
                world.withdraw_charge(signer, &self.jobs[job]).with(|a| a.destination = to).instruction()
            }
            Action::Accept { client, job } => {
                let signed = |accounts: &mut assay::accounts::AcceptResult| accounts.client = self.parties[client];
                world.accept_result(&self.jobs[job]).with(signed).instruction()
            }
            Action::StakeValidator { validator, amount } => {
                world.stake_validator(&self.validators[validator], amount).instruction()
            }
            Action::RequestValidatorWithdrawal { validator, amount } => {
                world.request_validator_withdrawal(&self.validators[validator], amount).instruction()
            }
            Action::WithdrawValidatorStake { validator } => {
                world.withdraw_validator_stake(&self.validators[validator]).instruction()
            }
            Action::Attest { validator, job } => {
                let seed = self.seed(validator, job);
                world.attest_with(&self.validators[validator], &self.jobs[job], seed).instruction()
            }
            Action::SettleAttestation { validator, job } => {
                world.settle_attestation(&self.validators[validator], &self.jobs[job]).instruction()
            }
            Action::CollectAttestation { validator, job, caller, destination } => {
                let (validator, job) = (&self.validators[validator], &self.jobs[job]);
                let to = self.destination(validator.authority, &job.mint, job.vault, destination);
                let signer = self.caller(validator.authority, caller);
                world.collect_attestation_with(signer, validator, job, to, None).instruction()
            }
            Action::SweepFee { job } => world.sweep_fee(&self.jobs[job]).instruction(),
            Action::Close { job } => world.close_job(&self.jobs[job]).instruction(),
            Action::Advance(_)
            | Action::DonateToJob { .. }
            | Action::DonateToStake { .. }
            | Action::SetParameters(_)
            | Action::SetPaymentMint { .. }
            | Action::WithdrawFees { .. }
            | Action::Session(_)
            | Action::Delegation(_) => unreachable!("no single instruction of the program"),
        }
    }

    pub(crate) fn caller(&self, payee: Pubkey, caller: Caller) -> Pubkey {
        if caller == Caller::Payee { payee } else { self.world.mallory }
    }

    pub(crate) fn destination(&self, payee: Pubkey, mint: &Mint, vault: Pubkey, destination: Destination) -> Pubkey {
        match destination {
            Destination::Canonical => associated(payee, mint),
            Destination::Vault => vault,
            Destination::Strangers => associated(self.world.mallory, mint),
        }
    }

    /// Brings every job to its end, by strangers' calls alone, then takes all stake and all fees out: every token and every
    /// lamport that entered comes out. The number of jobs that had to be brought to an end.
    pub(crate) fn drain(&mut self) -> u64 {
        let mut drained = 0;
        for job in 0..self.jobs.len() {
            if self.model.jobs[job].state != State::Closed {
                self.drain_job(job);
                drained += 1;
            }
        }
        for session in 0..self.sessions.len() {
            drained += u64::from(self.model.sessions[session].stage != SessionStage::Closed);
            self.drain_session(session);
        }
        self.drain_delegations();
        for node in (0..NODES).filter(|node| self.model.nodes[*node].registered).collect::<Vec<_>>() {
            self.drain_node(node);
        }
        for validator in 0..VALIDATORS {
            self.drain_validator(validator);
        }
        for mint in 0..PAYMENT_MINTS {
            let amount = self.model.mints[mint].fee_vault;
            if amount > 0 {
                self.must(Action::WithdrawFees { mint, amount });
            }
        }
        self.check();
        assert_eq!(self.model.stake_vault, self.model.donated_stake, "only gifts are left");
        for mint in 0..=PAYMENT_MINTS {
            let wallets: u64 = self.model.wallets.iter().map(|wallet| wallet[mint]).sum();
            let gifts = if mint == STAKE_MINT { self.model.donated_stake } else { 0 };
            assert_eq!(wallets + gifts + self.elsewhere[mint], self.world.supply(&self.mints[mint]), "mint {mint}");
        }
        for (party, key) in self.parties.iter().enumerate() {
            // The client's counter is never closed.
            let kept = if party < CLIENTS { self.world.lamports(address::client(key)) } else { 0 };
            assert_eq!(self.world.lamports(*key) + kept, self.lamports[party], "lamports of party {party}");
        }
        drained
    }

    fn drain_job(&mut self, job: usize) {
        let JobModel { state, terms, posted, claimed, committed, claimer, .. } = self.model.jobs[job].clone();
        let node = claimer.map_or(0, |claimer| claimer.0);
        match state {
            State::Posted => {
                self.wait_until(posted + terms.claim_slots + 1);
                self.must(Action::ExpireJob { job });
            }
            State::Claimed => {
                self.wait_until(claimed + terms.run_slots + 1);
                self.must(Action::ExpireClaim { node, job });
            }
            State::Committed | State::Accepted => {
                self.wait_until(committed + terms.window_slots + 1);
                self.must(Action::Finalise { node, job });
            }
            _ => {}
        }
        let (caller, destination) = (Caller::Stranger, Destination::Canonical);
        if self.model.jobs[job].credit_delegators > 0 {
            self.must(Action::Delegation(DelegationAction::CollectReward { job }));
        }
        if self.model.jobs[job].credit_node > 0 {
            self.must(Action::WithdrawCredit { job, role: CreditRole::Node, caller, destination });
        }
        if self.model.jobs[job].credit_client > 0 {
            self.must(Action::WithdrawCredit { job, role: CreditRole::Client, caller, destination });
        }
        if self.model.jobs[job].charge > 0 {
            self.must(Action::WithdrawCharge { job, caller, destination });
        }
        if self.model.jobs[job].credit_fee > 0 {
            self.must(Action::SweepFee { job });
        }
        if self.model.jobs[job].burn > 0 {
            self.must(Action::Burn { job });
        }
        for validator in 0..VALIDATORS {
            if self.model.jobs[job].attested[validator] == Some(false) {
                self.must(Action::SettleAttestation { validator, job });
            }
            if self.model.jobs[job].attested[validator] == Some(true) {
                self.must(Action::CollectAttestation { validator, job, caller, destination });
            }
        }
        self.must(Action::Close { job });
    }

    fn drain_node(&mut self, node: usize) {
        let last = |market: &Self| market.model.nodes[node].queue.iter().map(|place| place.1).max().unwrap_or(0);
        if self.model.nodes[node].unbonding() > 0 {
            self.wait_until(last(self));
            self.must(Action::WithdrawStake { node });
        }
        let amount = self.model.nodes[node].stake;
        if amount > 0 {
            self.must(Action::RequestWithdrawal { node, amount });
            self.wait_until(last(self));
            self.must(Action::WithdrawStake { node });
        }
        if self.model.nodes[node].record.standing.unresolved > 0 {
            self.must(Action::Heartbeat { node });
        }
        // What it did fades: however bad, within this time.
        let faded = self.model.slot + 20_000;
        self.wait_until(faded);
        self.must(Action::Deregister { node });
    }

    fn drain_validator(&mut self, validator: usize) {
        for _ in 0..2 {
            let (amount, release) = self.model.validators[validator].unbonding;
            if amount > 0 {
                self.wait_until(release);
                self.must(Action::WithdrawValidatorStake { validator });
            }
            let amount = self.model.validators[validator].stake;
            if amount > 0 {
                self.must(Action::RequestValidatorWithdrawal { validator, amount });
            }
        }
        let removal = self.world.deregister_validator(&self.validators[validator]);
        self.world.accepts(&removal);
    }

    pub(crate) fn wait_until(&mut self, slot: u64) {
        let slots = slot.saturating_sub(self.model.slot);
        self.must(Action::Advance(slots));
    }

    /// Makes a step that must be possible.
    pub(crate) fn must(&mut self, action: Action) {
        assert!(self.step(&action), "stuck: {action:?} breaks {:?}", self.model.broken_rules(&action));
    }
}

fn post_args(job_id: u64, terms_of: Terms) -> PostJobArgs {
    let Terms { price_min, price_max, hold, ramp, claim_slots, run_slots, window_slots, minimum_stake, bond, pot, cap } =
        terms_of;
    PostJobArgs {
        job_id,
        price_min,
        price_max,
        ramp_hold_slots: hold,
        ramp_slots: ramp,
        claim_slots,
        run_slots,
        window_slots,
        minimum_stake,
        bond,
        audit_pot: pot,
        audit_cap: cap,
        ..terms()
    }
}
