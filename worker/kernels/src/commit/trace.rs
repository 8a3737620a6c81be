//! The roots over several tensors: boundary, params, inputs, segments.

use super::tensor::Hasher;
use crate::{KernelError, TensorSet};
use rayon::prelude::*;
use referee::commit::{Hash, ListRole, list_root, merkle_path, merkle_root};
use referee::graph::{ResolvedGraph, Slot, TensorKind};

/// What a result commits to: the hashes of the boundary tensors in producer order, and the root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Hash of each tensor of [`ResolvedGraph::boundary`].
    pub hashes: Vec<Hash>,
    /// Merkle root over them.
    pub merkle_root: Hash,
    /// The boundary root: what the result commitment hashes.
    pub root: Hash,
}

impl Boundary {
    /// The boundary of these tensor hashes.
    pub fn new(hashes: Vec<Hash>) -> Self {
        let merkle_root = merkle_root(&hashes);
        let root = list_root(ListRole::Boundary, hashes.len() as u32, &merkle_root);
        Self { hashes, merkle_root, root }
    }

    /// The path from a tensor's hash to the Merkle root; `None` beyond the last position.
    pub fn path(&self, position: u16) -> Option<Vec<Hash>> {
        merkle_path(&self.hashes, u32::from(position))
    }
}

impl Hasher {
    /// The boundary of a run's tensors.
    ///
    /// # Errors
    /// A boundary tensor that is missing or has the wrong size.
    pub fn boundary(&self, graph: &ResolvedGraph, tensors: &TensorSet) -> Result<Boundary, KernelError> {
        let slots: Vec<Slot> = graph.boundary.iter().map(|entry| entry.slot).collect();
        Ok(Boundary::new(self.hashes(graph, tensors, &slots)?))
    }

    /// Root of the params, which a job pins.
    ///
    /// # Errors
    /// A param that is missing or has the wrong size.
    pub fn params_root(&self, graph: &ResolvedGraph, params: &TensorSet) -> Result<Hash, KernelError> {
        self.list(graph, params, TensorKind::Param, ListRole::Params)
    }

    /// Root of the inputs, which a job pins.
    ///
    /// # Errors
    /// An input that is missing or has the wrong size.
    pub fn inputs_root(&self, graph: &ResolvedGraph, inputs: &TensorSet) -> Result<Hash, KernelError> {
        self.list(graph, inputs, TensorKind::Input, ListRole::Inputs)
    }

    /// Root of the trace of one segment, from all tensors that it produces.
    ///
    /// # Errors
    /// A tensor that is missing or has the wrong size.
    pub fn segment_root(&self, graph: &ResolvedGraph, segment: u16, tensors: &TensorSet) -> Result<Hash, KernelError> {
        let hashes = self.hashes(graph, tensors, &graph.segment_slots(segment))?;
        Ok(ResolvedGraph::segment_root(segment, &hashes))
    }

    /// Hashes of the tensors at `slots`, in that order.
    ///
    /// # Errors
    /// A tensor that is missing or has the wrong size.
    pub fn hashes(&self, graph: &ResolvedGraph, tensors: &TensorSet, slots: &[Slot]) -> Result<Vec<Hash>, KernelError> {
        let hash = |slot: &Slot| {
            let missing = KernelError::Missing { slot: *slot };
            let tensor = graph.tensors.get(usize::from(*slot)).ok_or(missing.clone())?;
            let data = tensors.get(slot).ok_or(missing)?;
            Ok(self.tensor(*slot, &tensor.layout, data)?.hash)
        };
        let bytes: usize = slots.iter().filter_map(|slot| tensors.get(slot)).map(|data| data.len()).sum();
        if slots.len() > 1 && bytes > PARALLEL_BYTES {
            slots.par_iter().map(hash).collect()
        } else {
            slots.iter().map(hash).collect()
        }
    }

    fn list(
        &self,
        graph: &ResolvedGraph,
        tensors: &TensorSet,
        kind: TensorKind,
        role: ListRole,
    ) -> Result<Hash, KernelError> {
        Ok(ResolvedGraph::tensors_root(role, &self.hashes(graph, tensors, &graph.slots_of(kind))?))
    }
}

/// Up to this the lists are hashed on the calling thread: about 30 us of work, less than other threads need to wake up for it.
const PARALLEL_BYTES: usize = 64 << 10;
