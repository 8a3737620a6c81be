//! Moving values: concatenation, slices, transposition, and averages of the tokens of a text.

use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::program::ProgramBuilder;
use crate::builder::tensor::TensorHandle;
use crate::builder::{Coordinate, axis};
use referee::graph::{Dim, Dtype, MAX_OPERANDS, OpKind};

impl GraphBuilder {
    /// Tensors of one type one after the other on an axis of constant length.
    ///
    /// # Errors
    /// `M0105` for none or more than six tensors, another type, another shape outside the axis, or an axis without a constant
    /// length; `M0101`, `M0102`, `M0108`.
    pub fn concatenate(
        &mut self,
        name: &str,
        inputs: &[&TensorHandle],
        along: usize,
    ) -> Result<TensorHandle, BuildError> {
        let refuse = |reason: String| BuildError::Shape { name: name.into(), reason };
        let Some(first) = inputs.first().filter(|_| inputs.len() <= MAX_OPERANDS) else {
            return Err(refuse(format!("{} tensors; give 1 to {MAX_OPERANDS}, or join in steps", inputs.len())));
        };
        let mut length = 0u32;
        let mut operands = Vec::with_capacity(inputs.len());
        for input in inputs {
            let part = constant_length(name, input, along)?;
            let mut shape = input.shape().to_vec();
            shape[along] = first.shape().get(along).copied().unwrap_or(shape[along]);
            if shape != first.shape() || input.dtype() != first.dtype() {
                return Err(refuse(format!(
                    "{:?} {:?} does not continue {:?} {:?} on axis {along}",
                    input.dtype(),
                    input.shape(),
                    first.dtype(),
                    first.shape()
                )));
            }
            operands.push(Operand::new(input, moved(input, along, -i64::from(length))).padded(0));
            length = length.checked_add(part).ok_or_else(|| refuse("the axis is longer than 32 bits".into()))?;
        }
        let mut output_axes = first.shape().to_vec();
        output_axes[along] = Dim::Const(length);
        self.map(name, first.dtype(), &output_axes, &operands, |program| {
            // all but one are padding, which is 0
            let mut value = program.load(0);
            for operand in 1..inputs.len() {
                let part = program.load(operand as u8);
                value = program.or(value, part);
            }
            value
        })
    }

