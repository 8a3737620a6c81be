//! Canonical byte encoding: one graph, one string of bytes.
//!
//! All integers are little endian. `encode` gives the magic and then the parts of the graph one after another:
//! header, tensors, programs, ops. Every part delimits itself, so that each can be opened alone under the graph's
//! root. `decode` accepts exactly what `encode` gives: bounds are checked before anything is allocated, memory grows
//! with the bytes that are really there, and not one byte may be left over.
//!
//! The layout is listed byte by byte in `SPECIFICATION.md`.

mod instruction;
mod reader;
mod writer;

use super::error::DecodeError;
use super::placement::Placement;
use super::types::{Graph, Op, Slot, Symbol, Tensor};
use super::{MAX_OPS, MAX_PROGRAMS, MAX_TENSORS, Program};
use alloc::vec::Vec;
use reader::Reader;

pub use instruction::{opcode_name, word_of};
pub(super) use writer::{header_bytes, op_bytes, program_bytes, tensor_bytes};

/// First bytes of an encoded graph.
pub const MAGIC: [u8; 4] = *b"ASIR";
/// Most bytes of an encoded graph.
pub const MAX_GRAPH_BYTES: usize = 4 << 20;

/// First descriptor of a graph: all that is not a tensor, a program or an op.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Version of semantics and encoding.
    pub ir_version: u16,
    /// Symbols with their bounds.
    pub symbols: Vec<Symbol>,
    /// Number of tensor descriptors.
    pub tensors: u16,
    /// Number of program descriptors.
    pub programs: u16,
    /// Number of op descriptors.
    pub ops: u16,
    /// Index of the first op of each segment but the first.
    pub cuts: Vec<u16>,
    /// Slots of the results.
    pub outputs: Vec<Slot>,
}

impl Header {
    /// Number of descriptors of the graph, this one included.
    pub fn descriptors(&self) -> u32 {
        self.counts().descriptors()
    }

    /// The counts alone.
    pub fn counts(&self) -> HeaderCounts {
        let Self { ir_version, tensors, programs, ops, .. } = *self;
        HeaderCounts { ir_version, symbols: self.symbols.len(), tensors, programs, ops }
    }

    /// Reads a header descriptor.
    ///
    /// # Errors
    /// Bytes that no encoder writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        whole(bytes, Reader::header)
    }
}

/// What opening other descriptors needs of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeaderCounts {
    /// Version of semantics and encoding.
    pub ir_version: u16,
    /// Number of symbols.
    pub symbols: usize,
    /// Number of tensor descriptors.
    pub tensors: u16,
    /// Number of program descriptors.
    pub programs: u16,
    /// Number of op descriptors.
    pub ops: u16,
}

impl HeaderCounts {
    /// Number of descriptors of the graph, the header included.
    pub fn descriptors(&self) -> u32 {
        1 + u32::from(self.tensors) + u32::from(self.programs) + u32::from(self.ops)
    }

    /// Reads the counts at the front of a header descriptor; cuts and outputs, which follow, are not looked at.
    ///
    /// # Errors
    /// Bytes that no encoder writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Reader::new(bytes).header_counts().map(|(counts, _)| counts)
    }
}

/// Reads a tensor as it is encoded in a graph.
///
/// # Errors
/// Bytes that no encoder writes.
pub fn decode_tensor(bytes: &[u8]) -> Result<Tensor, DecodeError> {
    whole(bytes, Reader::tensor)
}

/// Reads a tensor descriptor: a tensor and its placement.
///
/// # Errors
/// Bytes that no encoder writes.
pub fn decode_placed_tensor(bytes: &[u8]) -> Result<(Tensor, Placement), DecodeError> {
    let (tensor, placement) = bytes
        .split_last_chunk::<{ Placement::BYTES }>()
        .ok_or(DecodeError { offset: bytes.len(), reason: "the bytes end too early" })?;
    Ok((decode_tensor(tensor)?, Placement::from_bytes(placement)))
}

/// Reads a program descriptor.
///
/// # Errors
/// Bytes that no encoder writes.
pub fn decode_program(bytes: &[u8]) -> Result<Program, DecodeError> {
    whole(bytes, Reader::program)
}

/// Reads an op descriptor.
///
/// # Errors
/// Bytes that no encoder writes.
pub fn decode_op(bytes: &[u8]) -> Result<Op, DecodeError> {
    whole(bytes, Reader::op)
}

fn whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

impl Graph {
    /// The canonical bytes.
    ///
    /// A graph that breaks the bounds of this crate (more of something than the `MAX_*` constants allow, a register
    /// beyond 15) encodes to bytes that [`decode`](Self::decode) or [`check`](Self::check) refuses.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for descriptor in self.encoded_parts() {
            bytes.extend_from_slice(&descriptor.bytes);
        }
        bytes
    }

    /// The graph that these bytes encode. It is well-formed but not checked: see [`check`](Self::check) and
    /// [`resolve`](Self::resolve).
    ///
    /// # Errors
    /// Anything but the canonical encoding of a graph of this version, with the offset of the byte at fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_GRAPH_BYTES {
            return Err(DecodeError { offset: MAX_GRAPH_BYTES, reason: "longer than 4 MiB" });
        }
        let mut reader = Reader::new(bytes);
        reader.magic()?;
        let header = reader.header()?;
        let tensors = reader.list(usize::from(header.tensors), MAX_TENSORS, 3, Reader::tensor)?;
        let programs = reader.list(usize::from(header.programs), MAX_PROGRAMS, 2, Reader::program)?;
        let ops = reader.list(usize::from(header.ops), MAX_OPS, 9, Reader::op)?;
        reader.finish()?;
        Ok(Self { symbols: header.symbols, tensors, programs, ops, cuts: header.cuts, outputs: header.outputs })
    }
}
