//! One instruction is one word of 32 bits: opcode in the lowest byte, then four register fields of 4 bits (`d`, `a`,
//! `b`, `c`), then one byte for an index or a shift. A `LOOP` has its turns in the upper 16 bits. What an opcode does not
//! use is 0.

use crate::graph::bytecode::{Instruction, REGISTERS, Register};

/// What an instruction that does not fit its fields encodes to; no opcode is `0xff`.
const UNENCODABLE: u32 = u32::MAX;

/// The fields of a word.
#[derive(Clone, Copy)]
struct Fields {
    d: Register,
    a: Register,
    b: Register,
    c: Register,
    immediate: u8,
}

/// The opcode whose turns take the place of `b`, `c` and the immediate.
const LOOP: u8 = 0x30;

const NO_FIELDS: Fields = Fields { d: 0, a: 0, b: 0, c: 0, immediate: 0 };

/// Opcodes and their mnemonics.
const OPCODES: &[(u8, &str)] = &[
    (0x01, "LDC"),
    (0x02, "LDX"),
    (0x03, "LDG"),
    (0x04, "IDX"),
    (0x05, "DIM"),
    (0x10, "ADD"),
    (0x11, "SUB"),
    (0x12, "MUL"),
    (0x13, "AND"),
    (0x14, "OR"),
    (0x15, "XOR"),
    (0x16, "SHL"),
    (0x17, "SHR"),
    (0x18, "SAR"),
    (0x19, "RSHR"),
    (0x1a, "MIN"),
    (0x1b, "MAX"),
    (0x1c, "LT"),
    (0x1d, "LTU"),
    (0x1e, "EQ"),
    (0x1f, "SEL"),
    (0x20, "DIVU"),
    (0x21, "ISQRT"),
    (0x22, "CLZ"),
    (0x30, "LOOP"),
    (0x31, "END"),
    (0x32, "BRZ"),
    (0x40, "ST"),
];

/// Mnemonic of an opcode; `None` if nothing is assigned to it.
pub fn opcode_name(opcode: u8) -> Option<&'static str> {
    OPCODES.iter().find(|(code, _)| *code == opcode).map(|(_, name)| *name)
}

/// The word of an instruction; `0xffff_ffff`, which no decoder accepts, if a register is beyond 15.
pub fn word_of(instruction: Instruction) -> u32 {
    if let Instruction::Loop { turns } = instruction {
        return u32::from(LOOP) | u32::from(turns) << 16;
    }
    let (opcode, fields) = fields_of(instruction);
    let registers = [fields.d, fields.a, fields.b, fields.c];
    if registers.iter().any(|register| usize::from(*register) >= REGISTERS) {
        return UNENCODABLE;
    }
    let [d, a, b, c] = registers.map(u32::from);
    u32::from(opcode) | d << 8 | a << 12 | b << 16 | c << 20 | u32::from(fields.immediate) << 24
}

fn fields_of(instruction: Instruction) -> (u8, Fields) {
    use Instruction as I;
    let binary = |d, a, b| Fields { d, a, b, ..NO_FIELDS };
    let unary = |d, a| Fields { d, a, ..NO_FIELDS };
    let immediate = |d, immediate| Fields { d, immediate, ..NO_FIELDS };
    match instruction {
        I::Constant { d, index } => (0x01, immediate(d, index)),
        I::Load { d, operand } => (0x02, immediate(d, operand)),
        I::Gather { d, operand, a } => (0x03, Fields { d, a, immediate: operand, ..NO_FIELDS }),
        I::Index { d, axis } => (0x04, immediate(d, axis)),
        I::Length { d, axis } => (0x05, immediate(d, axis)),
        I::Add { d, a, b } => (0x10, binary(d, a, b)),
        I::Sub { d, a, b } => (0x11, binary(d, a, b)),
        I::Mul { d, a, b } => (0x12, binary(d, a, b)),
        I::And { d, a, b } => (0x13, binary(d, a, b)),
        I::Or { d, a, b } => (0x14, binary(d, a, b)),
        I::Xor { d, a, b } => (0x15, binary(d, a, b)),
        I::ShiftLeft { d, a, b } => (0x16, binary(d, a, b)),
        I::ShiftRight { d, a, b } => (0x17, binary(d, a, b)),
        I::ShiftArithmetic { d, a, b } => (0x18, binary(d, a, b)),
        I::RoundShift { d, a, shift } => (0x19, Fields { d, a, immediate: shift, ..NO_FIELDS }),
        I::Min { d, a, b } => (0x1a, binary(d, a, b)),
        I::Max { d, a, b } => (0x1b, binary(d, a, b)),
        I::Less { d, a, b } => (0x1c, binary(d, a, b)),
        I::LessUnsigned { d, a, b } => (0x1d, binary(d, a, b)),
        I::Equal { d, a, b } => (0x1e, binary(d, a, b)),
        I::Select { d, c, a, b } => (0x1f, Fields { d, a, b, c, immediate: 0 }),
        I::DivideUnsigned { d, a, b } => (0x20, binary(d, a, b)),
        I::SquareRoot { d, a } => (0x21, unary(d, a)),
        I::LeadingZeros { d, a } => (0x22, unary(d, a)),
        // Its turns are no field: `word_of` puts them in.
        I::Loop { .. } => (LOOP, NO_FIELDS),
        I::End => (0x31, NO_FIELDS),
        I::BreakIfZero { a } => (0x32, Fields { a, ..NO_FIELDS }),
        I::Store { output, a } => (0x40, Fields { a, immediate: output, ..NO_FIELDS }),
    }
}

