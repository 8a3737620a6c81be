//! The hot key of a node: what it can sign, and that it can sign nothing else. A node runs with it for months on a machine that others
//! may get into; stake, its destination and the node's identity are the cold key's alone.

use crate::every_call::{EveryCall, every_call};
use std::collections::BTreeSet;

/// What only the operator signs.
const OF_THE_OPERATOR: &[&str] =
    &["accept_session", "announce_maintenance", "claim_job", "commit_result", "heartbeat", "set_profile"];

/// What the operator can sign in another's place, and why that takes nothing from anybody. What only costs its payer rent is not
/// among it, for these operators hold no lamports.
const IN_ANOTHERS_PLACE: &[(&str, &str)] = &[
    ("close_challenge", "anyone helps; tokens go to the payee's associated account"),
    ("close_segment_claim", "anyone closes a signed root: it has no bond"),
    ("collect_attestation", "anyone helps; tokens go to the payee's associated account"),
    ("end_session", "either party of a session ends it, and the operator is one"),
    ("migrate_job", "anyone pays, and decides nothing"),
    ("migrate_network", "anyone pays, and decides nothing"),
    ("migrate_node", "anyone pays, and decides nothing"),
    ("withdraw_charge", "anyone helps; tokens go to the payee's associated account"),
    ("withdraw_credit", "anyone helps; tokens go to the payee's associated account"),
    ("withdraw_delegation", "anyone helps; tokens go to the owner's associated account"),
    ("withdraw_delegation_reward", "anyone helps; tokens go to the owner's associated account"),
    ("withdraw_session_credit", "anyone helps; tokens go to the payee's associated account"),
];

#[test]
fn the_hot_key_signs_what_is_the_operators_and_nothing_else_that_takes_anything() {
    let (mut its_own, mut in_anothers_place) = (BTreeSet::new(), BTreeSet::new());
    let mut tried = BTreeSet::new();
    for EveryCall { name, world, instruction } in every_call() {
        let keys: BTreeSet<_> = world.known_keys().collect();
        // There are worlds from before any node.
        let mut operators = vec![world.node.operator, world.other_node.operator];
        operators.retain(|operator| keys.contains(operator));
        for (at, right) in instruction.accounts.iter().enumerate().filter(|(_, meta)| meta.is_signer) {
            if operators.contains(&right.pubkey) {
                its_own.insert(name);
                continue;
            }
            for operator in &operators {
                tried.insert(name);
                let mut replaced = instruction.clone();
                replaced.accounts[at].pubkey = *operator;
                if world.clone().transact(&[replaced]).is_ok() {
                    in_anothers_place.insert(name);
                }
            }
        }
    }
    assert_eq!(its_own, OF_THE_OPERATOR.iter().copied().collect());
    assert_eq!(in_anothers_place, IN_ANOTHERS_PLACE.iter().map(|(name, _)| *name).collect());
    // What would cost the owner most is among what was tried.
    for name in [
        "cancel_withdrawal",
        "close_delegation_pool",
        "deregister_node",
        "open_delegation_pool",
        "register_node",
        "request_withdrawal",
        "set_commission",
        "stake",
        "update_node",
        "withdraw_stake",
    ] {
        assert!(tried.contains(name) && !in_anothers_place.contains(name), "{name}");
    }
}

#[test]
fn the_readme_of_the_node_lists_what_the_hot_key_signs() {
    let readme = include_str!("../../../../worker/node/README.md");
    let head = "| it signs | what a thief does with it | what that costs |\n|---|---|---|\n";
    let (_, table) = readme.split_once(head).expect("the README has the table");
    let rows = table.lines().map_while(|line| line.strip_prefix("| `")?.split_once('`'));
    assert_eq!(rows.map(|(name, _)| name).collect::<Vec<_>>(), OF_THE_OPERATOR);
}
