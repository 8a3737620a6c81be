//! One call of every instruction, each in a world in which it goes through.

use crate::calls_of_delegation::delegation_calls;
use crate::calls_of_disputes::dispute_calls;
use crate::calls_of_governance::governance_calls;
use crate::calls_of_sessions::session_calls;
use assay::address;
use assay::instructions::{CreditRole, PostJobArgs, SetBudgetArgs, WithdrawBudgetArgs};
use assay::state::Profile;
use program_tests::budgets::limits;
use program_tests::terms::{parameters, terms};
use program_tests::{Case, Node, Trial, World};
use solana_sdk::instruction::Instruction;

/// A call that goes through.
pub(crate) struct EveryCall {
    /// The name of the instruction.
    pub(crate) name: &'static str,
    /// The world in which it goes through.
    pub(crate) world: World,
    /// The call.
    pub(crate) instruction: Instruction,
}

/// Every instruction but the four that need a signature right before them, with jobs in every state around.
pub(crate) fn every_call() -> Vec<EveryCall> {
    let mut world = World::new();
    let (node, mint, client) = (world.node, world.mint, world.client);
    let missed = world.missed();
    let settled = world.settled();
    let paid_out = world.settled();
    world.pay_out(&paid_out);
    let (committed, claimed, posted) = (world.committed(), world.claimed(), world.posted());
    world.cancelled();
    world.post(world.other_client, &mint, terms());
    world.mint_to(&mint, address::fee_vault(&mint.address), 100);
    world.accepts(&world.propose_authority(client));
    world.accepts(&world.request_withdrawal(&node, 10));
    let owner = world.rich_key("new owner");
    let new_node = Node { address: address::node(&owner, 0), owner, operator: owner };
    let mut registered = world.clone();
    registered.accepts(&registered.register_node(&new_node, 0, ""));
    let mut later = world.clone();
    later.advance(parameters().unbonding_slots);
    let next = world.job_at(client, world.next_job_id(client), &mint);
    let post = PostJobArgs { job_id: next.id, ..terms() };
    let result = world.result(&claimed).args();
    let first = World::uninitialised();
    let mut bare = first.clone();
    bare.accepts(&bare.initialize_network(parameters()));
    let mut sealable = world.clone();
    let wanted = sealable.read_job(&posted).sortition.seed_slot;
    sealable.remember([wanted + 2, wanted, wanted - 1]);
    let calls = [
        ("initialize_network", &first, first.initialize_network(parameters()).instruction()),
        ("propose_authority", &world, world.propose_authority(client).instruction()),
        ("accept_authority", &world, world.accept_authority(client).instruction()),
        ("register_node", &world, world.register_node(&new_node, 0, "http://a:1").instruction()),
        ("update_node", &world, world.update_node(&node, node.operator, "http://a:1").instruction()),
        ("stake", &world, world.stake(&node, node.owner, 1).instruction()),
        ("request_withdrawal", &world, world.request_withdrawal(&node, 1).instruction()),
        ("cancel_withdrawal", &world, world.cancel_withdrawal(&node, 0).instruction()),
        ("withdraw_stake", &later, later.withdraw_stake(&node).instruction()),
        ("deregister_node", &registered, registered.deregister_node(&new_node).instruction()),
        ("create_stake_register", &bare, bare.create_stake_register(bare.payer()).instruction()),
        ("set_profile", &world, world.set_profile(&node, Profile::default()).instruction()),
        ("heartbeat", &later, later.heartbeat(&node).instruction()),
        ("announce_maintenance", &world, world.announce_maintenance(&node, world.slot() + 10, 5).instruction()),
        ("weigh_node", &world, world.weigh_node(&node).instruction()),
        ("seal_seed", &sealable, sealable.seal_seed(&posted).instruction()),
        ("post_job", &world, world.post_job(&next, post).instruction()),
        ("claim_job", &world, world.claim_job(&node, &posted).instruction()),
        ("commit_result", &world, world.commit_result(&node, &claimed, result).instruction()),
        ("finalise_job", &later, later.finalise_job(&node, &committed).instruction()),
        ("cancel_job", &world, world.cancel_job(&posted).instruction()),
        ("expire_job", &later, later.expire_job(&posted).instruction()),
        ("expire_claim", &later, later.expire_claim(&node, &claimed).instruction()),
        ("withdraw_credit", &world, world.withdraw_credit(node.owner, &settled, CreditRole::Node).instruction()),
        ("withdraw_charge", &world, world.withdraw_charge(missed.client, &missed).instruction()),
        ("sweep_fee", &world, world.sweep_fee(&settled).instruction()),
        ("close_job", &world, world.close_job(&paid_out).instruction()),
    ];
    let mut calls: Vec<EveryCall> = calls.map(|(name, world, instruction)| checked(name, world, instruction)).into();
    calls.extend(audit_calls());
    let others = dispute_calls().into_iter().chain(session_calls()).chain(governance_calls()).chain(delegation_calls());
    calls.extend(others.map(|(name, world, instruction)| checked(name, &world, instruction)));
    calls.extend(budget_calls());
    calls
}

