//! One call of every instruction of sessions, each in a world in which it goes through, but for the two that need a signature
//! right before them, which `record_voucher` and `receipts` try; and the conviction of a receipt.

use assay::instructions::{CreditRole, OpenSessionArgs};
use program_tests::session_calls::INPUTS_URI;
use program_tests::trial::A;
use program_tests::{Case, Trial, World, session_terms};
use solana_sdk::instruction::Instruction;

/// Sessions in every state, with a receipt that is called in.
pub(crate) fn session_calls() -> Vec<(&'static str, World, Instruction)> {
    let mut world = World::new();
    let settled = world.settled_session(400);
    let paid_out = world.settled_session(400);
    world.pay_out_session(&paid_out);
    let other = world.open(world.other_client, &world.mint.clone(), session_terms());
    world.accepts(&world.accept_session(&other));
    let active = world.active();
    let offered = world.offered();
    let receipt = world.receipt(&active, 1);
    let job = world.call_in(&active, &receipt, active.client);
    let voucher_key = world.voucher_key();
    let next = world.session_at(world.client, world.next_job_id(world.client), &world.mint);
    let terms = OpenSessionArgs { session_id: next.id, voucher_key, ..session_terms() };
    let mut late = world.clone();
    late.advance(1_000);
    let mut ended = late.clone();
    ended.accepts(&ended.finalise_receipt(&active, &job));

    let mut trial = Trial::of_receipt(Case::wrong_in(A, 7)).0;
    let challenger = trial.challenge();
    trial.demand_root(challenger, 0);
    trial.world.advance(151);
    let convict = trial.world.time_out_defender(&trial.job, challenger).instruction();
    let calls = [
        ("open_session", &world, world.open_session(&next, terms).instruction()),
        ("cancel_session", &world, world.cancel_session(&offered).instruction()),
        ("expire_session", &late, late.expire_session(&offered).instruction()),
        ("accept_session", &world, world.accept_session(&offered).instruction()),
        ("end_session", &world, world.end_session(&active, active.client).instruction()),
        ("amend_receipt", &world, world.amend_receipt(&active, &job, INPUTS_URI).instruction()),
        ("finalise_receipt", &late, late.finalise_receipt(&active, &job).instruction()),
        ("close_receipt", &ended, ended.close_receipt(&active, &job).instruction()),
        ("finalise_session", &ended, ended.finalise_session(&active).instruction()),
        (
            "withdraw_session_credit",
            &world,
            world.withdraw_session_credit(settled.client, &settled, CreditRole::Client).instruction(),
        ),
        ("close_session", &world, world.close_session(&paid_out).instruction()),
        ("time_out_defender of a receipt", &trial.world, convict),
    ];
    calls.map(|(name, world, instruction)| (name, world.clone(), instruction)).into()
}
