//! Programs that are sums of operands in 32 bits, perhaps looked up in a table and masked: what softmax, activations and
//! residuals are made of, recognised in their steps.

use super::program::{Binary, LaneProgram, Source, Step};
use crate::cpu::access::{Access, Point};
use referee::graph::{Dtype, REGISTERS};

/// Values that are computed at once.
pub(crate) use crate::cpu::table::STRIP;

/// `constant + sum(coefficient * operand)`, which fits 32 bits whatever the operands hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(crate) constant: i32,
    /// Operand and coefficient.
    pub(crate) terms: Vec<(u8, i32)>,
}

/// What a program leaves in a register, as far as it is of these forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Linear(Linear),
    /// The entry of a table, which is an operand.
    Looked(Linear, u8),
    /// The form where an operand is not 0, else a number.
    Masked(Box<Form>, u8, i64),
}

/// The form of a register after the steps; all 16 of them and what the only store stores.
pub(crate) struct Forms {
    registers: [Option<Form>; REGISTERS],
    stored: Option<Form>,
}

impl Forms {
    /// Follows the steps of a program that reads operands as `accesses` say.
    pub(crate) fn of(program: &LaneProgram, accesses: &[Access]) -> Self {
        let zero = Form::Linear(Linear { constant: 0, terms: Vec::new() });
        let mut forms = Self { registers: std::array::from_fn(|_| Some(zero.clone())), stored: None };
        let mut stores = 0;
        for step in &program.steps {
            let (d, form) = match *step {
                Step::Fill { d, value } => (d, constant(value)),
                Step::Load { d, operand } => (d, load(&accesses[usize::from(operand)], operand)),
                Step::Gather { d, operand, a: Source::Register(a) } => {
                    let plain = forms.registers[usize::from(a)].clone();
                    (d, plain.and_then(|form| form.linear()).map(|linear| Form::Looked(linear, operand)))
                }
                Step::Binary { operation, d, a, b } => {
                    let (a, b) = (forms.source(a), forms.source(b));
                    (d, a.zip(b).and_then(|(a, b)| binary(operation, a.linear()?, b.linear()?, accesses)))
                }
                Step::Select { d, c, a, b: Source::Value(other) } => {
                    let mask = forms.registers[usize::from(c)].clone().and_then(Form::linear);
                    let mask = mask.and_then(|mask| match mask.terms[..] {
                        [(operand, 1)] if mask.constant == 0 => Some(operand),
                        _ => None,
                    });
                    let form = forms.source(a).filter(|form| !matches!(form, Form::Masked(..)));
                    (d, mask.zip(form).map(|(mask, form)| Form::Masked(Box::new(form), mask, other)))
                }
                Step::Store { a, .. } => {
                    stores += 1;
                    forms.stored = forms.source(a).filter(|_| stores == 1);
                    continue;
                }
                // what a register holds depends on the turn
                Step::Loop { .. } | Step::End | Step::Break { .. } => {
                    return Self { registers: std::array::from_fn(|_| None), stored: None };
                }
                Step::Gather { d, .. }
                | Step::Index { d, .. }
                | Step::RoundShift { d, .. }
                | Step::Clamp { d, .. }
                | Step::Select { d, .. }
                | Step::SquareRoot { d, .. }
                | Step::LeadingZeros { d, .. } => (d, None),
            };
            forms.registers[usize::from(d)] = form;
        }
        forms
    }

    /// What register 0 holds in the end: the lane of a prologue.
    pub(crate) fn into_lane(self) -> Option<Form> {
        self.registers.into_iter().next()?
    }

    /// What is stored, if there is one store.
    pub(crate) fn into_stored(self) -> Option<Form> {
        self.stored
    }

    fn source(&self, source: Source) -> Option<Form> {
        match source {
            Source::Register(register) => self.registers[usize::from(register)].clone(),
            Source::Value(value) => constant(value),
        }
    }
}

impl Form {
    fn linear(self) -> Option<Linear> {
        match self {
            Self::Linear(linear) => Some(linear),
            Self::Looked(..) | Self::Masked(..) => None,
        }
    }
}

fn constant(value: i64) -> Option<Form> {
    Some(Form::Linear(Linear { constant: i32::try_from(value).ok()?, terms: Vec::new() }))
}

fn load(access: &Access, operand: u8) -> Option<Form> {
    let linear = Linear { constant: 0, terms: vec![(operand, 1)] };
    (!access.is_indirect() && access.is_inside()).then_some(Form::Linear(linear))
}

fn binary(operation: Binary, a: Linear, b: Linear, accesses: &[Access]) -> Option<Form> {
    let linear = match operation {
        Binary::Add => a.plus(b, 1)?,
        Binary::Sub => a.plus(b, -1)?,
        Binary::Mul if b.terms.is_empty() => a.times(b.constant)?,
        Binary::Mul if a.terms.is_empty() => b.times(a.constant)?,
        _ => return None,
    };
    linear.fits(accesses).then_some(Form::Linear(linear))
}

