//! The slot hash that decides about a job: that of the first slot present at or after a slot that was fixed when the job was
//! posted.
//!
//! Nobody knows it when the job is posted, and it is the same whoever records it and when: clients and nodes have nothing to
//! choose. The leader of that slot can leave its block out, at the price of the block, and so choose between two seeds; a
//! job is not worth a block.
//!
//! The chain remembers 512 slots. Where nobody recorded the hash while it did, the job is open to all.

use super::error::{FairnessError, Ruled};
use crate::units::Slot;
use referee::commit::Hash;

/// Slots that the SlotHashes sysvar remembers.
pub const REMEMBERED_SLOTS: u64 = 512;

/// What became of the search for a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The hash that decides, and its slot.
    Seed {
        /// The first slot present at or after the wanted one.
        slot: Slot,
        /// Its hash.
        hash: Hash,
    },
    /// Which slot was the first is no longer known.
    Forgotten,
}

/// Looks for the first slot present at or after `wanted` among `count` entries, the newest first; `entry` reads one of them.
/// Reads at most twelve.
///
/// `SeedNotYet` where no entry is so late, `SlotHashesUnreadable` where an entry is missing or there are none.
pub fn find(wanted: Slot, count: u64, mut entry: impl FnMut(u64) -> Option<(Slot, Hash)>) -> Ruled<Found> {
    let mut read = |index| entry(index).ok_or(FairnessError::SlotHashesUnreadable);
    let last = count.checked_sub(1).ok_or(FairnessError::SlotHashesUnreadable)?;
    if read(0)?.0 < wanted {
        return Err(FairnessError::SeedNotYet);
    }
    let (oldest, hash) = read(last)?;
    if oldest >= wanted {
        // With fewer entries than the chain remembers, nothing has been forgotten.
        let known = oldest == wanted || count < REMEMBERED_SLOTS;
        return Ok(if known { Found::Seed { slot: oldest, hash } } else { Found::Forgotten });
    }
    // Entry `late` is at or after the wanted slot, entry `early` before it.
    let (mut late, mut early) = (0, last);
    while early.saturating_sub(late) > 1 {
        let middle = late.midpoint(early);
        if read(middle)?.0 >= wanted {
            late = middle;
        } else {
            early = middle;
        }
    }
    let (slot, hash) = read(late)?;
    Ok(Found::Seed { slot, hash })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(slot: u64) -> Hash {
        referee::commit::sha256(&[&slot.to_le_bytes()])
    }

    fn look(wanted: u64, newest_first: &[u64]) -> (Ruled<Found>, usize) {
        let mut reads = 0;
        let found = find(Slot(wanted), newest_first.len() as u64, |index| {
            reads += 1;
            newest_first.get(index as usize).map(|slot| (Slot(*slot), hash(*slot)))
        });
        (found, reads)
    }

    fn seed(slot: u64) -> Ruled<Found> {
        Ok(Found::Seed { slot: Slot(slot), hash: hash(slot) })
    }

    #[test]
    fn skipped_slots_are_passed_over() {
        let slots = [20, 19, 15, 14, 10];
        for (wanted, found) in [(20, 20), (19, 19), (18, 19), (16, 19), (15, 15), (14, 14), (11, 14), (10, 10), (3, 10)]
        {
            assert_eq!(look(wanted, &slots).0, seed(found), "{wanted}");
        }
        assert_eq!(look(21, &slots).0, Err(FairnessError::SeedNotYet));
    }

    #[test]
    fn what_the_chain_forgot_is_not_guessed() {
        let full: Vec<u64> = (1_000..1_512).rev().collect();
        assert_eq!(look(1_000, &full).0, seed(1_000));
        assert_eq!(look(999, &full).0, Ok(Found::Forgotten), "slot 999 may have been there");
        assert_eq!(look(1_511, &full).0, seed(1_511));
        assert_eq!(look(999, &full[..511]).0, seed(1_001), "a young chain has forgotten nothing");
    }

    #[test]
    fn entries_that_are_not_there_are_an_error() {
        let unreadable = Err(FairnessError::SlotHashesUnreadable);
        assert_eq!(look(5, &[]).0, unreadable);
        assert_eq!(find(Slot(5), 3, |index| (index == 0).then_some((Slot(9), [0; 32]))), unreadable);
        assert_eq!(find(Slot(5), u64::MAX, |_| None), unreadable);
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Whoever looks, and however much later, finds the same, or that it is forgotten.
        #[test]
        fn there_is_one_seed(gaps in prop::collection::vec(1u64..4, 600..1_300), wanted in 100u64..700, later in 0usize..600) {
            let slots: Vec<u64> = gaps.iter().scan(100, |at, gap| { *at += gap; Some(*at) }).collect();
            let truth = *slots.iter().find(|slot| **slot >= wanted).unwrap();
            let seen = |until: usize| -> Vec<u64> { slots[until.saturating_sub(512)..until].iter().rev().copied().collect() };
            let at = slots.iter().position(|slot| *slot == truth).unwrap();
            let (first, _) = look(wanted, &seen((at + 1).max(2)));
            prop_assert_eq!(first, seed(truth));
            let (second, reads) = look(wanted, &seen((at + 1 + later).clamp(2, slots.len())));
            prop_assert!(second == seed(truth) || second == Ok(Found::Forgotten));
            prop_assert!(later > 500 || second == seed(truth), "remembered for 512 slots");
            prop_assert!(reads <= 12, "{reads} entries were read");
        }
    }
}
