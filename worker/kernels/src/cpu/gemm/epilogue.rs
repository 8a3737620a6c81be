//! The common epilogue on tiles of sums, while they are in the first-level cache.

use super::plan::Plan;
use super::requantise::{Bias, Multiplier, Operand, Requantise, Residual};
use crate::cpu::access::{AXES, Point};
use crate::cpu::isa::{Available, Job};
use crate::cpu::output::Output;
use crate::cpu::table::STRIP;
use referee::graph::Dtype;

/// Most columns of a tile that an epilogue takes: a strip of a table's.
pub(crate) const TILE_COLUMNS: usize = STRIP;

/// What is the same along one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// The output element of its first column.
    first: usize,
    /// Its point; column axes are 0.
    point: Point,
    pub(super) bias: i32,
    /// The factor of all its columns, unless each has its own.
    pub(super) factor: i32,
}

/// Sums of some rows and columns.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'a> {
    /// One row after the other, [`TILE_COLUMNS`] apart.
    pub(crate) values: &'a [i32],
    /// The first column.
    pub(crate) first: usize,
    /// At most [`TILE_COLUMNS`].
    pub(crate) columns: usize,
}

/// The numbers of a requantisation, by value, so that loops keep them in registers.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) half: i64,
    pub(super) shift: u32,
    pub(super) offset: i64,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// Some columns of one line.
pub(super) struct Strip<'a> {
    pub(super) sums: &'a [i32],
    pub(super) line: &'a Line,
    /// A factor for each column, or none.
    pub(super) factors: Option<&'a [i32]>,
    /// Those of entries of the table.
    pub(super) second_factors: Option<&'a [i32]>,
    /// Bytes of the residual's elements; none where there is no residual.
    pub(super) residual: &'a [u8],
    pub(super) out: &'a mut [u8],
}

impl Requantise {
    /// What is the same along each of the rows `first..first + count` of a batch.
    pub(crate) fn lines(
        &self,
        plan: &Plan,
        batch: usize,
        (first, count): (usize, usize),
        operands: &[&[u8]],
        lines: &mut Vec<Line>,
    ) {
        lines.clear();
        let mut point = [0; AXES];
        let origin = plan.batches.locate(batch, &mut point);
        lines.extend((first..first + count).map(|row| {
            let first = origin + plan.rows.locate(row, &mut point);
            let bias = match &self.bias {
                Bias::Row(operand) => operand.value(operands, &point),
                Bias::None | Bias::Columns(_) => 0,
            };
            let factor = match &self.multiplier {
                Multiplier::Uniform(factor) => *factor,
                Multiplier::Row(operand) => operand.value(operands, &point),
                Multiplier::Columns(_) => 0,
            };
            Line { first, point, bias, factor }
        }));
    }

    /// Stores a tile of sums, one row for each line.
    ///
    /// # Safety
    /// No other thread uses these elements of the output.
    pub(crate) unsafe fn store_tile(
        &self,
        isa: Available,
        sums: Sums<'_>,
        lines: &[Line],
        operands: &[&[u8]],
        output: &Output<'_>,
    ) {
        isa.run(Tile { requantise: self, isa, sums, lines, operands, output });
    }

    pub(super) fn rule(&self) -> Rule {
        Rule::new(self.shift, self.offset, self.low, self.high)
    }

    /// The rule of entries of the table.
    pub(super) fn second_rule(&self) -> Option<Rule> {
        let second = self.second.as_ref()?;
        Some(Rule::new(second.shift, second.offset, second.low, second.high))
    }
}

struct Tile<'a> {
    requantise: &'a Requantise,
    isa: Available,
    sums: Sums<'a>,
    lines: &'a [Line],
    operands: &'a [&'a [u8]],
    output: &'a Output<'a>,
}

impl Job for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { requantise, isa, sums: Sums { values, first, columns }, lines, operands, output } = self;
        let factors = match &requantise.multiplier {
            Multiplier::Columns(factors) => Some(&factors[first..first + columns]),
            Multiplier::Uniform(_) | Multiplier::Row(_) => None,
        };
        let second_factors = requantise.second.as_ref().map(|second| &second.factors[first..first + columns]);
        let strips = values.chunks(TILE_COLUMNS).zip(lines).map(|(sums, line)| {
            // SAFETY: the caller of `store_tile` has these elements to itself.
            let out = unsafe { output.part(line.first + first, columns) };
            let residual = match &requantise.residual {
                Some(residual) => residual.bytes(operands, line, (first, columns)),
                None => &[],
            };
            Strip { sums: &sums[..columns], line, factors, second_factors, residual, out }
        });
        #[cfg(target_arch = "x86_64")]
        if isa.get() == crate::cpu::isa::Isa::Avx512Vnni {
            // SAFETY: the processor has the instruction set, or there would be no such `Available`.
            unsafe { super::epilogue_avx512::store(requantise, strips) };
            return;
        }
        let _ = isa;
        strips.for_each(|strip| store(requantise, strip));
    }
}

