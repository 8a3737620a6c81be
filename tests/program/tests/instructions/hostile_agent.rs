//! A budget whose agent's key is in the hands of somebody who wants its tokens, with a node as an accomplice.
//!
//! Random sequences of everything that such an agent can try: jobs at every price for its own node, cancelled, accepted,
//! missed, expired; credits paid to its own accounts; the owner's instructions; other people's budgets and clients. The owner
//! does nothing but change limits now and then, and in the end revokes. After each step, from the accounts alone and from a
//! ledger that knows only what was posted when:
//!
//! * every token of the budget is in its vault, in the vault of one of its jobs, or was paid by a job's own rules to the
//!   node that computed it and the protocol;
//! * no window of slots holds more escrow than the period's limit, no job more than its own, and no more jobs are open than
//!   may be;
//! * the lamports of the budget and of its open jobs are together what they were: the agent drains none.
//!
//! `ASSAY_BUDGET_SEQUENCES` sets how many sequences run; the seed of a sequence is its number.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::budget::BudgetLimits;
use assay::instructions::{CreditRole, PostJobArgs, SetBudgetArgs, WithdrawBudgetArgs};
use assay::state_machine::JobState;
use program_tests::budgets::{BUDGET_TOKENS, Budget, limits};
use program_tests::terms::terms;
use program_tests::tokens::associated;
use program_tests::{Job, Node, Why, World};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use solana_sdk::instruction::Instruction;
use std::collections::BTreeMap;

const SEQUENCES: u64 = 60;
const STEPS: usize = 60;

/// What a sequence did, by kind: accepted and refused.
type Counts = BTreeMap<&'static str, (u64, u64)>;

struct Heist {
    world: World,
    rng: StdRng,
    budget: Budget,
    other: Budget,
    limits: BudgetLimits,
    node: Node,
    jobs: Vec<Job>,
    /// First slot of the windows in which periods are counted, and what was escrowed in each window from there on.
    windows_since: u64,
    windows: BTreeMap<u64, u64>,
    /// What left the budget for good by the rules of jobs: prices, as nodes and protocol were credited them.
    earned: u64,
    lamports: u64,
    counts: Counts,
}

impl Heist {
    fn begin(seed: u64) -> Self {
        let mut world = World::new();
        let limits = BudgetLimits {
            any_node: false,
            nodes: vec![world.node.address],
            any_graph: false,
            graphs: vec![terms().graph_root],
            period_slots: 150,
            maximum_period_escrow: 9_000,
            ..limits()
        };
        let budget = world.budget("budget", limits.clone());
        let other = world.budget("other", limits.clone());
        for key in [budget.agent, budget.owner] {
            world.fund(key, &budget.mint.clone(), 0);
        }
        let (node, lamports) = (world.node, world.lamports(budget.address));
        let windows_since = world.read_budget(&budget).period_start_slot;
        Self {
            world,
            rng: StdRng::seed_from_u64(seed),
            budget,
            other,
            limits,
            node,
            jobs: vec![],
            windows_since,
            windows: BTreeMap::new(),
            earned: 0,
            lamports,
            counts: Counts::new(),
        }
    }

    fn try_to(&mut self, kind: &'static str, instruction: Instruction) -> bool {
        let accepted = self.world.transact(&[instruction]).is_ok();
        let count = self.counts.entry(kind).or_default();
        *count = (count.0 + u64::from(accepted), count.1 + u64::from(!accepted));
        accepted
    }

    /// What nobody but the owner may do: refused for exactly this reason.
    fn never(&mut self, kind: &'static str, instruction: Instruction, why: impl Into<Why>) {
        let refusal = self.world.transact(&[instruction]).expect_err(kind);
        assert_eq!(refusal.why, why.into(), "{kind}");
        self.counts.entry(kind).or_default().1 += 1;
    }

    fn post(&mut self) {
        let price_max = self.rng.random_range(1..=2_400);
        let audited = self.rng.random_bool(0.3);
        let pot = self.rng.random_range(1..1_500);
        let nodes = [Some(self.node.address), Some(self.node.address), Some(self.world.other_node.address), None];
        let graphs = [terms().graph_root, terms().graph_root, terms().graph_root, [9; 32]];
        let args = PostJobArgs {
            price_min: self.rng.random_range(0..=price_max),
            price_max,
            audit_pot: if audited { pot } else { 0 },
            audit_cap: u64::from(audited),
            window_slots: 40,
            invited_node: *nodes.choose(&mut self.rng).expect("a node"),
            graph_root: *graphs.choose(&mut self.rng).expect("a graph"),
            ..terms()
        };
        let allowed = self.allows(&args);
        let (job, post) = self.world.next_budget_job(self.budget.agent, &self.budget, args.clone());
        let escrow = args.price_max + args.audit_pot;
        let window = self.window();
        let fits = self.windows.get(&window).copied().unwrap_or(0) + escrow <= self.limits.maximum_period_escrow;
        let accepted = self.try_to("post", post.instruction());
        assert_eq!(accepted, allowed && fits, "{args:?} in window {window}: {:?}", self.windows);
        if accepted {
            *self.windows.entry(window).or_default() += escrow;
            self.jobs.push(job);
        }
    }

