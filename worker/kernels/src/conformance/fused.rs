//! Epilogues, look-ups and rows that backends compute in forms of their own: residuals, numbers by row, masks, and lengths
//! around a vector register.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant, sight};
use referee::graph::Dtype::{I8, I16, I32, U8};
use referee::graph::{Dtype, Instruction, OpKind, TensorKind};

/// Multipliers of both signs, the greatest among them.
const MULTIPLIERS: (i64, i64) = (i32::MIN as i64, i32::MAX as i64);

/// `round_shift((sum + bias) * multiplier + residual * factor, shift)`, numbers by column.
fn residual(name: &str, shape: (u32, u32, u32), [residual, out]: [Dtype; 2], factor: i64, shift: u8) -> Vector {
    let (m, n, k) = shape;
    let mut sketch = Sketch::new(u64::from(m + n * 3 + k * 7));
    let (left, weights) = (sketch.input(I8, &[m, k]), sketch.param(I8, &[n, k]));
    let before = sketch.input(residual, &[m, n]);
    let random = sketch.random();
    let mut numbers: Vec<i64> =
        (0..n).flat_map(|_| [random.between(-1000, 1000), random.between(MULTIPLIERS.0, MULTIPLIERS.1)]).collect();
    (numbers[0], numbers[1]) = (-9000, MULTIPLIERS.0);
    let numbers = sketch.given(TensorKind::Param, I32, &constant(&[n, 2]), &numbers);
    let operands = vec![
        along(left, &[m, k], &[0, 2]),
        along(weights, &[n, k], &[1, 2]),
        sight(numbers, &[n, 2]).term(0, 1, 1).done(),
        sight(numbers, &[n, 2]).term(0, 1, 1).offset(1, 1).done(),
        along(before, &[m, n], &[0, 1]),
    ];
    let epilogue = Assembly::new()
        .load(1, 2)
        .then(Instruction::Add { d: 0, a: 0, b: 1 })
        .load(2, 3)
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .load(3, 4)
        .constant(4, factor)
        .then(Instruction::Mul { d: 3, a: 3, b: 4 })
        .then(Instruction::Add { d: 0, a: 0, b: 3 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift })
        .store(0, 0);
    let out = sketch.op(OpKind::Contract, &[out], &constant(&[m, n]), &constant(&[k]), operands, None, epilogue);
    sketch.finish(format!("residual {name}"), &out)
}

/// Bias and multiplier by row, the weights on the left: a layer that is written transposed.
fn by_row((m, n, k): (u32, u32, u32), bias: i64, multiplier: i64) -> Vector {
    let mut sketch = Sketch::new(u64::from(m + n + k));
    let (weights, right) = (sketch.param(I8, &[m, k]), sketch.input(I8, &[n, k]));
    let random = sketch.random();
    let mut numbers: Vec<i64> =
        (0..m).flat_map(|_| [random.between(-bias, bias), random.between(1 << 20, multiplier)]).collect();
    (numbers[0], numbers[1]) = (bias, multiplier);
    let numbers = sketch.given(TensorKind::Param, I32, &constant(&[m, 2]), &numbers);
    let operands = vec![
        along(weights, &[m, k], &[0, 2]),
        along(right, &[n, k], &[1, 2]),
        sight(numbers, &[m, 2]).term(0, 0, 1).done(),
        sight(numbers, &[m, 2]).term(0, 0, 1).offset(1, 1).done(),
    ];
    let epilogue = Assembly::new()
        .load(1, 2)
        .then(Instruction::Add { d: 0, a: 0, b: 1 })
        .load(2, 3)
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift: 31 })
        .store(0, 0);
    let out = sketch.op(OpKind::Contract, &[I8], &constant(&[m, n]), &constant(&[k]), operands, None, epilogue);
    sketch.finish(format!("numbers by row {m}x{n}x{k}, bias {bias}"), &out)
}

/// A multiplier for each row that is computed while the graph runs: what divides the values of attention.
fn row_multiplier((heads, m, n, k): (u32, u32, u32, u32), shift: u8) -> Vector {
    let mut sketch = Sketch::new(u64::from(heads + m + n + k));
    let (weights, values) = (sketch.input(U8, &[heads, m, k]), sketch.input(I8, &[heads, n, k]));
    let random = sketch.random();
    let mut factors: Vec<i64> = (0..heads * m).map(|_| random.between(MULTIPLIERS.0, MULTIPLIERS.1)).collect();
    (factors[0], factors[1]) = MULTIPLIERS;
    let factors = sketch.given(TensorKind::Input, I32, &constant(&[heads, m]), &factors);
    // row, head, column; depth
    let operands = vec![
        along(weights, &[heads, m, k], &[1, 0, 3]),
        along(values, &[heads, n, k], &[1, 2, 3]),
        along(factors, &[heads, m], &[1, 0]),
    ];
    let epilogue = Assembly::new()
        .load(1, 2)
        .then(Instruction::Mul { d: 0, a: 1, b: 0 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift })
        .store(0, 0);
    let axes = constant(&[m, heads, n]);
    let out = sketch.op(OpKind::Contract, &[I8], &axes, &constant(&[k]), operands, None, epilogue);
    sketch.finish(format!("multiplier by row {heads}x{m}x{n}x{k} by {shift}"), &out)
}

/// `table[x * 3 - row + offset]`, where the mask is not 0.
#[derive(Clone, Copy)]
struct LookUp {
    length: u32,
    entries: u32,
    input: Dtype,
    table: Dtype,
    out: Dtype,
    mask: Option<(Dtype, i64)>,
}

