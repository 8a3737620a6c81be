//! Random disputes: challengers, posters, helpers and strangers do anything at any time, over a right and over a wrong result.
//!
//! After each step the accounts alone must add up: the stake vault holds exactly what it owes to nodes, challenges, posted roots,
//! bounties and the fire; the job counts its open challenges. Each sequence ends by draining: strangers end every challenge in
//! bounded time, and everything that entered comes out, tokens and lamports.
//!
//! `ASSAY_DISPUTE_SEQUENCES` sets how many sequences run; the seed of a sequence is its number.

use assay::dispute::ChallengeState;
use assay::state::{Buffer, Challenge, Demand, DemandState, Job, Node, SegmentClaim};
use assay::state_machine::JobState;
use program_tests::trial::{A, B};
use program_tests::{Case, Refusal, Trial, Why};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use referee::proof::Source;
use solana_sdk::instruction::{Instruction, InstructionError};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;

const SEQUENCES: u64 = 60;
const STEPS: usize = 60;
const PARTIES: usize = 5;
/// The longest dispute that nobody delays by posts, each time extended by half, and once more for the proof time.
const BOUND: u64 = 2 * (20 + 200 + 150) * 3 / 2;

struct Scene {
    trial: Trial,
    parties: Vec<Pubkey>,
    lamports: Vec<u64>,
    buffers: u64,
    accepted: BTreeMap<&'static str, u64>,
}

impl Scene {
    fn new(case: Case) -> Self {
        let mut trial = Trial::new(case);
        let parties: Vec<Pubkey> = (0..PARTIES).map(|number| trial.party(&format!("party {number}"))).collect();
        trial.challenger = parties[0];
        let lamports = parties.iter().map(|party| trial.world.lamports(*party)).collect();
        Self { trial, parties, lamports, buffers: 10, accepted: BTreeMap::new() }
    }

    fn all<T: anchor_lang::AccountDeserialize + anchor_lang::Discriminator>(&self) -> Vec<(Pubkey, T)> {
        let accounts = self.trial.world.svm.get_program_accounts(&assay::ID);
        let of_kind = accounts.into_iter().filter(|(_, account)| account.data.starts_with(T::DISCRIMINATOR));
        of_kind.map(|(key, account)| (key, T::try_deserialize(&mut &account.data[..]).expect("an account"))).collect()
    }

    fn job(&self) -> Option<Job> {
        self.trial.world.find(self.trial.job.address)
    }

    /// Tries instructions; whatever is refused must be answered.
    fn attempt(&mut self, what: &'static str, instructions: &[Instruction]) {
        match self.trial.world.transact(instructions) {
            Ok(_) => {
                *self.accepted.entry(what).or_default() += 1;
            }
            Err(Refusal { why: Why::Runtime(InstructionError::ProgramFailedToComplete), logs }) => {
                panic!("{what} aborted: {logs:#?}")
            }
            Err(_) => {}
        }
    }

    fn upload(&mut self, owner: Pubkey, bytes: &[u8]) -> Pubkey {
        self.buffers += 1;
        self.trial.world.upload(owner, self.buffers, bytes)
    }

    /// What the accounts alone must say.
    fn check(&self) {
        let world = &self.trial.world;
        let challenges: Vec<(Pubkey, Challenge)> = self.all();
        let nodes: u64 = self
            .all::<Node>()
            .iter()
            .map(|(_, node)| {
                assert!(node.locked <= node.stake);
                node.stake + node.unbonding.iter().map(|place| place.amount).sum::<u64>()
            })
            .sum();
        let of_challenges: u64 = challenges.iter().map(|(_, challenge)| challenge.bond + challenge.earned).sum();
        let of_claims: u64 = self.all::<SegmentClaim>().iter().map(|(_, claim)| claim.bond).sum();
        let of_jobs: u64 = self.all::<Job>().iter().map(|(_, job)| job.record.bounty + job.record.burn_credit).sum();
        let vault = world.tokens(assay::address::stake_vault());
        assert_eq!(vault, nodes + of_challenges + of_claims + of_jobs, "the stake vault holds what it owes");
        if let Some(job) = self.job() {
            let open = challenges.iter().filter(|(_, challenge)| !challenge.state.is_end()).count();
            assert_eq!(job.record.challenges_open as usize, open, "open challenges");
        }
        for (key, demand) in self.all::<Demand>() {
            let bytes = world.svm.get_account(&key).expect("a demand").data.len();
            let rent = world.svm.minimum_balance_for_rent_exemption(bytes);
            assert_eq!(world.lamports(key), rent + demand.fee_lamports, "a demand holds its fee");
        }
    }

