//! Which elements of an operand lie behind one output element, bounded from its view.
//!
//! Fix a point of the output axes. On each source axis the coordinates that are read form a set with a least width and a
//! number of members; what is read is a subset of the product of these sets. For every `k`, cut the axes (outermost
//! first) behind the first ones: for each combination of coordinates on the outer axes, what is read on the `k` inner
//! ones lies in one run of adjacent elements, as long as their widths make it. So the leaves are at most (combinations) x
//! (leaves of such a run), and the least of these products over `k` is a bound too. Where runs can start modulo the leaf
//! size follows from the greatest common divisor of all that moves them.

use super::strip::{Opening, Runs, gcd};
use crate::commit::TensorLayout;
use crate::graph::resolve::ResolvedOp;
use crate::graph::view::ResolvedView;
use alloc::vec::Vec;

/// What is read of an operand for one output element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// The view at every reduction point.
    Points,
    /// The view with any coordinate on its indirect axis, so many times.
    Gathers(u64),
}

/// Values `base + grain * z` for whole `z`: a grain of 0 is one value.
#[derive(Clone, Copy, Debug)]
struct Lattice {
    base: i64,
    grain: u64,
}

/// The coordinates that are read on one source axis.
struct Axis {
    /// Elements between neighbours on this axis.
    stride: u64,
    /// From the least to the greatest coordinate of one output point, both included.
    width: u64,
    /// Number of distinct coordinates at most, by the offsets and reduction axes that move it.
    count: u64,
    /// Where the least coordinate can lie.
    least: Lattice,
    /// Where any coordinate can lie.
    any: Lattice,
    /// Reduction axes that move it, as bits.
    moved_by: u8,
}

/// The region of an operand behind one output element.
pub(super) struct Reach {
    /// Innermost first.
    axes: Vec<Axis>,
    /// Length of each reduction axis.
    reduction: Vec<u64>,
    /// Number of offset lists.
    copies: u64,
}

/// Whether two views read the same tensor and differ at most in their offsets.
pub(super) fn side_by_side(a: &ResolvedView, b: &ResolvedView) -> bool {
    a.slot == b.slot
        && a.dims == b.dims
        && a.terms == b.terms
        && a.indirect == b.indirect
        && (a.offsets == b.offsets || a.indirect.is_none())
}

impl Reach {
    /// The region of views like `view` with each of these offsets, side by side.
    pub(super) fn new(op: &ResolvedOp, view: &ResolvedView, offsets: &[&[i32]]) -> Self {
        let mut axes = Vec::with_capacity(view.dims.len());
        let mut stride = 1;
        for (axis, dim) in view.dims.iter().enumerate().rev() {
            axes.push(Axis::new(op, view, axis, stride, offsets));
            stride *= u64::from(*dim);
        }
        let reduction = op.reduction_dims.iter().map(|dim| u64::from(*dim)).collect();
        Self { axes, reduction, copies: offsets.len() as u64 }
    }

    /// The least bound on what a proof opens.
    pub(super) fn opening(&self, layout: &TensorLayout, visit: Visit) -> Opening {
        let cuts = (0..=self.axes.len()).map(|inner| self.runs(layout, inner).opening(layout));
        let least = cuts.fold(Opening::whole(layout), Opening::cheaper);
        match visit {
            Visit::Points => least,
            Visit::Gathers(count) => least.cheaper(Opening::single_leaves(layout, count)),
        }
    }

    /// Runs over the `inner` innermost axes, one for each combination of coordinates on the others.
    fn runs(&self, layout: &TensorLayout, inner: usize) -> Runs {
        let size = u64::from(layout.dtype.bytes());
        let (mut length, mut count, mut moved_by) = (1u64, 1u64, 0u8);
        let mut start = Lattice { base: 0, grain: 0 };
        for (index, axis) in self.axes.iter().enumerate() {
            let lattice = if index < inner {
                length += (axis.width - 1) * axis.stride;
                axis.least
            } else {
                count = count.saturating_mul(axis.count);
                moved_by |= axis.moved_by;
                axis.any
            };
            start.base += lattice.base * axis.stride as i64;
            start.grain = gcd(start.grain, lattice.grain * axis.stride);
        }
        if moved_by & INDIRECT == 0 {
            // The coordinates on the outer axes are functions of the reduction axes that move them, and of the offsets.
            let moving = self.reduction.iter().enumerate().filter(|(axis, _)| moved_by >> axis & 1 == 1);
            count = count.min(moving.fold(self.copies, |points, (_, length)| points.saturating_mul(*length)));
        }
        Runs { count, bytes: length * size, base: start.base * size as i64, grain: start.grain * size }
    }
}

/// Marks the indirect axis among the reduction axes that move a coordinate.
const INDIRECT: u8 = 0x80;

impl Axis {
    fn new(op: &ResolvedOp, view: &ResolvedView, axis: usize, stride: u64, offsets: &[&[i32]]) -> Self {
        let dim = view.dims.get(axis).copied().map_or(1, u64::from).max(1);
        if view.indirect == Some(axis as u8) {
            let whole = Lattice { base: 0, grain: 0 };
            let any = Lattice { base: 0, grain: 1 };
            return Self { stride, width: dim, count: dim, least: whole, any, moved_by: INDIRECT };
        }
        let offsets: Vec<i128> =
            offsets.iter().filter_map(|offsets| offsets.get(axis)).map(|o| i128::from(*o)).collect();
        let (first, last) = (offsets.iter().min().copied().unwrap_or(0), offsets.iter().max().copied().unwrap_or(0));
        let spread = offsets.iter().fold(0, |spread, offset| gcd(spread, offset.abs_diff(first) as u64));

        let (mut low, mut high, mut reduced_low, mut reduced_high) = (first, last, 0i128, 0i128);
        let (mut output_grain, mut reduction_grain) = (0u64, 0u64);
        let (mut count, mut moved_by) = (if spread == 0 { 1 } else { offsets.len() as u64 }, 0u8);
        for term in view.terms.iter().filter(|term| usize::from(term.source_axis) == axis) {
            let length = op.iteration_length(term.iteration_axis).unwrap_or(1).max(1);
            if length == 1 {
                continue;
            }
            let reach = i128::from(term.coefficient) * i128::from(length - 1);
            let coefficient = u64::from(term.coefficient.unsigned_abs());
            (low, high) = (low + reach.min(0), high + reach.max(0));
            match usize::from(term.iteration_axis).checked_sub(op.output_dims.len()) {
                Some(reduction_axis) => {
                    (reduced_low, reduced_high) = (reduced_low + reach.min(0), reduced_high + reach.max(0));
                    reduction_grain = gcd(reduction_grain, coefficient);
                    count = count.saturating_mul(u64::from(length));
                    moved_by |= 1 << reduction_axis.min(6);
                }
                None => output_grain = gcd(output_grain, coefficient),
            }
        }
        let width = (last - first + reduced_high - reduced_low + 1).min(i128::from(dim)) as u64;
        if low < 0 || high >= i128::from(dim) {
            // Clamping moves coordinates together, padding drops some: either way none leaves the shape, and they can lie
            // anywhere in it.
            let anywhere = Lattice { base: 0, grain: 1 };
            return Self { stride, width, count: count.min(width), least: anywhere, any: anywhere, moved_by };
        }
        let least = Lattice { base: (first + reduced_low) as i64, grain: output_grain };
        let any = Lattice { base: first as i64, grain: gcd(gcd(output_grain, reduction_grain), spread) };
        Self { stride, width, count: count.min(width), least, any, moved_by }
    }
}
