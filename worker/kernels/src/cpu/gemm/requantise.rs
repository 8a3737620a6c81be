//! The epilogue that most layers have, recognised in their bytecode: add a bias, multiply, round-shift, add, clamp,
//! look up in a table, store. It runs on whole rows of sums with everything by column prepared at load.

use crate::TensorSet;
use crate::cpu::access::{AXES, Access};
use crate::cpu::isa::{Available, Job};
use referee::graph::{Dtype, Instruction, OpKind, REGISTERS, ResolvedGraph, ResolvedOp, TensorKind};

/// A factor of each sum.
#[derive(Clone, Debug)]
enum Multiplier {
    Uniform(i32),
    Columns(Vec<i32>),
}

/// `clamp(round_shift((sum + bias) * multiplier, shift) + offset, low, high)`, then perhaps a table, stored.
#[derive(Clone, Debug)]
pub(crate) struct Requantise {
    bias: Option<Vec<i32>>,
    multiplier: Multiplier,
    shift: u8,
    offset: i64,
    low: i64,
    high: i64,
    /// Bytes to store for each value from `low` to `high`.
    table: Option<Vec<u8>>,
    dtype: Dtype,
}

/// What a register holds, as far as the pattern goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Unknown,
    Known(i64),
    Operand(u8),
    /// The sum, with the operand that was added.
    Sum(Option<u8>),
    Scaled(Scaled),
    Looked(Scaled, u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Factor {
    Known(i64),
    Operand(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Scaled {
    bias: Option<u8>,
    factor: Factor,
    shift: u8,
    offset: i64,
    low: i64,
    high: i64,
}

/// Greatest size of an offset; far from any overflow.
const MAX_OFFSET: i64 = 1 << 32;
/// Greatest number of entries of a table by value.
const MAX_TABLE: i64 = 1 << 16;

impl Requantise {
    /// Recognises the epilogue of a contraction whose columns are given by `columns` (their points in order).
    pub(crate) fn new(
        graph: &ResolvedGraph,
        op: &ResolvedOp,
        params: &TensorSet,
        columns: &[[u32; AXES]],
        is_column_axis: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        if op.kind != OpKind::Contract || op.outputs.len() != 1 {
            return None;
        }
        let program = graph.programs.get(usize::from(op.program))?;
        let dtype = graph.tensors.get(usize::from(op.outputs[0]))?.dtype;
        let stored = interpret(&program.code, &program.constants)?;
        let (scaled, table) = match stored {
            Meaning::Looked(scaled, table) => (scaled, Some(table)),
            other => (other.scaled()?, None),
        };

        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let by_column = |operand: u8| -> Option<Vec<i32>> {
            let view = op.operands.get(usize::from(operand))?;
            let tensor = graph.tensors.get(usize::from(view.slot))?;
            let access = Access::new(view, &lengths);
            let fixed = (0..op.output_dims.len()).all(|axis| is_column_axis(axis) || !access.follows(axis));
            if tensor.kind != TensorKind::Param || !fixed || access.is_indirect() {
                return None;
            }
            let data = params.get(&view.slot)?;
            let mut value = [0i64];
            columns
                .iter()
                .map(|point| {
                    access.load(data, point, 0, &mut value);
                    i32::try_from(value[0]).ok()
                })
                .collect()
        };
        let bias = match scaled.bias {
            Some(operand) => Some(by_column(operand)?),
            None => None,
        };
        let multiplier = match scaled.factor {
            Factor::Known(value) => Multiplier::Uniform(i32::try_from(value).ok()?),
            Factor::Operand(operand) => Multiplier::Columns(by_column(operand)?),
        };
        // the sum with its bias must fit 32 bits, the rounded product 64
        let greatest = |operand: usize| match op.operands[operand].dtype {
            Dtype::U8 => 255i64,
            _ => 128,
        };
        let sum = i64::from(op.reduction_points()) * greatest(0) * greatest(1);
        let most = bias.iter().flatten().map(|bias| i64::from(*bias).abs()).max().unwrap_or(0);
        if sum + most > i64::from(i32::MAX) || scaled.shift > 62 {
            return None;
        }
        let (low, high) = dtype.range();
        let mut requantise = Self {
            bias,
            multiplier,
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
            let size = dtype.bytes() as usize;
            let entry = |index: i64| {
                let value = view.dtype.read(data, index as usize).unwrap_or(0);
                dtype.saturate(value).to_le_bytes().into_iter().take(size)
            };
            requantise.table = Some((requantise.low..=requantise.high).flat_map(entry).collect());
        }
        Some(requantise)
    }

    /// What each column's sum starts as.
    pub(crate) fn bias(&self) -> Option<&[i32]> {
        self.bias.as_deref()
    }

    /// Stores the sums of one row, `first` being the column of the first.
    pub(crate) fn run(&self, isa: Available, sums: &[i32], first: usize, out: &mut [u8]) {
        isa.run(Run { requantise: self, sums, first, out });
    }
}

struct Run<'a> {
    requantise: &'a Requantise,
    sums: &'a [i32],
    first: usize,
    out: &'a mut [u8],
}

/// Columns whose values are computed before they are stored: a few vector registers.
const STRIP: usize = 64;

impl Job for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let requantise = self.requantise;
        if requantise.is_plain() {
            for (bytes, sum) in self.out.as_chunks_mut::<4>().0.iter_mut().zip(self.sums) {
                *bytes = sum.to_le_bytes();
            }
            return;
        }
        let size = requantise.dtype.bytes() as usize;
        let rule = requantise.rule();
        let mut values = [0i32; STRIP];
        for (strip, sums) in self.sums.chunks(STRIP).enumerate() {
            let values = &mut values[..sums.len()];
            let first = strip * STRIP;
            match &requantise.multiplier {
                Multiplier::Uniform(factor) => {
                    for (value, sum) in values.iter_mut().zip(sums) {
                        *value = rule.value(*sum, *factor);
                    }
                }
                Multiplier::Columns(factors) => {
                    let factors = &factors[self.first + first..][..sums.len()];
                    for ((value, sum), factor) in values.iter_mut().zip(sums).zip(factors) {
                        *value = rule.value(*sum, *factor);
                    }
                }
            }
            requantise.store(values, &mut self.out[first * size..][..sums.len() * size]);
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
    fn value(self, sum: i32, factor: i32) -> i32 {
        let product = i64::from(sum).wrapping_mul(i64::from(factor));
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
        whole && once && self.shift == 0 && self.offset == 0 && self.table.is_none()
    }

    fn rule(&self) -> Rule {
        let shift = u32::from(self.shift);
        let half = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
        Rule { half, shift, offset: self.offset, low: self.low, high: self.high }
    }

    #[inline(always)]
    fn store(&self, values: &[i32], out: &mut [u8]) {
        match (&self.table, self.dtype.bytes()) {
            (Some(table), 1) => self.look_up::<1>(table, values, out),
            (Some(table), 2) => self.look_up::<2>(table, values, out),
            (Some(table), _) => self.look_up::<4>(table, values, out),
            (None, 1) => {
                for (byte, value) in out.iter_mut().zip(values) {
                    *byte = *value as u8;
                }
            }
            (None, 2) => {
                for (bytes, value) in out.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                    *bytes = (*value as u16).to_le_bytes();
                }
            }
            (None, _) => {
                for (bytes, value) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                    *bytes = value.to_le_bytes();
                }
            }
        }
    }

    #[inline(always)]
    fn look_up<const BYTES: usize>(&self, table: &[u8], values: &[i32], out: &mut [u8]) {
        let (table, low) = (table.as_chunks::<BYTES>().0, self.low as i32);
        for (bytes, value) in out.as_chunks_mut::<BYTES>().0.iter_mut().zip(values) {
            *bytes = table[value.wrapping_sub(low) as usize];
        }
    }
}

