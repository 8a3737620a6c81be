//! Reductions over points: sums, extremes, and contractions that are no matrix product.

use super::narrow::{Form, Forms, Linear};
use super::program::LaneProgram;
use super::{Batch, LANES};
use crate::cpu::access::{AXES, Access, Point};
use crate::cpu::isa::{Available, Job};
use crate::cpu::scratch::Scratch;
use crate::cpu::sweep::Sweep;
use referee::graph::{Dtype, OpKind, ResolvedGraph, ResolvedOp};

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
    narrow: Option<Narrow>,
}

/// A sum of an operand's rows, or an extreme of which the place is not asked for, perhaps masked.
#[derive(Clone, Debug)]
struct Narrow {
    operand: usize,
    dtype: Dtype,
    /// Where this operand of bytes is 0, the number counts instead.
    mask: Option<(usize, i32)>,
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
        let narrows = match op.kind {
            OpKind::Sum => true,
            OpKind::ArgMax | OpKind::ArgMin => !place_read,
            OpKind::SumPair | OpKind::Contract | OpKind::Map => false,
        };
        let narrow = if narrows && along { Narrow::of(op.kind, &prologue, &accesses, &inner) } else { None };
        Self { kind: op.kind, prologue, accesses, outer, inner, along, output_axes: axes[..outputs].to_vec(), narrow }
    }

    /// Whether values are reduced in 32 bits.
    #[cfg(test)]
    pub(crate) fn is_narrow(&self) -> bool {
        self.narrow.is_some()
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
        if let Some(narrow) = &self.fold.narrow {
            self.narrow(narrow);
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

impl Narrow {
    fn of(kind: OpKind, prologue: &LaneProgram, accesses: &[Access], inner: &Sweep) -> Option<Self> {
        let (values, mask) = match Forms::of(prologue, accesses).into_lane()? {
            Form::Linear(values) => (values, None),
            Form::Masked(form, operand, other) => match *form {
                Form::Linear(values) => (values, Some((usize::from(operand), i32::try_from(other).ok()?))),
                Form::Looked(..) | Form::Masked(..) => return None,
            },
            Form::Looked(..) => return None,
        };
        let operand = match values {
            Linear { constant: 0, terms } => match terms[..] {
                [(operand, 1)] => usize::from(operand),
                _ => return None,
            },
            Linear { .. } => return None,
        };
        let dtype = accesses[operand].dtype();
        let is_row = |operand: usize| accesses[operand].stride(inner.innermost()) == Some(1);
        let one_line = inner.innermost_length() == inner.points();
        let masked = mask.is_none_or(|(mask, _)| is_row(mask) && accesses[mask].dtype().bytes() == 1);
        // 2^14 elements of 16 bits a lane
        let other = mask.map_or(0, |(_, other)| other.unsigned_abs());
        let fits = kind != OpKind::Sum || (inner.points() <= 1 << 20 && other <= 1 << 15);
        (one_line && masked && fits && is_row(operand) && dtype != Dtype::I32).then_some(Self { operand, dtype, mask })
    }

    /// The sum or extreme of a row, whose elements `value` reads.
    #[inline(always)]
    fn reduce<const BYTES: usize>(
        &self,
        kind: OpKind,
        row: &[u8],
        mask: Option<(&[u8], i32)>,
        value: impl Fn([u8; BYTES]) -> i32,
    ) -> i64 {
        // a loop for each kind and for masked rows, so that nothing is decided within
        match kind {
            OpKind::ArgMax => reduce(row, mask, i32::MIN, value, i32::max).into_iter().fold(i32::MIN, i32::max).into(),
            OpKind::ArgMin => reduce(row, mask, i32::MAX, value, i32::min).into_iter().fold(i32::MAX, i32::min).into(),
            _ => reduce(row, mask, 0, value, i32::wrapping_add).into_iter().map(i64::from).sum(),
        }
    }
}

/// Lanes of a few vector registers, each with its own sum or extreme.
const WIDTH: usize = 64;

/// The lanes after a row; `neutral` is what changes nothing.
#[inline(always)]
fn reduce<const BYTES: usize>(
    row: &[u8],
    mask: Option<(&[u8], i32)>,
    neutral: i32,
    value: impl Fn([u8; BYTES]) -> i32,
    combine: impl Fn(i32, i32) -> i32,
) -> [i32; WIDTH] {
    let mut lanes = [neutral; WIDTH];
    let (chunks, rest) = row.as_chunks::<BYTES>().0.as_chunks::<WIDTH>();
    let Some((mask, other)) = mask else {
        for chunk in chunks {
            for (lane, bytes) in lanes.iter_mut().zip(chunk) {
                *lane = combine(*lane, value(*bytes));
            }
        }
        for (lane, bytes) in lanes.iter_mut().zip(rest) {
            *lane = combine(*lane, value(*bytes));
        }
        return lanes;
    };
    let masked = |value: i32, mask: u8| {
        // all ones where the value stays; a branch would be slower
        let keep = 0i32.wrapping_sub(i32::from(mask != 0));
        (value & keep) | (other & !keep)
    };
    let (mask_chunks, mask_rest) = mask.as_chunks::<WIDTH>();
    for (chunk, mask) in chunks.iter().zip(mask_chunks) {
        for ((lane, bytes), mask) in lanes.iter_mut().zip(chunk).zip(mask) {
            *lane = combine(*lane, masked(value(*bytes), *mask));
        }
    }
    for ((lane, bytes), mask) in lanes.iter_mut().zip(rest).zip(mask_rest) {
        *lane = combine(*lane, masked(value(*bytes), *mask));
    }
    lanes
}

impl Run<'_, '_> {
    /// Point by point, in lanes of 32 bits along the reduction.
    #[inline(always)]
    fn narrow(&mut self, narrow: &Narrow) {
        let Fold { kind, accesses, inner, output_axes, .. } = self.fold;
        let (axis, points, operands) = (inner.innermost(), inner.points(), self.operands);
        let [firsts, seconds] = &mut self.scratch.pairs;
        for (at, (first, second)) in firsts.iter_mut().zip(seconds).take(self.count).enumerate() {
            let point = locate(output_axes, self.first + at);
            // rows are neighbours, see `Narrow::of`
            let row = |operand: usize| {
                accesses[operand].neighbours(operands[operand], &point, axis, points).unwrap_or_default()
            };
            let (bytes, mask) = (row(narrow.operand), narrow.mask.map(|(mask, other)| (row(mask), other)));
            let result = match narrow.dtype {
                Dtype::I8 => narrow.reduce::<1>(*kind, bytes, mask, |[byte]| i32::from(byte as i8)),
                Dtype::U8 => narrow.reduce::<1>(*kind, bytes, mask, |[byte]| i32::from(byte)),
                _ => narrow.reduce::<2>(*kind, bytes, mask, |bytes| i32::from(i16::from_le_bytes(bytes))),
            };
            // the place of an extreme is not read
            (*first, *second) = if *kind == OpKind::Sum { (result, 0) } else { (0, result) };
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
