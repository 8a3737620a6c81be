//! The chain beside the model: makes each action, compares, and drains.

use crate::action::{Action, Caller, Destination};
use crate::state::{
    AUTHORITY, CLIENTS, JobModel, MintModel, Model, NODES, NodeModel, PARTIES, PAYMENT_MINTS, STAKE_MINT, STRANGER,
    State, Terms,
};
use assay::address;
use assay::instructions::{CreditRole, PostJobArgs, SetPaymentMintArgs};
use assay::state::{Client, Node as NodeAccount};
use assay::state_machine::JobState;
use program_tests::terms::{parameters, terms};
use program_tests::tokens::associated;
use program_tests::{ComputedResult, Job, Mint, Node, World};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// What each party holds of each mint at the beginning: little enough that it runs out.
const WALLET: u64 = 20_000;
/// Nodes begin with different stakes; one is not registered.
const STAKES: [u64; NODES] = [100_000, 30_000, 0];

#[derive(Clone)]
pub(crate) struct Market {
    world: World,
    pub(crate) model: Model,
    parties: [Pubkey; PARTIES],
    nodes: [Node; NODES],
    /// The two keys between which each node switches.
    operators: [[Pubkey; 2]; NODES],
    mints: [Mint; PAYMENT_MINTS + 1],
    /// Addresses that are read after every step: each party's token accounts, and the vaults of fees and of stake.
    wallets: [[Pubkey; PAYMENT_MINTS + 1]; PARTIES],
    vaults: [Pubkey; PAYMENT_MINTS + 1],
    counters: [Pubkey; CLIENTS],
    jobs: Vec<Job>,
    /// Tokens of each mint with those who take no part.
    elsewhere: [u64; PAYMENT_MINTS + 1],
    /// Lamports of each party at the beginning.
    lamports: [u64; PARTIES],
}

