//! What every instruction costs: compute units under a ceiling, and the rent of the accounts that it creates.
//!
//! The table goes to standard output (`-- --nocapture`), one line a measurement: `CU <instruction> <units>` and
//! `RENT <account> <bytes> <lamports>`. A worst case follows the instruction's name in brackets.

// The table is what this test is for, next to the ceilings.
#![allow(clippy::print_stdout)]

use anchor_lang::ToAccountMetas;
use assay::address;
use assay::budget::{BudgetLimits, MAXIMUM_LISTED};
use assay::governance::EXECUTION_SLOTS;
use assay::instructions::{CreditRole, OpenSessionArgs, PostJobArgs, SetBudgetArgs, WithdrawBudgetArgs};
use assay::market::OutputDescriptor;
use assay::state::Change;
use assay::state::Profile;
use program_tests::budgets::{BUDGET_LAMPORTS, BUDGET_TOKENS, limits};
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::terms::{parameters, terms};
use program_tests::trial::A;
use program_tests::{Call, Case, Job, Mint, Session, Trial, World, session_terms};
use referee::proof::Source;
use solana_sdk::pubkey::Pubkey;
use spl_associated_token_account_interface::address::get_associated_token_address_and_bump_seed;
use std::collections::BTreeMap;

/// What each instruction may cost in the cases measured here. A claim stays below 20,000, everything else that a job
/// passes through on its way below 22,000;
/// those that create accounts derive their addresses, at 1,500 for each bump below 256.
const CEILINGS: [(&str, u64); 110] = [
    ("accept_authority", 7_000),
    ("accept_budget_result", 14_000),
    ("accept_result", 11_000),
    ("accept_session", 13_000),
    ("add_reward_mint", 25_000),
    ("amend_receipt", 14_000),
    ("announce_maintenance", 9_000),
    ("answer_opening", 23_000),
    ("attest", 22_000),
    ("burn_fee", 26_000),
    ("burn_slash", 15_000),
    ("cancel_budget_job", 12_000),
    ("cancel_job", 10_000),
    ("cancel_session", 7_000),
    ("cancel_withdrawal", 11_000),
    ("charge_correlation", 15_000),
    ("claim_job", 17_000),
    ("close_budget", 15_000),
    ("close_buffer", 2_000),
    ("close_challenge", 15_000),
    ("close_delegation", 9_000),
    ("close_delegation_pool", 9_000),
    ("close_demand", 11_000),
    ("close_job", 22_000),
    ("close_proposal", 5_000),
    ("close_receipt", 11_000),
    ("close_segment_claim", 14_000),
    ("close_session", 21_000),
    ("collect_attestation", 18_000),
    ("collect_delegation_reward", 22_000),
    ("commit_chain", 8_000),
    ("commit_challenge", 24_000),
    ("commit_result", 16_000),
    ("create_budget", 28_000),
    ("create_reward_pool", 23_000),
    ("create_stake_register", 12_000),
    ("delegate", 30_000),
    ("demand_opening", 35_000),
    ("demand_segment_root", 28_000),
    ("deregister_node", 11_000),
    ("deregister_validator", 6_000),
    ("end_filing", 13_000),
    ("end_session", 8_000),
    ("execute_fee_withdrawal", 13_000),
    ("execute_mint_allowance", 23_000),
    ("execute_mint_change", 9_000),
    ("execute_network_change", 12_000),
    ("expire_claim", 16_000),
    ("expire_job", 10_000),
    ("expire_session", 7_000),
    ("file_unavailable", 28_000),
    ("finalise_job", 18_000),
    ("finalise_receipt", 15_000),
    ("finalise_session", 11_000),
    ("grow_buffer", 5_000),
    ("heartbeat", 14_000),
    ("initialize_network", 33_000),
    ("migrate_job", 12_000),
    ("migrate_network", 8_000),
    ("migrate_node", 10_000),
    ("open_buffer", 7_000),
    ("open_delegation_pool", 15_000),
    ("open_receipt", 33_000),
    ("open_session", 46_000),
    ("pause_new_work", 8_000),
    ("post_budget_job", 51_000),
    ("post_job", 58_000),
    ("post_segment_root", 28_000),
    ("propose_authority", 7_000),
    ("propose_change", 20_000),
    ("prove", 80_000),
    ("prove_equivocation", 27_000),
    ("record_segment_root", 22_000),
    ("record_voucher", 9_000),
    ("register_node", 14_000),
    ("register_validator", 13_000),
    ("remove_reward_mint", 20_000),
    ("request_validator_withdrawal", 10_000),
    ("request_withdrawal", 11_000),
    ("resolve_challenge", 13_000),
    ("reveal_challenge", 11_000),
    ("reveal_seed", 16_000),
    ("seal_seed", 12_000),
    ("set_budget", 16_000),
    ("set_commission", 9_000),
    ("set_profile", 7_000),
    ("settle_attestation", 19_000),
    ("settle_delegation_slash", 18_000),
    ("settle_dispute", 13_000),
    ("stake", 18_000),
    ("stake_validator", 16_000),
    ("sweep_fee", 20_000),
    ("time_out_challenger", 16_000),
    ("time_out_defender", 27_000),
    ("undelegate", 20_000),
    ("update_node", 8_000),
    ("update_validator", 7_000),
    ("veto_proposal", 7_000),
    ("weigh_node", 11_000),
    ("withdraw_budget", 14_000),
    ("withdraw_challenge", 15_000),
    ("withdraw_charge", 17_000),
    ("withdraw_credit", 20_000),
    ("withdraw_delegation", 18_000),
    ("withdraw_delegation_reward", 18_000),
    ("withdraw_proposal", 7_000),
    ("withdraw_session_credit", 15_000),
    ("withdraw_stake", 13_000),
    ("withdraw_validator_stake", 13_000),
    ("write_buffer", 3_000),
];

