//! Intervals along a program, loops included.

use super::super::MAX_STEPS;
use super::super::bytecode::{Instruction, Program, REGISTERS, Register};
use super::super::resolve::ResolvedOp;
use super::{Interval, transfer};
use alloc::vec::Vec;

/// What each register can hold.
pub(super) type Registers = [Interval; REGISTERS];

/// All registers as a program begins, but for presets.
pub(super) const START: Registers = [Interval::exactly(0); REGISTERS];

pub(super) fn register(registers: &Registers, index: Register) -> Interval {
    registers.get(usize::from(index) % REGISTERS).copied().unwrap_or(Interval::FULL)
}

fn set(registers: &mut Registers, index: Register, value: Interval) {
    if let Some(register) = registers.get_mut(usize::from(index) % REGISTERS) {
        *register = value;
    }
}

/// A loop that is being followed.
struct Followed {
    /// Index of its first instruction.
    first: usize,
    /// Turns left, this one included.
    turns: u16,
    /// What registers could hold as this turn began.
    begun: Registers,
    /// What registers can hold where `BRZ` left.
    left_with: Option<Registers>,
}

impl Followed {
    fn leave(&mut self, mut registers: Registers, zero: Register) {
        set(&mut registers, zero, Interval::exactly(0));
        self.left_with = Some(self.left_with.map_or(registers, |other| hull(&other, &registers)));
    }
}

fn hull(a: &Registers, b: &Registers) -> Registers {
    let mut both = *a;
    for (one, other) in both.iter_mut().zip(b) {
        *one = one.hull(*other);
    }
    both
}

/// A value that is known not to be 0; unless it can only be 0, for then what follows never runs.
fn without_zero(value: Interval) -> Interval {
    match value {
        Interval { low: 0, high: 1.. } => Interval { low: 1, ..value },
        Interval { low: ..=-1, high: 0 } => Interval { high: -1, ..value },
        _ => value,
    }
}

/// The interval of every instruction over all the times that it runs, with the registers that the program starts from;
/// leaves them as the program does.
pub(super) fn analyse(
    program: &Program,
    op: &ResolvedOp,
    registers: &mut Registers,
    mut wrap: impl FnMut(u16),
) -> Vec<Interval> {
    let mut produced: Vec<Option<Interval>> = alloc::vec![None; program.code.len()];
    let mut wrapping = alloc::vec![false; program.code.len()];
    let mut followed: Vec<Followed> = Vec::new();
    let (mut at, mut steps) = (0, 0);
    while let (Some(instruction), Some(produced), Some(wrapping)) =
        (program.code.get(at), produced.get_mut(at), wrapping.get_mut(at))
    {
        steps += 1;
        if steps > MAX_STEPS {
            // No checked graph comes here.
            *registers = [Interval::FULL; REGISTERS];
            (0..program.code.len() as u16).for_each(wrap);
            return alloc::vec![Interval::FULL; program.code.len()];
        }
        let (destination, (value, wraps)) = transfer(instruction, program, op, registers);
        *wrapping |= wraps;
        *produced = Some(produced.map_or(value, |others| others.hull(value)));
        if let Some(d) = destination {
            set(registers, d, value);
        }
        at += 1;
        match *instruction {
            Instruction::Loop { turns } => {
                followed.push(Followed { first: at, turns, begun: *registers, left_with: None });
            }
            Instruction::BreakIfZero { a } => {
                if let Some(innermost) = followed.last_mut().filter(|_| value.contains(0)) {
                    innermost.leave(*registers, a);
                    set(registers, a, without_zero(value));
                }
            }
            Instruction::End => {
                let Some(mut innermost) = followed.pop() else { continue };
                // A turn that begins like the one before does what that did, and so do all that follow.
                if innermost.turns > 1 && innermost.begun != *registers {
                    innermost.turns -= 1;
                    innermost.begun = *registers;
                    at = innermost.first;
                    followed.push(innermost);
                } else if let Some(left_with) = innermost.left_with {
                    *registers = hull(registers, &left_with);
                }
            }
            _ => {}
        }
    }
    (0..).zip(wrapping).filter(|(_, wraps)| *wraps).for_each(|(at, _)| wrap(at));
    produced.into_iter().map(|produced| produced.unwrap_or(Interval::FULL)).collect()
}
