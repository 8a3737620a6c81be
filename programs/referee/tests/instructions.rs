//! Every instruction against a second definition in 128 bits, on extreme and arbitrary values.

mod common;

use common::{Draw, second, single, values_of};
use referee::graph::{Dtype, Graph, Instruction as I, OpKind, Program, ResolvedGraph};

/// Runs a program and gives its register 0 in full, as two halves.
fn register_0(constants: Vec<i64>, mut code: Vec<I>) -> i64 {
    let shift = constants.len() as u8;
    let constants = [constants, vec![32]].concat();
    code.extend([
        I::Constant { d: 15, index: shift },
        I::ShiftArithmetic { d: 14, a: 0, b: 15 },
        I::Store { output: 0, a: 14 },
        I::ShiftLeft { d: 14, a: 0, b: 15 },
        I::ShiftArithmetic { d: 14, a: 14, b: 15 },
        I::Store { output: 1, a: 14 },
    ]);
    let mut graph = single(OpKind::Map, vec![], &[Dtype::I32, Dtype::I32], &[1], &[]);
    graph.programs[0] = Program { constants, code };
    let trace = run(&graph);
    let half = |slot: usize| values_of(Dtype::I32, &trace[slot])[0];
    half(0) << 32 | half(1) & 0xffff_ffff
}

fn run(graph: &Graph) -> Vec<Vec<u8>> {
    let resolved: ResolvedGraph = graph.resolve(&[]).unwrap();
    common::run_graph(&resolved, &vec![vec![]; resolved.tensors.len()]).tensors
}

/// The instruction on registers 1, 2 and 3, with its result in register 0.
fn apply(instruction: I, values: [i64; 3]) -> i64 {
    let loads = (0..3).map(|index| I::Constant { d: index + 1, index });
    register_0(values.to_vec(), loads.chain([instruction]).collect())
}

/// Each instruction that computes, on registers 1, 2 and 3.
fn computing() -> Vec<I> {
    let (d, a, b, c) = (0, 1, 2, 3);
    vec![
        I::Add { d, a, b },
        I::Sub { d, a, b },
        I::Mul { d, a, b },
        I::And { d, a, b },
        I::Or { d, a, b },
        I::Xor { d, a, b },
        I::ShiftLeft { d, a, b },
        I::ShiftRight { d, a, b },
        I::ShiftArithmetic { d, a, b },
        I::Min { d, a, b },
        I::Max { d, a, b },
        I::Less { d, a, b },
        I::LessUnsigned { d, a, b },
        I::Equal { d, a, b },
        I::Select { d, c, a, b },
        I::DivideUnsigned { d, a, b },
        I::SquareRoot { d, a },
        I::LeadingZeros { d, a },
    ]
}

const EXTREMES: [i64; 14] =
    [0, 1, -1, 2, -2, 63, 64, 65, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1, 1 << 32, -(1 << 31)];

