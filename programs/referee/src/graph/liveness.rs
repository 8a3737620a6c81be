//! Which instructions matter, and which registers are still read: for whoever compiles programs.
//!
//! It knows nothing of what instructions compute, so that it serves any form of them that has loops like the bytecode's.

use super::bytecode::{Instruction, Register};
use alloc::vec::Vec;

/// What an instruction does to registers, and to the order of what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Registers that it reads.
    pub reads: [Option<Register>; 3],
    /// The register that it writes; an instruction that writes none is kept whatever it is for, unless it belongs to a
    /// loop that does nothing.
    pub writes: Option<Register>,
    /// What runs next.
    pub flow: Flow,
}

/// What runs after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next instruction.
    Straight,
    /// The next, at least once, up to the loop's end.
    Loop,
    /// The innermost loop once more, or the next.
    End,
    /// The next, or what follows the end of the innermost loop.
    Break,
}

impl From<&Instruction> for Effect {
    fn from(instruction: &Instruction) -> Self {
        let flow = match instruction {
            Instruction::Loop { .. } => Flow::Loop,
            Instruction::End => Flow::End,
            Instruction::BreakIfZero { .. } => Flow::Break,
            _ => Flow::Straight,
        };
        Self { reads: instruction.sources(), writes: instruction.destination(), flow }
    }
}

/// A set of registers; those of the machine, or up to 256 that are yet to be mapped onto them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set([u64; 4]);

impl Set {
    fn place(register: Register) -> (usize, u64) {
        (usize::from(register >> 6), 1 << (register & 63))
    }

