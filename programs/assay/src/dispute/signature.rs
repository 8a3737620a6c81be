//! The proof that a transaction carries a signature: of segment roots and receipts by an operator, of vouchers by a client.
//!
//! This is the only place of the program where a signature is looked at. The ed25519 program verifies; here it is proved that
//! it verified exactly this message of exactly this key: the instruction before the present one is of the ed25519 program,
//! holds one signature, takes everything from its own data, and key and message are equal byte for byte.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;
use referee::commit::Hash;

/// The sysvar that shows a program the transaction that it runs in.
pub const INSTRUCTIONS_SYSVAR: Pubkey = pubkey!("Sysvar1nstructions1111111111111111111111111");
/// The program that verifies ed25519 signatures.
pub const ED25519_PROGRAM: Pubkey = pubkey!("Ed25519SigVerify111111111111111111111111111");
/// The sysvar that lists the slots that had a block.
pub const SLOT_HASHES_SYSVAR: Pubkey = pubkey!("SysvarS1otHashes111111111111111111111111111");

/// Starts every message, so that no transaction and no other protocol's message can be taken for one.
pub const SEGMENT_MESSAGE_PREFIX: &[u8; 16] = b"\xffassay/segment/1";
/// Length of a message.
pub const SEGMENT_MESSAGE_BYTES: usize = 16 + 4 * 32 + 2 + 2 + 32;

/// What a signed segment root is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentStatement {
    /// Tells one cluster from another.
    pub genesis_hash: Hash,
    /// The job.
    pub job: Pubkey,
    /// The commitment that the segment belongs to.
    pub commitment: Hash,
    /// Number of the segment.
    pub segment: u16,
    /// Version of the graph language.
    pub ir_version: u16,
    /// The outer hash of the segment's tree, as `referee::commit::segment_hash` gives it.
    pub root: Hash,
}

impl SegmentStatement {
    /// The message that the operator signs.
    pub fn message(&self) -> [u8; SEGMENT_MESSAGE_BYTES] {
        let mut message = [0; SEGMENT_MESSAGE_BYTES];
        let (segment, version) = (self.segment.to_le_bytes(), self.ir_version.to_le_bytes());
        let parts: [&[u8]; 8] = [
            SEGMENT_MESSAGE_PREFIX,
            &self.genesis_hash,
            crate::ID_CONST.as_array(),
            self.job.as_array(),
            &self.commitment,
            &segment,
            &version,
            &self.root,
        ];
        let mut rest = &mut message[..];
        for part in parts {
            if let Some((place, after)) = core::mem::take(&mut rest).split_at_mut_checked(part.len()) {
                place.copy_from_slice(part);
                rest = after;
            }
        }
        message
    }
}

/// Checks that the instruction before the present one verified a signature of `key` over `message`. `sysvar` are the data of
/// the instructions sysvar, whose address the caller has checked.
///
/// `SignatureMissing` or, when there is one over something else, `SignatureInvalid`.
pub fn check_signed(sysvar: &[u8], key: &Pubkey, message: &[u8]) -> Checked {
    if signed_by(sysvar, key)? == message {
        Ok(())
    } else {
        Err(AssayError::SignatureInvalid)
    }
}

/// The message over which the instruction before the present one verified a signature of `key`: for messages too long to stand
/// in a transaction twice. `sysvar` as for [`check_signed`], with the same errors.
pub fn signed_by<'a>(sysvar: &'a [u8], key: &Pubkey) -> Checked<&'a [u8]> {
    let verifier = previous_instruction(sysvar).ok_or(AssayError::SignatureMissing)?;
    if verifier.program != ED25519_PROGRAM.as_array() {
        return Err(AssayError::SignatureMissing);
    }
    let signed = signed_by_one(verifier).ok_or(AssayError::SignatureInvalid)?;
    if signed.key == key.as_array() {
        Ok(signed.message)
    } else {
        Err(AssayError::SignatureInvalid)
    }
}

/// An instruction of the transaction.
#[derive(Clone, Copy)]
struct Shown<'a> {
    index: u16,
    program: &'a [u8],
    data: &'a [u8],
}

/// What the ed25519 program verified.
struct Signed<'a> {
    key: &'a [u8],
    message: &'a [u8],
}

/// The sysvar: a count (u16) and the offset (u16) of each instruction; at the end, the index of the present one (u16). An
/// instruction: a count of accounts (u16), 33 bytes each, the program (32 bytes), the length of its data (u16), the data.
fn previous_instruction(sysvar: &[u8]) -> Option<Shown<'_>> {
    const ACCOUNT_BYTES: usize = 33;
    let present = u16_at(sysvar, sysvar.len().checked_sub(2)?)?;
    let index = present.checked_sub(1)?;
    if index >= u16_at(sysvar, 0)? {
        return None;
    }
    let offset = u16_at(sysvar, usize::from(index).checked_mul(2)?.checked_add(2)?)?;
    let instruction = sysvar.get(usize::from(offset)..)?;
    let accounts = usize::from(u16_at(instruction, 0)?).checked_mul(ACCOUNT_BYTES)?;
    let (program, rest) = instruction.get(accounts.checked_add(2)?..)?.split_at_checked(32)?;
    let length = u16_at(rest, 0)?;
    let data = rest.get(2..)?.get(..usize::from(length))?;
    Some(Shown { index, program, data })
}

/// The data: a count (u8) and a spare byte; then, for each signature, seven u16: offset and instruction of the signature,
/// offset and instruction of the key, offset, length and instruction of the message. An instruction of `u16::MAX` is the
/// verifying one itself.
fn signed_by_one(verifier: Shown<'_>) -> Option<Signed<'_>> {
    let data = verifier.data;
    let own = |index: u16| index == u16::MAX || index == verifier.index;
    let all_own = [4, 8, 14].into_iter().all(|at| u16_at(data, at).is_some_and(own));
    if data.first() != Some(&1) || !all_own {
        return None;
    }
    let part = |offset: u16, length: usize| data.get(usize::from(offset)..)?.get(..length);
    Some(Signed { key: part(u16_at(data, 6)?, 32)?, message: part(u16_at(data, 10)?, usize::from(u16_at(data, 12)?))? })
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let bytes = bytes.get(offset..)?.first_chunk::<2>()?;
    Some(u16::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