#[test]
fn every_instruction_on_all_pairs_of_extremes() {
    for instruction in computing() {
        for a in EXTREMES {
            for b in EXTREMES {
                for c in [0, 1, i64::MIN] {
                    let values = [a, b, c];
                    assert_eq!(
                        Some(apply(instruction, values)),
                        second(instruction, values),
                        "{instruction:?} of {values:?}"
                    );
                    if !matches!(instruction, I::Select { .. }) {
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn every_instruction_on_arbitrary_values() {
    let mut draw = Draw::new(5);
    for instruction in computing() {
        for _ in 0..150 {
            let values = std::array::from_fn(|_| draw.word());
            assert_eq!(Some(apply(instruction, values)), second(instruction, values), "{instruction:?} of {values:?}");
        }
    }
}

#[test]
fn rounding_shifts_round_halves_up_at_every_size() {
    let mut draw = Draw::new(6);
    for shift in 1..=63u8 {
        let half = 1i64 << (shift - 1);
        let whole = |quotient: i64| ((i128::from(quotient) << shift) + i128::from(half)) as i64;
        let arbitrary = [draw.word(), draw.word()];
        // Exact halves, their neighbours, and the ends of 64 bits.
        let halves = [0, 1, -1, 7, -8].map(whole);
        let near = halves.iter().flat_map(|half| [half.wrapping_sub(1), *half, half.wrapping_add(1)]);
        for a in near.chain(EXTREMES).chain(arbitrary) {
            let exact = (i128::from(a) + i128::from(half)).div_euclid(1 << shift);
            let value = apply(I::RoundShift { d: 0, a: 1, shift }, [a, 0, 0]);
            assert_eq!(i128::from(value), exact, "{a} by {shift}");
        }
    }
}

#[test]
fn constants_and_registers_hold_64_bits_and_start_at_0() {
    for value in EXTREMES {
        assert_eq!(register_0(vec![value], vec![I::Constant { d: 0, index: 0 }]), value);
    }
    for a in 0..16 {
        assert_eq!(register_0(vec![], vec![I::Or { d: 0, a, b: a }]), 0);
    }
    // The destination may be a source.
    let code = vec![I::Constant { d: 0, index: 0 }, I::Mul { d: 0, a: 0, b: 0 }, I::Sub { d: 0, a: 0, b: 0 }];
    assert_eq!(register_0(vec![9], code[..2].to_vec()), 81);
    assert_eq!(register_0(vec![9], code), 0);
}

#[test]
fn stores_saturate_from_64_bits() {
    let values = [i64::MIN, -(1 << 33), i64::from(i32::MIN) - 1, -32_769, -129, -128, -1, 0, 1, 127, 128, 255, 256];
    let values = values.into_iter().chain([32_767, 32_768, i64::from(i32::MAX) + 1, (1 << 32) + 5, i64::MAX]);
    for value in values {
        for dtype in Dtype::ALL {
            let mut graph = single(OpKind::Map, vec![], &[dtype], &[1], &[]);
            graph.programs[0] = Program {
                constants: vec![value],
                code: vec![I::Constant { d: 3, index: 0 }, I::Store { output: 0, a: 3 }, I::Xor { d: 3, a: 3, b: 3 }],
            };
            let (low, high) = dtype.range();
            let stored = values_of(dtype, &run(&graph)[0])[0];
            assert_eq!(stored, value.clamp(low, high), "{value} as {dtype:?}: what the register held at the store");
        }
    }
}

#[test]
fn the_requantisation_vectors() {
    // (sum + bias) * multiplier, rounded by 33 and clamped: narrowing before the clamp would show.
    let requantise = |sum: i64, bias: i64, multiplier: i64| {
        let code = vec![
            I::Constant { d: 0, index: 0 },
            I::Constant { d: 1, index: 1 },
            I::Add { d: 0, a: 0, b: 1 },
            I::Constant { d: 2, index: 2 },
            I::Mul { d: 0, a: 0, b: 2 },
            I::RoundShift { d: 0, a: 0, shift: 33 },
        ];
        register_0(vec![sum, bias, multiplier], code)
    };
    let (most, least) = (i64::from(i32::MAX), i64::from(i32::MIN));
    // The product alone can leave 64 bits, and wraps: 2^32 x -2^31 at the ends of both.
    let exact = |sum: i64, bias: i64, multiplier: i64| {
        let product = (i128::from(sum) + i128::from(bias)) * i128::from(multiplier);
        (i128::from(product as i64) + (1 << 32)).div_euclid(1 << 33) as i64
    };
    for sum in [most, least, 0, 1, -1, 2_147_467_264] {
        for bias in [most, least, 0, 1] {
            for multiplier in [most, least, 1, -1, 1 << 30, (1 << 30) + 1] {
                assert_eq!(
                    requantise(sum, bias, multiplier),
                    exact(sum, bias, multiplier),
                    "{sum} {bias} {multiplier}"
                );
            }
        }
    }
    // Exact halves go up: 0.5 to 1, -0.5 to 0, 1.5 to 2.
    assert_eq!([1, -1, 3].map(|sum| requantise(sum << 2, 0, 1 << 30)), [1, 0, 2]);
}
