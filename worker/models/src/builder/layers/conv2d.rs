//! Convolutions of images, channels last.

use super::requantization::Requantization;
use super::window::{Image, Window};
use crate::builder::axis;
use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::tensor::TensorHandle;
use referee::graph::{Dim, Dtype, OpKind};

/// Filters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Convolution<'a> {
    /// Number of filters: the channels of the output.
    pub filters: u32,
    /// How each slides.
    pub window: Window,
    /// `[filters, height, width, channels]`, row-major.
    pub values: &'a [i8],
}

impl GraphBuilder {
    /// Convolves `[batch, height, width, channels]` (i8 or u8) into `[batch, rows, columns, filters]`.
    ///
    /// There is no im2col tensor: the operand's view reads the image through the window, 0 outside it. Channels are
    /// innermost in image and weights, so that an element of the output is proved from few leaves. Adds the params
    /// `{name}.weights` (`[filters, height * width * channels]`) and `{name}.requantization`.
    ///
    /// ```
    /// use assay_models::builder::{Convolution, GraphBuilder, Requantization, Window};
    /// use referee::graph::{Dim, Dtype};
    ///
    /// # fn main() -> Result<(), assay_models::builder::BuildError> {
    /// let mut graph = GraphBuilder::new();
    /// let image = graph.input("image", Dtype::U8, &[1, 8, 8, 1].map(Dim::Const))?;
    /// let blur = Convolution { filters: 1, window: Window::square(3).padding(1), values: &[1, 2, 1, 2, 4, 2, 1, 2, 1] };
    /// let sixteenth = Requantization { bias: &[0], multiplier: &[1], shift: 4, clamp: None, output: Dtype::U8 };
    /// let blurred = graph.conv2d("blurred", &image, &blur, &sixteenth)?;
    /// assert_eq!(blurred.shape(), [1, 8, 8, 1].map(Dim::Const));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `M0103` for weights, biases or multipliers that are not as many as the shape asks for, `M0105` for an input
    /// that is no image or a window that does not fit, `M0109` for a shift out of range; `M0101`, `M0102`, `M0106`,
    /// `M0108`.
    pub fn conv2d(
        &mut self,
        name: &str,
        input: &TensorHandle,
        convolution: &Convolution<'_>,
        requantization: &Requantization<'_>,
    ) -> Result<TensorHandle, BuildError> {
        let image = Image::of(name, input)?;
        let Convolution { filters, window, values } = *convolution;
        let output_axes = image.output_axes(name, &window, filters)?;
        let taps = u64::from(window.size[0]) * u64::from(window.size[1]) * u64::from(image.channels);
        let taps = u32::try_from(taps).map_err(|_| BuildError::Shape {
            name: name.into(),
            reason: format!("a filter of {taps} weights is too large; split the channels"),
        })?;
        let values: Vec<i64> = values.iter().copied().map(i64::from).collect();
        let weights = self.param(&format!("{name}.weights"), Dtype::I8, &[filters, taps], &values)?;
        let [bias, multiplier] = requantization.operands(self, name, filters, 3)?;
        let reduction_axes = [window.size[0], window.size[1], image.channels].map(Dim::Const);
        let filter_shape = [filters, window.size[0], window.size[1], image.channels].map(Dim::Const);
        // Iteration axes: batch 0, row 1, column 2, filter 3; window row 4, window column 5, channel 6.
        let pixel = [axis(0), window.pixel(0, 1, axis(4)), window.pixel(1, 2, axis(5)), axis(6)];
        let operands = [
            Operand::new(input, pixel).padded(0),
            Operand::shaped(&weights, &filter_shape, [3, 4, 5, 6].map(axis)),
            bias,
            multiplier,
        ];
        let spec = OpSpec {
            name,
            kind: OpKind::Contract,
            outputs: &[],
            output_axes: &output_axes,
            reduction_axes: &reduction_axes,
            operands: &operands,
            prologue: None,
            program: requantization.program(name)?,
        };
        self.op_with_output(spec, requantization.output)
    }
}