/// The instruction of a word, or why there is none.
pub(super) fn instruction_of(word: u32) -> Result<Instruction, &'static str> {
    use Instruction as I;
    let field = |shift: u32| (word >> shift & 15) as Register;
    let (d, a, b, c, immediate) = (field(8), field(12), field(16), field(20), (word >> 24) as u8);
    let instruction = match word as u8 {
        0x01 => I::Constant { d, index: immediate },
        0x02 => I::Load { d, operand: immediate },
        0x03 => I::Gather { d, operand: immediate, a },
        0x04 => I::Index { d, axis: immediate },
        0x05 => I::Length { d, axis: immediate },
        0x10 => I::Add { d, a, b },
        0x11 => I::Sub { d, a, b },
        0x12 => I::Mul { d, a, b },
        0x13 => I::And { d, a, b },
        0x14 => I::Or { d, a, b },
        0x15 => I::Xor { d, a, b },
        0x16 => I::ShiftLeft { d, a, b },
        0x17 => I::ShiftRight { d, a, b },
        0x18 => I::ShiftArithmetic { d, a, b },
        0x19 => I::RoundShift { d, a, shift: immediate },
        0x1a => I::Min { d, a, b },
        0x1b => I::Max { d, a, b },
        0x1c => I::Less { d, a, b },
        0x1d => I::LessUnsigned { d, a, b },
        0x1e => I::Equal { d, a, b },
        0x1f => I::Select { d, c, a, b },
        0x20 => I::DivideUnsigned { d, a, b },
        0x21 => I::SquareRoot { d, a },
        0x22 => I::LeadingZeros { d, a },
        LOOP => I::Loop { turns: (word >> 16) as u16 },
        0x31 => I::End,
        0x32 => I::BreakIfZero { a },
        0x40 => I::Store { output: immediate, a },
        _ => return Err("unknown opcode"),
    };
    // What an opcode does not use must be 0: then the word is the one that encodes the instruction.
    if word & !used_bits(word as u8) == 0 { Ok(instruction) } else { Err("unused bits of an instruction are set") }
}

/// The bits of the fields that an opcode uses, its own included.
#[inline]
const fn used_bits(opcode: u8) -> u32 {
    const D: u32 = 0x0000_0fff;
    const A: u32 = 0x0000_f0ff;
    const B: u32 = 0x000f_00ff;
    const C: u32 = 0x00f0_00ff;
    const IMMEDIATE: u32 = 0xff00_00ff;
    match opcode {
        0x01 | 0x02 | 0x04 | 0x05 => D | IMMEDIATE,
        0x03 | 0x19 => D | A | IMMEDIATE,
        0x1f => D | A | B | C,
        0x21 | 0x22 => D | A,
        LOOP => 0xffff_00ff,
        0x31 => 0x0000_00ff,
        0x32 => A,
        0x40 => A | IMMEDIATE,
        _ => D | A | B,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_an_instruction_exactly_if_that_encodes_to_it() {
        let fields = [0u32, 0x100, 0x1000, 0x1_0000, 0x10_0000, 0x0100_0000, 0xffff_ff00];
        for opcode in 0..=u8::MAX {
            for set in 0..1u32 << fields.len() {
                let bits = (0..).zip(&fields).filter(|(bit, _)| set >> bit & 1 == 1);
                let word = bits.fold(u32::from(opcode), |word, (_, field)| word | field);
                if let Ok(instruction) = instruction_of(word) {
                    assert_eq!(word_of(instruction), word);
                }
                // Whatever fields an opcode uses, the word of its instruction decodes.
                if let Ok(instruction) = instruction_of(word & used_bits(opcode)) {
                    assert_eq!(instruction_of(word_of(instruction)), Ok(instruction));
                    assert_eq!(word_of(instruction), word & used_bits(opcode));
                }
            }
        }
    }
}