#[derive(Default)]
struct Table {
    units: BTreeMap<String, u64>,
    rents: BTreeMap<String, (usize, u64)>,
}

impl Table {
    /// Makes the call and records its units under `<instruction>` or `<instruction>[<case>]`.
    fn call<A: ToAccountMetas>(&mut self, world: &mut World, name: &str, call: &Call<A>) {
        let units = world.accepts(call).compute_units;
        let previous = self.units.insert(name.into(), units).unwrap_or(0);
        // A case that is measured more than once is as dear as its dearest.
        self.units.insert(name.into(), units.max(previous));
    }

    fn rent(&mut self, world: &World, name: &str, address: Pubkey) {
        let account = world.svm.get_account(&address).expect("an account");
        assert_eq!(account.lamports, world.svm.minimum_balance_for_rent_exemption(account.data.len()), "{name}");
        self.rents.insert(name.into(), (account.data.len(), account.lamports));
    }

    fn print_and_check(&self) {
        println!();
        for (name, units) in &self.units {
            println!("CU {name} {units}");
        }
        for (name, (bytes, lamports)) in &self.rents {
            println!("RENT {name} {bytes} {lamports}");
        }
        for (instruction, ceiling) in CEILINGS {
            let cases = self.units.iter().filter(|(name, _)| name.split('[').next() == Some(instruction));
            let dearest = cases.max_by_key(|(_, units)| **units).expect(instruction);
            assert!(*dearest.1 <= ceiling, "{} costs {} compute units, more than {ceiling}", dearest.0, dearest.1);
        }
    }
}

/// Terms with the longest URIs and the deepest boundary tree.
fn largest_terms() -> PostJobArgs {
    let uri = || format!("http://{}", "u".repeat(121));
    PostJobArgs {
        output: OutputDescriptor { boundary_count: u16::MAX, boundary_position: 0x5555, ..terms().output },
        graph_uri: uri(),
        params_uri: uri(),
        inputs_uri: uri(),
        store_uri: uri(),
        ..terms()
    }
}

/// From posting to closing, in every way that a job can go.
fn measure_jobs(table: &mut Table, world: &mut World, case: &str, mint: &Mint, terms: &PostJobArgs) {
    let (client, node) = (world.client, world.node);
    let named = |instruction: &str| format!("{instruction}{case}");
    let post = |table: &mut Table, world: &mut World| -> Job {
        let id = world.next_job_id(client);
        let job = world.job_at(client, id, mint);
        let call = world.post_job(&job, PostJobArgs { job_id: id, ..terms.clone() });
        table.call(world, &named("post_job"), &call);
        table.rent(world, &named("job"), job.address);
        table.rent(world, &named("job_vault"), job.vault);
        job
    };

    let settled = post(table, world);
    // In the middle of the ramp, where the price is computed.
    world.advance(15);
    table.call(world, &named("claim_job"), &world.claim_job(&node, &settled));
    let result = world.result(&settled);
    table.call(world, &named("commit_result"), &world.commit_result(&node, &settled, result.args()));
    world.advance(terms.window_slots + 1);
    table.call(world, &named("finalise_job"), &world.finalise_job(&node, &settled));

    let missed = post(table, world);
    world.claim(&missed);
    world.advance(terms.run_slots + 1);
    table.call(world, &named("expire_claim"), &world.expire_claim(&node, &missed));

    let expired = post(table, world);
    world.advance(terms.claim_slots + 1);
    table.call(world, &named("expire_job"), &world.expire_job(&expired));

    let cancelled = post(table, world);
    table.call(world, &named("cancel_job"), &world.cancel_job(&cancelled));

    table.call(world, &named("withdraw_credit"), &world.withdraw_credit(node.owner, &settled, CreditRole::Node));
    for job in [&settled, &missed, &expired, &cancelled] {
        table.call(world, &named("withdraw_credit"), &world.withdraw_credit(client, job, CreditRole::Client));
    }
    table.call(world, &named("withdraw_charge"), &world.withdraw_charge(client, &missed));
    table.call(world, &named("sweep_fee"), &world.sweep_fee(&settled));
    // With something to sweep, closing also transfers.
    world.mint_to(mint, settled.vault, 1);
    for job in [&settled, &missed, &expired, &cancelled] {
        table.call(world, &named("close_job"), &world.close_job(job));
    }
}

