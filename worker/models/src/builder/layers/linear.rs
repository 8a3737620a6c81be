//! Linear layers.

use super::activation::Activation;
use super::requantization::Requantization;
use crate::builder::axis;
use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::program::ProgramBuilder;
use crate::builder::tensor::TensorHandle;
use referee::graph::{Dim, Dtype, OpKind, Program};

/// A matrix of weights.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// Rows.
    pub outputs: u32,
    /// Columns.
    pub inputs: u32,
    /// Row-major, `outputs * inputs`.
    pub values: &'a [i8],
}

impl GraphBuilder {
    /// `input [.., inputs]` (i8 or u8) times the transpose of the weights: `[.., outputs]`.
    ///
    /// Constant innermost axes of the input whose product is `inputs` are taken together: a `[batch, 4, 4, 32]` image
    /// is a row of 512. Adds the params `{name}.weights` and `{name}.requantization`.
    ///
    /// # Errors
    /// `M0103` for weights, biases or multipliers that are not as many as the shape asks for, `M0105` for an input
    /// that does not end in rows of `inputs`, `M0109` for a shift out of range; `M0101`, `M0102`, `M0106`, `M0108`.
    pub fn linear(
        &mut self,
        name: &str,
        input: &TensorHandle,
        weights: &Weights<'_>,
        requantization: &Requantization<'_>,
    ) -> Result<TensorHandle, BuildError> {
        let program = requantization.program(name)?;
        self.weighted(name, input, weights, requantization, Layout::ChannelsLast, |_, _| Ok(Vec::new()), program)
    }

    /// As [`linear`](Self::linear) with the outputs before the innermost axis of places: `[batch, outputs, tokens]` from
    /// `[batch, tokens, inputs]`. The values of attention are written so, because they are summed over the tokens.
    ///
    /// # Errors
    /// As [`linear`](Self::linear), and `M0105` for an input of rows alone.
    pub fn linear_transposed(
        &mut self,
        name: &str,
        input: &TensorHandle,
        weights: &Weights<'_>,
        requantization: &Requantization<'_>,
    ) -> Result<TensorHandle, BuildError> {
        let program = requantization.program(name)?;
        self.weighted(name, input, weights, requantization, Layout::ChannelsFirst, |_, _| Ok(Vec::new()), program)
    }

    /// As [`linear`](Self::linear), each requantised value replaced by an activation's. A table of more than 256 entries
    /// sees the value finer than 8 bits. Adds the param `{name}.table`.
    ///
    /// # Errors
    /// As [`linear`](Self::linear), `M0104` for an entry that the output type does not hold, `M0109` for a table that is empty
    /// or too long.
    pub fn linear_activated(
        &mut self,
        name: &str,
        input: &TensorHandle,
        weights: &Weights<'_>,
        requantization: &Requantization<'_>,
        activation: &Activation<'_>,
    ) -> Result<TensorHandle, BuildError> {
        let (mut program, value) = requantization.value();
        let value = activation.look_up(&mut program, value, 4);
        program.store(0, value);
        let table = |graph: &mut Self, _: &[Dim]| {
            activation.operand(graph, name, requantization.output).map(|table| vec![table])
        };
        let program = program.finish(name)?;
        self.weighted(name, input, weights, requantization, Layout::ChannelsLast, table, program)
    }

