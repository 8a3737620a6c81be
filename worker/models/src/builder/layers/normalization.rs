//! Normalisation of rows: layer norm, root mean square norm, unit length.
//!
//! A row is the innermost axis. One op sums each row, takes an integer square root and does the row's one division; a
//! second one scales the elements. With `n` elements, `deviation = floor(sqrt((n * sum(x^2) - sum(x)^2 + epsilon) * 4^k))`
//! is `n * 2^k` times the standard deviation, `k` as great as 64 bits allow, and what the row keeps is
//! `floor(2^44 / deviation)`: at least 13 significant bits for the widest rows, more for all others. That is kept in
//! 32 bits: a row of 384 elements of 16 bits whose deviation is below a sixth of a step is scaled as if it had that one.

use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec, expect_length};
use crate::builder::operand::Operand;
use crate::builder::program::{ProgramBuilder, Value};
use crate::builder::tensor::TensorHandle;
use crate::builder::{axis, fixed};
use referee::graph::{Dim, Dtype, OpKind};

/// How normalised rows are scaled: `saturate(floor((z * gain + offset) / 2^precision + 1/2))`, where `z` is the element
/// less the row's mean, by the row's standard deviation (or, without a mean, the element by the root mean square).
#[derive(Clone, Copy, Debug)]
pub struct Normalization<'a> {
    /// One for each index of [`gain_axis`](Self::gain_axis): a factor of `2^precision` is 1.
    pub gain: &'a [i32],
    /// As many: `2^precision` is one step of the output.
    pub offset: &'a [i32],
    /// Axis of the input that gains and offsets follow; the innermost one for the usual layer norm.
    pub gain_axis: usize,
    /// Fraction bits of gains and offsets, 1 to 40.
    pub precision: u8,
    /// What is added to `n^2` times the variance (or the mean square), in steps of the input squared.
    pub epsilon: u64,
    /// Writes the innermost axis before the one that precedes it, so that a later op can reduce over that one.
    pub transposed: bool,
    /// Element type of the output.
    pub output: Dtype,
}

/// Fraction bits of a normalised element.
const FRACTION_BITS: u32 = 20;
/// The dividend of a row's division, as a power of two.
const RECIPROCAL_BITS: u32 = 44;
/// The same for rows that get unit length.
const UNIT_RECIPROCAL_BITS: u32 = 46;
/// Bounds a normalised element, so that its product with a gain fits 64 bits; no true one is beyond `sqrt(n)`.
const GREATEST_NORMALISED: i64 = 1 << 30;
/// Longest row: sums of 16-bit elements fit 32 bits with room to spare.
const LONGEST_ROW: u32 = 1 << 14;

impl GraphBuilder {
    /// Rows of `input [.., n]` (8 or 16 bits) with mean and variance taken out, times a gain, plus an offset.
    /// Adds the param `{name}.gains`, i32 `[2, channels]`, and the tensors `{name}.mean` (the row's sum) and
    /// `{name}.reciprocal`.
    ///
    /// # Errors
    /// `M0103` for gains or offsets that are not as many as the axis is long, `M0105` for an input whose rows are not of a
    /// constant length or that is of 32 bits, `M0109` for a precision or an epsilon out of range; `M0101`, `M0102`, `M0108`.
    pub fn layer_norm(
        &mut self,
        name: &str,
        input: &TensorHandle,
        normalization: &Normalization<'_>,
    ) -> Result<TensorHandle, BuildError> {
        self.normalise(name, input, normalization, true)
    }

    /// Rows of `input [.., n]` by their root mean square, times a gain, plus an offset. As
    /// [`layer_norm`](Self::layer_norm), without the mean.
    ///
    /// # Errors
    /// As [`layer_norm`](Self::layer_norm).
    pub fn rms_norm(
        &mut self,
        name: &str,
        input: &TensorHandle,
        normalization: &Normalization<'_>,
    ) -> Result<TensorHandle, BuildError> {
        self.normalise(name, input, normalization, false)
    }

