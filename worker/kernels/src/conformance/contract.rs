//! Sums of products: every pair of element types, shapes around tile edges, and sums at the bound of a reduction.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant, sight, sight_dims};
use referee::graph::Dtype::{I8, I16, I32, U8};
use referee::graph::{Dim, Dtype, Instruction, OpKind, TensorKind};

/// The pairs that a contraction takes.
const PAIRS: [(Dtype, Dtype); 3] = [(I8, I8), (U8, I8), (I8, U8)];

fn raw() -> Assembly {
    Assembly::new().store(0, 0)
}

/// `[m, k] x [n, k]`; the right side is a param or an input.
fn matrix(name: &str, (m, n, k): (u32, u32, u32), (a, b): (Dtype, Dtype), right: TensorKind) -> Vector {
    let mut sketch = Sketch::new(u64::from(m * 10_007 + n * 101 + k));
    let left = sketch.input(a, &[m, k]);
    let right = sketch.mixed(right, b, &constant(&[n, k]));
    let operands = vec![along(left, &[m, k], &[0, 2]), along(right, &[n, k], &[1, 2])];
    let out = sketch.op(OpKind::Contract, &[I32], &constant(&[m, n]), &constant(&[k]), operands, None, raw());
    sketch.finish(format!("{name} {m}x{n}x{k} {a:?}x{b:?}"), &out)
}

/// A linear layer: bias, multiplier by channel, rounding shift, clamp, store; the raw sum is stored too.
fn linear((m, n, k): (u32, u32, u32), (a, b): (Dtype, Dtype), table: bool) -> Vector {
    let mut sketch = Sketch::new(u64::from(m * 31 + n * 7 + k));
    let left = sketch.input(a, &[m, k]);
    let weights = sketch.param(b, &[n, k]);
    let random = sketch.random();
    let scales: Vec<i64> =
        (0..n).flat_map(|_| [random.between(-200_000, 200_000), random.between(1 << 20, 1 << 24)]).collect();
    let scales = sketch.given(TensorKind::Param, I32, &constant(&[n, 2]), &scales);
    let mut operands = vec![
        along(left, &[m, k], &[0, 2]),
        along(weights, &[n, k], &[1, 2]),
        sight(scales, &[n, 2]).term(0, 1, 1).done(),
        sight(scales, &[n, 2]).term(0, 1, 1).offset(1, 1).done(),
    ];
    let mut epilogue = Assembly::new()
        .then(Instruction::Store { output: 1, a: 0 })
        .load(1, 2)
        .then(Instruction::Add { d: 0, a: 0, b: 1 })
        .load(2, 3)
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift: 33 })
        .constant(3, -127)
        .then(Instruction::Max { d: 0, a: 0, b: 3 })
        .constant(4, 127)
        .then(Instruction::Min { d: 0, a: 0, b: 4 });
    if table {
        let table = sketch.param(I8, &[256]);
        operands.push(sight(table, &[256]).indirect(0).done());
        epilogue = epilogue.constant(5, 128).then(Instruction::Add { d: 0, a: 0, b: 5 }).gather(0, 4, 0);
    }
    let epilogue = epilogue.store(0, 0);
    let out = sketch.op(OpKind::Contract, &[I8, I32], &constant(&[m, n]), &constant(&[k]), operands, None, epilogue);
    sketch.finish(format!("linear {m}x{n}x{k} {a:?}x{b:?} table {table}"), &out)
}

/// A requantised layer with one scalar multiplier and one output: the form that backends fuse most.
fn plain_linear((m, n, k): (u32, u32, u32), out: Dtype, shift: u8) -> Vector {
    let mut sketch = Sketch::new(u64::from(m + n + k));
    let left = sketch.input(I8, &[m, k]);
    let weights = sketch.param(I8, &[n, k]);
    let bias = sketch.param(I32, &[n]);
    let operands = vec![along(left, &[m, k], &[0, 2]), along(weights, &[n, k], &[1, 2]), along(bias, &[n], &[1])];
    let epilogue = Assembly::new()
        .load(1, 2)
        .then(Instruction::Add { d: 0, a: 0, b: 1 })
        .constant(2, 1_518_500_250)
        .then(Instruction::Mul { d: 0, a: 0, b: 2 })
        .then(Instruction::RoundShift { d: 0, a: 0, shift })
        .store(0, 0);
    let slots = sketch.op(OpKind::Contract, &[out], &constant(&[m, n]), &constant(&[k]), operands, None, epilogue);
    sketch.finish(format!("linear to {out:?} {m}x{n}x{k} by {shift}"), &slots)
}