    fn insert(&mut self, register: Register) {
        let (word, bit) = Self::place(register);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn remove(&mut self, register: Register) {
        let (word, bit) = Self::place(register);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    fn contains(&self, register: Register) -> bool {
        let (word, bit) = Self::place(register);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn extend(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }
}

/// What is needed of a program, and what is alive in it.
#[derive(Clone, Debug)]
pub struct Liveness {
    needed: Vec<bool>,
    /// What is read from each place on before it is written; one place more than instructions.
    alive: Vec<Set>,
    /// Of each instruction of a loop's frame (`Loop`, `Break`, `End`): the loop's first and last place.
    frames: Vec<Option<(usize, usize)>>,
}

impl Liveness {
    /// Analyses a program whose loops are balanced. `results` are read after it.
    pub fn new(effects: &[Effect], results: &[Register]) -> Self {
        let frames = frames(effects);
        let needed: Vec<bool> =
            effects.iter().map(|effect| effect.writes.is_none() && effect.flow == Flow::Straight).collect();
        let mut end = Set::default();
        results.iter().for_each(|result| end.insert(*result));
        let mut liveness = Self { needed, alive: alloc::vec![end; effects.len() + 1], frames };
        // Nothing that writes is needed until something needed reads it: so what only feeds itself stays out.
        loop {
            liveness.flow(effects, end);
            if !liveness.need_more(effects) {
                return liveness;
            }
        }
    }

    /// Whether anything depends on the instruction.
    pub fn needed(&self, at: usize) -> bool {
        self.needed.get(at).copied().unwrap_or(false)
    }

    /// Whether what the register holds before the instruction may be read, by it or later. Behind the last instruction,
    /// results are.
    pub fn alive(&self, at: usize, register: Register) -> bool {
        self.alive.get(at).is_some_and(|alive| alive.contains(register))
    }

    /// The places of the `Loop` and of the `End` that a `Loop`, `Break` or `End` belongs to.
    pub fn frame(&self, at: usize) -> Option<(usize, usize)> {
        self.frames.get(at).copied().flatten()
    }

    fn at(&self, place: usize) -> Set {
        self.alive.get(place).copied().unwrap_or_default()
    }

    /// What is alive, by what is needed so far. Sets only grow, until no pass adds anything.
    fn flow(&mut self, effects: &[Effect], end: Set) {
        self.alive.fill(Set::default());
        if let Some(last) = self.alive.last_mut() {
            *last = end;
        }
        let mut grows = true;
        while grows {
            grows = false;
            for (at, effect) in effects.iter().enumerate().rev() {
                let mut alive = self.at(at + 1);
                // A write ends what its register held, needed so far or not: if the value is read later, it will be.
                if let Some(register) = effect.writes {
                    alive.remove(register);
                }
                if self.needed(at) {
                    match (effect.flow, self.frame(at)) {
                        (Flow::End, Some((first, _))) => alive.extend(&self.at(first + 1)),
                        (Flow::Break, Some((_, last))) => alive.extend(&self.at(last + 1)),
                        _ => {}
                    }
                    effect.reads.into_iter().flatten().for_each(|register| alive.insert(register));
                }
                if let Some(known) = self.alive.get_mut(at) {
                    grows |= *known != alive;
                    *known = alive;
                }
            }
        }
    }

    /// Needs what writes a register that is alive behind it, and the frames of all loops around what is needed.
    fn need_more(&mut self, effects: &[Effect]) -> bool {
        let before = self.needed.iter().filter(|needed| **needed).count();
        for (at, effect) in effects.iter().enumerate() {
            let wanted = effect.writes.is_some_and(|register| self.at(at + 1).contains(register));
            if let Some(needed) = self.needed.get_mut(at) {
                *needed |= wanted;
            }
        }
        for (at, _) in effects.iter().enumerate() {
            let Some((first, last)) = self.frame(at) else { continue };
            let inside = self.needed.get(first + 1..last).unwrap_or(&[]);
            let used = inside.contains(&true);
            if let Some(needed) = self.needed.get_mut(at) {
                *needed |= used;
            }
        }
        self.needed.iter().filter(|needed| **needed).count() > before
    }
}

fn frames(effects: &[Effect]) -> Vec<Option<(usize, usize)>> {
    let mut frames = alloc::vec![None; effects.len()];
    let mut open: Vec<Vec<usize>> = Vec::new();
    for (at, effect) in effects.iter().enumerate() {
        match effect.flow {
            Flow::Straight => {}
            Flow::Loop => open.push(alloc::vec![at]),
            Flow::Break => open.last_mut().into_iter().for_each(|places| places.push(at)),
            Flow::End => {
                let mut places = open.pop().unwrap_or_default();
                let first = places.first().copied().unwrap_or(at);
                places.push(at);
                for place in places {
                    if let Some(frame) = frames.get_mut(place) {
                        *frame = Some((first, at));
                    }
                }
            }
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;
    use Instruction as I;

    fn of(code: &[I], results: &[Register]) -> Liveness {
        Liveness::new(&code.iter().map(Effect::from).collect::<Vec<_>>(), results)
    }

    fn needed(code: &[I], results: &[Register]) -> Vec<bool> {
        let liveness = of(code, results);
        (0..code.len()).map(|at| liveness.needed(at)).collect()
    }

    #[test]
    fn only_what_stores_and_results_depend_on_is_needed() {
        let code = [
            I::Load { d: 1, operand: 0 },
            I::Load { d: 2, operand: 1 },
            I::Add { d: 1, a: 1, b: 3 },
            I::Load { d: 3, operand: 2 },
            I::Store { output: 0, a: 1 },
            I::Load { d: 1, operand: 3 },
        ];
        assert_eq!(needed(&code, &[]), [true, false, true, false, true, false]);
        assert_eq!(needed(&code, &[3]), [true, false, true, true, true, false]);
    }

    #[test]
    fn what_the_next_turn_or_a_break_reads_is_needed_and_what_feeds_itself_is_not() {
        let code = [
            I::Loop { turns: 3 },
            I::BreakIfZero { a: 2 },
            I::Add { d: 0, a: 0, b: 1 },  // read by the store
            I::Sub { d: 2, a: 2, b: 1 },  // read by BRZ in the next turn
            I::Add { d: 3, a: 3, b: 1 },  // feeds itself alone
            I::Load { d: 4, operand: 0 }, // read in the next turn, by nothing that is needed
            I::Mul { d: 5, a: 4, b: 4 },
            I::End,
            I::Store { output: 0, a: 0 },
        ];
        assert_eq!(needed(&code, &[]), [true, true, true, true, false, false, false, true, true]);
        let liveness = of(&code, &[]);
        let alive = |at: usize| (0..6).filter(|register| liveness.alive(at, *register)).collect::<Vec<_>>();
        assert_eq!([alive(0), alive(2), alive(8), alive(9)], [vec![0, 1, 2], vec![0, 1, 2], vec![0], vec![]]);
        assert_eq!([liveness.frame(1), liveness.frame(7), liveness.frame(2)], [Some((0, 7)), Some((0, 7)), None]);
    }

    #[test]
    fn a_loop_that_does_nothing_is_not_needed_with_all_that_decides_it() {
        let inner = [I::Loop { turns: 3 }, I::BreakIfZero { a: 2 }, I::Sub { d: 2, a: 2, b: 1 }, I::End];
        let code = [&[I::Loop { turns: 2 }][..], &inner, &[I::Add { d: 0, a: 0, b: 1 }, I::End]].concat();
        assert_eq!(needed(&code, &[0]), [true, false, false, false, false, true, true]);
        assert_eq!(needed(&code, &[2]), [true, true, true, true, true, false, true]);
    }

    #[test]
    fn what_a_break_carries_out_of_a_loop_stays_alive() {
        // Register 0 is written after the break: what it held before leaves the loop.
        let code = [
            I::Load { d: 0, operand: 0 },
            I::Loop { turns: 3 },
            I::BreakIfZero { a: 1 },
            I::Load { d: 0, operand: 1 },
            I::End,
        ];
        assert_eq!(needed(&code, &[0]), [true; 5]);
        // Without the break the loop always writes it first.
        let code = [code[0], code[1], code[3], code[4]];
        assert_eq!(needed(&code, &[0]), [false, true, true, true]);
    }
}
