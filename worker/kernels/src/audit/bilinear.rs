//! One contraction, checked without being computed.
//!
//! A contraction gives `C[p, m, n] = sum over k of A[p, m, k] * B[p, n, k]`, where `m` are the output axes that only the
//! left operand follows, `n` those that only the right one follows, and `p` those that both follow. For weights `u` over
//! `m` and `v` over `n`,
//!
//! ```text
//! sum over m, n of u[m] * C[p, m, n] * v[n] = sum over k of (u A)[p, k] * (v B)[p, k]
//! ```
//!
//! whatever the views read: padding and clamping are part of `A` and `B`. If `C` is wrong anywhere, `D = C - A B` is not
//! zero for some `p`, and the two sides differ by `u D v`. All of it is computed modulo the prime 2^127 - 1, which no entry
//! of `D` reaches: sums have 32 bits. A row `d` of `D` that is not zero has `d v = 0` for at most one of the 2^72 values of
//! one of the weights, whatever the others are; and then `u (D v) = 0` likewise. So a lie passes with a chance of at most
//! 2 / 2^72. This is Freivalds' check (R. Freivalds, "Probabilistic machines can use less running time", IFIP Congress
//! 1977), with weights on both sides, so that each operand is read once.
//!
//! The weights are digits of bytes, so that reading is by the dot products of bytes that processors have; sums of digits
//! are exact integers and meet the prime only at the end. What a param contributes is computed once, ahead.

use super::field::Residue;
use super::secret::Weights;
use super::weigh::{DIGITS, ROWS, ROWS_BEFORE_WRAP, Weighing, stride, weigh};
use crate::cpu::{AXES, Access, Available, Point};
use referee::graph::{Dtype, OpKind, ResolvedOp};

/// What checking costs beside computing, each in multiplications of bytes: rates differ, and rows are read in blocks.
const OVERHEAD_PERCENT: u64 = 150;

/// One contraction, prepared for checking.
#[derive(Debug)]
pub(super) struct Bilinear {
    sides: [Side; 2],
    /// Axes that both operands follow.
    shared: Axes,
    /// Reduction axes.
    reduction: Axes,
    /// Lengths of the output axes, with the elements between neighbours on each.
    strides: [usize; AXES],
    /// The side that the innermost output axis belongs to, and how many of its points lie next to each other.
    columns: usize,
    run: usize,
}

/// One operand.
#[derive(Debug)]
struct Side {
    access: Access,
    /// Output axes that it follows alone.
    own: Axes,
    /// What it contributes, for each shared point and each reduction point, if it is known ahead.
    prepared: Option<Vec<Residue>>,
}

/// Some axes with their lengths, outermost first.
#[derive(Clone, Debug, Default)]
struct Axes(Vec<(usize, u32)>);

impl Axes {
    fn points(&self) -> usize {
        self.0.iter().map(|(_, length)| *length as usize).product()
    }

    /// The coordinates of a row-major index.
    fn place(&self, point: &mut Point, index: usize) {
        let mut rest = index;
        for (axis, length) in self.0.iter().rev() {
            point[*axis] = (rest % *length as usize) as u32;
            rest /= *length as usize;
        }
    }

    /// The next point in row-major order.
    fn advance(&self, point: &mut Point) {
        for (axis, length) in self.0.iter().rev() {
            point[*axis] += 1;
            if point[*axis] < *length {
                return;
            }
            point[*axis] = 0;
        }
    }
}

impl Bilinear {
    /// Prepares a contraction; `None` for all else.
    pub(super) fn new(op: &ResolvedOp) -> Option<Self> {
        let [left, right, ..] = &op.operands[..] else { return None };
        if op.kind != OpKind::Contract {
            return None;
        }
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let access = [Access::new(left, &lengths), Access::new(right, &lengths)];
        let [mut shared, mut own] = [Axes::default(), Axes::default()];
        let mut others = Axes::default();
        let mut side_of = [None; AXES];
        for (axis, length) in op.output_dims.iter().copied().enumerate() {
            let follows = [access[0].follows(axis), access[1].follows(axis)];
            match follows {
                [true, true] => shared.0.push((axis, length)),
                [false, true] => others.0.push((axis, length)),
                _ => own.0.push((axis, length)),
            }
            side_of[axis] = match follows {
                [true, true] => None,
                [false, true] => Some(1),
                _ => Some(0),
            };
        }
        let first = op.output_dims.len();
        let reduction =
            Axes(op.reduction_dims.iter().enumerate().map(|(axis, length)| (first + axis, *length)).collect());
        let mut strides = [0; AXES];
        let mut elements = 1;
        for (axis, length) in op.output_dims.iter().enumerate().rev() {
            strides[axis] = elements;
            elements *= *length as usize;
        }
        // The innermost axes of one side; axes of length 1 lie in nobody's way.
        let innermost = op.output_dims.iter().enumerate().rev().find(|(_, length)| **length > 1);
        let columns = innermost.and_then(|(axis, _)| side_of[axis]).unwrap_or(0);
        let trailing = op.output_dims.iter().enumerate().rev();
        let run = trailing
            .take_while(|(axis, length)| **length == 1 || side_of[*axis] == Some(columns))
            .map(|(_, length)| *length as usize)
            .product();
        let [left, right] = access;
        let sides = [Side { access: left, own, prepared: None }, Side { access: right, own: others, prepared: None }];
        Some(Self { sides, shared, reduction, strides, columns, run })
    }

