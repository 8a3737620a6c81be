//! Elementwise ops: every form of view, every conversion, coordinates and indirect reads.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant, sight, sight_dims};
use referee::graph::Dtype::{I8, I16, I32, U8};
use referee::graph::{Dim, Dtype, Instruction, OpKind, TensorKind, View};

/// Copies one operand seen through `view` over `axes`.
fn copy(name: &str, dtype: Dtype, dims: &[u32], axes: &[u32], view: impl Fn(u16) -> View) -> Vector {
    let mut sketch = Sketch::new(dims.iter().map(|dim| u64::from(*dim)).sum());
    let input = sketch.input(dtype, dims);
    let program = Assembly::new().load(0, 0).store(0, 0);
    let out = sketch.map(&[dtype], axes, vec![view(input)], program);
    sketch.finish(format!("view: {name}"), &out)
}

fn views() -> Vec<Vector> {
    vec![
        copy("identity", I8, &[3, 70], &[3, 70], |slot| along(slot, &[3, 70], &[0, 1])),
        copy("reshape", I16, &[6, 35], &[7, 5, 6], |slot| along(slot, &[7, 5, 6], &[0, 1, 2])),
        copy("transpose", I32, &[5, 33], &[33, 5], |slot| along(slot, &[5, 33], &[1, 0])),
        copy("transpose of bytes", U8, &[40, 3, 17], &[17, 40, 3], |slot| along(slot, &[40, 3, 17], &[1, 2, 0])),
        copy("broadcast", U8, &[9], &[4, 9, 3], |slot| sight(slot, &[9]).term(0, 1, 1).done()),
        copy("scalar", I32, &[1], &[2, 2, 2, 2, 3], |slot| sight(slot, &[1]).done()),
        copy("slice with steps", I8, &[10, 50], &[4, 16], |slot| {
            sight(slot, &[10, 50]).term(0, 0, 2).offset(0, 1).term(1, 1, 3).offset(1, 2).done()
        }),
        copy("reverse", I16, &[4, 31], &[4, 31], |slot| {
            sight(slot, &[4, 31]).term(0, 0, -1).offset(0, 3).term(1, 1, -1).offset(1, 30).done()
        }),
        copy("pad", I8, &[5, 6], &[9, 20], |slot| {
            sight(slot, &[5, 6]).term(0, 0, 1).offset(0, -2).term(1, 1, 1).offset(1, -7).pad(-77).done()
        }),
        copy("pad beyond the element type", U8, &[6], &[12], |slot| {
            sight(slot, &[6]).term(0, 0, 1).offset(0, -3).pad(-1_000_000).done()
        }),
        copy("clamp", I32, &[5, 6], &[9, 20], |slot| {
            sight(slot, &[5, 6]).term(0, 0, 1).offset(0, -2).term(1, 1, 1).offset(1, -7).done()
        }),
        copy("wholly outside, padded", I8, &[5], &[7], |slot| {
            sight(slot, &[5]).term(0, 0, 1).offset(0, 100).pad(3).done()
        }),
        copy("wholly outside, clamped", I8, &[5], &[7], |slot| sight(slot, &[5]).term(0, 0, -1).offset(0, -9).done()),
        copy("window", I16, &[20], &[8, 5], |slot| {
            sight(slot, &[20]).term(0, 0, 2).term(0, 1, 3).offset(0, -4).pad(0).done()
        }),
        copy("diagonal of a symmetric pair", I8, &[6, 6], &[6, 4], |slot| {
            sight(slot, &[6, 6]).term(0, 0, 1).term(1, 0, 1).term(1, 1, -1).pad(9).done()
        }),
        copy("three terms on an axis", I8, &[64], &[3, 4, 5], |slot| {
            sight(slot, &[64]).term(0, 0, 20).term(0, 1, 5).term(0, 2, 1).done()
        }),
        copy("six source axes", U8, &[2, 3, 1, 2, 3, 4], &[2, 3, 2, 3, 4], |slot| {
            along(slot, &[2, 3, 1, 2, 3, 4], &[0, 1, 1, 2, 3, 4])
        }),
        copy("a coefficient and an offset of 32 bits", I8, &[4], &[5], |slot| {
            sight(slot, &[4]).term(0, 0, i32::MAX).offset(0, i32::MIN).pad(1).done()
        }),
    ]
}

