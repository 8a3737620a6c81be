//! One call of every instruction about delegated stake, each in a world in which it goes through.

use program_tests::World;
use program_tests::terms::parameters;
use program_tests::trial::{A, Case, Trial};
use solana_sdk::instruction::Instruction;

/// With another node that takes delegations, and another delegator, around.
pub(crate) fn delegation_calls() -> Vec<(&'static str, World, Instruction)> {
    let mut world = World::with_delegation();
    let (node, other, mint, mint_2022) = (world.node, world.other_node, world.mint, world.mint_2022);
    let (owner, second, gone) = (world.key("delegator"), world.delegator("second"), world.delegator("gone"));
    let mut unopened = world.clone();
    unopened.accepts(&unopened.delegate(&node, second, 500));
    world.accepts(&world.open_delegation_pool(&other, 500));
    for (node, owner) in [(node, second), (other, owner), (other, second), (node, gone)] {
        world.accepts(&world.delegate(&node, owner, 500));
    }
    for (node, owner) in [(node, owner), (node, second), (other, owner)] {
        world.accepts(&world.undelegate(&node, owner, 100));
    }
    let (paid, job) = (world.settled(), world.settled());
    world.accepts(&world.collect_delegation_reward(&node, &paid));
    let mut later = world.clone();
    later.advance(parameters().unbonding_slots);
    let mut left = later.clone();
    left.leave_delegation(&node, gone);
    let reward = left.withdraw_delegation_reward(&node, gone, &mint);
    left.must(&[reward.instruction()]);
    let mut empty = unopened.clone();
    let bare = empty.registered_node("bare", 20_000);
    empty.accepts(&empty.open_delegation_pool(&bare, 500));
    let mut shared = empty.clone();
    shared.accepts(&shared.add_reward_mint(&bare, &mint));
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    trial.world.take_delegation();
    trial.world.accepts(&trial.world.open_delegation_pool(&other, 500));
    trial.convict_wrong_element();
    let convicted = trial.world;
    vec![
        ("open_delegation_pool", unopened.clone(), unopened.open_delegation_pool(&other, 500).instruction()),
        ("set_commission", world.clone(), world.set_commission(&node, 500).instruction()),
        ("add_reward_mint", world.clone(), world.add_reward_mint(&node, &mint_2022).instruction()),
        ("remove_reward_mint", shared.clone(), shared.remove_reward_mint(&bare, &mint).instruction()),
        ("delegate", world.clone(), world.delegate(&node, owner, 500).instruction()),
        ("undelegate", world.clone(), world.undelegate(&node, owner, 500).instruction()),
        ("withdraw_delegation", later.clone(), later.withdraw_delegation(&node, owner).instruction()),
        ("settle_delegation_slash", convicted.clone(), convicted.settle_delegation_slash(&node).instruction()),
        ("collect_delegation_reward", world.clone(), world.collect_delegation_reward(&node, &job).instruction()),
        (
            "withdraw_delegation_reward",
            world.clone(),
            world.withdraw_delegation_reward(&node, owner, &mint).instruction(),
        ),
        ("close_delegation", left.clone(), left.close_delegation(&node, gone).instruction()),
        ("close_delegation_pool", empty.clone(), empty.close_delegation_pool(&bare).instruction()),
    ]
}
