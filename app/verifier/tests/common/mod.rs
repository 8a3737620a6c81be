//! Jobs with their results, honest or with a lie, all trees known, and a caller of the verifier.
#![allow(dead_code, unreachable_pub, reason = "each test file includes it and uses a part")]

use assay_models::artifact::encode_bundle;
use assay_models::builder::Model;
use assay_models::digits::{self, Dataset};
use assay_models::{TensorSet, mlp};
use assay_verifier::{Operation, Verifier};
use referee::commit::{Hash, commitment, merkle_path};
use referee::graph::{ResolvedGraph, ResolvedTensor, Slot, TensorKind};
use referee::proof::build::{
    Evidence, GraphTree, HashTree, Leaves, Nodes, WholeTensor, element_proof, mismatch_proof, pinned,
};
use referee::proof::{Pinned, Source};
use referee::semantics::run;

pub const JOB: [u8; 32] = [0x0a; 32];
pub const NODE: [u8; 32] = [0x0b; 32];

/// A job and its honest result.
pub struct Scene {
    pub name: &'static str,
    pub model: Model,
    pub resolved: ResolvedGraph,
    pub inputs: TensorSet,
    /// Bytes of every tensor by slot.
    pub tensors: Vec<Vec<u8>>,
}

impl Scene {
    fn new(name: &'static str, model: Model, inputs: TensorSet, symbols: &[u32]) -> Self {
        let resolved = model.graph.resolve(symbols).unwrap();
        let given: Vec<&[u8]> = (0..resolved.tensors.len() as Slot)
            .map(|slot| model.params.get(&slot).or_else(|| inputs.get(&slot)).map_or(&[][..], |bytes| &bytes[..]))
            .collect();
        let tensors = run(&resolved, &given).unwrap().tensors;
        Self { name, model, resolved, inputs, tensors }
    }

    /// Three linear layers, each a segment of its own, over three rows.
    pub fn layers() -> Self {
        let shape = mlp::Shape { inputs: 40, hidden: vec![32, 24], outputs: 8, max_batch: 8 };
        Self::new("layers", mlp::model(&shape, 7).unwrap(), mlp::inputs(&shape, 3, 8), &[3])
    }

    /// The digits network over two images.
    pub fn digits() -> Self {
        let images = &Dataset::embedded().held_out[..2];
        Self::new("digits", digits::model().unwrap(), digits::inputs(images), &digits::symbols(images))
    }

    pub fn graph_bytes(&self) -> Vec<u8> {
        self.model.graph.encode()
    }

    pub fn params_bundle(&self) -> Vec<u8> {
        encode_bundle(&self.model.params)
    }

    pub fn inputs_bundle(&self) -> Vec<u8> {
        encode_bundle(&self.inputs)
    }

    pub fn output(&self) -> Slot {
        self.resolved.outputs[0]
    }

    pub fn tensor(&self, slot: Slot) -> &ResolvedTensor {
        &self.resolved.tensors[usize::from(slot)]
    }

    /// The honest tensors with one element changed in its lowest bit.
    pub fn with_lie(&self, slot: Slot, element: u32) -> Vec<Vec<u8>> {
        let mut tensors = self.tensors.clone();
        let at = element as usize * self.tensor(slot).dtype.bytes() as usize;
        tensors[usize::from(slot)][at] ^= 1;
        tensors
    }

    /// What a node commits to that has these boundary tensors.
    pub fn committed(&self, tensors: &[Vec<u8>]) -> Committed {
        let hashes: Vec<Hash> = self.boundary_hashes(tensors);
        let boundary_root = ResolvedGraph::tensors_root(referee::commit::ListRole::Boundary, &hashes);
        let layout = &self.tensor(self.output()).layout;
        Committed {
            boundary_root,
            output_root: layout.root(&tensors[usize::from(self.output())]).unwrap(),
            commitment: commitment(&JOB, &NODE, &boundary_root),
            output_path: merkle_path(&hashes, self.resolved.boundary_position(self.output()).unwrap().into()).unwrap(),
        }
    }