impl Meaning {
    /// The value as a scaled sum, if it is one.
    fn scaled(self) -> Option<Scaled> {
        match self {
            Self::Sum(bias) => {
                Some(Scaled { bias, factor: Factor::Known(1), shift: 0, offset: 0, low: i64::MIN, high: i64::MAX })
            }
            Self::Scaled(scaled) => Some(scaled),
            _ => None,
        }
    }
}

/// Runs the program on meanings; gives what the only output stores.
fn interpret(code: &[Instruction], constants: &[i64]) -> Option<Meaning> {
    let mut registers = [Meaning::Known(0); REGISTERS];
    registers[0] = Meaning::Sum(None);
    let mut stored = None;
    for instruction in code {
        let at = |register: u8| registers[usize::from(register)];
        let (d, meaning) = match *instruction {
            Instruction::Constant { d, index } => (d, Meaning::Known(*constants.get(usize::from(index))?)),
            Instruction::Load { d, operand } => (d, Meaning::Operand(operand)),
            Instruction::Gather { d, operand, a } => {
                (d, at(a).scaled().map_or(Meaning::Unknown, |scaled| Meaning::Looked(scaled, operand)))
            }
            Instruction::Add { d, a, b } => {
                (d, add(at(a), at(b)).or_else(|| add(at(b), at(a))).unwrap_or(Meaning::Unknown))
            }
            Instruction::Sub { d, a, b } => {
                let negative = match at(b) {
                    Meaning::Known(value) => value.checked_neg().map(Meaning::Known),
                    _ => None,
                };
                (d, negative.and_then(|b| add(at(a), b)).unwrap_or(Meaning::Unknown))
            }
            Instruction::Mul { d, a, b } => {
                (d, multiply(at(a), at(b)).or_else(|| multiply(at(b), at(a))).unwrap_or(Meaning::Unknown))
            }
            Instruction::RoundShift { d, a, shift } => {
                let shifted = at(a).scaled().filter(|scaled| {
                    scaled.shift == 0 && scaled.offset == 0 && (scaled.low, scaled.high) == (i64::MIN, i64::MAX)
                });
                (d, shifted.map_or(Meaning::Unknown, |scaled| Meaning::Scaled(Scaled { shift, ..scaled })))
            }
            Instruction::Max { d, a, b } => (d, bound(at(a), at(b), i64::max)),
            Instruction::Min { d, a, b } => (d, bound(at(a), at(b), i64::min)),
            Instruction::Store { a, .. } => {
                stored = Some(at(a));
                continue;
            }
            // No contraction has loops.
            Instruction::Loop { .. } | Instruction::End | Instruction::BreakIfZero { .. } => return None,
            Instruction::Index { d, .. }
            | Instruction::Length { d, .. }
            | Instruction::And { d, .. }
            | Instruction::Or { d, .. }
            | Instruction::Xor { d, .. }
            | Instruction::ShiftLeft { d, .. }
            | Instruction::ShiftRight { d, .. }
            | Instruction::ShiftArithmetic { d, .. }
            | Instruction::Less { d, .. }
            | Instruction::LessUnsigned { d, .. }
            | Instruction::Equal { d, .. }
            | Instruction::Select { d, .. }
            | Instruction::DivideUnsigned { d, .. }
            | Instruction::SquareRoot { d, .. }
            | Instruction::LeadingZeros { d, .. } => (d, Meaning::Unknown),
        };
        registers[usize::from(d)] = meaning;
    }
    stored
}

