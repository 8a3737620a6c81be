//! The tagged hashes. The tags are listed in the parent module.

use crate::graph::{Dtype, TensorKind};
use alloc::vec::Vec;
use solana_sha256_hasher::hashv;

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Eight bytes that bind a tensor's slot, element type, kind and resolved shape.
pub type Uid = [u8; 8];

/// Version of the leaf layout, hashed into every leaf.
pub const LAYOUT_VERSION: u8 = 1;

const TAG_LEAF: u8 = 0x00;
const TAG_NODE: u8 = 0x01;
const TAG_TENSOR: u8 = 0x03;
const TAG_SEGMENT: u8 = 0x04;
const TAG_GRAPH: u8 = 0x05;
const TAG_COMMITMENT: u8 = 0x06;
const TAG_UID: u8 = 0x07;
const TAG_LIST: u8 = 0x08;
const TAG_DESCRIPTOR: u8 = 0x09;

/// `SHA-256(0x02)`: the leaf that pads a tree to a power of two.
pub const EMPTY_LEAF: Hash = [
    0xdb, 0xc1, 0xb4, 0xc9, 0x00, 0xff, 0xe4, 0x8d, 0x57, 0x5b, 0x5d, 0xa5, 0xc6, 0x38, 0x04, 0x01, 0x25, 0xf6, 0x5d,
    0xb0, 0xfe, 0x3e, 0x24, 0x49, 0x4b, 0x76, 0xea, 0x98, 0x64, 0x57, 0xd9, 0x86,
];

/// SHA-256 of the concatenation of `parts`.
#[inline]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    hashv(parts).to_bytes()
}

/// What precedes the data in a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafHeader {
    /// Element type of the tensor.
    pub dtype: Dtype,
    /// Where the tensor comes from.
    pub kind: TensorKind,
    /// Position of the leaf in the padded tree of its tensor.
    pub index: u32,
    /// The tensor's uid.
    pub uid: Uid,
}

impl LeafHeader {
    /// The bytes hashed before the data, tag included.
    #[inline]
    pub fn to_bytes(&self) -> [u8; 16] {
        let mut bytes = [0u8; 16];
        bytes[0] = TAG_LEAF;
        bytes[1] = LAYOUT_VERSION;
        bytes[2] = self.dtype as u8;
        bytes[3] = self.kind as u8;
        bytes[4..8].copy_from_slice(&self.index.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.uid);
        bytes
    }
}

/// Hash of one leaf: its header and its data (at most [`LEAF_BYTES`](super::LEAF_BYTES) bytes, never padded).
#[inline]
pub fn leaf_hash(header: &LeafHeader, data: &[u8]) -> Hash {
    sha256(&[&header.to_bytes(), data])
}

/// Hash of an inner node.
#[inline]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[TAG_NODE], left, right])
}

/// Hash of a whole tensor: what segment trees, boundary trees and pinned roots are made of.
///
/// `leaves` counts the leaves that hold data; `depth` is the length of every path. Both follow from the shape.
pub fn tensor_hash(uid: &Uid, leaves: u32, depth: u8, root: &Hash) -> Hash {
    sha256(&[&[TAG_TENSOR], uid, &leaves.to_le_bytes(), &[depth], root])
}

/// Hash of the trace of one segment: all tensors that it produces, in (op, output) order.
pub fn segment_hash(index: u32, tensors: u32, root: &Hash) -> Hash {
    sha256(&[&[TAG_SEGMENT], &index.to_le_bytes(), &tensors.to_le_bytes(), root])
}

/// What a list of tensors stands for; the role separates the three roots of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ListRole {
    /// Weights, biases, multipliers and tables, in slot order.
    Params = 0,
    /// The inputs of one job, in slot order.
    Inputs = 1,
    /// What a result commits to: tensors that a later segment reads, and outputs, in producer order.
    Boundary = 2,
}

/// Root of a list of tensor hashes, from the Merkle root over them (padded with [`EMPTY_LEAF`]).
pub fn list_root(role: ListRole, count: u32, merkle_root: &Hash) -> Hash {
    sha256(&[&[TAG_LIST, role as u8], &count.to_le_bytes(), &[super::depth_for(count)], merkle_root])
}

/// A worker's commitment to the result of a job. The worker's key is hashed in, so that copying it is useless.
pub fn commitment(job: &[u8; 32], worker: &[u8; 32], boundary_root: &Hash) -> Hash {
    sha256(&[&[TAG_COMMITMENT], job, worker, boundary_root])
}

/// The uid of a tensor at its resolved shape. It does not bind the job: honest traces of two jobs compare equal.
pub fn tensor_uid(slot: u16, dtype: Dtype, kind: TensorKind, dims: &[u32]) -> Uid {
    let mut bytes = Vec::with_capacity(6 + 4 * dims.len());
    bytes.push(TAG_UID);
    bytes.extend_from_slice(&slot.to_le_bytes());
    bytes.push(dtype as u8);
    bytes.push(kind as u8);
    bytes.push(dims.len() as u8);
    for dim in dims {
        bytes.extend_from_slice(&dim.to_le_bytes());
    }
    let digest = sha256(&[&bytes]);
    let mut uid = [0u8; 8];
    uid.copy_from_slice(&digest[..8]);
    uid
}

/// Which part of a graph a descriptor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DescriptorKind {
    /// Version, symbols, counts, cuts and outputs.
    Header = 0,
    /// One tensor.
    Tensor = 1,
    /// One program.
    Program = 2,
    /// One op.
    Op = 3,
}

/// Hash of one descriptor of a graph; `index` counts within its kind.
pub fn descriptor_hash(kind: DescriptorKind, index: u32, bytes: &[u8]) -> Hash {
    sha256(&[&[TAG_DESCRIPTOR, kind as u8], &index.to_le_bytes(), bytes])
}

/// Root of a graph, from the Merkle root over its descriptors (header, tensors, programs, ops).
pub fn graph_hash(ir_version: u16, descriptors: u32, merkle_root: &Hash) -> Hash {
    sha256(&[
        &[TAG_GRAPH],
        &ir_version.to_le_bytes(),
        &descriptors.to_le_bytes(),
        &[super::depth_for(descriptors)],
        merkle_root,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_leaf_is_the_hash_of_its_tag() {
        assert_eq!(EMPTY_LEAF, sha256(&[&[0x02]]));
    }
}
