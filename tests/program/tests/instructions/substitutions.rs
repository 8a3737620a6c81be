//! Every account of every instruction replaced by every other account there is.
//!
//! The tables in the files of the instructions try the wrong accounts that an attacker would try first, with the exact
//! error; this tries all, so that none is forgotten. Whoever must sign signs.

use crate::every_call::{EveryCall, every_call};
use program_tests::tokens::{TOKEN, TOKEN_2022};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;

/// Where another account may stand, and why that harms nobody.
const LEGITIMATE: [(&str, usize, &str); 54] = [
    ("accept_budget_result", 0, "the owner instead of the agent"),
    ("add_reward_mint", 10, "only carries the program into the transaction, which an account left out does here"),
    ("cancel_budget_job", 0, "the owner instead of the agent"),
    ("claim_job", 3, "another posted job: the operator chooses"),
    ("close_budget", 5, "another account of the mint: the owner chooses"),
    ("close_challenge", 0, "a helper, because the destination is the payee's associated token account"),
    ("close_challenge", 6, "another account of the mint: the payee signs and chooses"),
    ("close_demand", 5, "only carries the program into the transaction, which an account left out does here"),
    ("close_segment_claim", 0, "anyone: a signed root has no bond to pay out"),
    ("close_segment_claim", 7, "nothing is paid to it: a signed root has no bond"),
    ("close_segment_claim", 10, "only carries the program into the transaction, which an account left out does here"),
    ("collect_attestation", 0, "a helper, because the destination is the payee's associated token account"),
    ("collect_attestation", 6, "another account of the mint: the payee signs and chooses"),
    ("create_budget", 1, "another mint's record: the owner chooses"),
    ("create_stake_register", 0, "anyone pays, and decides nothing"),
    ("create_reward_pool", 0, "anyone pays, and gets no right by it"),
    ("demand_opening", 7, "another buffer with the same witness"),
    ("demand_opening", 10, "only carries the program into the transaction, which an account left out does here"),
    ("demand_segment_root", 9, "only carries the program into the transaction, which an account left out does here"),
    ("execute_mint_allowance", 0, "anyone pays, and decides nothing"),
    ("end_session", 0, "the operator: either party may end it"),
    ("expire_job", 0, "another posted job whose time is over: anyone may expire it"),
    ("file_unavailable", 12, "only carries the program into the transaction, which an account left out does here"),
    ("finalise_session", 1, "another session of the node whose time is over: anyone may finalise it"),
    ("initialize_network", 9, "only carries the program into the transaction, which another account does here"),
    ("migrate_job", 0, "anyone pays, and decides nothing"),
    ("migrate_job", 1, "another old job: anyone migrates any"),
    ("migrate_node", 0, "anyone pays, and decides nothing"),
    ("migrate_node", 2, "another old node: anyone migrates any"),
    ("migrate_network", 0, "anyone pays, and decides nothing"),
    ("propose_change", 7, "only carries the program into the transaction, which an account left out does here"),
    ("open_session", 2, "another node: the client chooses"),
    ("post_budget_job", 0, "the owner instead of the agent"),
    ("prove", 12, "only carries the program into the transaction, which an account left out does here"),
    ("remove_reward_mint", 5, "another account of the mint: the owner chooses"),
    ("seal_seed", 0, "another posted job whose seed is known: anyone may seal it"),
    ("stake", 2, "another node: the funder chooses"),
    ("time_out_challenger", 6, "only carries the program into the transaction, which an account left out does here"),
    ("time_out_defender", 11, "only carries the program into the transaction, which an account left out does here"),
    (
        "time_out_defender of a receipt",
        11,
        "only carries the program into the transaction, which an account left out does here",
    ),
    ("weigh_node", 2, "another node: anyone may have it weighed"),
    ("withdraw_budget", 4, "another account of the mint: the owner chooses"),
    ("withdraw_charge", 0, "a helper, because the destination is the payee's associated token account"),
    ("withdraw_charge", 5, "another account of the mint: the payee signs and chooses"),
    ("withdraw_credit", 0, "a helper, because the destination is the payee's associated token account"),
    ("withdraw_credit", 4, "another account of the mint: the payee signs and chooses"),
    ("withdraw_delegation", 0, "a helper, because the destination is the owner's associated token account"),
    ("withdraw_delegation", 7, "another account of the mint: the owner signs and chooses"),
    ("withdraw_delegation_reward", 0, "a helper, because the destination is the owner's associated token account"),
    ("withdraw_delegation_reward", 5, "another account of the mint: the owner signs and chooses"),
    ("withdraw_session_credit", 0, "a helper, because the destination is the payee's associated token account"),
    ("withdraw_session_credit", 4, "another account of the mint: the payee signs and chooses"),
    ("withdraw_stake", 5, "another account of the mint: the owner chooses"),
    ("withdraw_validator_stake", 5, "another account of the mint: the authority chooses"),
];

#[test]
fn no_account_can_be_replaced_by_another_where_it_matters() {
    let calls = every_call();
    let everything: BTreeSet<Pubkey> =
        calls.iter().flat_map(|call| &call.instruction.accounts).map(|meta| meta.pubkey).collect();
    let mut accepted = BTreeSet::new();
    for EveryCall { name, world, instruction } in calls {
        let keys: BTreeSet<Pubkey> = world.known_keys().collect();
        let owned = [assay::ID, TOKEN, TOKEN_2022].map(|program| world.svm.get_program_accounts(&program));
        let known: BTreeSet<Pubkey> = owned.iter().flatten().map(|account| account.0).chain(keys.clone()).collect();
        for (at, right) in instruction.accounts.iter().enumerate() {
            let mut branch = world.clone();
            for other in everything.union(&known).filter(|other| **other != right.pubkey) {
                if right.is_signer && !keys.contains(other) {
                    continue;
                }
                let mut replaced = instruction.clone();
                replaced.accounts[at].pubkey = *other;
                if branch.transact(&[replaced]).is_ok() {
                    accepted.insert((name, at));
                    branch = world.clone();
                }
            }
        }
    }
    let legitimate: BTreeSet<(&str, usize)> = LEGITIMATE.iter().map(|(name, at, _)| (*name, *at)).collect();
    assert_eq!(accepted, legitimate);
}
