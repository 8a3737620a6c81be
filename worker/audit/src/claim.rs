//! What the other side says, checked against the root that binds it.

use assay_kernels::commit::{Boundary, Hasher};
use assay_kernels::{KernelError, TensorSet};
use referee::commit::Hash;
use referee::graph::{ResolvedGraph, Slot};
use std::sync::Arc;

/// Why something that was served is not what was committed to or signed: whoever served it must be asked again, and made
/// to open it on-chain if it goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Not as many hashes as the graph says.
    #[error("F0101 {given} hashes were served where the graph has {expected} tensors; ask again or force an opening")]
    Count {
        /// Hashes served.
        given: usize,
        /// Tensors of the list.
        expected: usize,
    },
    /// The hashes do not lead to the root.
    #[error(
        "F0102 what was served leads to the root {served:02x?}, not to {bound:02x?} that was committed to or signed; ask again or force an opening"
    )]
    Root {
        /// Root of what was served.
        served: Hash,
        /// The root that binds.
        bound: Hash,
    },
    /// The graph has no such segment.
    #[error("F0103 there is no segment {segment}, the graph has {segments}; segments count from 0")]
    Segment {
        /// The segment.
        segment: u16,
        /// How many there are.
        segments: usize,
    },
    /// A tensor is missing or has the wrong size.
    #[error("F0104 what was served cannot be hashed: {0}; ask again or force an opening")]
    Tensor(#[from] KernelError),
}

/// The boundary that a node committed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedBoundary {
    hashes: Vec<Hash>,
    tensors: TensorSet,
}

impl ClaimedBoundary {
    /// From all boundary tensors, as served.
    ///
    /// # Errors
    /// A tensor that is missing or has the wrong size; bytes that do not lead to the committed root.
    pub fn from_tensors(
        graph: &ResolvedGraph,
        hasher: &Hasher,
        tensors: TensorSet,
        committed_root: &Hash,
    ) -> Result<Self, ClaimError> {
        let hashes = hasher.boundary(graph, &tensors)?.hashes;
        Self::from_hashes(graph, hashes, tensors, committed_root)
    }

    /// From the hashes of the boundary tensors in the order of the tree, as served or as opened on-chain, and such of
    /// the tensors as are at hand; their bytes are checked where they are used.
    ///
    /// # Errors
    /// Hashes that are too many, too few, or do not lead to the committed root.
    pub fn from_hashes(
        graph: &ResolvedGraph,
        hashes: Vec<Hash>,
        tensors: TensorSet,
        committed_root: &Hash,
    ) -> Result<Self, ClaimError> {
        if hashes.len() != graph.boundary.len() {
            return Err(ClaimError::Count { given: hashes.len(), expected: graph.boundary.len() });
        }
        let boundary = Boundary::new(hashes);
        if boundary.root != *committed_root {
            return Err(ClaimError::Root { served: boundary.root, bound: *committed_root });
        }
        Ok(Self { hashes: boundary.hashes, tensors })
    }

    /// Hashes in the order of the tree.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The hash of a boundary tensor.
    pub fn hash(&self, graph: &ResolvedGraph, slot: Slot) -> Option<Hash> {
        self.hashes.get(usize::from(graph.boundary_position(slot)?)).copied()
    }

    /// The bytes of a boundary tensor, if they are at hand and are those of its hash.
    pub fn tensor(&self, graph: &ResolvedGraph, hasher: &Hasher, slot: Slot) -> Option<&Arc<[u8]>> {
        verified(graph, hasher, slot, self.tensors.get(&slot)?, &self.hash(graph, slot)?)
    }
}

/// The trace of a segment that was signed or posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedSegment {
    segment: u16,
    slots: Vec<Slot>,
    hashes: Vec<Hash>,
    tensors: TensorSet,
    root: Hash,
}

impl ClaimedSegment {
    /// From the hashes of the segment's tensors in (op, output) order, and such of the tensors as are at hand; their
    /// bytes are checked where they are used.
    ///
    /// # Errors
    /// No such segment; hashes that are too many, too few, or do not lead to the root.
    pub fn new(
        graph: &ResolvedGraph,
        segment: u16,
        hashes: Vec<Hash>,
        tensors: TensorSet,
        root: &Hash,
    ) -> Result<Self, ClaimError> {
        if usize::from(segment) >= graph.segments.len() {
            return Err(ClaimError::Segment { segment, segments: graph.segments.len() });
        }
        let slots = graph.segment_slots(segment);
        if hashes.len() != slots.len() {
            return Err(ClaimError::Count { given: hashes.len(), expected: slots.len() });
        }
        let served = ResolvedGraph::segment_root(segment, &hashes);
        if served != *root {
            return Err(ClaimError::Root { served, bound: *root });
        }
        Ok(Self { segment, slots, hashes, tensors, root: *root })
    }

    /// From all tensors of the segment, as served.
    ///
    /// # Errors
    /// As [`new`](Self::new); a tensor that is missing or has the wrong size.
    pub fn from_tensors(
        graph: &ResolvedGraph,
        hasher: &Hasher,
        segment: u16,
        tensors: TensorSet,
        root: &Hash,
    ) -> Result<Self, ClaimError> {
        let hashes = hasher.hashes(graph, &tensors, &graph.segment_slots(segment))?;
        Self::new(graph, segment, hashes, tensors, root)
    }

    /// The segment.
    pub fn segment(&self) -> u16 {
        self.segment
    }

    /// The root that binds the trace.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Slots of the segment's tensors in (op, output) order.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Hashes in that order.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The hash of a tensor of the segment.
    pub fn hash(&self, slot: Slot) -> Option<Hash> {
        let position = self.slots.iter().position(|own| *own == slot)?;
        self.hashes.get(position).copied()
    }

    /// The bytes of a tensor, if they are at hand and are those of its hash.
    pub fn tensor(&self, graph: &ResolvedGraph, hasher: &Hasher, slot: Slot) -> Option<&Arc<[u8]>> {
        verified(graph, hasher, slot, self.tensors.get(&slot)?, &self.hash(slot)?)
    }
}

/// `bytes` if they hash to `bound`.
fn verified<'a>(
    graph: &ResolvedGraph,
    hasher: &Hasher,
    slot: Slot,
    bytes: &'a Arc<[u8]>,
    bound: &Hash,
) -> Option<&'a Arc<[u8]>> {
    let layout = &graph.tensors.get(usize::from(slot))?.layout;
    hasher.tensor(slot, layout, bytes).ok().filter(|tensor| tensor.hash == *bound).map(|_| bytes)
}
