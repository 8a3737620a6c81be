//! The bytecode of prologues, epilogues and maps: straight-line, total, on 16 registers of 64 bits.

use alloc::vec::Vec;

/// Registers of a program; all start at 0 but for those that the op kind presets.
pub const REGISTERS: usize = 16;
/// Most instructions of a program.
pub const MAX_WORDS: usize = 128;
/// Most constants of a program.
pub const MAX_CONSTANTS: usize = 32;

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
    /// Output `output` = `a` saturated to its dtype. Exactly once for each output; never in a prologue.
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
