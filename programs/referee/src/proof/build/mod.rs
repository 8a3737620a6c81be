//! Makes proofs, off-chain, from what is known of a node's trees: whole traces, or only what openings showed.
//!
//! Which leaves a proof needs is found by evaluating the element and noting what is read, on the values that stand under
//! the node's roots. Where one of them is not known, the error names the leaf or the node that has to be learnt first.

mod assemble;
mod error;
mod plan;
mod trees;

use super::{Pinned, PinnedSegment, Source};
use crate::commit::{Hash, TreeShape, siblings_of};
use crate::graph::{Descriptor, Graph, ResolvedGraph, Slot};
use alloc::vec::Vec;

pub use error::{BuildError, Unknown};
pub use trees::{HashTree, Leaves, Nodes, PartialTree, WholeTensor};

/// The descriptors of a graph and the tree over them: computed once, opened often.
#[derive(Clone, Debug)]
pub struct GraphTree {
    descriptors: Vec<Descriptor>,
    tree: HashTree,
}

impl GraphTree {
    /// The tree of a graph.
    pub fn new(graph: &Graph) -> Self {
        let descriptors = graph.descriptors();
        let hashes: Vec<Hash> = descriptors.iter().map(Descriptor::hash).collect();
        Self { descriptors, tree: HashTree::new(&hashes) }
    }

    /// Opens the header and one tensor: what [`verify_tensor`](super::verify_tensor) takes.
    ///
    /// # Errors
    /// The graph has no such tensor.
    pub fn tensor_witness(&self, slot: Slot) -> Result<Vec<u8>, BuildError> {
        let mut bytes = Vec::new();
        assemble::descriptors(&mut bytes, self, &[slot], &[], None)?;
        Ok(bytes)
    }
}

/// What is known of a result.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The graph's tree.
    pub graph: &'a GraphTree,
    /// The graph at the job's symbol values.
    pub resolved: &'a ResolvedGraph,
    /// The lists of tensor hashes, by the number of their [`Source`]; what is not known is left out.
    pub lists: [Option<&'a dyn Nodes>; 4],
    /// The segment that [`Source::Segment`] stands for.
    pub segment: Option<u16>,
    /// What is known of a tensor under a source.
    pub tensor: &'a dyn Fn(Source, Slot) -> Option<&'a dyn Leaves>,
}

impl<'a> Evidence<'a> {
    fn list(&self, source: Source) -> Option<&'a dyn Nodes> {
        self.lists.get(source as usize).copied().flatten()
    }

    /// The tensor's position in the tree of a source, and that tree's shape; `None` if it is not there.
    fn place(&self, source: Source, slot: Slot) -> Option<(u32, TreeShape)> {
        use crate::graph::TensorKind as Kind;
        let tensor = self.resolved.tensors.get(usize::from(slot))?;
        let placement = &tensor.placement;
        let (position, count) = match (source, tensor.kind) {
            (Source::Params, Kind::Param) | (Source::Inputs, Kind::Input) => (placement.position, placement.count),
            (Source::Boundary, Kind::Temp) => {
                (placement.boundary_position()?, u16::try_from(self.resolved.boundary.len()).ok()?)
            }
            (Source::Segment, Kind::Temp) if Some(placement.segment) == self.segment => {
                (placement.position, placement.count)
            }
            _ => return None,
        };
        Some((u32::from(position), TreeShape::list(u32::from(count))))
    }

    /// The source under which an operand is read. The boundary goes before the segment: a proof without the segment's
    /// root convicts whoever that root is from.
    fn source_of(&self, slot: Slot) -> Option<(Source, &'a dyn Leaves)> {
        Source::ALL.into_iter().find_map(|source| {
            self.place(source, slot)?;
            self.list(source)?;
            Some((source, (self.tensor)(source, slot)?))
        })
    }
}

/// The bytes that show that an element of the tensor at `slot`, as it stands under `source` (the boundary or a segment),
/// is not what its op gives. Whether it really is not, [`judge`](super::judge) says.
///
/// # Errors
/// What has to be known first, or what the graph does not have.
pub fn element_proof(evidence: &Evidence<'_>, slot: Slot, element: u32, source: Source) -> Result<Vec<u8>, BuildError> {
    let reads = plan::Reads::of_element(evidence, slot, element, source)?;
    assemble::element(evidence, &reads)
}

/// The bytes that show that the boundary and the trace of the evidence's segment have different hashes for one tensor.
///
/// # Errors
/// What has to be known first, or what the graph does not have.
pub fn mismatch_proof(evidence: &Evidence<'_>, slot: Slot) -> Result<Vec<u8>, BuildError> {
    assemble::mismatch(evidence, slot)
}

/// The pinned values of a result whose trees are all known.
///
/// # Errors
/// A list that is not known.
pub fn pinned(evidence: &Evidence<'_>) -> Result<Pinned, BuildError> {
    use crate::commit::{ListRole, list_root, segment_hash};
    use crate::graph::{IR_VERSION, TensorKind};
    let root_of = |source: Source, count: usize| {
        let missing = BuildError::Unknown(Unknown::Node { source, slot: None, level: 0, index: 0 });
        let nodes = evidence.list(source);
        match nodes.and_then(|nodes| nodes.node(crate::commit::depth_for(count as u32), 0)) {
            Some(root) => Ok(root),
            None if count == 0 => Ok(crate::commit::EMPTY_LEAF),
            None => Err(missing),
        }
    };
    let resolved = evidence.resolved;
    let list = |source, role, count: usize| Ok(list_root(role, count as u32, &root_of(source, count)?));
    let of_kind = |kind: TensorKind| resolved.slots_of(kind).len();
    let boundary = resolved.boundary.len();
    let segment = match evidence.segment {
        None => None,
        Some(index) => {
            let count = resolved.segment_slots(index).len();
            let root = root_of(Source::Segment, count)?;
            Some(PinnedSegment { index, root: segment_hash(u32::from(index), count as u32, &root) })
        }
    };
    let mut symbols = [0; 4];
    symbols.iter_mut().zip(&resolved.symbols).for_each(|(target, value)| *target = *value);
    Ok(Pinned {
        graph_root: resolved.root,
        params_root: list(Source::Params, ListRole::Params, of_kind(TensorKind::Param))?,
        inputs_root: list(Source::Inputs, ListRole::Inputs, of_kind(TensorKind::Input))?,
        boundary_root: list(Source::Boundary, ListRole::Boundary, boundary)?,
        boundary_count: boundary as u16,
        ir_version: IR_VERSION,
        symbols,
        segment,
    })
}

/// The siblings of a proof for `positions` of a tree, in its order.
fn siblings(
    nodes: &dyn Nodes,
    positions: &[u32],
    shape: &TreeShape,
    source: Source,
    slot: Option<Slot>,
) -> Result<Vec<Hash>, BuildError> {
    let wanted = siblings_of(positions, shape, 0, shape.depth());
    let hash = |(level, index): (u8, u32)| {
        let unknown = Unknown::Node { source, slot, level, index };
        nodes.node(level, index).ok_or(BuildError::Unknown(unknown))
    };
    wanted.into_iter().map(hash).collect()
}