impl Linear {
    fn plus(mut self, other: Self, sign: i32) -> Option<Self> {
        self.constant = self.constant.checked_add(other.constant.checked_mul(sign)?)?;
        for (operand, coefficient) in other.terms {
            let coefficient = coefficient.checked_mul(sign)?;
            match self.terms.iter_mut().find(|term| term.0 == operand) {
                Some(term) => term.1 = term.1.checked_add(coefficient)?,
                None => self.terms.push((operand, coefficient)),
            }
        }
        Some(self)
    }

    fn times(mut self, factor: i32) -> Option<Self> {
        self.constant = self.constant.checked_mul(factor)?;
        for term in &mut self.terms {
            term.1 = term.1.checked_mul(factor)?;
        }
        Some(self)
    }

    /// Whether no sum of its parts can leave 32 bits.
    fn fits(&self, accesses: &[Access]) -> bool {
        let greatest = |operand: u8| match accesses[usize::from(operand)].dtype() {
            Dtype::I8 => 1i64 << 7,
            Dtype::U8 => 255,
            Dtype::I16 => 1 << 15,
            Dtype::I32 => 1 << 31,
        };
        let parts = self.terms.iter().map(|(operand, coefficient)| i64::from(*coefficient).abs() * greatest(*operand));
        self.terms.len() <= MOST_TERMS
            && parts.fold(i64::from(self.constant).abs(), i64::saturating_add) <= i64::from(i32::MAX)
    }

    /// Splits it for a line of `count` points from `point` along `axis`: what stands still is summed, the rest gives rows.
    /// `None` if an operand has neither neighbours nor one value there.
    #[inline(always)]
    pub(crate) fn on_line<'d>(
        &self,
        accesses: &[Access],
        operands: &[&'d [u8]],
        (point, axis, count): (&Point, usize, usize),
    ) -> Option<LineSum<'d>> {
        let mut line = LineSum { constant: self.constant, rows: [(Dtype::I8, &[], 0); MOST_TERMS] };
        for ((operand, coefficient), row) in self.terms.iter().zip(&mut line.rows) {
            let (access, data) = (&accesses[usize::from(*operand)], operands[usize::from(*operand)]);
            if access.stride(axis) == Some(0) {
                let mut value = [0i32];
                access.load(data, point, axis, &mut value);
                line.constant = line.constant.wrapping_add(value[0].wrapping_mul(*coefficient));
            } else {
                *row = (access.dtype(), access.neighbours(data, point, axis, count)?, *coefficient);
            }
        }
        Some(line)
    }
}

/// Most operands of a sum.
const MOST_TERMS: usize = 4;

/// A [`Linear`] on one line of points.
pub(crate) struct LineSum<'d> {
    constant: i32,
    /// Element type, bytes and coefficient of what moves; no bytes where there is nothing.
    rows: [(Dtype, &'d [u8], i32); MOST_TERMS],
}

impl<'d> LineSum<'d> {
    /// The bytes of the one operand that moves, with what is added to it, if it is of this type and counts once.
    #[inline(always)]
    pub(crate) fn one_row(&self, of: Dtype) -> Option<(&'d [u8], i32)> {
        let mut moving = self.rows.iter().filter(|(_, bytes, _)| !bytes.is_empty());
        match (moving.next(), moving.next()) {
            (Some((dtype, bytes, 1)), None) if *dtype == of => Some((bytes, self.constant)),
            _ => None,
        }
    }
}

impl LineSum<'_> {
    /// Its values from point `start` of the line on, `count` of them.
    #[inline(always)]
    pub(crate) fn values(&self, start: usize, count: usize, out: &mut [i32; STRIP]) {
        out.fill(self.constant);
        for (dtype, bytes, coefficient) in self.rows.iter().filter(|(_, bytes, _)| !bytes.is_empty()) {
            let size = dtype.bytes() as usize;
            let bytes = &bytes[start * size..][..count * size];
            match dtype {
                Dtype::I8 => add(out, bytes.iter().map(|byte| i32::from(*byte as i8)), *coefficient),
                Dtype::U8 => add(out, bytes.iter().map(|byte| i32::from(*byte)), *coefficient),
                Dtype::I16 => {
                    let values = bytes.as_chunks::<2>().0.iter();
                    add(out, values.map(|bytes| i32::from(i16::from_le_bytes(*bytes))), *coefficient);
                }
                Dtype::I32 => {
                    let values = bytes.as_chunks::<4>().0.iter();
                    add(out, values.map(|bytes| i32::from_le_bytes(*bytes)), *coefficient);
                }
            }
        }
    }
}

#[inline(always)]
fn add(out: &mut [i32; STRIP], values: impl Iterator<Item = i32>, coefficient: i32) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = out.wrapping_add(value.wrapping_mul(coefficient));
    }
}
