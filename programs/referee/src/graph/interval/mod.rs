//! Interval analysis: between which bounds the value of every instruction lies, whatever the operands hold.
//!
//! The bounds follow from the element types, constants and axis lengths of one op alone, so they hold for every run and
//! for every dispute. Backends use them to choose 32-bit registers; a possible wrap is a lint. They never change what an
//! op computes. A loop is followed turn by turn, until its turns are over or begin alike; no bound is guessed.

mod arithmetic;
mod program;

use super::bytecode::{Instruction, Program, Register};
use super::resolve::{ResolvedGraph, ResolvedOp};
use super::types::OpKind;
use alloc::vec::Vec;
use program::{Registers, START, analyse, register};

/// All values from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Least value.
    pub low: i64,
    /// Greatest value; never below `low`.
    pub high: i64,
}

impl Interval {
    /// Every 64-bit value.
    pub const FULL: Self = Self { low: i64::MIN, high: i64::MAX };

    /// One value.
    pub const fn exactly(value: i64) -> Self {
        Self { low: value, high: value }
    }

    /// Whether a value lies within.
    pub const fn contains(self, value: i64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether every value fits 32 bits, signed.
    pub const fn fits_i32(self) -> bool {
        self.low >= i32::MIN as i64 && self.high <= i32::MAX as i64
    }

    /// Whether every value fits 32 bits, unsigned.
    pub const fn fits_u32(self) -> bool {
        self.low >= 0 && self.high <= u32::MAX as i64
    }

    /// The least interval with all values of both.
    pub fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// Where a value may leave 64 bits and wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrap {
    /// The prologue's instruction with this index.
    Prologue(u16),
    /// The sum of this lane over the reduction axes.
    Sum(u8),
    /// The instruction of the op's program with this index.
    Epilogue(u16),
}

/// Bounds of all values of one op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpIntervals {
    /// What each instruction of the prologue produces; empty without a prologue.
    pub prologue: Vec<Interval>,
    /// What registers 0 and 1 hold as the op's program begins.
    pub presets: [Interval; 2],
    /// What each instruction of the op's program produces, in any turn. For a store: the value before it is saturated; for
    /// `BRZ`: the value that decides; for `LOOP` and `END`: 0.
    pub epilogue: Vec<Interval>,
    /// Where a value may wrap: additions, subtractions, products, left shifts and sums.
    pub wraps: Vec<Wrap>,
}

impl ResolvedGraph {
    /// Bounds of all values of an op of this graph, sound for every content of its operands.
    pub fn intervals(&self, op: &ResolvedOp) -> OpIntervals {
        let mut wraps = Vec::new();
        let no_code = Program::default();
        let program = |index: u16| self.programs.get(usize::from(index)).unwrap_or(&no_code);

        let mut registers = START;
        let prologue = match op.prologue {
            Some(index) => analyse(program(index), op, &mut registers, |at| wraps.push(Wrap::Prologue(at))),
            None => Vec::new(),
        };
        let lanes = [register(&registers, 0), register(&registers, 1)];
        let presets = presets(op, lanes, |lane| wraps.push(Wrap::Sum(lane)));

        let mut registers = START;
        for (register, preset) in registers.iter_mut().zip(presets) {
            *register = preset;
        }
        let epilogue = analyse(program(op.program), op, &mut registers, |at| wraps.push(Wrap::Epilogue(at)));
        OpIntervals { prologue, presets, epilogue, wraps }
    }
}

fn presets(op: &ResolvedOp, lanes: [Interval; 2], mut wrap: impl FnMut(u8)) -> [Interval; 2] {
    let zero = Interval::exactly(0);
    let points = op.reduction_points();
    let mut sum = |lane: u8, value: Interval| match arithmetic::sum(value, points) {
        Some(sum) => sum,
        None => {
            wrap(lane);
            Interval::FULL
        }
    };
    match op.kind {
        OpKind::Map => [zero, zero],
        OpKind::Contract => {
            let range = |operand| op.operands.get(operand).map_or(Interval::FULL, |_| operand_range(op, operand));
            let (product, _) = arithmetic::mul(range(0), range(1));
            let sum = arithmetic::sum(product, points).filter(|sum| sum.fits_i32());
            [sum.unwrap_or(Interval { low: i64::from(i32::MIN), high: i64::from(i32::MAX) }), zero]
        }
        OpKind::Sum => [sum(0, lanes[0]), zero],
        OpKind::SumPair => [sum(0, lanes[0]), sum(1, lanes[1])],
        OpKind::ArgMax | OpKind::ArgMin => [Interval { low: 0, high: i64::from(points.max(1) - 1) }, lanes[0]],
    }
}

