//! Why a proof cannot be made.

use super::super::Source;
use crate::graph::Slot;
use core::fmt;

/// What has to be learnt before a proof can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// A hash of a list, or of a tensor's tree.
    Node {
        /// The root that it lies under.
        source: Source,
        /// The tensor in whose tree it lies; none for the list itself.
        slot: Option<Slot>,
        /// Height above the leaves.
        level: u8,
        /// Index on that level.
        index: u32,
    },
    /// A leaf of a tensor.
    Leaf {
        /// The root that it lies under.
        source: Source,
        /// The tensor.
        slot: Slot,
        /// Position in the tensor's padded tree.
        position: u32,
    },
    /// Anything of a tensor, under any root where it stands.
    Tensor {
        /// The tensor.
        slot: Slot,
    },
}

/// Why a proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// Something has to be learnt first.
    Unknown(Unknown),
    /// The graph has no such tensor, or no op produces it.
    NoTensor {
        /// The slot asked for.
        slot: Slot,
    },
    /// The tensor has no such element.
    NoElement {
        /// The tensor.
        slot: Slot,
        /// The element asked for.
        element: u32,
    },
    /// The tensor does not stand under this source.
    NotThere {
        /// The tensor.
        slot: Slot,
        /// The source asked for.
        source: Source,
    },
    /// The graph is not one that passes the checks.
    Malformed,
    /// The proof would be longer than any proof may be.
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { source, slot: Some(slot), level, index } => {
                write!(f, "node {index} at height {level} of tensor {slot} under {source:?}")
            }
            Self::Node { source, slot: None, level, index } => {
                write!(f, "node {index} at height {level} of the list {source:?}")
            }
            Self::Leaf { source, slot, position } => write!(f, "leaf {position} of tensor {slot} under {source:?}"),
            Self::Tensor { slot } => write!(f, "tensor {slot}"),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(unknown) => write!(f, "R0201 {unknown} is not known; learn it from an opening first"),
            Self::NoTensor { slot } => write!(f, "R0202 no op of the graph produces tensor {slot}"),
            Self::NoElement { slot, element } => write!(f, "R0203 tensor {slot} has no element {element}"),
            Self::NotThere { slot, source } => write!(f, "R0204 tensor {slot} does not stand under {source:?}"),
            Self::Malformed => write!(f, "R0205 the graph is not one that passes the checks"),
            Self::TooLong { bytes } => {
                write!(f, "R0206 the proof has {bytes} bytes, more than {}", super::super::MAX_PROOF_BYTES)
            }
        }
    }
}

impl core::error::Error for BuildError {}