fn checked(name: &'static str, world: &World, instruction: Instruction) -> EveryCall {
    world.clone().transact(std::slice::from_ref(&instruction)).unwrap_or_else(|why| panic!("{name}: {why:#?}"));
    EveryCall { name, world: world.clone(), instruction }
}

/// The calls of validators and of delivery, with a job that is attested, filed, settled.
fn audit_calls() -> Vec<EveryCall> {
    let (trial, [validator, other]) = Trial::audited(Case::honest());
    let job = trial.job;
    let mut world = trial.world.clone();
    let newcomer = world.validator("newcomer");
    let empty = world.registered_validator("empty", 0);
    world.accepts(&world.attest(&other, &job));
    world.accepts(&world.request_validator_withdrawal(&other, 10));
    let mut released = world.clone();
    released.advance(parameters().unbonding_slots);
    let mut settled = world.clone();
    settled.finalise(&job);
    let mut free = settled.clone();
    free.accepts(&free.settle_attestation(&other, &job));
    let (epoch, seed) = (world.epoch_of(world.read_job(&job).committed_slot), world.seed_for(&validator, &job));
    let mut filed = trial;
    let client = filed.file();
    let demand = filed.demand_output(client);
    let owner = filed.world.node.owner;
    filed.answer(owner, demand, false);
    let auditor = validator.auditor;
    let calls = [
        ("register_validator", &world, world.register_validator(&newcomer).instruction()),
        ("update_validator", &world, world.update_validator(&validator, newcomer.auditor).instruction()),
        ("stake_validator", &world, world.stake_validator(&validator, 1).instruction()),
        ("request_validator_withdrawal", &world, world.request_validator_withdrawal(&validator, 1).instruction()),
        ("withdraw_validator_stake", &released, released.withdraw_validator_stake(&other).instruction()),
        ("deregister_validator", &world, world.deregister_validator(&empty).instruction()),
        ("commit_chain", &world, world.commit_chain(&validator, [1; 32]).instruction()),
        ("reveal_seed", &world, world.reveal_seed(&validator, epoch, seed).instruction()),
        ("attest", &world, world.attest(&validator, &job).instruction()),
        ("settle_attestation", &settled, settled.settle_attestation(&other, &job).instruction()),
        ("collect_attestation", &free, free.collect_attestation(other.authority, &other, &job).instruction()),
        ("accept_result", &world, world.accept_result(&job).instruction()),
        (
            "file_unavailable",
            &world,
            world.file_unavailable(&job, auditor, Some((validator.address, seed))).instruction(),
        ),
        ("end_filing", &filed.world, filed.world.end_filing(&job, client).instruction()),
    ];
    calls.map(|(name, world, instruction)| checked(name, world, instruction)).into()
}

/// The calls of a budget, with another one around.
fn budget_calls() -> Vec<EveryCall> {
    let mut world = World::new();
    let budget = world.budget("budget", limits());
    let other = world.budget("other", limits());
    let idle = world.budget("idle", limits());
    let new = world.unborn_budget("new");
    world.post_from(&other, terms());
    let posted = world.post_from(&budget, terms());
    let committed = world.post_from(&budget, terms());
    world.claim(&committed);
    world.commit(&committed);
    let (_, post) = world.next_budget_job(budget.agent, &budget, terms());
    let set = SetBudgetArgs { agent: Some(other.agent), limits: Some(limits()) };
    let withdraw = WithdrawBudgetArgs { tokens: 1, lamports: 1 };
    let calls = [
        ("create_budget", world.create_budget(&new, limits()).instruction()),
        ("set_budget", world.set_budget(&budget, set).instruction()),
        ("withdraw_budget", world.withdraw_budget(&budget, &budget.mint, withdraw).instruction()),
        ("post_budget_job", post.instruction()),
        ("cancel_budget_job", world.cancel_budget_job(budget.agent, &posted).instruction()),
        ("accept_budget_result", world.accept_budget_result(budget.agent, &committed).instruction()),
        ("close_budget", world.close_budget(&idle).instruction()),
    ];
    calls.map(|(name, instruction)| checked(name, &world, instruction)).into()
}
