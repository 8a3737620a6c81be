//! A result with all its trees, to prove faults in.

use referee::commit::Hash;
use referee::graph::{Graph, ResolvedGraph, Slot, TensorKind};
use referee::proof::build::{
    BuildError, Evidence, GraphTree, HashTree, Leaves, Nodes, WholeTensor, element_proof, mismatch_proof, pinned,
};
use referee::proof::{Finding, Pinned, Rejection, Source, judge};

pub struct Court {
    pub graph: GraphTree,
    pub resolved: ResolvedGraph,
    pub segment: u16,
    /// By slot, as they stand in the boundary.
    committed: Vec<WholeTensor<'static>>,
    /// By slot, as they stand in the traces of segments.
    traced: Vec<WholeTensor<'static>>,
    lists: [HashTree; 4],
}

fn trees(resolved: &ResolvedGraph, tensors: &[Vec<u8>]) -> Vec<WholeTensor<'static>> {
    let tree = |(tensor, data): (&referee::graph::ResolvedTensor, &Vec<u8>)| {
        WholeTensor::new(&tensor.layout, data.clone()).expect("the tensor has its size")
    };
    resolved.tensors.iter().zip(tensors).map(tree).collect()
}

impl Court {
    /// The result of these tensors; `segment` is the one whose root is pinned.
    pub fn new(graph: &Graph, resolved: &ResolvedGraph, tensors: &[Vec<u8>], segment: u16) -> Self {
        Self::torn(graph, resolved, tensors, tensors, segment)
    }

    /// As [`new`](Self::new), with other tensors in the traces of segments than in the boundary.
    pub fn torn(
        graph: &Graph,
        resolved: &ResolvedGraph,
        committed: &[Vec<u8>],
        traced: &[Vec<u8>],
        segment: u16,
    ) -> Self {
        let (committed, traced) = (trees(resolved, committed), trees(resolved, traced));
        let list = |slots: Vec<Slot>, tensors: &[WholeTensor<'_>]| {
            let hashes: Vec<Hash> = slots.iter().map(|slot| tensors[usize::from(*slot)].hash().unwrap()).collect();
            HashTree::new(&hashes)
        };
        let lists = [
            list(resolved.slots_of(TensorKind::Param), &committed),
            list(resolved.slots_of(TensorKind::Input), &committed),
            list(resolved.boundary.iter().map(|entry| entry.slot).collect(), &committed),
            list(resolved.segment_slots(segment), &traced),
        ];
        Self { graph: GraphTree::new(graph), resolved: resolved.clone(), segment, committed, traced, lists }
    }

    pub fn with<R>(&self, use_it: impl FnOnce(&Evidence<'_>) -> R) -> R {
        let tensor = |source: Source, slot: Slot| -> Option<&dyn Leaves> {
            let tensors = if source == Source::Segment { &self.traced } else { &self.committed };
            Some(tensors.get(usize::from(slot))? as &dyn Leaves)
        };
        let lists: [Option<&dyn Nodes>; 4] = std::array::from_fn(|index| Some(&self.lists[index] as &dyn Nodes));
        use_it(&Evidence {
            graph: &self.graph,
            resolved: &self.resolved,
            lists,
            segment: Some(self.segment),
            tensor: &tensor,
        })
    }

    pub fn pinned(&self) -> Pinned {
        self.with(pinned).expect("everything is known")
    }

    /// Where the tensor stands: in the boundary if it can.
    pub fn source(&self, slot: Slot) -> Source {
        match self.resolved.boundary_position(slot) {
            Some(_) => Source::Boundary,
            None => Source::Segment,
        }
    }

    pub fn proof(&self, slot: Slot, element: u32, source: Source) -> Result<Vec<u8>, BuildError> {
        self.with(|evidence| element_proof(evidence, slot, element, source))
    }

    pub fn mismatch(&self, slot: Slot) -> Result<Vec<u8>, BuildError> {
        self.with(|evidence| mismatch_proof(evidence, slot))
    }

    pub fn judge(&self, proof: &[u8]) -> Result<Finding, Rejection> {
        judge(proof, &self.pinned())
    }
}