/// A claim that is drawn, by nodes with a reputation, while the seed is sealed out of a full list; and what follows a miss, late
/// results and a conviction.
fn measure_scheduling(table: &mut Table) {
    let mut world = World::with_draw();
    let world = &mut world;
    let node = world.node;
    let (client, mint) = (world.client, world.mint);
    world.accepts(&world.set_profile(&node, Profile { units_per_slot: 1_000, ..Profile::default() }));
    let terms = PostJobArgs { ramp_hold_slots: 14, cost_units: 10_000, ..terms() };
    for _ in 0..3 {
        let job = world.post(client, &mint, terms.clone());
        let seed_slot = world.read_job(&job).sortition.seed_slot;
        world.warp_to(seed_slot + 13);
        world.remember((seed_slot - 200..seed_slot + 12).rev());
        table.call(world, "seal_seed", &world.seal_seed(&job));
        // The last slot in which not all may claim yet: four fifths of all tickets are drawn by then.
        world.warp_to(seed_slot + 12);
        let claim = world.claim_job(&node, &job);
        if world.clone().transact(&[claim.instruction()]).is_err() {
            world.warp_to(seed_slot + 13);
        }
        table.call(world, "claim_job[drawn]", &claim);
        world.advance(30);
        world.commit(&job);
        world.advance(terms.window_slots + 1);
        table.call(world, "finalise_job[late]", &world.finalise_job(&node, &job));
        world.advance(100);
        table.call(world, "heartbeat", &world.heartbeat(&node));
    }
    let missed = world.post(client, &mint, terms.clone());
    world.advance(20);
    world.accepts(&world.claim_job(&node, &missed));
    world.advance(terms.run_slots + 1);
    table.call(world, "expire_claim[with evidence]", &world.expire_claim(&node, &missed));
    table.call(world, "heartbeat[after a miss]", &world.heartbeat(&node));

    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenge();
    let claim = trial.record(0);
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    trial.prove(challenger, &proof, Some(claim));
    trial.world.advance(64);
    let node = trial.world.node;
    let charge = trial.world.charge_correlation(&node);
    table.call(&mut trial.world, "charge_correlation", &charge);
}

/// Delegated stake through its whole life; what a job costs whose node shares with delegators; a slash of both pools.
fn measure_delegation(table: &mut Table) {
    let mut world = World::new();
    let world = &mut world;
    let (node, mint, mint_2022) = (world.node, world.mint, world.mint_2022);
    let owner = world.delegator("delegator");
    let pool = address::delegation_pool(&node.address);
    table.call(world, "open_delegation_pool", &world.open_delegation_pool(&node, 500));
    table.rent(world, "delegation_pool", pool);
    table.call(world, "add_reward_mint", &world.add_reward_mint(&node, &mint));
    table.call(world, "add_reward_mint[token_2022]", &world.add_reward_mint(&node, &mint_2022));
    table.rent(world, "delegation_rewards", address::delegation_rewards(&pool, &mint.address));
    table.call(world, "delegate", &world.delegate(&node, owner, 50_001));
    table.rent(world, "delegation", address::delegation(&pool, &owner));
    table.call(world, "delegate[again]", &world.delegate(&node, owner, 50_001));
    table.call(world, "set_commission", &world.set_commission(&node, 700));
    for mint in [mint, mint_2022] {
        let job = world.post(world.client, &mint, terms());
        table.call(world, "claim_job[delegated]", &world.claim_job(&node, &job));
        world.commit(&job);
        world.advance(terms().window_slots + 1);
        table.call(world, "finalise_job[delegated]", &world.finalise_job(&node, &job));
        table.call(world, "collect_delegation_reward", &world.collect_delegation_reward(&node, &job));
        let withdraw = world.withdraw_delegation_reward(&node, owner, &mint);
        table.call(world, "withdraw_delegation_reward", &withdraw);
    }
    table.call(world, "undelegate", &world.undelegate(&node, owner, 1));
    table.call(world, "undelegate", &world.undelegate(&node, owner, 100_001));
    world.advance(parameters().unbonding_slots);
    table.call(world, "withdraw_delegation", &world.withdraw_delegation(&node, owner));
    table.call(world, "close_delegation", &world.close_delegation(&node, owner));
    table.call(world, "remove_reward_mint", &world.remove_reward_mint(&node, &mint));
    table.call(world, "remove_reward_mint", &world.remove_reward_mint(&node, &mint_2022));
    table.call(world, "close_delegation_pool", &world.close_delegation_pool(&node));

    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let owner = trial.world.take_delegation();
    let node = trial.world.node;
    trial.world.accepts(&trial.world.undelegate(&node, owner, 1));
    trial.convict_wrong_element();
    let settle = trial.world.settle_delegation_slash(&node);
    table.call(&mut trial.world, "settle_delegation_slash", &settle);
}