    pub fn boundary_hashes(&self, tensors: &[Vec<u8>]) -> Vec<Hash> {
        let hash = |slot: Slot| self.tensor(slot).layout.hash(&tensors[usize::from(slot)]).unwrap();
        self.resolved.boundary.iter().map(|entry| hash(entry.slot)).collect()
    }

    /// The bytes of `Operation::CheckJob` after the handle.
    pub fn pins(&self) -> Vec<u8> {
        let pinned = self.prove(&self.tensors, &self.tensors, 0, |_| ()).0;
        let layout = &self.tensor(self.output()).layout;
        let mut bytes = [pinned.graph_root, pinned.params_root, pinned.inputs_root].concat();
        bytes.extend_from_slice(&pinned.ir_version.to_le_bytes());
        pinned.symbols.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        bytes.extend_from_slice(&layout.uid);
        bytes.extend_from_slice(&layout.leaves().to_le_bytes());
        bytes.push(layout.depth());
        bytes.extend_from_slice(&self.resolved.boundary_position(self.output()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&(self.resolved.boundary.len() as u16).to_le_bytes());
        bytes
    }

    /// What is pinned of a result with these tensors in the boundary and those in the trace of a segment, and a proof in it.
    pub fn prove<R>(
        &self,
        committed: &[Vec<u8>],
        traced: &[Vec<u8>],
        segment: u16,
        prove: impl FnOnce(&Evidence<'_>) -> R,
    ) -> (Pinned, R) {
        let trees = |tensors: &[Vec<u8>]| -> Vec<WholeTensor<'static>> {
            let tree =
                |(tensor, data): (&ResolvedTensor, &Vec<u8>)| WholeTensor::new(&tensor.layout, data.clone()).unwrap();
            self.resolved.tensors.iter().zip(tensors).map(tree).collect()
        };
        let (committed, traced) = (trees(committed), trees(traced));
        let list = |slots: Vec<Slot>, tensors: &[WholeTensor<'_>]| {
            let hashes: Vec<Hash> = slots.iter().map(|slot| tensors[usize::from(*slot)].hash().unwrap()).collect();
            HashTree::new(&hashes)
        };
        let lists = [
            list(self.resolved.slots_of(TensorKind::Param), &committed),
            list(self.resolved.slots_of(TensorKind::Input), &committed),
            list(self.resolved.boundary.iter().map(|entry| entry.slot).collect(), &committed),
            list(self.resolved.segment_slots(segment), &traced),
        ];
        let tensor = |source: Source, slot: Slot| -> Option<&dyn Leaves> {
            let tensors = if source == Source::Segment { &traced } else { &committed };
            Some(tensors.get(usize::from(slot))? as &dyn Leaves)
        };
        let graph = GraphTree::new(&self.model.graph);
        let lists: [Option<&dyn Nodes>; 4] = std::array::from_fn(|index| Some(&lists[index] as &dyn Nodes));
        let evidence =
            Evidence { graph: &graph, resolved: &self.resolved, lists, segment: Some(segment), tensor: &tensor };
        (pinned(&evidence).unwrap(), prove(&evidence))
    }

    pub fn element_proof(&self, tensors: &[Vec<u8>], slot: Slot, element: u32) -> (Pinned, Vec<u8>) {
        let placement = &self.tensor(slot).placement;
        let source = if placement.boundary_position().is_some() { Source::Boundary } else { Source::Segment };
        let (pinned, proof) = self.prove(tensors, tensors, placement.segment, |evidence| {
            element_proof(evidence, slot, element, source).unwrap()
        });
        (pinned, proof)
    }

    /// The boundary has a lie that the trace of the segment has not.
    pub fn mismatch_proof(&self, slot: Slot) -> (Pinned, Vec<u8>) {
        let segment = self.tensor(slot).placement.segment;
        self.prove(&self.with_lie(slot, 0), &self.tensors, segment, |evidence| mismatch_proof(evidence, slot).unwrap())
    }
}

/// What stands on-chain of a result.
pub struct Committed {
    pub boundary_root: Hash,
    pub output_root: Hash,
    pub commitment: Hash,
    pub output_path: Vec<Hash>,
}

/// A verifier with a work of a scene open.
pub struct Caller {
    pub verifier: Verifier,
    pub handle: [u8; 4],
}

impl Caller {
    pub fn open(scene: &Scene) -> Self {
        let mut verifier = Verifier::default();
        let reply =
            call(&mut verifier, Operation::Open, &open_request(&scene.graph_bytes(), &scene.resolved.symbols)).unwrap();
        Self { verifier, handle: reply[..4].try_into().unwrap() }
    }

