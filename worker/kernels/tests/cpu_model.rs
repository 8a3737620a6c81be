//! Loading and running: what is refused, what is kept, and that runs do not disturb each other.

use assay_kernels::conformance::{Level, Vector, random_vector, vectors};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Isa, Keep, KernelError, Model, TensorSet};
use referee::graph::{ResolvedGraph, Slot, TensorKind};
use std::sync::Arc;

fn backend() -> CpuBackend {
    CpuBackend::new(CpuOptions { threads: 2, isa: None }).unwrap()
}

/// A vector of several segments with params and inputs.
fn vector() -> Vector {
    let segments = |vector: &Vector| vector.graph.cuts.len() >= 2 && vector.params.len() + vector.inputs.len() > 2;
    (0..).map(random_vector).find(|vector| segments(vector) && !vector.params.is_empty()).unwrap()
}

fn load(vector: &Vector) -> (Arc<ResolvedGraph>, Box<dyn Model>) {
    let graph = Arc::new(vector.resolve().unwrap());
    let model = backend().load(Arc::clone(&graph), &vector.params).unwrap();
    (graph, model)
}

#[test]
fn an_instruction_set_that_the_processor_lacks_is_refused() {
    for isa in Isa::ALL.into_iter().filter(|isa| !isa.is_available()) {
        let error = CpuBackend::new(CpuOptions { threads: 1, isa: Some(isa) }).unwrap_err();
        let KernelError::Device { reason, .. } = &error else { panic!("{error}") };
        assert!(reason.contains(isa.name()), "{reason}");
    }
    assert_eq!(Isa::available().last(), Some(&Isa::Scalar));
    assert_eq!(Isa::available().first(), Some(&Isa::detect()));
}

#[test]
fn the_description_names_instruction_set_and_threads() {
    let backend = CpuBackend::new(CpuOptions { threads: 3, isa: Some(Isa::Scalar) }).unwrap();
    assert_eq!((backend.name(), backend.description().as_str()), ("cpu", "scalar, 3 threads"));
    assert!(CpuBackend::new(CpuOptions::default()).unwrap().threads() >= 1);
}

#[test]
fn missing_params_and_params_of_the_wrong_size_are_refused() {
    let vector = vector();
    let graph = Arc::new(vector.resolve().unwrap());
    for slot in graph.slots_of(TensorKind::Param) {
        let mut params = vector.params.clone();
        params.remove(&slot);
        let error = backend().load(Arc::clone(&graph), &params).err();
        assert_eq!(error, Some(KernelError::Missing { slot }));
        let expected = graph.tensors[usize::from(slot)].bytes();
        for given in [0, expected - 1, expected + 1] {
            params.insert(slot, vec![0; given].into());
            let error = backend().load(Arc::clone(&graph), &params).err();
            assert_eq!(error, Some(KernelError::Size { slot, expected, given }));
        }
    }
}

#[test]
fn missing_inputs_and_inputs_of_the_wrong_size_are_refused() {
    let vector = (0..).map(random_vector).find(|vector| vector.inputs.len() > 1).unwrap();
    let (graph, model) = load(&vector);
    for slot in graph.slots_of(TensorKind::Input) {
        let mut inputs = vector.inputs.clone();
        inputs.remove(&slot);
        for keep in [Keep::Boundary, Keep::Everything] {
            assert_eq!(model.run(&inputs, keep).err(), Some(KernelError::Missing { slot }));
        }
        let expected = graph.tensors[usize::from(slot)].bytes();
        inputs.insert(slot, vec![0; expected + 1].into());
        let error = model.run(&inputs, Keep::Boundary).err();
        assert_eq!(error, Some(KernelError::Size { slot, expected, given: expected + 1 }));
    }
}

#[test]
fn a_segment_asks_for_the_tensors_of_earlier_ones_and_no_others() {
    let vector = vector();
    let (graph, model) = load(&vector);
    let everything = model.run(&vector.inputs, Keep::Everything).unwrap().tensors;
    for segment in 0..graph.segments.len() as u16 {
        let range = graph.segments[usize::from(segment)];
        let ops = &graph.ops[usize::from(range.first)..usize::from(range.end)];
        let own = graph.segment_slots(segment);
        let mut needed: Vec<Slot> = ops.iter().flat_map(|op| op.operands.iter().map(|view| view.slot)).collect();
        needed.retain(|slot| !own.contains(slot) && graph.tensors[usize::from(*slot)].kind != TensorKind::Param);
        needed.sort_unstable();
        needed.dedup();
        let value = |slot: &Slot| everything.get(slot).or(vector.inputs.get(slot)).cloned().unwrap();
        let given: TensorSet = needed.iter().map(|slot| (*slot, value(slot))).collect();
        let run = model.run(&given, Keep::Segment(segment)).unwrap().tensors;
        assert_eq!(run.keys().copied().collect::<Vec<_>>(), {
            let mut own = own.clone();
            own.sort_unstable();
            own
        });
        assert!(run.iter().all(|(slot, bytes)| everything.get(slot) == Some(bytes)));
        for slot in &needed {
            let mut less = given.clone();
            less.remove(slot);
            let error = model.run(&less, Keep::Segment(segment)).err();
            assert_eq!(error, Some(KernelError::Missing { slot: *slot }));
        }
    }
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let backend = backend();
    for vector in vectors(Level::SelfTest) {
        let graph = Arc::new(vector.resolve().unwrap());
        let model = backend.load(graph, &vector.params).unwrap();
        let expected = model.run(&vector.inputs, Keep::Boundary).unwrap().tensors;
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        assert_eq!(model.run(&vector.inputs, Keep::Boundary).unwrap().tensors, expected);
                    }
                });
            }
        });
    }
}

#[test]
fn memory_is_planned_ahead() {
    let vector = vector();
    let (graph, model) = load(&vector);
    let one_thread = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let small = one_thread.load(Arc::clone(&graph), &vector.params).unwrap();
    assert!(small.working_bytes() < model.working_bytes(), "each thread has scratch of its own");
    let kept: usize = graph.boundary.iter().map(|entry| graph.tensors[usize::from(entry.slot)].bytes()).sum();
    assert!(small.working_bytes() > kept as u64);
}
