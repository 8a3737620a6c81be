//! The register machine of programs.

use crate::graph::{Instruction, MAX_LOOP_DEPTH, MAX_OP_OUTPUTS, Program, REGISTERS, Register};
use core::slice::Iter;

/// `floor((value + 2^(shift-1)) / 2^shift)`, half away from minus infinity, without overflow. `shift` is 1..=63.
#[inline]
pub const fn round_shift(value: i64, shift: u8) -> i64 {
    let shift = (shift & 63) as u32;
    (value >> shift) + ((value >> (shift.wrapping_sub(1) & 63)) & 1)
}

/// Unsigned 64-bit division; dividing by zero gives the dividend.
#[inline]
pub const fn divide_unsigned(dividend: i64, divisor: i64) -> i64 {
    if divisor == 0 { dividend } else { ((dividend as u64) / (divisor as u64)) as i64 }
}

/// Floor of the square root of an unsigned 64-bit number.
#[inline]
pub const fn square_root(value: i64) -> i64 {
    (value as u64).isqrt() as i64
}

/// What a program reads from outside its registers.
pub(super) trait Environment {
    type Error;
    /// Value of an operand at the current point; `indirect` is given by `Gather` only.
    fn load(&mut self, operand: u8, indirect: Option<i64>) -> Result<i64, Self::Error>;
    /// Coordinate of an iteration axis.
    fn index(&self, axis: u8) -> u32;
    /// Length of an iteration axis.
    fn length(&self, axis: u8) -> u32;
    /// The instruction is one that the graph's checks refuse.
    fn malformed(&self) -> Self::Error;
}

/// The loops around the instruction that runs, the innermost first. Nothing is allocated, and nothing is done for a program
/// without loops.
#[derive(Default)]
struct Loops<'a>([Option<Turns<'a>>; MAX_LOOP_DEPTH]);

struct Turns<'a> {
    /// What a turn runs, and what comes after it.
    body: Iter<'a, Instruction>,
    /// Turns left, this one included.
    left: u16,
}

impl<'a> Loops<'a> {
    /// Begins a loop; `None` if it has no turns or there are too many around it.
    #[inline]
    fn enter(&mut self, body: Iter<'a, Instruction>, turns: u16) -> Option<()> {
        let [inner, outer] = &mut self.0;
        if turns == 0 || outer.is_some() {
            return None;
        }
        *outer = inner.replace(Turns { body, left: turns });
        Some(())
    }

