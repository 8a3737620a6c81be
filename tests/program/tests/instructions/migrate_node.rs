//! Nodes as the first program wrote them, byte for byte (`fixtures/first-layout`).

use anchor_lang::error::ErrorCode;
use anchor_lang::{AccountDeserialize, AccountSerialize};
use assay::AssayError;
use assay::accounts::MigrateNode;
use assay::address;
use assay::events::NodeMigrated;
use assay::fairness::standing::NodeStanding;
use assay::state::{FirstNode, Node};
use assay::units::Slot;
use program_tests::World;
use program_tests::terms::parameters;
use program_tests::world::STAKE;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// The call, in the world in which it goes through.
pub(crate) fn call() -> (&'static str, World, Instruction) {
    let world = ready();
    let call = world.migrate_node(world.node.address);
    ("migrate_node", world, call.instruction())
}

/// The network is migrated, no node is.
fn ready() -> World {
    let mut world = World::of_the_first_layout();
    world.accepts(&world.migrate_network());
    world
}

fn data(world: &World, address: Pubkey) -> Vec<u8> {
    world.svm.get_account(&address).unwrap().data
}

fn patch(world: &mut World, address: Pubkey, change: impl FnOnce(&mut Vec<u8>)) {
    let mut account = world.svm.get_account(&address).unwrap();
    change(&mut account.data);
    world.svm.set_account(address, account).unwrap();
}

/// Where in today's layout lies what the first program did not know, before the endpoint.
fn added() -> std::ops::Range<usize> {
    let first = FirstNode::SPACE - 4 - assay::market::MAXIMUM_ENDPOINT_BYTES;
    first..first + Node::SPACE - FirstNode::SPACE
}

/// Every byte is in its place; what is new is as for a node that registers now.
#[test]
fn keeps_every_field_of_every_node() {
    let mut world = ready();
    let epoch_slots = world.network().parameters.scheduling.epoch_slots;
    let mut queued = 0;
    for address in world.node_addresses() {
        let old = data(&world, address);
        assert_eq!((old.len(), old[8]), (FirstNode::SPACE, FirstNode::VERSION));
        let event: NodeMigrated = world.accepts(&world.migrate_node(address)).event();
        assert_eq!((event.node, event.from_version, event.to_version), (address, 1, Node::VERSION));
        let new = data(&world, address);
        assert_eq!(new.len(), Node::SPACE);
        assert_eq!(world.lamports(address), world.svm.minimum_balance_for_rent_exemption(new.len()));
        let mut without = [&new[..added().start], &new[added().end..]].concat();
        without[8] = FirstNode::VERSION;
        assert_eq!(without, old);
        let node = world.read::<Node>(address);
        node.invariant().unwrap();
        let mut written = Vec::new();
        node.try_serialize(&mut written).unwrap();
        assert_eq!(written, new[..written.len()]);
        let now = Slot(world.slot());
        let registered = Node { registered_slot: now.0, ..Node::default() };
        assert_eq!(node.standing, NodeStanding::new(now, epoch_slots).unwrap());
        assert_eq!((node.weights, node.counted_stake), (registered.weights, 0));
        assert_eq!(
            (node.profile, node.score, node.pending_charge),
            (registered.profile, registered.score, registered.pending_charge)
        );
        assert_eq!(node.evidence.epoch, now.0 / u64::from(epoch_slots));
        queued += node.unbonding.iter().filter(|one| one.amount > 0).count();
    }
    assert_eq!((world.node_addresses().len(), queued), (2, 1));
}

/// Before it is migrated nothing reads it as something that it is not, on-chain or off; afterwards its stake is reachable.
#[test]
fn an_old_node_is_refused_by_name() {
    let mut world = ready();
    world.accepts(&world.create_stake_register(world.payer()));
    let node = world.node;
    let withdraw = world.withdraw_stake(&node);
    let request = world.request_withdrawal(&world.other_node, 10);
    world.refuses(&withdraw, AssayError::UnsupportedAccountVersion);
    world.refuses(&request, AssayError::UnsupportedAccountVersion);
    let read = Node::try_deserialize(&mut &data(&world, node.address)[..]).unwrap_err();
    assert!(read.to_string().contains("assay network migrate"), "{read}");
    for address in world.node_addresses() {
        world.accepts(&world.migrate_node(address));
    }
    world.accepts(&request);
    world.advance(parameters().unbonding_slots + 1_000);
    world.accepts(&withdraw);
}

/// A conviction is not forgotten.
#[test]
fn a_convicted_node_stays_convicted() {
    let mut world = ready();
    let node = world.node;
    // The count of convictions lies before the end of the freeze and the reserve.
    let offset = added().start - 2 - 8 - 4;
    patch(&mut world, node.address, |data| data[offset] = 1);
    world.accepts(&world.migrate_node(node.address));
    let migrated = world.read_node(&node);
    assert_eq!((migrated.fraud_convictions, migrated.standing.tombstoned), (1, true));
}

/// Once; another version, another kind of account and one that is cut off are refused and stay as they are.
#[test]
fn only_what_the_first_program_wrote() {
    let mut world = ready();
    let node = world.node.address;
    let call = world.migrate_node(node);
    for version in [0, 3, 99] {
        let mut other = world.clone();
        patch(&mut other, node, |data| data[8] = version);
        other.refuses(&call, AssayError::UnsupportedAccountVersion);
    }
    for length in [9, 100, added().start] {
        let mut cut = world.clone();
        patch(&mut cut, node, |data| data.truncate(length));
        cut.refuses(&call, AssayError::UnsupportedAccountVersion);
    }
    let mut broken = world.clone();
    patch(&mut broken, node, |data| data[84..92].fill(0xff));
    broken.refuses(&call, AssayError::InvariantBroken);
    world.accepts(&call);
    let before = data(&world, node);
    world.refuses(&call, AssayError::AccountNotOutdated);
    assert_eq!(data(&world, node), before);
    assert!(world.read_node(&world.node).stake <= STAKE);
}

/// Who migrates pays what the longer account needs; the withdraw authority gets it when the node deregisters.
#[test]
fn rent_is_topped_up_to_the_lamport() {
    let mut world = ready();
    let node = world.node.address;
    let needed = world.svm.minimum_balance_for_rent_exemption(Node::SPACE);
    let held = world.lamports(node);
    let before = world.lamports(world.mallory);
    world.accepts(&world.migrate_node(node));
    assert_eq!((world.lamports(node), world.lamports(world.mallory)), (needed, before - (needed - held)));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = ready();
    let call = world.migrate_node(world.node.address);
    let right = call.accounts;
    let job = world.job_addresses()[0];
    let forged = world.forge(address::NETWORK, assay::ID);
    let table = [
        (
            "a payer without lamports",
            MigrateNode { payer: world.key("a poor key"), ..right },
            program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS,
        ),
        (
            "another account of the program",
            MigrateNode { node: job, ..right },
            AssayError::UnsupportedAccountVersion.into(),
        ),
        ("a token account", MigrateNode { node: address::stake_vault(), ..right }, ErrorCode::ConstraintOwner.into()),
        ("a copy of the network", MigrateNode { network: forged, ..right }, ErrorCode::ConstraintAddress.into()),
    ];
    world.refuses_accounts(&call, table);
}
