//! Loops: what they run against a second definition, what they may take, and what their values can be.

mod common;

use common::{Draw, Second, random_graph, random_values, run_graph, single, values_of};
use referee::graph::{Dtype, Graph, Instruction as I, Interval, MAX_STEPS, OpKind, Program, ResolvedGraph};
use referee::semantics::{EvaluateError, Fetch, evaluate};

/// A Map of one element that stores register 0 of this program.
fn map(constants: &[i64], code: &[I]) -> Graph {
    let mut graph = single(OpKind::Map, vec![], &[Dtype::I32], &[1], &[]);
    let code = code.iter().copied().chain([I::Store { output: 0, a: 0 }]).collect();
    graph.programs[0] = Program { constants: constants.to_vec(), code };
    graph
}

fn value(constants: &[i64], code: &[I]) -> i64 {
    let resolved = map(constants, code).resolve(&[]).unwrap();
    values_of(Dtype::I32, &run_graph(&resolved, &[vec![]]).tensors[0])[0]
}

const ONE: I = I::Constant { d: 1, index: 0 };
const COUNT: I = I::Add { d: 0, a: 0, b: 1 };

#[test]
fn a_body_runs_as_often_as_it_says() {
    for turns in [1, 2, 3, 1000, 4094] {
        assert_eq!(value(&[1], &[ONE, I::Loop { turns }, COUNT, I::End]), i64::from(turns));
    }
    for (outer, inner) in [(1, 1), (1, 7), (7, 1), (30, 60)] {
        let code = [ONE, I::Loop { turns: outer }, I::Loop { turns: inner }, COUNT, I::End, I::End];
        assert_eq!(value(&[1], &code), i64::from(outer) * i64::from(inner));
    }
    // One after the other, and a body of nothing.
    let code =
        [ONE, I::Loop { turns: 3 }, COUNT, I::End, I::Loop { turns: 9 }, I::End, I::Loop { turns: 4 }, COUNT, I::End];
    assert_eq!(value(&[1], &code), 7);
}

#[test]
fn the_longest_loop_is_the_one_that_takes_all_steps() {
    // LDC, LOOP and ST are 3 steps, a turn is 2.
    let longest = (MAX_STEPS as u16 - 3) / 2;
    assert!(map(&[1], &[ONE, I::Loop { turns: longest }, COUNT, I::End]).check().is_ok());
    let error = map(&[1], &[ONE, I::Loop { turns: longest + 1 }, COUNT, I::End]).check().unwrap_err();
    assert_eq!(error.code, "G0160");
    let most = I::Loop { turns: u16::MAX };
    let error = map(&[1], &[most, most, COUNT, I::End, I::End]).check().unwrap_err();
    assert_eq!((error.code, error.reason.contains("8589803522 steps")), ("G0160", true), "{error}");
}

#[test]
fn a_loop_is_left_where_the_register_is_0_and_goes_on_behind_its_end() {
    // Counts down from `from` and counts its turns.
    let turns = |from: i64, breaks_first: bool| {
        let down = I::Sub { d: 2, a: 2, b: 1 };
        let leave = I::BreakIfZero { a: 2 };
        let body = if breaks_first { [leave, COUNT, down] } else { [COUNT, down, leave] };
        let code = [&[ONE, I::Constant { d: 2, index: 1 }, I::Loop { turns: 10 }], &body[..], &[I::End]].concat();
        value(&[1, from], &code)
    };
    assert_eq!([0, 1, 5, 9, 10, 11, 1000].map(|from| turns(from, true)), [0, 1, 5, 9, 10, 10, 10]);
    assert_eq!([0, 1, 5, 9, 10, 11, 1000].map(|from| turns(from, false)), [10, 1, 5, 9, 10, 10, 10]);
    assert_eq!(turns(-1, true), 10, "only 0 leaves");
    assert_eq!(turns(1 << 40, true), 10, "all 64 bits decide");
}

#[test]
fn the_innermost_loop_alone_is_left() {
    // The inner loop is left at once, in every turn of the outer.
    let code = [ONE, I::Loop { turns: 6 }, I::Loop { turns: 9 }, I::BreakIfZero { a: 5 }, COUNT, I::End, COUNT, I::End];
    assert_eq!(value(&[1], &code), 6);
    // The outer loop is left over an inner one that never runs.
    let inner = [I::Loop { turns: 9 }, I::BreakIfZero { a: 5 }, COUNT, I::End];
    let code = [&[ONE, I::Loop { turns: 6 }, I::BreakIfZero { a: 5 }][..], &inner, &[COUNT, I::End, COUNT]].concat();
    assert_eq!(value(&[1], &code), 1);
    // Left from the inner loop, then from the outer.
    let code = [&[ONE, I::Loop { turns: 6 }][..], &inner, &[COUNT, I::BreakIfZero { a: 5 }, COUNT, I::End]].concat();
    assert_eq!(value(&[1], &code), 1);
}