fn measure_governance_and_nodes(table: &mut Table) {
    let mut world = World::uninitialised();
    let world = &mut world;
    table.call(world, "initialize_network", &world.initialize_network(parameters()));
    table.rent(world, "network", address::NETWORK);
    table.rent(world, "stake_vault", address::stake_vault());
    table.call(world, "create_stake_register", &world.create_stake_register(world.payer()));
    table.rent(world, "stake_register", address::STAKE_REGISTER);
    let mint = world.create_mint("another payment mint", false);
    let change = allowance(&mint, 1, 1);
    table.call(world, "propose_change", &world.propose(change));
    table.rent(world, "proposal", address::proposal(0));
    table.call(world, "execute_mint_allowance", &world.execute_mint_allowance(0, &mint));
    table.rent(world, "payment_mint", address::payment_mint(&mint.address));
    table.rent(world, "fee_vault", address::fee_vault(&mint.address));
    let change = MintTerms { enabled: true, bond_numerator: 2, bond_denominator: 3 }.of(&mint);
    table.call(world, "propose_change", &world.propose(change));
    table.call(world, "execute_mint_change", &world.execute_mint_change(1, &mint));
    let change = Change::Parameters { parameters: parameters() };
    table.call(world, "propose_change", &world.propose(change));
    table.call(world, "execute_network_change", &world.execute_network_change(2));
    world.fund(world.authority, &mint, 0);
    world.mint_to(&mint, address::fee_vault(&mint.address), 100);
    table.call(world, "propose_change", &world.propose(world.fee_withdrawal(&mint, 100)));
    table.call(world, "execute_fee_withdrawal", &world.execute_fee_withdrawal(3, &mint));

    let owner = world.rich_key("owner");
    let operator = world.key("operator");
    let endpoint = "e".repeat(96);
    let node = program_tests::Node { address: address::node(&owner, 0), owner, operator };
    table.call(world, "register_node", &world.register_node(&node, 0, &endpoint));
    table.rent(world, "node", node.address);
    table.call(world, "update_node", &world.update_node(&node, operator, &endpoint));
    world.fund(owner, &world.stake_mint.clone(), 1_000);
    table.call(world, "stake", &world.stake(&node, owner, 1_000));
    for _ in 0..4 {
        table.call(world, "request_withdrawal", &world.request_withdrawal(&node, 250));
    }
    table.call(world, "cancel_withdrawal", &world.cancel_withdrawal(&node, 3));
    let profile = Profile { capabilities: u64::MAX, units_per_slot: u64::MAX, price_floor: u64::MAX, region: 63 };
    table.call(world, "set_profile", &world.set_profile(&node, profile));
    let start = world.slot() + 10;
    table.call(world, "announce_maintenance", &world.announce_maintenance(&node, start, 100));
    table.call(world, "weigh_node", &world.weigh_node(&node));
    table.call(world, "request_withdrawal", &world.request_withdrawal(&node, 250));
    world.advance(parameters().unbonding_slots);
    table.call(world, "withdraw_stake", &world.withdraw_stake(&node));
    table.call(world, "deregister_node", &world.deregister_node(&node));

    table.call(world, "propose_authority", &world.propose_authority(owner));
    table.call(world, "accept_authority", &world.accept_authority(owner));
}

