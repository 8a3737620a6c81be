//! Attention: scores, exponents from a table, and sums of values with one division a row.

use crate::builder::axis;
use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::program::ProgramBuilder;
use crate::builder::tensor::TensorHandle;
use referee::graph::{Dim, Dtype, OpKind};

/// Softmax attention with several heads.
///
/// With `s = round(query . key * score_multiplier / 2^score_shift)` in 16 bits and `m` the greatest `s` of a row that is not
/// masked, the weight of a key is the entry of [`exponents`](Self::exponents) that lies `m - s` before the last; entries
/// before the first count as the first. Masked keys weigh 0. A row's values are
/// `round(sum(weight * value) * floor(numerator / sum(weight)) / 2^shift)`; a row of which every key is masked gives 0.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Heads; query, key and value have `heads * width` channels.
    pub heads: u32,
    /// `i8 [batch, tokens, heads * width]`
    pub query: &'a TensorHandle,
    /// `i8 [batch, keys, heads * width]`
    pub key: &'a TensorHandle,
    /// `i8 [batch, heads * width, keys]`, the keys innermost: see [`GraphBuilder::linear_transposed`].
    pub values: &'a TensorHandle,
    /// `[batch, keys]`: 0 masks a key.
    pub mask: Option<&'a TensorHandle>,
    /// Factor of a score; the usual `1 / sqrt(width)` is part of it.
    pub score_multiplier: i32,
    /// 1 to 63.
    pub score_shift: u8,
    /// One entry for each step below the greatest score, ascending to the last: `255 * exp(-step * i)`, say.
    pub exponents: &'a [u8],
    /// Dividend of the division of each row; by the last exponent it must fit 31 bits.
    pub numerator: i64,
    /// 1 to 63.
    pub shift: u8,
}

/// Iteration axes of what is computed for each (batch, head, query, key).
const SQUARE: [usize; 4] = [0, 1, 2, 3];

impl GraphBuilder {
    /// Attention: `i8 [batch, tokens, heads, width]`, which a linear layer takes as rows of `heads * width`.
    ///
    /// Adds the param `{name}.exponents` and the tensors `{name}.scores` (i16), `{name}.greatest`, `{name}.weights` (u8) and
    /// `{name}.reciprocal`.
    ///
    /// # Errors
    /// `M0105` for shapes or types that do not go together, `M0109` for a shift, a table or a numerator out of range; `M0101`,
    /// `M0102`, `M0108`.
    pub fn attention(&mut self, name: &str, attention: &Attention<'_>) -> Result<TensorHandle, BuildError> {
        let Attention { heads, query, key, values, mask, .. } = *attention;
        let ([batch, tokens, keys], width) = attention.expect_shapes(name)?;
        attention.expect_numbers(name)?;
        let square = [batch, Dim::Const(heads), tokens, keys];

        let factors = [Operand::heads(query, heads, &[0, 2, 1, 4])?, Operand::heads(key, heads, &[0, 3, 1, 4])?];
        let reduction = [Dim::Const(width)];
        let scores = format!("{name}.scores");
        let scores = self.contract(&scores, Dtype::I16, &square, &reduction, &factors, |program, sum| {
            let multiplier = program.constant(attention.score_multiplier.into());
            let scaled = program.multiply(sum, multiplier);
            program.round_shift(scaled, attention.score_shift)
        })?;
        let greatest = self.greatest_score(name, &scores, mask)?;

        let entries: Vec<i64> = attention.exponents.iter().copied().map(i64::from).collect();
        let table = self.param(&format!("{name}.exponents"), Dtype::U8, &[entries.len() as u32], &entries)?;
        let mut operands = vec![
            Operand::elementwise(&scores),
            Operand::along(&greatest, &SQUARE[..3]),
            Operand::along(&table, &[0]).gathered(0),
        ];
        operands.extend(mask.map(|mask| Operand::along(mask, &[0, 3])));
        let weights = self.map(&format!("{name}.weights"), Dtype::U8, &square, &operands, |program| {
            let (score, greatest) = (program.load(0), program.load(1));
            let below = program.subtract(score, greatest);
            let last = program.constant(entries.len() as i64 - 1);
            let index = program.add(below, last);
            let weight = program.gather(2, index);
            match mask {
                Some(_) => {
                    let mask = program.load(3);
                    let none = program.constant(0);
                    program.select(mask, weight, none)
                }
                None => weight,
            }
        })?;
        let reciprocal = self.row_reciprocal(name, &weights, attention.numerator)?;

        // batch 0, token 1, head 2, channel 3; key 4
        let split = [batch, Dim::Const(heads), Dim::Const(width), keys];
        let operands = [
            Operand::along(&weights, &[0, 2, 1, 4]),
            Operand::shaped(values, &split, [0, 2, 3, 4].map(axis)),
            Operand::along(&reciprocal, &[0, 2, 1]),
        ];
        let output_axes = [batch, tokens, Dim::Const(heads), Dim::Const(width)];
        self.contract(name, Dtype::I8, &output_axes, &[keys], &operands, |program, sum| {
            let reciprocal = program.load(2);
            let scaled = program.multiply(sum, reciprocal);
            program.round_shift(scaled, attention.shift)
        })
    }