    fn normalise(
        &mut self,
        name: &str,
        input: &TensorHandle,
        normalization: &Normalization<'_>,
        centred: bool,
    ) -> Result<TensorHandle, BuildError> {
        let Normalization { gain, offset, gain_axis, precision, epsilon, transposed, output } = *normalization;
        let row = Row::of(name, input)?;
        if !(1..=40).contains(&precision) {
            let reason = format!("precision {precision} is outside 1..=40; scale gains and offsets");
            return Err(BuildError::Quantisation { name: name.into(), reason });
        }
        let channels = match input.shape().get(gain_axis) {
            Some(Dim::Const(channels)) => *channels,
            _ => {
                let reason = format!("axis {gain_axis} of {:?} has no constant length for the gains", input.shape());
                return Err(BuildError::Shape { name: name.into(), reason });
            }
        };
        expect_length(&format!("{name}, gains"), channels.into(), gain.len())?;
        expect_length(&format!("{name}, offsets"), channels.into(), offset.len())?;
        let scale_bits = row.scale_bits(name, u128::from(row.length).pow(2), epsilon)?;
        let gains: Vec<i64> = gain.iter().chain(offset).copied().map(i64::from).collect();
        let gains = self.param(&format!("{name}.gains"), Dtype::I32, &[2, channels], &gains)?;
        let statistics = self.row_statistics(name, input, &row, scale_bits, epsilon, centred)?;

        let rank = input.shape().len();
        // iteration axis of each axis of the input
        let mut order: Vec<usize> = (0..rank).collect();
        let mut output_axes = input.shape().to_vec();
        if transposed && rank > 1 {
            order.swap(rank - 2, rank - 1);
            output_axes.swap(rank - 2, rank - 1);
        }
        let mut operands = vec![Operand::along(input, &order)];
        operands.extend(statistics.iter().map(|tensor| Operand::along(tensor, &order[..rank - 1])));
        operands.extend([0, 1].map(|which| Operand::new(&gains, [fixed(which), axis(order[gain_axis])])));
        let rows = statistics.len() as u8;
        self.map(name, output, &output_axes, &operands, |program| {
            let centred = match centred {
                true => {
                    let value = row.times_length(program, 0);
                    let sum = program.load(1);
                    program.subtract(value, sum)
                }
                false => row.times_length(program, 0),
            };
            let reciprocal = program.load(rows);
            let product = program.multiply(centred, reciprocal);
            let normalised = program.round_shift(product, (RECIPROCAL_BITS - FRACTION_BITS - scale_bits) as u8);
            let normalised = program.clamp(normalised, -GREATEST_NORMALISED, GREATEST_NORMALISED);
            let gain = program.load(rows + 1);
            let scaled = program.multiply(normalised, gain);
            let offset = program.load(rows + 2);
            let unit = program.constant(1 << FRACTION_BITS);
            let offset = program.multiply(offset, unit);
            let sum = program.add(scaled, offset);
            program.round_shift(sum, FRACTION_BITS as u8 + precision)
        })
    }

    /// For each row its sum, if the mean is taken out, and `2^44 / deviation`.
    fn row_statistics(
        &mut self,
        name: &str,
        input: &TensorHandle,
        row: &Row<'_>,
        scale_bits: u32,
        epsilon: u64,
        centred: bool,
    ) -> Result<Vec<TensorHandle>, BuildError> {
        let mut prologue = ProgramBuilder::map();
        let value = prologue.load(0);
        let square = prologue.multiply(value, value);
        let lanes = if centred { vec![value, square] } else { vec![square] };
        let prologue = prologue.finish_lanes(name, &lanes)?;
        let (mut program, sums) = if centred {
            let (program, [sum, squares]) = ProgramBuilder::pair_epilogue();
            (program, (Some(sum), squares))
        } else {
            let (program, squares) = ProgramBuilder::epilogue();
            (program, (None, squares))
        };
        let length = program.constant(row.length.into());
        let mut variance = program.multiply(sums.1, length);
        if let Some(sum) = sums.0 {
            let square = program.multiply(sum, sum);
            variance = program.subtract(variance, square);
        }
        let epsilon = program.constant(epsilon as i64);
        let variance = program.add(variance, epsilon);
        let reciprocal = reciprocal_of_root(&mut program, variance, scale_bits, RECIPROCAL_BITS);
        let (mean_name, reciprocal_name) = (format!("{name}.mean"), format!("{name}.reciprocal"));
        let mut outputs = Vec::new();
        if let Some(sum) = sums.0 {
            program.store(0, sum);
            outputs.push((mean_name.as_str(), Dtype::I32));
        }
        program.store(outputs.len() as u8, reciprocal);
        outputs.push((reciprocal_name.as_str(), Dtype::I32));
        self.op(OpSpec {
            name: &reciprocal_name,
            kind: if centred { OpKind::SumPair } else { OpKind::Sum },
            outputs: &outputs,
            output_axes: row.leading,
            reduction_axes: &[Dim::Const(row.length)],
            operands: &[Operand::elementwise(input)],
            prologue: Some(prologue),
            program: program.finish(name)?,
        })
    }

