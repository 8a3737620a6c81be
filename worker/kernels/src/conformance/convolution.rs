//! Windows: several terms on one source axis, with padding and clamping at the edges.

use super::Vector;
use super::sketch::{Assembly, Sketch, constant, sight};
use referee::graph::Dtype::{I8, I32, U8};
use referee::graph::{Dtype, Instruction, OpKind, OutOfBounds, Slot, TensorKind, View};

/// What a window op does.
#[derive(Clone, Copy)]
struct Window {
    height: u32,
    width: u32,
    channels: u32,
    filters: u32,
    kernel: u32,
    stride: i32,
    dilation: i32,
    padding: i32,
    out_of_bounds: OutOfBounds,
}

const SMALL: Window = Window {
    height: 8,
    width: 7,
    channels: 5,
    filters: 18,
    kernel: 3,
    stride: 1,
    dilation: 1,
    padding: 1,
    out_of_bounds: OutOfBounds::Pad(0),
};

impl Window {
    fn outputs(&self, length: u32) -> u32 {
        let span = self.dilation * (self.kernel as i32 - 1) + 1;
        ((length as i32 + 2 * self.padding - span) / self.stride + 1) as u32
    }

    /// The image `[batch, height, width, channels]` along output axes `y`, `x` and window axes `ky`, `kx`.
    fn image(&self, slot: Slot, batch: u32, axes: [u8; 6]) -> View {
        let [b, y, x, ky, kx, c] = axes;
        let sight = sight(slot, &[batch, self.height, self.width, self.channels])
            .term(0, b, 1)
            .term(1, y, self.stride)
            .term(1, ky, self.dilation)
            .offset(1, -self.padding)
            .term(2, x, self.stride)
            .term(2, kx, self.dilation)
            .offset(2, -self.padding)
            .term(3, c, 1);
        let mut view = sight.done();
        view.out_of_bounds = self.out_of_bounds;
        view
    }

    /// Filters `[f][ky][kx][c]` innermost in the output.
    fn convolution(self, name: &str, image: Dtype) -> Vector {
        let batch = 2;
        let (rows, columns) = (self.outputs(self.height), self.outputs(self.width));
        let mut sketch = Sketch::new(u64::from(rows * 100 + columns));
        let pixels = sketch.input(image, &[batch, self.height, self.width, self.channels]);
        let filter_dims = [self.filters, self.kernel, self.kernel, self.channels];
        let filters = sketch.param(I8, &filter_dims);
        let biases: Vec<i64> = (0..self.filters).map(|_| sketch.random().between(-9_000, 9_000)).collect();
        let bias = sketch.given(TensorKind::Param, I32, &constant(&[self.filters]), &biases);
        let operands = vec![
            self.image(pixels, batch, [0, 1, 2, 4, 5, 6]),
            sight(filters, &filter_dims).term(0, 3, 1).term(1, 4, 1).term(2, 5, 1).term(3, 6, 1).done(),
            sight(bias, &[self.filters]).term(0, 3, 1).done(),
        ];
        let epilogue = Assembly::new()
            .load(1, 2)
            .then(Instruction::Add { d: 0, a: 0, b: 1 })
            .constant(2, 77_777)
            .then(Instruction::Mul { d: 0, a: 0, b: 2 })
            .then(Instruction::RoundShift { d: 0, a: 0, shift: 27 })
            .constant(2, 0)
            .then(Instruction::Max { d: 0, a: 0, b: 2 })
            .store(0, 0);
        let out = sketch.op(
            OpKind::Contract,
            &[I8],
            &constant(&[batch, rows, columns, self.filters]),
            &constant(&[self.kernel, self.kernel, self.channels]),
            operands,
            None,
            epilogue,
        );
        sketch.finish(format!("convolution {name}"), &out)
    }

