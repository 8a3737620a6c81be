//! Whatever bytes and accounts somebody sends, the program answers with an error and never aborts: no panic, no exhausted
//! heap, no exhausted budget.

use anchor_lang::error::ErrorCode;
use assay::instructions::{CreditRole, SetPaymentMintArgs};
use program_tests::terms::{parameters, terms};
use program_tests::{Node, Refusal, Why, World};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_sdk::instruction::{Instruction, InstructionError};

/// Damaged copies of each instruction that are sent.
const COPIES: usize = 120;

/// A world with jobs in several states, and one call of every instruction.
fn every_instruction() -> (World, Vec<(&'static str, Instruction)>) {
    let mut world = World::new();
    let (node, mint) = (world.node, world.mint);
    let (settled, missed) = (world.settled(), world.missed());
    let (committed, claimed, posted) = (world.committed(), world.claimed(), world.posted());
    world.accepts(&world.propose_authority(world.client));
    world.accepts(&world.request_withdrawal(&node, 10));
    let next = world.job_at(world.client, world.next_job_id(world.client), &mint);
    let post = assay::instructions::PostJobArgs { job_id: next.id, ..terms() };
    let owner = world.rich_key("new owner");
    let new_node = Node { address: assay::address::node(&owner, 0), owner, operator: owner };
    let unknown = world.create_mint("unknown mint", false);
    let rate = SetPaymentMintArgs { enabled: true, bond_numerator: 1, bond_denominator: 1 };
    let result = world.result(&claimed).args();
    let calls = vec![
        ("initialize_network", world.initialize_network(parameters()).instruction()),
        ("set_parameters", world.set_parameters(parameters()).instruction()),
        ("propose_authority", world.propose_authority(world.client).instruction()),
        ("accept_authority", world.accept_authority(world.client).instruction()),
        ("allow_payment_mint", world.allow_payment_mint(&unknown, 1, 1).instruction()),
        ("set_payment_mint", world.set_payment_mint(&mint, rate).instruction()),
        ("withdraw_fees", world.withdraw_fees(&mint, 1).instruction()),
        ("register_node", world.register_node(&new_node, 0, "http://a:1").instruction()),
        ("update_node", world.update_node(&node, node.operator, "http://a:1").instruction()),
        ("stake", world.stake(&node, node.owner, 1).instruction()),
        ("request_withdrawal", world.request_withdrawal(&node, 1).instruction()),
        ("cancel_withdrawal", world.cancel_withdrawal(&node, 0).instruction()),
        ("withdraw_stake", world.withdraw_stake(&node).instruction()),
        ("deregister_node", world.deregister_node(&node).instruction()),
        ("post_job", world.post_job(&next, post).instruction()),
        ("claim_job", world.claim_job(&node, &posted).instruction()),
        ("commit_result", world.commit_result(&node, &claimed, result).instruction()),
        ("finalise_job", world.finalise_job(&node, &committed).instruction()),
        ("cancel_job", world.cancel_job(&posted).instruction()),
        ("expire_job", world.expire_job(&posted).instruction()),
        ("expire_claim", world.expire_claim(&node, &claimed).instruction()),
        ("withdraw_credit", world.withdraw_credit(node.owner, &settled, CreditRole::Node).instruction()),
        ("withdraw_charge", world.withdraw_charge(missed.client, &missed).instruction()),
        ("sweep_fee", world.sweep_fee(&settled).instruction()),
        ("close_job", world.close_job(&settled).instruction()),
    ];
    assert_eq!(calls.len(), 25);
    (world, calls)
}

/// Fails if the program did not come to an answer of its own.
fn assert_answered(what: &str, instruction: &Instruction, refusal: &Refusal) {
    let aborted = matches!(
        refusal.why,
        Why::Runtime(InstructionError::ProgramFailedToComplete | InstructionError::ComputationalBudgetExceeded)
    );
    assert!(!aborted, "{what} aborted on {:?}: {:#?}", instruction.data, refusal.logs);
}

#[test]
fn damaged_arguments_are_answered_with_an_error() {
    let (world, calls) = every_instruction();
    let mut rng = StdRng::seed_from_u64(1);
    for (what, right) in calls {
        let mut world = world.clone();
        let mut refused = 0;
        for copy in 0..COPIES {
            let mut damaged = right.clone();
            let data = &mut damaged.data;
            match copy % 4 {
                0 => data.truncate(rng.random_range(0..data.len())),
                1 => data.extend((0..rng.random_range(1..64)).map(|_| rng.random::<u8>())),
                _ if data.len() > 8 => {
                    let from = rng.random_range(8..data.len());
                    let to = (from + *[1, 2, 4, 8, 32].get(copy % 5).unwrap_or(&1)).min(data.len());
                    let byte = *[0, 1, 0x7f, 0x80, 0xff].get(rng.random_range(0..5)).unwrap_or(&0);
                    data[from..to].fill(byte);
                }
                _ => data[rng.random_range(0..8)] ^= 0x10,
            }
            if let Err(refusal) = world.transact(std::slice::from_ref(&damaged)) {
                assert_answered(what, &damaged, &refusal);
                refused += 1;
            }
        }
        assert!(refused > COPIES / 8, "{what}: only {refused} copies were refused");
    }
}

/// Every pair of accounts swapped, every account replaced by every other, and every account left out.
#[test]
fn accounts_in_the_wrong_places_are_answered_with_an_error() {
    let (world, calls) = every_instruction();
    for (what, right) in calls {
        let mut world = world.clone();
        let count = right.accounts.len();
        let mut send = |damaged: Instruction| {
            if let Err(refusal) = world.transact(std::slice::from_ref(&damaged)) {
                assert_answered(what, &damaged, &refusal);
            }
        };
        for at in 0..count {
            let mut shorter = right.clone();
            shorter.accounts.truncate(at);
            send(shorter);
            for other in 0..count {
                let mut swapped = right.clone();
                let (one, two) = (right.accounts[at].pubkey, right.accounts[other].pubkey);
                swapped.accounts[at].pubkey = two;
                swapped.accounts[at].is_signer = right.accounts[other].is_signer;
                let mut replaced = swapped.clone();
                replaced.accounts[other].pubkey = two;
                swapped.accounts[other].pubkey = one;
                swapped.accounts[other].is_signer = right.accounts[at].is_signer;
                send(swapped);
                send(replaced);
            }
        }
    }
}

/// Lengths that claim more bytes than there are, or than the heap has.
#[test]
fn hostile_lengths_are_refused() {
    let (mut world, calls) = every_instruction();
    for (what, text) in [("register_node", "http://a:1"), ("update_node", "http://a:1"), ("post_job", "http://store")] {
        let right = &calls.iter().find(|call| call.0 == what).unwrap().1;
        let text_at = right.data.windows(text.len()).position(|bytes| bytes == text.as_bytes()).unwrap();
        for length in [1_025u32, 32 * 1_024, 1 << 20, u32::MAX] {
            let mut hostile = right.clone();
            hostile.data[text_at - 4..text_at].copy_from_slice(&length.to_le_bytes());
            let refusal = world.transact(std::slice::from_ref(&hostile)).expect_err(what);
            assert_eq!(refusal.why, ErrorCode::InstructionDidNotDeserialize.into(), "{what}: {:#?}", refusal.logs);
        }
    }
    let right = &calls.iter().find(|call| call.0 == "commit_result").unwrap().1;
    let count_at = 8 + 3 * 32;
    for count in [4u32, 1_000, 1 << 20, u32::MAX] {
        let mut hostile = right.clone();
        hostile.data[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
        let refusal = world.transact(std::slice::from_ref(&hostile)).expect_err("commit_result");
        assert_eq!(refusal.why, ErrorCode::InstructionDidNotDeserialize.into(), "{count}: {:#?}", refusal.logs);
    }
}

#[test]
fn unknown_instructions_are_refused() {
    let (mut world, calls) = every_instruction();
    for data in [vec![], vec![1], vec![0; 7], vec![0; 8], vec![0xff; 100]] {
        let unknown = Instruction { data, ..calls[0].1.clone() };
        let refusal = world.transact(&[unknown]).expect_err("an unknown instruction");
        assert_eq!(refusal.why, ErrorCode::InstructionFallbackNotFound.into());
    }
}