/// One element type to all four, from values at the ends of each.
fn conversions(from: Dtype) -> Vector {
    let mut sketch = Sketch::new(20);
    let input = sketch.input(from, &[13, 11]);
    let program = (0..4).fold(Assembly::new().load(3, 0), |program, output| program.store(output, 3));
    let out = sketch.map(&[I8, U8, I16, I32], &[13, 11], vec![along(input, &[13, 11], &[0, 1])], program);
    sketch.finish(format!("conversions from {from:?}"), &out)
}

/// Six operands of all element types on different axes.
fn six_operands() -> Vector {
    let mut sketch = Sketch::new(21);
    let (a, b, c) = (sketch.input(I8, &[4, 5, 6]), sketch.param(U8, &[6]), sketch.input(I16, &[4, 6]));
    let (d, e, f) = (sketch.param(I32, &[5]), sketch.input(I32, &[1]), sketch.input(U8, &[6, 5, 4]));
    let operands = vec![
        along(a, &[4, 5, 6], &[0, 1, 2]),
        along(b, &[6], &[2]),
        along(c, &[4, 6], &[0, 2]),
        along(d, &[5], &[1]),
        sight(e, &[1]).done(),
        along(f, &[6, 5, 4], &[2, 1, 0]),
    ];
    let program = (1..6).fold(Assembly::new().load(0, 0), |program, operand| {
        program
            .load(1, operand)
            .then(Instruction::Mul { d: 0, a: 0, b: 1 })
            .then(Instruction::RoundShift { d: 0, a: 0, shift: 3 })
            .then(Instruction::Add { d: 0, a: 0, b: 1 })
    });
    let out = sketch.map(&[I32], &[4, 5, 6], operands, program.store(0, 0));
    sketch.finish("six operands", &out)
}

/// Coordinates and lengths of all five axes, one of them a symbol.
fn coordinates(value: u32) -> Vector {
    let mut sketch = Sketch::new(22);
    let symbol = sketch.symbol(1, 300, value);
    let dims = [Dim::Const(2), Dim::Const(3), Dim::Const(2), Dim::Const(2), symbol];
    let input = sketch.mixed(TensorKind::Input, I8, &dims);
    let view = (0..5).fold(sight_dims(input, &dims), |sight, axis| sight.term(axis, axis, 1)).done();
    let mut program = Assembly::new().load(0, 0);
    for axis in 0..5 {
        program = program
            .then(Instruction::Length { d: 1, axis })
            .then(Instruction::Index { d: 2, axis })
            .then(Instruction::Mul { d: 0, a: 0, b: 1 })
            .then(Instruction::Add { d: 0, a: 0, b: 2 });
    }
    let out = sketch.op(OpKind::Map, &[I32], &dims, &[], vec![view], None, program.store(0, 0));
    sketch.finish(format!("coordinates, innermost {value}"), &out)
}

/// Rows of a table by id, with ids beyond both ends, which clamp.
fn embedding(id_type: Dtype) -> Vector {
    let mut sketch = Sketch::new(23);
    let table = sketch.param(I8, &[20, 24]);
    let ids = sketch.given(TensorKind::Input, id_type, &constant(&[9]), &[0, 19, 7, 20, -1, 32_767, -32_768, 100, 3]);
    let operands =
        vec![sight(table, &[20, 24]).indirect(0).term(1, 1, 1).done(), sight(ids, &[9]).term(0, 0, 1).done()];
    let program = Assembly::new().load(4, 1).gather(5, 0, 4).store(0, 5);
    let out = sketch.map(&[I8], &[9, 24], operands, program);
    sketch.finish(format!("embedding by {id_type:?}"), &out)
}

