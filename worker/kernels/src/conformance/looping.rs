//! Loops: turns from one to the most that an element may take, lanes that leave them at different turns, nested ones, and
//! values that wrap, stay narrow or are known in some turns only.

use super::Vector;
use super::sketch::{Assembly, Sketch, along, constant, sight};
use super::values::EXTREMES;
use referee::graph::Dtype::{I8, I16, I32, U8};
use referee::graph::{Dtype, Instruction, TensorKind};

impl Assembly {
    fn turns(self, turns: u16, body: impl FnOnce(Self) -> Self) -> Self {
        body(self.then(Instruction::Loop { turns })).then(Instruction::End)
    }

    fn leave_if_zero(self, a: u8) -> Self {
        self.then(Instruction::BreakIfZero { a })
    }

    fn add(self, d: u8, a: u8, b: u8) -> Self {
        self.then(Instruction::Add { d, a, b })
    }

    fn sub(self, d: u8, a: u8, b: u8) -> Self {
        self.then(Instruction::Sub { d, a, b })
    }

    fn mul(self, d: u8, a: u8, b: u8) -> Self {
        self.then(Instruction::Mul { d, a, b })
    }

    fn and(self, d: u8, a: u8, b: u8) -> Self {
        self.then(Instruction::And { d, a, b })
    }
}

/// A Map over `count` numbers of `dtype`: values from -3 to 40, then extremes, then mixed ones.
fn over(name: &str, dtype: Dtype, count: u32, outputs: &[Dtype], program: Assembly) -> Vector {
    let mut sketch = Sketch::new(name.len() as u64);
    let near = (-3..41).chain(EXTREMES);
    let random: Vec<i64> = (0..count).map(|_| sketch.random().next() as i32 as i64).collect();
    let values: Vec<i64> = near.chain(random).map(|value| dtype.saturate(value)).collect();
    let input = sketch.given(TensorKind::Input, dtype, &constant(&[count]), &values);
    let out = sketch.map(outputs, &[count], vec![along(input, &[count], &[0])], program);
    sketch.finish(format!("loop: {name}"), &out)
}

/// Counts the bits of the input's low word, and folds them in an inner loop of as many turns as its low bits say.
fn nested(count: u32) -> Vector {
    let program = Assembly::new().load(0, 0).constant(3, 1).constant(5, 0x5851_f42d_4c95_7f2d).constant(6, 7);
    let program = program.turns(33, |outer| {
        outer
            .leave_if_zero(0)
            .and(7, 0, 3)
            .add(1, 1, 7)
            .and(4, 0, 6)
            .turns(5, |inner| inner.leave_if_zero(4).sub(4, 4, 3).mul(2, 2, 5).add(2, 2, 0))
            .constant(8, 0xffff_ffff)
            .and(0, 0, 8)
            .then(Instruction::ShiftRight { d: 0, a: 0, b: 3 })
    });
    over(&format!("nested, over {count}"), I32, count, &[I32, I32, I8], program.store_wide(0, 2).store(2, 1))
}

/// Turns so often, counting and multiplying until 64 bits are left many times.
fn wrapping(turns: u16) -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 0x5851_f42d_4c95_7f2d).constant(2, i64::MAX);
    let program = program.turns(turns, |body| body.mul(0, 0, 1).add(0, 0, 2));
    over(&format!("wraps in {turns} turns"), I32, 70, &[I32, I32], program.store_wide(0, 0))
}

/// A counter alone, to the last turn that the steps of an element allow.
fn longest() -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 1).turns(4093, |body| body.add(0, 0, 1));
    over("the most turns", I16, 131, &[I32], program.store(0, 0))
}

/// Counts down from the input and leaves at 0: at once, in some turn, or never.
fn countdown(first: bool, turns: u16) -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 1).constant(3, 100);
    let program = program.turns(turns, |body| {
        if first {
            body.leave_if_zero(0).add(2, 2, 3).sub(0, 0, 1)
        } else {
            body.add(2, 2, 3).sub(0, 0, 1).leave_if_zero(0)
        }
    });
    let place = if first { "first" } else { "last" };
    let name = format!("left by the {place} step, {turns} turns");
    over(&name, I32, 200, &[I16, I32, I32], program.store(0, 2).store_wide(1, 0))
}

