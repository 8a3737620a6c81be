//! A buffer: bytes too long for a transaction, written in pieces.

use super::{check_invariant, check_version};
use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// The head of a buffer; its bytes follow in the same account.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct Buffer {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Who opened it, writes it and gets its rent back.
    pub owner: Pubkey,
    /// The owner's number for it.
    pub id: u64,
    /// The demand that it answers; the zero key if none. While there is one, the buffer is frozen.
    pub held_by: Pubkey,
}

impl Buffer {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Where the bytes begin in the account's data.
    pub const BYTES_OFFSET: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Most bytes of one buffer.
    pub const MAXIMUM_BYTES: u32 = 32 * 1_024;
    /// Most that the whole account grows in one instruction.
    pub const MAXIMUM_STEP_BYTES: usize = 10_240;
    /// Offset of `owner` in the account's data, for filters.
    pub const OWNER_OFFSET: usize = 10;

    /// Size of the account's data with `bytes` bytes in it.
    pub const fn space(bytes: u32) -> usize {
        Self::BYTES_OFFSET.saturating_add(bytes as usize)
    }

    /// `BufferLengthInvalid` unless an account of `present` bytes of data may grow to hold `bytes`.
    pub fn check_growth(present: usize, bytes: u32) -> Checked {
        let growth = Self::space(bytes).checked_sub(present);
        if bytes <= Self::MAXIMUM_BYTES && growth.is_some_and(|growth| growth <= Self::MAXIMUM_STEP_BYTES) {
            Ok(())
        } else {
            Err(AssayError::BufferLengthInvalid)
        }
    }

    /// Size of the data of a new account that holds `bytes` bytes. `BufferLengthInvalid` beyond one step.
    pub fn first_space(bytes: u32) -> Checked<usize> {
        Self::check_growth(0, bytes)?;
        Ok(Self::space(bytes))
    }

    /// `BufferHeld` while a demand reads it.
    pub fn check_free(&self) -> Checked {
        if self.held_by == Pubkey::default() {
            Ok(())
        } else {
            Err(AssayError::BufferHeld)
        }
    }

    /// The bytes in the data of a buffer's account.
    pub fn bytes_of(data: &[u8]) -> Checked<&[u8]> {
        data.get(Self::BYTES_OFFSET..).ok_or(AssayError::InvariantBroken)
    }

    /// Where `length` bytes at `offset` lie in account data of `present` bytes. `BufferRangeInvalid` beyond their end.
    pub fn range(present: usize, offset: u32, length: usize) -> Checked<core::ops::Range<usize>> {
        let start = usize::try_from(offset).ok().and_then(|offset| Self::BYTES_OFFSET.checked_add(offset));
        let range = start.and_then(|start| Some(start..start.checked_add(length)?));
        range.filter(|range| range.end <= present).ok_or(AssayError::BufferRangeInvalid)
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.owner != Pubkey::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_in_steps_to_a_bound() {
        let invalid = Err(AssayError::BufferLengthInvalid);
        let most_at_once = (Buffer::MAXIMUM_STEP_BYTES - Buffer::BYTES_OFFSET) as u32;
        assert_eq!(Buffer::check_growth(0, most_at_once), Ok(()));
        assert_eq!(Buffer::check_growth(0, most_at_once + 1), invalid);
        assert_eq!(Buffer::check_growth(Buffer::space(100), 100), Ok(()));
        assert_eq!(Buffer::check_growth(Buffer::space(100), 99), invalid, "shrinks");
        assert_eq!(Buffer::check_growth(Buffer::space(100), 10_340), Ok(()));
        assert_eq!(Buffer::check_growth(Buffer::space(100), 10_341), invalid);
        assert_eq!(Buffer::check_growth(Buffer::space(32_000), 32_768), Ok(()));
        assert_eq!(Buffer::check_growth(Buffer::space(32_000), 32_769), invalid);
        assert_eq!(Buffer::check_growth(0, u32::MAX), invalid);
    }

    #[test]
    fn writes_stay_inside() {
        let present = Buffer::space(10);
        assert_eq!(Buffer::range(present, 0, 10), Ok(Buffer::BYTES_OFFSET..present));
        assert_eq!(Buffer::range(present, 10, 0), Ok(present..present));
        for (offset, length) in [(1, 10), (11, 0), (u32::MAX, 1), (0, usize::MAX)] {
            assert_eq!(
                Buffer::range(present, offset, length),
                Err(AssayError::BufferRangeInvalid),
                "{offset} {length}"
            );
        }
    }
}
