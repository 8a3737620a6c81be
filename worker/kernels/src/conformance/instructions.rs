//! Every instruction: on all pairs of 64-bit extremes, and on values that are proven to fit 32 bits.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant};
use super::values::EXTREMES;
use referee::graph::Dtype::{I8, I16, I32};
use referee::graph::{Dtype, Instruction, TensorKind};

/// Instructions of two sources `a` = register 0 and `b` = register 1 (and `c` = `a` for the choice), by name.
const INSTRUCTIONS: [(&str, Instruction); 18] = [
    ("add", Instruction::Add { d: 2, a: 0, b: 1 }),
    ("sub", Instruction::Sub { d: 2, a: 0, b: 1 }),
    ("mul", Instruction::Mul { d: 2, a: 0, b: 1 }),
    ("and", Instruction::And { d: 2, a: 0, b: 1 }),
    ("or", Instruction::Or { d: 2, a: 0, b: 1 }),
    ("xor", Instruction::Xor { d: 2, a: 0, b: 1 }),
    ("shift left", Instruction::ShiftLeft { d: 2, a: 0, b: 1 }),
    ("shift right", Instruction::ShiftRight { d: 2, a: 0, b: 1 }),
    ("shift arithmetic", Instruction::ShiftArithmetic { d: 2, a: 0, b: 1 }),
    ("min", Instruction::Min { d: 2, a: 0, b: 1 }),
    ("max", Instruction::Max { d: 2, a: 0, b: 1 }),
    ("less", Instruction::Less { d: 2, a: 0, b: 1 }),
    ("less unsigned", Instruction::LessUnsigned { d: 2, a: 0, b: 1 }),
    ("equal", Instruction::Equal { d: 2, a: 0, b: 1 }),
    ("select", Instruction::Select { d: 2, c: 0, a: 1, b: 0 }),
    ("divide unsigned", Instruction::DivideUnsigned { d: 2, a: 0, b: 1 }),
    ("square root", Instruction::SquareRoot { d: 2, a: 0 }),
    ("leading zeros", Instruction::LeadingZeros { d: 2, a: 0 }),
];

/// Shifts of the rounding shift that differ in kind.
const SHIFTS: [u8; 6] = [1, 2, 31, 32, 33, 63];

/// All pairs of extremes as operands `a` and `b`, and pairs of random values of any size.
fn pairs(sketch: &mut Sketch) -> (Vec<i64>, Vec<i64>) {
    let all = EXTREMES.iter().flat_map(|a| EXTREMES.iter().map(|b| (*a, *b)));
    let (mut left, mut right): (Vec<i64>, Vec<i64>) = all.unzip();
    let random = sketch.random();
    for _ in 0..256 {
        let (keep_a, keep_b) = (random.below(64), random.below(64));
        left.push((random.next() as i64) >> keep_a);
        right.push((random.next() as i64) >> keep_b);
    }
    (left, right)
}

/// Loads `a` and `b` as 64-bit values from halves, runs `program`, stores register 2 in halves.
fn wide(name: &str, program: Assembly) -> Vector {
    let mut sketch = Sketch::new(1);
    let (left, right) = pairs(&mut sketch);
    let count = left.len() as u32;
    let mut half = |values: &[i64], high: bool| {
        let halves: Vec<i64> =
            values.iter().map(|value| i64::from(if high { (value >> 32) as i32 } else { *value as i32 })).collect();
        let slot = sketch.given(TensorKind::Input, I32, &constant(&[count]), &halves);
        along(slot, &[count], &[0])
    };
    let operands = vec![half(&left, false), half(&left, true), half(&right, false), half(&right, true)];
    let out = sketch.map(&[I32, I32], &[count], operands, program);
    sketch.finish(name, &out)
}

/// Joins the halves in operands 0 to 3 into registers 0 and 1.
fn joined() -> Assembly {
    Assembly::new().load(4, 0).load(5, 1).join(0, 4, 5).load(4, 2).load(5, 3).join(1, 4, 5)
}

