//! No value of a run ever leaves its interval.

mod common;

use common::{Draw, OpSketch, along, bytes_of, linear, random_program, random_values, run_graph, single, tensor};
use referee::graph::{
    Dtype, Graph, Instruction as I, Interval, OpKind, OutOfBounds, Program, Register, TensorKind, Wrap,
};

/// Stores a register in full, as two halves in outputs 0 and 1.
fn store_halves(program: &mut Program, a: Register) {
    program.constants.push(32);
    let (d, index) = (15 - u8::from(a == 15), (program.constants.len() - 1) as u8);
    let b = d - 1 - u8::from(d - 1 == a);
    program.code.extend([
        I::Constant { d: b, index },
        I::ShiftArithmetic { d, a, b },
        I::Store { output: 0, a: d },
        I::ShiftLeft { d, a, b },
        I::ShiftArithmetic { d, a: d, b },
        I::Store { output: 1, a: d },
    ]);
}

/// Every value that the register holds at the end of the graph's only op, over all output points.
fn observed(graph: &Graph, values: &[Vec<u8>]) -> Vec<i64> {
    let resolved = graph.resolve(&[]).unwrap_or_else(|error| panic!("{error}"));
    let trace = run_graph(&resolved, values);
    let half = |output: usize| common::values_of(Dtype::I32, &trace.tensors[usize::from(graph.outputs[output])]);
    half(0).into_iter().zip(half(1)).map(|(high, low)| high << 32 | low & 0xffff_ffff).collect()
}

/// A Map over `[3, 4]` of a tensor of each type, a padded one and a table.
fn map(draw: &mut Draw) -> Graph {
    let kinds = [Dtype::I8, Dtype::U8, Dtype::I16, Dtype::I32];
    let tensors = kinds.map(|dtype| tensor(dtype, TensorKind::Input, &[3, 4])).to_vec();
    let mut graph = single(OpKind::Map, tensors, &[Dtype::I32, Dtype::I32], &[3, 4], &[]);
    let mut operands: Vec<_> = (0..4).map(|slot| along(slot, &[3, 4], &[Some(0), Some(1)])).collect();
    operands[1].offsets[0] = draw.between(0, 2) as i32;
    operands[1].out_of_bounds = OutOfBounds::Pad(draw.word() as i32);
    operands[2].terms.remove(1);
    operands[2].indirect = Some(1);
    graph.ops[0].operands = operands;
    graph
}

#[test]
fn every_value_of_a_random_program_lies_in_its_interval() {
    let sketch = OpSketch {
        operands: vec![Some(false), Some(false), Some(true), Some(false)],
        index_axes: 2,
        length_axes: 2,
        loops: false,
    };
    let mut proper = 0;
    for seed in 0..600 {
        let mut draw = Draw::new(4_000_000 + seed);
        let mut graph = map(&mut draw);
        let program = random_program(&mut draw, &sketch, 12, 0);
        for length in 1..=program.code.len() {
            let mut prefix = Program { constants: program.constants.clone(), code: program.code[..length].to_vec() };
            let register = prefix.code[length - 1].destination().unwrap();
            store_halves(&mut prefix, register);
            graph.programs[0] = prefix;
            let resolved = graph.resolve(&[]).unwrap();
            let interval = resolved.intervals(&resolved.ops[0]).epilogue[length - 1];
            let values = random_values(&mut draw, &resolved);
            for value in observed(&graph, &values) {
                assert!(
                    interval.contains(value),
                    "seed {seed}: {value} is not in {interval:?} after {:?}",
                    &program.code[..length]
                );
            }
            proper += u32::from(interval != Interval::FULL);
        }
    }
    assert!(proper > 3000, "only {proper} intervals say anything");
}

#[test]
fn what_a_reduction_leaves_lies_in_its_preset() {
    let sketch = OpSketch { operands: vec![Some(false), Some(false)], index_axes: 3, length_axes: 3, loops: false };
    for seed in 0..400 {
        let mut draw = Draw::new(5_000_000 + seed);
        let kind = *draw.pick(&[OpKind::Sum, OpKind::SumPair, OpKind::ArgMax, OpKind::ArgMin]);
        let tensors = vec![
            tensor(*draw.pick(&Dtype::ALL), TensorKind::Input, &[2, 12]),
            tensor(*draw.pick(&Dtype::ALL), TensorKind::Input, &[12]),
        ];
        let mut graph = single(kind, tensors, &[Dtype::I32, Dtype::I32], &[2], &[4, 3]);
        graph.ops[0].operands =
            vec![along(0, &[2, 4, 3], &[Some(0), Some(1), Some(2)]), along(1, &[4, 3], &[Some(1), Some(2)])];
        graph.programs[1] = random_program(&mut draw, &sketch, 6, 0);
        for register in 0..2 {
            graph.programs[0] = Program::default();
            store_halves(&mut graph.programs[0], register);
            let resolved = graph.resolve(&[]).unwrap();
            let intervals = resolved.intervals(&resolved.ops[0]);
            assert_eq!(intervals.prologue.len(), 6);
            let values = random_values(&mut draw, &resolved);
            for value in observed(&graph, &values) {
                let preset = intervals.presets[usize::from(register)];
                assert!(preset.contains(value), "seed {seed}, {kind:?}: {value} is not in {preset:?}");
            }
        }
    }
}

#[test]
fn a_linear_layer_needs_64_bits_for_its_product_alone() {
    let resolved = linear(4, 8, 384).resolve(&[]).unwrap();
    let intervals = resolved.intervals(&resolved.ops[0]);
    assert_eq!(intervals.presets[0], Interval { low: -384 * 16_256, high: 384 * 16_384 });
    // Bias, sum with bias, multiplier, product, rounded, constant, greater, constant, lesser, stored.
    let narrow: Vec<bool> = intervals.epilogue.iter().map(|interval| interval.fits_i32()).collect();
    assert_eq!(narrow, [true, false, true, false, true, true, true, true, true, true]);
    assert_eq!(intervals.epilogue[9], Interval { low: -127, high: 127 });
    assert_eq!(intervals.wraps, []);
}

#[test]
fn wraps_are_named_where_they_can_happen() {
    let mut graph =
        single(OpKind::SumPair, vec![tensor(Dtype::I32, TensorKind::Input, &[8])], &[Dtype::I32], &[1], &[8]);
    graph.ops[0].operands = vec![along(0, &[8], &[Some(1)])];
    graph.programs[1].code = vec![
        I::Load { d: 0, operand: 0 },
        I::Mul { d: 1, a: 0, b: 0 },
        I::Mul { d: 2, a: 1, b: 0 },
        I::ShiftLeft { d: 3, a: 0, b: 0 },
    ];
    graph.programs[0].code.insert(0, I::Sub { d: 2, a: 0, b: 1 });
    let wraps = |graph: &Graph| {
        let resolved = graph.resolve(&[]).unwrap();
        resolved.intervals(&resolved.ops[0]).wraps
    };
    // 2^31 * 2^31 = 2^62 fits, eight of them do not.
    assert_eq!(wraps(&graph), [Wrap::Prologue(2), Wrap::Prologue(3), Wrap::Sum(1), Wrap::Epilogue(0)]);
    graph.ops[0].reduction_axes = common::dims(&[1]);
    graph.programs[1].code.truncate(2);
    assert_eq!(wraps(&graph), []);
    let values = [bytes_of(Dtype::I32, &[i64::from(i32::MIN); 8]), vec![]];
    assert_eq!(run_graph(&graph.resolve(&[]).unwrap(), &values).tensors[1], i32::MIN.to_le_bytes());
}