impl Operand {
    /// Its value on a row that it stands still along; it is of 32 bits at most.
    fn value(&self, operands: &[&[u8]], point: &Point) -> i32 {
        let mut value = [0i64];
        self.access.load(operands[self.index], point, 0, &mut value);
        value[0] as i32
    }
}

impl Residual {
    /// The bytes of its values on columns `first..first + count`, which are neighbours.
    #[inline(always)]
    fn bytes<'d>(&self, operands: &[&'d [u8]], line: &Line, (first, count): (usize, usize)) -> &'d [u8] {
        let mut point = line.point;
        point[self.axis] = first as u32;
        let Operand { index, access } = &self.operand;
        access.neighbours(operands[*index], &point, self.axis, count).unwrap_or_default()
    }
}

impl Rule {
    fn new(shift: u8, offset: i64, low: i64, high: i64) -> Self {
        let half = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
        Self { half, shift: u32::from(shift), offset, low, high }
    }

    /// What one sum becomes; it lies within the bounds, which fit 32 bits. Nothing wraps, see `Requantise::new`.
    #[inline(always)]
    fn value(self, sum: i32, factor: i32, addend: i64) -> i32 {
        let product = i64::from(sum).wrapping_mul(i64::from(factor)).wrapping_add(addend);
        // floor((x + half) / 2^shift)
        let rounded = product.wrapping_add(self.half).wrapping_shr(self.shift);
        rounded.wrapping_add(self.offset).max(self.low).min(self.high) as i32
    }
}

/// Stores one strip in plain code.
#[inline(always)]
fn store(requantise: &Requantise, strip: Strip<'_>) {
    let Strip { sums, line, factors, second_factors, residual, out } = strip;
    let rule = requantise.rule();
    let mut strip_values = [0i32; TILE_COLUMNS];
    let values = &mut strip_values[..sums.len()];
    let mut addends = [0i64; TILE_COLUMNS];
    if let Some(Residual { operand, factor, .. }) = &requantise.residual {
        let (bytes, factor) = (residual, i64::from(*factor));
        match operand.access.dtype() {
            Dtype::I8 => bytes.iter().zip(&mut addends).for_each(|(x, out)| *out = i64::from(*x as i8) * factor),
            Dtype::U8 => bytes.iter().zip(&mut addends).for_each(|(x, out)| *out = i64::from(*x) * factor),
            _ => {
                let values = bytes.as_chunks::<2>().0.iter().zip(&mut addends);
                values.for_each(|(x, out)| *out = i64::from(i16::from_le_bytes(*x)) * factor);
            }
        }
    }
    match factors {
        Some(factors) => {
            for (((value, sum), factor), addend) in values.iter_mut().zip(sums).zip(factors).zip(&addends) {
                *value = rule.value(sum.wrapping_add(line.bias), *factor, *addend);
            }
        }
        None => {
            for ((value, sum), addend) in values.iter_mut().zip(sums).zip(&addends) {
                *value = rule.value(sum.wrapping_add(line.bias), line.factor, *addend);
            }
        }
    }
    if let Some(table) = &requantise.table {
        let low = requantise.low as i32;
        values.iter_mut().for_each(|value| *value = value.wrapping_sub(low));
        match requantise.second_rule().zip(second_factors) {
            Some((rule, factors)) => {
                table.entries_at(values);
                let entries = values.iter_mut().zip(factors);
                entries.for_each(|(value, factor)| *value = rule.value(*value, *factor, 0));
            }
            None => {
                table.look_up_within(&strip_values, sums.len(), out);
                return;
            }
        }
    }
    match requantise.dtype.bytes() {
        1 => out.iter_mut().zip(values).for_each(|(byte, value)| *byte = *value as u8),
        2 => {
            let out = out.as_chunks_mut::<2>().0.iter_mut();
            out.zip(values).for_each(|(bytes, value)| *bytes = (*value as u16).to_le_bytes());
        }
        _ => {
            let out = out.as_chunks_mut::<4>().0.iter_mut();
            out.zip(values).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
        }
    }
}
