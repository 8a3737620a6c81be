//! The wgpu backend as its callers see it: adapters, errors, limits, memory, repeated and concurrent runs.

mod wgpu_adapter;

use assay_kernels::conformance::{Level, Vector, vectors, verify};
use assay_kernels::{Backend, Keep, KernelError, Model, Strategy, TensorSet, WgpuBackend, WgpuOptions};
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Slot, Tensor, TensorKind, Term, View,
};
use referee::semantics;
use std::sync::Arc;
use wgpu_adapter::{open, paired};

fn view(slot: Slot, dims: &[u32], axes: &[u8]) -> View {
    let term = |(source, axis): (usize, &u8)| Term { source_axis: source as u8, iteration_axis: *axis, coefficient: 1 };
    View {
        slot,
        as_shape: dims.iter().copied().map(Dim::Const).collect(),
        offsets: vec![0; dims.len()],
        terms: axes.iter().enumerate().map(term).collect(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    }
}

fn tensor(dtype: Dtype, kind: TensorKind, dims: &[u32]) -> Tensor {
    Tensor { dtype, kind, shape: dims.iter().copied().map(Dim::Const).collect() }
}

fn graph(tensors: Vec<Tensor>, op: Op, code: Vec<Instruction>, constants: Vec<i64>) -> Graph {
    let outputs = op.outputs.clone();
    Graph {
        symbols: vec![],
        tensors,
        programs: vec![Program { constants, code }],
        ops: vec![op],
        cuts: vec![],
        outputs,
    }
}

/// `[m, k] x [n, k]` of u8 by i8, rounded to i8, the raw sum beside it.
fn linear(m: u32, n: u32, k: u32) -> Vector {
    product((m, n, k), Dtype::U8, Dtype::I8)
}

/// The same of other element types.
fn product((m, n, k): (u32, u32, u32), left: Dtype, right: Dtype) -> Vector {
    let tensors = vec![
        tensor(left, TensorKind::Input, &[m, k]),
        tensor(right, TensorKind::Param, &[n, k]),
        tensor(Dtype::I8, TensorKind::Temp, &[m, n]),
        tensor(Dtype::I32, TensorKind::Temp, &[m, n]),
    ];
    let op = Op {
        kind: OpKind::Contract,
        outputs: vec![2, 3],
        output_axes: vec![Dim::Const(m), Dim::Const(n)],
        reduction_axes: vec![Dim::Const(k)],
        operands: vec![view(0, &[m, k], &[0, 2]), view(1, &[n, k], &[1, 2])],
        prologue: None,
        program: 0,
    };
    let code = vec![
        Instruction::Store { output: 1, a: 0 },
        Instruction::Constant { d: 1, index: 0 },
        Instruction::Mul { d: 0, a: 0, b: 1 },
        Instruction::RoundShift { d: 0, a: 0, shift: 40 },
        Instruction::Store { output: 0, a: 0 },
    ];
    Vector {
        name: format!("{m}x{n}x{k} {left:?}x{right:?}"),
        graph: graph(tensors, op, code, vec![1_234_567_891]),
        symbols: vec![],
        stretch: None,
        inputs: TensorSet::from([(0, bytes(m * k, 3))]),
        params: TensorSet::from([(1, bytes(n * k, 5))]),
    }
}

fn bytes(count: u32, seed: u32) -> Arc<[u8]> {
    (0..count).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8).collect()
}

/// The output in slot 2 by the reference.
fn expected(vector: &Vector, inputs: &TensorSet) -> Vec<u8> {
    let resolved = vector.resolve().unwrap();
    semantics::run(&resolved, &[&inputs[&0], &vector.params[&1]]).unwrap().tensors.swap_remove(2)
}

fn load(backend: &WgpuBackend, vector: &Vector) -> Box<dyn Model> {
    backend.load(Arc::new(vector.resolve().unwrap()), &vector.params).unwrap()
}

#[test]
fn an_unknown_adapter_is_refused_with_the_known_ones() {
    let options = WgpuOptions { adapter: Some("no such adapter".to_owned()), ..WgpuOptions::default() };
    let Err(KernelError::NoAdapter { reason }) = WgpuBackend::open(options) else { panic!("an adapter was opened") };
    for adapter in WgpuBackend::adapters() {
        assert!(reason.contains(&adapter.name), "{reason}");
    }
}

#[test]
fn an_adapter_opens_by_part_of_its_name() {
    let Some(first) = WgpuBackend::adapters().into_iter().next() else {
        open(paired());
        return;
    };
    let part = first.name[..first.name.len() / 2].to_uppercase();
    let backend = open(WgpuOptions { adapter: Some(part), ..paired() }).unwrap();
    assert!(backend.description().contains(&first.name), "{}", backend.description());
    assert_eq!(*backend.adapter(), first);
    assert_eq!(backend.name(), "wgpu");
}

