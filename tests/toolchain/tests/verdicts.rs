//! The referee on-chain gives the verdicts that it gives natively, and takes no more than the checks of graphs promise.

#[path = "../../../programs/referee/tests/common/mod.rs"]
mod common;

use common::{Court, Draw, linear, random_graph, random_reader, random_values, run_graph, single, tensor};
use referee::graph::{Dtype, Graph, Instruction, OpKind, ResolvedGraph, TensorKind};
use referee::opening::{Place, Tree};
use referee::proof::Source;
use referee::proof::build::{HashTree, Nodes, WholeTensor};
use toolchain_program::verdicts::{answer, question_of_proof, question_of_tensor_answer};
use toolchain_tests::{Answer, Machine};

/// Heap of a program that asks for no more.
const COMMON_HEAP_BYTES: u32 = 32 * 1024;

/// Asks on-chain and natively; both must say the same.
fn ask(machine: &mut Machine, question: &[u8], what: &str) -> Answer {
    let said = machine.ask(question).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(Some(&said.said), answer(question).as_ref(), "{what}: SBPF and native differ");
    assert!(said.heap_bytes <= COMMON_HEAP_BYTES / 2, "{what}: {} bytes of heap", said.heap_bytes);
    said
}

/// Random tensors of a graph, its results too: what is claimed need not be right.
fn claimed_at_random(draw: &mut Draw, resolved: &ResolvedGraph) -> Vec<Vec<u8>> {
    let mut tensors = random_values(draw, resolved);
    for (tensor, data) in resolved.tensors.iter().zip(&mut tensors) {
        if tensor.kind == TensorKind::Temp {
            *data = (0..tensor.bytes()).map(|_| draw.next() as u8).collect();
        }
    }
    tensors
}

#[test]
fn linear_layers_take_what_the_specification_says() {
    let mut machine = Machine::load();
    for (length, bytes, most) in
        [(384, 3_300, 35_000), (1536, 5_600, 47_000), (4096, 10_700, 72_000), (7024, 16_600, 102_000)]
    {
        let graph = linear(128, 512, length);
        let resolved = graph.resolve(&[]).unwrap();
        let mut draw = Draw::new(u64::from(length));
        let tensors = claimed_at_random(&mut draw, &resolved);
        let court = Court::new(&graph, &resolved, &tensors, 0);
        for element in [0, 511, 512 * 77 + 100, 65_535] {
            let proof = court.proof(3, element, Source::Boundary).unwrap();
            let said = ask(&mut machine, &question_of_proof(&proof, &court.pinned()), &format!("K = {length}"));
            assert!(proof.len() <= bytes, "K = {length}: {} bytes", proof.len());
            assert!(said.compute_units <= most, "K = {length}: {} units", said.compute_units);
            assert!(said.compute_units <= resolved.costs()[0].compute_units.into());
        }
    }
}

#[test]
fn one_product_of_a_long_row_takes_at_most_7_units() {
    let mut machine = Machine::load();
    let mut units = |dtypes: [Dtype; 2], length: u32| {
        let mut graph = linear(1, 1, length);
        graph.tensors[0].dtype = dtypes[0];
        graph.tensors[1].dtype = dtypes[1];
        let resolved = graph.resolve(&[]).unwrap();
        let mut draw = Draw::new(u64::from(length));
        let court = Court::new(&graph, &resolved, &claimed_at_random(&mut draw, &resolved), 0);
        let proof = court.proof(3, 0, Source::Boundary).unwrap();
        let question = question_of_proof(&proof, &court.pinned());
        ask(&mut machine, &question, "a long row").compute_units
    };
    let rows: Vec<(u64, u64)> = [[Dtype::I8, Dtype::I8], [Dtype::U8, Dtype::I8], [Dtype::I8, Dtype::U8]]
        .map(|dtypes| (units(dtypes, 2048), units(dtypes, 6144)))
        .to_vec();
    // The longer rows have 16 leaves and 16 nodes more: what these take is seen where leaves alone are checked.
    let hashing = 2 * (leaves(&mut machine, 4) - leaves(&mut machine, 3));
    for (short, long) in rows {
        let products = long - short - hashing;
        assert!(products <= 7 * 4096, "{products} units for 4,096 products, {hashing} for 16 leaves");
    }
}

/// Units of checking an answer of `2^height` full leaves.
fn leaves(machine: &mut Machine, height: u8) -> u64 {
    let (dtype, kind, dims) = (Dtype::I8, TensorKind::Temp, [256u32, 512]);
    let layout = referee::commit::TensorLayout::new(1, dtype, kind, &dims);
    let data = vec![7; layout.bytes() as usize];
    let nodes = HashTree::new(&layout.leaf_hashes(&data).unwrap());
    let (place, bound) = (Place { height, index: 1 }, nodes.node(height, 1).unwrap());
    let answer = &data[..512 << height];
    let question = question_of_tensor_answer(1, dtype, kind, &dims, place, &bound, answer);
    let said = ask(machine, &question, "leaves");
    assert_eq!(said.said, [0]);
    said.compute_units
}

