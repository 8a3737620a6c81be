//! Bytecode prepared for lanes: constants are folded into the instructions that use them, dead code is dropped.

use referee::graph::{Effect, Flow, Instruction, Liveness, Program, REGISTERS, Register};
use referee::semantics::{divide_unsigned, round_shift, square_root};

/// A source: one value a lane, or one value for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Register(Register),
    Value(i64),
}

/// Instructions of two sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    ShiftArithmetic,
    Min,
    Max,
    Less,
    LessUnsigned,
    Equal,
    DivideUnsigned,
}

/// One step on all lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Fill {
        d: Register,
        value: i64,
    },
    Load {
        d: Register,
        operand: u8,
    },
    Gather {
        d: Register,
        operand: u8,
        a: Source,
    },
    Index {
        d: Register,
        axis: u8,
    },
    Binary {
        operation: Binary,
        d: Register,
        a: Source,
        b: Source,
    },
    RoundShift {
        d: Register,
        a: Register,
        shift: u8,
    },
    Clamp {
        d: Register,
        a: Register,
        low: i64,
        high: i64,
    },
    Select {
        d: Register,
        c: Register,
        a: Source,
        b: Source,
    },
    SquareRoot {
        d: Register,
        a: Register,
    },
    LeadingZeros {
        d: Register,
        a: Register,
    },
    Store {
        output: u8,
        a: Source,
    },
    /// Runs up to step `last`, its end, so many times.
    Loop {
        turns: u16,
        last: usize,
    },
    End,
    /// Lanes on which `a` is 0 wait for step `last`, the end of the innermost loop, to be over.
    Break {
        a: Source,
        last: usize,
    },
}

/// A program prepared for lanes.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneProgram {
    pub(crate) steps: Vec<Step>,
}

impl Binary {
    /// The value of the instruction; the definition is in `referee::semantics`.
    #[inline(always)]
    pub(crate) fn apply(self, a: i64, b: i64) -> i64 {
        match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::Mul => a.wrapping_mul(b),
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::ShiftLeft => a << (b & 63),
            Self::ShiftRight => ((a as u64) >> (b & 63)) as i64,
            Self::ShiftArithmetic => a >> (b & 63),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Less => i64::from(a < b),
            Self::LessUnsigned => i64::from((a as u64) < (b as u64)),
            Self::Equal => i64::from(a == b),
            Self::DivideUnsigned => divide_unsigned(a, b),
        }
    }
}

impl LaneProgram {
    /// Prepares `program`. Registers below `presets` are set before it runs, all others are 0; registers below
    /// `results` are read after it. `lengths` are those of the iteration axes.
    pub(crate) fn new(program: &Program, lengths: &[u32], presets: usize, results: usize) -> Self {
        let mut known: [Option<i64>; REGISTERS] = std::array::from_fn(|register| (register >= presets).then_some(0));
        let mut steps = Vec::new();
        let mut loops: Vec<Vec<Register>> = Vec::new();
        for (at, instruction) in program.code.iter().enumerate() {
            match instruction {
                Instruction::Loop { .. } => {
                    // A turn may begin with what the turn before wrote: no such register is known.
                    let written = written_in_loop(&program.code[at + 1..]);
                    for register in &written {
                        if let Some(value) = known[usize::from(*register)].take() {
                            steps.push(Step::Fill { d: *register, value });
                        }
                    }
                    loops.push(written);
                }
                Instruction::End => {
                    for register in loops.pop().unwrap_or_default() {
                        known[usize::from(register)] = None;
                    }
                }
                _ => {}
            }
            let step = prepare(*instruction, &program.constants, lengths, &known);
            match step {
                Prepared::Known(d, value) => {
                    // In a loop, the register is also read by the next turn and by what follows.
                    if !loops.is_empty() {
                        steps.push(Step::Fill { d, value });
                    }
                    known[usize::from(d)] = Some(value);
                }
                Prepared::Nothing => {}
                Prepared::Step(step) => {
                    if let Some(d) = step.destination() {
                        known[usize::from(d)] = None;
                    }
                    steps.push(step);
                }
            }
        }
        for (register, value) in known.into_iter().enumerate().take(results) {
            if let Some(value) = value {
                steps.push(Step::Fill { d: register as Register, value });
            }
        }
        drop_dead(&mut steps, results);
        fuse_clamps(&mut steps);
        link_loops(&mut steps);
        Self { steps }
    }

    /// Steps that run at most for each lane, those in loops once a turn.
    pub(crate) fn work(&self) -> usize {
        let (mut outside, mut now, mut work) = (Vec::new(), 1usize, 0usize);
        for step in &self.steps {
            work = work.saturating_add(now);
            match step {
                Step::Loop { turns, .. } => {
                    outside.push(now);
                    now = now.saturating_mul(usize::from(*turns));
                }
                Step::End => now = outside.pop().unwrap_or(1),
                _ => {}
            }
        }
        work
    }

