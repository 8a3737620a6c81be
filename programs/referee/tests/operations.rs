//! What the op kinds and views compute, by hand, and that one element alone is what the whole run gives.

mod common;

use common::{Draw, along, bytes_of, dims, random_graph, random_values, run_graph, single, table, tensor, values_of};
use referee::graph::{
    Access, Dtype, Graph, Instruction as I, OpKind, OutOfBounds, Program, ResolvedGraph, Slot, TensorKind, Term, View,
};
use referee::semantics::{EvaluateError, Fetch, Run, RunError, Trace, evaluate, evaluate_output, run};

const INPUT: TensorKind = TensorKind::Input;

/// The values of the first output of a graph whose inputs come first.
fn results(graph: &Graph, inputs: &[&[i64]]) -> Vec<Vec<i64>> {
    let resolved = graph.resolve(&[]).unwrap_or_else(|error| panic!("{error}"));
    let mut values = vec![Vec::new(); graph.tensors.len()];
    for (slot, input) in inputs.iter().enumerate() {
        values[slot] = bytes_of(graph.tensors[slot].dtype, input);
    }
    let trace = run_graph(&resolved, &values);
    graph
        .outputs
        .iter()
        .map(|slot| values_of(graph.tensors[usize::from(*slot)].dtype, &trace.tensors[usize::from(*slot)]))
        .collect()
}

/// Copies what a view of `[6]` numbers `10, 11 .. 15` reads at `points` output points.
fn read(points: u32, view: View) -> Vec<i64> {
    let mut graph = single(OpKind::Map, vec![tensor(Dtype::I8, INPUT, &[6])], &[Dtype::I32], &[points], &[]);
    graph.ops[0].operands = vec![view];
    graph.programs[0].code.insert(0, I::Load { d: 0, operand: 0 });
    results(&graph, &[&[10, 11, 12, 13, 14, 15]]).remove(0)
}

fn moved(coefficient: i32, offset: i32, out_of_bounds: OutOfBounds) -> View {
    let terms = vec![Term { source_axis: 0, iteration_axis: 0, coefficient }];
    View { terms, offsets: vec![offset], out_of_bounds, ..along(0, &[6], &[None]) }
}

#[test]
fn views_slice_reverse_pad_and_broadcast() {
    assert_eq!(read(3, moved(2, 1, OutOfBounds::Clamp)), [11, 13, 15]);
    assert_eq!(read(6, moved(-1, 5, OutOfBounds::Clamp)), [15, 14, 13, 12, 11, 10]);
    assert_eq!(read(8, moved(1, -1, OutOfBounds::Clamp)), [10, 10, 11, 12, 13, 14, 15, 15]);
    assert_eq!(read(8, moved(1, -1, OutOfBounds::Pad(-77_777))), [-77_777, 10, 11, 12, 13, 14, 15, -77_777]);
    assert_eq!(read(3, View { offsets: vec![4], ..along(0, &[6], &[None]) }), [14, 14, 14]);
    assert_eq!(read(2, moved(i32::MAX, i32::MIN, OutOfBounds::Clamp)), [10, 10]);
    assert_eq!(read(2, moved(i32::MAX, i32::MAX, OutOfBounds::Pad(3))), [3, 3]);
}

#[test]
fn a_view_may_see_another_shape_and_any_axis_outside_pads() {
    // [6] seen as [2, 3], transposed, one column beyond.
    let terms = vec![
        Term { source_axis: 0, iteration_axis: 1, coefficient: 1 },
        Term { source_axis: 1, iteration_axis: 0, coefficient: 1 },
    ];
    let view = View { terms, out_of_bounds: OutOfBounds::Pad(0), ..along(0, &[2, 3], &[None, None]) };
    let mut graph = single(OpKind::Map, vec![tensor(Dtype::U8, INPUT, &[6])], &[Dtype::I16], &[4, 3], &[]);
    graph.ops[0].operands = vec![view];
    graph.programs[0].code.insert(0, I::Load { d: 0, operand: 0 });
    let expected = [1, 4, 0, 2, 5, 0, 3, 6, 0, 0, 0, 0];
    assert_eq!(results(&graph, &[&[1, 2, 3, 4, 5, 6]])[0], expected);
}

