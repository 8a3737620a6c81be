//! How the elements of a tensor lie in leaves.
//!
//! Commitments hold logical rows only: strides and padding are a backend's own affair. A *row* is the innermost axis,
//! `row_bytes` long.
//!
//! * `row_bytes <= 512`: a leaf holds `512 / row_bytes` whole rows; the last leaf may hold fewer.
//! * `row_bytes > 512`: a row spans `ceil(row_bytes / 512)` leaves and is its own subtree, padded to a power of two
//!   with the empty leaf, so that one path opens a row.

use super::hash::{Hash, LeafHeader, Uid, leaf_hash, tensor_hash, tensor_uid};
use super::shape::TreeShape;
use super::tree::{depth_for, merkle_path};
use crate::graph::{Dtype, TensorKind};
use alloc::vec::Vec;
use core::ops::Range;

/// Most data bytes of one leaf: a leaf and its path fit one transaction.
pub const LEAF_BYTES: u32 = 512;

/// Where one element lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafAddress {
    /// Position of the leaf in the padded tree; the index in its header.
    pub position: u32,
    /// Offset of the element's first byte in the leaf's data.
    pub offset: u32,
}

/// The layout of one tensor at its resolved shape. Everything here follows from slot, dtype, kind and dims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorLayout {
    /// Element type.
    pub dtype: Dtype,
    /// Where the tensor comes from.
    pub kind: TensorKind,
    /// Binds slot, dtype, kind and dims.
    pub uid: Uid,
    /// Number of rows: the product of all dims but the innermost.
    pub rows: u32,
    /// Bytes of a row.
    pub row_bytes: u32,
    /// Rows in a leaf; 1 when a row spans several leaves.
    pub rows_per_leaf: u32,
    /// Leaves of a row; 1 when a leaf holds whole rows.
    pub leaves_per_row: u32,
}

impl TensorLayout {
    /// The layout of the tensor at `slot`. The graph's checks bound the element count below 2^31 and refuse empty dims.
    pub fn new(slot: u16, dtype: Dtype, kind: TensorKind, dims: &[u32]) -> Self {
        let row_elements = dims.last().copied().unwrap_or(1);
        let rows = dims.iter().rev().skip(1).fold(1u32, |product, dim| product.saturating_mul(*dim));
        let row_bytes = row_elements.saturating_mul(dtype.bytes()).max(1);
        let wide = row_bytes > LEAF_BYTES;
        Self {
            dtype,
            kind,
            uid: tensor_uid(slot, dtype, kind, dims),
            rows,
            row_bytes,
            rows_per_leaf: if wide { 1 } else { LEAF_BYTES / row_bytes },
            leaves_per_row: row_bytes.div_ceil(LEAF_BYTES),
        }
    }

    /// Number of leaves that hold data.
    pub fn leaves(&self) -> u32 {
        self.row_groups().saturating_mul(self.leaves_per_row)
    }

    /// Length of every path of this tensor's tree.
    pub fn depth(&self) -> u8 {
        depth_for(self.row_groups()) + self.row_depth()
    }

    /// The shape of this tensor's tree.
    pub fn shape(&self) -> TreeShape {
        TreeShape::grouped(self.row_groups(), self.leaves_per_row)
    }

    /// Number of elements.
    pub fn elements(&self) -> u32 {
        u32::try_from(self.bytes() / u64::from(self.dtype.bytes())).unwrap_or(u32::MAX)
    }

