//! The bound on what a proof opens: never too low, and as low as the figures that the IR was designed with.

mod common;

use common::{
    Court, Draw, along, linear, random_graph, random_reader, random_values, run_graph, single, table, tensor,
};
use referee::commit::depth_for;
use referee::graph::{
    Dtype, Instruction as I, MAX_AXES, MAX_OPERANDS, MAX_UPLOAD_BYTES, OpKind, Program, ResolvedGraph, Slot,
    TensorKind, Term, View,
};
use referee::proof::MAX_PROOF_BYTES;
use referee::semantics::{Fetch, Trace, evaluate};
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Records the leaves that are touched.
struct Recorder<'a> {
    graph: &'a ResolvedGraph,
    trace: &'a Trace,
    leaves: BTreeMap<Slot, BTreeSet<u32>>,
}

impl Fetch for Recorder<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let tensor = &self.graph.tensors[usize::from(slot)];
        self.leaves.entry(slot).or_default().insert(tensor.layout.address(element).position);
        tensor.dtype.read(&self.trace.tensors[usize::from(slot)], element as usize)
    }
}

/// Distinct leaves and bytes of the dearest element of each op, by trying them all. Each maximal run of adjacent leaves
/// is one strip, with the siblings that its path really has.
fn measured(graph: &ResolvedGraph, trace: &Trace) -> Vec<(u32, u32)> {
    graph
        .ops
        .iter()
        .map(|op| {
            let output = |slot: &Slot| {
                let layout = &graph.tensors[usize::from(*slot)].layout;
                (0..layout.rows.div_ceil(layout.rows_per_leaf) << layout.row_depth())
                    .filter_map(|position| layout.leaf_range(position))
                    .map(|range| (range.end - range.start) as u32 + 16 + 32 * u32::from(layout.depth()))
                    .max()
                    .unwrap()
            };
            let claimed = op.outputs.iter().map(output).max().unwrap();
            let mut dearest = (0, 0);
            for element in 0..op.output_elements() {
                let mut rest = element;
                let mut point = vec![0; op.output_dims.len()];
                for (at, dim) in point.iter_mut().zip(&op.output_dims).rev() {
                    *at = rest % dim;
                    rest /= dim;
                }
                let mut recorder = Recorder { graph, trace, leaves: BTreeMap::new() };
                evaluate(graph, op, &point, &mut recorder).unwrap();
                let leaves: usize = recorder.leaves.values().map(BTreeSet::len).sum();
                let upload: u32 = recorder.leaves.iter().map(|(slot, leaves)| opened(graph, *slot, leaves)).sum();
                dearest = (dearest.0.max(leaves as u32 + 1), dearest.1.max(upload + claimed));
            }
            dearest
        })
        .collect()
}

/// Bytes of the leaves and of the siblings that lead them to the root (padding needs none), or of the whole tensor if
/// that is less: a proof may open more than it needs.
fn opened(graph: &ResolvedGraph, slot: Slot, leaves: &BTreeSet<u32>) -> u32 {
    let layout = &graph.tensors[usize::from(slot)].layout;
    let data = |position: &u32| layout.leaf_range(*position).map(|range| (range.end - range.start) as u32).unwrap();
    let mut bytes: u32 = leaves.iter().map(|position| data(position) + 16).sum();
    let (mut level, mut span) = (leaves.clone(), 1u32);
    for _ in 0..layout.depth() {
        for node in &level {
            let sibling = node ^ 1;
            let real = (sibling * span..(sibling + 1) * span).any(|position| layout.leaf_range(position).is_some());
            if real && !level.contains(&sibling) {
                bytes += 32;
            }
        }
        level = level.iter().map(|node| node / 2).collect();
        span *= 2;
    }
    bytes.min(layout.bytes() as u32 + 16 * layout.leaves())
}

