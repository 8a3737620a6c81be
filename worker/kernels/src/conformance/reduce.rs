//! Sums and extremes over reduction axes: lengths, ties, wrap-around, and both lanes.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant, sight};
use super::values::EXTREMES;
use referee::graph::Dtype::{I8, I16, I32, U8};
use referee::graph::{Dtype, Instruction, OpKind, TensorKind};

const KINDS: [OpKind; 4] = [OpKind::Sum, OpKind::SumPair, OpKind::ArgMax, OpKind::ArgMin];

/// Reduces the last axes of a tensor; the second lane of a pair is the square.
fn over(kind: OpKind, dtype: Dtype, outputs: &[u32], reductions: &[u32]) -> Vector {
    let mut sketch = Sketch::new(30 + kind as u64);
    let dims: Vec<u32> = outputs.iter().chain(reductions).copied().collect();
    let axes: Vec<u8> = (0..dims.len() as u8).collect();
    let input = sketch.input(dtype, &dims);
    let prologue = Assembly::new().load(0, 0).then(Instruction::Mul { d: 1, a: 0, b: 0 });
    let out = sketch.op(
        kind,
        &[I32, I32],
        &constant(outputs),
        &constant(reductions),
        vec![along(input, &dims, &axes)],
        Some(prologue),
        Assembly::new().store(0, 0).store(1, 1),
    );
    sketch.finish(format!("{kind:?} of {dtype:?} {outputs:?} over {reductions:?}"), &out)
}

/// Many equal greatest and least values: the lowest row-major index wins.
fn ties(kind: OpKind) -> Vector {
    let mut sketch = Sketch::new(40);
    let random = sketch.random();
    let values: Vec<i64> = (0..8 * 60).map(|_| random.between(0, 2)).collect();
    let input = sketch.given(TensorKind::Input, I8, &constant(&[8, 5, 12]), &values);
    let out = sketch.op(
        kind,
        &[U8, I8],
        &constant(&[8]),
        &constant(&[5, 12]),
        vec![along(input, &[8, 5, 12], &[0, 1, 2])],
        Some(Assembly::new().load(0, 0)),
        Assembly::new().store(0, 0).store(1, 1),
    );
    sketch.finish(format!("ties of {kind:?}"), &out)
}

/// Every value equal, at each extreme of 64 bits; and sums that wrap around.
fn extremes(kind: OpKind) -> Vector {
    let mut sketch = Sketch::new(41);
    let count = EXTREMES.len() as u32;
    let low: Vec<i64> = EXTREMES.iter().map(|value| i64::from(*value as i32)).collect();
    let high: Vec<i64> = EXTREMES.iter().map(|value| value >> 32).collect();
    let low = sketch.given(TensorKind::Input, I32, &constant(&[count]), &low);
    let high = sketch.given(TensorKind::Input, I32, &constant(&[count]), &high);
    // a window of three over the extremes, clamped at the end
    let view = |slot| sight(slot, &[count]).term(0, 0, 1).term(0, 1, 1).done();
    let prologue = Assembly::new().load(2, 0).load(3, 1).join(0, 2, 3).then(Instruction::Xor { d: 1, a: 0, b: 2 });
    let out = sketch.op(
        kind,
        &[I32, I32],
        &constant(&[count]),
        &constant(&[3]),
        vec![view(low), view(high)],
        Some(prologue),
        Assembly::new().then(Instruction::Xor { d: 2, a: 0, b: 1 }).store_wide(0, 2),
    );
    sketch.finish(format!("{kind:?} at 64-bit extremes"), &out)
}

/// The prologue reads coordinates, lengths and a table; the epilogue reads operands of its own.
fn busy(kind: OpKind) -> Vector {
    let mut sketch = Sketch::new(42);
    let input = sketch.input(U8, &[6, 40]);
    let table = sketch.param(I16, &[256]);
    let scale = sketch.param(I32, &[6]);
    let operands =
        vec![along(input, &[6, 40], &[0, 1]), sight(table, &[256]).indirect(0).done(), along(scale, &[6], &[0])];
    let prologue = Assembly::new()
        .load(2, 0)
        .gather(0, 1, 2)
        .then(Instruction::Index { d: 3, axis: 1 })
        .then(Instruction::Length { d: 4, axis: 1 })
        .then(Instruction::Mul { d: 0, a: 0, b: 3 })
        .then(Instruction::Sub { d: 0, a: 0, b: 4 })
        .then(Instruction::Add { d: 1, a: 0, b: 2 });
    let epilogue = Assembly::new()
        .load(2, 2)
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift: 20 })
        .then(Instruction::Index { d: 3, axis: 0 })
        .then(Instruction::Add { d: 0, a: 0, b: 3 })
        .store(0, 0)
        .store(1, 1);
    let out = sketch.op(kind, &[I16, I32], &constant(&[6]), &constant(&[40]), operands, Some(prologue), epilogue);
    sketch.finish(format!("{kind:?} with a table and an epilogue"), &out)
}

