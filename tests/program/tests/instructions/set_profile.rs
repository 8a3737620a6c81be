use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SetProfile;
use assay::events::ProfileSet;
use assay::state::Profile;
use program_tests::World;

const PROFILE: Profile = Profile { capabilities: 0b101, units_per_slot: 1_000, price_floor: 7, region: 63 };

#[test]
fn replaces_the_profile_and_nothing_else() {
    let mut world = World::new();
    let node = world.node;
    let before = world.read_node(&node);
    let event: ProfileSet = world.accepts(&world.set_profile(&node, PROFILE)).event();
    assert_eq!((event.node, event.profile), (node.address, PROFILE));
    assert_eq!(world.read_node(&node), assay::state::Node { profile: PROFILE, ..before });
}

#[test]
fn a_region_is_one_that_a_filter_can_name() {
    let mut world = World::new();
    let nowhere = Profile { region: 64, ..PROFILE };
    world.refuses(&world.set_profile(&world.node, nowhere), AssayError::RegionInvalid);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let call = world.set_profile(&node, PROFILE);
    let right = call.accounts;
    let not_operator = || AssayError::NotOperator.into();
    let table = [
        ("a stranger", SetProfile { operator: world.mallory, ..right }, not_operator()),
        ("the node's owner", SetProfile { operator: node.owner, ..right }, not_operator()),
        ("another node", SetProfile { node: other.address, ..right }, not_operator()),
        (
            "a register as node",
            SetProfile { node: assay::address::STAKE_REGISTER, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