/// Validators and delivery; the dearest seed is 64 steps away.
/// Vetoes and their like, a pause, the reward pool, and a fee that burns and is rewarded.
fn measure_safety_and_rewards(table: &mut Table) {
    let mut world = World::new();
    let world = &mut world;
    let change = Change::FeeBurn { fee_burn_bps: 5_000 };
    let guardian = world.appointed_guardian();
    table.call(world, "pause_new_work", &world.pause_new_work(guardian, 1));
    world.advance(1);
    let [vetoed, withdrawn, expired] = [(); 3].map(|()| world.proposed(change));
    table.call(world, "veto_proposal", &world.veto_proposal(guardian, vetoed));
    table.call(world, "withdraw_proposal", &world.withdraw_proposal(withdrawn));
    world.advance(EXECUTION_SLOTS + 1);
    table.call(world, "close_proposal", &world.close_proposal(expired));
    table.call(world, "create_reward_pool", &world.create_reward_pool());
    table.rent(world, "reward_pool", address::reward_pool());
    table.rent(world, "reward_vault", address::reward_vault());
    let job = world.settled_in_stake();
    table.call(world, "burn_fee", &world.burn_fee(&job));

    let mut old = World::of_the_first_layout();
    let migrate = old.migrate_network();
    table.call(&mut old, "migrate_network", &migrate);
    for node in old.node_addresses() {
        let migrate = old.migrate_node(node);
        table.call(&mut old, "migrate_node", &migrate);
    }
    for job in old.job_addresses() {
        let migrate = old.migrate_job(job);
        table.call(&mut old, "migrate_job", &migrate);
    }
}

fn measure_audits(table: &mut Table) {
    let (trial, [validator, other]) = Trial::audited(Case::honest());
    let job = trial.job;
    let mut world = trial.world.clone();
    let world = &mut world;
    table.rent(world, "validator", validator.address);
    table.call(world, "attest", &world.attest(&validator, &job));
    table.rent(world, "attestation", address::attestation(&job.address, &validator.address));
    table.call(world, "accept_result", &world.accept_result(&job));
    world.finalise(&job);
    table.call(world, "settle_attestation", &world.settle_attestation(&validator, &job));
    table.call(world, "collect_attestation", &world.collect_attestation(validator.authority, &validator, &job));
    table.call(world, "update_validator", &world.update_validator(&other, other.auditor));
    table.call(world, "stake_validator", &world.stake_validator(&other, 1));
    table.call(world, "request_validator_withdrawal", &world.request_validator_withdrawal(&other, 1));
    world.advance(parameters().unbonding_slots);
    table.call(world, "withdraw_validator_stake", &world.withdraw_validator_stake(&other));
    let newcomer = world.validator("newcomer");
    table.call(world, "register_validator", &world.register_validator(&newcomer));
    table.call(world, "commit_chain", &world.commit_chain(&newcomer, [1; 32]));
    table.call(world, "deregister_validator", &world.deregister_validator(&newcomer));

    let mut world = trial.world.clone();
    let world = &mut world;
    let first = world.read_validator(&validator).chain.first_epoch;
    world.advance_epochs(200);
    let far = |epoch| (epoch, validator.seed(first, epoch));
    let (epoch, seed) = far(first + 63);
    table.call(world, "reveal_seed[64_steps]", &world.reveal_seed(&validator, epoch, seed));
    let (epoch, seed) = far(first + 127);
    table.call(world, "reveal_seed[64_steps]", &world.reveal_seed(&validator, epoch, seed));

    let mut filed = trial;
    let seed = filed.world.seed_for(&validator, &job);
    let drawn = Some((validator.address, seed));
    table.call(
        &mut filed.world.clone(),
        "file_unavailable",
        &filed.world.file_unavailable(&job, validator.auditor, drawn),
    );
    let filer = filed.file();
    let demand = filed.demand_output(filer);
    let owner = filed.world.node.owner;
    filed.answer(owner, demand, false);
    let end = filed.world.end_filing(&job, filer);
    table.call(&mut filed.world, "end_filing", &end);
}

