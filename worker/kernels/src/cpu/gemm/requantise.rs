//! The epilogue that most layers have: add a bias, multiply, add a residual, round-shift, add, clamp, look up in a table,
//! store. It runs on whole rows of sums with everything by column prepared at load.

use super::plan::Plan;
use super::recognise::{Factor, recognise};
use crate::TensorSet;
use crate::cpu::access::{AXES, Access, Point};
use crate::cpu::isa::{Available, Job};
use crate::cpu::sweep::Sweep;
use crate::cpu::table::{STRIP, Table};
use referee::graph::{Dtype, OpKind, ResolvedGraph, ResolvedOp, TensorKind};

/// A bias of each sum.
#[derive(Clone, Debug)]
enum Bias {
    None,
    Columns(Vec<i32>),
    Row(Operand),
}

/// A factor of each sum.
#[derive(Clone, Debug)]
enum Multiplier {
    Uniform(i32),
    Columns(Vec<i32>),
    Row(Operand),
}

/// An operand that is read while the op runs.
#[derive(Clone, Debug)]
struct Operand {
    index: usize,
    access: Access,
}

/// An operand that moves along the columns, times a number.
#[derive(Clone, Debug)]
struct Residual {
    operand: Operand,
    factor: i32,
    /// The axis that the columns lie along.
    axis: usize,
}

/// `clamp(round_shift((sum + bias) * multiplier + residual, shift) + offset, low, high)`, then perhaps a table, stored.
#[derive(Clone, Debug)]
pub(crate) struct Requantise {
    bias: Bias,
    multiplier: Multiplier,
    residual: Option<Residual>,
    shift: u8,
    offset: i64,
    low: i64,
    high: i64,
    /// What to store for each value from `low` to `high`.
    table: Option<Table>,
    dtype: Dtype,
}

/// One row of sums, or a part of one.
pub(crate) struct Row<'a> {
    pub(crate) sums: &'a [i32],
    /// Column of the first sum.
    pub(crate) first: usize,
    /// The row's point; its column axes are 0.
    pub(crate) point: Point,
    /// Bytes of each operand of the op.
    pub(crate) operands: &'a [&'a [u8]],
    pub(crate) out: &'a mut [u8],
}

/// Greatest number of entries of a table by value.
const MAX_TABLE: i64 = 1 << 16;