    /// The greatest score of each row, masked ones left out.
    fn greatest_score(
        &mut self,
        name: &str,
        scores: &TensorHandle,
        mask: Option<&TensorHandle>,
    ) -> Result<TensorHandle, BuildError> {
        let mut operands = vec![Operand::along(scores, &SQUARE)];
        operands.extend(mask.map(|mask| Operand::along(mask, &[0, 3])));
        let mut prologue = ProgramBuilder::map();
        let mut score = prologue.load(0);
        if mask.is_some() {
            let mask = prologue.load(1);
            let least = prologue.constant(Dtype::I16.range().0);
            score = prologue.select(mask, score, least);
        }
        let (mut program, [_, greatest]) = ProgramBuilder::pair_epilogue();
        program.store(0, greatest);
        let spec = OpSpec {
            name: &format!("{name}.greatest"),
            kind: OpKind::ArgMax,
            outputs: &[],
            output_axes: &scores.shape()[..3],
            reduction_axes: &scores.shape()[3..],
            operands: &operands,
            prologue: Some(prologue.finish_lanes(name, &[score])?),
            program: program.finish(name)?,
        };
        self.op_with_output(spec, Dtype::I16)
    }

    /// `numerator / sum(weights)` of each row.
    fn row_reciprocal(
        &mut self,
        name: &str,
        weights: &TensorHandle,
        numerator: i64,
    ) -> Result<TensorHandle, BuildError> {
        let (mut program, sum) = ProgramBuilder::epilogue();
        let numerator = program.constant(numerator);
        let reciprocal = program.divide_unsigned(numerator, sum);
        program.store(0, reciprocal);
        let spec = OpSpec {
            name: &format!("{name}.reciprocal"),
            kind: OpKind::Sum,
            outputs: &[],
            output_axes: &weights.shape()[..3],
            reduction_axes: &weights.shape()[3..],
            operands: &[Operand::along(weights, &SQUARE)],
            prologue: Some(super::elementwise::load_lane(name)?),
            program: program.finish(name)?,
        };
        self.op_with_output(spec, Dtype::I32)
    }
}

impl Attention<'_> {
    /// Batch, tokens, keys, and the width of a head.
    fn expect_shapes(&self, name: &str) -> Result<([Dim; 3], u32), BuildError> {
        let refuse = |reason: String| Err(BuildError::Shape { name: name.into(), reason });
        let ([batch, tokens, Dim::Const(channels)], [key_batch, keys, key_channels]) =
            (self.query.shape(), self.key.shape())
        else {
            let shapes = (self.query.shape(), self.key.shape());
            return refuse(format!("query and key are [batch, tokens, channels], given are {shapes:?}"));
        };
        if self.heads == 0 || !channels.is_multiple_of(self.heads) {
            return refuse(format!("{channels} channels cannot be split in {} heads", self.heads));
        }
        let same = key_batch == batch && *key_channels == Dim::Const(*channels);
        if !same || self.values.shape() != [*batch, Dim::Const(*channels), *keys] {
            return refuse(format!(
                "query {:?}, key {:?} and values {:?} do not go together; values are [batch, channels, keys]",
                self.query.shape(),
                self.key.shape(),
                self.values.shape()
            ));
        }
        if let Some(mask) = self.mask.filter(|mask| mask.shape() != [*batch, *keys]) {
            return refuse(format!("the mask is {:?}, not [batch, keys] {:?}", mask.shape(), [*batch, *keys]));
        }
        let types = [self.query, self.key, self.values].map(TensorHandle::dtype);
        if types != [Dtype::I8; 3] {
            return refuse(format!("query, key and values are {types:?}; requantise them to I8"));
        }
        Ok(([*batch, *tokens, *keys], channels / self.heads))
    }

    fn expect_numbers(&self, name: &str) -> Result<(), BuildError> {
        super::requantization::expect_shift(name, self.score_shift)?;
        super::requantization::expect_shift(name, self.shift)?;
        let refuse = |reason: String| Err(BuildError::Quantisation { name: name.into(), reason });
        if self.exponents.is_empty() || self.exponents.len() > 1 << 16 {
            return refuse(format!("a table of {} exponents; give 1 to 65,536", self.exponents.len()));
        }
        let last = self.exponents.last().copied().unwrap_or(0);
        if last == 0 {
            return refuse("the last exponent, that of the greatest score, is 0; scale the table up".into());
        }
        if self.numerator < 0 || self.numerator / i64::from(last) > i64::from(i32::MAX) {
            let most = i64::from(i32::MAX) * i64::from(last);
            return refuse(format!("numerator {} is outside 0..={most}; lower numerator and shift", self.numerator));
        }
        Ok(())
    }
}