fn compare(graph: &ResolvedGraph, trace: &Trace, name: &str) -> Vec<(u32, u32)> {
    let measured = measured(graph, trace);
    for (index, (cost, (leaves, upload))) in graph.costs().into_iter().zip(&measured).enumerate() {
        assert!(cost.leaves >= *leaves, "{name}, op {index}: {leaves} leaves, bound {}", cost.leaves);
        assert!(cost.upload_bytes >= *upload, "{name}, op {index}: {upload} bytes, bound {}", cost.upload_bytes);
    }
    measured
}

#[test]
fn no_element_of_a_random_graph_needs_more_than_the_bound() {
    for seed in 0..150 {
        let mut draw = Draw::new(1_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let graph = graph.resolve(&symbols).unwrap();
        let values = random_values(&mut draw, &graph);
        compare(&graph, &run_graph(&graph, &values), &format!("seed {seed}"));
    }
}

#[test]
fn no_element_of_a_large_view_needs_more_than_the_bound() {
    let (mut compared, mut exact) = (0, 0);
    for seed in 0..1500 {
        let mut draw = Draw::new(2_000_000 + seed);
        let Ok(graph) = random_reader(&mut draw).resolve(&[]) else { continue };
        let values = random_values(&mut draw, &graph);
        let measured = compare(&graph, &run_graph(&graph, &values), &format!("seed {seed}"));
        compared += 1;
        exact += u32::from(measured[0].0 == graph.costs()[0].leaves);
    }
    assert!(compared > 600, "only {compared} graphs were within the limits");
    assert!(exact * 5 > compared, "the bound was exact for {exact} of {compared} only");
}

#[test]
fn a_run_over_the_end_of_a_row_and_of_a_leaf_touches_three() {
    // Rows of 513 bytes: the second leaf of each holds one byte.
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &[4, 513])];
    let mut graph = single(OpKind::Sum, tensors, &[Dtype::I32], &[2050], &[3]);
    let mut view = along(0, &[4 * 513], &[Some(0)]);
    view.terms.push(Term { source_axis: 0, iteration_axis: 1, coefficient: 1 });
    graph.ops[0].operands = vec![view];
    let graph = graph.resolve(&[]).unwrap();
    let values = random_values(&mut Draw::new(1), &graph);
    let measured = compare(&graph, &run_graph(&graph, &values), "windows");
    assert_eq!((measured[0].0, graph.costs()[0].leaves), (1 + 3, 1 + 3));
}

/// Leaves of a Sum over `reduce` (or a Map, if it is empty) that reads 5 rows of 100 bytes a leaf through these views.
fn leaves_of_five_hundred(views: &[View], reduce: &[u32]) -> (u32, u32) {
    let kind = if reduce.is_empty() { OpKind::Map } else { OpKind::Sum };
    let mut graph = single(kind, vec![tensor(Dtype::I8, TensorKind::Input, &[64, 100])], &[Dtype::I32], &[1], reduce);
    graph.ops[0].operands = views.to_vec();
    let loads = (0..views.len() as u8).map(|operand| I::Load { d: operand, operand });
    let program = graph.programs.last_mut().unwrap();
    program.code = loads.chain(program.code.iter().copied().filter(|word| matches!(word, I::Store { .. }))).collect();
    let graph = graph.resolve(&[]).unwrap();
    let values = random_values(&mut Draw::new(1), &graph);
    let measured = compare(&graph, &run_graph(&graph, &values), "five hundred");
    (measured[0].0 - 1, graph.costs()[0].leaves - 1)
}

