//! Accounts of the program as an endpoint gives them: what is read as any kind is written as the same bytes, and a history is told of
//! any two states of it.
//!
//! The first two bytes say where the second state begins.
#![no_main]

use assay_chain::chain::RawAccount;
use assay_chain::follower::AccountKind;
use assay_chain::fuzzing::read_as_every_kind;
use assay_index::fold::{changes, closed, job_of, kind_of};
use libfuzzer_sys::fuzz_target;
use solana_sdk::pubkey::Pubkey;

fuzz_target!(|input: &[u8]| {
    let Some((&[low, high], data)) = input.split_first_chunk::<2>() else { return };
    let (first, second) = data.split_at(usize::from(u16::from_le_bytes([low, high])).min(data.len()));
    assert!(read_as_every_kind(first) <= 1, "an account of two kinds");
    for kind in AccountKind::ALL {
        let read = |data: &[u8]| {
            let account = RawAccount { owner: assay::ID, lamports: 1, data: data.to_vec(), executable: false };
            kind.decode(&Pubkey::default(), &account).ok()
        };
        let Some(before) = read(first) else { continue };
        let after = read(second).unwrap_or_else(|| before.clone());
        let _ = (kind_of(kind), job_of(&before));
        for slot in [0, 1_000, u64::MAX] {
            let told = [changes(None, &before, slot), changes(Some(&before), &after, slot), vec![closed(&after, slot)]];
            for folded in told.concat() {
                let text = serde_json::to_string(&folded.change).expect("what happened is written");
                assert_eq!(
                    serde_json::from_str::<assay_index::shape::Change>(&text).expect("just written"),
                    folded.change
                );
            }
        }
    }
});
