//! The epilogue that most layers have, recognised in its bytecode.

use referee::graph::{Instruction, Program, REGISTERS};

/// A factor of each sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Factor {
    Known(i64),
    Operand(u8),
}

/// An operand times a number, added to a scaled sum before it is rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Addend {
    pub(super) operand: u8,
    pub(super) factor: i64,
}

/// `clamp(round_shift((sum + bias) * factor + addend, shift) + offset, low, high)`
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scaled {
    pub(super) bias: Option<u8>,
    pub(super) factor: Factor,
    pub(super) addend: Option<Addend>,
    pub(super) shift: u8,
    pub(super) offset: i64,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// The rule of what a program stores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recognised {
    pub(super) first: Scaled,
    /// The operand of the table that its result is looked up in.
    pub(super) table: Option<u8>,
    /// The rule that an entry of the table is then taken as a sum of; without a bias.
    pub(super) second: Option<Scaled>,
}

/// What a register holds, as far as the pattern goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Unknown,
    Known(i64),
    Operand(u8),
    /// An operand times a number.
    Addend(Addend),
    /// The sum, with the operand that was added.
    Sum(Option<u8>),
    Scaled(Scaled),
    Looked(Scaled, u8),
    /// An entry of a table, scaled again.
    Again(Scaled, u8, Scaled),
}

/// Greatest size of an offset; far from any overflow.
const MAX_OFFSET: i64 = 1 << 32;

/// The rule of what the program's only output stores.
pub(super) fn recognise(program: &Program) -> Option<Recognised> {
    match interpret(&program.code, &program.constants)? {
        Meaning::Looked(first, table) => Some(Recognised { first, table: Some(table), second: None }),
        Meaning::Again(first, table, second) => Some(Recognised { first, table: Some(table), second: Some(second) }),
        other => Some(Recognised { first: other.scaled()?, table: None, second: None }),
    }
}

impl Scaled {
    /// A sum to which nothing has been done but a bias.
    const fn plain(bias: Option<u8>) -> Self {
        let (low, high) = (i64::MIN, i64::MAX);
        Self { bias, factor: Factor::Known(1), addend: None, shift: 0, offset: 0, low, high }
    }

    /// Nothing has been done to the scaled sum yet.
    fn is_exact(&self) -> bool {
        self.shift == 0 && self.offset == 0 && (self.low, self.high) == (i64::MIN, i64::MAX)
    }
}

impl Meaning {
    /// The value as a scaled sum, if it is one.
    fn scaled(self) -> Option<Scaled> {
        match self {
            Self::Sum(bias) => Some(Scaled::plain(bias)),
            Self::Scaled(scaled) => Some(scaled),
            _ => None,
        }
    }

    /// The value as one that can be scaled further: a sum, or an entry of a table.
    fn last(self) -> Option<Scaled> {
        match self {
            Self::Looked(..) => Some(Scaled::plain(None)),
            Self::Again(.., second) => Some(second),
            _ => self.scaled(),
        }
    }

    /// The value with what was done last replaced.
    fn with(self, last: Scaled) -> Self {
        match self {
            Self::Looked(first, table) | Self::Again(first, table, _) => Self::Again(first, table, last),
            _ => Self::Scaled(last),
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
                let shifted = at(a).last().filter(Scaled::is_exact);
                (d, shifted.map_or(Meaning::Unknown, |scaled| at(a).with(Scaled { shift, ..scaled })))
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
        (Meaning::Scaled(_), Meaning::Operand(operand)) => add(a, Meaning::Addend(Addend { operand, factor: 1 })),
        (a, Meaning::Addend(addend)) => {
            let scaled = a.scaled().filter(|scaled| scaled.is_exact() && scaled.addend.is_none())?;
            Some(Meaning::Scaled(Scaled { addend: Some(addend), ..scaled }))
        }
        (a, Meaning::Known(value)) if value.abs() <= MAX_OFFSET => {
            let scaled = a.last()?;
            let offset = scaled.offset + value;
            (offset.abs() <= MAX_OFFSET).then(|| {
                a.with(Scaled {
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
        Meaning::Operand(operand) => match factor {
            Factor::Known(factor) => Some(Meaning::Addend(Addend { operand, factor })),
            Factor::Operand(_) => None,
        },
        Meaning::Sum(_) | Meaning::Looked(..) => Some(a.with(Scaled { factor, ..a.last()? })),
        _ => None,
    }
}

fn bound(a: Meaning, b: Meaning, by: impl Fn(i64, i64) -> i64) -> Meaning {
    let (value, limit) = match (a, b) {
        (value, Meaning::Known(limit)) | (Meaning::Known(limit), value) => (value, limit),
        _ => return Meaning::Unknown,
    };
    match value.last() {
        Some(scaled) => value.with(Scaled { low: by(scaled.low, limit), high: by(scaled.high, limit), ..scaled }),
        None => Meaning::Unknown,
    }
}
