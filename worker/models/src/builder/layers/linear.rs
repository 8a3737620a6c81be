//! Linear layers.

use super::requantization::Requantization;
use crate::builder::axis;
use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::tensor::TensorHandle;
use referee::graph::{Dim, Dtype, OpKind};

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
        let leading = leading_axes(name, input, weights.inputs)?;
        let (channel, reduction) = (leading.len(), leading.len() + 1);
        let values: Vec<i64> = weights.values.iter().copied().map(i64::from).collect();
        let matrix = self.param(&format!("{name}.weights"), Dtype::I8, &[weights.outputs, weights.inputs], &values)?;
        let [bias, multiplier] = requantization.operands(self, name, weights.outputs, channel)?;
        let rows = [leading, &[Dim::Const(weights.inputs)]].concat();
        let operands = [
            Operand::shaped(input, &rows, (0..channel).chain([reduction]).map(axis)),
            Operand::along(&matrix, &[channel, reduction]),
            bias,
            multiplier,
        ];
        let spec = OpSpec {
            name,
            kind: OpKind::Contract,
            outputs: &[],
            output_axes: &[leading, &[Dim::Const(weights.outputs)]].concat(),
            reduction_axes: &[Dim::Const(weights.inputs)],
            operands: &operands,
            prologue: None,
            program: requantization.program(name)?,
        };
        self.op_with_output(spec, requantization.output)
    }
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
