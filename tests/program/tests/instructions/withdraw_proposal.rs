use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawProposal;
use assay::address;
use assay::events::{ChangeDismissed, Dismissal};
use assay::state::Change;
use program_tests::World;

const CHANGE: Change = Change::FeeBurn { fee_burn_bps: 1 };

#[test]
fn takes_a_change_back() {
    let mut world = World::new();
    let lamports = world.lamports(world.authority);
    let number = world.proposed(CHANGE);
    let event: ChangeDismissed = world.accepts(&world.withdraw_proposal(number)).event();
    assert_eq!((event.number, event.dismissal), (number, Dismissal::Withdrawn));
    assert_eq!(world.lamports(world.authority), lamports, "all rent is back");
    world.refuses(&world.execute_network_change(number), ErrorCode::AccountNotInitialized);
    assert_eq!(world.proposed(CHANGE), number + 1, "a number is never used twice");
}

/// Whoever governs now decides over what its predecessor proposed; the rent is the predecessor's.
#[test]
fn a_successor_withdraws_what_its_predecessor_proposed() {
    let mut world = World::new();
    let (predecessor, successor) = (world.authority, world.client);
    let number = world.proposed(CHANGE);
    world.accepts(&world.propose_authority(successor));
    world.accepts(&world.accept_authority(successor));
    world.refuses(&world.withdraw_proposal(number), AssayError::NotNetworkAuthority);
    let lamports = world.lamports(predecessor);
    world.accepts(&world.withdraw_proposal(number).with(|a| a.authority = successor));
    assert!(world.lamports(predecessor) > lamports);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    let number = world.proposed(CHANGE);
    let call = world.withdraw_proposal(number);
    let right = call.accounts;
    let not_authority = AssayError::NotNetworkAuthority;
    let table = [
        ("a stranger", WithdrawProposal { authority: world.mallory, ..right }, not_authority.into()),
        ("the guardian", WithdrawProposal { authority: guardian, ..right }, not_authority.into()),
        (
            "another account of the program as network",
            WithdrawProposal { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a proposal that does not exist",
            WithdrawProposal { proposal: address::proposal(number + 1), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
        (
            "the rent to a stranger",
            WithdrawProposal { proposer: world.mallory, ..right },
            AssayError::WrongProposer.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
