//! Register allocation: values, assigned once but for those that loops carry, onto the machine's 16 registers.

use super::carried;
use super::program::Value;
use referee::graph::{Effect, Instruction, Liveness, REGISTERS, Register};

/// The instruction with its source registers mapped by `source` and its destination by `destination`.
pub(super) fn rename(
    instruction: &Instruction,
    mut source: impl FnMut(Register) -> Register,
    destination: impl FnOnce(Register) -> Register,
) -> Instruction {
    use Instruction as I;
    macro_rules! binary {
        ($kind:ident, $d:expr, $a:expr, $b:expr) => {{
            let (a, b) = (source(*$a), source(*$b));
            I::$kind { d: destination(*$d), a, b }
        }};
    }
    match instruction {
        I::Constant { d, index } => I::Constant { d: destination(*d), index: *index },
        I::Load { d, operand } => I::Load { d: destination(*d), operand: *operand },
        I::Gather { d, operand, a } => {
            let a = source(*a);
            I::Gather { d: destination(*d), operand: *operand, a }
        }
        I::Index { d, axis } => I::Index { d: destination(*d), axis: *axis },
        I::Length { d, axis } => I::Length { d: destination(*d), axis: *axis },
        I::Add { d, a, b } => binary!(Add, d, a, b),
        I::Sub { d, a, b } => binary!(Sub, d, a, b),
        I::Mul { d, a, b } => binary!(Mul, d, a, b),
        I::And { d, a, b } => binary!(And, d, a, b),
        I::Or { d, a, b } => binary!(Or, d, a, b),
        I::Xor { d, a, b } => binary!(Xor, d, a, b),
        I::ShiftLeft { d, a, b } => binary!(ShiftLeft, d, a, b),
        I::ShiftRight { d, a, b } => binary!(ShiftRight, d, a, b),
        I::ShiftArithmetic { d, a, b } => binary!(ShiftArithmetic, d, a, b),
        I::RoundShift { d, a, shift } => {
            let a = source(*a);
            I::RoundShift { d: destination(*d), a, shift: *shift }
        }
        I::Min { d, a, b } => binary!(Min, d, a, b),
        I::Max { d, a, b } => binary!(Max, d, a, b),
        I::Less { d, a, b } => binary!(Less, d, a, b),
        I::LessUnsigned { d, a, b } => binary!(LessUnsigned, d, a, b),
        I::Equal { d, a, b } => binary!(Equal, d, a, b),
        I::Select { d, c, a, b } => {
            let (c, a, b) = (source(*c), source(*a), source(*b));
            I::Select { d: destination(*d), c, a, b }
        }
        I::DivideUnsigned { d, a, b } => binary!(DivideUnsigned, d, a, b),
        I::SquareRoot { d, a } => {
            let a = source(*a);
            I::SquareRoot { d: destination(*d), a }
        }
        I::LeadingZeros { d, a } => {
            let a = source(*a);
            I::LeadingZeros { d: destination(*d), a }
        }
        I::Loop { turns } => I::Loop { turns: *turns },
        I::End => I::End,
        I::BreakIfZero { a } => I::BreakIfZero { a: source(*a) },
        I::Store { output, a } => I::Store { output: *output, a: source(*a) },
    }
}

/// The values that an instruction reads.
fn sources(instruction: &Instruction) -> impl Iterator<Item = Register> {
    instruction.sources().into_iter().flatten()
}

