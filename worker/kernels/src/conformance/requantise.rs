//! Requantisation: exact halves, 64-bit extremes, and saturation only after the shift.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant};
use referee::graph::Dtype::{I8, I16, I32, U8};
use referee::graph::{Dtype, Instruction, TensorKind};

/// `saturate(round_shift((value + bias) * multiplier, shift))` to every element type.
fn requantise(name: &str, shift: u8, triples: &[(i64, i64, i64)]) -> Vector {
    let mut sketch = Sketch::new(u64::from(shift));
    let count = triples.len() as u32;
    let mut column = |values: Vec<i64>| {
        let slot = sketch.given(TensorKind::Input, I32, &constant(&[count]), &values);
        along(slot, &[count], &[0])
    };
    let operands = vec![
        column(triples.iter().map(|triple| triple.0).collect()),
        column(triples.iter().map(|triple| triple.1).collect()),
        column(triples.iter().map(|triple| triple.2).collect()),
    ];
    let program = Assembly::new()
        .load(0, 0)
        .load(1, 1)
        .load(2, 2)
        .then(Instruction::Add { d: 0, a: 0, b: 1 })
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift });
    let program = (0..4).fold(program, |program, output| program.store(output, 0));
    let out = sketch.map(&[I8, U8, I16, I32], &[count], operands, program);
    sketch.finish(format!("requantise {name}"), &out)
}

/// Values whose product lies on, just below and just above a half, for both signs.
fn halves() -> Vector {
    let shift = 12;
    let mut triples = Vec::new();
    for target in [-300i64, -129, -128, -127, -2, -1, 0, 1, 2, 126, 127, 128, 254, 255, 256, 32_767, 32_768] {
        for delta in [-1, 0, 1] {
            let value = (target << shift) + (1 << (shift - 1)) + delta;
            triples.push((value, 0, 1));
            triples.push((-value, 0, 1));
            triples.push((-value, 0, -1));
            triples.push((value - 1_000, 1_000, 1));
        }
    }
    requantise("at exact halves", shift, &triples)
}

/// Sums beyond 32 bits and products at both ends of 64.
fn ends(shift: u8) -> Vector {
    let ends = [i64::from(i32::MIN), i64::from(i32::MIN) + 1, -1, 0, 1, 1 << 30, i64::from(i32::MAX)];
    let mut triples = Vec::new();
    for value in ends {
        for bias in ends {
            for multiplier in ends {
                triples.push((value, bias, multiplier));
            }
        }
    }
    requantise(&format!("at the ends of 64 bits, by {shift}"), shift, &triples)
}

/// From 64-bit values straight to each element type: a backend that narrows before it clamps fails here.
fn saturation(target: Dtype) -> Vector {
    let (low, high) = target.range();
    let mut values = Vec::new();
    for at in [low, high, 0, i64::MIN, i64::MAX, 1 << 32, -(1 << 32), (1 << 32) + 5, (1 << 40) - 1, -(1 << 40)] {
        values.extend([at.wrapping_sub(1), at, at.wrapping_add(1)]);
    }
    let mut sketch = Sketch::new(9);
    let count = values.len() as u32;
    let low_half: Vec<i64> = values.iter().map(|value| i64::from(*value as i32)).collect();
    let high_half: Vec<i64> = values.iter().map(|value| value >> 32).collect();
    let low_half = sketch.given(TensorKind::Input, I32, &constant(&[count]), &low_half);
    let high_half = sketch.given(TensorKind::Input, I32, &constant(&[count]), &high_half);
    let operands = vec![along(low_half, &[count], &[0]), along(high_half, &[count], &[0])];
    let program = Assembly::new().load(0, 0).load(1, 1).join(2, 0, 1).store(0, 2);
    let out = sketch.map(&[target], &[count], operands, program);
    sketch.finish(format!("saturation to {target:?}"), &out)
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![halves(), ends(31)]
}

pub(super) fn full() -> Vec<Vector> {
    let mut vectors = vec![ends(1), ends(32), ends(62), ends(63)];
    vectors.extend(Dtype::ALL.map(saturation));
    vectors
}
