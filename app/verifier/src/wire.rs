//! Reading requests and writing replies: little endian, without alignment.

use crate::failure::{Failure, REQUEST};
use referee::commit::Hash;

/// A cursor over a request.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(short)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Failure> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Failure> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Failure> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Failure> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, Failure> {
        self.array()
    }

    /// A count in one byte, and as many hashes.
    pub(crate) fn hashes(&mut self) -> Result<Vec<Hash>, Failure> {
        let count = self.u8()?;
        (0..count).map(|_| self.hash()).collect()
    }

    /// Values of the four symbols of a job.
    pub(crate) fn symbols(&mut self) -> Result<[u32; 4], Failure> {
        Ok([self.u32()?, self.u32()?, self.u32()?, self.u32()?])
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn finish(&self) -> Result<(), Failure> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let excess = self.rest.len();
        Err(Failure::new(REQUEST, format_args!("the request has {excess} bytes too many; encode it for this version")))
    }
}

fn short() -> Failure {
    Failure::new(REQUEST, "the request ends too early; encode it for this version")
}

/// The bytes of a result.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