    /// Most parties challenge at once, and most of them reveal in the next slot.
    fn begin(&mut self, rng: &mut StdRng) {
        for party in self.parties.clone() {
            if rng.random_ratio(3, 4) {
                self.attempt("commit_challenge", &[self.trial.commit_call(party).instruction()]);
            }
        }
        self.trial.world.advance(1);
        for party in self.parties.clone() {
            if rng.random_ratio(4, 5) {
                self.attempt("reveal_challenge", &[self.trial.reveal_call(party).instruction()]);
            }
        }
        self.check();
    }

    fn step(&mut self, rng: &mut StdRng) {
        let (party, job) = (*self.parties.choose(rng).expect("a party"), self.trial.job);
        let Some(state) = self.job() else { return };
        let claims: Vec<(Pubkey, SegmentClaim)> = self.all();
        let claim = claims.choose(rng).cloned();
        let world = &self.trial.world;
        match rng.random_range(0..20) {
            0 => self.trial.world.advance(*[1, 5, 20, 60, 160].choose(rng).expect("a time")),
            1 => self.trial.world.advance(1),
            2 => self.attempt("commit_challenge", &[self.trial.commit_call(party).instruction()]),
            3..6 => {
                self.trial.world.advance(1);
                self.attempt("reveal_challenge", &[self.trial.reveal_call(party).instruction()]);
            }
            6 if rng.random_ratio(1, 4) => {
                let call = world.withdraw_challenge(&job, party).instruction();
                self.attempt("withdraw_challenge", &[call]);
            }
            6..9 => {
                let bytes = self.trial.case.witness(A);
                let witness = self.upload(party, &bytes);
                let call = self.trial.world.demand_segment_root(party, &job, 0, A, Some(witness)).instruction();
                self.attempt("demand_segment_root", &[call]);
            }
            9..11 => {
                let root = if rng.random_bool(0.5) { self.trial.case.segment_root(0) } else { [rng.random(); 32] };
                let call = world.post_segment_root(party, &job, 0, root).instruction();
                self.attempt("post_segment_root", &[call]);
            }
            11 if rng.random_ratio(1, 6) => {
                let root = self.trial.case.segment_root(0);
                let check = self.trial.signed(&self.trial.statement(0, root));
                let call = self.trial.world.record_segment_root(party, &job, 0, root).instruction();
                self.attempt("record_segment_root", &[check, call]);
            }
            11..14 => {
                let below = claim.as_ref().map(|(key, claim)| (*key, claim.signed)).filter(|_| rng.random_bool(0.7));
                let slot = if below.is_some() { A } else { B };
                let call = self.trial.tensor_demand(party, slot, below).instruction();
                self.attempt("demand_opening", &[call]);
            }
            14 => {
                let demands: Vec<(Pubkey, Demand)> = self.all();
                let open =
                    demands.iter().find(|(_, demand)| demand.state == DemandState::Open && demand.key.height > 0);
                if let Some((key, demand)) = open {
                    let traced = demand.key.slot == A;
                    let bytes = self.trial.case.answer(demand.key.slot, demand.key.height, demand.key.index, traced);
                    let buffer = self.upload(party, &bytes);
                    let call = self.trial.world.answer_opening(party, *key, buffer).instruction();
                    self.attempt("answer_opening", &[call]);
                }
            }
            15 => {
                let proof = self.trial.case.element_proof(0, A, 7, Source::Segment);
                let buffer = self.upload(party, &proof);
                let claim = claim.map(|(key, _)| key);
                let call = self.trial.world.prove(party, &job, buffer, claim).instruction();
                self.attempt("prove", &[call]);
            }
            16 if world.find::<Challenge>(self.trial.challenge_of(party)).is_some_and(|c| c.clocks.is_waiting()) => {
                let call = world.time_out_defender(&job, party).instruction();
                self.attempt("time_out_defender", &[call]);
            }
            17 => self.attempt("time_out_challenger", &[world.time_out_challenger(&job, party).instruction()]),
            18 => self.attempt("resolve_challenge", &[world.resolve_challenge(&job, party).instruction()]),
            _ if state.record.burn_credit > 0 => self.attempt("burn_slash", &[world.burn_slash(&job).instruction()]),
            _ => {}
        }
    }