#[test]
fn where_runs_start_follows_from_all_that_moves_them() {
    let term = |source_axis, iteration_axis, coefficient| Term { source_axis, iteration_axis, coefficient };
    // Two runs of 16 bytes, moved by a reduction axis: the first ends within its leaf, the second at byte 496 does not.
    let mut view = along(0, &[400, 16], &[None, Some(2)]);
    view.terms.insert(0, term(0, 1, 126));
    view.offsets[0] = 30;
    let (measured, bound) = leaves_of_five_hundred(&[view], &[2, 16]);
    assert!(measured == 3 && bound >= 3, "{bound}");
    // A run of 16 bytes that is read backwards from byte 511.
    let mut view = along(0, &[6400], &[None]);
    view.terms.push(term(0, 1, -1));
    view.offsets[0] = 511;
    assert_eq!(leaves_of_five_hundred(&[view], &[16]), (2, 2));
    // Two operands side by side, on bytes 499 and 500.
    let at = |offset| View { offsets: vec![offset], ..along(0, &[6400], &[None]) };
    assert_eq!(leaves_of_five_hundred(&[at(499), at(500)], &[]), (2, 2));
    assert_eq!(leaves_of_five_hundred(&[at(0), at(499)], &[]), (1, 1));
    // Two operands in rows of 16, of which the second straddles two leaves. Each reads a window of 16.
    let rows = |row| View { offsets: vec![row, 0], ..along(0, &[400, 16], &[None, Some(1)]) };
    let (measured, bound) = leaves_of_five_hundred(&[rows(30), rows(156)], &[16]);
    assert!(measured == 3 && bound >= 3, "{bound}");
}

#[test]
fn operands_that_no_program_reads_open_nothing() {
    let mut graph = linear(4, 8, 64);
    let cost = graph.resolve(&[]).unwrap().costs()[0];
    graph.tensors.push(tensor(Dtype::I8, TensorKind::Param, &[2000, 2000]));
    graph.ops[0].operands.push(table(4, 4_000_000));
    let more = graph.resolve(&[]).unwrap().costs()[0];
    assert_eq!((more.leaves, more.upload_bytes), (cost.leaves, cost.upload_bytes));
}

#[test]
fn gathers_cost_one_leaf_each_or_the_whole_table() {
    let gathers = |count: usize, length: u32| {
        let tensors = vec![tensor(Dtype::I16, TensorKind::Param, &[length])];
        let mut graph = single(OpKind::Map, tensors, &[Dtype::I32], &[4], &[]);
        graph.ops[0].operands = vec![table(0, length)];
        graph.programs[0].code = vec![I::Gather { d: 0, operand: 0, a: 0 }; count];
        graph.programs[0].code.push(I::Store { output: 0, a: 0 });
        graph.resolve(&[]).unwrap().costs()[0]
    };
    // One leaf for the output; 256 entries of 2 bytes fill one leaf.
    assert_eq!(gathers(1, 256).leaves, 2);
    assert_eq!(gathers(7, 256).leaves, 2, "a table of one leaf is opened once");
    assert_eq!(gathers(3, 65_536).leaves, 4);
    // In a loop, one for each turn.
    let looped = |turns: u16| {
        let tensors = vec![tensor(Dtype::I16, TensorKind::Param, &[65_536])];
        let mut graph = single(OpKind::Map, tensors, &[Dtype::I32], &[4], &[]);
        graph.ops[0].operands = vec![table(0, 65_536)];
        let body = [I::Loop { turns }, I::Gather { d: 0, operand: 0, a: 0 }, I::End];
        graph.programs[0].code.splice(0..0, body);
        graph.resolve(&[]).unwrap().costs()[0]
    };
    assert_eq!(looped(3).leaves, 4);
    assert_eq!(looped(3).upload_bytes, gathers(3, 65_536).upload_bytes);
    let depth = u32::from(depth_for(65_536 / 256));
    assert_eq!(gathers(3, 65_536).upload_bytes, 3 * (512 + 16 + 32 * depth) + 16 + 16);
}