    /// The sum's summand of a contraction: operand 0 times operand 1, in register 0.
    pub(crate) fn product() -> Self {
        let operation = Binary::Mul;
        Self {
            steps: vec![
                Step::Load { d: 0, operand: 0 },
                Step::Load { d: 1, operand: 1 },
                Step::Binary { operation, d: 0, a: Source::Register(0), b: Source::Register(1) },
            ],
        }
    }

    /// Whether a coordinate on the axis is read.
    pub(crate) fn reads_coordinate(&self, of: usize) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Index { axis, .. } if usize::from(*axis) == of))
    }

    /// Whether the register is read before it is written.
    pub(crate) fn reads_preset(&self, register: Register) -> bool {
        for step in &self.steps {
            if step.sources().contains(&Some(register)) {
                return true;
            }
            if step.destination() == Some(register) {
                return false;
            }
        }
        false
    }

    /// Operands that are read, each once.
    pub(crate) fn operands(&self) -> Vec<u8> {
        let mut operands: Vec<u8> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Load { operand, .. } | Step::Gather { operand, .. } => Some(*operand),
                _ => None,
            })
            .collect();
        operands.sort_unstable();
        operands.dedup();
        operands
    }
}

enum Prepared {
    /// The destination has this value on all lanes: nothing to do.
    Known(Register, i64),
    /// It never does anything.
    Nothing,
    Step(Step),
}

fn prepare(instruction: Instruction, constants: &[i64], lengths: &[u32], known: &[Option<i64>; REGISTERS]) -> Prepared {
    let source = |register: Register| match known[usize::from(register)] {
        Some(value) => Source::Value(value),
        None => Source::Register(register),
    };
    let binary = |operation: Binary, d, a, b| match (source(a), source(b)) {
        (Source::Value(a), Source::Value(b)) => Prepared::Known(d, operation.apply(a, b)),
        (a, b) => Prepared::Step(Step::Binary { operation, d, a, b }),
    };
    let length = |axis: u8| lengths.get(usize::from(axis)).copied().unwrap_or(0);
    match instruction {
        Instruction::Constant { d, index } => {
            Prepared::Known(d, constants.get(usize::from(index)).copied().unwrap_or(0))
        }
        Instruction::Load { d, operand } => Prepared::Step(Step::Load { d, operand }),
        Instruction::Gather { d, operand, a } => Prepared::Step(Step::Gather { d, operand, a: source(a) }),
        Instruction::Index { d, axis } if length(axis) <= 1 => Prepared::Known(d, 0),
        Instruction::Index { d, axis } => Prepared::Step(Step::Index { d, axis }),
        Instruction::Length { d, axis } => Prepared::Known(d, i64::from(length(axis))),
        Instruction::Add { d, a, b } => binary(Binary::Add, d, a, b),
        Instruction::Sub { d, a, b } => binary(Binary::Sub, d, a, b),
        Instruction::Mul { d, a, b } => binary(Binary::Mul, d, a, b),
        Instruction::And { d, a, b } => binary(Binary::And, d, a, b),
        Instruction::Or { d, a, b } => binary(Binary::Or, d, a, b),
        Instruction::Xor { d, a, b } => binary(Binary::Xor, d, a, b),
        Instruction::ShiftLeft { d, a, b } => binary(Binary::ShiftLeft, d, a, b),
        Instruction::ShiftRight { d, a, b } => binary(Binary::ShiftRight, d, a, b),
        Instruction::ShiftArithmetic { d, a, b } => binary(Binary::ShiftArithmetic, d, a, b),
        Instruction::RoundShift { d, a, shift } => match source(a) {
            Source::Value(a) => Prepared::Known(d, round_shift(a, shift)),
            Source::Register(a) => Prepared::Step(Step::RoundShift { d, a, shift }),
        },
        Instruction::Min { d, a, b } => binary(Binary::Min, d, a, b),
        Instruction::Max { d, a, b } => binary(Binary::Max, d, a, b),
        Instruction::Less { d, a, b } => binary(Binary::Less, d, a, b),
        Instruction::LessUnsigned { d, a, b } => binary(Binary::LessUnsigned, d, a, b),
        Instruction::Equal { d, a, b } => binary(Binary::Equal, d, a, b),
        Instruction::Select { d, c, a, b } => match (source(c), source(a), source(b)) {
            (Source::Register(c), a, b) => Prepared::Step(Step::Select { d, c, a, b }),
            (Source::Value(c), a, b) => match if c != 0 { a } else { b } {
                Source::Value(value) => Prepared::Known(d, value),
                // or with 0: a copy
                chosen => Prepared::Step(Step::Binary { operation: Binary::Or, d, a: chosen, b: Source::Value(0) }),
            },
        },
        Instruction::DivideUnsigned { d, a, b } => binary(Binary::DivideUnsigned, d, a, b),
        Instruction::SquareRoot { d, a } => match source(a) {
            Source::Value(a) => Prepared::Known(d, square_root(a)),
            Source::Register(a) => Prepared::Step(Step::SquareRoot { d, a }),
        },
        Instruction::LeadingZeros { d, a } => match source(a) {
            Source::Value(a) => Prepared::Known(d, i64::from(a.leading_zeros())),
            Source::Register(a) => Prepared::Step(Step::LeadingZeros { d, a }),
        },
        Instruction::Store { output, a } => Prepared::Step(Step::Store { output, a: source(a) }),
        // Where loops end is found once all steps are there.
        Instruction::Loop { turns } => Prepared::Step(Step::Loop { turns, last: 0 }),
        Instruction::End => Prepared::Step(Step::End),
        Instruction::BreakIfZero { a } => match source(a) {
            Source::Value(value) if value != 0 => Prepared::Nothing,
            a => Prepared::Step(Step::Break { a, last: 0 }),
        },
    }
}