/// A layer of the common form, with numbers that fit: what backends fuse most.
#[derive(Clone, Copy)]
struct Layer {
    name: &'static str,
    shape: (u32, u32, u32),
    pair: (Dtype, Dtype),
    out: Dtype,
    /// Greatest size of a bias; 0 leaves it out.
    bias: i64,
    /// Least and greatest multiplier by channel; none is 1.
    multiplier: Option<(i64, i64)>,
    /// 0 leaves it out.
    shift: u8,
    /// Added after the shift.
    offset: i64,
    /// Least, then greatest; the other way round where the first is greater.
    clamp: Option<(i64, i64)>,
    table: Option<Dtype>,
    /// Least and greatest multiplier of an entry by channel, a shift, an offset and bounds.
    second: Option<Second>,
}

/// What is done to an entry of a table before it is stored.
type Second = ((i64, i64), u8, i64, (i64, i64));

const LAYER: Layer = Layer {
    name: "by channel",
    shape: (13, 40, 50),
    pair: (I8, I8),
    out: I8,
    bias: 100_000,
    multiplier: Some((1 << 20, 1 << 24)),
    shift: 32,
    offset: 0,
    clamp: Some((-127, 127)),
    table: None,
    second: None,
};

impl Layer {
    fn vector(self) -> Vector {
        let (m, n, k) = self.shape;
        let mut sketch = Sketch::new(u64::from(self.shift) + self.name.len() as u64);
        let left = sketch.input(self.pair.0, &[m, k]);
        let weights = sketch.param(self.pair.1, &[n, k]);
        let mut operands = vec![along(left, &[m, k], &[0, 2]), along(weights, &[n, k], &[1, 2])];
        let mut epilogue = Assembly::new();
        let mut by_channel = |sketch: &mut Sketch, low: i64, high: i64| {
            let random = (2..n).map(|_| sketch.random().between(low, high));
            let values: Vec<i64> = [low, high].into_iter().chain(random).collect();
            let slot = sketch.given(TensorKind::Param, I32, &constant(&[n]), &values);
            operands.push(along(slot, &[n], &[1]));
            (operands.len() - 1) as u8
        };
        if self.bias > 0 {
            let operand = by_channel(&mut sketch, -self.bias, self.bias);
            epilogue = epilogue.load(1, operand).then(Instruction::Add { d: 0, a: 1, b: 0 });
        }
        if let Some((low, high)) = self.multiplier {
            let operand = by_channel(&mut sketch, low, high);
            epilogue = epilogue.load(2, operand).then(Instruction::Mul { d: 0, a: 0, b: 2 });
        }
        if self.shift > 0 {
            epilogue = epilogue.then(Instruction::RoundShift { d: 0, a: 0, shift: self.shift });
        }
        if self.offset != 0 {
            epilogue = epilogue.constant(3, -self.offset).then(Instruction::Sub { d: 0, a: 0, b: 3 });
        }
        if let Some((low, high)) = self.clamp {
            let (least, greatest) = (Instruction::Max { d: 0, a: 0, b: 4 }, Instruction::Min { d: 0, a: 5, b: 0 });
            epilogue = epilogue.constant(4, low).constant(5, high);
            let steps = if low <= high { [least, greatest] } else { [greatest, least] };
            epilogue = steps.into_iter().fold(epilogue, Assembly::then);
        }
        if let Some(dtype) = self.table {
            let table = sketch.param(dtype, &[200]);
            operands.push(sight(table, &[200]).indirect(0).done());
            let operand = (operands.len() - 1) as u8;
            epilogue = epilogue.constant(6, 100).then(Instruction::Add { d: 0, a: 0, b: 6 }).gather(0, operand, 0);
        }
        if let Some(((least, most), shift, offset, (low, high))) = self.second {
            let random = (2..n).map(|_| sketch.random().between(least, most));
            let values: Vec<i64> = [least, most].into_iter().chain(random).collect();
            let slot = sketch.given(TensorKind::Param, I32, &constant(&[n]), &values);
            operands.push(along(slot, &[n], &[1]));
            epilogue = epilogue
                .load(7, (operands.len() - 1) as u8)
                .then(Instruction::Mul { d: 0, a: 7, b: 0 })
                .then(Instruction::RoundShift { d: 0, a: 0, shift })
                .constant(3, offset)
                .then(Instruction::Add { d: 0, a: 0, b: 3 })
                .constant(4, low)
                .constant(5, high)
                .then(Instruction::Max { d: 0, a: 0, b: 4 })
                .then(Instruction::Min { d: 0, a: 0, b: 5 });
        }
        let axes = constant(&[m, n]);
        let epilogue = epilogue.store(0, 0);
        let out = sketch.op(OpKind::Contract, &[self.out], &axes, &constant(&[k]), operands, None, epilogue);
        sketch.finish(format!("layer {}", self.name), &out)
    }
}