impl Requantise {
    /// Recognises the epilogue of a contraction that is planned so.
    pub(crate) fn new(
        graph: &ResolvedGraph,
        op: &ResolvedOp,
        params: &TensorSet,
        plan: &Plan,
        isa: Available,
    ) -> Option<Self> {
        if op.kind != OpKind::Contract || op.outputs.len() != 1 {
            return None;
        }
        let dtype = graph.tensors.get(usize::from(op.outputs[0]))?.dtype;
        let (scaled, table) = recognise(graph.programs.get(usize::from(op.program))?)?;
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let operand = |index: u8| -> Option<Operand> {
            let index = usize::from(index);
            let access = Access::new(op.operands.get(index)?, &lengths);
            (!access.is_indirect()).then_some(Operand { index, access })
        };
        let is_param = |operand: &Operand| {
            let slot = usize::from(operand.access.slot());
            graph.tensors.get(slot).is_some_and(|tensor| tensor.kind == TensorKind::Param)
        };
        let follows = |operand: &Operand, columns: bool| {
            let axes = 0..op.output_dims.len();
            axes.filter(|axis| plan.columns.contains(*axis) == columns)
                .any(|axis| op.output_dims[axis] > 1 && operand.access.follows(axis))
        };
        // a param by column, or what stands still along the columns
        let by_column = |operand: &Operand| -> Option<Vec<i32>> {
            let data = params.get(&operand.access.slot()).filter(|_| is_param(operand) && !follows(operand, false))?;
            let mut value = [0i64];
            let read = |column| {
                let mut point = [0; AXES];
                plan.columns.locate(column, &mut point);
                operand.access.load(data, &point, 0, &mut value);
                i32::try_from(value[0]).ok()
            };
            (0..plan.columns.points()).map(read).collect()
        };
        let mut greatest_bias = 0;
        let bias = match scaled.bias.map(operand) {
            None => Bias::None,
            Some(operand) => {
                let operand = operand?;
                match by_column(&operand) {
                    Some(values) => {
                        greatest_bias = values.iter().map(|bias| i64::from(*bias).abs()).max().unwrap_or(0);
                        Bias::Columns(values)
                    }
                    None if is_param(&operand) && !follows(&operand, true) && operand.access.pads_with_zero() => {
                        let data = params.get(&operand.access.slot())?;
                        let mut value = [0i64];
                        for batch in 0..plan.batches.points() {
                            let mut point = [0; AXES];
                            plan.batches.locate(batch, &mut point);
                            for row in 0..plan.rows.points() {
                                plan.rows.locate(row, &mut point);
                                operand.access.load(data, &point, 0, &mut value);
                                greatest_bias = greatest_bias.max(value[0].abs());
                            }
                        }
                        Bias::Row(operand)
                    }
                    None => return None,
                }
            }
        };
        let multiplier = match scaled.factor {
            Factor::Known(value) => Multiplier::Uniform(i32::try_from(value).ok()?),
            Factor::Operand(index) => {
                let operand = operand(index)?;
                match by_column(&operand) {
                    Some(values) => Multiplier::Columns(values),
                    None if !follows(&operand, true) && operand.access.pads_with_zero() => Multiplier::Row(operand),
                    None => return None,
                }
            }
        };
        let residual = match scaled.addend {
            None => None,
            Some(addend) => {
                let operand = operand(addend.operand)?;
                let sweep = Sweep::new(&plan.columns.axes(), std::slice::from_ref(&operand.access), |_| false);
                // of 8 or 16 bits, so that with a product of 62 bits nothing wraps
                if operand.access.dtype().bytes() > 2
                    || !operand.access.pads_with_zero()
                    || sweep.innermost_length() != plan.columns.points()
                {
                    return None;
                }
                Some(Residual { operand, factor: i32::try_from(addend.factor).ok()?, axis: sweep.innermost() })
            }
        };
        // the sum with its bias must fit 32 bits, the rounded product 64
        let greatest = |operand: usize| match op.operands[operand].dtype {
            Dtype::U8 => 255i64,
            _ => 128,
        };
        let sum = i64::from(op.reduction_points()) * greatest(0) * greatest(1);
        if sum + greatest_bias > i64::from(i32::MAX) || scaled.shift > 61 + u8::from(residual.is_none()) {
            return None;
        }
        let (low, high) = dtype.range();
        let mut requantise = Self {
            bias,
            multiplier,
            residual,
            shift: scaled.shift,
            offset: scaled.offset,
            low: scaled.low.clamp(low, high),
            high: scaled.high.clamp(low, high),
            table: None,
            dtype,
        };
        if let Some(operand) = table {
            let view = op.operands.get(usize::from(operand))?;
            let access = Access::new(view, &lengths);
            let last = access.table_length()? as i64 - 1;
            let data = params.get(&view.slot)?;
            if !access.pads_with_zero() {
                return None;
            }
            requantise.low = scaled.low.clamp(0, last);
            requantise.high = scaled.high.clamp(0, last);
            if requantise.high - requantise.low >= MAX_TABLE {
                return None;
            }
            let entry = |index: i64| view.dtype.read(data, index as usize).unwrap_or(0);
            requantise.table = Some(Table::new((requantise.low..=requantise.high).map(entry), dtype, isa));
        }
        Some(requantise)
    }

    /// What each column's sum starts as.
    pub(crate) fn bias(&self) -> Option<&[i32]> {
        match &self.bias {
            Bias::Columns(bias) => Some(bias),
            Bias::None | Bias::Row(_) => None,
        }
    }

    /// Stores the sums of one row.
    pub(crate) fn run(&self, isa: Available, row: Row<'_>) {
        isa.run(Run { requantise: self, row });
    }
}

struct Run<'a> {
    requantise: &'a Requantise,
    row: Row<'a>,
}