#[test]
fn a_linear_layer_costs_what_the_design_says() {
    // 512 outputs for 128 rows. Leaves: output, bias with multiplier, and the two rows.
    for (length, leaves) in [(384, 4), (1536, 8), (4096, 18)] {
        let cost = linear(128, 512, length).resolve(&[]).unwrap().costs()[0];
        assert_eq!(cost.leaves, leaves, "K = {length}");
    }
    let cost = |length: u32| linear(128, 512, length).resolve(&[]).unwrap().costs()[0];
    assert!(cost(384).upload_bytes < 3 * 1024 && cost(384).compute_units < 50_000, "{:?}", cost(384));
    assert!(cost(1536).upload_bytes < 6 * 1024 && cost(1536).compute_units < 65_000, "{:?}", cost(1536));
    assert!(cost(4096).upload_bytes < 11 * 1024 && cost(4096).compute_units < 90_000, "{:?}", cost(4096));
    let longest = (1..).find(|step| linear(128, 512, 4096 + 128 * step).resolve(&[]).is_err()).unwrap();
    let longest = 4096 + 128 * (longest - 1);
    assert!((6_000..7_500).contains(&longest), "the longest row is {longest}");
    let error = linear(128, 512, longest + 128).check().unwrap_err();
    assert_eq!(error.code, "G0162");
    assert!(error.fix.contains("partial sum"), "{error}");
}

#[test]
fn outer_reductions_are_refused_and_the_transposed_layout_is_not() {
    // Magika's first normalisation: the sum over 256 positions of [512 channels] rows.
    let sum = |shape: [u32; 2], axes: [Option<u8>; 2]| {
        let tensors = vec![tensor(Dtype::I16, TensorKind::Input, &shape)];
        let mut graph = single(OpKind::Sum, tensors, &[Dtype::I32], &[512], &[256]);
        graph.ops[0].operands = vec![along(0, &shape, &axes)];
        graph.check()
    };
    let error = sum([256, 512], [Some(1), Some(0)]).unwrap_err();
    assert_eq!(error.code, "G0161");
    assert!(error.reason.contains("256 here") && error.reason.contains("257 leaves"), "{error}");
    assert!(error.fix.contains("transposed"), "{error}");
    let report = sum([512, 256], [Some(0), Some(1)]).unwrap();
    assert_eq!(report.costs[0].leaves, 2);
}

#[test]
fn long_programs_and_scattered_products_are_refused_for_their_computing() {
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &[4, 64]), tensor(Dtype::I8, TensorKind::Param, &[64, 64])];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I32], &[4], &[64, 64]);
    graph.ops[0].operands = vec![along(0, &[4, 64], &[Some(0), Some(1)]), along(1, &[64, 64], &[Some(2), Some(1)])];
    let error = graph.check().unwrap_err();
    assert_eq!(error.code, "G0163", "{error}");
    graph.ops[0].operands[1] = along(1, &[64, 64], &[Some(1), Some(2)]);
    assert!(graph.check().unwrap().costs[0].upload_bytes < MAX_UPLOAD_BYTES);
}

#[test]
fn the_steps_of_an_element_are_counted() {
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &[3, 500])];
    let mut graph = single(OpKind::Sum, tensors, &[Dtype::I32], &[3], &[500]);
    graph.ops[0].operands = vec![along(0, &[3, 500], &[Some(0), Some(1)])];
    graph.programs[1] = Program { constants: vec![], code: vec![I::Load { d: 0, operand: 0 }; 4] };
    let resolved = graph.resolve(&[]).unwrap();
    assert_eq!(resolved.steps(&resolved.ops[0]), 4 * 500 + 1);
    let mut graph = single(OpKind::Map, vec![], &[Dtype::I32], &[1], &[]);
    let inner = [I::Loop { turns: 5 }, I::BreakIfZero { a: 0 }, I::End];
    let outer = [I::Loop { turns: 7 }].into_iter().chain(inner).chain([I::Add { d: 0, a: 0, b: 0 }, I::End]);
    graph.programs[0].code.splice(0..0, outer);
    assert_eq!(graph.programs[0].runs(), [1, 7, 35, 35, 7, 7, 1]);
    let resolved = graph.resolve(&[]).unwrap();
    assert_eq!(resolved.steps(&resolved.ops[0]), 1 + 7 * (1 + 5 * 2 + 2) + 1);
}