/// The same instruction on values that need no more than the bits of `dtype`.
fn narrow(name: &str, dtype: Dtype, instruction: Instruction) -> Vector {
    let mut sketch = Sketch::new(2);
    let (low, high) = dtype.range();
    let fitting = |value: &&i64| (low..=high).contains(*value);
    let values: Vec<i64> =
        EXTREMES.iter().filter(fitting).copied().chain([low + 1, high - 1, high / 3, low / 3]).collect();
    let (left, right): (Vec<i64>, Vec<i64>) = values.iter().flat_map(|a| values.iter().map(|b| (*a, *b))).unzip();
    let count = left.len() as u32;
    let left = sketch.given(TensorKind::Input, dtype, &constant(&[count]), &left);
    let right = sketch.given(TensorKind::Input, dtype, &constant(&[count]), &right);
    let operands = vec![along(left, &[count], &[0]), along(right, &[count], &[0])];
    let program = Assembly::new().load(0, 0).load(1, 1).then(instruction).store_wide(0, 2);
    let out = sketch.map(&[I32, I32], &[count], operands, program);
    sketch.finish(format!("{name} of {dtype:?}"), &out)
}

/// Every instruction in one program: each result is mixed into one value.
fn everything() -> Vector {
    let mut program = joined().constant(3, 0).constant(6, 0x0123_4567_89ab_cdef);
    let shifts = SHIFTS.into_iter().map(|shift| Instruction::RoundShift { d: 2, a: 0, shift });
    let mix = |program: Assembly| {
        program.then(Instruction::Mul { d: 3, a: 3, b: 6 }).then(Instruction::Add { d: 3, a: 3, b: 2 })
    };
    for instruction in INSTRUCTIONS.into_iter().map(|(_, instruction)| instruction).chain(shifts) {
        program = mix(program.then(instruction));
    }
    program = mix(program.then(Instruction::Index { d: 2, axis: 0 }));
    program = mix(program.then(Instruction::Length { d: 2, axis: 0 }));
    wide("every instruction", program.store_wide(0, 3))
}

/// Registers that nothing wrote are 0, a destination may be its own source, and a constant may be any number.
fn registers() -> Vector {
    let program = Assembly::new()
        .load(0, 0)
        .then(Instruction::Add { d: 1, a: 0, b: 9 })
        .constant(2, i64::MIN)
        .then(Instruction::Sub { d: 2, a: 2, b: 1 })
        .then(Instruction::Xor { d: 2, a: 2, b: 2 })
        .constant(7, i64::MAX)
        .then(Instruction::Add { d: 7, a: 7, b: 7 })
        .then(Instruction::Select { d: 1, c: 7, a: 1, b: 9 })
        .then(Instruction::Sub { d: 1, a: 1, b: 7 })
        .then(Instruction::Or { d: 2, a: 2, b: 1 })
        .store(0, 2)
        .store(1, 1);
    let mut sketch = Sketch::new(3);
    let input = sketch.input(I32, &[50]);
    let out = sketch.map(&[I32, I8], &[50], vec![along(input, &[50], &[0])], program);
    sketch.finish("registers", &out)
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![everything()]
}

pub(super) fn full() -> Vec<Vector> {
    let mut vectors = vec![registers()];
    for (name, instruction) in INSTRUCTIONS {
        vectors.push(wide(name, joined().then(instruction).store_wide(0, 2)));
        vectors.push(narrow(name, I32, instruction));
        vectors.push(narrow(name, I8, instruction));
    }
    for shift in SHIFTS {
        let round = Instruction::RoundShift { d: 2, a: 0, shift };
        vectors.push(wide(&format!("round shift by {shift}"), joined().then(round).store_wide(0, 2)));
    }
    for shift in [1, 15, 31, 40] {
        let round = Instruction::RoundShift { d: 2, a: 0, shift };
        vectors.push(narrow(&format!("round shift by {shift}"), I16, round));
    }
    vectors
}