impl LookUp {
    fn vector(self) -> Vector {
        let Self { length, entries, input, table, out, mask } = self;
        let mut sketch = Sketch::new(u64::from(length + entries));
        let (x, row) = (sketch.input(input, &[3, length]), sketch.input(I16, &[3]));
        let entries_slot = sketch.param(table, &[entries]);
        let mut operands = vec![
            along(x, &[3, length], &[0, 1]),
            along(row, &[3], &[0]),
            sight(entries_slot, &[entries]).indirect(0).done(),
        ];
        let mut program = Assembly::new()
            .load(0, 0)
            .constant(1, 3)
            .then(Instruction::Mul { d: 0, a: 1, b: 0 })
            .load(2, 1)
            .then(Instruction::Sub { d: 0, a: 0, b: 2 })
            .constant(3, i64::from(entries / 2))
            .then(Instruction::Add { d: 0, a: 0, b: 3 })
            .gather(0, 2, 0);
        if let Some((dtype, other)) = mask {
            let random = sketch.random();
            let values: Vec<i64> = (0..length).map(|_| random.between(0, 2)).collect();
            let mask = sketch.given(TensorKind::Input, dtype, &constant(&[length]), &values);
            operands.push(along(mask, &[length], &[1]));
            program = program.load(4, 3).constant(5, other).then(Instruction::Select { d: 0, a: 0, b: 5, c: 4 });
        }
        let slots = sketch.map(&[out], &[3, length], operands, program.store(0, 0));
        let masked = if mask.is_some() { ", masked" } else { "" };
        sketch.finish(format!("look-up of {length} {input:?} in {entries} {table:?} to {out:?}{masked}"), &slots)
    }
}

/// A row's sum or extreme, masked places counting as a number; the place of an extreme is stored where `place` says so.
fn rows(kind: OpKind, dtype: Dtype, length: u32, mask: Option<i64>, place: bool) -> Vector {
    let mut sketch = Sketch::new(u64::from(length) + 9);
    let values = sketch.input(dtype, &[2, 5, length]);
    let random = sketch.random();
    let present: Vec<i64> = (0..2 * length).map(|_| random.between(0, 2)).collect();
    let present = sketch.given(TensorKind::Input, U8, &constant(&[2, length]), &present);
    let mut operands = vec![along(values, &[2, 5, length], &[0, 1, 2])];
    let mut prologue = Assembly::new().load(0, 0);
    if let Some(other) = mask {
        operands.push(along(present, &[2, length], &[0, 2]));
        prologue = prologue.load(1, 1).constant(2, other).then(Instruction::Select { d: 0, a: 0, b: 2, c: 1 });
    }
    let stored = if kind == OpKind::Sum || place { 0 } else { 1 };
    let program = Assembly::new().store(0, stored);
    let axes = constant(&[2, 5]);
    let out = sketch.op(kind, &[I32], &axes, &constant(&[length]), operands, Some(prologue), program);
    sketch.finish(format!("rows of {length} {dtype:?}: {kind:?}, mask {mask:?}, place {place}"), &out)
}

pub(super) fn full() -> Vec<Vector> {
    let mut vectors = vec![
        residual("in 16 bits", (13, 70, 50), [I16, I16], 12_345_678, 30),
        residual("in 8 bits to 8", (5, 33, 20), [I8, I8], -(1 << 30), 36),
        residual("without signs, the greatest factor", (4, 64, 9), [U8, I16], i64::from(i32::MAX), 61),
        residual("at the greatest shift", (4, 40, 9), [I16, I32], i64::from(i32::MIN), 62),
        residual("with a factor of 33 bits", (4, 40, 9), [I16, I32], 1 << 32, 40),
        residual("of 32 bits", (4, 40, 9), [I32, I32], 3, 8),
        by_row((40, 70, 50), 100_000, MULTIPLIERS.1),
        by_row((9, 33, 20), i64::from(i32::MAX), 1 << 24),
        row_multiplier((3, 13, 32, 40), 31),
        row_multiplier((2, 7, 70, 9), 45),
    ];
    let base = LookUp { length: 130, entries: 799, input: I16, table: U8, out: U8, mask: Some((U8, 0)) };
    let look_ups = [
        base,
        LookUp { length: 64, ..base },
        LookUp { length: 63, mask: Some((I8, 300)), ..base },
        LookUp { length: 1, entries: 1, ..base },
        LookUp { length: 200, entries: 128, input: I8, table: I8, out: I8, mask: None },
        LookUp { length: 65, entries: 129, input: U8, table: I16, out: I8, mask: None },
        LookUp { length: 70, entries: 1600, table: I8, out: I8, mask: None, ..base },
        LookUp { length: 129, entries: 256, table: I32, out: I16, mask: Some((I16, -70_000)), ..base },
        LookUp { length: 66, entries: 40, table: U8, out: I32, mask: Some((U8, 1 << 40)), ..base },
        LookUp { input: I32, ..base },
    ];
    vectors.extend(look_ups.into_iter().map(LookUp::vector));
    for kind in [OpKind::Sum, OpKind::ArgMax, OpKind::ArgMin] {
        for (dtype, length) in [(I8, 1), (U8, 63), (I16, 64), (I16, 65), (I8, 200), (I32, 70)] {
            vectors.push(rows(kind, dtype, length, None, false));
            vectors.push(rows(kind, dtype, length, Some(-32_768), false));
        }
        vectors.push(rows(kind, I16, 100, Some(1 << 30), false));
        vectors.push(rows(kind, I16, 100, Some(i64::MIN), true));
    }
    vectors
}
