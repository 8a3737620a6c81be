//! The newest slot hash: something that nobody knew before this slot.

use anchor_lang::prelude::*;
use solana_get_sysvar::get_sysvar;
use solana_sdk_ids::sysvar::slot_hashes;

/// How many entries there are, then the number of the newest slot, then its hash.
const HASH_OFFSET: u64 = 16;

/// The hash of the newest slot that the chain remembers.
///
/// An error where the chain remembers none, which no chain does after its first slot.
pub fn newest_slot_hash() -> Result<[u8; 32]> {
    let mut hash = [0; 32];
    get_sysvar(&mut hash, &slot_hashes::ID, HASH_OFFSET, 32)?;
    Ok(hash)
}