impl Step {
    pub(crate) fn destination(&self) -> Option<Register> {
        match *self {
            Self::Fill { d, .. }
            | Self::Load { d, .. }
            | Self::Gather { d, .. }
            | Self::Index { d, .. }
            | Self::Binary { d, .. }
            | Self::RoundShift { d, .. }
            | Self::Clamp { d, .. }
            | Self::Select { d, .. }
            | Self::SquareRoot { d, .. }
            | Self::LeadingZeros { d, .. } => Some(d),
            Self::Store { .. } | Self::Loop { .. } | Self::End | Self::Break { .. } => None,
        }
    }

    fn sources(&self) -> [Option<Register>; 3] {
        let register = |source: Source| match source {
            Source::Register(register) => Some(register),
            Source::Value(_) => None,
        };
        match *self {
            Self::Fill { .. } | Self::Load { .. } | Self::Index { .. } | Self::Loop { .. } | Self::End => [None; 3],
            Self::Gather { a, .. } | Self::Store { a, .. } | Self::Break { a, .. } => [register(a), None, None],
            Self::Binary { a, b, .. } => [register(a), register(b), None],
            Self::RoundShift { a, .. }
            | Self::Clamp { a, .. }
            | Self::SquareRoot { a, .. }
            | Self::LeadingZeros { a, .. } => [Some(a), None, None],
            Self::Select { c, a, b, .. } => [Some(c), register(a), register(b)],
        }
    }
}

/// Turns a minimum right after a maximum of the same register, or the other way round, into one step.
fn fuse_clamps(steps: &mut Vec<Step>) {
    let bound = |step: &Step| match *step {
        Step::Binary {
            operation: operation @ (Binary::Min | Binary::Max),
            d,
            a: Source::Register(a),
            b: Source::Value(bound),
        }
        | Step::Binary {
            operation: operation @ (Binary::Min | Binary::Max),
            d,
            a: Source::Value(bound),
            b: Source::Register(a),
        } => Some((operation, d, a, bound)),
        _ => None,
    };
    let mut at = 0;
    while at + 1 < steps.len() {
        if let (Some(first), Some(second)) = (bound(&steps[at]), bound(&steps[at + 1])) {
            // the value between the two must not be seen by anything else
            if first.0 != second.0 && second.2 == first.1 && second.1 == first.1 {
                let (low, high) = match first.0 {
                    Binary::Max => (first.3.min(second.3), second.3),
                    _ => (second.3, first.3.max(second.3)),
                };
                steps[at] = Step::Clamp { d: first.1, a: first.2, low, high };
                steps.remove(at + 1);
            }
        }
        at += 1;
    }
}

/// Registers that code writes up to the end of the loop that it is in.
fn written_in_loop(code: &[Instruction]) -> Vec<Register> {
    let (mut depth, mut written) = (1, Vec::new());
    for instruction in code {
        match instruction {
            Instruction::Loop { .. } => depth += 1,
            Instruction::End => depth -= 1,
            _ => written.extend(instruction.destination()),
        }
        if depth == 0 {
            break;
        }
    }
    written.sort_unstable();
    written.dedup();
    written
}

fn liveness(steps: &[Step], results: usize) -> Liveness {
    let flow = |step: &Step| match step {
        Step::Loop { .. } => Flow::Loop,
        Step::End => Flow::End,
        Step::Break { .. } => Flow::Break,
        _ => Flow::Straight,
    };
    let effect = |step: &Step| Effect { reads: step.sources(), writes: step.destination(), flow: flow(step) };
    let results: Vec<Register> = (0..results as Register).collect();
    Liveness::new(&steps.iter().map(effect).collect::<Vec<_>>(), &results)
}

/// Drops steps whose result nothing reads.
fn drop_dead(steps: &mut Vec<Step>, results: usize) {
    let liveness = liveness(steps, results);
    let mut at = 0..;
    steps.retain(|_| at.next().is_some_and(|at| liveness.needed(at)));
}

/// Tells loops and breaks where their loop ends.
fn link_loops(steps: &mut [Step]) {
    let mut open: Vec<Vec<usize>> = Vec::new();
    for at in 0..steps.len() {
        match steps[at] {
            Step::Loop { .. } => open.push(vec![at]),
            Step::Break { .. } => open.last_mut().into_iter().for_each(|places| places.push(at)),
            Step::End => {
                for place in open.pop().unwrap_or_default() {
                    if let Step::Loop { last, .. } | Step::Break { last, .. } = &mut steps[place] {
                        *last = at;
                    }
                }
            }
            _ => {}
        }
    }
}
