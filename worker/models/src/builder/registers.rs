//! Register allocation: values that are assigned once, onto the machine's 16 registers.

use super::program::Value;
use referee::graph::{Instruction, REGISTERS, Register};

/// The instruction with its source registers mapped by `source` and its destination by `destination`.
fn rename(
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

/// The registers that the instruction reads.
pub(super) fn sources(instruction: &Instruction) -> Vec<Register> {
    let mut read = Vec::with_capacity(3);
    rename(
        instruction,
        |source| {
            read.push(source);
            source
        },
        |destination| destination,
    );
    read
}

/// The register that the instruction writes; none for a store.
pub(super) fn destination(instruction: &Instruction) -> Option<Register> {
    let mut written = None;
    rename(
        instruction,
        |source| source,
        |destination| {
            written = Some(destination);
            destination
        },
    );
    written
}

/// Linear scan. `presets` values are in the first registers at the start; at the end the lanes are there (a program
/// has one or the other). `None` if more values are alive at once than there are registers.
pub(super) fn allocate(
    code: &[Instruction],
    values: usize,
    presets: Register,
    lanes: &[Value],
) -> Option<Vec<Instruction>> {
    let code = without_unused(code, values, lanes);
    let mut last_use = vec![0usize; values];
    for (at, instruction) in code.iter().enumerate() {
        for source in sources(instruction) {
            last_use[usize::from(source)] = at;
        }
    }
    let mut pinned = vec![None; values];
    for (register, lane) in lanes.iter().enumerate() {
        pinned[usize::from(lane.0)].get_or_insert(register as Register);
    }
    let mut register_of: Vec<Register> = vec![0; values];
    let mut occupied = [false; REGISTERS];
    // Lane registers hold nothing else, so that a lane may be computed at any place.
    occupied.iter_mut().take(lanes.len()).for_each(|register| *register = true);
    for preset in 0..presets {
        let used = code.iter().any(|instruction| sources(instruction).contains(&preset));
        register_of[usize::from(preset)] = preset;
        occupied[usize::from(preset)] = used;
    }
    let mut allocated = Vec::with_capacity(code.len() + 1);
    for (at, instruction) in code.iter().enumerate() {
        let renamed_sources = rename(instruction, |source| register_of[usize::from(source)], |value| value);
        for source in sources(instruction) {
            if last_use[usize::from(source)] == at && pinned[usize::from(source)].is_none() {
                occupied[usize::from(register_of[usize::from(source)])] = false;
            }
        }
        let Some(value) = destination(instruction) else {
            allocated.push(renamed_sources);
            continue;
        };
        let register = match pinned[usize::from(value)] {
            Some(register) => register,
            None => {
                let free = occupied.iter().position(|occupied| !occupied)?;
                occupied[free] = true;
                free as Register
            }
        };
        register_of[usize::from(value)] = register;
        allocated.push(rename(&renamed_sources, |source| source, |_| register));
    }
    for (register, lane) in lanes.iter().enumerate() {
        let (d, a) = (register as Register, register_of[usize::from(lane.0)]);
        if d != a {
            allocated.push(Instruction::Or { d, a, b: a });
        }
    }
    Some(allocated)
}

/// The instructions that a store or a lane depends on.
fn without_unused(code: &[Instruction], values: usize, lanes: &[Value]) -> Vec<Instruction> {
    let mut used = vec![false; values];
    for lane in lanes {
        used[usize::from(lane.0)] = true;
    }
    let mut kept: Vec<Instruction> = Vec::with_capacity(code.len());
    for instruction in code.iter().rev() {
        if destination(instruction).is_none_or(|value| used[usize::from(value)]) {
            for source in sources(instruction) {
                used[usize::from(source)] = true;
            }
            kept.push(*instruction);
        }
    }
    kept.reverse();
    kept
}
