//! Values that loops carry from turn to turn: copies into them, and how most of these need no instruction.

use super::registers::rename;
use referee::graph::{Effect, Flow, Instruction, Liveness, Register};

/// The value that an instruction copies, if that is all it does.
pub(super) fn copied(instruction: &Instruction) -> Option<Register> {
    match *instruction {
        Instruction::Or { a, b, .. } if a == b => Some(a),
        _ => None,
    }
}

/// The places of each loop's `Loop` and `End`, in the order of their ends.
pub(super) fn loops(code: &[Instruction]) -> Vec<(usize, usize)> {
    let effects: Vec<Effect> = code.iter().map(Effect::from).collect();
    let liveness = Liveness::new(&effects, &[]);
    let ends = effects.iter().enumerate().filter(|(_, effect)| effect.flow == Flow::End);
    ends.filter_map(|(at, _)| liveness.frame(at)).collect()
}

/// Lets values be computed where they are copied to, wherever nothing can tell.
pub(super) fn join_copies(code: &mut Vec<Instruction>) {
    while let Some((at, from, to)) = joinable(code) {
        code.remove(at);
        for instruction in code.iter_mut() {
            let renamed = |value: Register| if value == from { to } else { value };
            *instruction = rename(instruction, renamed, renamed);
        }
    }
}

/// A copy that can be left out: its place, what it copies, and where to.
fn joinable(code: &[Instruction]) -> Option<(usize, Register, Register)> {
    let loops = loops(code);
    code.iter().enumerate().find_map(|(at, instruction)| {
        let (from, to) = (copied(instruction)?, instruction.destination()?);
        can_join(code, &loops, at, from, to).then_some((at, from, to))
    })
}

fn can_join(code: &[Instruction], loops: &[(usize, usize)], at: usize, from: Register, to: Register) -> bool {
    let around = |at: usize| loops.iter().copied().filter(|(first, last)| *first < at && at < *last).max();
    let mut writes = code.iter().enumerate().filter(|(_, one)| one.destination() == Some(from));
    let (Some((written, _)), None) = (writes.next(), writes.next()) else { return false };
    if from == to || written > at || around(written) != around(at) {
        return false;
    }
    let reads = |instruction: &Instruction, value: Register| instruction.sources().contains(&Some(value));
    // Between the two, what is copied to is not touched, nor does it leave the loop as it was.
    let (between, after) = (&code[written + 1..at], &code[at + 1..]);
    let untouched = between.iter().zip(written + 1..).all(|(one, place)| {
        let leaves = matches!(one, Instruction::BreakIfZero { .. }) && around(place) == around(at);
        !reads(one, to) && one.destination() != Some(to) && !leaves
    });
    untouched && !after.iter().any(|one| reads(one, from))
}

#[cfg(test)]
mod tests {
    use super::super::program::{ProgramBuilder, Value};
    use super::*;
    use referee::graph::{REGISTERS, word_of};

    /// SplitMix64.
    struct Draw(u64);

    impl Draw {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn below(&mut self, bound: usize) -> usize {
            (self.next() % bound as u64) as usize
        }

        fn pick<T: Copy>(&mut self, from: &[T]) -> T {
            from[self.below(from.len())]
        }
    }

    /// Runs code on as many registers as it names; gives what it stores. Inputs are the operands that it loads.
    fn run(code: &[Instruction], constants: &[i64], inputs: &[i64]) -> Vec<i64> {
        use Instruction as I;
        let (mut registers, mut stored) = ([0i64; 256], vec![0; 4]);
        let (mut at, mut left) = (0, Vec::new());
        while let Some(instruction) = code.get(at) {
            let r = |register: Register| registers[usize::from(register)];
            let value = match *instruction {
                I::Constant { index, .. } => constants[usize::from(index)],
                I::Load { operand, .. } => inputs[usize::from(operand)],
                I::Add { a, b, .. } => r(a).wrapping_add(r(b)),
                I::Sub { a, b, .. } => r(a).wrapping_sub(r(b)),
                I::Mul { a, b, .. } => r(a).wrapping_mul(r(b)),
                I::Or { a, b, .. } => r(a) | r(b),
                I::And { a, b, .. } => r(a) & r(b),
                I::Select { c, a, b, .. } => {
                    if r(c) != 0 {
                        r(a)
                    } else {
                        r(b)
                    }
                }
                I::Loop { turns } => {
                    left.push((at, turns));
                    0
                }
                I::End => {
                    let (first, turns) = left.pop().unwrap();
                    if turns > 1 {
                        left.push((first, turns - 1));
                        at = first;
                    }
                    0
                }
                I::BreakIfZero { a } => {
                    if r(a) == 0 {
                        left.pop();
                        let mut depth = 1;
                        while depth > 0 {
                            at += 1;
                            depth += i32::from(matches!(code[at], I::Loop { .. }));
                            depth -= i32::from(matches!(code[at], I::End));
                        }
                    }
                    0
                }
                I::Store { output, a } => {
                    stored[usize::from(output)] = r(a);
                    0
                }
                other => unreachable!("{other:?} is not drawn"),
            };
            if let Some(d) = instruction.destination() {
                registers[usize::from(d)] = value;
            }
            at += 1;
        }
        stored
    }