#[test]
fn large_matrices_use_every_edge_of_the_largest_tiles() {
    let Some(backend) = open(WgpuOptions { strategy: Strategy::Tiles, ..paired() }) else { return };
    // 10 x 10 tiles of 128 x 128, then of 64 x 64; rows of 1171 bytes share words with their neighbours.
    let mixed = product((1156, 1171, 3), Dtype::I8, Dtype::U8);
    let vectors = [linear(1156, 1171, 5), mixed, linear(630, 627, 9), linear(70, 1100, 64), linear(1500, 15, 33)];
    verify(&backend, &vectors).unwrap();
}

#[test]
fn tensors_that_are_missing_or_of_the_wrong_size_are_named() {
    let Some(backend) = open(paired()) else { return };
    let vector = linear(3, 5, 7);
    let resolved = Arc::new(vector.resolve().unwrap());
    let short = |slot: Slot| TensorSet::from([(slot, bytes(4, 0))]);
    let load = |params: &TensorSet| backend.load(Arc::clone(&resolved), params).err();
    assert_eq!(load(&TensorSet::new()), Some(KernelError::Missing { slot: 1 }));
    assert_eq!(load(&short(1)), Some(KernelError::Size { slot: 1, expected: 35, given: 4 }));

    let model = backend.load(Arc::clone(&resolved), &vector.params).unwrap();
    let run = |inputs: &TensorSet, keep: Keep| model.run(inputs, keep).err();
    assert_eq!(run(&TensorSet::new(), Keep::Boundary), Some(KernelError::Missing { slot: 0 }));
    assert_eq!(run(&short(0), Keep::Everything), Some(KernelError::Size { slot: 0, expected: 21, given: 4 }));
    assert_eq!(run(&vector.inputs, Keep::Segment(1)), Some(KernelError::Segment { segment: 1, segments: 1 }));
    let after = model.run(&vector.inputs, Keep::Boundary).unwrap();
    assert_eq!(&*after.tensors[&2], expected(&vector, &vector.inputs), "a refused run leaves the model usable");
}

#[test]
fn a_tensor_beyond_one_binding_is_refused_before_anything_is_allocated() {
    let Some(backend) = open(paired()) else { return };
    // 2 GiB less four bytes: more than any device binds once slack is added.
    let length = (1 << 29) - 1;
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &[1]), tensor(Dtype::I32, TensorKind::Temp, &[length])];
    let op = Op {
        kind: OpKind::Map,
        outputs: vec![1],
        output_axes: vec![Dim::Const(length)],
        reduction_axes: vec![],
        operands: vec![View { terms: vec![], ..view(0, &[1], &[]) }],
        prologue: None,
        program: 0,
    };
    let code = vec![Instruction::Load { d: 0, operand: 0 }, Instruction::Store { output: 0, a: 0 }];
    let resolved = Arc::new(graph(tensors, op, code, vec![]).resolve(&[]).unwrap());
    let refused = backend.load(resolved, &TensorSet::new()).err();
    let Some(KernelError::Limit { needed, available, .. }) = refused else { panic!("{refused:?}") };
    assert!(needed > 1 << 31 && available < needed);
}

#[test]
fn runs_one_after_another_do_not_see_each_other() {
    let Some(backend) = open(paired()) else { return };
    let vector = linear(9, 13, 27);
    let model = load(&backend, &vector);
    for seed in 0..6 {
        let inputs = TensorSet::from([(0, bytes(9 * 27, seed))]);
        let got = model.run(&inputs, Keep::Boundary).unwrap().tensors;
        assert_eq!(&*got[&2], expected(&vector, &inputs), "seed {seed}");
    }
}

#[test]
fn runs_at_the_same_time_do_not_see_each_other() {
    let Some(backend) = open(paired()) else { return };
    let vector = linear(9, 13, 27);
    let model = load(&backend, &vector);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (model, vector) = (&model, &vector);
            scope.spawn(move || {
                for turn in 0..4 {
                    let inputs = TensorSet::from([(0, bytes(9 * 27, 100 * thread + turn))]);
                    let got = model.run(&inputs, Keep::Boundary).unwrap().tensors;
                    assert_eq!(&*got[&2], expected(vector, &inputs), "thread {thread}, turn {turn}");
                }
            });
        }
    });
}

#[test]
fn memory_is_known_ahead() {
    let Some(backend) = open(paired()) else { return };
    let model = load(&backend, &linear(40, 20, 10));
    // Rows of 10 weights are packed to 12 bytes.
    assert!((20 * 12..20 * 12 + 64).contains(&model.param_bytes()), "{}", model.param_bytes());
    let tensors = 40 * 10 + 40 * 20 + 40 * 20 * 4;
    let kept = 40 * 20 + 40 * 20 * 4;
    assert!((tensors + kept..tensors + kept + 128).contains(&model.working_bytes()), "{}", model.working_bytes());
}

#[test]
fn the_self_test_is_part_of_opening() {
    // Opening succeeds, so the same vectors must pass when they are run again.
    let Some(backend) = open(paired()) else { return };
    verify(&backend, &vectors(Level::SelfTest)).unwrap();
}
