use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::AcceptAuthority;
use assay::events::AuthorityAccepted;
use assay::state::Change;
use program_tests::World;
use program_tests::terms::parameters;
use solana_sdk::pubkey::Pubkey;

#[test]
fn hands_the_authority_over() {
    let mut world = World::new();
    let successor = world.client;
    world.accepts(&world.propose_authority(successor));
    let event: AuthorityAccepted = world.accepts(&world.accept_authority(successor)).event();
    assert_eq!((event.previous_authority, event.authority), (world.authority, successor));
    let network = world.network();
    assert_eq!((network.authority, network.pending_authority), (successor, Pubkey::default()));
    let change = Change::Parameters { parameters: parameters() };
    world.refuses(&world.propose(change), AssayError::NotNetworkAuthority);
    world.accepts(&world.propose(change).with(|a| a.authority = successor));
}

#[test]
fn needs_a_proposal_each_time() {
    let mut world = World::new();
    world.refuses(&world.accept_authority(world.client), AssayError::NotPendingAuthority);
    world.refuses(&world.accept_authority(world.authority), AssayError::NotPendingAuthority);
    world.accepts(&world.propose_authority(world.client));
    world.accepts(&world.accept_authority(world.client));
    world.refuses(&world.accept_authority(world.client), AssayError::NotPendingAuthority);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    world.accepts(&world.propose_authority(world.client));
    let call = world.accept_authority(world.client);
    let right = call.accounts;
    let table = [
        (
            "a key that was not proposed",
            AcceptAuthority { pending_authority: world.mallory, ..right },
            AssayError::NotPendingAuthority.into(),
        ),
        (
            "another account of the program",
            AcceptAuthority { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