/// A budget with as many graphs and nodes as it can list.
fn measure_budgets(table: &mut Table, case: &str, terms: &PostJobArgs) {
    let mut world = World::new();
    let world = &mut world;
    let nodes = vec![world.node.address; MAXIMUM_LISTED];
    let graphs = vec![terms.graph_root; MAXIMUM_LISTED];
    let limits = BudgetLimits { any_graph: false, graphs, any_node: false, nodes, ..limits() };
    let named = |instruction: &str| format!("{instruction}{case}");
    let budget = world.unborn_budget("budget");
    table.call(world, &named("create_budget"), &world.create_budget(&budget, limits.clone()));
    table.rent(world, "budget", budget.address);
    let mint = budget.mint;
    world.fund(budget.address, &mint, BUDGET_TOKENS);
    world.svm.airdrop(&budget.address, BUDGET_LAMPORTS).expect("an airdrop");
    let invitation = PostJobArgs { invited_node: Some(world.node.address), ..terms.clone() };
    let jobs = [(); 2].map(|()| {
        let (job, post) = world.next_budget_job(budget.agent, &budget, invitation.clone());
        table.call(world, &named("post_budget_job"), &post);
        job
    });
    world.claim(&jobs[1]);
    world.commit(&jobs[1]);
    table.call(world, &named("cancel_budget_job"), &world.cancel_budget_job(budget.agent, &jobs[0]));
    table.call(world, &named("accept_budget_result"), &world.accept_budget_result(budget.agent, &jobs[1]));
    world.finalise(&jobs[1]);
    for job in &jobs {
        world.pay_out(job);
        world.accepts(&world.close_job(job));
    }
    let args = SetBudgetArgs { agent: Some(budget.agent), limits: Some(limits) };
    table.call(world, &named("set_budget"), &world.set_budget(&budget, args));
    let args = WithdrawBudgetArgs { tokens: 1, lamports: 1 };
    table.call(world, &named("withdraw_budget"), &world.withdraw_budget(&budget, &mint, args));
    table.call(world, &named("close_budget"), &world.close_budget(&budget));
}

/// A stranger's help derives the payee's associated token account on-chain. With its bump given, the ceiling holds whatever
/// the bump is; without, the search costs 1,500 units for each bump below 255.
fn measure_helped_withdrawals(table: &mut Table, world: &mut World) {
    let mint = world.mint_2022;
    let mut searched = None;
    for bump in (252..=255).rev() {
        let client = client_with_bump(world, &mint, bump);
        let mut credit = || {
            world.fund(client, &mint, terms().price_max);
            let job = world.post(client, &mint, terms());
            let cancel = world.cancel_job(&job);
            world.accepts(&cancel);
            job
        };
        let (first, second) = (credit(), credit());
        let helped = world.withdraw_credit(world.payer(), &first, CreditRole::Client);
        table.call(world, "withdraw_credit[by_a_helper]", &helped);
        let destination = program_tests::tokens::associated(client, &mint);
        let search = world.withdraw_credit_to(world.payer(), &second, CreditRole::Client, destination);
        let units = world.accepts(&search).compute_units;
        println!("\nCU withdraw_credit[by_a_helper_that_lets_search,bump_{bump}] {units}");
        let expected = *searched.get_or_insert(units) + 1_500 * u64::from(255 - bump);
        assert!(units <= expected + 100, "bump {bump} costs {units}, not about {expected}");
    }
}

fn client_with_bump(world: &mut World, mint: &Mint, bump: u8) -> Pubkey {
    let bump_of = |owner: &Pubkey| {
        get_associated_token_address_and_bump_seed(
            owner,
            &mint.address,
            &spl_associated_token_account_interface::program::ID,
            &mint.program,
        )
        .1
    };
    let mut names = (0..).map(|number| format!("client number {number}"));
    loop {
        let name = names.next().expect("another name");
        let key = world.key(&name);
        if bump_of(&key) == bump {
            return world.rich_key(&name);
        }
    }
}

