use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::ProposeAuthority;
use assay::events::AuthorityProposed;
use assay::state::Change;
use program_tests::World;
use program_tests::terms::parameters;
use solana_sdk::pubkey::Pubkey;

#[test]
fn records_a_proposal_and_changes_nothing_yet() {
    let mut world = World::new();
    let event: AuthorityProposed = world.accepts(&world.propose_authority(world.client)).event();
    assert_eq!((event.authority, event.pending_authority), (world.authority, world.client));
    let network = world.network();
    assert_eq!((network.authority, network.pending_authority), (world.authority, world.client));
    let change = Change::Parameters { parameters: parameters() };
    let by_the_proposed = world.propose(change).with(|a| a.authority = world.client);
    world.refuses(&by_the_proposed, AssayError::NotNetworkAuthority);
}

#[test]
fn a_later_proposal_replaces_an_earlier_one() {
    let mut world = World::new();
    world.accepts(&world.propose_authority(world.client));
    world.accepts(&world.propose_authority(world.other_client));
    world.refuses(&world.accept_authority(world.client), AssayError::NotPendingAuthority);
    world.accepts(&world.propose_authority(Pubkey::default()));
    world.refuses(&world.accept_authority(world.other_client), AssayError::NotPendingAuthority);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let call = world.propose_authority(world.client);
    let right = call.accounts;
    let table = [
        (
            "a stranger proposes itself",
            ProposeAuthority { authority: world.mallory, ..right },
            AssayError::NotNetworkAuthority.into(),
        ),
        (
            "another account of the program",
            ProposeAuthority { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
