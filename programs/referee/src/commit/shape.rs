//! Which places of a padded tree hold something.

use super::depth_for;

/// The static shape of a tree: equal groups of leaves, each padded to a power of two, and the groups padded to one.
///
/// A list of tensors is a tree of groups of one leaf; a tensor with long rows has one group a row. All of it follows
/// from the graph, so that nobody has to be told, or believed, where padding lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeShape {
    groups: u32,
    leaves_per_group: u32,
    group_depth: u8,
    depth: u8,
}

impl TreeShape {
    /// The tree over a list of `count` entries.
    pub const fn list(count: u32) -> Self {
        Self { groups: count, leaves_per_group: 1, group_depth: 0, depth: depth_for(count) }
    }

    /// The tree over `groups` groups of `leaves_per_group` leaves.
    pub const fn grouped(groups: u32, leaves_per_group: u32) -> Self {
        let group_depth = depth_for(leaves_per_group);
        Self { groups, leaves_per_group, group_depth, depth: depth_for(groups) + group_depth }
    }

    /// Length of every path.
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// Whether everything below the node `index` of `level` (0 is the leaves) is padding.
    ///
    /// Padding lies at the end of a group and at the end of the tree. So a node whose first leaf is padding has nothing
    /// else below it.
    #[inline]
    pub fn is_padding(&self, level: u8, index: u32) -> bool {
        let position = u64::from(index) << (level & 31);
        let part = (position & ((1 << (self.group_depth & 31)) - 1)) as u32;
        position >> (self.group_depth & 31) >= u64::from(self.groups) || part >= self.leaves_per_group
    }

    /// Whether the tree has a node `index` on this level at all.
    pub fn has(&self, level: u8, index: u32) -> bool {
        level <= self.depth && u64::from(index) < 1 << (self.depth - level).min(63)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_padding_exactly_when_all_leaves_below_it_are() {
        for groups in 1..12u32 {
            for leaves in 1..7u32 {
                let shape = TreeShape::grouped(groups, leaves);
                let width = 1u32 << depth_for(leaves);
                let padding = |position: u32| position / width >= groups || position % width >= leaves;
                for level in 0..=shape.depth() {
                    for index in 0..1u32 << (shape.depth() - level) {
                        let all = (index << level..(index + 1) << level).all(padding);
                        assert_eq!(shape.is_padding(level, index), all, "{groups} x {leaves}, {index} at {level}");
                        assert!(shape.has(level, index));
                    }
                    assert!(!shape.has(level, 1 << (shape.depth() - level)));
                }
                assert!(!shape.has(shape.depth() + 1, 0));
            }
        }
        assert_eq!(TreeShape::list(5), TreeShape::grouped(5, 1));
    }
}
