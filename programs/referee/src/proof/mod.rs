//! Fraud proofs: what the chain is shown to be convinced that a result is wrong.
//!
//! A proof shows either that one element of a committed tensor is not what its op gives ([`Fault::Element`]), or that
//! the trace of a segment and the committed boundary disagree about one tensor ([`Fault::Mismatch`]). Everything that it
//! shows is proved to belong to roots that are pinned already: [`Pinned`]. [`judge`] is the only judge: it says that there
//! is a fault and which, or why the proof shows none. A rejection never convicts anybody.
//!
//! Off-chain, [`build`] makes the proofs. The bytes are listed in `SPECIFICATION.md`.

pub mod build;
mod descriptors;
mod element;
mod lists;
mod mismatch;
mod reader;
mod rejection;
mod strips;

use crate::commit::{Hash, TensorLayout};
use crate::graph::{Placement, Slot};
use descriptors::Descriptors;
use reader::Reader;

pub use rejection::Rejection;

/// Most bytes of a proof: what an account on-chain is filled with. No element of a checked graph needs more.
pub const MAX_PROOF_BYTES: usize = 32 * 1024;
/// Most positions of one strip.
pub const MAX_STRIP_POSITIONS: u16 = 128;
/// Most parts of a graph that one proof opens: the header, an op, its two programs, and its 7 tensors.
pub const MAX_OPENED_DESCRIPTORS: usize = 11;
/// Most tensors of one list that a proof opens.
pub const MAX_LIST_MEMBERS: usize = 7;

const KIND_ELEMENT: u8 = 0;
const KIND_MISMATCH: u8 = 1;

/// What is fixed before anybody proves anything: by the job, by its commitment, and by a segment root if one is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Root of the graph.
    pub graph_root: Hash,
    /// Root of the params.
    pub params_root: Hash,
    /// Root of the job's inputs.
    pub inputs_root: Hash,
    /// The committed boundary root.
    pub boundary_root: Hash,
    /// Number of tensors in the boundary.
    pub boundary_count: u16,
    /// Version of the IR.
    pub ir_version: u16,
    /// Values of the graph's symbols; unused ones are 0.
    pub symbols: [u32; 4],
    /// The root of one segment's trace, signed by the node or posted for it.
    pub segment: Option<PinnedSegment>,
}

/// The root of one segment's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinnedSegment {
    /// The segment.
    pub index: u16,
    /// [`segment_hash`](crate::commit::segment_hash) of the trace.
    pub root: Hash,
}

/// Which root a tensor is read under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Source {
    /// The params root.
    Params = 0,
    /// The inputs root.
    Inputs = 1,
    /// The committed boundary.
    Boundary = 2,
    /// The pinned segment.
    Segment = 3,
}

impl Source {
    /// All sources, by their numbers.
    pub const ALL: [Self; 4] = [Self::Params, Self::Inputs, Self::Boundary, Self::Segment];
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An element of a tensor is not what its op gives.
    Element {
        /// The op.
        op: u16,
        /// The tensor.
        slot: Slot,
        /// The element's row-major index.
        element: u32,
        /// The value under the node's roots.
        claimed: i64,
        /// The value of the op.
        computed: i64,
    },
    /// A tensor has one hash in the boundary and another in the trace of its segment.
    Mismatch {
        /// The tensor.
        slot: Slot,
        /// Its hash in the boundary.
        boundary: Hash,
        /// Its hash in the segment.
        segment: Hash,
    },
}

/// A proved fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Whether the proof reads anything under the pinned segment's root: then that root is refuted, or the commitment,
    /// and one of both is the node's only if it signed that root.
    pub uses_segment: bool,
}

/// What is static of a tensor, as a witness shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorFacts {
    /// Its layout in leaves, uid included.
    pub layout: TensorLayout,
    /// Its places in the trees of hashes.
    pub placement: Placement,
}

/// Whether `proof` shows a fault under what is pinned, and which.
///
/// # Errors
/// Why it shows none.
pub fn judge(proof: &[u8], pinned: &Pinned) -> Result<Finding, Rejection> {
    if proof.len() > MAX_PROOF_BYTES {
        return Err(Rejection::TooLong);
    }
    let mut reader = Reader::new(proof);
    let kind = reader.u8()?;
    match kind {
        KIND_ELEMENT => element::judge(reader, pinned),
        KIND_MISMATCH => mismatch::judge(reader, pinned),
        _ => Err(Rejection::UnknownKind),
    }
}

/// The static facts of the tensor at `slot`, from a witness that opens the header and that tensor under the root.
///
/// # Errors
/// What is wrong with the witness.
pub fn verify_tensor(
    witness: &[u8],
    graph_root: &Hash,
    ir_version: u16,
    symbols: &[u32; 4],
    slot: Slot,
) -> Result<TensorFacts, Rejection> {
    let mut reader = Reader::new(witness);
    let descriptors = Descriptors::read(&mut reader, graph_root, ir_version, symbols)?;
    reader.finish()?;
    descriptors.tensor(slot)
}
