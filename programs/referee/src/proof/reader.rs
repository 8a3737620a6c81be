//! A cursor over the bytes of a proof, which it never copies.

use super::Rejection;
use crate::commit::{Hash, Siblings};

/// Every read either advances or rejects.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Rejection> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Rejection::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    #[inline]
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Rejection> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Rejection::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, Rejection> {
        self.array().map(|bytes| u8::from_le_bytes(*bytes))
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, Rejection> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Rejection> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(super) fn hash(&mut self) -> Result<&'a Hash, Rejection> {
        self.array()
    }

    /// A count of at most `most`.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, Rejection> {
        let count = usize::from(self.u8()?);
        if count > most { Err(Rejection::TooMany) } else { Ok(count) }
    }

    pub(super) fn siblings(&mut self, count: usize) -> Result<Siblings<'a>, Rejection> {
        Siblings::new(self.bytes(count.saturating_mul(32))?).ok_or(Rejection::Truncated)
    }

    pub(super) fn finish(&self) -> Result<(), Rejection> {
        if self.rest.is_empty() { Ok(()) } else { Err(Rejection::TrailingBytes) }
    }
}
