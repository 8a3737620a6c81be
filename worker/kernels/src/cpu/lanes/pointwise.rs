//! A program for each output point: a Map, or the epilogue of a reduction.

use super::program::{LaneProgram, Step};
use super::{Batch, LANES, Registers};
use crate::cpu::access::{AXES, Access};
use crate::cpu::isa::{Available, Job};
use crate::cpu::output::Output;
use crate::cpu::scratch::Scratch;
use crate::cpu::sweep::Sweep;
use referee::graph::{Program, ResolvedOp};

/// What registers hold before the program runs, for each point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Presets<'a> {
    /// Nothing: a Map.
    None,
    /// Register 0: a contraction.
    Sums(&'a [i32]),
    /// Registers 0 and 1: a reduction.
    Pairs([&'a [i64]; 2]),
}

/// A program over the output points of an op.
#[derive(Clone, Debug)]
pub(crate) struct Pointwise {
    program: LaneProgram,
    accesses: Vec<Access>,
    sweep: Sweep,
}

impl Pointwise {
    /// The program of `op`, whose registers below `presets` are set before it runs.
    pub(crate) fn new(op: &ResolvedOp, program: &Program, presets: usize) -> Self {
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let program = LaneProgram::new(program, &lengths, presets, 0);
        let accesses: Vec<Access> = op.operands.iter().map(|view| Access::new(view, &lengths)).collect();
        let read: Vec<Access> =
            program.operands().iter().map(|operand| accesses[usize::from(*operand)].clone()).collect();
        let axes: Vec<(usize, u32)> = op.output_dims.iter().copied().enumerate().collect();
        let sweep = Sweep::new(&axes, &read, |axis| program.reads_coordinate(axis));
        Self { program, accesses, sweep }
    }

    /// Steps for each point at most: what a point costs.
    pub(crate) fn steps(&self) -> usize {
        self.program.work()
    }

    /// The operand and dtype-preserving copy that the program is, if it is one.
    pub(crate) fn is_copy_of(&self) -> Option<u8> {
        match self.program.steps.as_slice() {
            [Step::Load { d, operand }, Step::Store { output: 0, a: super::program::Source::Register(a) }]
                if a == d =>
            {
                Some(*operand)
            }
            _ => None,
        }
    }

    /// Runs the program for points `first..first + count`.
    ///
    /// # Safety
    /// No other thread uses these elements of the outputs.
    pub(crate) unsafe fn run(
        &self,
        isa: Available,
        operands: &[&[u8]],
        (first, count): (usize, usize),
        presets: Presets<'_>,
        outputs: &[Output<'_>],
        scratch: &mut Scratch,
    ) {
        isa.run(Run { pointwise: self, operands, first, count, presets, outputs, scratch });
    }

    /// Copies points `first..first + count` of an operand of bytes into the only output.
    ///
    /// # Safety
    /// No other thread uses these elements of the output.
    pub(crate) unsafe fn copy_bytes(
        &self,
        operand: u8,
        operands: &[&[u8]],
        (first, count): (usize, usize),
        output: &Output<'_>,
        scratch: &mut Scratch,
    ) {
        // SAFETY: the caller has these elements to itself.
        let bytes = unsafe { output.part(first, count) };
        self.sweep.segments(&[0; AXES], first, count, &mut scratch.segments);
        for segment in &scratch.segments {
            let out = &mut bytes[segment.start..segment.start + segment.length];
            let operand = usize::from(operand);
            self.accesses[operand].load_bytes(operands[operand], &segment.point, self.sweep.innermost(), out);
        }
    }

    /// The prepared program.
    pub(crate) fn program(&self) -> &LaneProgram {
        &self.program
    }

    /// How each operand is read.
    pub(crate) fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// The output points in order.
    pub(crate) fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// The access of an operand.
    pub(crate) fn access(&self, operand: u8) -> &Access {
        &self.accesses[usize::from(operand)]
    }
}

struct Run<'a, 's> {
    pointwise: &'a Pointwise,
    operands: &'a [&'a [u8]],
    first: usize,
    count: usize,
    presets: Presets<'a>,
    outputs: &'a [Output<'a>],
    scratch: &'s mut Scratch,
}

impl Job for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pointwise { program, accesses, sweep } = self.pointwise;
        let Scratch { registers, segments, .. } = self.scratch;
        for start in (0..self.count).step_by(LANES) {
            let count = LANES.min(self.count - start);
            sweep.segments(&[0; AXES], self.first + start, count, segments);
            preset(self.presets, start..start + count, registers);
            let batch = Batch { accesses, operands: self.operands, segments, axis: sweep.innermost(), count };
            // SAFETY: the caller of `Pointwise::run` has these elements to itself.
            unsafe { batch.execute(&program.steps, registers, self.outputs, self.first + start) };
        }
    }
}

#[inline(always)]
fn preset(presets: Presets<'_>, range: std::ops::Range<usize>, registers: &mut Registers) {
    match presets {
        Presets::None => {}
        Presets::Sums(sums) => {
            for (lane, sum) in registers.lanes_mut(0).iter_mut().zip(&sums[range]) {
                *lane = i64::from(*sum);
            }
        }
        Presets::Pairs([first, second]) => {
            registers.lanes_mut(0)[..range.len()].copy_from_slice(&first[range.clone()]);
            registers.lanes_mut(1)[..range.len()].copy_from_slice(&second[range]);
        }
    }
}
