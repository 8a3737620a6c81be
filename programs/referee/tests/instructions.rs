//! Every instruction against a second definition in 128 bits, on extreme and arbitrary values.

mod common;

use common::{Draw, single, values_of};
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

fn unsigned(value: i64) -> u128 {
    u128::from(value as u64)
}

/// Greatest root whose square is not above the value, bit by bit.
fn root(value: u128) -> i64 {
    (0..32).rev().fold(0u128, |root, bit| {
        let next = root | 1 << bit;
        if next * next <= value { next } else { root }
    }) as i64
}

type Second = fn(i64, i64, i64) -> i64;

/// Each instruction with a definition that shares nothing with the crate's.
fn definitions() -> Vec<(I, Second)> {
    let (d, a, b, c) = (0, 1, 2, 3);
    vec![
        (I::Add { d, a, b }, |a, b, _| (i128::from(a) + i128::from(b)) as i64),
        (I::Sub { d, a, b }, |a, b, _| (i128::from(a) - i128::from(b)) as i64),
        (I::Mul { d, a, b }, |a, b, _| (i128::from(a) * i128::from(b)) as i64),
        (I::And { d, a, b }, |a, b, _| !(!a | !b)),
        (I::Or { d, a, b }, |a, b, _| !(!a & !b)),
        (I::Xor { d, a, b }, |a, b, _| (a | b) & !(a & b)),
        (I::ShiftLeft { d, a, b }, |a, b, _| (unsigned(a) << (b as u64 % 64)) as i64),
        (I::ShiftRight { d, a, b }, |a, b, _| (unsigned(a) / (1u128 << (b as u64 % 64))) as i64),
        (I::ShiftArithmetic { d, a, b }, |a, b, _| i128::from(a).div_euclid(1i128 << (b as u64 % 64)) as i64),
        (I::Min { d, a, b }, |a, b, _| if a < b { a } else { b }),
        (I::Max { d, a, b }, |a, b, _| if a > b { a } else { b }),
        (I::Less { d, a, b }, |a, b, _| i64::from(i128::from(a) - i128::from(b) < 0)),
        (I::LessUnsigned { d, a, b }, |a, b, _| i64::from(unsigned(a) < unsigned(b))),
        (I::Equal { d, a, b }, |a, b, _| i64::from(a ^ b == 0)),
        (I::Select { d, c, a, b }, |a, b, c| if c == 0 { b } else { a }),
        (I::DivideUnsigned { d, a, b }, |a, b, _| unsigned(a).checked_div(unsigned(b)).map_or(a, |q| q as i64)),
        (I::SquareRoot { d, a }, |a, _, _| root(unsigned(a))),
        (I::LeadingZeros { d, a }, |a, _, _| (0..64).rev().take_while(|bit| unsigned(a) >> bit == 0).count() as i64),
    ]
}

const EXTREMES: [i64; 14] =
    [0, 1, -1, 2, -2, 63, 64, 65, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1, 1 << 32, -(1 << 31)];

#[test]
fn every_instruction_on_all_pairs_of_extremes() {
    for (instruction, second) in definitions() {
        for a in EXTREMES {
            for b in EXTREMES {
                for c in [0, 1, i64::MIN] {
                    let values = [a, b, c];
                    assert_eq!(apply(instruction, values), second(a, b, c), "{instruction:?} of {values:?}");
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
    for (instruction, second) in definitions() {
        for _ in 0..150 {
            let [a, b, c] = std::array::from_fn(|_| draw.word());
            assert_eq!(apply(instruction, [a, b, c]), second(a, b, c), "{instruction:?} of {:?}", [a, b, c]);
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
