//! Where the output of a job lies in what the node will commit to.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;
use referee::commit::{depth_for, list_root, root_from_path, tensor_hash, Hash, ListRole};

/// The static facts about a job's output tensor. All of them follow from the graph and its symbols; a client that states
/// others posts a job that no honest node will claim, because nodes derive them before they claim.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputDescriptor {
    /// Binds slot, element type, kind and shape of the tensor.
    pub uid: [u8; 8],
    /// Leaves of the tensor that hold data.
    pub leaves: u32,
    /// Depth of the tensor's tree.
    pub depth: u8,
    /// Position of the tensor in the boundary tree.
    pub boundary_position: u16,
    /// Tensors in the boundary tree.
    pub boundary_count: u16,
}

impl OutputDescriptor {
    /// `OutputDescriptorInvalid` when no tensor of any graph could have these values.
    ///
    /// A tree over rows that are subtrees themselves is at most one level deeper than the least tree of its leaves.
    pub fn validate(&self) -> Checked {
        let least = depth_for(self.leaves);
        let deepest = least.saturating_add(1);
        let depth_is_possible = (least..=deepest).contains(&self.depth);
        if self.leaves == 0 || !depth_is_possible || self.boundary_position >= self.boundary_count {
            return Err(AssayError::OutputDescriptorInvalid);
        }
        Ok(())
    }

    /// The boundary root that an output with `output_root` has when `path` leads up from it.
    ///
    /// `OutputPathLengthMismatch` unless the path has one hash for each level of the boundary tree.
    pub fn boundary_root(&self, output_root: &Hash, path: &[Hash]) -> Checked<Hash> {
        let count = u32::from(self.boundary_count);
        if path.len() != usize::from(depth_for(count)) {
            return Err(AssayError::OutputPathLengthMismatch);
        }
        let output = tensor_hash(&self.uid, self.leaves, self.depth, output_root);
        let root = root_from_path(&output, u32::from(self.boundary_position), path)
            .ok_or(AssayError::OutputPathLengthMismatch)?;
        Ok(list_root(ListRole::Boundary, count, &root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use referee::commit::{merkle_path, merkle_root, sha256};

    fn descriptor(leaves: u32, depth: u8, position: u16, count: u16) -> OutputDescriptor {
        OutputDescriptor { uid: *b"uid-of-y", leaves, depth, boundary_position: position, boundary_count: count }
    }

    #[test]
    fn impossible_descriptors_are_refused() {
        let invalid = Err(AssayError::OutputDescriptorInvalid);
        assert_eq!(descriptor(1, 0, 0, 1).validate(), Ok(()));
        assert_eq!(descriptor(6, 3, 2, 3).validate(), Ok(()));
        assert_eq!(descriptor(9, 5, 0, 1).validate(), Ok(()), "three rows of three leaves");
        assert_eq!(descriptor(0, 0, 0, 1).validate(), invalid, "no leaves");
        assert_eq!(descriptor(5, 2, 0, 1).validate(), invalid, "too shallow");
        assert_eq!(descriptor(5, 5, 0, 1).validate(), invalid, "too deep");
        assert_eq!(descriptor(1, 0, 3, 3).validate(), invalid, "beyond the tree");
        assert_eq!(descriptor(1, 0, 0, 0).validate(), invalid, "empty tree");
        assert_eq!(descriptor(u32::MAX, 33, u16::MAX - 1, u16::MAX).validate(), Ok(()), "no overflow at the top");
    }

    #[test]
    fn the_boundary_root_is_the_one_of_the_whole_tree() {
        let output_root = sha256(&[b"output"]);
        for count in 1..=17u16 {
            for position in 0..count {
                let output = descriptor(6, 3, position, count);
                let mut tensors: Vec<Hash> = (0..count).map(|i| sha256(&[b"other", &i.to_le_bytes()])).collect();
                tensors[usize::from(position)] = tensor_hash(&output.uid, 6, 3, &output_root);
                let whole = list_root(ListRole::Boundary, u32::from(count), &merkle_root(&tensors));
                let path = merkle_path(&tensors, u32::from(position)).unwrap();
                assert_eq!(output.boundary_root(&output_root, &path), Ok(whole));

                assert_ne!(output.boundary_root(&sha256(&[b"lie"]), &path), Ok(whole), "another output");
                let mut longer = path.clone();
                longer.push([0; 32]);
                let mismatch = Err(AssayError::OutputPathLengthMismatch);
                assert_eq!(output.boundary_root(&output_root, &longer), mismatch);
                if let Some((_, shorter)) = path.split_last() {
                    assert_eq!(output.boundary_root(&output_root, shorter), mismatch);
                }
            }
        }
    }
}