    /// Filters outermost in the output, weights as the left operand: what a global pool asks for.
    fn swapped(self) -> Vector {
        let (rows, columns) = (self.outputs(self.height), self.outputs(self.width));
        let mut sketch = Sketch::new(12);
        let pixels = sketch.input(I8, &[1, self.height, self.width, self.channels]);
        let filter_dims = [self.filters, self.kernel, self.kernel, self.channels];
        let filters = sketch.param(I8, &filter_dims);
        let mut image = self.image(pixels, 1, [0, 1, 2, 3, 4, 5]);
        image.terms.retain(|term| term.source_axis != 0);
        let operands =
            vec![sight(filters, &filter_dims).term(0, 0, 1).term(1, 3, 1).term(2, 4, 1).term(3, 5, 1).done(), image];
        let out = sketch.op(
            OpKind::Contract,
            &[I32],
            &constant(&[self.filters, rows, columns]),
            &constant(&[self.kernel, self.kernel, self.channels]),
            operands,
            None,
            Assembly::new().store(0, 0),
        );
        sketch.finish("convolution, operands swapped", &out)
    }

    /// One filter a channel.
    fn depthwise(self) -> Vector {
        let (rows, columns) = (self.outputs(self.height), self.outputs(self.width));
        let mut sketch = Sketch::new(13);
        let pixels = sketch.input(U8, &[1, self.height, self.width, self.channels]);
        let filters = sketch.param(I8, &[self.kernel, self.kernel, self.channels]);
        let mut image = self.image(pixels, 1, [0, 0, 1, 3, 4, 2]);
        image.terms.retain(|term| term.source_axis != 0);
        let operands = vec![
            image,
            sight(filters, &[self.kernel, self.kernel, self.channels]).term(0, 3, 1).term(1, 4, 1).term(2, 2, 1).done(),
        ];
        let out = sketch.op(
            OpKind::Contract,
            &[I32],
            &constant(&[rows, columns, self.channels]),
            &constant(&[self.kernel, self.kernel]),
            operands,
            None,
            Assembly::new().store(0, 0),
        );
        sketch.finish(format!("convolution, depthwise, {} channels", self.channels), &out)
    }
}

/// Along one axis, as in text and sound models.
fn one_dimensional() -> Vector {
    let (length, channels, filters, kernel) = (40, 6, 12, 5);
    let mut sketch = Sketch::new(14);
    let signal = sketch.input(I8, &[length, channels]);
    let weights = sketch.param(I8, &[filters, kernel, channels]);
    let operands = vec![
        sight(signal, &[length, channels]).term(0, 0, 1).term(0, 2, 1).offset(0, -2).term(1, 3, 1).pad(0).done(),
        sight(weights, &[filters, kernel, channels]).term(0, 1, 1).term(1, 2, 1).term(2, 3, 1).done(),
    ];
    let out = sketch.op(
        OpKind::Contract,
        &[I32],
        &constant(&[length, filters]),
        &constant(&[kernel, channels]),
        operands,
        None,
        Assembly::new().store(0, 0),
    );
    sketch.finish("convolution of a signal", &out)
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![SMALL.convolution("3x3 padded", I8)]
}

pub(super) fn full() -> Vec<Vector> {
    vec![
        SMALL.convolution("3x3 padded, u8", U8),
        Window { stride: 2, ..SMALL }.convolution("3x3 stride 2", I8),
        Window { dilation: 2, padding: 2, channels: 16, ..SMALL }.convolution("3x3 dilated", I8),
        Window { out_of_bounds: OutOfBounds::Clamp, ..SMALL }.convolution("3x3 clamped", I8),
        Window { channels: 1, kernel: 5, padding: 4, filters: 8, ..SMALL }
            .convolution("5x5 of one channel, wide padding", I8),
        Window { kernel: 1, padding: 0, filters: 33, ..SMALL }.convolution("1x1", U8),
        Window { padding: 0, ..SMALL }.convolution("3x3 unpadded", U8),
        SMALL.swapped(),
        Window { channels: 40, ..SMALL }.depthwise(),
        SMALL.depthwise(),
        one_dimensional(),
    ]
}