/// All outputs of Maps of random graphs, by the crate and by the second definition; gives the number of loops that were left
/// early.
#[test]
fn random_loops_run_like_the_second_definition_within_their_steps_and_intervals() {
    let (mut compared, mut proper, mut shown, mut left) = (0, 0, 0, 0);
    for seed in 0..900 {
        let mut draw = Draw::new(8_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let resolved = graph.resolve(&symbols).unwrap();
        let values = random_values(&mut draw, &resolved);
        let trace = run_graph(&resolved, &values).tensors;
        let dtypes: Vec<Dtype> = resolved.tensors.iter().map(|tensor| tensor.dtype).collect();
        for op in resolved.ops.iter().filter(|op| op.kind == OpKind::Map) {
            let program = &resolved.programs[usize::from(op.program)];
            if !program.code.iter().any(|instruction| matches!(instruction, I::Loop { .. })) {
                continue;
            }
            let intervals = resolved.intervals(op).epilogue;
            proper += intervals.iter().filter(|interval| **interval != Interval::FULL).count();
            for _ in 0..12 {
                let element = draw.below(op.output_elements().into()) as u32;
                let point = point(&op.output_dims, element);
                let mut second = Second { point: &point, ..Second::new(&resolved, op, &trace, &dtypes) };
                let mut outside = None;
                let stored = second.run(&mut |at, value| {
                    shown += 1;
                    if !intervals[at].contains(value) {
                        outside.get_or_insert((at, value));
                    }
                });
                if let Some((at, value)) = outside {
                    panic!("seed {seed}: {value} at {at} is not in {:?} of {:#?}", intervals[at], program.code);
                }
                for (slot, value) in op.outputs.iter().zip(stored) {
                    let dtype = dtypes[usize::from(*slot)];
                    let stored = dtype.read(&trace[usize::from(*slot)], element as usize);
                    assert_eq!(stored, Some(dtype.saturate(value)), "seed {seed}: {:#?}", program.code);
                    compared += 1;
                }
                let runs = program.runs();
                let counted = program.code.iter().zip(runs).filter(|(i, _)| !matches!(i, I::Loop { .. } | I::End));
                let most: u64 = counted.map(|(_, runs)| runs).sum();
                assert!(second.steps <= most, "seed {seed}: {} steps of {most}", second.steps);
                left += u32::from(second.steps < most);
            }
        }
    }
    assert!(
        compared > 1_000 && proper > 500 && shown > 10_000,
        "{compared} outputs, {proper} intervals, {shown} values"
    );
    assert!(left > 100, "{left} runs left a loop early");
}

fn point(dims: &[u32], mut element: u32) -> Vec<u32> {
    let mut point = vec![0; dims.len()];
    for (at, dim) in point.iter_mut().zip(dims).rev() {
        *at = element % dim;
        element /= dim;
    }
    point
}

struct Nothing;

impl Fetch for Nothing {
    fn fetch(&mut self, _: u16, _: u32) -> Option<i64> {
        None
    }
}

#[test]
fn what_no_check_lets_pass_is_malformed_and_ends() {
    let run = |code: &[I]| {
        let mut resolved: ResolvedGraph = map(&[], &[]).resolve(&[]).unwrap();
        resolved.programs[0].code = code.to_vec();
        evaluate(&resolved, &resolved.ops[0], &[0], &mut Nothing)
    };
    let two = [I::Loop { turns: 2 }; 2];
    for code in [
        vec![I::End],
        vec![I::BreakIfZero { a: 0 }],
        vec![I::Loop { turns: 1 }],
        vec![I::Loop { turns: 0 }, I::End],
        vec![I::Loop { turns: 2 }, I::BreakIfZero { a: 0 }],
        vec![I::Loop { turns: 2 }, I::BreakIfZero { a: 0 }, I::Loop { turns: 2 }, I::End],
        [&two[..], &two, &[I::End; 4]].concat(),
        [&two[..], &[I::End; 3]].concat(),
    ] {
        assert_eq!(run(&code), Err(EvaluateError::Malformed), "{code:?}");
        // Intervals of what is unchecked end too.
        let mut resolved = map(&[], &[]).resolve(&[]).unwrap();
        resolved.programs[0].code = code;
        assert!(resolved.intervals(&resolved.ops[0]).epilogue.iter().all(|interval| interval.low <= interval.high));
    }
    assert!(run(&[&two[..], &[I::End; 2]].concat()).is_ok());
}

#[test]
fn intervals_follow_a_counter_exactly_and_a_product_until_it_wraps() {
    let resolved = map(&[1], &[ONE, I::Loop { turns: 300 }, COUNT, I::End]).resolve(&[]).unwrap();
    let intervals = resolved.intervals(&resolved.ops[0]);
    assert_eq!(
        (intervals.epilogue[2], intervals.epilogue[4]),
        (Interval { low: 1, high: 300 }, Interval::exactly(300))
    );
    assert_eq!(intervals.wraps, []);
    // 3^39 still fits 64 bits, 3^40 does not.
    for (turns, wraps) in [(38, false), (39, true)] {
        let code = [I::Constant { d: 0, index: 0 }, I::Loop { turns }, I::Mul { d: 0, a: 0, b: 1 }, I::End];
        let code = [&[I::Constant { d: 1, index: 0 }][..], &code].concat();
        let resolved = map(&[3], &code).resolve(&[]).unwrap();
        assert_eq!(!resolved.intervals(&resolved.ops[0]).wraps.is_empty(), wraps, "{turns} turns");
    }
    // Where BRZ leaves, its register is 0; behind it, it is not.
    let code = [I::Index { d: 2, axis: 0 }, I::Loop { turns: 2 }, I::BreakIfZero { a: 2 }, I::Max { d: 0, a: 2, b: 2 }];
    let mut graph = map(&[], &[&code[..], &[I::End, I::Max { d: 3, a: 2, b: 2 }]].concat());
    graph.tensors[0].shape = common::dims(&[5]);
    graph.ops[0].output_axes = common::dims(&[5]);
    let resolved = graph.resolve(&[]).unwrap();
    let intervals = resolved.intervals(&resolved.ops[0]).epilogue;
    assert_eq!((intervals[2], intervals[3]), (Interval { low: 0, high: 4 }, Interval { low: 1, high: 4 }));
    assert_eq!(intervals[5], Interval { low: 0, high: 4 });
}
