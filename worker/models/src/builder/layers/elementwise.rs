//! Elementwise ops, look-ups, copies and arg-max.

use super::requantization::expect_shift;
use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec, expect_length};
use crate::builder::operand::Operand;
use crate::builder::program::{ProgramBuilder, Value};
use crate::builder::tensor::TensorHandle;
use crate::builder::{axis, fixed};
use referee::graph::{Dim, Dtype, OpKind, Program};

/// `saturate(floor((a * multipliers[0] + b * multipliers[1] + 2^(shift-1)) / 2^shift))`: a sum of two tensors of
/// different scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition {
    /// One for each summand.
    pub multipliers: [i32; 2],
    /// 1 to 63.
    pub shift: u8,
    /// Element type of the sum.
    pub output: Dtype,
}

impl GraphBuilder {
    /// A `Map`: `body` computes the value at each point of `output_axes` from the operands, which it loads by index.
    ///
    /// # Errors
    /// `M0101`, `M0102`, `M0106` to `M0108`.
    pub fn map(
        &mut self,
        name: &str,
        dtype: Dtype,
        output_axes: &[Dim],
        operands: &[Operand],
        body: impl FnOnce(&mut ProgramBuilder) -> Value,
    ) -> Result<TensorHandle, BuildError> {
        let mut program = ProgramBuilder::map();
        let value = body(&mut program);
        program.store(0, value);
        let spec = OpSpec {
            name,
            kind: OpKind::Map,
            outputs: &[],
            output_axes,
            reduction_axes: &[],
            operands,
            prologue: None,
            program: program.finish(name)?,
        };
        self.op_with_output(spec, dtype)
    }

    /// The sum of two tensors of one shape.
    ///
    /// # Errors
    /// `M0105` for different shapes, `M0109` for a shift out of range; `M0101`, `M0102`, `M0108`.
    pub fn add(
        &mut self,
        name: &str,
        a: &TensorHandle,
        b: &TensorHandle,
        addition: &Addition,
    ) -> Result<TensorHandle, BuildError> {
        expect_shift(name, addition.shift)?;
        if a.shape() != b.shape() {
            return Err(BuildError::Shape {
                name: name.into(),
                reason: format!("{:?} and {:?} differ; copy one into the other's shape", a.shape(), b.shape()),
            });
        }
        let operands = [Operand::elementwise(a), Operand::elementwise(b)];
        self.map(name, addition.output, a.shape(), &operands, |program| {
            let mut scaled = |operand: u8| {
                let value = program.load(operand);
                let multiplier = program.constant(addition.multipliers[usize::from(operand)].into());
                program.multiply(value, multiplier)
            };
            let (a, b) = (scaled(0), scaled(1));
            let sum = program.add(a, b);
            program.round_shift(sum, addition.shift)
        })
    }

    /// Each 8-bit value replaced by its entry in a table of 256, which begins with the entry of the type's least value.
    /// Adds the param `{name}.table`.
    ///
    /// # Errors
    /// `M0103` for a table of another length, `M0104` for an entry that `dtype` does not hold, `M0105` for an input
    /// that is not of 8 bits; `M0101`, `M0102`, `M0108`.
    pub fn lookup(
        &mut self,
        name: &str,
        input: &TensorHandle,
        dtype: Dtype,
        table: &[i64],
    ) -> Result<TensorHandle, BuildError> {
        if input.dtype().bytes() != 1 {
            return Err(BuildError::Shape {
                name: name.into(),
                reason: format!("a table of 256 is for 8-bit values, the input is {:?}", input.dtype()),
            });
        }
        expect_length(&format!("{name}, table"), 256, table.len())?;
        let table = self.param(&format!("{name}.table"), dtype, &[256], table)?;
        let operands = [Operand::elementwise(input), Operand::new(&table, [fixed(0)]).gathered(0)];
        let least = input.dtype().range().0;
        self.map(name, dtype, input.shape(), &operands, |program| {
            let value = program.load(0);
            let index = if least == 0 {
                value
            } else {
                let least = program.constant(least);
                program.subtract(value, least)
            };
            program.gather(1, index)
        })
    }

    /// What the operand reads, as a tensor of its own: a transposition, slice, padding or broadcast made real.
    ///
    /// # Errors
    /// `M0101`, `M0102`, `M0106`, `M0108`.
    pub fn copy(&mut self, name: &str, output_axes: &[Dim], operand: &Operand) -> Result<TensorHandle, BuildError> {
        let dtype = operand.tensor.dtype();
        self.map(name, dtype, output_axes, std::slice::from_ref(operand), |program| program.load(0))
    }

    /// Index of the greatest value on the innermost axis; ties take the lowest. The axis is gone from the shape.
    ///
    /// # Errors
    /// `M0105` for an input of one axis or an index that `dtype` does not hold; `M0101`, `M0102`, `M0108`.
    pub fn arg_max(&mut self, name: &str, input: &TensorHandle, dtype: Dtype) -> Result<TensorHandle, BuildError> {
        let (innermost, leading) = match input.shape().split_last() {
            Some((Dim::Const(length), leading)) if !leading.is_empty() => (*length, leading),
            _ => {
                return Err(BuildError::Shape {
                    name: name.into(),
                    reason: format!("{:?} is not [.., classes] with a constant last axis", input.shape()),
                });
            }
        };
        let last_index = i64::from(innermost) - 1;
        if dtype.saturate(last_index) != last_index {
            return Err(BuildError::Shape {
                name: name.into(),
                reason: format!("{dtype:?} does not hold the index {last_index}; choose a wider type"),
            });
        }
        let (mut program, [index, _]) = ProgramBuilder::pair_epilogue();
        program.store(0, index);
        let spec = OpSpec {
            name,
            kind: OpKind::ArgMax,
            outputs: &[],
            output_axes: leading,
            reduction_axes: &[Dim::Const(innermost)],
            operands: &[Operand::new(input, (0..=leading.len()).map(axis))],
            prologue: Some(load_lane(name)?),
            program: program.finish(name)?,
        };
        self.op_with_output(spec, dtype)
    }
}

/// The prologue that reduces operand 0 as it is.
pub(super) fn load_lane(name: &str) -> Result<Program, BuildError> {
    let mut prologue = ProgramBuilder::map();
    let value = prologue.load(0);
    prologue.finish_lanes(name, &[value])
}
