//! The vectors themselves: every graph is one that the checks accept and the reference runs; together they use
//! every kind, instruction and element type; a wrong backend is found out.

use assay_kernels::conformance::{Level, Vector, VerifyError, random_vector, vectors, verify};
use assay_kernels::{Backend, Execution, Keep, KernelError, Model, TensorSet};
use referee::graph::{Dtype, Instruction, OpKind, OutOfBounds, ResolvedGraph, TensorKind};
use referee::semantics;
use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

/// The scalar reference as a backend, with a fault to order.
#[derive(Debug)]
struct Reference {
    /// Flips the lowest bit of the last byte of the last tensor of a run that keeps this.
    wrong: Option<Keep>,
}

struct ReferenceModel {
    graph: Arc<ResolvedGraph>,
    params: TensorSet,
    wrong: Option<Keep>,
}

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn description(&self) -> String {
        "scalar reference".into()
    }

    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError> {
        Ok(Box::new(ReferenceModel { graph, params: params.clone(), wrong: self.wrong }))
    }
}

impl Model for ReferenceModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        let given: Vec<&[u8]> = (0..self.graph.tensors.len() as u16)
            .map(|slot| inputs.get(&slot).or_else(|| self.params.get(&slot)).map_or(&[][..], |bytes| bytes))
            .collect();
        let trace = semantics::run(&self.graph, &given).expect("vectors run");
        let kept = match keep {
            Keep::Boundary => self.graph.boundary.iter().map(|entry| entry.slot).collect(),
            Keep::Everything => self.graph.slots_of(TensorKind::Temp),
            Keep::Segment(segment) => self.graph.segment_slots(segment),
        };
        let mut tensors: TensorSet =
            kept.iter().map(|slot| (*slot, trace.tensors[usize::from(*slot)].as_slice().into())).collect();
        if self.wrong == Some(keep) {
            let mut last = tensors.last_entry().expect("every run keeps a tensor");
            let mut bytes = last.get().to_vec();
            *bytes.last_mut().expect("no tensor is empty") ^= 1;
            *last.get_mut() = bytes.into();
        }
        Ok(Execution { tensors, kernel_time: Duration::ZERO })
    }

    fn working_bytes(&self) -> u64 {
        0
    }

    fn param_bytes(&self) -> u64 {
        0
    }
}

#[test]
fn every_vector_is_a_checked_graph_that_the_reference_runs() {
    verify(&Reference { wrong: None }, &vectors(Level::Full)).unwrap();
    let random: Vec<Vector> = (0..200).map(random_vector).collect();
    verify(&Reference { wrong: None }, &random).unwrap();
}

#[test]
fn one_wrong_bit_is_found_in_every_kind_of_run() {
    let vectors = vectors(Level::SelfTest);
    for keep in [Keep::Everything, Keep::Boundary, Keep::Segment(0)] {
        let error = verify(&Reference { wrong: Some(keep) }, &vectors).unwrap_err();
        let VerifyError::Mismatch(mismatch) = error else { panic!("{error}") };
        assert_eq!((mismatch.vector, mismatch.keep), (vectors[0].name.clone(), keep));
        assert_ne!(Some(mismatch.expected), mismatch.got);
    }
}

#[test]
fn names_are_unique_and_vectors_always_the_same() {
    let (first, second) = (vectors(Level::Full), vectors(Level::Full));
    let mut names = BTreeSet::new();
    for vector in &first {
        assert!(names.insert(&vector.name), "{} twice", vector.name);
    }
    for (a, b) in first.iter().zip(&second) {
        assert_eq!((&a.graph, &a.inputs, &a.params), (&b.graph, &b.inputs, &b.params), "{}", a.name);
    }
}

/// What a set of vectors uses.
#[derive(Default)]
struct Coverage {
    kinds: BTreeSet<u8>,
    pairs: BTreeSet<(Dtype, Dtype)>,
    instructions: Vec<std::mem::Discriminant<Instruction>>,
    stored: BTreeSet<Dtype>,
    loaded: BTreeSet<Dtype>,
    padded: bool,
    clamped_outside: bool,
    negative: bool,
    window: bool,
    reshaped: bool,
    indirect: bool,
    symbols: bool,
    cuts: bool,
}

impl Coverage {
    fn of(vectors: &[Vector]) -> Self {
        let mut coverage = Self::default();
        for vector in vectors {
            let graph = vector.resolve().unwrap();
            coverage.symbols |= !graph.symbols.is_empty();
            coverage.cuts |= graph.segments.len() > 1;
            for op in &graph.ops {
                coverage.kinds.insert(op.kind as u8);
                if op.kind == OpKind::Contract {
                    coverage.pairs.insert((op.operands[0].dtype, op.operands[1].dtype));
                }
                coverage.stored.extend(op.outputs.iter().map(|slot| graph.tensors[usize::from(*slot)].dtype));
                for program in op.prologue.iter().chain([&op.program]) {
                    for instruction in &graph.programs[usize::from(*program)].code {
                        if !coverage.instructions.contains(&discriminant(instruction)) {
                            coverage.instructions.push(discriminant(instruction));
                        }
                    }
                }
                for view in &op.operands {
                    coverage.loaded.insert(view.dtype);
                    coverage.indirect |= view.indirect.is_some();
                    coverage.negative |= view.terms.iter().any(|term| term.coefficient < 0);
                    coverage.window |= view.terms.windows(2).any(|pair| pair[0].source_axis == pair[1].source_axis);
                    coverage.reshaped |= view.dims != graph.tensors[usize::from(view.slot)].dims;
                    match view.out_of_bounds {
                        OutOfBounds::Pad(_) => coverage.padded = true,
                        OutOfBounds::Clamp => coverage.clamped_outside |= view.offsets.iter().any(|offset| *offset < 0),
                    }
                }
            }
        }
        coverage
    }
}

#[test]
fn full_covers_every_kind_pair_type_instruction_and_form_of_view() {
    let coverage = Coverage::of(&vectors(Level::Full));
    assert_eq!(coverage.kinds.len(), 6);
    assert_eq!(coverage.pairs.len(), 3);
    assert_eq!(coverage.instructions.len(), 28);
    assert_eq!((coverage.stored.len(), coverage.loaded.len()), (4, 4));
    let forms = [
        coverage.padded,
        coverage.clamped_outside,
        coverage.negative,
        coverage.window,
        coverage.reshaped,
        coverage.indirect,
        coverage.symbols,
        coverage.cuts,
    ];
    assert_eq!(forms, [true; 8]);
}

#[test]
fn the_self_test_covers_every_instruction_and_type() {
    let coverage = Coverage::of(&vectors(Level::SelfTest));
    assert_eq!(coverage.instructions.len(), 28);
    assert_eq!((coverage.stored.len(), coverage.loaded.len()), (4, 4));
    assert!(coverage.padded && coverage.window && coverage.indirect && coverage.cuts);
}
