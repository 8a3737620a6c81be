//! Compares the chain with the model after every step, and the chain's accounts with one another.

use crate::market::Market;
use crate::state::{CLIENTS, NODES, PAYMENT_MINTS, STAKE_MINT, State, VALIDATORS};
use assay::state::{Client, Node as NodeAccount, Validator as ValidatorAccount};
use assay::state_machine::JobState;

impl Market {
    /// Tokens of a mint in all wallets and vaults, as the chain has them.
    pub(crate) fn held(&self, mint: usize) -> u64 {
        let address = &self.mints[mint];
        let wallets: u64 = self.wallets.iter().map(|accounts| self.world.tokens(accounts[mint])).sum();
        let jobs = self.jobs.iter().filter(|job| job.mint == *address);
        let sessions = self.sessions.iter().filter(|session| session.mint == *address).map(|session| session.vault);
        let vaults: u64 = jobs.map(|job| job.vault).chain(sessions).map(|vault| self.world.tokens(vault)).sum();
        let rewards = if mint == STAKE_MINT { 0 } else { self.held_for_delegators(mint) };
        wallets + vaults + rewards + self.world.tokens(self.vaults[mint])
    }

    /// Compares the chain with the model, and the chain's accounts with one another.
    pub(crate) fn check(&self) {
        self.check_tokens();
        let states: Vec<Option<assay::state::Job>> =
            self.jobs.iter().map(|job| self.world.find::<assay::state::Job>(job.address)).collect();
        for (at, state) in states.iter().enumerate() {
            self.check_job(at, state.as_ref());
        }
        self.check_sessions();
        let mut stake_owed: u64 = states.iter().flatten().map(|job| job.charge_credit + job.record.burn_credit).sum();
        for at in 0..NODES {
            stake_owed += self.check_node(at, &states);
            stake_owed += self.check_delegations(at);
        }
        for at in 0..VALIDATORS {
            stake_owed += self.check_validator(at, &states);
        }
        let nodes: Vec<NodeAccount> = self.nodes.iter().filter_map(|node| self.world.find(node.address)).collect();
        let register = self.world.stake_register();
        let weights: u64 = nodes.iter().map(|node| node.weights.present()).sum();
        let counted: u64 = nodes.iter().map(|node| node.counted_stake).sum();
        assert_eq!((register.weights.present(), register.stake), (weights, counted), "the register of stake");
        let all: u64 = self.model.validators.iter().map(|validator| validator.stake).sum();
        let network = self.world.network();
        assert_eq!(network.validator_stake, all, "stake of all validators");
        assert_eq!((network.paused_until_slot, network.pause_allowed_slot), self.model.pause, "the guardian's pause");
        let stake_vault = self.world.tokens(self.vaults[STAKE_MINT]);
        assert_eq!(stake_vault, stake_owed + self.model.donated_stake, "the stake vault holds what it owes");
        for client in 0..CLIENTS {
            let counter: Option<Client> = self.world.find(self.counters[client]);
            let (next_id, open) = counter.map_or((0, 0), |counter| (counter.next_job_id, counter.open_jobs));
            let existing = states.iter().flatten().filter(|job| job.client == self.parties[client]).count();
            let sessions = self.sessions.iter().filter(|session| session.client == self.parties[client]);
            let existing = existing + sessions.filter(|session| self.world.exists(session.address)).count();
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
        let credits = (state.credits.node, state.credits.client, state.credits.fee, state.credits.audits);
        let expected = (model.credit_node, model.credit_client, model.credit_fee, model.credit_audits);
        assert_eq!(credits, expected, "job {at}");
        let delegators = (state.credits.delegators, u64::from(state.delegators_bps));
        assert_eq!(delegators, (model.credit_delegators, model.delegators_bps), "job {at}");
        assert_eq!((state.charge_credit, state.record.burn_credit), (model.charge, model.burn), "job {at}");
        let open = model.attested.iter().flatten().count() as u64;
        let audit = (u64::from(state.audit.attestations), u64::from(state.audit.open_attestations), state.audit.fee);
        assert_eq!(audit, (model.attestations, open, model.fee_each), "audit of job {at}");
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
            JobState::Posted | JobState::Claimed | JobState::Committed => state.price_max + state.audit.pot,
            JobState::Accepted => state.credits.total().expect("a sum").0 + state.audit.pot,
            _ => state.credits.total().expect("a sum").0,
        };
        assert!(vault >= owed, "the vault of job {at} holds {vault} and owes {owed}");
    }

    /// What the stake vault owes to the validator.
    fn check_validator(&self, at: usize, jobs: &[Option<assay::state::Job>]) -> u64 {
        let (validator, model) = (&self.validators[at], &self.model.validators[at]);
        let Some(state) = self.world.find::<ValidatorAccount>(validator.address) else {
            assert_eq!((model.stake, model.unbonding.0, model.open), (0, 0, 0), "validator {at} is gone");
            return 0;
        };
        let bonds: u64 = self
            .jobs
            .iter()
            .zip(jobs)
            .filter(|(_, state)| state.is_some())
            .filter_map(|(job, _)| self.world.attestation(job, validator))
            .filter(|attestation| !attestation.released)
            .map(|attestation| attestation.bond)
            .sum();
        assert_eq!((state.locked, model.locked), (bonds, bonds), "bonds of validator {at}");
        assert_eq!((state.stake, state.open_attestations), (model.stake, model.open), "validator {at}");
        assert_eq!((state.upheld, state.slashed), (model.upheld, 0), "record of validator {at}");
        assert_eq!((state.unbonding.amount, state.unbonding.release_slot), model.unbonding, "validator {at}");
        assert!(state.locked <= state.stake, "validator {at} has locked more than it has");
        state.stake + state.unbonding.amount
    }

    /// What the stake vault owes to the node.
    fn check_node(&self, at: usize, jobs: &[Option<assay::state::Job>]) -> u64 {
        let (node, model) = (&self.nodes[at], &self.model.nodes[at]);
        let bonded = jobs.iter().flatten().filter(|job| job.node == node.address && job.state.locks_bond());
        let of_sessions = self.session_bonds(&node.address);
        let (bonds, open) = bonded.fold(of_sessions, |(bonds, open), job| (bonds + job.bond, open + 1));
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
        let record = &model.record;
        assert_eq!((state.standing, state.evidence), (record.standing, record.evidence), "record of node {at}");
        let queue = state.unbonding.map(|place| place.amount);
        assert_eq!(queue, model.queue.map(|place| place.0), "queue of node {at}");
        state.stake + queue.iter().sum::<u64>()
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
        JobState::Accepted => State::Accepted,
        JobState::Convicted => panic!("nobody challenges here"),
    }
}