#[test]
fn the_access_of_a_view_is_defined_for_every_register() {
    let graph = {
        let mut graph = single(OpKind::Map, vec![tensor(Dtype::I16, INPUT, &[4, 5])], &[Dtype::I32], &[3], &[]);
        graph.ops[0].operands = vec![View { indirect: Some(1), ..along(0, &[4, 5], &[Some(0), None]) }, table(0, 20)];
        graph.ops[0].operands[1].as_shape = dims(&[20]);
        graph.programs[0].code.insert(0, I::Gather { d: 0, operand: 0, a: 0 });
        graph.resolve(&[]).unwrap()
    };
    let [rows, flat] = [&graph.ops[0].operands[0], &graph.ops[0].operands[1]];
    for (register, column) in [(i64::MIN, 0), (-1, 0), (0, 0), (4, 4), (5, 4), (i64::MAX, 4)] {
        assert_eq!(rows.access(&[2], register), Access::Element(10 + column), "register {register}");
    }
    assert_eq!(flat.access(&[0], 19), Access::Element(19));
    assert_eq!(flat.access(&[0], 20), Access::Element(19));
}

#[test]
fn an_indirect_axis_never_pads_but_another_axis_still_does() {
    let mut graph = single(OpKind::Map, vec![tensor(Dtype::I16, INPUT, &[2, 3])], &[Dtype::I32], &[3], &[]);
    graph.ops[0].operands =
        vec![View { indirect: Some(1), out_of_bounds: OutOfBounds::Pad(-9), ..along(0, &[2, 3], &[Some(0), None]) }];
    graph.programs[0] = Program {
        constants: vec![1000],
        code: vec![I::Constant { d: 0, index: 0 }, I::Gather { d: 0, operand: 0, a: 0 }, I::Store { output: 0, a: 0 }],
    };
    assert_eq!(results(&graph, &[&[1, 2, 3, 4, 5, 6]])[0], [3, 6, -9]);
}

fn products(pair: (Dtype, Dtype), x: i64, y: i64, length: u32) -> i64 {
    let tensors = vec![tensor(pair.0, INPUT, &[1]), tensor(pair.1, INPUT, &[1])];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I32], &[1], &[1]);
    graph.ops[0].operands = vec![along(0, &[1], &[None]), along(1, &[1], &[None])];
    let mut resolved = graph.resolve(&[]).unwrap();
    // Longer than one proof may be, which the checks refuse; not longer than a sum may be.
    resolved.ops[0].reduction_dims = vec![length];
    let trace = run_graph(&resolved, &[bytes_of(pair.0, &[x]), bytes_of(pair.1, &[y]), vec![]]);
    values_of(Dtype::I32, &trace.tensors[2])[0]
}

#[test]
fn contractions_reach_the_ends_of_32_bits_without_wrapping() {
    assert_eq!(products((Dtype::I8, Dtype::I8), -128, -128, 131_071), 131_071 * 16_384);
    assert_eq!(products((Dtype::I8, Dtype::I8), -128, 127, 131_071), -131_071 * 16_256);
    assert_eq!(products((Dtype::U8, Dtype::I8), 255, -128, 65_793), -65_793 * 32_640);
    assert_eq!(products((Dtype::I8, Dtype::U8), -128, 255, 65_793), -65_793 * 32_640);
    assert_eq!(products((Dtype::U8, Dtype::I8), 255, 127, 65_793), 65_793 * 32_385);
}

#[test]
fn a_contraction_pads_with_0_and_hands_its_sum_to_the_epilogue() {
    // A convolution of 4 numbers with a window of 3 around each, in two reduction axes of which one is 1 long.
    let tensors = vec![tensor(Dtype::I8, INPUT, &[4]), tensor(Dtype::I8, INPUT, &[3])];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I32, Dtype::I8], &[4], &[1, 3]);
    let window = View {
        terms: vec![
            Term { source_axis: 0, iteration_axis: 0, coefficient: 1 },
            Term { source_axis: 0, iteration_axis: 2, coefficient: 1 },
        ],
        offsets: vec![-1],
        out_of_bounds: OutOfBounds::Pad(0),
        ..along(0, &[4], &[None])
    };
    graph.ops[0].operands = vec![window, along(1, &[3], &[Some(2)])];
    graph.programs[0] = Program {
        constants: vec![],
        code: vec![
            I::Store { output: 0, a: 0 },
            I::Index { d: 1, axis: 0 },
            I::Length { d: 2, axis: 2 },
            I::Mul { d: 1, a: 1, b: 2 },
            // Register 3 has not been set.
            I::Add { d: 1, a: 1, b: 3 },
            I::Store { output: 1, a: 1 },
        ],
    };
    let results = results(&graph, &[&[1, 2, 3, 4], &[10, 1, -1]]);
    assert_eq!(results[0], [1 - 2, 10 + 2 - 3, 20 + 3 - 4, 30 + 4]);
    assert_eq!(results[1], [0, 3, 6, 9]);
}