/// The forms that a layer takes.
fn layers() -> Vec<Vector> {
    let layers = [
        Layer { name: "unsigned right", pair: (I8, U8), out: I16, ..LAYER },
        Layer { name: "unsigned left, no clamp", pair: (U8, I8), clamp: None, out: U8, ..LAYER },
        Layer { name: "with a table", table: Some(I8), ..LAYER },
        Layer { name: "with a table of 32 bits to 16", table: Some(I32), out: I16, clamp: None, ..LAYER },
        Layer { name: "with a table of bytes to 32 bits", table: Some(U8), out: I32, shape: (5, 70, 9), ..LAYER },
        Layer {
            name: "with a table, scaled again",
            table: Some(I16),
            second: Some(((-(1 << 20), 1 << 24), 30, 5, (-100, 120))),
            ..LAYER
        },
        Layer {
            name: "with a table, scaled again, wide",
            table: Some(I8),
            second: Some(((1, 1 << 20), 11, -3, (i64::MIN, i64::MAX))),
            shape: (14, 130, 9),
            out: I16,
            ..LAYER
        },
        Layer {
            name: "with a table, scaled again beyond 32 bits",
            table: Some(I32),
            second: Some(((i64::from(i32::MIN), i64::from(i32::MAX)), 3, 0, (i64::MIN, i64::MAX))),
            out: I32,
            ..LAYER
        },
        Layer { name: "with an offset", offset: 37, ..LAYER },
        Layer { name: "with a negative offset, relu", offset: -50, clamp: Some((0, 1 << 40)), out: U8, ..LAYER },
        Layer { name: "bounds the wrong way round", clamp: Some((50, -50)), ..LAYER },
        Layer { name: "negative multipliers", multiplier: Some((-(1 << 24), 1 << 24)), ..LAYER },
        Layer {
            name: "at exact halves",
            multiplier: Some((-1, 1)),
            bias: 16,
            shift: 3,
            out: I32,
            clamp: None,
            ..LAYER
        },
        Layer { name: "without a multiplier", multiplier: None, shift: 9, ..LAYER },
        Layer { name: "without a shift", multiplier: Some((-9, 9)), shift: 0, out: I32, clamp: None, ..LAYER },
        Layer { name: "bias alone", multiplier: None, shift: 0, out: I32, clamp: None, ..LAYER },
        Layer { name: "without a bias", bias: 0, ..LAYER },
        Layer { name: "shift by 62", shift: 62, multiplier: Some((i64::from(i32::MIN), i64::from(i32::MAX))), ..LAYER },
        Layer { name: "shift by 63", shift: 63, multiplier: Some((i64::from(i32::MIN), i64::from(i32::MAX))), ..LAYER },
        Layer { name: "a bias that needs 33 bits", bias: i64::from(i32::MAX), ..LAYER },
        Layer { name: "wide", shape: (3, 300, 20), ..LAYER },
        Layer { name: "one row", shape: (1, 77, 130), ..LAYER },
    ];
    layers.into_iter().map(Layer::vector).collect()
}

/// All products equal and extreme, at the greatest length that cannot wrap; the sum is stored in all its bits.
fn bound(name: &str, (a, x): (Dtype, i64), (b, y): (Dtype, i64), length: u32, (m, n): (u32, u32)) -> Vector {
    const STAND_IN: u32 = 61;
    let mut sketch = Sketch::new(u64::from(length));
    sketch.stretch(STAND_IN, length);
    let left = sketch.given(TensorKind::Input, a, &constant(&[m, STAND_IN]), &[x]);
    let right = sketch.given(TensorKind::Param, b, &constant(&[n, STAND_IN]), &[y]);
    let operands = vec![along(left, &[m, STAND_IN], &[0, 2]), along(right, &[n, STAND_IN], &[1, 2])];
    let axes = constant(&[m, n]);
    let out = sketch.op(OpKind::Contract, &[I32], &axes, &constant(&[STAND_IN]), operands, None, raw());
    sketch.finish(format!("bound {name} {m}x{n}"), &out)
}

