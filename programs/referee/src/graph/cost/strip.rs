//! What opening runs of adjacent bytes of a tensor takes.

use crate::commit::{LEAF_BYTES, TensorLayout};

/// Bytes of a leaf's header in a proof.
const HEADER_BYTES: u64 = 16;
/// Bytes of a sibling.
const SIBLING_BYTES: u64 = 32;

/// What a proof opens of one tensor; numbers beyond any that a check accepts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) leaves: u64,
    pub(super) data_bytes: u64,
    pub(super) siblings: u64,
}

/// Greatest number kept, so that sums and products of a few never overflow.
const MOST: u64 = 1 << 40;

impl Opening {
    /// All of a tensor: no sibling is needed.
    pub(super) fn whole(layout: &TensorLayout) -> Self {
        Self { leaves: u64::from(layout.leaves()), data_bytes: layout.bytes(), siblings: 0 }
    }

    /// So many leaves anywhere, each with its own path.
    pub(super) fn single_leaves(layout: &TensorLayout, count: u64) -> Self {
        let leaves = count.min(MOST);
        Self { leaves, data_bytes: leaves * leaf_bytes(layout), siblings: leaves * u64::from(layout.depth()) }
    }

    pub(super) fn upload_bytes(&self) -> u64 {
        self.data_bytes + HEADER_BYTES * self.leaves + SIBLING_BYTES * self.siblings
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            leaves: self.leaves + other.leaves,
            data_bytes: self.data_bytes + other.data_bytes,
            siblings: self.siblings + other.siblings,
        }
    }

    /// The one with the smaller upload.
    pub(super) fn cheaper(self, other: Self) -> Self {
        if other.upload_bytes() < self.upload_bytes() { other } else { self }
    }

    fn times(self, count: u64) -> Self {
        let times = |value: u64| count.saturating_mul(value).min(MOST);
        Self { leaves: times(self.leaves), data_bytes: times(self.data_bytes), siblings: times(self.siblings) }
    }
}

/// Data bytes of the greatest leaf.
fn leaf_bytes(layout: &TensorLayout) -> u64 {
    if layout.leaves_per_row > 1 {
        u64::from(LEAF_BYTES)
    } else {
        u64::from(layout.rows_per_leaf.min(layout.rows)) * u64::from(layout.row_bytes)
    }
}

/// Runs of adjacent bytes that start at `base + grain * z` for whole `z`.
pub(super) struct Runs {
    /// Number of runs at most.
    pub(super) count: u64,
    /// Bytes of a run.
    pub(super) bytes: u64,
    /// One place where a run can start.
    pub(super) base: i64,
    /// What separates the places; 0 when there is one.
    pub(super) grain: u64,
}

/// Where runs can start within blocks of `block` bytes: the first and the last place, at least `step` apart.
struct Phases {
    first: u64,
    last: u64,
}

impl Runs {
    /// What opening all runs takes at most.
    pub(super) fn opening(&self, layout: &TensorLayout) -> Opening {
        let run = if layout.leaves_per_row > 1 { self.wide(layout) } else { self.narrow(layout) };
        run.times(self.count)
    }

    /// The places modulo `block`.
    fn phases(&self, block: u64) -> Phases {
        let step = gcd(self.grain, block);
        let first = self.base.rem_euclid(step as i64) as u64;
        Phases { first, last: block - step + first }
    }

    /// Leaves of one run on a grid of `block` bytes: the most are touched from the last place within a block.
    fn leaves(&self, block: u64) -> u64 {
        ((self.phases(block).last + self.bytes - 1) / block + 1).min(MOST)
    }

    /// Leaves hold whole rows: they form one grid.
    fn narrow(&self, layout: &TensorLayout) -> Opening {
        let block = u64::from(layout.rows_per_leaf) * u64::from(layout.row_bytes);
        let leaves = self.leaves(block);
        let siblings = siblings(leaves, layout.depth(), 0);
        Opening { leaves, data_bytes: leaves * leaf_bytes(layout), siblings }
    }

    /// A row spans several leaves: they form a grid within the row.
    fn wide(&self, layout: &TensorLayout) -> Opening {
        let (row, leaf) = (u64::from(layout.row_bytes), u64::from(LEAF_BYTES));
        let starts = self.phases(row);
        if starts.last + self.bytes <= row {
            // No run leaves its row. A whole row needs no siblings within the row's subtree.
            let leaves = if starts.first == starts.last {
                (starts.first + self.bytes - 1) / leaf - starts.first / leaf + 1
            } else {
                self.within_row(row)
            };
            let row_depth = layout.row_depth();
            let above = layout.depth() - row_depth;
            let whole = leaves == u64::from(layout.leaves_per_row);
            let siblings = if whole { u64::from(above) } else { siblings(leaves, row_depth, above) };
            return Opening {
                leaves,
                data_bytes: (leaves * u64::from(LEAF_BYTES)).min(u64::from(layout.row_bytes)),
                siblings,
            };
        }
        let leaves = if row % leaf == 0 {
            self.leaves(leaf)
        } else {
            // A run of `b` bytes on the grid of its first row touches (b + 510) / 512 + 1 leaves at most; each row that it
            // enters begins a leaf of its own and so adds one at most.
            let entered = (self.bytes + row - 2) / row;
            ((self.bytes + leaf - 2) / leaf + 1 + entered).min(MOST)
        };
        let siblings = siblings(leaves, layout.depth(), 0);
        Opening { leaves, data_bytes: leaves * u64::from(LEAF_BYTES), siblings }
    }

    /// Leaves of a run that stays within its row, whose places are known modulo a divisor of the row's bytes.
    fn within_row(&self, row: u64) -> u64 {
        let block = u64::from(LEAF_BYTES);
        let step = gcd(gcd(self.grain, row), block);
        let first = self.base.rem_euclid(step as i64) as u64;
        (block - step + first + self.bytes - 1) / block + 1
    }
}

/// Most siblings of a strip of adjacent leaves in a tree: one leaf has one on each level; a strip has at most one at
/// either end, and none on the level where its two ends meet. `above` levels more lie over the tree.
fn siblings(leaves: u64, depth: u8, above: u8) -> u64 {
    let (depth, above) = (u64::from(depth), u64::from(above));
    let strip = if leaves <= 1 { depth } else { depth.max((2 * depth).saturating_sub(2)) };
    // A strip never needs more than its leaves would one by one.
    strip.min(leaves * depth) + above
}

/// Greatest common divisor; that of 0 and `b` is `b`.
pub(super) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