/// Reduces `[2, 3]` numbers of one input over both axes; the prologue gives them as they are, and their indices.
fn reduced(kind: OpKind, prologue: Vec<I>, values: [i64; 6]) -> (i64, i64) {
    let mut graph = single(kind, vec![tensor(Dtype::I32, INPUT, &[2, 3])], &[Dtype::I32, Dtype::I32], &[1], &[2, 3]);
    graph.ops[0].operands = vec![along(0, &[2, 3], &[Some(1), Some(2)])];
    graph.programs[1] = Program { constants: vec![i64::MAX / 2], code: prologue };
    graph.programs[0].code = vec![I::Store { output: 0, a: 0 }, I::Store { output: 1, a: 1 }];
    let results = results(&graph, &[&values]);
    (results[0][0], results[1][0])
}

#[test]
fn reductions_by_hand() {
    let load = || vec![I::Load { d: 0, operand: 0 }];
    assert_eq!(reduced(OpKind::Sum, load(), [1, 2, 3, 4, 5, -20]), (-5, 0), "register 1 starts at 0");
    let pair = vec![
        I::Load { d: 0, operand: 0 },
        I::Mul { d: 1, a: 0, b: 0 },
        // Registers start at 0 at every point.
        I::Add { d: 5, a: 5, b: 0 },
        I::Add { d: 1, a: 1, b: 5 },
    ];
    assert_eq!(reduced(OpKind::SumPair, pair, [1, 2, 3, 4, 5, -6]), (9, 91 + 9));
    // Indices count row-major; ties take the lowest.
    assert_eq!(reduced(OpKind::ArgMax, load(), [1, 7, 3, 7, 7, -6]), (1, 7));
    assert_eq!(reduced(OpKind::ArgMin, load(), [1, 7, -3, 7, -3, -3]), (2, -3));
    assert_eq!(reduced(OpKind::ArgMax, load(), [i32::MIN.into(); 6]), (0, i32::MIN.into()));
    assert_eq!(reduced(OpKind::ArgMax, load(), [1, 2, 3, 4, 5, 6]), (5, 6));
    // 10 * first axis + second axis.
    let indices = vec![
        I::Index { d: 0, axis: 1 },
        I::Length { d: 1, axis: 2 },
        I::Mul { d: 0, a: 0, b: 1 },
        I::Index { d: 1, axis: 2 },
        I::Add { d: 0, a: 0, b: 1 },
    ];
    assert_eq!(reduced(OpKind::Sum, indices, [0; 6]).0, 1 + 2 + 3 + 4 + 5);
}

#[test]
fn sums_wrap_at_64_bits() {
    // Six times (2^63 - 1) / 2, less the stored values.
    let prologue = vec![I::Constant { d: 0, index: 0 }, I::Load { d: 1, operand: 0 }, I::Sub { d: 0, a: 0, b: 1 }];
    let wrapped = (0..6).fold(0i64, |sum, _| sum.wrapping_add(i64::MAX / 2));
    let (sum, _) = reduced(OpKind::Sum, prologue, [5; 6]);
    assert_eq!(sum, wrapped.wrapping_sub(30).clamp(i32::MIN.into(), i32::MAX.into()));
}

#[test]
fn a_reduction_without_axes_is_one_point() {
    let mut graph = single(OpKind::ArgMin, vec![tensor(Dtype::I8, INPUT, &[3])], &[Dtype::I8, Dtype::I8], &[3], &[]);
    graph.ops[0].operands = vec![along(0, &[3], &[Some(0)])];
    graph.programs[0].code = vec![I::Store { output: 0, a: 0 }, I::Store { output: 1, a: 1 }];
    assert_eq!(results(&graph, &[&[-4, 5, 6]]), [[0, 0, 0], [-4, 5, 6]]);
}

/// Reads a trace and counts.
struct Traced<'a> {
    graph: &'a ResolvedGraph,
    trace: &'a Trace,
    fetched: Vec<(Slot, u32)>,
    missing: Option<(Slot, u32)>,
}

impl Fetch for Traced<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        self.fetched.push((slot, element));
        if self.missing == Some((slot, element)) {
            return None;
        }
        let dtype = self.graph.tensors[usize::from(slot)].dtype;
        dtype.read(&self.trace.tensors[usize::from(slot)], element as usize)
    }
}