impl Market {
    /// A new market: two mints allowed, two nodes with stake, everybody with tokens of everything.
    pub(crate) fn open() -> Self {
        let mut world = World::uninitialised();
        world.svm = std::mem::take(&mut world.svm).with_sigverify(false).with_transaction_history(0);
        world.accepts(&world.initialize_network(parameters()));
        let mints = [world.create_mint("first mint", true), world.create_mint_2022("second mint"), world.stake_mint];
        for mint in &mints[..PAYMENT_MINTS] {
            world.accepts(&world.allow_payment_mint(mint, 1, 1));
        }
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
            }
            models.push(NodeModel { registered: stake > 0, stake, ..NodeModel::default() });
            nodes.push(node);
            operators.push(keys);
        }
        let wallets = parties.map(|party| mints.map(|mint| world.balance(party, &mint)));
        let mint = || MintModel { enabled: true, numerator: 1, denominator: 1, fee_vault: 0 };
        let model = Model {
            slot: world.slot(),
            parameters: parameters(),
            mints: [mint(), mint()],
            wallets,
            nodes: models.try_into().expect("the nodes"),
            next_id: [0; CLIENTS],
            jobs: Vec::new(),
            stake_vault: STAKES.iter().sum(),
            donated_stake: 0,
        };
        let mut market = Self {
            world,
            model,
            parties,
            nodes: nodes.try_into().expect("the nodes"),
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
        self.model.apply(action);
        true
    }

    fn try_on_chain(&mut self, action: &Action) -> Result<(), program_tests::Refusal> {
        let (world, mints) = (&mut self.world, &self.mints);
        match *action {
            Action::Advance(slots) => world.advance(slots),
            Action::DonateToJob { job, amount } => world.mint_to(&self.jobs[job].mint, self.jobs[job].vault, amount),
            Action::DonateToStake { amount } => world.mint_to(&mints[STAKE_MINT], address::stake_vault(), amount),
            _ => {
                let instruction = self.instruction(action);
                self.world.transact(&[instruction])?;
            }
        }
        Ok(())
    }

    fn instruction(&self, action: &Action) -> Instruction {
        let (world, mints, nodes) = (&self.world, &self.mints, &self.nodes);
        let with_key = |node: usize, key: usize| Node { operator: self.operators[node][key], ..nodes[node] };
        match *action {
            Action::SetParameters(parameters) => world.set_parameters(parameters).instruction(),
            Action::SetPaymentMint { mint, enabled, numerator, denominator } => {
                let args = SetPaymentMintArgs { enabled, bond_numerator: numerator, bond_denominator: denominator };
                world.set_payment_mint(&mints[mint], args).instruction()
            }
            Action::WithdrawFees { mint, amount } => world.withdraw_fees(&mints[mint], amount).instruction(),
            Action::Register { node } => world.register_node(&with_key(node, 0), 0, "").instruction(),
            Action::Deregister { node } => world.deregister_node(&nodes[node]).instruction(),
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
            Action::SweepFee { job } => world.sweep_fee(&self.jobs[job]).instruction(),
            Action::Close { job } => world.close_job(&self.jobs[job]).instruction(),
            Action::Advance(_) | Action::DonateToJob { .. } | Action::DonateToStake { .. } => {
                unreachable!("no instruction of the program")
            }
        }
    }

    fn caller(&self, payee: Pubkey, caller: Caller) -> Pubkey {
        if caller == Caller::Payee { payee } else { self.world.mallory }
    }

    fn destination(&self, payee: Pubkey, mint: &Mint, vault: Pubkey, destination: Destination) -> Pubkey {
        match destination {
            Destination::Canonical => associated(payee, mint),
            Destination::Vault => vault,
            Destination::Strangers => associated(self.world.mallory, mint),
        }
    }

    /// Tokens of a mint in all wallets and vaults, as the chain has them.
    fn held(&self, mint: usize) -> u64 {
        let address = &self.mints[mint];
        let wallets: u64 = self.wallets.iter().map(|accounts| self.world.tokens(accounts[mint])).sum();
        let jobs = self.jobs.iter().filter(|job| job.mint == *address);
        let vaults: u64 = jobs.map(|job| self.world.tokens(job.vault)).sum();
        wallets + vaults + self.world.tokens(self.vaults[mint])
    }

    /// Compares the chain with the model, and the chain's accounts with one another.
    pub(crate) fn check(&self) {
        self.check_tokens();
        let states: Vec<Option<assay::state::Job>> =
            self.jobs.iter().map(|job| self.world.find::<assay::state::Job>(job.address)).collect();
        for (at, state) in states.iter().enumerate() {
            self.check_job(at, state.as_ref());
        }
        let mut stake_owed: u64 = states.iter().flatten().map(|job| job.charge_credit).sum();
        for at in 0..NODES {
            stake_owed += self.check_node(at, &states);
        }
        let stake_vault = self.world.tokens(self.vaults[STAKE_MINT]);
        assert_eq!(stake_vault, stake_owed + self.model.donated_stake, "the stake vault holds what it owes");
        for client in 0..CLIENTS {
            let counter: Option<Client> = self.world.find(self.counters[client]);
            let (next_id, open) = counter.map_or((0, 0), |counter| (counter.next_job_id, counter.open_jobs));
            let existing = states.iter().flatten().filter(|job| job.client == self.parties[client]).count();
            assert_eq!((next_id, open as usize), (self.model.next_id[client], existing), "counter of client {client}");
        }
    }

    fn check_tokens(&self) {
        for mint in 0..=PAYMENT_MINTS {
            let supply = self.world.supply(&self.mints[mint]);
            assert_eq!(self.held(mint) + self.elsewhere[mint], supply, "tokens of mint {mint} were made or lost");
            for (party, accounts) in self.wallets.iter().enumerate() {
                let balance = self.world.tokens(accounts[mint]);
                assert_eq!(balance, self.model.wallets[party][mint], "wallet of party {party} in mint {mint}");
            }
        }
        for (mint, model) in self.model.mints.iter().enumerate() {
            let fees = self.world.tokens(self.vaults[mint]);
            assert_eq!(fees, model.fee_vault, "fee vault of mint {mint}");
        }
        assert_eq!(self.world.tokens(self.vaults[STAKE_MINT]), self.model.stake_vault, "stake vault");
    }

    fn check_job(&self, at: usize, state: Option<&assay::state::Job>) {
        let (job, model) = (&self.jobs[at], &self.model.jobs[at]);
        let Some(state) = state else {
            assert_eq!(model.state, State::Closed, "job {at} is gone");
            assert!(!self.world.exists(job.vault), "the vault of job {at} outlived it");
            return;
        };
        assert_eq!(model_state(state.state), model.state, "state of job {at}");
        let credits = (state.credits.node, state.credits.client, state.credits.fee, state.charge_credit);
        assert_eq!(credits, (model.credit_node, model.credit_client, model.credit_fee, model.charge), "job {at}");
        let times = (state.posted_slot, state.claimed_slot, state.committed_slot, state.price);
        assert_eq!(times, (model.posted, model.claimed, model.committed, model.price), "job {at}");
        let claimer = model.claimer.map_or(Default::default(), |(node, key)| {
            (self.nodes[node].address, self.operators[node][key], self.nodes[node].owner)
        });
        assert_eq!((state.node, state.operator, state.payee), claimer, "claimer of job {at}");
        // From the account alone: the vault holds the whole escrow until the end, and then at least what is owed.
        let vault = self.world.tokens(job.vault);
        assert_eq!(vault, model.vault, "vault of job {at}");
        let owed = match state.state {
            JobState::Posted | JobState::Claimed | JobState::Committed => state.price_max,
            _ => state.credits.node + state.credits.client + state.credits.fee,
        };
        assert!(vault >= owed, "the vault of job {at} holds {vault} and owes {owed}");
    }

    /// What the stake vault owes to the node.
    fn check_node(&self, at: usize, jobs: &[Option<assay::state::Job>]) -> u64 {
        let (node, model) = (&self.nodes[at], &self.model.nodes[at]);
        let bonded = jobs.iter().flatten().filter(|job| job.node == node.address && job.state.locks_bond());
        let (bonds, open) = bonded.fold((0, 0), |(bonds, open), job| (bonds + job.bond, open + 1));
        let Some(state) = self.world.find::<NodeAccount>(node.address) else {
            assert!(!model.registered && open == 0, "node {at} is gone");
            return 0;
        };
        assert!(model.registered, "node {at} exists");
        assert_eq!((state.locked, state.open_jobs), (bonds, open), "bonds of node {at}");
        assert!(state.locked <= state.stake, "node {at} has locked more than it has");
        assert_eq!((state.stake, state.locked, state.open_jobs), (model.stake, model.locked, model.open_jobs));
        assert_eq!((state.jobs_settled, state.jobs_missed), (model.settled, model.missed), "record of node {at}");
        assert_eq!(state.operator, self.operators[at][model.operator], "operator of node {at}");
        let queue = state.unbonding.map(|place| place.amount);
        assert_eq!(queue, model.queue.map(|place| place.0), "queue of node {at}");
        state.stake + queue.iter().sum::<u64>()
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
        for node in (0..NODES).filter(|node| self.model.nodes[*node].registered).collect::<Vec<_>>() {
            self.drain_node(node);
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
            State::Committed => {
                self.wait_until(committed + terms.window_slots + 1);
                self.must(Action::Finalise { node, job });
            }
            _ => {}
        }
        let (caller, destination) = (Caller::Stranger, Destination::Canonical);
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
        self.must(Action::Deregister { node });
    }

    fn wait_until(&mut self, slot: u64) {
        let slots = slot.saturating_sub(self.model.slot);
        self.must(Action::Advance(slots));
    }

    /// Makes a step that must be possible.
    fn must(&mut self, action: Action) {
        assert!(self.step(&action), "stuck: {action:?} breaks {:?}", self.model.broken_rules(&action));
    }
}

fn model_state(state: JobState) -> State {
    match state {
        JobState::Posted => State::Posted,
        JobState::Claimed => State::Claimed,
        JobState::Committed => State::Committed,
        JobState::Settled => State::Settled,
        JobState::Cancelled => State::Cancelled,
        JobState::Expired => State::Expired,
        JobState::Missed => State::Missed,
    }
}

fn post_args(job_id: u64, terms_of: Terms) -> PostJobArgs {
    let Terms { price_min, price_max, hold, ramp, claim_slots, run_slots, window_slots, minimum_stake, bond } =
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
        ..terms()
    }
}