    /// Every limit but that of the period, in the test's own words.
    fn allows(&self, args: &PostJobArgs) -> bool {
        let open = self.jobs.len() < self.limits.maximum_open_jobs as usize;
        let small = args.price_max <= self.limits.maximum_price
            && args.price_max + args.audit_pot <= self.limits.maximum_job_escrow;
        let listed = args.graph_root == terms().graph_root && args.invited_node == Some(self.node.address);
        open && small && listed && self.world.slot() <= self.limits.last_slot
    }

    fn window(&self) -> u64 {
        (self.world.slot() - self.windows_since) / self.limits.period_slots
    }

    fn job(&mut self) -> Option<Job> {
        self.jobs.choose(&mut self.rng).copied()
    }

    /// One move of agent, accomplice or bystander.
    fn step(&mut self) {
        let Some(job) = self.job() else { return self.post() };
        let (agent, node, world) = (self.budget.agent, self.node, &self.world);
        let state = world.read_job(&job);
        match self.rng.random_range(0..20) {
            0..4 => self.post(),
            4 | 5 => {
                let cancel = world.cancel_budget_job(agent, &job).instruction();
                self.try_to("cancel", cancel);
            }
            6 | 7 => {
                let claim = world.claim_job(&node, &job).instruction();
                self.try_to("claim", claim);
            }
            8 | 9 if state.state == JobState::Claimed => {
                let commit = world.commit_result(&node, &job, world.result(&job).args()).instruction();
                self.try_to("commit", commit);
            }
            10 => {
                let accept = world.accept_budget_result(agent, &job).instruction();
                self.try_to("accept", accept);
            }
            11 => {
                let finalise = world.finalise_job(&node, &job).instruction();
                self.try_to("finalise", finalise);
            }
            12 => {
                let expire = world.expire_job(&job).instruction();
                self.try_to("expire_job", expire);
                let expire = self.world.expire_claim(&node, &job).instruction();
                self.try_to("expire_claim", expire);
            }
            13 | 14 if state.state.is_end() => self.pay_out_and_close(&job),
            15 => self.redirect(&job, state.credits.client),
            16 => self.usurp(&job),
            17 => {
                let limits = BudgetLimits {
                    maximum_price: self.rng.random_range(500..2_400),
                    maximum_job_escrow: self.rng.random_range(500..3_500),
                    maximum_period_escrow: self.rng.random_range(4_000..12_000),
                    maximum_open_jobs: self.rng.random_range(1..5),
                    ..self.limits.clone()
                };
                let args = SetBudgetArgs { agent: None, limits: Some(limits.clone()) };
                let set = self.world.set_budget(&self.budget, args);
                self.world.accepts(&set);
                self.limits = limits;
            }
            _ => {
                let slots = self.rng.random_range(1..60);
                self.world.advance(slots);
            }
        }
    }

    /// Strangers help everybody to what is owed; then the job goes.
    fn pay_out_and_close(&mut self, job: &Job) {
        let state = self.world.read_job(job);
        let waits = state.credits == Default::default() && state.charge_credit == 0;
        if !waits {
            self.earned += state.credits.node + state.credits.fee;
            self.world.pay_out(job);
        }
        // A node that missed before loses a part of its bond besides.
        if state.record.burn_credit > 0 {
            self.world.accepts(&self.world.burn_slash(job));
        }
        let close = self.world.close_job(job).instruction();
        assert!(self.try_to("close", close), "an ended job that owes nothing closes");
        self.jobs.retain(|other| other != job);
    }

    /// The budget's refund, to an account of the thief.
    fn redirect(&mut self, job: &Job, owed: u64) {
        let agent = self.budget.agent;
        let thiefs = associated(agent, &self.budget.mint);
        let call = self.world.withdraw_credit_to(agent, job, CreditRole::Client, thiefs).instruction();
        let error = if owed > 0 { AssayError::DestinationNotCanonical } else { AssayError::NothingOwed };
        self.never("redirect", call, error);
    }