#[test]
fn one_element_alone_is_what_the_run_gives_and_a_missing_one_is_named() {
    for seed in 0..120 {
        let mut draw = Draw::new(3_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let graph = graph.resolve(&symbols).unwrap();
        let values = random_values(&mut draw, &graph);
        let trace = run_graph(&graph, &values);
        for slot in graph.ops.iter().flat_map(|op| op.outputs.clone()) {
            let tensor = &graph.tensors[usize::from(slot)];
            let expected = values_of(tensor.dtype, &trace.tensors[usize::from(slot)]);
            for element in 0..tensor.elements() {
                let mut traced = Traced { graph: &graph, trace: &trace, fetched: vec![], missing: None };
                let value = evaluate_output(&graph, slot, element, &mut traced);
                assert_eq!(value, Ok(expected[element as usize]), "seed {seed}, tensor {slot}, element {element}");
                if element % 16 == 0 && !traced.fetched.is_empty() {
                    let missing = *draw.pick(&traced.fetched);
                    traced.missing = Some(missing);
                    let error = EvaluateError::Missing { slot: missing.0, element: missing.1 };
                    assert_eq!(evaluate_output(&graph, slot, element, &mut traced), Err(error));
                }
            }
            let mut traced = Traced { graph: &graph, trace: &trace, fetched: vec![], missing: None };
            let beyond = evaluate_output(&graph, slot, tensor.elements(), &mut traced);
            assert_eq!(beyond, Err(EvaluateError::Malformed));
        }
    }
}

#[test]
fn points_and_tensors_that_no_op_has_are_refused() {
    let graph = common::linear(2, 3, 4).resolve(&[]).unwrap();
    let trace = run_graph(&graph, &[vec![1; 8], vec![2; 12], vec![0; 24], vec![]]);
    let mut traced = Traced { graph: &graph, trace: &trace, fetched: vec![], missing: None };
    let op = &graph.ops[0];
    assert!(evaluate(&graph, op, &[1, 2], &mut traced).is_ok());
    for point in [&[2, 0][..], &[0, 3], &[0], &[0, 0, 0], &[]] {
        assert_eq!(evaluate(&graph, op, point, &mut traced), Err(EvaluateError::Malformed), "{point:?}");
    }
    assert_eq!(evaluate_output(&graph, 0, 0, &mut traced), Err(EvaluateError::Malformed), "an input has no op");
    assert_eq!(evaluate_output(&graph, 4, 0, &mut traced), Err(EvaluateError::Malformed));
}

#[test]
fn inputs_of_the_wrong_size_are_named() {
    let graph = common::linear(2, 3, 4).resolve(&[]).unwrap();
    let (input, weights, scales) = (vec![0; 8], vec![0; 12], vec![0; 24]);
    assert!(run(&graph, &[&input, &weights, &scales]).is_ok());
    let error = run(&graph, &[&input, &weights[1..], &scales]).unwrap_err();
    assert_eq!(error, RunError::Operand { slot: 1, expected: 12, given: 11 });
    assert_eq!(error.to_string(), "R0003 tensor 1 needs 12 bytes, 11 were given");
    assert_eq!(run(&graph, &[&input, &weights]).unwrap_err(), RunError::Operand { slot: 2, expected: 24, given: 0 });
}

#[test]
fn a_run_in_steps_gives_what_the_whole_run_gives_and_counts_every_point() {
    for seed in 0..120 {
        let mut draw = Draw::new(9_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let graph = graph.resolve(&symbols).unwrap();
        let values = random_values(&mut draw, &graph);
        let whole = run_graph(&graph, &values);
        let mut steps = Run::new(&graph, values).unwrap();
        let total: u64 = graph.ops.iter().map(|op| op.points()).sum();
        assert_eq!((steps.points_done(), steps.points_total()), (0, total), "seed {seed}");
        let mut before = 0;
        loop {
            let budget = 1 + draw.below(40);
            let finished = steps.advance(budget).unwrap();
            let done = steps.points_done();
            assert!(done > before, "seed {seed}: every step does something");
            let dearest = graph.ops.iter().map(|op| u64::from(op.reduction_points())).max().unwrap_or(1);
            assert!(done - before < budget + dearest, "seed {seed}: a step ends with the element at its budget");
            assert_eq!(finished, done == total, "seed {seed}");
            before = done;
            if finished {
                break;
            }
        }
        assert_eq!(steps.advance(1), Ok(true), "nothing is left");
        assert_eq!(steps.points_done(), total);
        assert_eq!(steps.tensors(), whole.tensors);
        assert_eq!(steps.into_trace(), whole, "seed {seed}");
    }
}