/// What a load of this operand can give: any value of its type, and the pad if a coordinate can lie outside.
fn operand_range(op: &ResolvedOp, operand: usize) -> Interval {
    let Some(view) = op.operands.get(operand) else { return Interval::FULL };
    let (low, high) = view.dtype.range();
    let values = Interval { low, high };
    match view.out_of_bounds {
        super::OutOfBounds::Pad(pad) if !view.stays_inside(op) => values.hull(Interval::exactly(i64::from(pad))),
        _ => values,
    }
}

/// The destination of an instruction, if it has one, the interval of its value, and whether it may wrap.
fn transfer(
    instruction: &Instruction,
    program: &Program,
    op: &ResolvedOp,
    registers: &Registers,
) -> (Option<Register>, (Interval, bool)) {
    use Instruction as I;
    use arithmetic as of;
    let r = |index: Register| register(registers, index);
    let safe = |interval: Interval| (interval, false);
    match *instruction {
        I::Constant { d, index } => {
            let value = program.constants.get(usize::from(index));
            (Some(d), safe(value.map_or(Interval::FULL, |value| Interval::exactly(*value))))
        }
        I::Load { d, operand } | I::Gather { d, operand, .. } => (Some(d), safe(operand_range(op, operand.into()))),
        I::Index { d, axis } => {
            let last = op.iteration_length(axis).unwrap_or(1).max(1) - 1;
            (Some(d), safe(Interval { low: 0, high: i64::from(last) }))
        }
        I::Length { d, axis } => (Some(d), safe(Interval::exactly(op.iteration_length(axis).unwrap_or(0).into()))),
        I::Add { d, a, b } => (Some(d), of::add(r(a), r(b))),
        I::Sub { d, a, b } => (Some(d), of::sub(r(a), r(b))),
        I::Mul { d, a, b } => (Some(d), of::mul(r(a), r(b))),
        I::And { d, a, b } => (Some(d), safe(of::and(r(a), r(b)))),
        I::Or { d, a, b } => (Some(d), safe(of::or(r(a), r(b)))),
        I::Xor { d, a, b } => (Some(d), safe(of::xor(r(a), r(b)))),
        I::ShiftLeft { d, a, b } => (Some(d), of::shift_left(r(a), r(b))),
        I::ShiftRight { d, a, b } => (Some(d), safe(of::shift_right(r(a), r(b)))),
        I::ShiftArithmetic { d, a, b } => (Some(d), safe(of::shift_arithmetic(r(a), r(b)))),
        I::RoundShift { d, a, shift } => (Some(d), safe(of::round_shift(r(a), shift))),
        I::Min { d, a, b } => {
            let (a, b) = (r(a), r(b));
            (Some(d), safe(Interval { low: a.low.min(b.low), high: a.high.min(b.high) }))
        }
        I::Max { d, a, b } => {
            let (a, b) = (r(a), r(b));
            (Some(d), safe(Interval { low: a.low.max(b.low), high: a.high.max(b.high) }))
        }
        I::Less { d, a, b } => (Some(d), safe(of::less(r(a), r(b)))),
        I::LessUnsigned { d, a, b } => (Some(d), safe(of::less_unsigned(r(a), r(b)))),
        I::Equal { d, a, b } => (Some(d), safe(of::equal(r(a), r(b)))),
        I::Select { d, c, a, b } => (Some(d), safe(of::select(r(c), r(a), r(b)))),
        I::DivideUnsigned { d, a, b } => (Some(d), safe(of::divide_unsigned(r(a), r(b)))),
        I::SquareRoot { d, a } => (Some(d), safe(of::square_root(r(a)))),
        I::LeadingZeros { d, a } => (Some(d), safe(of::leading_zeros(r(a)))),
        I::Loop { .. } | I::End => (None, safe(Interval::exactly(0))),
        I::BreakIfZero { a } | I::Store { a, .. } => (None, safe(r(a))),
    }
}