/// A dispute of every kind: served, with a posted root, with openings; and everything that closes it.
fn measure_disputes(table: &mut Table) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenger;
    let call = trial.commit_call(challenger);
    table.call(&mut trial.world, "commit_challenge", &call);
    let other = trial.party("other");
    trial.commit(other);
    trial.world.advance(1);
    let call = trial.reveal_call(challenger);
    table.call(&mut trial.world, "reveal_challenge", &call);
    table.rent(&trial.world, "challenge", trial.challenge_of(challenger));
    trial.world.accepts(&trial.reveal_call(other));
    let third = trial.party("third");
    trial.commit(third);
    let gives_up = trial.party("gives up");
    trial.commit(gives_up);
    trial.reveal(gives_up);
    let call = trial.world.withdraw_challenge(&trial.job, gives_up);
    table.call(&mut trial.world, "withdraw_challenge", &call);

    let witness = trial.case.witness(A);
    let witness = trial.world.upload(challenger, 3, &witness);
    let call = trial.world.demand_segment_root(challenger, &trial.job, 0, A, Some(witness));
    table.call(&mut trial.world, "demand_segment_root", &call);
    let bytes = trial.world.svm.get_account(&call.accounts.demand).expect("a demand").data.len();
    table.rents.insert("demand".into(), (bytes, trial.world.svm.minimum_balance_for_rent_exemption(bytes)));
    let poster = trial.party("poster");
    let root = trial.case.segment_root(0);
    let post = trial.world.post_segment_root(poster, &trial.job, 0, root);
    table.call(&mut trial.world, "post_segment_root", &post);
    let tensor = trial.tensor_demand(challenger, A, Some((post.accounts.claim, false)));
    table.call(&mut trial.world, "demand_opening", &tensor);
    let node = trial.party("the node's purse");
    for (height, id) in [(7, 1), (4, 2)] {
        let bytes = trial.case.answer(A, height, 0, true);
        let buffer = trial.world.upload(node, id, &bytes);
        let demand = if height == 7 {
            tensor.accounts.demand
        } else {
            let state: assay::state::Demand = trial.world.read(tensor.accounts.demand);
            let leaves: Vec<[u8; 32]> =
                trial.case.answer(A, 7, 0, true).chunks(32).map(|hash| hash.try_into().expect("a hash")).collect();
            let args = assay::instructions::DemandOpeningArgs {
                key: assay::state::DemandKey { height: 4, index: 0, ..state.key },
                witness_slot: 0,
                bound: leaves[0],
                path: referee::commit::merkle_path(&leaves, 0).expect("a path"),
            };
            let claim = Some(post.accounts.claim);
            let parent = Some(tensor.accounts.demand);
            let call = trial.world.demand_opening(challenger, &trial.job, args, claim, None, parent);
            table.call(&mut trial.world, "demand_opening[below]", &call);
            call.accounts.demand
        };
        let call = trial.world.answer_opening(node, demand, buffer);
        table.call(&mut trial.world, &format!("answer_opening[height_{height}]"), &call);
    }
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    let call = trial.world.prove(challenger, &trial.job, buffer, Some(post.accounts.claim));
    table.call(&mut trial.world, "prove[refutes_a_root]", &call);
    let root = trial.case.segment_root(1);
    let check = trial.signed(&trial.statement(1, root));
    let record = trial.world.record_segment_root(challenger, &trial.job, 1, root);
    let units = trial.world.must(&[check, record.instruction()]).compute_units;
    table.units.insert("record_segment_root".into(), units);
    table.rent(&trial.world, "segment_claim", record.accounts.claim);
    let mut equivocates = trial.world.clone();
    let call = equivocates.prove_equivocation(challenger, &trial.job, 1, [8; 32]);
    let check = trial.signed(&trial.statement(1, [8; 32]));
    let units = equivocates.must(&[check, call.instruction()]).compute_units;
    table.units.insert("prove_equivocation".into(), units);
    trial.demand_root(other, 0);
    trial.world.advance(151);
    let call = trial.world.time_out_defender(&trial.job, other);
    table.call(&mut trial.world, "time_out_defender", &call);
    let call = trial.world.time_out_challenger(&trial.job, third);
    table.call(&mut trial.world, "time_out_challenger", &call);
    let call = trial.world.resolve_challenge(&trial.job, challenger);
    table.call(&mut trial.world, "resolve_challenge", &call);
    let units = trial.settle(&[challenger, other]).compute_units;
    table.units.insert("settle_dispute".into(), units);
    let call = trial.world.close_challenge(trial.world.payer(), &trial.job, challenger);
    table.call(&mut trial.world, "close_challenge", &call);
    let call = trial.world.burn_slash(&trial.job);
    table.call(&mut trial.world, "burn_slash", &call);
    let call = trial.world.close_demand(tensor.accounts.demand);
    table.call(&mut trial.world, "close_demand", &call);
    let call = trial.world.close_segment_claim(trial.world.payer(), record.accounts.claim);
    table.call(&mut trial.world, "close_segment_claim", &call);
}