/// The indirect axis in the middle, other axes padded, and indices of 64 bits.
fn indirect(pad: bool) -> Vector {
    let mut sketch = Sketch::new(24);
    let source = sketch.input(I16, &[4, 5, 6]);
    let indices = sketch.input(I32, &[7, 8]);
    let mut view = sight(source, &[4, 5, 6]).indirect(1).term(0, 0, 1).offset(0, -2).term(2, 1, 2).offset(2, -3);
    if pad {
        view = view.pad(-5);
    }
    let operands = vec![view.done(), along(indices, &[7, 8], &[0, 1])];
    let program = Assembly::new()
        .load(0, 1)
        .constant(1, 20)
        .then(Instruction::ShiftLeft { d: 2, a: 0, b: 1 })
        .gather(3, 0, 2)
        .constant(1, 7)
        .then(Instruction::And { d: 2, a: 0, b: 1 })
        .gather(4, 0, 2)
        .then(Instruction::Sub { d: 2, a: 0, b: 0 })
        .then(Instruction::Sub { d: 2, a: 3, b: 4 })
        .store(0, 2)
        .store(1, 4);
    let out = sketch.map(&[I32, U8], &[7, 8], operands, program);
    sketch.finish(format!("indirect, pad {pad}"), &out)
}

/// Softmax of integer scores over a row of 12: greatest value, table of exponents, sum, division.
fn table_lookup() -> Vector {
    let mut sketch = Sketch::new(25);
    let scores = sketch.input(I8, &[6, 12]);
    let exponents: Vec<i64> = (0..256i64).map(|index| index * index / 255).collect();
    let table = sketch.given(TensorKind::Param, U8, &constant(&[256]), &exponents);
    let greatest = sketch.op(
        OpKind::ArgMax,
        &[I8],
        &constant(&[6]),
        &constant(&[12]),
        vec![along(scores, &[6, 12], &[0, 1])],
        Some(Assembly::new().load(0, 0)),
        Assembly::new().store(0, 1),
    );
    let operands =
        vec![along(scores, &[6, 12], &[0, 1]), along(greatest[0], &[6], &[0]), sight(table, &[256]).indirect(0).done()];
    let program = Assembly::new()
        .load(0, 0)
        .load(1, 1)
        .then(Instruction::Sub { d: 0, a: 0, b: 1 })
        .constant(2, 255)
        .then(Instruction::Add { d: 0, a: 0, b: 2 })
        .gather(0, 2, 0)
        .store(0, 0);
    let weights = sketch.map(&[U8], &[6, 12], operands, program);
    sketch.cut_before_next_op();
    let sums = sketch.op(
        OpKind::Sum,
        &[I32],
        &constant(&[6]),
        &constant(&[12]),
        vec![along(weights[0], &[6, 12], &[0, 1])],
        Some(Assembly::new().load(0, 0)),
        Assembly::new().store(0, 0),
    );
    let operands = vec![along(weights[0], &[6, 12], &[0, 1]), along(sums[0], &[6], &[0])];
    let program = Assembly::new()
        .load(0, 0)
        .constant(2, 255)
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .load(1, 1)
        .then(Instruction::DivideUnsigned { d: 0, a: 0, b: 1 })
        .store(0, 0);
    let out = sketch.map(&[U8], &[6, 12], operands, program);
    sketch.finish("softmax by a table", &out)
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![embedding(I16), conversions(I32), table_lookup()]
}

pub(super) fn full() -> Vec<Vector> {
    let mut vectors = views();
    vectors.extend([I8, U8, I16].map(conversions));
    vectors.extend([six_operands(), coordinates(1), coordinates(17), coordinates(300)]);
    vectors.extend([embedding(I32), indirect(false), indirect(true)]);
    vectors
}