    /// `length` places of an axis of constant length, from `start` on.
    ///
    /// # Errors
    /// `M0105` for a range outside the axis or an axis without a constant length; `M0101`, `M0102`, `M0108`.
    pub fn slice(
        &mut self,
        name: &str,
        input: &TensorHandle,
        along: usize,
        start: u32,
        length: u32,
    ) -> Result<TensorHandle, BuildError> {
        let whole = constant_length(name, input, along)?;
        if length == 0 || u64::from(start) + u64::from(length) > u64::from(whole) {
            let reason = format!("{length} places from {start} on do not lie within the {whole} of axis {along}");
            return Err(BuildError::Shape { name: name.into(), reason });
        }
        let mut output_axes = input.shape().to_vec();
        output_axes[along] = Dim::Const(length);
        self.copy(name, &output_axes, &Operand::new(input, moved(input, along, start.into())))
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of the input.
    ///
    /// # Errors
    /// `M0105` if `order` does not name each axis once; `M0101`, `M0102`, `M0108`.
    pub fn transpose(&mut self, name: &str, input: &TensorHandle, order: &[usize]) -> Result<TensorHandle, BuildError> {
        let shape = input.shape();
        let place_of: Option<Vec<usize>> =
            (0..shape.len()).map(|axis| order.iter().position(|from| *from == axis)).collect();
        match place_of.filter(|_| order.len() == shape.len()) {
            Some(place_of) => {
                let output_axes: Vec<Dim> = order.iter().map(|from| shape[*from]).collect();
                self.copy(name, &output_axes, &Operand::along(input, &place_of))
            }
            None => Err(BuildError::Shape {
                name: name.into(),
                reason: format!("{order:?} does not name each axis of {shape:?} once"),
            }),
        }
    }

    /// The average of each channel over the tokens that are not masked, times `2^fraction_bits`, rounded:
    /// `[batch, channels]` from `[batch, channels, tokens]` and a mask `[batch, tokens]` (0 masks; none counts all). The
    /// tokens are innermost, so that an element is proved from one row. Without any token the average is 0.
    ///
    /// # Errors
    /// `M0105` for shapes that do not go together, `M0109` for more than 16 fraction bits; `M0101`, `M0102`, `M0108`.
    pub fn mean_pool_masked(
        &mut self,
        name: &str,
        input: &TensorHandle,
        mask: Option<&TensorHandle>,
        fraction_bits: u8,
        output: Dtype,
    ) -> Result<TensorHandle, BuildError> {
        let &[batch, channels, tokens] = input.shape() else {
            let reason = format!("{:?} is not [batch, channels, tokens]", input.shape());
            return Err(BuildError::Shape { name: name.into(), reason });
        };
        if let Some(mask) = mask.filter(|mask| mask.shape() != [batch, tokens]) {
            let reason = format!("the mask is {:?}, not [batch, tokens] {:?}", mask.shape(), [batch, tokens]);
            return Err(BuildError::Shape { name: name.into(), reason });
        }
        if fraction_bits > 16 || input.dtype().bytes() > 2 {
            let reason = format!("{fraction_bits} fraction bits of {:?}; at most 16 of 16 bits fit", input.dtype());
            return Err(BuildError::Quantisation { name: name.into(), reason });
        }
        let mut operands = vec![Operand::along(input, &[0, 1, 2])];
        operands.extend(mask.map(|mask| Operand::along(mask, &[0, 2])));
        let mut prologue = ProgramBuilder::map();
        let mut value = prologue.load(0);
        let mut one = prologue.constant(1);
        if mask.is_some() {
            let mask = prologue.load(1);
            let none = prologue.constant(0);
            value = prologue.select(mask, value, none);
            one = prologue.select(mask, one, none);
        }
        let prologue = prologue.finish_lanes(name, &[value, one])?;
        let (mut program, [sum, count]) = ProgramBuilder::pair_epilogue();
        let one = program.constant(1);
        let count = program.maximum(count, one);
        // (2 * sum * 2^bits + count) / (2 * count), moved up so that the unsigned division sees nothing negative
        let scale = program.constant(2 << fraction_bits);
        let scaled = program.multiply(sum, scale);
        let lift = 1i64 << (17 + fraction_bits);
        let per_token = program.constant(2 * lift + 1);
        let lifted = program.multiply(count, per_token);
        let dividend = program.add(scaled, lifted);
        let divisor = program.add(count, count);
        let quotient = program.divide_unsigned(dividend, divisor);
        let lift = program.constant(lift);
        let average = program.subtract(quotient, lift);
        program.store(0, average);
        let spec = OpSpec {
            name,
            kind: OpKind::SumPair,
            outputs: &[],
            output_axes: &[batch, channels],
            reduction_axes: &[tokens],
            operands: &operands,
            prologue: Some(prologue),
            program: program.finish(name)?,
        };
        self.op_with_output(spec, output)
    }
}

/// The tensor's own point, `by` further on one axis.
fn moved(input: &TensorHandle, along: usize, by: i64) -> Vec<Coordinate> {
    (0..input.shape().len()).map(|at| if at == along { axis(at) + by } else { axis(at) }).collect()
}

fn constant_length(name: &str, input: &TensorHandle, along: usize) -> Result<u32, BuildError> {
    match input.shape().get(along) {
        Some(Dim::Const(length)) => Ok(*length),
        _ => Err(BuildError::Shape {
            name: name.into(),
            reason: format!("axis {along} of {:?} has no constant length", input.shape()),
        }),
    }
}