    /// Whether checking is cheaper than computing. `is_param` says which operands are known ahead.
    pub(super) fn is_worthwhile(&self, is_param: [bool; 2]) -> bool {
        self.cost(is_param) * OVERHEAD_PERCENT / 100 < self.products()
    }

    /// Multiplications of bytes that a check takes.
    fn cost(&self, is_param: [bool; 2]) -> u64 {
        let depth = stride(self.reduction.points()) as u64;
        let read: u64 = (0..2).filter(|side| !is_param[*side]).map(|side| self.rows(side) as u64 * depth).sum();
        let runs = (self.rows(self.columns) / self.run.max(1)) as u64;
        let sums = self.rows(1 - self.columns) as u64 * runs * stride(4 * self.run) as u64;
        self.shared.points() as u64 * DIGITS as u64 * (read + sums)
    }

    /// Multiplications that computing takes.
    fn products(&self) -> u64 {
        let points = [self.shared.points(), self.rows(0), self.rows(1), self.reduction.points()];
        points.into_iter().map(|points| points as u64).product()
    }

    /// Weights that a side needs.
    pub(super) fn rows(&self, side: usize) -> usize {
        self.sides[side].own.points()
    }

    /// Computes what a param contributes.
    pub(super) fn prepare(&mut self, side: usize, data: &[u8], weights: &Weights, isa: Available) {
        self.sides[side].prepared = Some(self.operand(side, data, weights, isa));
    }

    /// Whether the sums are those of the operands.
    pub(super) fn check(&self, operands: [&[u8]; 2], sums: &[u8], weights: &[Weights; 2], isa: Available) -> bool {
        let side = |side: usize| match &self.sides[side].prepared {
            Some(_) => None,
            None => Some(self.operand(side, operands[side], &weights[side], isa)),
        };
        let (claimed, (left, right)) = both(|| self.claimed(sums, weights, isa), || both(|| side(0), || side(1)));
        let left = left.as_deref().or(self.sides[0].prepared.as_deref()).unwrap_or_default();
        let right = right.as_deref().or(self.sides[1].prepared.as_deref()).unwrap_or_default();
        let depth = self.reduction.points();
        let products = left.chunks(depth).zip(right.chunks(depth));
        let given = products.map(|(left, right)| {
            left.iter().zip(right).fold(Residue::default(), |sum, (left, right)| sum.plus(left.times(*right)))
        });
        claimed.into_iter().eq(given)
    }

    /// `(u A)[p, k]` for every `p` and `k`.
    fn operand(&self, side: usize, data: &[u8], weights: &Weights, isa: Available) -> Vec<Residue> {
        let Side { access, own, .. } = &self.sides[side];
        let depth = self.reduction.points();
        let flip = if access.dtype() == Dtype::I8 { 0x80 } else { 0 };
        let (inner_axis, inner) =
            self.reduction.0.last().map_or((AXES - 1, 1), |(axis, length)| (*axis, *length as usize));
        let mut scratch = vec![0u8; ROWS * depth];
        let mut out = Vec::with_capacity(self.shared.points() * depth);
        let mut sums = vec![0i32; DIGITS * stride(depth)];
        for shared in 0..self.shared.points() {
            let mut point: Point = [0; AXES];
            self.shared.place(&mut point, shared);
            let mut totals = vec![Residue::default(); depth];
            let rows = own.points();
            for first in (0..rows).step_by(ROWS) {
                let count = ROWS.min(rows - first);
                let mut lines: Vec<&[u8]> = Vec::with_capacity(count);
                for line in scratch.chunks_mut(depth).take(count) {
                    lines.push(match access.straight(data, &point, inner_axis, depth, inner) {
                        Some(straight) => straight,
                        None => {
                            self.read(access, data, point, line, inner_axis, inner);
                            line
                        }
                    });
                    own.advance(&mut point);
                }
                let words = weights.words(first, count);
                weigh(isa, Weighing { rows: &lines, words: &words, flip: [flip; 4], columns: depth, sums: &mut sums });
                let end = first + count;
                if end == rows || end % ROWS_BEFORE_WRAP == 0 {
                    let since = (end - 1) / ROWS_BEFORE_WRAP * ROWS_BEFORE_WRAP;
                    let shift = i128::from(flip) * weights.total(since, end);
                    for (column, total) in totals.iter_mut().enumerate() {
                        *total = total.plus(Residue::of(joined(&sums, column, stride(depth)) - shift));
                    }
                    sums.fill(0);
                }
            }
            out.append(&mut totals);
        }
        out
    }

