//! What was found wrong, with everything that a message to people needs.

use referee::commit::Hash;
use referee::graph::{OpKind, ResolvedGraph, Slot};
use std::fmt;

/// The tree in which a Temp of a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The boundary tree, bound by the commitment.
    Boundary,
    /// The tree of its segment, bound once its root is signed or posted.
    Segment,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boundary => "boundary",
            Self::Segment => "segment",
        })
    }
}

/// What a challenge names before it is proved: all who find the same lie name the same target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The first boundary tensor whose hash is not the challenger's own.
    Boundary {
        /// Its position in the boundary tree.
        position: u16,
        /// The challenger's own hash there.
        own: Hash,
    },
    /// A signed segment whose inside is wrong though every boundary tensor is right.
    Segment {
        /// The segment.
        segment: u16,
        /// The challenger's own root of it.
        own: Hash,
    },
}

/// What is wrong with a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// One element is not what its op computes from operands that nobody disputes.
    Element {
        /// The tree in which the claimed value stands.
        source: Source,
        /// Row-major index; no element before it differs.
        element: u32,
        /// The same, as coordinates.
        coordinates: Vec<u32>,
        /// What stands there.
        claimed: i64,
        /// What the op computes.
        computed: i64,
        /// How many elements of the tensor differ.
        differing: u64,
    },
    /// The tensor has one hash in the boundary tree and another in the tree of its segment.
    Mismatch {
        /// In the boundary tree.
        boundary: Hash,
        /// In the segment's tree.
        segment: Hash,
    },
}

/// A wrong tensor, and how it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The segment that produces the tensor.
    pub segment: u16,
    /// Index of the op that produces it.
    pub op: u16,
    /// What the op computes.
    pub kind: OpKind,
    /// Which of the op's outputs it is.
    pub output: u8,
    /// The tensor.
    pub slot: Slot,
    /// What is wrong with it.
    pub evidence: Evidence,
    /// What a challenge names.
    pub target: Target,
    /// Whether the proof may need the root of the segment: `false` if every Temp that its op names opens under the
    /// boundary root.
    pub needs_segment_root: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, op, kind, output, slot, evidence, .. } = self;
        write!(f, "segment {segment}, op {op} ({kind:?}), output {output}, tensor {slot}")?;
        match evidence {
            Evidence::Element { source, element, coordinates, claimed, computed, differing } => write!(
                f,
                ", element {element} {coordinates:?}: claimed {claimed}, computed {computed} ({differing} differ, {source} tree)"
            ),
            Evidence::Mismatch { boundary, segment } => {
                write!(f, ": hash {} in the boundary, {} in the segment", short(boundary), short(segment))
            }
        }
    }
}

fn short(hash: &Hash) -> String {
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The coordinates of a row-major index.
pub(crate) fn coordinates(graph: &ResolvedGraph, slot: Slot, element: u32) -> Vec<u32> {
    let dims = graph.tensors.get(usize::from(slot)).map_or(&[][..], |tensor| &tensor.dims);
    let mut rest = element;
    let mut coordinates: Vec<u32> = dims
        .iter()
        .rev()
        .map(|dim| {
            let at = rest % (*dim).max(1);
            rest /= (*dim).max(1);
            at
        })
        .collect();
    coordinates.reverse();
    coordinates
}