    /// Everything that is the owner's, and everything that is another budget's.
    fn usurp(&mut self, job: &Job) {
        let (agent, budget, other) = (self.budget.agent, self.budget, self.other);
        let world = &self.world;
        let all = WithdrawBudgetArgs { tokens: 1, lamports: 1 };
        let withdraw = world.withdraw_budget(&budget, &budget.mint, all).with(|accounts| accounts.owner = agent);
        let generous = BudgetLimits { maximum_price: u64::MAX, ..self.limits.clone() };
        let args = SetBudgetArgs { agent: Some(agent), limits: Some(generous) };
        let set = world.set_budget(&budget, args).with(|accounts| accounts.owner = agent);
        let close = world.close_budget(&budget).with(|accounts| accounts.owner = agent);
        let (_, theirs) = world.next_budget_job(agent, &other, terms());
        let id = world.next_job_id(budget.address);
        let out_of_another = world
            .post_budget_job(agent, &budget, PostJobArgs { job_id: id, ..terms() })
            .with(|accounts| accounts.budget = other.address);
        let elsewhere = world.cancel_budget_job(agent, job).with(|accounts| accounts.budget = other.address);
        let calls = [
            ("withdraw", withdraw.instruction(), Why::from(AssayError::NotBudgetOwner)),
            ("set", set.instruction(), AssayError::NotBudgetOwner.into()),
            ("close_budget", close.instruction(), AssayError::NotBudgetOwner.into()),
            ("post_for_another", theirs.instruction(), AssayError::NotBudgetAgent.into()),
            ("post_out_of_another", out_of_another.instruction(), ErrorCode::ConstraintSeeds.into()),
            ("cancel_as_another", elsewhere.instruction(), AssayError::WrongBudget.into()),
        ];
        for (kind, instruction, why) in calls {
            self.never(kind, instruction, why);
        }
    }

    /// What must be true after every step.
    fn check(&self) {
        let world = &self.world;
        let held: u64 = self.jobs.iter().map(|job| world.tokens(job.vault)).sum();
        assert_eq!(world.tokens(self.budget.vault) + held + self.earned, BUDGET_TOKENS, "tokens of the budget");
        assert_eq!(world.balance(self.budget.agent, &self.budget.mint), 0, "the agent's own account");
        assert_eq!(world.tokens(self.other.vault), BUDGET_TOKENS, "another's budget");
        let rent = |job: &Job| world.lamports(job.address) + world.lamports(job.vault);
        let locked: u64 = self.jobs.iter().map(rent).sum();
        assert_eq!(world.lamports(self.budget.address) + locked, self.lamports, "lamports of the budget");
        let state = world.read_budget(&self.budget);
        assert_eq!((state.owner, state.limits), (self.budget.owner, self.limits.clone()));
        let counter: assay::state::Client = world.read(assay::address::client(&self.budget.address));
        assert_eq!(counter.open_jobs as usize, self.jobs.len());
    }

    /// The owner revokes; everything comes to its end without the agent, and the owner takes all that is left.
    fn end(mut self) -> Counts {
        let revoke = self.world.revoke(&self.budget);
        self.world.accepts(&revoke);
        let (_, post) = self.world.next_budget_job(self.budget.agent, &self.budget, terms());
        self.never("post_after_revocation", post.instruction(), AssayError::NotBudgetAgent);
        self.world.advance(1_000);
        let node = self.node;
        for job in self.jobs.clone() {
            let ending = match self.world.read_job(&job).state {
                JobState::Posted => Some(self.world.expire_job(&job).instruction()),
                JobState::Claimed => Some(self.world.expire_claim(&node, &job).instruction()),
                JobState::Committed | JobState::Accepted => Some(self.world.finalise_job(&node, &job).instruction()),
                _ => None,
            };
            if let Some(ending) = ending {
                self.world.must(&[ending]);
            }
            self.pay_out_and_close(&job);
            self.check();
        }
        let before = self.world.balance(self.budget.owner, &self.budget.mint);
        let close = self.world.close_budget(&self.budget);
        self.world.accepts(&close);
        let after = self.world.balance(self.budget.owner, &self.budget.mint);
        assert_eq!(after - before, BUDGET_TOKENS - self.earned, "all but what was earned");
        let escrowed: u64 = self.windows.values().sum();
        assert!(self.earned <= escrowed, "never more than was escrowed within the limits");
        self.counts
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "says how much was tried")]
fn a_stolen_agents_key_costs_no_more_than_the_limits() {
    let sequences = std::env::var("ASSAY_BUDGET_SEQUENCES")
        .map_or(SEQUENCES, |text| text.parse().expect("ASSAY_BUDGET_SEQUENCES is a number"));
    let mut total = Counts::new();
    for seed in 0..sequences {
        let mut heist = Heist::begin(seed);
        for _ in 0..STEPS {
            heist.step();
            heist.check();
        }
        for (kind, (accepted, refused)) in heist.end() {
            let count = total.entry(kind).or_default();
            *count = (count.0 + accepted, count.1 + refused);
        }
    }
    println!("\n{sequences} sequences of {STEPS} steps, accepted and refused: {total:?}");
    for kind in ["post", "cancel", "claim", "commit", "accept", "finalise", "expire_job", "expire_claim", "close"] {
        assert!(total[kind].0 > 0, "{kind} was never accepted: the sequences try too little");
    }
    assert!(total["post"].1 > 0 && total["redirect"].1 > 0 && total["withdraw"].1 > 0);
}
