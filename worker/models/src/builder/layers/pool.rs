//! Pooling of images, channels last.

use super::window::{Image, Window};
use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::program::ProgramBuilder;
use crate::builder::tensor::TensorHandle;
use crate::builder::{axis, fixed};
use referee::graph::{Dim, MAX_OPERANDS, OpKind};

impl GraphBuilder {
    /// The greatest value under each window, of the input's type.
    ///
    /// Padding counts as the type's least value. A window of at most six taps is a `Map` with one operand for each
    /// tap; a larger one is an `ArgMax` whose value is kept.
    ///
    /// # Errors
    /// `M0105` for an input that is no image or a window that does not fit; `M0101`, `M0102`, `M0106`, `M0108`.
    pub fn max_pool(&mut self, name: &str, input: &TensorHandle, window: &Window) -> Result<TensorHandle, BuildError> {
        let image = Image::of(name, input)?;
        let output_axes = image.output_axes(name, window, image.channels)?;
        let least = input.dtype().range().0 as i32;
        let taps = u64::from(window.size[0]) * u64::from(window.size[1]);
        if taps <= MAX_OPERANDS as u64 {
            let tap = |row: u32, column: u32| {
                let row = window.pixel(0, 1, fixed(row.into()));
                let column = window.pixel(1, 2, fixed(column.into()));
                Operand::new(input, [axis(0), row, column, axis(3)]).padded(least)
            };
            let rows = 0..window.size[0];
            let operands: Vec<Operand> = rows
                .flat_map(|row| (0..window.size[1]).map(move |column| (row, column)))
                .map(|(r, c)| tap(r, c))
                .collect();
            let mut program = ProgramBuilder::map();
            let mut greatest = program.load(0);
            for operand in 1..operands.len() {
                let value = program.load(operand as u8);
                greatest = program.maximum(greatest, value);
            }
            program.store(0, greatest);
            let spec = OpSpec {
                name,
                kind: OpKind::Map,
                outputs: &[],
                output_axes: &output_axes,
                reduction_axes: &[],
                operands: &operands,
                prologue: None,
                program: program.finish(name)?,
            };
            return self.op_with_output(spec, input.dtype());
        }
        let (mut program, [_, greatest]) = ProgramBuilder::pair_epilogue();
        program.store(0, greatest);
        let spec = OpSpec {
            name,
            kind: OpKind::ArgMax,
            outputs: &[],
            output_axes: &output_axes,
            reduction_axes: &window.size.map(Dim::Const),
            operands: &[under_window(input, window).padded(least)],
            prologue: Some(super::elementwise::load_lane(name)?),
            program: program.finish(name)?,
        };
        self.op_with_output(spec, input.dtype())
    }

    /// The average under each window, of the input's type: exactly `floor(sum / taps + 1/2)`, padding counted as zeros.
    ///
    /// # Errors
    /// As [`max_pool`](Self::max_pool).
    pub fn average_pool(
        &mut self,
        name: &str,
        input: &TensorHandle,
        window: &Window,
    ) -> Result<TensorHandle, BuildError> {
        let image = Image::of(name, input)?;
        let output_axes = image.output_axes(name, window, image.channels)?;
        let taps = i64::from(window.size[0]) * i64::from(window.size[1]);
        let least = input.dtype().range().0;
        let (mut program, sum) = ProgramBuilder::epilogue();
        // The division is unsigned, so that it is of the sum of (value - least), which is never negative.
        let double = program.add(sum, sum);
        let offset = program.constant(taps.saturating_mul(1 - 2 * least));
        let dividend = program.add(double, offset);
        let divisor = program.constant(taps.saturating_mul(2));
        let quotient = program.divide_unsigned(dividend, divisor);
        let average = if least == 0 {
            quotient
        } else {
            let least = program.constant(least);
            program.add(quotient, least)
        };
        program.store(0, average);
        let spec = OpSpec {
            name,
            kind: OpKind::Sum,
            outputs: &[],
            output_axes: &output_axes,
            reduction_axes: &window.size.map(Dim::Const),
            operands: &[under_window(input, window).padded(0)],
            prologue: Some(super::elementwise::load_lane(name)?),
            program: program.finish(name)?,
        };
        self.op_with_output(spec, input.dtype())
    }
}

/// The image under a window. Iteration axes: batch 0, row 1, column 2, channel 3; window row 4, window column 5.
fn under_window(input: &TensorHandle, window: &Window) -> Operand {
    Operand::new(input, [axis(0), window.pixel(0, 1, axis(4)), window.pixel(1, 2, axis(5)), axis(3)])
}
