//! Tensor bundles: the files in which params and inputs travel.
//!
//! All numbers are little endian:
//!
//! | bytes | content |
//! |---|---|
//! | 4 | magic `ASTB` |
//! | 2 | version, 1 |
//! | 2 | reserved, 0 |
//! | 4 | number of tensors |
//!
//! then for each tensor, in strictly increasing slot order:
//!
//! | bytes | content |
//! |---|---|
//! | 2 | slot |
//! | 8 | byte length |
//! | length | values: row-major, little endian, without padding |
//!
//! A bundle is canonical: one set of tensors has one encoding. It is read against a graph, which says what each slot
//! is and how long it must be, so that the exact size of a well-formed file is known before it is fetched
//! ([`bundle_bytes`]), and a hostile one can neither panic nor make the reader allocate more than the graph declares.

use crate::TensorSet;
use referee::graph::{ResolvedGraph, Slot, TensorKind};
use std::sync::Arc;

/// First bytes of a bundle.
pub const MAGIC: [u8; 4] = *b"ASTB";
/// Version of the format.
pub const VERSION: u16 = 1;

const HEADER_BYTES: usize = 12;
const ENTRY_HEADER_BYTES: usize = 10;

/// Why bytes are not the bundle that a graph asks for. Codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Other first bytes.
    #[error("M0201 not a tensor bundle: it does not begin with ASTB; give the file that was made for this graph")]
    Magic,
    /// A version that this reader does not know.
    #[error("M0202 tensor bundle of version {version}, this reader knows {VERSION}; encode it again")]
    Version {
        /// The version found.
        version: u16,
    },
    /// Fewer bytes than the header and the graph ask for.
    #[error("M0203 tensor bundle ends at byte {length}, {needed} bytes are needed; it was cut short, fetch it again")]
    Truncated {
        /// Bytes there are.
        length: usize,
        /// Bytes that were to be there at least.
        needed: usize,
    },
    /// Bytes after the last tensor.
    #[error("M0204 tensor bundle has {excess} bytes after its last tensor; encode it again")]
    Excess {
        /// How many.
        excess: usize,
    },
    /// Another number of tensors than the graph has.
    #[error("M0205 tensor bundle holds {given} tensors, the graph asks for {expected}; it belongs to another graph")]
    Count {
        /// Tensors of the graph.
        expected: usize,
        /// Tensors of the file.
        given: u32,
    },
    /// Another slot than the next one that the graph asks for.
    #[error("M0206 tensor bundle has slot {given} where slot {expected} belongs; it belongs to another graph")]
    Slot {
        /// The slot that belongs there.
        expected: Slot,
        /// The slot found.
        given: Slot,
    },
    /// A tensor of another length than its shape has.
    #[error("M0207 tensor {slot} has {given} bytes in the bundle, its shape has {expected}; check symbols and dtype")]
    Length {
        /// The tensor.
        slot: Slot,
        /// Bytes of its shape.
        expected: usize,
        /// Bytes that the file declares.
        given: u64,
    },
    /// Reserved bytes that are not 0.
    #[error("M0208 tensor bundle sets reserved bytes; encode it again with this version")]
    Reserved,
}

/// The one encoding of a set of tensors.
pub fn encode_bundle(tensors: &TensorSet) -> Vec<u8> {
    let values: usize = tensors.values().map(|bytes| bytes.len()).sum();
    let mut bundle = Vec::with_capacity(HEADER_BYTES + tensors.len() * ENTRY_HEADER_BYTES + values);
    bundle.extend_from_slice(&MAGIC);
    bundle.extend_from_slice(&VERSION.to_le_bytes());
    bundle.extend_from_slice(&[0; 2]);
    // Slots are 16 bits wide, so that the count is at most 65,536.
    bundle.extend_from_slice(&(tensors.len() as u32).to_le_bytes());
    for (slot, bytes) in tensors {
        bundle.extend_from_slice(&slot.to_le_bytes());
        bundle.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        bundle.extend_from_slice(bytes);
    }
    bundle
}

/// Bytes of the bundle of all tensors of one kind: of its params, or of its inputs at these symbol values.
pub fn bundle_bytes(graph: &ResolvedGraph, kind: TensorKind) -> u64 {
    slots_bytes(graph, &graph.slots_of(kind))
}

/// Bytes of the bundle of these tensors.
pub fn slots_bytes(graph: &ResolvedGraph, slots: &[Slot]) -> u64 {
    let entry = |slot: &Slot| ENTRY_HEADER_BYTES as u64 + expected_bytes(graph, *slot) as u64;
    slots.iter().map(entry).fold(HEADER_BYTES as u64, u64::saturating_add)
}

/// The params or the inputs of a graph: every tensor of the kind, and no other.
///
/// # Errors
/// `M0201` to `M0208`: the first place where `bytes` are not the bundle that the graph asks for.
pub fn decode_bundle(bytes: &[u8], graph: &ResolvedGraph, kind: TensorKind) -> Result<TensorSet, BundleError> {
    decode_slots(bytes, graph, &graph.slots_of(kind))
}

/// The bundle of exactly these tensors of a graph, given in increasing slot order.
///
/// # Errors
/// As [`decode_bundle`].
pub fn decode_slots(bytes: &[u8], graph: &ResolvedGraph, slots: &[Slot]) -> Result<TensorSet, BundleError> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.array::<4>().ok() != Some(MAGIC) {
        return Err(BundleError::Magic);
    }
    let version = u16::from_le_bytes(reader.array()?);
    if version != VERSION {
        return Err(BundleError::Version { version });
    }
    if reader.array::<2>()? != [0; 2] {
        return Err(BundleError::Reserved);
    }
    let given = u32::from_le_bytes(reader.array()?);
    if given as usize != slots.len() {
        return Err(BundleError::Count { expected: slots.len(), given });
    }
    let mut tensors = TensorSet::new();
    for expected in slots.iter().copied() {
        let given = Slot::from_le_bytes(reader.array()?);
        if given != expected {
            return Err(BundleError::Slot { expected, given });
        }
        let length = u64::from_le_bytes(reader.array()?);
        let needed = expected_bytes(graph, expected);
        if length != needed as u64 {
            return Err(BundleError::Length { slot: expected, expected: needed, given: length });
        }
        tensors.insert(expected, Arc::from(reader.take(needed)?));
    }
    match bytes.len() - reader.at {
        0 => Ok(tensors),
        excess => Err(BundleError::Excess { excess }),
    }
}

fn expected_bytes(graph: &ResolvedGraph, slot: Slot) -> usize {
    graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BundleError> {
        let needed = self.at.saturating_add(length);
        let taken =
            self.bytes.get(self.at..needed).ok_or(BundleError::Truncated { length: self.bytes.len(), needed })?;
        self.at = needed;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BundleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}
