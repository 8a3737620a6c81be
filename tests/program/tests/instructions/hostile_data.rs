//! Whatever bytes and accounts somebody sends, the program answers with an error and never aborts: no panic, no exhausted
//! heap, no exhausted budget.

use crate::every_call::{EveryCall, every_call};
use anchor_lang::error::ErrorCode;
use program_tests::{Refusal, Why, World};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_sdk::instruction::{Instruction, InstructionError};

/// Damaged copies of each instruction that are sent.
const COPIES: usize = 120;

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
    let mut rng = StdRng::seed_from_u64(1);
    for EveryCall { name: what, mut world, instruction: right } in every_call() {
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
    for EveryCall { name: what, mut world, instruction: right } in every_call() {
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
    let mut calls = every_call();
    let mut find = |name| calls.swap_remove(calls.iter().position(|call| call.name == name).unwrap());
    for (what, text) in [
        ("register_node", "http://a:1"),
        ("update_node", "http://a:1"),
        ("post_job", "http://store"),
        ("open_session", "http://store"),
        ("amend_receipt", "http://store"),
    ] {
        let EveryCall { mut world, instruction: right, .. } = find(what);
        let text_at = right.data.windows(text.len()).position(|bytes| bytes == text.as_bytes()).unwrap();
        for length in [1_025u32, 32 * 1_024, 1 << 20, u32::MAX] {
            let mut hostile = right.clone();
            hostile.data[text_at - 4..text_at].copy_from_slice(&length.to_le_bytes());
            let refusal = world.transact(std::slice::from_ref(&hostile)).expect_err(what);
            assert_eq!(refusal.why, ErrorCode::InstructionDidNotDeserialize.into(), "{what}: {:#?}", refusal.logs);
        }
    }
    let EveryCall { mut world, instruction: right, .. } = find("commit_result");
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
    let mut world = World::new();
    let known = world.propose_authority(world.client).instruction();
    for data in [vec![], vec![1], vec![0; 7], vec![0; 8], vec![0xff; 100]] {
        let unknown = Instruction { data, ..known.clone() };
        let refusal = world.transact(&[unknown]).expect_err("an unknown instruction");
        assert_eq!(refusal.why, ErrorCode::InstructionFallbackNotFound.into());
    }
}