    /// Ends a turn of the innermost loop: what runs next, if that is another turn of it. `None` without a loop.
    #[inline]
    fn turn(&mut self, behind: Iter<'a, Instruction>) -> Option<Iter<'a, Instruction>> {
        let [inner, outer] = &mut self.0;
        let turns = inner.as_mut()?;
        if turns.left > 1 {
            turns.left -= 1;
            return Some(turns.body.clone());
        }
        *inner = outer.take();
        Some(behind)
    }

    /// Leaves the innermost loop from within: `rest` goes on behind its end. `None` without a loop, or without that end.
    #[inline]
    fn leave(&mut self, rest: &mut Iter<'a, Instruction>) -> Option<()> {
        let [inner, outer] = &mut self.0;
        inner.as_ref()?;
        *inner = outer.take();
        let mut within = 0u32;
        loop {
            match rest.next()? {
                Instruction::Loop { .. } => within += 1,
                Instruction::End if within == 0 => return Some(()),
                Instruction::End => within -= 1,
                _ => {}
            }
        }
    }
}

/// Runs a program on registers that the caller has preset. Stored values are not yet saturated.
pub(super) fn execute<E: Environment>(
    program: &Program,
    registers: &mut [i64; REGISTERS],
    stored: &mut [i64; MAX_OP_OUTPUTS],
    environment: &mut E,
) -> Result<(), E::Error> {
    let mut loops = Loops::default();
    let mut rest = program.code.iter();
    while let Some(instruction) = rest.next() {
        let register = |register: Register| registers.get(usize::from(register)).copied().unwrap_or(0);
        let (d, value) = match *instruction {
            Instruction::Constant { d, index } => {
                (d, *program.constants.get(usize::from(index)).ok_or_else(|| environment.malformed())?)
            }
            Instruction::Load { d, operand } => (d, environment.load(operand, None)?),
            Instruction::Gather { d, operand, a } => (d, environment.load(operand, Some(register(a)))?),
            Instruction::Index { d, axis } => (d, i64::from(environment.index(axis))),
            Instruction::Length { d, axis } => (d, i64::from(environment.length(axis))),
            Instruction::Add { d, a, b } => (d, register(a).wrapping_add(register(b))),
            Instruction::Sub { d, a, b } => (d, register(a).wrapping_sub(register(b))),
            Instruction::Mul { d, a, b } => (d, register(a).wrapping_mul(register(b))),
            Instruction::And { d, a, b } => (d, register(a) & register(b)),
            Instruction::Or { d, a, b } => (d, register(a) | register(b)),
            Instruction::Xor { d, a, b } => (d, register(a) ^ register(b)),
            Instruction::ShiftLeft { d, a, b } => (d, register(a) << (register(b) & 63)),
            Instruction::ShiftRight { d, a, b } => (d, ((register(a) as u64) >> (register(b) & 63)) as i64),
            Instruction::ShiftArithmetic { d, a, b } => (d, register(a) >> (register(b) & 63)),
            Instruction::RoundShift { d, a, shift } => (d, round_shift(register(a), shift)),
            Instruction::Min { d, a, b } => (d, register(a).min(register(b))),
            Instruction::Max { d, a, b } => (d, register(a).max(register(b))),
            Instruction::Less { d, a, b } => (d, i64::from(register(a) < register(b))),
            Instruction::LessUnsigned { d, a, b } => (d, i64::from((register(a) as u64) < (register(b) as u64))),
            Instruction::Equal { d, a, b } => (d, i64::from(register(a) == register(b))),
            Instruction::Select { d, c, a, b } => (d, if register(c) != 0 { register(a) } else { register(b) }),
            Instruction::DivideUnsigned { d, a, b } => (d, divide_unsigned(register(a), register(b))),
            Instruction::SquareRoot { d, a } => (d, square_root(register(a))),
            Instruction::LeadingZeros { d, a } => (d, i64::from(register(a).leading_zeros())),
            Instruction::Loop { turns } => {
                loops.enter(rest.clone(), turns).ok_or_else(|| environment.malformed())?;
                continue;
            }
            Instruction::End => {
                rest = loops.turn(rest).ok_or_else(|| environment.malformed())?;
                continue;
            }
            Instruction::BreakIfZero { a } => {
                if register(a) == 0 {
                    loops.leave(&mut rest).ok_or_else(|| environment.malformed())?;
                }
                continue;
            }
            Instruction::Store { output, a } => {
                let value = register(a);
                *stored.get_mut(usize::from(output)).ok_or_else(|| environment.malformed())? = value;
                continue;
            }
        };
        *registers.get_mut(usize::from(d)).ok_or_else(|| environment.malformed())? = value;
    }
    if loops.0[0].is_some() { Err(environment.malformed()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_shift_is_floor_of_half_up_on_all_64_bits() {
        let values = [i64::MIN, i64::MIN + 1, -3, -2, -1, 0, 1, 2, 3, 5, i64::MAX - 1, i64::MAX];
        for value in values {
            for shift in 1..=63u8 {
                let exact = (i128::from(value) + (1i128 << (shift - 1))) >> shift;
                assert_eq!(i128::from(round_shift(value, shift)), exact, "{value} by {shift}");
            }
        }
    }

    #[test]
    fn division_and_root_are_total_and_unsigned() {
        assert_eq!(divide_unsigned(-7, 0), -7);
        assert_eq!(divide_unsigned(-1, 2), i64::MAX);
        assert_eq!(square_root(-1), 4_294_967_295);
        assert_eq!(square_root(0), 0);
    }
}
