//! Reductions over points: sums, extremes, and contractions that are no matrix product.

use super::program::LaneProgram;
use super::rows::Rows;
use super::{Batch, LANES};
use crate::cpu::access::{AXES, Access, Point};
use crate::cpu::isa::{Available, Job};
use crate::cpu::scratch::Scratch;
use crate::cpu::sweep::Sweep;
use referee::graph::{OpKind, ResolvedGraph, ResolvedOp};

/// The reduction of an op: what the epilogue's registers 0 and 1 start as, for each output point.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    kind: OpKind,
    prologue: LaneProgram,
    accesses: Vec<Access>,
    /// Over the output axes.
    outer: Sweep,
    /// Over the reduction axes.
    inner: Sweep,
    /// Lanes lie along the reduction axes, not across output points.
    along: bool,
    output_axes: Vec<(usize, u32)>,
    /// How rows are reduced without the program.
    rows: Option<Rows>,
}

impl Fold {
    /// The reduction of `op`; `place_read` says whether the epilogue reads register 0.
    pub(crate) fn new(graph: &ResolvedGraph, op: &ResolvedOp, place_read: bool) -> Self {
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let results = if op.kind == OpKind::SumPair { 2 } else { 1 };
        let prologue = match op.prologue.and_then(|index| graph.programs.get(usize::from(index))) {
            Some(program) => LaneProgram::new(program, &lengths, 0, results),
            None => LaneProgram::product(),
        };
        let accesses: Vec<Access> = op.operands.iter().map(|view| Access::new(view, &lengths)).collect();
        let read: Vec<Access> =
            prologue.operands().iter().map(|operand| accesses[usize::from(*operand)].clone()).collect();
        let outputs = op.output_dims.len();
        let axes: Vec<(usize, u32)> = lengths.iter().copied().enumerate().collect();
        let reads = |axis: usize| prologue.reads_coordinate(axis);
        let outer = Sweep::new(&axes[..outputs], &read, reads);
        let inner = if axes.len() > outputs {
            Sweep::new(&axes[outputs..], &read, reads)
        } else {
            // no reduction axes: one point, along an axis that nothing follows
            Sweep::new(&[(AXES - 1, 1)], &read, reads)
        };
        // straight pieces are what lanes are quick on; neighbours in memory are better still
        let score = |sweep: &Sweep| {
            let axis = sweep.innermost();
            let neighbours = read.iter().filter(|access| !matches!(access.stride(axis), Some(0 | 1))).count() == 0;
            sweep.innermost_length().min(LANES) * if neighbours { 4 } else { 1 }
        };
        let along = score(&inner) > score(&outer);
        let rows = if along { Rows::of(op.kind, &prologue, &accesses, &inner, place_read) } else { None };
        Self { kind: op.kind, prologue, accesses, outer, inner, along, output_axes: axes[..outputs].to_vec(), rows }
    }

    /// Whether rows are reduced without the program.
    #[cfg(test)]
    pub(crate) fn is_narrow(&self) -> bool {
        self.rows.is_some()
    }

    /// Steps for each output point: what a point costs.
    pub(crate) fn steps(&self) -> usize {
        self.inner.points().saturating_mul(self.prologue.steps.len() + 1)
    }

    /// Reduces points `first..first + count` (at most [`LANES`]) into `scratch.pairs`.
    pub(crate) fn run(
        &self,
        isa: Available,
        operands: &[&[u8]],
        (first, count): (usize, usize),
        scratch: &mut Scratch,
    ) {
        isa.run(Run { fold: self, operands, first, count, scratch });
    }
}

struct Run<'a, 's> {
    fold: &'a Fold,
    operands: &'a [&'a [u8]],
    first: usize,
    count: usize,
    scratch: &'s mut Scratch,
}

impl Job for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        if let Some(rows) = &self.fold.rows {
            self.rows(rows);
        } else if self.fold.along {
            self.along();
        } else {
            self.across();
        }
        if self.fold.kind == OpKind::Contract {
            let sums = &mut self.scratch.pairs[0][..self.count];
            for sum in sums {
                *sum = i64::from(*sum as i32);
            }
        }
    }
}

impl Run<'_, '_> {
    /// Point by point, each a row of neighbours.
    #[inline(always)]
    fn rows(&mut self, rows: &Rows) {
        let Fold { accesses, inner, output_axes, .. } = self.fold;
        let (axis, points, operands) = (inner.innermost(), inner.points(), self.operands);
        let [firsts, seconds] = &mut self.scratch.pairs;
        for (at, (first, second)) in firsts.iter_mut().zip(seconds).take(self.count).enumerate() {
            let point = locate(output_axes, self.first + at);
            // rows are neighbours, see `Rows::of`
            let row = |operand: usize| {
                accesses[operand].neighbours(operands[operand], &point, axis, points).unwrap_or_default()
            };
            [*first, *second] = rows.reduce(row);
        }
    }