/// `[head][m][n]`, from operands laid out `[m][head][d]` and `[n][head][d]`: the views split the heads.
fn heads(heads: u32, (m, n, d): (u32, u32, u32), (a, b): (Dtype, Dtype)) -> Vector {
    let mut sketch = Sketch::new(77);
    let left = sketch.input(a, &[m, heads * d]);
    let right = sketch.input(b, &[n, heads * d]);
    let operands = vec![along(left, &[m, heads, d], &[1, 0, 3]), along(right, &[n, heads, d], &[2, 0, 3])];
    let out = sketch.op(OpKind::Contract, &[I32], &constant(&[heads, m, n]), &constant(&[d]), operands, None, raw());
    sketch.finish(format!("heads {heads} of {m}x{n}x{d} {a:?}x{b:?}"), &out)
}

/// Both sides with the reduction outermost, reversed on one side, and read beyond the ends.
fn strided() -> Vector {
    let (m, n, k) = (9, 21, 14);
    let mut sketch = Sketch::new(5);
    let left = sketch.input(I8, &[k, m]);
    let right = sketch.param(I8, &[k, n]);
    let operands = vec![
        sight(left, &[k, m]).term(0, 2, -1).offset(0, k as i32 - 1).term(1, 0, 1).done(),
        sight(right, &[k, n]).term(0, 2, 2).offset(0, -5).term(1, 1, -1).offset(1, n as i32).done(),
    ];
    let out = sketch.op(OpKind::Contract, &[I32], &constant(&[m, n]), &constant(&[k]), operands, None, raw());
    sketch.finish("strided, reversed, clamped", &out)
}

/// Output axes of both sides interleaved, one output axis of neither, three reduction axes of which each side misses one.
fn interleaved() -> Vector {
    let mut sketch = Sketch::new(6);
    let left = sketch.input(I8, &[3, 2, 5]);
    let right = sketch.input(U8, &[4, 6, 2, 3]);
    // output axes: right 4, left 3, neither 2, right 6; reduction axes: shared 2, left only 5, right only 3
    let operands = vec![along(left, &[3, 2, 5], &[1, 4, 5]), along(right, &[4, 6, 2, 3], &[0, 3, 4, 6])];
    let out =
        sketch.op(OpKind::Contract, &[I32], &constant(&[4, 3, 2, 6]), &constant(&[2, 5, 3]), operands, None, raw());
    sketch.finish("interleaved axes", &out)
}

/// No reduction axes: one product. Saturating stores of every type.
fn outer() -> Vector {
    let mut sketch = Sketch::new(7);
    let left = sketch.input(I8, &[19]);
    let right = sketch.input(U8, &[37]);
    let operands = vec![along(left, &[19], &[0]), along(right, &[37], &[1])];
    let epilogue = Assembly::new().store(2, 0).store(0, 0).store(3, 0).store(1, 0);
    let out = sketch.op(OpKind::Contract, &[I8, U8, I16, I32], &constant(&[19, 37]), &[], operands, None, epilogue);
    sketch.finish("outer product, every store", &out)
}

/// A long sum in two parts: the second adds the first part's sums in its epilogue.
fn split() -> Vector {
    let (m, n, k) = (5, 33, 48);
    let mut sketch = Sketch::new(8);
    let left = sketch.input(I8, &[m, 2 * k]);
    let right = sketch.param(I8, &[n, 2 * k]);
    let part = |offset: i32| {
        vec![
            sight(left, &[m, 2 * k]).term(0, 0, 1).term(1, 2, 1).offset(1, offset).done(),
            sight(right, &[n, 2 * k]).term(0, 1, 1).term(1, 2, 1).offset(1, offset).done(),
        ]
    };
    let axes = constant(&[m, n]);
    let first = sketch.op(OpKind::Contract, &[I32], &axes, &constant(&[k]), part(0), None, raw());
    sketch.cut_before_next_op();
    let mut operands = part(k as i32);
    operands.push(along(first[0], &[m, n], &[0, 1]));
    let epilogue = Assembly::new().load(1, 2).then(Instruction::Add { d: 0, a: 0, b: 1 }).store(0, 0);
    let out = sketch.op(OpKind::Contract, &[I32], &axes, &constant(&[k]), operands, None, epilogue);
    sketch.finish("split reduction", &out)
}