    /// Rows of `input [.., n]` (8 or 16 bits) scaled to a length of `2^fraction_bits`; a row of zeros stays one.
    /// Adds the tensor `{name}.reciprocal`.
    ///
    /// # Errors
    /// `M0105` for an input whose rows are not of a constant length or that is of 32 bits, `M0109` for more than 20 fraction
    /// bits; `M0101`, `M0102`, `M0108`.
    pub fn l2_normalize(
        &mut self,
        name: &str,
        input: &TensorHandle,
        fraction_bits: u8,
        output: Dtype,
    ) -> Result<TensorHandle, BuildError> {
        let row = Row::of(name, input)?;
        if fraction_bits > 20 {
            let reason = format!("{fraction_bits} fraction bits are more than 20; no output type needs them");
            return Err(BuildError::Quantisation { name: name.into(), reason });
        }
        let scale_bits = row.scale_bits(name, row.length.into(), 0)?;
        let mut prologue = ProgramBuilder::map();
        let value = prologue.load(0);
        let square = prologue.multiply(value, value);
        let prologue = prologue.finish_lanes(name, &[square])?;
        let (mut program, squares) = ProgramBuilder::epilogue();
        let reciprocal = reciprocal_of_root(&mut program, squares, scale_bits, UNIT_RECIPROCAL_BITS);
        program.store(0, reciprocal);
        let spec = OpSpec {
            name: &format!("{name}.reciprocal"),
            kind: OpKind::Sum,
            outputs: &[],
            output_axes: row.leading,
            reduction_axes: &[Dim::Const(row.length)],
            operands: &[Operand::elementwise(input)],
            prologue: Some(prologue),
            program: program.finish(name)?,
        };
        let reciprocal = self.op_with_output(spec, Dtype::I32)?;
        let leading: Vec<usize> = (0..row.leading.len()).collect();
        let operands = [Operand::elementwise(input), Operand::along(&reciprocal, &leading)];
        let shift = UNIT_RECIPROCAL_BITS - scale_bits - u32::from(fraction_bits);
        self.map(name, output, input.shape(), &operands, |program| {
            let (value, reciprocal) = (program.load(0), program.load(1));
            let product = program.multiply(value, reciprocal);
            program.round_shift(product, shift as u8)
        })
    }
}

/// `2^bits / max(1, floor(sqrt(square * 4^scale_bits)))`: the only division of a row.
fn reciprocal_of_root(program: &mut ProgramBuilder, square: Value, scale_bits: u32, bits: u32) -> Value {
    // never negative; the bound lets interval analysis know it
    let zero = program.constant(0);
    let square = program.maximum(square, zero);
    let places = program.constant(i64::from(2 * scale_bits));
    let scaled = program.shift_left(square, places);
    let root = program.square_root(scaled);
    let one = program.constant(1);
    let divisor = program.maximum(root, one);
    let dividend = program.constant(1 << bits);
    program.divide_unsigned(dividend, divisor)
}

/// The rows of an input.
struct Row<'a> {
    leading: &'a [Dim],
    length: u32,
    /// Greatest size of an element.
    greatest: u32,
}

impl<'a> Row<'a> {
    fn of(name: &str, input: &'a TensorHandle) -> Result<Self, BuildError> {
        let refuse = |reason: String| Err(BuildError::Shape { name: name.into(), reason });
        if input.dtype().bytes() > 2 {
            return refuse(format!(
                "rows of {:?} are too wide for their squares; store them in 16 bits",
                input.dtype()
            ));
        }
        let (low, high) = input.dtype().range();
        match input.shape().split_last() {
            Some((Dim::Const(length), leading)) if !leading.is_empty() && *length <= LONGEST_ROW => {
                Ok(Self { leading, length: *length, greatest: low.abs().max(high) as u32 })
            }
            _ => refuse(format!(
                "{:?} is not [.., n] with at least two axes and a constant n of at most {LONGEST_ROW}",
                input.shape()
            )),
        }
    }

    /// How many times a square root's argument can be multiplied by 4, if it is at most `factor` times a square plus
    /// `epsilon`.
    fn scale_bits(&self, name: &str, factor: u128, epsilon: u64) -> Result<u32, BuildError> {
        let most = factor * u128::from(self.greatest).pow(2) + u128::from(epsilon);
        let bits = u128::BITS - most.leading_zeros();
        if bits > 62 {
            let reason = format!("epsilon {epsilon} leaves no room in 64 bits; it is in steps of the input squared");
            return Err(BuildError::Quantisation { name: name.into(), reason });
        }
        Ok(((62 - bits) / 2).min(RECIPROCAL_BITS - FRACTION_BITS - 1))
    }

    /// `n * x` of an operand.
    fn times_length(&self, program: &mut ProgramBuilder, operand: u8) -> Value {
        let value = program.load(operand);
        let length = program.constant(self.length.into());
        program.multiply(value, length)
    }
}
