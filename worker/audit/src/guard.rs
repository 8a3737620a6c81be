//! What a node checks before it signs the trace of a segment. A false signed inside convicts even where the result is
//! right, so a fault of the hardware must be found before the signature, not by a challenger after it.

use crate::subject::Subject;
use crate::trace::{SegmentTrace, segment_trace};
use assay_kernels::commit::Hasher;
use assay_kernels::{KernelError, TensorSet};
use referee::commit::{Hash, sha256};
use referee::graph::{ResolvedGraph, Slot};
use referee::semantics::{EvaluateError, Fetch, evaluate_output};

/// Fewest elements of each tensor that are compared with the scalar reference; the first and the last are among them.
pub const SAMPLES: u32 = 64;

/// Why a trace must not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// A boundary tensor came out differently than it was committed to.
    #[error(
        "F0201 tensor {slot} of the boundary came out differently than committed; sign nothing, and replay the job on another backend"
    )]
    Boundary {
        /// The tensor.
        slot: Slot,
    },
    /// An element is not what the scalar reference gives.
    #[error(
        "F0202 element {element} of tensor {slot} is {computed}, the scalar reference gives {reference}; sign nothing: the hardware or its driver is faulty"
    )]
    Differs {
        /// The tensor.
        slot: Slot,
        /// Row-major index.
        element: u32,
        /// What the backend gave.
        computed: i64,
        /// What is right.
        reference: i64,
    },
    /// The boundary has another number of tensors than there are committed hashes.
    #[error("F0203 {given} committed hashes for a boundary of {expected} tensors; give the hashes of this job")]
    Count {
        /// Hashes given.
        given: usize,
        /// Tensors of the boundary.
        expected: usize,
    },
    /// A tensor is missing or has the wrong size.
    #[error("F0204 the trace cannot be checked: {0}; give all that the segment reads and produces")]
    Tensor(#[from] KernelError),
    /// An element could not be computed.
    #[error("F0205 the trace cannot be checked: {0}; give all that the segment reads and produces")]
    Evaluate(#[from] EvaluateError),
}

/// Hashes a segment's tensors and checks that they may be signed: boundary tensors are those that were committed to, and
/// [`SAMPLES`] elements of every tensor, drawn by `seed`, are those of the scalar reference.
///
/// `tensors` holds all that the segment produces and the Temps that it reads; `committed` the hashes of the whole boundary.
///
/// # Errors
/// The first thing that forbids signing.
pub fn check_before_signing(
    subject: &Subject,
    hasher: &Hasher,
    segment: u16,
    tensors: &TensorSet,
    committed: &[Hash],
    seed: &[u8; 32],
) -> Result<SegmentTrace, GuardError> {
    let graph = &subject.resolved;
    if committed.len() != graph.boundary.len() {
        return Err(GuardError::Count { given: committed.len(), expected: graph.boundary.len() });
    }
    let trace = segment_trace(graph, segment, tensors, hasher)?;
    for (slot, hash) in trace.slots.iter().zip(&trace.hashes) {
        let committed = graph.boundary_position(*slot).and_then(|position| committed.get(usize::from(position)));
        if committed.is_some_and(|committed| committed != hash) {
            return Err(GuardError::Boundary { slot: *slot });
        }
    }
    let mut values = Values { subject, tensors };
    for slot in &trace.slots {
        let elements = graph.tensors.get(usize::from(*slot)).map_or(0, |tensor| tensor.elements());
        for element in samples(seed, *slot, elements) {
            let reference = evaluate_output(graph, *slot, element, &mut values)?;
            let computed = values.fetch(*slot, element).ok_or(EvaluateError::Missing { slot: *slot, element })?;
            if computed != reference {
                return Err(GuardError::Differs { slot: *slot, element, computed, reference });
            }
        }
    }
    Ok(trace)
}

/// The elements that are compared: all of a small tensor, else the first, the last, and others drawn by the seed.
fn samples(seed: &[u8; 32], slot: Slot, elements: u32) -> Vec<u32> {
    if elements <= SAMPLES {
        return (0..elements).collect();
    }
    let drawn = (0..SAMPLES).map(|index| {
        let hash = sha256(&[b"assay/guard/1", seed, &slot.to_le_bytes(), &index.to_le_bytes()]);
        let word = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        (word % u64::from(elements)) as u32
    });
    let mut samples: Vec<u32> = [0, elements - 1].into_iter().chain(drawn).collect();
    samples.sort_unstable();
    samples.dedup();
    // Equal draws are replaced by what follows them, so that there are never fewer than promised.
    let mut next = 0;
    while samples.len() < SAMPLES as usize {
        if samples.binary_search(&next).is_err() {
            samples.push(next);
            samples.sort_unstable();
        }
        next += 1;
    }
    samples
}

/// Elements of params, inputs and a set of Temps.
pub struct Values<'a> {
    /// Params and inputs.
    pub subject: &'a Subject,
    /// Temps.
    pub tensors: &'a TensorSet,
}

impl Fetch for Values<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let graph: &ResolvedGraph = &self.subject.resolved;
        let dtype = graph.tensors.get(usize::from(slot))?.dtype;
        let bytes = self.tensors.get(&slot).or_else(|| self.subject.given(slot).ok())?;
        dtype.read(bytes, element as usize)
    }
}
