//! What the chain remembers of its slots: hashes that nobody knew before.

use crate::fairness::seed::{find, Found};
use crate::units::Slot;
use anchor_lang::prelude::*;
use solana_get_sysvar::get_sysvar;
use solana_sdk_ids::sysvar::slot_hashes;

/// How many entries there are, then the entries, the newest first: the number of a slot, then its hash.
const ENTRIES_OFFSET: u64 = 8;
const ENTRY_BYTES: u64 = 40;
const HASH_OFFSET: u64 = 16;

/// The hash of the newest slot that the chain remembers.
///
/// An error where the chain remembers none, which no chain does after its first slot.
pub fn newest_slot_hash() -> Result<[u8; 32]> {
    let mut hash = [0; 32];
    get_sysvar(&mut hash, &slot_hashes::ID, HASH_OFFSET, 32)?;
    Ok(hash)
}

/// The hash of the first slot present at or after `wanted`. `SeedNotYet`, `SlotHashesUnreadable`.
pub fn seed_at(wanted: Slot) -> Result<Found> {
    let mut count = [0; 8];
    get_sysvar(&mut count, &slot_hashes::ID, 0, 8)?;
    Ok(find(wanted, u64::from_le_bytes(count), slot_hash)?)
}

fn slot_hash(index: u64) -> Option<(Slot, [u8; 32])> {
    let mut entry = [0; 40];
    let offset = index.checked_mul(ENTRY_BYTES)?.checked_add(ENTRIES_OFFSET)?;
    get_sysvar(&mut entry, &slot_hashes::ID, offset, ENTRY_BYTES).ok()?;
    let (slot, hash) = entry.split_first_chunk::<8>()?;
    Some((Slot(u64::from_le_bytes(*slot)), hash.try_into().ok()?))
}