    /// `saturate(floor(((sum + bias) * multiplier + residual * residual_multiplier + 2^(shift-1)) / 2^shift))`: a linear layer
    /// whose result is added to a tensor of its output's shape, rounded once.
    ///
    /// # Errors
    /// As [`linear`](Self::linear), and `M0105` for a residual of another shape.
    pub fn linear_residual(
        &mut self,
        name: &str,
        input: &TensorHandle,
        weights: &Weights<'_>,
        requantization: &Requantization<'_>,
        residual: &TensorHandle,
        residual_multiplier: i32,
    ) -> Result<TensorHandle, BuildError> {
        let (mut program, sum) = ProgramBuilder::epilogue();
        let bias = program.load(2);
        let biased = program.add(sum, bias);
        let multiplier = program.load(3);
        let scaled = program.multiply(biased, multiplier);
        let before = program.load(4);
        let factor = program.constant(residual_multiplier.into());
        let before = program.multiply(before, factor);
        let total = program.add(scaled, before);
        let value = program.round_shift(total, requantization.shift);
        let value = requantization.clamped(&mut program, value);
        program.store(0, value);
        let operand = |_: &mut Self, output_axes: &[Dim]| {
            if residual.shape() != output_axes {
                let reason = format!("the residual is {:?}, the layer's output {output_axes:?}", residual.shape());
                return Err(BuildError::Shape { name: name.into(), reason });
            }
            Ok(vec![Operand::elementwise(residual)])
        };
        let program = program.finish(name)?;
        self.weighted(name, input, weights, requantization, Layout::ChannelsLast, operand, program)
    }

    /// The contraction of rows with weights; bias and multiplier are operands 2 and 3, `further` gives the others for the
    /// output's shape.
    fn weighted(
        &mut self,
        name: &str,
        input: &TensorHandle,
        weights: &Weights<'_>,
        requantization: &Requantization<'_>,
        layout: Layout,
        further: impl FnOnce(&mut Self, &[Dim]) -> Result<Vec<Operand>, BuildError>,
        program: Program,
    ) -> Result<TensorHandle, BuildError> {
        let leading = leading_axes(name, input, weights.inputs)?;
        let reduction = leading.len() + 1;
        let mut output_axes = [leading, &[Dim::Const(weights.outputs)]].concat();
        let mut places: Vec<usize> = (0..leading.len()).collect();
        let mut channel = leading.len();
        if layout == Layout::ChannelsFirst {
            let Some(last) = leading.len().checked_sub(1) else {
                let reason = format!("{:?} has no axis of places beside its rows", input.shape());
                return Err(BuildError::Shape { name: name.into(), reason });
            };
            output_axes.swap(last, channel);
            places[last] = channel;
            channel = last;
        }
        let values: Vec<i64> = weights.values.iter().copied().map(i64::from).collect();
        let matrix = self.param(&format!("{name}.weights"), Dtype::I8, &[weights.outputs, weights.inputs], &values)?;
        let [bias, multiplier] = requantization.operands(self, name, weights.outputs, channel)?;
        let rows = [leading, &[Dim::Const(weights.inputs)]].concat();
        let mut operands = vec![
            Operand::shaped(input, &rows, places.into_iter().chain([reduction]).map(axis)),
            Operand::along(&matrix, &[channel, reduction]),
            bias,
            multiplier,
        ];
        if layout == Layout::ChannelsFirst {
            operands.swap(0, 1);
        }
        operands.extend(further(self, &output_axes)?);
        let spec = OpSpec {
            name,
            kind: OpKind::Contract,
            outputs: &[],
            output_axes: &output_axes,
            reduction_axes: &[Dim::Const(weights.inputs)],
            operands: &operands,
            prologue: None,
            program,
        };
        self.op_with_output(spec, requantization.output)
    }
}

/// Where the output channels of a linear layer stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Innermost.
    ChannelsLast,
    /// Before the innermost axis of places.
    ChannelsFirst,
}

/// The axes before the innermost ones whose product is `inputs`.
fn leading_axes<'a>(name: &str, input: &'a TensorHandle, inputs: u32) -> Result<&'a [Dim], BuildError> {
    let mut product = 1u64;
    for (index, dim) in input.shape().iter().enumerate().rev() {
        let Dim::Const(length) = dim else { break };
        product = product.saturating_mul(u64::from(*length));
        if product == u64::from(inputs) {
            return Ok(&input.shape()[..index]);
        }
    }
    Err(BuildError::Shape {
        name: name.into(),
        reason: format!(
            "the weights take rows of {inputs}; no constant innermost axes of the input {:?} make that product",
            input.shape()
        ),
    })
}
