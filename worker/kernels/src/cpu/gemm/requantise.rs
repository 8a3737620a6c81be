//! The epilogue that most layers have: add a bias, multiply, add a residual, round-shift, add, clamp, look up in a table,
//! store. Everything by column is prepared at load; `epilogue` runs it.

use super::plan::Plan;
use super::recognise::{Factor, Recognised, recognise};
use crate::TensorSet;
use crate::cpu::access::{AXES, Access};
use crate::cpu::isa::Available;
use crate::cpu::sweep::Sweep;
use crate::cpu::table::Table;
use referee::graph::{Dtype, OpKind, ResolvedGraph, ResolvedOp, TensorKind};

/// A bias of each sum.
#[derive(Clone, Debug)]
pub(super) enum Bias {
    None,
    Columns(Vec<i32>),
    Row(Operand),
}

/// A factor of each sum.
#[derive(Clone, Debug)]
pub(super) enum Multiplier {
    Uniform(i32),
    Columns(Vec<i32>),
    Row(Operand),
}

/// An operand that is read while the op runs.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) index: usize,
    pub(super) access: Access,
}

/// An operand that moves along the columns, times a number.
#[derive(Clone, Debug)]
pub(super) struct Residual {
    pub(super) operand: Operand,
    pub(super) factor: i32,
    /// The axis that the columns lie along.
    pub(super) axis: usize,
}

/// `clamp(round_shift((sum + bias) * multiplier + residual, shift) + offset, low, high)`, then perhaps a table, stored.
#[derive(Clone, Debug)]
pub(crate) struct Requantise {
    pub(super) bias: Bias,
    pub(super) multiplier: Multiplier,
    pub(super) residual: Option<Residual>,
    pub(super) shift: u8,
    pub(super) offset: i64,
    pub(super) low: i64,
    pub(super) high: i64,
    /// What to store for each value from `low` to `high`.
    pub(super) table: Option<Table>,
    /// What is done to entries of the table before they are stored.
    pub(super) second: Option<Box<Second>>,
    pub(super) dtype: Dtype,
    /// What is shifted, with the offset, fits 32 bits whatever the sums are.
    pub(super) narrow: bool,
}

/// A rule that entries of a table are taken as sums of; its results fit 32 bits before they are bounded.
#[derive(Clone, Debug)]
pub(super) struct Second {
    /// One for each column.
    pub(super) factors: Vec<i32>,
    pub(super) shift: u8,
    pub(super) offset: i64,
    pub(super) low: i64,
    pub(super) high: i64,
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
        let Recognised { first: scaled, table, second } = recognise(graph.programs.get(usize::from(op.program))?)?;
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
                // of 8 or 16 bits, so that with a product of 62 bits nothing wraps, and read in place
                if operand.access.dtype().bytes() > 2
                    || operand.access.stride(sweep.innermost()) != Some(1)
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
            second: None,
            dtype,
            narrow: false,
        };
        requantise.narrow = requantise.is_narrow(sum + greatest_bias);
        if let Some(table) = table {
            let view = op.operands.get(usize::from(table))?;
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
            // what is constant at an end needs one entry
            while requantise.low < requantise.high && entry(requantise.low) == entry(requantise.low + 1) {
                requantise.low += 1;
            }
            while requantise.low < requantise.high && entry(requantise.high) == entry(requantise.high - 1) {
                requantise.high -= 1;
            }
            let entries = (requantise.low..=requantise.high).map(entry);
            let stored = if second.is_some() { view.dtype } else { dtype };
            if let Some(second) = second {
                let Factor::Operand(factor) = second.factor else { return None };
                let factors = by_column(&operand(factor)?)?;
                let (low, high) = (second.low.clamp(low, high), second.high.clamp(low, high));
                let (shift, offset) = (second.shift, second.offset);
                let second = Second { factors, shift, offset, low, high };
                let greatest = entries.clone().map(i64::unsigned_abs).max().unwrap_or(0);
                if second.shift > 61 || !second.is_narrow(greatest) {
                    return None;
                }
                requantise.second = Some(Box::new(second));
            }
            requantise.table = Some(Table::new(entries, stored, isa));
        }
        Some(requantise)
    }

    /// Whether shifted sums, of this magnitude at most, fit 32 bits with the offset.
    fn is_narrow(&self, greatest_sum: i64) -> bool {
        let greatest_factor = match &self.multiplier {
            Multiplier::Uniform(factor) => i128::from(factor.unsigned_abs()),
            Multiplier::Columns(factors) => {
                factors.iter().map(|factor| i128::from(factor.unsigned_abs())).max().unwrap_or(0)
            }
            Multiplier::Row(_) => 1 << 31,
        };
        // of 16 bits at most, see `new`
        let addend = self.residual.as_ref().map_or(0, |residual| i128::from(residual.factor.unsigned_abs()) << 15);
        let shifted = (i128::from(greatest_sum) * greatest_factor + addend) >> self.shift;
        shifted + i128::from(self.offset.unsigned_abs()) < i128::from(i32::MAX)
    }

    /// Bytes that were prepared of params.
    pub(crate) fn prepared_bytes(&self) -> usize {
        let bias = self.bias().map_or(0, |bias| 4 * bias.len());
        let factors = match &self.multiplier {
            Multiplier::Columns(factors) => 4 * factors.len(),
            Multiplier::Uniform(_) | Multiplier::Row(_) => 0,
        };
        let second = self.second.as_ref().map_or(0, |second| 4 * second.factors.len());
        bias + factors + second + self.table.as_ref().map_or(0, Table::bytes)
    }

    /// Whether an operand is read while the op runs.
    pub(crate) fn reads(&self, operand: usize) -> bool {
        let bias = match &self.bias {
            Bias::Row(bias) => Some(bias),
            Bias::None | Bias::Columns(_) => None,
        };
        let factor = match &self.multiplier {
            Multiplier::Row(factor) => Some(factor),
            Multiplier::Uniform(_) | Multiplier::Columns(_) => None,
        };
        let residual = self.residual.as_ref().map(|residual| &residual.operand);
        [bias, factor, residual].into_iter().flatten().any(|read| read.index == operand)
    }

    /// What each column's sum starts as.
    pub(crate) fn bias(&self) -> Option<&[i32]> {
        match &self.bias {
            Bias::Columns(bias) => Some(bias),
            Bias::None | Bias::Row(_) => None,
        }
    }
}

impl Second {
    /// Whether entries of this magnitude at most, scaled, fit 32 bits with the offset.
    fn is_narrow(&self, greatest_entry: u64) -> bool {
        let greatest_factor = self.factors.iter().map(|factor| factor.unsigned_abs()).max().unwrap_or(0);
        let shifted = (u128::from(greatest_entry) * u128::from(greatest_factor)) >> self.shift;
        shifted + u128::from(self.offset.unsigned_abs()) < i32::MAX as u128
    }
}
