use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::UpdateNode;
use assay::events::NodeUpdated;
use program_tests::{Node, World};
use solana_sdk::pubkey::Pubkey;

#[test]
fn changes_operator_and_endpoint_and_nothing_else() {
    let mut world = World::new();
    let node = world.node;
    let before = world.read_node(&node);
    let operator = world.key("new operator");
    let event: NodeUpdated = world.accepts(&world.update_node(&node, operator, "")).event();
    assert_eq!((event.node, event.operator), (node.address, operator));
    let expected = assay::state::Node { operator, endpoint: String::new(), ..before };
    assert_eq!(world.read_node(&node), expected);
}

/// New claims need the new operator; jobs that were claimed before stay with the key that claimed them.
#[test]
fn a_replaced_operator_loses_new_claims_and_keeps_old_ones() {
    let mut world = World::new();
    let (claimed, posted) = (world.claimed(), world.posted());
    let old = world.node;
    let new = Node { operator: world.key("new operator"), ..old };
    world.accepts(&world.update_node(&old, new.operator, ""));
    world.refuses(&world.claim_job(&old, &posted), AssayError::NotOperator);
    world.accepts(&world.claim_job(&new, &posted));
    let result = world.result(&claimed).args();
    world.refuses(&world.commit_result(&new, &claimed, result.clone()), AssayError::NotJobOperator);
    world.accepts(&world.commit_result(&old, &claimed, result));
}

#[test]
fn contact_is_checked() {
    let mut world = World::new();
    let node = world.node;
    for endpoint in ["a b", "\0", &"a".repeat(97)] {
        world.refuses(&world.update_node(&node, node.operator, endpoint), AssayError::EndpointInvalid);
    }
    world.refuses(&world.update_node(&node, Pubkey::default(), ""), AssayError::OperatorInvalid);
    world.accepts(&world.update_node(&node, node.operator, &"a".repeat(96)));
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let call = world.update_node(&node, world.mallory, "");
    let right = call.accounts;
    let not_owner = || AssayError::NotWithdrawAuthority.into();
    let table = [
        ("a stranger", UpdateNode { withdraw_authority: world.mallory, ..right }, not_owner()),
        ("the operator", UpdateNode { withdraw_authority: node.operator, ..right }, not_owner()),
        ("another node's owner", UpdateNode { withdraw_authority: other.owner, ..right }, not_owner()),
        ("another node", UpdateNode { node: other.address, ..right }, not_owner()),
        (
            "another account of the program",
            UpdateNode { node: assay::address::NETWORK, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