    /// As `open`, with params and inputs given.
    pub fn given(scene: &Scene) -> Self {
        let mut caller = Self::open(scene);
        caller.call(Operation::Give, &[&[1], &scene.params_bundle()[..]].concat()).unwrap();
        caller.call(Operation::Give, &[&[0], &scene.inputs_bundle()[..]].concat()).unwrap();
        caller
    }

    /// As `given`, run to its end.
    pub fn finished(scene: &Scene) -> Self {
        let mut caller = Self::given(scene);
        assert_eq!(caller.call(Operation::Advance, &u64::MAX.to_le_bytes()).unwrap()[16], 1);
        caller
    }

    /// Serves boundary tensors.
    pub fn serve(&mut self, scene: &Scene, tensors: &[Vec<u8>]) {
        for entry in &scene.resolved.boundary {
            let request = [&entry.slot.to_le_bytes()[..], &tensors[usize::from(entry.slot)]].concat();
            self.call(Operation::Serve, &request).unwrap();
        }
    }

    /// An operation on the work.
    pub fn call(&mut self, operation: Operation, request: &[u8]) -> Result<Vec<u8>, String> {
        call(&mut self.verifier, operation, &[&self.handle, request].concat())
    }

    /// The code of an operation's error, `ok` where there is none.
    pub fn code(&mut self, operation: Operation, request: &[u8]) -> String {
        code(self.call(operation, request))
    }
}

pub fn open_request(graph: &[u8], symbols: &[u32]) -> Vec<u8> {
    let values: Vec<u8> = symbols.iter().flat_map(|value| value.to_le_bytes()).collect();
    [&[symbols.len() as u8], &values[..], graph].concat()
}

pub fn call(verifier: &mut Verifier, operation: Operation, request: &[u8]) -> Result<Vec<u8>, String> {
    match verifier.call(operation as u32, request).split_first() {
        Some((0, result)) => Ok(result.to_vec()),
        Some((1, error)) => Err(String::from_utf8(error.to_vec()).unwrap()),
        other => panic!("a reply begins with 0 or 1: {other:?}"),
    }
}

/// The code of an error, `ok` where there is none.
pub fn code(outcome: Result<Vec<u8>, String>) -> String {
    outcome.map_or_else(|error| error[..5].to_owned(), |_| "ok".to_owned())
}

/// The bytes of `Operation::Judge`.
pub fn judge_request(pinned: &Pinned, proof: &[u8]) -> Vec<u8> {
    let mut bytes = [pinned.graph_root, pinned.params_root, pinned.inputs_root, pinned.boundary_root].concat();
    bytes.extend_from_slice(&pinned.boundary_count.to_le_bytes());
    bytes.extend_from_slice(&pinned.ir_version.to_le_bytes());
    pinned.symbols.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    match &pinned.segment {
        None => bytes.push(0),
        Some(segment) => {
            bytes.push(1);
            bytes.extend_from_slice(&segment.index.to_le_bytes());
            bytes.extend_from_slice(&segment.root);
        }
    }
    bytes.extend_from_slice(proof);
    bytes
}