    /// Strangers end everything in bounded time; then every token and every lamport comes out.
    fn drain(&mut self) {
        let (job, begin) = (self.trial.job, self.trial.world.slot());
        while self.job().is_some_and(|job| job.record.challenges_open > 0) {
            let posts = self.all::<SegmentClaim>().iter().filter(|(_, claim)| !claim.signed).count() as u64;
            assert!(self.trial.world.slot() - begin <= BOUND + 1_000 * (posts + 1), "a challenge never ends");
            self.trial.world.advance(40);
            for party in self.parties.clone() {
                let challenge: Option<Challenge> = self.trial.world.find(self.trial.challenge_of(party));
                let Some(challenge) = challenge.filter(|challenge| !challenge.state.is_end()) else { continue };
                if challenge.clocks.is_waiting() {
                    let call = self.trial.world.time_out_defender(&job, party).instruction();
                    self.attempt("time_out_defender", &[call]);
                }
                let calls = [
                    self.trial.world.time_out_challenger(&job, party).instruction(),
                    self.trial.world.resolve_challenge(&job, party).instruction(),
                ];
                for call in calls {
                    self.attempt("an end", &[call]);
                }
                self.check();
            }
        }
        let state = self.job().expect("a job");
        if state.state == JobState::Convicted {
            let won: Vec<Pubkey> = self
                .all::<Challenge>()
                .into_iter()
                .filter(|(_, challenge)| challenge.state == ChallengeState::Won)
                .map(|(_, challenge)| challenge.challenger)
                .collect();
            self.trial.settle(&won);
        } else {
            let last = state.challenge_deadline().expect("a window").last().0;
            self.trial.world.warp_to((last + 1).max(self.trial.world.slot()));
            self.trial.world.must(&[self.trial.world.finalise_job(&self.trial.world.node, &job).instruction()]);
        }
        self.check();
        if self.job().is_some_and(|job| job.record.burn_credit > 0) {
            self.trial.world.must(&[self.trial.world.burn_slash(&job).instruction()]);
        }
        self.trial.world.pay_out(&job);
        self.trial.world.must(&[self.trial.world.close_job(&job).instruction()]);
        let stranger = self.trial.world.mallory;
        let mut closing = Vec::new();
        for (key, _) in self.all::<Demand>() {
            closing.push(self.trial.world.close_demand(key).instruction());
        }
        for (key, _) in self.all::<SegmentClaim>() {
            closing.push(self.trial.world.close_segment_claim(stranger, key).instruction());
        }
        for (_, challenge) in self.all::<Challenge>() {
            closing.push(self.trial.world.close_challenge(stranger, &job, challenge.challenger).instruction());
        }
        for call in closing {
            self.trial.world.must(&[call]);
            self.check();
        }
        for (_, buffer) in self.all::<Buffer>() {
            self.trial.world.must(&[self.trial.world.close_buffer(buffer.owner, buffer.id).instruction()]);
        }
        let left = self.all::<Demand>().len() + self.all::<SegmentClaim>().len() + self.all::<Challenge>().len();
        assert_eq!(left, 0, "nothing is left");
        let lamports: Vec<u64> = self.parties.iter().map(|party| self.trial.world.lamports(*party)).collect();
        // Fees went from challengers to who answered.
        assert_eq!(lamports.iter().sum::<u64>(), self.lamports.iter().sum::<u64>(), "lamports of the parties");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "says how much was tried")]
fn every_dispute_ends_and_every_token_comes_out() {
    let sequences = std::env::var("ASSAY_DISPUTE_SEQUENCES")
        .map_or(SEQUENCES, |text| text.parse().expect("ASSAY_DISPUTE_SEQUENCES is a number"));
    let mut accepted: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut convicted, mut settled) = (0, 0);
    for seed in 0..sequences {
        let mut rng = StdRng::seed_from_u64(seed);
        let case = if rng.random_ratio(2, 3) { Case::wrong_in(A, 7) } else { Case::honest() };
        let mut scene = Scene::new(case);
        scene.begin(&mut rng);
        for _ in 0..STEPS {
            scene.step(&mut rng);
            scene.check();
        }
        scene.drain_counting(&mut convicted, &mut settled);
        for (what, count) in scene.accepted {
            *accepted.entry(what).or_default() += count;
        }
    }
    println!("\n{sequences} disputes, {convicted} convicted, {settled} settled: {accepted:?}");
    if sequences >= SEQUENCES {
        assert!(convicted > 5 && settled > 5, "{convicted} convicted, {settled} settled");
        assert!(accepted.len() >= 13 && accepted.values().all(|count| *count > 0), "{accepted:?}");
    }
}

impl Scene {
    fn drain_counting(&mut self, convicted: &mut u64, settled: &mut u64) {
        let before = self.trial.world.read_node(&self.trial.world.node).fraud_convictions;
        self.drain();
        let after = self.trial.world.read_node(&self.trial.world.node).fraud_convictions;
        if after > 0 {
            assert!(before <= after && after == 1, "one job convicts once");
            *convicted += 1;
        } else {
            *settled += 1;
        }
    }
}
