//! Whether the chain itself skipped so many slots that a time-out would be unfair.

/// What the SlotHashes sysvar holds before its entries: how many there are.
const COUNT_BYTES: usize = 8;
/// A slot and its hash.
const ENTRY_BYTES: usize = 40;

/// Whether more than 30 % of the slots between the oldest and the newest entry of `slot_hashes` are missing. The data are
/// those of the SlotHashes sysvar: a count (u64), then slot (u64) and hash (32 bytes), newest first.
///
/// Fewer than two entries, or data of another shape, say nothing about gaps.
pub fn too_many_slots_are_missing(slot_hashes: &[u8]) -> bool {
    missing_slots(slot_hashes).is_some_and(|(missing, span)| u128::from(missing) * 10 > u128::from(span) * 3)
}

/// How many slots are missing between the oldest and the newest entry, and how many there could be.
#[allow(clippy::arithmetic_side_effects, reason = "128 bits hold any product of a slot and 10")]
fn missing_slots(data: &[u8]) -> Option<(u64, u64)> {
    let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?));
    let (count, entries) = data.split_at_checked(COUNT_BYTES)?;
    let count = number(count)?;
    let last = usize::try_from(count).ok()?.checked_sub(1)?;
    let newest = number(entries)?;
    let oldest = number(entries.get(last.checked_mul(ENTRY_BYTES)?..)?)?;
    let span = newest.checked_sub(oldest)?.checked_add(1)?;
    Some((span.checked_sub(count)?, span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sysvar(slots: &[u64]) -> Vec<u8> {
        let mut data = (slots.len() as u64).to_le_bytes().to_vec();
        for slot in slots {
            data.extend(slot.to_le_bytes());
            data.extend([7; 32]);
        }
        data
    }

    #[test]
    fn exactly_thirty_percent_is_still_fair() {
        let newest_first =
            |missing: u64| -> Vec<u64> { (0..100).rev().filter(|at| *at == 0 || *at > missing).collect() };
        assert!(!too_many_slots_are_missing(&sysvar(&newest_first(0))));
        assert!(!too_many_slots_are_missing(&sysvar(&newest_first(30))));
        assert!(too_many_slots_are_missing(&sysvar(&newest_first(31))));
        assert!(too_many_slots_are_missing(&sysvar(&[u64::MAX - 1, 0])));
    }

    #[test]
    fn data_that_say_nothing_extend_nothing() {
        for data in [vec![], vec![1; 7], sysvar(&[]), sysvar(&[5]), sysvar(&[5, 9]), sysvar(&[5, 5, 5])] {
            assert!(!too_many_slots_are_missing(&data), "{data:?}");
        }
        let mut lying = sysvar(&[1_000, 1]);
        lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(!too_many_slots_are_missing(&lying));
        let whole = sysvar(&[1_000, 1]);
        assert!(!too_many_slots_are_missing(&whole[..whole.len() - 33]), "cut off");
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn any_bytes_are_answered(data in prop::collection::vec(any::<u8>(), 0..200)) {
            too_many_slots_are_missing(&data);
        }
    }
}