    /// Reads what a view shows of all reduction points.
    fn read(&self, access: &Access, data: &[u8], mut point: Point, line: &mut [u8], axis: usize, inner: usize) {
        let outer = Axes(self.reduction.0[..self.reduction.0.len().saturating_sub(1)].to_vec());
        for piece in line.chunks_mut(inner) {
            access.load_bytes(data, &point, axis, piece);
            outer.advance(&mut point);
        }
    }

    /// `sum over m, n of u[m] * C[p, m, n] * v[n]` for every `p`.
    fn claimed(&self, sums: &[u8], weights: &[Weights; 2], isa: Available) -> Vec<Residue> {
        let (rows, columns) = (&self.sides[1 - self.columns].own, &self.sides[self.columns].own);
        let (row_weights, column_weights) = (&weights[1 - self.columns], &weights[self.columns]);
        let (row_count, run) = (rows.points(), self.run);
        let offset = |point: &Point| -> usize {
            point.iter().zip(&self.strides).map(|(at, stride)| *at as usize * stride).sum()
        };
        let mut weighed = vec![0i32; DIGITS * stride(4 * run)];
        let mut out = Vec::with_capacity(self.shared.points());
        for shared in 0..self.shared.points() {
            let mut total = Residue::default();
            for first_column in (0..columns.points()).step_by(run) {
                let mut point: Point = [0; AXES];
                self.shared.place(&mut point, shared);
                columns.place(&mut point, first_column);
                for first in (0..row_count).step_by(ROWS) {
                    let count = ROWS.min(row_count - first);
                    let mut lines: Vec<&[u8]> = Vec::with_capacity(count);
                    for _ in 0..count {
                        let start = 4 * offset(&point);
                        lines.push(&sums[start..start + 4 * run]);
                        rows.advance(&mut point);
                    }
                    let words = row_weights.words(first, count);
                    let flip = [0, 0, 0, 0x80];
                    weigh(isa, Weighing { rows: &lines, words: &words, flip, columns: 4 * run, sums: &mut weighed });
                    let end = first + count;
                    if end == row_count || end % ROWS_BEFORE_WRAP == 0 {
                        let since = (end - 1) / ROWS_BEFORE_WRAP * ROWS_BEFORE_WRAP;
                        let shift = row_weights.total(since, end) << 31;
                        for column in 0..run {
                            let sum = joined_words(&weighed, column, stride(4 * run)) - shift;
                            let weight = column_weights.scalar(first_column + column);
                            total = total.plus(Residue::of(sum).times(weight));
                        }
                        weighed.fill(0);
                    }
                }
            }
            out.push(total);
        }
        out
    }
}

/// Does two things at once where the caller is in a pool of several threads, and else one after the other.
fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    if rayon::current_thread_index().is_some() && rayon::current_num_threads() > 1 {
        rayon::join(one, other)
    } else {
        (one(), other())
    }
}

/// The sum of a column's digits, each at its place.
#[inline]
fn joined(sums: &[i32], column: usize, stride: usize) -> i128 {
    let digit = |digit: usize| i64::from(sums[digit * stride + column]);
    let four =
        |first: usize| digit(first) + (digit(first + 1) << 8) + (digit(first + 2) << 16) + (digit(first + 3) << 24);
    const _: () = assert!(DIGITS == 9);
    i128::from(four(0)) + (i128::from(four(4)) << 32) + (i128::from(digit(8)) << 64)
}

/// As [`joined`] for columns of four bytes, each at its place in a word.
#[inline]
fn joined_words(sums: &[i32], column: usize, stride: usize) -> i128 {
    let word = |digit: usize| {
        let bytes = &sums[digit * stride + 4 * column..][..4];
        let [a, b, c, d] = [bytes[0], bytes[1], bytes[2], bytes[3]].map(i64::from);
        a + (b << 8) + (c << 16) + (d << 24)
    };
    // A word has 56 bits, so that joining has to begin in 128.
    (0..DIGITS).rev().fold(0i128, |sum, digit| (sum << 8) + i128::from(word(digit)))
}
