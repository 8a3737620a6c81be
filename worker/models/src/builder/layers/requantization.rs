//! From sums to storage.

use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, expect_length};
use crate::builder::operand::Operand;
use crate::builder::program::{ProgramBuilder, Value};
use crate::builder::{axis, fixed};
use referee::graph::{Dtype, Program};

/// `saturate(clamp(floor(((sum + bias) * multiplier + 2^(shift-1)) / 2^shift)))` with a bias and a multiplier for each
/// output channel.
///
/// ReLU needs no clamp of its own where the output is `U8`: saturation cuts at 0.
#[derive(Clone, Copy, Debug)]
pub struct Requantization<'a> {
    /// One for each output channel.
    pub bias: &'a [i32],
    /// One for each output channel.
    pub multiplier: &'a [i32],
    /// 1 to 63.
    pub shift: u8,
    /// Least and greatest value, where they are tighter than the output type's.
    pub clamp: Option<(i64, i64)>,
    /// Element type of the output.
    pub output: Dtype,
}

impl Requantization<'_> {
    /// Adds the param `{name}.requantization`, i32 `[channels, 2]` of (bias, multiplier), and gives its two columns as
    /// operands over the iteration axis of the channels.
    pub(super) fn operands(
        &self,
        graph: &mut GraphBuilder,
        name: &str,
        channels: u32,
        channel_axis: usize,
    ) -> Result<[Operand; 2], BuildError> {
        expect_shift(name, self.shift)?;
        expect_length(&format!("{name}, biases"), u64::from(channels), self.bias.len())?;
        expect_length(&format!("{name}, multipliers"), u64::from(channels), self.multiplier.len())?;
        let pairs: Vec<i64> = self
            .bias
            .iter()
            .zip(self.multiplier)
            .flat_map(|(bias, multiplier)| [*bias, *multiplier])
            .map(i64::from)
            .collect();
        let tensor = graph.param(&format!("{name}.requantization"), Dtype::I32, &[channels, 2], &pairs)?;
        Ok([0, 1].map(|column| Operand::new(&tensor, [axis(channel_axis), fixed(column)])))
    }

    /// The epilogue, with the bias in operand 2 and the multiplier in operand 3.
    pub(super) fn program(&self, name: &str) -> Result<Program, BuildError> {
        let (mut program, value) = self.value();
        program.store(0, value);
        program.finish(name)
    }

    /// The epilogue up to the value that [`program`](Self::program) stores.
    pub(super) fn value(&self) -> (ProgramBuilder, Value) {
        let (mut program, sum) = ProgramBuilder::epilogue();
        let bias = program.load(2);
        let multiplier = program.load(3);
        let value = program.requantize(sum, bias, multiplier, self.shift);
        let value = self.clamped(&mut program, value);
        (program, value)
    }

    /// The value within the bounds.
    pub(super) fn clamped(&self, program: &mut ProgramBuilder, value: Value) -> Value {
        match self.clamp {
            Some((low, high)) => program.clamp(value, low, high),
            None => value,
        }
    }
}

/// `M0109` for a shift that `RoundShift` does not have.
pub(super) fn expect_shift(name: &str, shift: u8) -> Result<(), BuildError> {
    if (1..=63).contains(&shift) {
        return Ok(());
    }
    Err(BuildError::Quantisation {
        name: name.into(),
        reason: format!("shift {shift} is outside 1..=63; scale the multipliers"),
    })
}