    /// Some instructions on values that are known here; gives those that they make.
    fn steps(draw: &mut Draw, program: &mut ProgramBuilder, known: &mut Vec<Value>, most: usize) {
        for _ in 0..draw.below(most + 1) {
            let [a, b, c] = std::array::from_fn(|_| draw.pick(known));
            known.push(match draw.below(7) {
                0 => program.constant(draw.pick(&[0, 1, -1, 3, 0xff])),
                1 => program.load(draw.below(3) as u8),
                2 => program.add(a, b),
                3 => program.subtract(a, b),
                4 => program.multiply(a, b),
                5 => program.and(a, b),
                _ => program.select(c, a, b),
            });
        }
    }

    fn body<const N: usize>(
        draw: &mut Draw,
        program: &mut ProgramBuilder,
        carried: [Value; N],
        known: &[Value],
        inner: bool,
    ) -> [Value; N] {
        let mut known = [known, &carried].concat();
        steps(draw, program, &mut known, 3);
        if draw.below(2) == 0 {
            program.leave_if_zero(draw.pick(&known));
        }
        if inner {
            let start = [draw.pick(&known), draw.pick(&known)];
            let turns = draw.pick(&[1, 2, 4]);
            let after = program.repeat(turns, start, |program, carried| body(draw, program, carried, &known, false));
            known.extend(after);
        }
        steps(draw, program, &mut known, 3);
        if draw.below(3) == 0 {
            program.leave_if_zero(draw.pick(&known));
        }
        // Often what was carried, in another order: the copies must not see each other.
        std::array::from_fn(|_| if draw.below(3) == 0 { draw.pick(&carried) } else { draw.pick(&known) })
    }

    #[test]
    fn random_loops_store_the_same_before_and_after_registers_are_found() {
        let (mut compared, mut full, mut copies) = (0, 0, [0usize; 2]);
        for seed in 0..4_000 {
            let mut draw = Draw(seed);
            let mut program = ProgramBuilder::map();
            let mut known = vec![program.load(0)];
            steps(&mut draw, &mut program, &mut known, 5);
            for _ in 0..1 + draw.below(2) {
                let start = [draw.pick(&known), draw.pick(&known), draw.pick(&known)];
                let (turns, inner) = (draw.pick(&[1, 2, 3, 7]), draw.below(2) == 0);
                let after =
                    program.repeat(turns, start, |program, carried| body(&mut draw, program, carried, &known, inner));
                known.extend(after);
                steps(&mut draw, &mut program, &mut known, 2);
            }
            for output in 0..4 {
                program.store(output, draw.pick(&known));
            }
            let (values, constants) = program.drawn();
            let Ok(finished) = program.finish("random") else {
                full += 1;
                continue;
            };
            assert!(finished.code.iter().all(|instruction| word_of(*instruction) != u32::MAX), "16 registers");
            copies[0] += values.iter().filter(|one| copied(one).is_some()).count();
            copies[1] += finished.code.iter().filter(|one| copied(one).is_some()).count();
            for _ in 0..4 {
                let inputs: [i64; 3] = std::array::from_fn(|_| draw.next() as i64 % 4);
                let expected = run(&values, &constants, &inputs);
                assert_eq!(run(&finished.code, &finished.constants, &inputs), expected, "seed {seed}: {values:#?}");
                compared += 1;
            }
        }
        assert!(compared > 10_000 && full < 400, "{compared} compared, {full} with too many values for {REGISTERS}");
        assert!(copies[1] * 2 < copies[0], "{copies:?}: most copies are joined");
    }

    #[test]
    fn a_counting_loop_has_no_copy_in_it() {
        let mut program = ProgramBuilder::map();
        let (zero, one) = (program.constant(0), program.constant(1));
        let limit = program.load(0);
        let [count, left] = program.repeat(100, [zero, limit], |program, [count, left]| {
            program.leave_if_zero(left);
            [program.add(count, one), program.subtract(left, one)]
        });
        program.store(0, count);
        program.store(1, left);
        let code = program.finish("count").unwrap().code;
        let first = code.iter().position(|one| matches!(one, Instruction::Loop { .. })).unwrap();
        let last = code.iter().position(|one| matches!(one, Instruction::End)).unwrap();
        assert_eq!(last - first, 4, "{code:?}");
        assert_eq!(code.len(), 3 + 5 + 2, "{code:?}");
    }

    #[test]
    fn values_of_a_turn_are_not_known_behind_the_loop() {
        let mut program = ProgramBuilder::map();
        let a = program.load(0);
        let mut inside = None;
        let [after] = program.repeat(2, [a], |program, [a]| {
            let doubled = program.add(a, a);
            inside = Some(doubled);
            [doubled]
        });
        let mut leaking = program.clone();
        leaking.store(0, inside.unwrap());
        assert!(matches!(leaking.finish("test"), Err(super::super::BuildError::Foreign { .. })));
        program.store(0, after);
        assert!(program.finish("test").is_ok());
    }
}