    /// Point by point, lanes along the reduction.
    #[inline(always)]
    fn along(&mut self) {
        let Fold { kind, prologue, accesses, inner, output_axes, .. } = self.fold;
        let Scratch { registers, segments, pairs, .. } = &mut *self.scratch;
        let axis = inner.innermost();
        let [firsts, seconds] = pairs;
        for (at, (first, second)) in firsts.iter_mut().zip(seconds).take(self.count).enumerate() {
            let point = locate(output_axes, self.first + at);
            let mut result = [0i64; 2];
            let mut best: Option<(usize, i64)> = None;
            let points = inner.points();
            for start in (0..points).step_by(LANES) {
                let count = LANES.min(points - start);
                inner.segments(&point, start, count, segments);
                let batch = Batch { accesses, operands: self.operands, segments, axis, count };
                // SAFETY: a prologue stores nothing.
                unsafe { batch.execute(&prologue.steps, registers, &[], 0) };
                let lanes = &registers.lanes(0)[..count];
                match kind {
                    OpKind::ArgMax | OpKind::ArgMin => {
                        let least = *kind == OpKind::ArgMin;
                        let value = extreme(lanes, least);
                        if best.is_none_or(|(_, best)| is_better(*kind, value, best)) {
                            // the first of those that are equal
                            let lane = lanes.iter().position(|lane| *lane == value).unwrap_or(0);
                            best = Some((start + lane, value));
                        }
                    }
                    _ => {
                        result[0] = result[0].wrapping_add(sum(lanes));
                        if *kind == OpKind::SumPair {
                            result[1] = result[1].wrapping_add(sum(&registers.lanes(1)[..count]));
                        }
                    }
                }
            }
            if let Some((index, value)) = best {
                result = [index as i64, value];
            }
            [*first, *second] = result;
        }
    }

    /// Reduction point by reduction point, lanes across output points.
    #[inline(always)]
    fn across(&mut self) {
        let Fold { kind, prologue, accesses, outer, inner, .. } = self.fold;
        let Scratch { registers, segments, pairs, .. } = &mut *self.scratch;
        let axis = outer.innermost();
        outer.segments(&[0; AXES], self.first, self.count, segments);
        pairs.iter_mut().for_each(|lanes| lanes.fill(0));
        let [first, second] = pairs;
        for index in 0..inner.points() {
            for segment in segments.iter_mut() {
                inner.locate(index, &mut segment.point);
            }
            let batch = Batch { accesses, operands: self.operands, segments, axis, count: self.count };
            // SAFETY: a prologue stores nothing.
            unsafe { batch.execute(&prologue.steps, registers, &[], 0) };
            let lanes = registers.lanes(0).iter().take(self.count);
            match kind {
                OpKind::ArgMax | OpKind::ArgMin => {
                    for ((best_index, best), value) in first.iter_mut().zip(second.iter_mut()).zip(lanes) {
                        if index == 0 || is_better(*kind, *value, *best) {
                            *best_index = index as i64;
                            *best = *value;
                        }
                    }
                }
                _ => {
                    for (sum, value) in first.iter_mut().zip(lanes) {
                        *sum = sum.wrapping_add(*value);
                    }
                    if *kind == OpKind::SumPair {
                        for (sum, value) in second.iter_mut().zip(registers.lanes(1)).take(self.count) {
                            *sum = sum.wrapping_add(*value);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn sum(lanes: &[i64]) -> i64 {
    let mut sum = 0i64;
    for lane in lanes {
        sum = sum.wrapping_add(*lane);
    }
    sum
}

/// The least or greatest of at least one value.
#[inline(always)]
fn extreme(lanes: &[i64], least: bool) -> i64 {
    let mut extreme = if least { i64::MAX } else { i64::MIN };
    if least {
        for lane in lanes {
            extreme = extreme.min(*lane);
        }
    } else {
        for lane in lanes {
            extreme = extreme.max(*lane);
        }
    }
    extreme
}

#[inline(always)]
fn is_better(kind: OpKind, value: i64, best: i64) -> bool {
    if kind == OpKind::ArgMin { value < best } else { value > best }
}

/// The output point with this row-major index.
#[inline(always)]
fn locate(axes: &[(usize, u32)], index: usize) -> Point {
    let mut point = [0; AXES];
    // an op has fewer than 2^31 points, and a division of 32 bits is much the quicker
    let mut rest = index as u32;
    for (axis, length) in axes.iter().rev() {
        point[*axis] = rest % length;
        rest /= length;
    }
    point
}