/// Over an outer axis: neighbouring outputs are neighbours in memory.
fn outer(kind: OpKind) -> Vector {
    let mut sketch = Sketch::new(43);
    let input = sketch.input(I16, &[7, 100]);
    let out = sketch.op(
        kind,
        &[I32],
        &constant(&[100]),
        &constant(&[7]),
        vec![along(input, &[7, 100], &[1, 0])],
        Some(Assembly::new().load(0, 0)),
        Assembly::new().store(0, 0),
    );
    sketch.finish(format!("{kind:?} over an outer axis"), &out)
}

/// Mean and deviation of rows, then their normalisation: sums of squares, a root and two divisions.
fn layer_norm() -> Vector {
    let (rows, width) = (5, 96);
    let mut sketch = Sketch::new(44);
    let input = sketch.input(I16, &[rows, width]);
    let gain = sketch.param(I16, &[width]);
    let view = along(input, &[rows, width], &[0, 1]);
    let epilogue = Assembly::new()
        .constant(2, i64::from(width))
        // deviation = isqrt(width * squares - sum * sum)
        .then(Instruction::Mul { d: 3, a: 1, b: 2 })
        .then(Instruction::Mul { d: 4, a: 0, b: 0 })
        .then(Instruction::Sub { d: 3, a: 3, b: 4 })
        .then(Instruction::SquareRoot { d: 3, a: 3 })
        .constant(5, 1)
        .then(Instruction::Max { d: 3, a: 3, b: 5 })
        .constant(5, 1 << 44)
        .then(Instruction::DivideUnsigned { d: 3, a: 5, b: 3 })
        .store(0, 0)
        .store(1, 3);
    let prologue = Assembly::new().load(0, 0).then(Instruction::Mul { d: 1, a: 0, b: 0 });
    let rows_axes = constant(&[rows]);
    let sums = sketch.op(
        OpKind::SumPair,
        &[I32, I32],
        &rows_axes,
        &constant(&[width]),
        vec![view.clone()],
        Some(prologue),
        epilogue,
    );
    sketch.cut_before_next_op();
    let operands =
        vec![view, along(sums[0], &[rows], &[0]), along(sums[1], &[rows], &[0]), along(gain, &[width], &[1])];
    let program = Assembly::new()
        .load(0, 0)
        .load(1, 1)
        .load(2, 2)
        .load(3, 3)
        .constant(4, i64::from(width))
        .then(Instruction::Mul { d: 0, a: 0, b: 4 })
        .then(Instruction::Sub { d: 0, a: 0, b: 1 })
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift: 20 })
        .then(Instruction::Mul { d: 0, a: 0, b: 3 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift: 33 })
        .store(0, 0);
    let out = sketch.map(&[I8], &[rows, width], operands, program);
    sketch.finish("layer norm", &out)
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![ties(OpKind::ArgMax), extremes(OpKind::Sum), layer_norm()]
}

pub(super) fn full() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (index, kind) in KINDS.into_iter().enumerate() {
        let dtype = |at: usize| [I8, U8, I16, I32][(index + at) % 4];
        vectors.push(over(kind, dtype(0), &[1], &[1]));
        vectors.push(over(kind, dtype(1), &[3, 2], &[]));
        vectors.push(over(kind, dtype(2), &[5], &[3, 7]));
        vectors.push(over(kind, dtype(3), &[2, 3], &[2, 3, 4]));
        vectors.push(over(kind, dtype(0), &[4], &[300]));
        vectors.push(over(kind, dtype(1), &[33, 2], &[9]));
        vectors.extend([busy(kind), outer(kind)]);
    }
    vectors.push(ties(OpKind::ArgMin));
    vectors.extend([OpKind::SumPair, OpKind::ArgMax, OpKind::ArgMin].map(extremes));
    vectors
}