#[test]
fn the_proof_of_the_dearest_element_is_within_the_bound_and_fits_its_account() {
    let mut compared = 0;
    for seed in 0..260 {
        let mut draw = Draw::new(3_000_000 + seed);
        let (graph, symbols) = if seed < 60 { random_graph(&mut draw) } else { (random_reader(&mut draw), vec![]) };
        let Ok(resolved) = graph.resolve(&symbols) else { continue };
        let values = random_values(&mut draw, &resolved);
        let trace = run_graph(&resolved, &values).tensors;
        for (op, cost) in resolved.ops.iter().zip(resolved.costs()) {
            let segment = resolved.segment_of(resolved.tensors[usize::from(op.outputs[0])].producer.unwrap().0);
            let court = Court::new(&graph, &resolved, &trace, segment);
            for slot in &op.outputs {
                for element in 0..op.output_elements() {
                    let proof = court.proof(*slot, element, court.source(*slot)).unwrap();
                    assert!(proof.len() <= MAX_PROOF_BYTES);
                    let upload = strips_bytes(&proof);
                    assert!(upload <= cost.upload_bytes as usize, "seed {seed}: {upload} of {}", cost.upload_bytes);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
}

/// Bytes of the strips at the end of an element proof.
fn strips_bytes(proof: &[u8]) -> usize {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([proof[at], proof[at + 1]]));
    let mut at = 2;
    for _ in 0..proof[1] {
        at += 5 + u16_at(at + 3);
    }
    at += 2 + 32 * u16_at(at) + 8;
    let lists = proof[at];
    at += 1;
    for _ in 0..lists {
        at += 2 + 34 * usize::from(proof[at + 1]);
        at += 2 + 32 * u16_at(at);
    }
    proof.len() - at - 1
}

#[test]
fn what_surrounds_the_strips_of_a_proof_always_fits_beside_them() {
    use referee::graph::{
        MAX_CONSTANTS, MAX_CUTS, MAX_OP_OUTPUTS, MAX_OUTPUT_AXES, MAX_OUTPUTS, MAX_REDUCTION_AXES, MAX_SYMBOLS,
        MAX_TERMS, MAX_WORDS, Placement,
    };
    use referee::proof::MAX_LIST_MEMBERS;
    let dims = |axes: usize| 1 + 5 * axes;
    let view = 2 + dims(MAX_AXES) + (1 + 4 * MAX_AXES) + (1 + 6 * MAX_TERMS) + 5 + 1;
    let header = 2 + (1 + 8 * MAX_SYMBOLS) + 6 + (2 + 2 * MAX_CUTS) + (1 + 2 * MAX_OUTPUTS);
    let tensors = MAX_LIST_MEMBERS * (2 + dims(MAX_AXES) + Placement::BYTES);
    let programs = 2 * ((1 + 8 * MAX_CONSTANTS) + (1 + 4 * MAX_WORDS));
    let op =
        1 + (1 + 2 * MAX_OP_OUTPUTS) + dims(MAX_OUTPUT_AXES) + dims(MAX_REDUCTION_AXES) + (1 + MAX_OPERANDS * view) + 4;
    let (graph_depth, list_depth) = (depth_for(1 + 3 * 4096), depth_for(4096));
    let descriptors = 1 + 11 * 5 + header + tensors + programs + op + 2 + 32 * 11 * usize::from(graph_depth);
    let lists = 1 + 4 * 4 + MAX_LIST_MEMBERS * (34 + 32 * usize::from(list_depth));
    // A strip's own 14 bytes are among the 16 that the bound counts for each leaf.
    let around = 1 + descriptors + 8 + lists + 1;
    assert!(around + MAX_UPLOAD_BYTES as usize <= MAX_PROOF_BYTES, "{around}");
}
