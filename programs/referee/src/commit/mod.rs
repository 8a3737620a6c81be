//! Commitments: domain-separated SHA-256, Merkle trees and the layout of tensors in leaves.
//!
//! Every hash starts with a tag byte, so that no value of one kind can be passed off as another:
//!
//! | tag | value |
//! |---|---|
//! | `0x00` | leaf: version, dtype, kind, index (u32), uid (8 bytes), data |
//! | `0x01` | node: left, right |
//! | `0x02` | the empty leaf that pads trees |
//! | `0x03` | tensor: uid, number of leaves, depth, root |
//! | `0x04` | segment: index, number of tensors, root |
//! | `0x05` | graph: IR version, number of descriptors, depth, root |
//! | `0x06` | result commitment: job, worker, boundary root |
//! | `0x07` | uid of a tensor: slot, dtype, kind, dims |
//! | `0x08` | list of tensors (params, inputs, boundary): role, count, depth, root |
//! | `0x09` | graph descriptor: kind, index, bytes |
//!
//! Integers are little endian.

mod empty;
mod hash;
mod layout;
mod multiproof;
mod shape;
mod tree;

pub use empty::EMPTY_NODES;
pub use hash::{
    DescriptorKind, EMPTY_LEAF, Hash, LAYOUT_VERSION, LeafHeader, ListRole, Uid, commitment, descriptor_hash,
    graph_hash, leaf_hash, list_root, node_hash, segment_hash, sha256, tensor_hash, tensor_uid,
};
pub use layout::{LEAF_BYTES, LeafAddress, TensorLayout};
pub use multiproof::{Node, Siblings, join, siblings_of};
pub use shape::TreeShape;
pub use tree::{depth_for, merkle_path, merkle_root, root_from_path};