/// Linear scan. `presets` values are in the first registers at the start; at the end the lanes are there (a program
/// has one or the other). `None` if more values are alive at once than there are registers.
pub(super) fn allocate(
    code: &[Instruction],
    values: usize,
    presets: Register,
    lanes: &[Value],
) -> Option<Vec<Instruction>> {
    let looping = code.iter().any(|instruction| matches!(instruction, Instruction::Loop { .. }));
    let mut code = without_unused(code, lanes);
    if looping {
        carried::join_copies(&mut code);
    }
    let last_use = last_uses(&code, values);
    let mut expiring: Vec<Vec<Register>> = vec![Vec::new(); code.len()];
    for (value, last) in last_use.iter().enumerate() {
        if let Some(last) = last {
            expiring[*last].push(value as Register);
        }
    }
    let mut pinned = vec![None; values];
    for (register, lane) in lanes.iter().enumerate() {
        pinned[usize::from(lane.0)].get_or_insert(register as Register);
    }
    // A value that a loop carries is written more than once, and stays where it is.
    let mut register_of: Vec<Option<Register>> = vec![None; values];
    let mut occupied = [false; REGISTERS];
    // Lane registers hold nothing else, so that a lane may be computed at any place.
    occupied.iter_mut().take(lanes.len()).for_each(|register| *register = true);
    for preset in 0..presets {
        register_of[usize::from(preset)] = Some(preset);
        occupied[usize::from(preset)] = last_use[usize::from(preset)].is_some();
    }
    let found = |register_of: &[Option<Register>], value: Register| register_of[usize::from(value)].unwrap_or(0);
    let mut allocated = Vec::with_capacity(code.len() + 1);
    for (at, instruction) in code.iter().enumerate() {
        let renamed_sources = rename(instruction, |source| found(&register_of, source), |value| value);
        for value in &expiring[at] {
            if let (Some(register), None) = (register_of[usize::from(*value)], pinned[usize::from(*value)]) {
                occupied[usize::from(register)] = false;
            }
        }
        let Some(value) = instruction.destination() else {
            allocated.push(renamed_sources);
            continue;
        };
        let copied = carried::copied(instruction).filter(|_| looping).map(|source| found(&register_of, source));
        let register = match pinned[usize::from(value)].or(register_of[usize::from(value)]) {
            Some(register) => register,
            None => {
                let same = copied.filter(|register| !occupied[usize::from(*register)]).map(usize::from);
                same.or_else(|| occupied.iter().position(|occupied| !occupied))? as Register
            }
        };
        occupied[usize::from(register)] = true;
        register_of[usize::from(value)] = Some(register);
        if copied != Some(register) {
            allocated.push(rename(&renamed_sources, |source| source, |_| register));
        }
    }
    for (register, lane) in lanes.iter().enumerate() {
        let (d, a) = (register as Register, found(&register_of, lane.0));
        if d != a {
            allocated.push(Instruction::Or { d, a, b: a });
        }
    }
    Some(allocated)
}

/// Where each value is needed last, if it is at all. One that a loop reads but does not write first is needed by its last turn.
fn last_uses(code: &[Instruction], values: usize) -> Vec<Option<usize>> {
    let loops = carried::loops(code);
    let mut first_written = vec![None; values];
    let mut last_use: Vec<Option<usize>> = vec![None; values];
    for (at, instruction) in code.iter().enumerate() {
        for source in sources(instruction) {
            let written: Option<usize> = first_written[usize::from(source)];
            // The outermost of the loops that are around the use and not around the first write.
            let around = loops.iter().filter(|(first, last)| *first < at && at < *last);
            let outlived = around.filter(|(first, _)| written.is_none_or(|written| written < *first));
            let needed = outlived.map(|(_, last)| *last).max().unwrap_or(at);
            let last = &mut last_use[usize::from(source)];
            *last = (*last).max(Some(needed));
        }
        if let Some(value) = instruction.destination() {
            first_written[usize::from(value)].get_or_insert(at);
        }
    }
    last_use
}

/// The instructions that a store or a lane depends on.
fn without_unused(code: &[Instruction], lanes: &[Value]) -> Vec<Instruction> {
    let effects: Vec<Effect> = code.iter().map(Effect::from).collect();
    let lanes: Vec<Register> = lanes.iter().map(|lane| lane.0).collect();
    let liveness = Liveness::new(&effects, &lanes);
    code.iter().enumerate().filter(|(at, _)| liveness.needed(*at)).map(|(_, instruction)| *instruction).collect()
}