fn add(a: Meaning, b: Meaning) -> Option<Meaning> {
    match (a, b) {
        (Meaning::Sum(None), Meaning::Operand(bias)) => Some(Meaning::Sum(Some(bias))),
        (a, Meaning::Known(value)) if value.abs() <= MAX_OFFSET => {
            let scaled = a.scaled()?;
            let offset = scaled.offset + value;
            (offset.abs() <= MAX_OFFSET).then(|| {
                Meaning::Scaled(Scaled {
                    offset,
                    low: scaled.low.saturating_add(value),
                    high: scaled.high.saturating_add(value),
                    ..scaled
                })
            })
        }
        _ => None,
    }
}

fn multiply(a: Meaning, b: Meaning) -> Option<Meaning> {
    let factor = match b {
        Meaning::Known(value) => Factor::Known(value),
        Meaning::Operand(operand) => Factor::Operand(operand),
        _ => return None,
    };
    match a {
        Meaning::Sum(_) => Some(Meaning::Scaled(Scaled { factor, ..a.scaled()? })),
        _ => None,
    }
}

fn bound(a: Meaning, b: Meaning, by: impl Fn(i64, i64) -> i64) -> Meaning {
    let (value, limit) = match (a, b) {
        (value, Meaning::Known(limit)) | (Meaning::Known(limit), value) => (value, limit),
        _ => return Meaning::Unknown,
    };
    match value.scaled() {
        Some(scaled) => Meaning::Scaled(Scaled { low: by(scaled.low, limit), high: by(scaled.high, limit), ..scaled }),
        None => Meaning::Unknown,
    }
}
