//! One call of every instruction of governance, each in a world in which it goes through.

use assay::governance::EXECUTION_SLOTS;
use assay::state::Change;
use program_tests::World;
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::terms::parameters;
use solana_sdk::instruction::Instruction;

type Calls = Vec<(&'static str, World, Instruction)>;

pub(crate) fn governance_calls() -> Calls {
    let mut calls = Calls::new();
    let change = Change::Parameters { parameters: parameters() };
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    let mint = world.mint;
    calls.push(("propose_change", world.clone(), world.propose(change).instruction()));
    calls.push(("pause_new_work", world.clone(), world.pause_new_work(guardian, 10).instruction()));
    calls.push(("create_reward_pool", world.clone(), world.create_reward_pool().instruction()));

    let mut proposed = world.clone();
    let number = proposed.proposed(change);
    for (name, instruction) in [
        ("execute_network_change", proposed.execute_network_change(number).instruction()),
        ("veto_proposal", proposed.veto_proposal(guardian, number).instruction()),
        ("withdraw_proposal", proposed.withdraw_proposal(number).instruction()),
    ] {
        calls.push((name, proposed.clone(), instruction));
    }
    proposed.advance(EXECUTION_SLOTS + 1);
    calls.push(("close_proposal", proposed.clone(), proposed.close_proposal(number).instruction()));

    let mut allowing = world.clone();
    let unknown = allowing.create_mint("unknown mint", false);
    let number = allowing.proposed(allowance(&unknown, 1, 1));
    let call = allowing.execute_mint_allowance(number, &unknown);
    calls.push(("execute_mint_allowance", allowing, call.instruction()));

    let mut changing = world.clone();
    let terms = MintTerms { enabled: true, bond_numerator: 1, bond_denominator: 1 };
    let number = changing.proposed(terms.of(&mint));
    let call = changing.execute_mint_change(number, &mint);
    calls.push(("execute_mint_change", changing, call.instruction()));

    let mut paying = world.clone();
    paying.mint_to(&mint, assay::address::fee_vault(&mint.address), 100);
    let number = paying.proposed(paying.fee_withdrawal(&mint, 1));
    let call = paying.execute_fee_withdrawal(number, &mint);
    calls.push(("execute_fee_withdrawal", paying, call.instruction()));

    let job = world.settled_in_stake();
    let call = world.burn_fee(&job);
    calls.push(("burn_fee", world, call.instruction()));
    calls.push(crate::migrate_network::call());
    calls.push(crate::migrate_job::call());
    calls.push(crate::migrate_node::call());
    calls
}