    /// Bytes of the whole tensor.
    pub fn bytes(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.row_bytes)
    }

    /// Depth of the subtree of one row.
    pub fn row_depth(&self) -> u8 {
        depth_for(self.leaves_per_row)
    }

    /// Number of rows, or of groups of rows that share a leaf.
    pub fn row_groups(&self) -> u32 {
        self.rows.div_ceil(self.rows_per_leaf)
    }

    /// Where the element with this row-major index lies.
    pub fn address(&self, element: u32) -> LeafAddress {
        let byte = u64::from(element) * u64::from(self.dtype.bytes());
        let row = (byte / u64::from(self.row_bytes)) as u32;
        let in_row = (byte % u64::from(self.row_bytes)) as u32;
        if self.leaves_per_row > 1 {
            LeafAddress { position: (row << self.row_depth()) + in_row / LEAF_BYTES, offset: in_row % LEAF_BYTES }
        } else {
            LeafAddress {
                position: row / self.rows_per_leaf,
                offset: (row % self.rows_per_leaf) * self.row_bytes + in_row,
            }
        }
    }

    /// The bytes of the tensor that the leaf at `position` of the padded tree holds; `None` for padding.
    pub fn leaf_range(&self, position: u32) -> Option<Range<u64>> {
        let group = position >> self.row_depth();
        let part = position & ((1 << self.row_depth()) - 1);
        if group >= self.row_groups() || part >= self.leaves_per_row {
            return None;
        }
        let row_bytes = u64::from(self.row_bytes);
        if self.leaves_per_row > 1 {
            let row = u64::from(group) * row_bytes;
            let start = row + u64::from(part) * u64::from(LEAF_BYTES);
            Some(start..(start + u64::from(LEAF_BYTES)).min(row + row_bytes))
        } else {
            let start = u64::from(group) * u64::from(self.rows_per_leaf) * row_bytes;
            Some(start..(start + u64::from(self.rows_per_leaf) * row_bytes).min(self.bytes()))
        }
    }

    /// The header of the leaf at `position`.
    pub fn leaf_header(&self, position: u32) -> LeafHeader {
        LeafHeader { dtype: self.dtype, kind: self.kind, index: position, uid: self.uid }
    }

    /// Hashes of all leaves of the padded rows, in tree order; `None` if `data` has the wrong length.
    ///
    /// Padding inside a row is included, padding after the last row group is not.
    pub fn leaf_hashes(&self, data: &[u8]) -> Option<Vec<Hash>> {
        if data.len() as u64 != self.bytes() {
            return None;
        }
        let positions = self.row_groups() << self.row_depth();
        Some(
            (0..positions)
                .map(|position| {
                    let range = self.leaf_range(position);
                    match range.and_then(|range| data.get(range.start as usize..range.end as usize)) {
                        Some(data) => leaf_hash(&self.leaf_header(position), data),
                        None => super::EMPTY_LEAF,
                    }
                })
                .collect(),
        )
    }

    /// Root of the tensor's tree; `None` if `data` has the wrong length.
    pub fn root(&self, data: &[u8]) -> Option<Hash> {
        Some(self.root_of_leaves(&self.leaf_hashes(data)?))
    }

    /// Root over the leaf hashes that [`leaf_hashes`](Self::leaf_hashes) returns.
    pub fn root_of_leaves(&self, leaves: &[Hash]) -> Hash {
        super::merkle_root(leaves)
    }

    /// The tensor's hash; `None` if `data` has the wrong length.
    pub fn hash(&self, data: &[u8]) -> Option<Hash> {
        Some(self.hash_of_root(&self.root(data)?))
    }

    /// The tensor's hash from the root of its tree.
    pub fn hash_of_root(&self, root: &Hash) -> Hash {
        tensor_hash(&self.uid, self.leaves(), self.depth(), root)
    }

    /// The path of the leaf at `position`; `None` for padding or data of the wrong length.
    pub fn path(&self, data: &[u8], position: u32) -> Option<Vec<Hash>> {
        self.leaf_range(position)?;
        merkle_path(&self.leaf_hashes(data)?, position)
    }

    /// Whether `data` is the leaf at `position` under `root`: position, length of data and of path are all checked.
    pub fn verify(&self, root: &Hash, position: u32, data: &[u8], path: &[Hash]) -> bool {
        let Some(range) = self.leaf_range(position) else { return false };
        if data.len() as u64 != range.end - range.start || path.len() != usize::from(self.depth()) {
            return false;
        }
        let leaf = leaf_hash(&self.leaf_header(position), data);
        super::root_from_path(&leaf, position, path).as_ref() == Some(root)
    }
}