/// Narrow values, proved to be so by a mask in every turn.
fn narrow() -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 5).constant(2, 0xffff).constant(3, 3);
    let program = program
        .turns(100, |body| body.mul(0, 0, 1).add(0, 0, 3).and(0, 0, 2).and(4, 0, 1).leave_if_zero(4).add(5, 5, 4));
    over("narrow", U8, 150, &[U8, I16, I32], program.store(0, 0).store(1, 5).store(2, 4))
}

/// What is known before a loop, or in a part of a turn, is not known in every turn.
fn known() -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 5).constant(9, 1).constant(12, 12);
    let program = program.turns(3, |outer| {
        // 5 in the first turn, 7 in those that follow; 12 is the same in all.
        let outer = outer.add(2, 2, 1).mul(2, 2, 12).constant(1, 7).leave_if_zero(12);
        // Left with 11 or with 13.
        let outer = outer.turns(2, |inner| inner.constant(3, 11).leave_if_zero(0).constant(3, 13).sub(0, 0, 9));
        outer.add(2, 2, 3).constant(4, 0).leave_if_zero(4).constant(2, 0)
    });
    // The outer loop is always left in its first turn; the next runs to its end, and feeds nothing.
    let program = program.turns(9, |body| body.add(10, 10, 9)).store(0, 2).store(1, 3).store(2, 1);
    over("known values", I8, 64, &[I32, I8, U8], program)
}

/// Several loops on one register, with stores between them.
fn in_a_row() -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 3).store(0, 0);
    let program = program.turns(1, |body| body.mul(0, 0, 1)).store(1, 0);
    let program = program.turns(12, |body| body.mul(0, 0, 1).turns(2, |inner| inner.add(0, 0, 1)));
    let program = program.store(2, 0).turns(7, |body| body.turns(6, |inner| inner.sub(0, 0, 1).add(2, 0, 0)));
    over("in a row", I16, 90, &[I8, I16, I32, I32], program.store(3, 2))
}

/// A pointer chased through a table.
fn chase() -> Vector {
    let mut sketch = Sketch::new(40);
    let input = sketch.input(U8, &[77]);
    let table = sketch.param(U8, &[256]);
    let operands = vec![along(input, &[77], &[0]), sight(table, &[256]).indirect(0).done()];
    let program = Assembly::new().load(0, 0).constant(2, 3);
    let program = program.turns(150, |body| body.leave_if_zero(0).gather(0, 1, 0).add(1, 1, 0).mul(1, 1, 2));
    let out = sketch.map(&[I32, I32, U8], &[77], operands, program.store_wide(0, 1).store(2, 0));
    sketch.finish("loop: a chase through a table", &out)
}

/// As many turns of the instructions that devices loop for themselves as the cost of an element allows.
fn roots_and_quotients(count: u32) -> Vector {
    let program = Assembly::new().load(0, 0).constant(1, 0x0123_4567_89ab_cdef).constant(3, 1000);
    let program = program.turns(640, |body| {
        let body = body.mul(0, 0, 1).add(0, 0, 3).then(Instruction::SquareRoot { d: 2, a: 0 });
        body.then(Instruction::DivideUnsigned { d: 0, a: 0, b: 2 })
    });
    let name = format!("roots and quotients of {count}");
    over(&name, I32, count, &[I8, U8, I16, I32], program.store(0, 2).store(1, 0).store(2, 2).store(3, 0))
}

pub(super) fn self_test() -> Vec<Vector> {
    vec![nested(70)]
}

pub(super) fn full() -> Vec<Vector> {
    let mut vectors = vec![nested(300), longest(), narrow(), known(), in_a_row(), chase()];
    vectors.extend([1, 2, 2700].map(wrapping));
    for turns in [1, 2, 40] {
        vectors.extend([true, false].map(|first| countdown(first, turns)));
    }
    vectors.extend([roots_and_quotients(37), roots_and_quotients(64)]);
    vectors
}