impl Job for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { requantise, row } = self;
        if requantise.is_plain() {
            for (bytes, sum) in row.out.as_chunks_mut::<4>().0.iter_mut().zip(row.sums) {
                *bytes = sum.to_le_bytes();
            }
            return;
        }
        let size = requantise.dtype.bytes() as usize;
        let rule = requantise.rule();
        let bias = match &requantise.bias {
            Bias::Row(operand) => operand.value(&row),
            Bias::None | Bias::Columns(_) => 0,
        };
        let (uniform, by_column) = match &requantise.multiplier {
            Multiplier::Uniform(factor) => (*factor, None),
            Multiplier::Row(operand) => (operand.value(&row), None),
            Multiplier::Columns(factors) => (0, Some(&factors[row.first..][..row.sums.len()])),
        };
        // columns whose values are computed before they are stored: a few vector registers
        let mut strip_values = [0i32; STRIP];
        let mut addends = [0i64; STRIP];
        for (strip, sums) in row.sums.chunks(STRIP).enumerate() {
            let values = &mut strip_values[..sums.len()];
            let first = strip * STRIP;
            if let Some(residual) = &requantise.residual {
                residual.load(&row, first, &mut addends[..sums.len()]);
                let factors = by_column.map(|factors| &factors[first..][..sums.len()]);
                match factors {
                    Some(factors) => {
                        let pairs = values.iter_mut().zip(sums).zip(factors).zip(&addends);
                        for (((value, sum), factor), addend) in pairs {
                            *value = rule.value(sum.wrapping_add(bias), *factor, *addend);
                        }
                    }
                    None => {
                        for ((value, sum), addend) in values.iter_mut().zip(sums).zip(&addends) {
                            *value = rule.value(sum.wrapping_add(bias), uniform, *addend);
                        }
                    }
                }
            } else if let Some(factors) = by_column {
                let factors = &factors[first..][..sums.len()];
                for ((value, sum), factor) in values.iter_mut().zip(sums).zip(factors) {
                    *value = rule.value(sum.wrapping_add(bias), *factor, 0);
                }
            } else {
                for (value, sum) in values.iter_mut().zip(sums) {
                    *value = rule.value(sum.wrapping_add(bias), uniform, 0);
                }
            }
            let out = &mut row.out[first * size..][..sums.len() * size];
            match &requantise.table {
                Some(table) => {
                    let low = requantise.low as i32;
                    values.iter_mut().for_each(|value| *value = value.wrapping_sub(low));
                    table.look_up(&mut strip_values, sums.len(), out);
                }
                None => requantise.store(values, out),
            }
        }
    }
}

impl Operand {
    /// Its value on a row that it stands still along; it is of 32 bits at most.
    #[inline(always)]
    fn value(&self, row: &Row<'_>) -> i32 {
        let mut value = [0i64];
        self.access.load(row.operands[self.index], &row.point, 0, &mut value);
        value[0] as i32
    }
}

impl Residual {
    /// Its values from column `row.first + first` on, times the factor.
    #[inline(always)]
    fn load(&self, row: &Row<'_>, first: usize, out: &mut [i64]) {
        let mut point = row.point;
        point[self.axis] = (row.first + first) as u32;
        self.operand.access.load(row.operands[self.operand.index], &point, self.axis, out);
        for value in out {
            *value = value.wrapping_mul(i64::from(self.factor));
        }
    }
}

/// The numbers of a requantisation, by value, so that loops keep them in registers.
#[derive(Clone, Copy)]
struct Rule {
    half: i64,
    shift: u32,
    offset: i64,
    low: i64,
    high: i64,
}

impl Rule {
    /// What one sum becomes; it lies within the bounds, which fit 32 bits. Nothing wraps, see `Requantise::new`.
    #[inline(always)]
    fn value(self, sum: i32, factor: i32, addend: i64) -> i32 {
        let product = i64::from(sum).wrapping_mul(i64::from(factor)).wrapping_add(addend);
        // floor((x + half) / 2^shift)
        let rounded = product.wrapping_add(self.half).wrapping_shr(self.shift);
        rounded.wrapping_add(self.offset).max(self.low).min(self.high) as i32
    }
}

impl Requantise {
    /// The sum itself, in 32 bits.
    fn is_plain(&self) -> bool {
        let whole = (self.low, self.high) == Dtype::I32.range() && self.dtype == Dtype::I32;
        let once = matches!(self.multiplier, Multiplier::Uniform(1));
        let alone = self.residual.is_none() && !matches!(self.bias, Bias::Row(_)) && self.table.is_none();
        whole && once && alone && self.shift == 0 && self.offset == 0
    }

    fn rule(&self) -> Rule {
        let shift = u32::from(self.shift);
        let half = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
        Rule { half, shift, offset: self.offset, low: self.low, high: self.high }
    }

    #[inline(always)]
    fn store(&self, values: &[i32], out: &mut [u8]) {
        match self.dtype.bytes() {
            1 => {
                for (byte, value) in out.iter_mut().zip(values) {
                    *byte = *value as u8;
                }
            }
            2 => {
                for (bytes, value) in out.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                    *bytes = (*value as u16).to_le_bytes();
                }
            }
            _ => {
                for (bytes, value) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                    *bytes = value.to_le_bytes();
                }
            }
        }
    }
}
