//! A small graph with something of everything in it: a place for every kind of lie.

use assay_client::Work;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
use assay_models::TensorSet;
use assay_models::builder::{GraphBuilder, Model, Operand, Requantization, Weights, axis};
use referee::graph::{Dim, Dtype};
use std::sync::Arc;

const INPUTS: u32 = 16;
const HIDDEN: u32 = 24;
const CLASSES: u32 = 10;
/// Rows of one job.
const BATCH: u32 = 16;

/// `number` makes it a graph of its own, which computes the same: validators can be told which graphs are theirs, so that stories
/// told at the same time leave each other's liars alone.
///
/// Two segments: products that are rounded, often at exact halves; a table; again products; the greatest of few
/// values, which are often equal.
///
/// # Panics
/// The graph is a fixed one and builds.
pub fn everything(number: u32) -> Model {
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 512).expect("a symbol");
    let input = graph.input("input", Dtype::U8, &[batch, Dim::Const(INPUTS)]).expect("an input");
    let hidden = linear(&mut graph, "hidden", &input, INPUTS, HIDDEN, 4);
    let table: Vec<i64> = (0..256).map(|entry: i64| (entry * 7 % 97) - 48).collect();
    let curved = graph.lookup("curve", &hidden, Dtype::I8, &table).expect("a table");
    graph.cut();
    let scores = linear(&mut graph, "scores", &curved, HIDDEN, CLASSES, 9);
    let class = graph.arg_max("class", &scores, Dtype::U8).expect("an arg-max");
    let axes = [batch, Dim::Const(1 + CLASSES)];
    let operands = [Operand::along(&class, &[0]), Operand::new(&scores, [axis(0), axis(1) - 1])];
    let result = graph.map("result", Dtype::I32, &axes, &operands, |program| {
        let column = program.index(1);
        let score = program.load(1);
        // No class is negative.
        let (class, least) = (program.load(0), program.constant(-1 - i64::from(number)));
        let class = program.maximum(class, least);
        program.select(column, score, class)
    });
    graph.output(&result.expect("a result"));
    graph.build().expect("the graph builds")
}

fn linear(
    graph: &mut GraphBuilder,
    name: &str,
    input: &assay_models::builder::TensorHandle,
    inputs: u32,
    outputs: u32,
    shift: u8,
) -> assay_models::builder::TensorHandle {
    let values: Vec<i8> =
        (0..inputs * outputs).map(|index| small(u64::from(index) + u64::from(shift) * 1_000)).collect();
    let (bias, multiplier) = (vec![3; outputs as usize], vec![1; outputs as usize]);
    let requantization = Requantization { bias: &bias, multiplier: &multiplier, shift, clamp: None, output: Dtype::I8 };
    graph.linear(name, input, &Weights { outputs, inputs, values: &values }, &requantization).expect("a layer")
}

/// A job's work on that graph, its inputs drawn from `seed`.
///
/// # Panics
/// The work is consistent.
pub fn everything_work(number: u32, seed: u64) -> Work {
    everything_rows(number, seed, BATCH)
}

/// The same with so many rows, up to 512.
///
/// # Panics
/// The work is consistent.
pub fn everything_rows(number: u32, seed: u64, rows: u32) -> Work {
    let model = everything(number);
    let bytes: Vec<u8> = (0..u64::from(rows * INPUTS)).map(|index| (mix(seed << 32 | index) % 16) as u8).collect();
    let inputs = TensorSet::from([(0, bytes.into())]);
    Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &[rows]).expect("work")
}

/// -3 to 3.
fn small(index: u64) -> i8 {
    (mix(index) % 7) as i8 - 3
}

/// SplitMix64's output for one state.
fn mix(state: u64) -> u64 {
    let mixed = state.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Hashes of the boundary tensors of an honest result, in their order.
///
/// # Panics
/// The backend is there and the work runs.
pub fn honest_boundary(work: &Work) -> Vec<[u8; 32]> {
    Hasher::default().boundary(&work.resolved, &honest_run(work, Keep::Boundary)).expect("a boundary").hashes
}

/// The bytes of an honest output.
///
/// # Panics
/// The backend is there and the work runs.
pub fn honest_output(work: &Work) -> Vec<u8> {
    honest_run(work, Keep::Boundary).get(&work.output_slot).expect("an output").to_vec()
}

/// The tensors' hashes of a segment of an honest result, in the order of its slots.
///
/// # Panics
/// The backend is there and the work runs.
pub fn honest_segment(work: &Work, segment: u16) -> Vec<[u8; 32]> {
    let (graph, tensors) = (&work.resolved, honest_run(work, Keep::Everything));
    Hasher::default().hashes(graph, &tensors, &graph.segment_slots(segment)).expect("every tensor is there")
}

fn honest_run(work: &Work, keep: Keep) -> TensorSet {
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).expect("a CPU");
    let model = backend.load(Arc::clone(&work.resolved), &work.params).expect("the work loads");
    model.run(&work.inputs, keep).expect("the work runs").tensors
}
