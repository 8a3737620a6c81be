//! The bytecode of prologues, epilogues and maps: total, on 16 registers of 64 bits, straight but for bounded loops.

use alloc::vec::Vec;

/// Registers of a program; all start at 0 but for those that the op kind presets.
pub const REGISTERS: usize = 16;
/// Most instructions of a program.
pub const MAX_WORDS: usize = 128;
/// Most constants of a program.
pub const MAX_CONSTANTS: usize = 32;
/// Most loops around one instruction.
pub const MAX_LOOP_DEPTH: usize = 2;

/// Index of a register, below 16.
pub type Register = u8;

/// One instruction. `d` is the destination, `a`, `b`, `c` are sources.
///
/// Everything is total: arithmetic wraps, shift counts are masked with 63, division by zero gives the dividend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are explained once, above")]
pub enum Instruction {
    /// `d = constants[index]`
    Constant { d: Register, index: u8 },
    /// `d =` operand at the current point; the view has no indirect axis.
    Load { d: Register, operand: u8 },
    /// `d =` operand at the current point with the indirect axis at register `a`, clamped into the shape.
    Gather { d: Register, operand: u8, a: Register },
    /// `d =` coordinate of an iteration axis (output axes first, then reduction axes).
    Index { d: Register, axis: u8 },
    /// `d =` length of an iteration axis.
    Length { d: Register, axis: u8 },
    /// `d = a + b`, wrapping.
    Add { d: Register, a: Register, b: Register },
    /// `d = a - b`, wrapping.
    Sub { d: Register, a: Register, b: Register },
    /// `d = a * b`, wrapping.
    Mul { d: Register, a: Register, b: Register },
    /// `d = a & b`
    And { d: Register, a: Register, b: Register },
    /// `d = a | b`
    Or { d: Register, a: Register, b: Register },
    /// `d = a ^ b`
    Xor { d: Register, a: Register, b: Register },
    /// `d = a << (b & 63)`
    ShiftLeft { d: Register, a: Register, b: Register },
    /// `d = a >> (b & 63)`, logical.
    ShiftRight { d: Register, a: Register, b: Register },
    /// `d = a >> (b & 63)`, arithmetic.
    ShiftArithmetic { d: Register, a: Register, b: Register },
    /// `d = floor((a + 2^(s-1)) / 2^s)` without overflow: `(a sar s) + ((a sar (s-1)) & 1)`; `shift` in 1..=63.
    RoundShift { d: Register, a: Register, shift: u8 },
    /// `d = min(a, b)`, signed.
    Min { d: Register, a: Register, b: Register },
    /// `d = max(a, b)`, signed.
    Max { d: Register, a: Register, b: Register },
    /// `d = a < b`, signed, as 0 or 1.
    Less { d: Register, a: Register, b: Register },
    /// `d = a < b`, unsigned, as 0 or 1.
    LessUnsigned { d: Register, a: Register, b: Register },
    /// `d = a == b`, as 0 or 1.
    Equal { d: Register, a: Register, b: Register },
    /// `d = c != 0 ? a : b`
    Select { d: Register, c: Register, a: Register, b: Register },
    /// `d = a / b`, unsigned 64-bit; `b = 0` gives `a`.
    DivideUnsigned { d: Register, a: Register, b: Register },
    /// `d = floor(sqrt(a))`, unsigned 64-bit.
    SquareRoot { d: Register, a: Register },
    /// `d =` number of leading zeros of the 64 bits of `a`; 64 for 0.
    LeadingZeros { d: Register, a: Register },
    /// Runs what follows, up to its `End`, `turns` times. Registers keep their values from turn to turn.
    Loop { turns: u16 },
    /// Ends the innermost loop: its next turn begins, or it is over.
    End,
    /// If register `a` is 0, goes on behind the `End` of the innermost loop.
    BreakIfZero { a: Register },
    /// Output `output` = `a` saturated to its dtype. Exactly once for each output; never in a prologue or a loop.
    Store { output: u8, a: Register },
}

/// A program with its constants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Program {
    /// At most 32.
    pub constants: Vec<i64>,
    /// At most 128.
    pub code: Vec<Instruction>,
}

impl Instruction {
    /// The register that it writes.
    pub const fn destination(&self) -> Option<Register> {
        use Instruction as I;
        match *self {
            I::Constant { d, .. }
            | I::Load { d, .. }
            | I::Gather { d, .. }
            | I::Index { d, .. }
            | I::Length { d, .. }
            | I::Add { d, .. }
            | I::Sub { d, .. }
            | I::Mul { d, .. }
            | I::And { d, .. }
            | I::Or { d, .. }
            | I::Xor { d, .. }
            | I::ShiftLeft { d, .. }
            | I::ShiftRight { d, .. }
            | I::ShiftArithmetic { d, .. }
            | I::RoundShift { d, .. }
            | I::Min { d, .. }
            | I::Max { d, .. }
            | I::Less { d, .. }
            | I::LessUnsigned { d, .. }
            | I::Equal { d, .. }
            | I::Select { d, .. }
            | I::DivideUnsigned { d, .. }
            | I::SquareRoot { d, .. }
            | I::LeadingZeros { d, .. } => Some(d),
            I::Loop { .. } | I::End | I::BreakIfZero { .. } | I::Store { .. } => None,
        }
    }

    /// The registers that it reads.
    pub const fn sources(&self) -> [Option<Register>; 3] {
        use Instruction as I;
        match *self {
            I::Constant { .. } | I::Load { .. } | I::Index { .. } | I::Length { .. } | I::Loop { .. } | I::End => {
                [None; 3]
            }
            I::Gather { a, .. }
            | I::RoundShift { a, .. }
            | I::SquareRoot { a, .. }
            | I::LeadingZeros { a, .. }
            | I::BreakIfZero { a }
            | I::Store { a, .. } => [Some(a), None, None],
            I::Add { a, b, .. }
            | I::Sub { a, b, .. }
            | I::Mul { a, b, .. }
            | I::And { a, b, .. }
            | I::Or { a, b, .. }
            | I::Xor { a, b, .. }
            | I::ShiftLeft { a, b, .. }
            | I::ShiftRight { a, b, .. }
            | I::ShiftArithmetic { a, b, .. }
            | I::Min { a, b, .. }
            | I::Max { a, b, .. }
            | I::Less { a, b, .. }
            | I::LessUnsigned { a, b, .. }
            | I::Equal { a, b, .. }
            | I::DivideUnsigned { a, b, .. } => [Some(a), Some(b), None],
            I::Select { c, a, b, .. } => [Some(c), Some(a), Some(b)],
        }
    }
}

impl Program {
    /// How often each instruction runs at most: the product of the turns of the loops around it. A `Loop` itself runs
    /// once each time that it is come to, its `End` once a turn.
    pub fn runs(&self) -> Vec<u64> {
        let (mut outside, mut now) = (Vec::new(), 1u64);
        let mut runs = Vec::with_capacity(self.code.len());
        for instruction in &self.code {
            runs.push(now);
            match instruction {
                Instruction::Loop { turns } => {
                    outside.push(now);
                    now = now.saturating_mul(u64::from(*turns));
                }
                Instruction::End => now = outside.pop().unwrap_or(1),
                _ => {}
            }
        }
        runs
    }

    /// Instructions that one run takes at most.
    pub fn steps(&self) -> u64 {
        self.runs().into_iter().fold(0, u64::saturating_add)
    }
}