/// From opening to closing, in every way that a session can go.
fn measure_sessions(table: &mut Table, world: &mut World, case: &str, mint: &Mint, terms: &OpenSessionArgs) {
    let client = world.client;
    let named = |instruction: &str| format!("{instruction}{case}");
    let voucher_key = world.voucher_key();
    let open = |table: &mut Table, world: &mut World| -> Session {
        let id = world.next_job_id(client);
        let session = world.session_at(client, id, mint);
        let args = OpenSessionArgs { session_id: id, voucher_key, ..terms.clone() };
        table.call(world, &named("open_session"), &world.open_session(&session, args));
        table.rent(world, &named("session"), session.address);
        session
    };
    let cancelled = open(table, world);
    table.call(world, &named("cancel_session"), &world.cancel_session(&cancelled));
    let expired = open(table, world);
    world.advance(terms.accept_slots + 1);
    table.call(world, &named("expire_session"), &world.expire_session(&expired));

    let session = open(table, world);
    table.call(world, &named("accept_session"), &world.accept_session(&session));
    let voucher = world.voucher(&session, 700);
    let units = world.must(&voucher).compute_units;
    table.units.insert(named("record_voucher"), units);
    let receipt = world.receipt(&session, 1);
    // With something on the operator's key, the fee is transferred.
    world.svm.airdrop(&session.node.operator, 10_000_000).expect("an airdrop");
    let check = world.signed_receipt(&session, &receipt);
    let call = world.open_receipt(&session, &receipt, client);
    let units = world.must(&[check, call.instruction()]).compute_units;
    table.units.insert(named("open_receipt"), units);
    let job = world.receipt_job(&session, &receipt, client);
    table.rent(world, &named("receipt"), job.address);
    let uri = format!("http://{}", "u".repeat(121));
    table.call(world, &named("amend_receipt"), &world.amend_receipt(&session, &job, &uri));
    table.call(world, &named("end_session"), &world.end_session(&session, client));
    world.advance(terms.window_slots + 1);
    table.call(world, &named("finalise_receipt"), &world.finalise_receipt(&session, &job));
    table.call(world, &named("close_receipt"), &world.close_receipt(&session, &job));
    table.call(world, &named("finalise_session"), &world.finalise_session(&session));
    for role in [CreditRole::Node, CreditRole::Client] {
        let payee = if matches!(role, CreditRole::Node) { session.node.owner } else { client };
        let call = world.withdraw_session_credit(payee, &session, role);
        table.call(world, &named("withdraw_session_credit"), &call);
    }
    table.call(world, &named("close_session"), &world.close_session(&session));
}

/// Sessions at their usual size and at their largest, and what a receipt's conviction costs.
fn measure_all_sessions(table: &mut Table, world: &World) {
    let uri = || format!("http://{}", "u".repeat(121));
    let largest = OpenSessionArgs { graph_uri: uri(), params_uri: uri(), ..session_terms() };
    measure_sessions(table, &mut world.clone(), "", &world.mint, &session_terms());
    measure_sessions(table, &mut world.clone(), "[largest]", &world.mint_2022, &largest);
    let mut trial = Trial::of_receipt(Case::wrong_in(A, 7)).0;
    let challenger = trial.challenge();
    let claim = trial.record(0);
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    let call = trial.world.prove(challenger, &trial.job, buffer, Some(claim));
    table.call(&mut trial.world, "prove[receipt]", &call);
}

fn measure_buffers(table: &mut Table) {
    let mut world = World::new();
    let owner = world.mallory;
    let call = world.open_buffer(owner, 0, 10_000);
    table.call(&mut world, "open_buffer", &call);
    let call = world.grow_buffer(owner, 0, 20_000);
    table.call(&mut world, "grow_buffer", &call);
    let call = world.write_buffer(owner, 0, 0, &[1; 900]);
    table.call(&mut world, "write_buffer", &call);
    table.rent(&world, "buffer", address::buffer(&owner, 0));
    let call = world.close_buffer(owner, 0);
    table.call(&mut world, "close_buffer", &call);
}

/// One element of a product of 4,096 terms, all of it in boundary, params and inputs.
fn measure_products(table: &mut Table) {
    for k in [384u32, 1_536, 4_096] {
        let mut trial = Trial::new(Case::wrong_product(k));
        let challenger = trial.challenge();
        let proof = trial.case.element_proof(0, 2, 0, Source::Boundary);
        println!("\nBYTES prove[k_{k}] {}", proof.len());
        let buffer = trial.upload_proof(challenger, &proof);
        let call = trial.world.prove(challenger, &trial.job, buffer, None);
        table.call(&mut trial.world, &format!("prove[k_{k}]"), &call);
    }
}

#[test]
fn every_instruction_stays_below_its_ceiling() {
    let mut table = Table::default();
    measure_governance_and_nodes(&mut table);
    measure_scheduling(&mut table);
    measure_delegation(&mut table);
    measure_safety_and_rewards(&mut table);
    measure_audits(&mut table);
    measure_budgets(&mut table, "", &terms());
    measure_budgets(&mut table, "[largest]", &largest_terms());
    let world = World::new();
    let (mint, mint_2022) = (world.mint, world.mint_2022);
    measure_jobs(&mut table, &mut world.clone(), "", &mint, &terms());
    measure_jobs(&mut table, &mut world.clone(), "[token_2022]", &mint_2022, &terms());
    measure_jobs(&mut table, &mut world.clone(), "[largest]", &mint_2022, &largest_terms());
    measure_helped_withdrawals(&mut table, &mut world.clone());
    measure_all_sessions(&mut table, &world);
    measure_buffers(&mut table);
    measure_disputes(&mut table);
    measure_products(&mut table);
    let counter = {
        let mut world = world.clone();
        world.posted();
        (address::client(&world.client), world)
    };
    table.rent(&counter.1, "client", counter.0);
    table.print_and_check();
}