/// The batch is a symbol; the epilogue reads coordinates and lengths.
fn symbolic(batch: u32) -> Vector {
    let mut sketch = Sketch::new(u64::from(batch));
    let symbol = sketch.symbol(1, 64, batch);
    let dims = [symbol, Dim::Const(24)];
    let left = sketch.mixed(TensorKind::Input, U8, &dims);
    let right = sketch.param(I8, &[10, 24]);
    let operands = vec![sight_dims(left, &dims).term(0, 0, 1).term(1, 2, 1).done(), along(right, &[10, 24], &[1, 2])];
    let epilogue = Assembly::new()
        .then(Instruction::Index { d: 1, axis: 0 })
        .then(Instruction::Index { d: 2, axis: 1 })
        .then(Instruction::Length { d: 3, axis: 0 })
        .then(Instruction::Mul { d: 1, a: 1, b: 2 })
        .then(Instruction::Mul { d: 1, a: 1, b: 3 })
        .then(Instruction::Add { d: 0, a: 0, b: 1 })
        .store(0, 0);
    let axes = [symbol, Dim::Const(10)];
    let out = sketch.op(OpKind::Contract, &[I32], &axes, &constant(&[24]), operands, None, epilogue);
    sketch.finish(format!("batch of {batch}"), &out)
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![
        linear((13, 33, 67), (I8, I8), true),
        LAYER.vector(),
        matrix("matrix", (5, 7, 37), (U8, I8), TensorKind::Param),
        bound("-128 x -128", (I8, -128), (I8, -128), 131_071, (1, 1)),
        bound("255 x -128", (U8, 255), (I8, -128), 65_793, (1, 2)),
    ]
}

pub(super) fn full() -> Vec<Vector> {
    let shapes = [
        (1, 1, 1),
        (1, 1, 2),
        (1, 3, 4),
        (2, 17, 3),
        (3, 5, 7),
        (12, 32, 64),
        (16, 64, 16),
        (25, 16, 300),
        (1, 40, 100),
        (40, 1, 100),
        (17, 70, 129),
        (63, 31, 33),
    ];
    let mut vectors = Vec::new();
    for (index, shape) in shapes.into_iter().enumerate() {
        let right = if index % 3 == 2 { TensorKind::Input } else { TensorKind::Param };
        vectors.push(matrix("matrix of shape", shape, PAIRS[index % 3], right));
    }
    vectors.extend(PAIRS.map(|pair| matrix("pair with params", (14, 35, 70), pair, TensorKind::Param)));
    vectors.extend(PAIRS.map(|pair| matrix("pair with inputs", (14, 35, 70), pair, TensorKind::Input)));
    vectors.extend(PAIRS.map(|pair| linear((11, 48, 40), pair, false)));
    vectors.push(linear((1, 10, 256), (I8, I8), true));
    vectors.extend([I8, U8, I16, I32].map(|out| plain_linear((9, 40, 33), out, 38)));
    vectors.push(plain_linear((3, 20, 12), I8, 1));
    vectors.push(plain_linear((3, 20, 12), I8, 63));
    vectors.extend([
        bound("-128 x -128", (I8, -128), (I8, -128), 131_071, (3, 5)),
        bound("127 x -128", (I8, 127), (I8, -128), 131_071, (2, 3)),
        bound("255 x -128", (U8, 255), (I8, -128), 65_793, (2, 9)),
        bound("-128 x 255", (I8, -128), (U8, 255), 65_793, (2, 9)),
        bound("255 x 127", (U8, 255), (I8, 127), 65_793, (1, 3)),
    ]);
    vectors.extend(PAIRS.map(|pair| heads(3, (11, 18, 8), pair)));
    vectors.push(heads(2, (40, 40, 32), (U8, I8)));
    vectors.extend(layers());
    // more rows, columns and depth than kernels keep in a cache at once
    vectors.push(matrix("many blocks", (203, 530, 40), (I8, I8), TensorKind::Param));
    vectors.push(matrix("deep", (100, 9, 2100), (U8, I8), TensorKind::Input));
    vectors.extend([strided(), interleaved(), outer(), split(), symbolic(1), symbolic(7)]);
    vectors
}