/// The verdicts on a few elements of every op, honest and changed, and on damaged proofs.
fn compare(machine: &mut Machine, draw: &mut Draw, graph: &Graph, resolved: &ResolvedGraph, what: &str) -> u32 {
    let values = random_values(draw, resolved);
    let trace = run_graph(resolved, &values).tensors;
    let mut verdicts = 0;
    for ((index, op), cost) in (0..).zip(&resolved.ops).zip(resolved.costs()) {
        let slot = *draw.pick(&op.outputs);
        let element = draw.below(op.output_elements().into()) as u32;
        let mut changed = trace.clone();
        let size = resolved.tensors[usize::from(slot)].dtype.bytes();
        changed[usize::from(slot)][(element * size) as usize] ^= 1 << draw.below(8);
        for (tensors, verdict) in [(&trace, [0, 29]), (&changed, [1, 0])] {
            let court = Court::new(graph, resolved, tensors, resolved.segment_of(index));
            let proof = court.proof(slot, element, court.source(slot)).unwrap();
            let what = format!("{what}, op {index}");
            let said = ask(machine, &question_of_proof(&proof, &court.pinned()), &what);
            assert_eq!(said.said[0], verdict[0], "{what}");
            assert!(verdict[0] == 1 || said.said == verdict, "{what}");
            let (units, most) = (said.compute_units, u64::from(cost.compute_units));
            assert!(units <= most, "{what}: {units} units, the model says {most}");
            let mut damaged = proof.clone();
            let at = draw.below(damaged.len() as u64) as usize;
            damaged[at] ^= 1 << draw.below(8);
            assert_eq!(ask(machine, &question_of_proof(&damaged, &court.pinned()), &what).said[0], 0, "{what} at {at}");
            verdicts += 2;
        }
    }
    verdicts
}

#[test]
fn random_graphs_and_random_faults() {
    let (mut machine, mut verdicts) = (Machine::load(), 0);
    for seed in 0..1000 {
        let mut draw = Draw::new(20_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let resolved = graph.resolve(&symbols).unwrap();
        verdicts += compare(&mut machine, &mut draw, &graph, &resolved, &format!("graph {seed}"));
    }
    assert!(verdicts > 8_000, "{verdicts}");
}

#[test]
fn random_views_of_tensors_with_many_leaves() {
    let (mut machine, mut verdicts) = (Machine::load(), 0);
    for seed in 0..1000 {
        let mut draw = Draw::new(21_000_000 + seed);
        let graph = random_reader(&mut draw);
        let Ok(resolved) = graph.resolve(&[]) else { continue };
        verdicts += compare(&mut machine, &mut draw, &graph, &resolved, &format!("reader {seed}"));
    }
    assert!(verdicts > 1_500, "{verdicts}");
}

#[test]
fn the_dearest_instructions_take_no_more_than_the_model_says() {
    use Instruction as I;
    let mut machine = Machine::load();
    let instructions = [
        I::SquareRoot { d: 0, a: 1 },
        I::LeadingZeros { d: 0, a: 1 },
        I::DivideUnsigned { d: 0, a: 1, b: 2 },
        I::RoundShift { d: 0, a: 1, shift: 9 },
        I::Load { d: 1, operand: 0 },
        I::Select { d: 0, c: 1, a: 1, b: 2 },
        I::Constant { d: 1, index: 0 },
        I::Length { d: 0, axis: 1 },
    ];
    for instruction in instructions {
        let tensors = vec![tensor(Dtype::I32, TensorKind::Input, &[8])];
        let mut graph = single(OpKind::Sum, tensors, &[Dtype::I32], &[2], &[8]);
        graph.ops[0].operands = vec![common::along(0, &[8], &[Some(1)])];
        graph.programs[1].constants = vec![i64::MAX - 12_345];
        graph.programs[1].code = vec![I::Constant { d: 1, index: 0 }];
        graph.programs[1].code.extend(std::iter::repeat_n(instruction, 80));
        let resolved = graph.resolve(&[]).unwrap();
        let mut draw = Draw::new(5);
        compare(&mut machine, &mut draw, &graph, &resolved, &format!("{instruction:?}"));
    }
}

#[test]
fn answers_of_256_hashes_and_of_16_leaves_are_checked_within_100_000_units() {
    let mut machine = Machine::load();
    let (dtype, kind, dims) = (Dtype::I8, TensorKind::Temp, [4096u32, 512]);
    let layout = referee::commit::TensorLayout::new(9, dtype, kind, &dims);
    let mut draw = Draw::new(1);
    let data: Vec<u8> = (0..layout.bytes()).map(|_| draw.next() as u8).collect();
    let whole = WholeTensor::new(&layout, data.clone()).unwrap();
    let (tree, nodes) = (Tree::Tensor { layout: layout.clone() }, HashTree::new(&layout.leaf_hashes(&data).unwrap()));
    let top = tree.top();
    let children = tree.children(top).unwrap();
    assert_eq!((top.height, children.len()), (12, 256));
    let hashes: Vec<u8> = children.iter().flat_map(|place| nodes.node(place.height, place.index).unwrap()).collect();
    let leaf = Place { height: 4, index: 77 };
    let bound = nodes.node(4, 77).unwrap();
    for (place, bound, answer) in
        [(top, whole.hash().unwrap(), &hashes[..]), (leaf, bound, &data[77 * 8192..78 * 8192])]
    {
        let question = question_of_tensor_answer(9, dtype, kind, &dims, place, &bound, answer);
        let said = ask(&mut machine, &question, "an answer");
        assert_eq!(said.said, [0]);
        assert!(said.compute_units <= 100_000, "{} units", said.compute_units);
        let mut other = question.clone();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(ask(&mut machine, &other, "a changed answer").said, [43]);
    }
}
