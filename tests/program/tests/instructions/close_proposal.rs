use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CloseProposal;
use assay::address;
use assay::events::{ChangeDismissed, Dismissal};
use assay::governance::EXECUTION_SLOTS;
use assay::state::Change;
use program_tests::World;

fn ready() -> (World, u64) {
    let mut world = World::new();
    world.governs(Change::Timelock { timelock_slots: 10 });
    let number = world.proposed(Change::FeeBurn { fee_burn_bps: 1 });
    (world, number)
}

#[test]
fn removes_what_nobody_carried_out() {
    let (mut world, number) = ready();
    world.refuses(&world.close_proposal(number), AssayError::ProposalNotExpired);
    world.advance(10 + EXECUTION_SLOTS);
    world.refuses(&world.close_proposal(number), AssayError::ProposalNotExpired);
    world.advance(1);
    let lamports = world.lamports(world.authority);
    let event: ChangeDismissed = world.accepts(&world.close_proposal(number)).event();
    assert_eq!((event.number, event.dismissal), (number, Dismissal::Expired));
    assert!(world.lamports(world.authority) > lamports, "the rent is back");
    assert!(!world.exists(address::proposal(number)));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, number) = ready();
    world.advance(10 + EXECUTION_SLOTS + 1);
    let call = world.close_proposal(number);
    let right = call.accounts;
    let table = [
        (
            "another account of the program",
            CloseProposal { proposal: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the rent to a stranger",
            CloseProposal { proposer: world.mallory, ..right },
            AssayError::WrongProposer.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
