//! Affine access: from a point of the iteration space to an element of the operand.

use super::resolve::ResolvedOp;
use super::types::{Dtype, OutOfBounds, Slot, Term};
use alloc::vec::Vec;

/// A [`View`](super::View) with its symbols fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedView {
    /// The tensor that is read.
    pub slot: Slot,
    /// Its element type.
    pub dtype: Dtype,
    /// The shape it is seen in.
    pub dims: Vec<u32>,
    /// One offset for each axis of `dims`.
    pub offsets: Vec<i32>,
    /// As in the graph.
    pub terms: Vec<Term>,
    /// What is read outside.
    pub out_of_bounds: OutOfBounds,
    /// The axis whose coordinate comes from a register.
    pub indirect: Option<u8>,
}

/// What a view reads at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The element with this row-major index.
    Element(u32),
    /// Outside a padded view: this value.
    Outside(i64),
}

impl ResolvedView {
    /// What is read at a point of the iteration space; `indirect` is used by the indirect axis alone.
    ///
    /// The graph's checks keep every coordinate within 62 bits, so that the wrapping sums here never wrap.
    #[inline]
    pub fn access(&self, iteration: &[u32], indirect: i64) -> Access {
        let mut outside = false;
        let mut element = 0u64;
        for (axis, &dim) in self.dims.iter().enumerate() {
            let last = i64::from(dim).max(1) - 1;
            let coordinate = if self.indirect == Some(axis as u8) {
                indirect.clamp(0, last)
            } else {
                let coordinate = self.coordinate(axis, iteration);
                outside |= coordinate < 0 || coordinate > last;
                coordinate.clamp(0, last)
            };
            element = element.wrapping_mul(u64::from(dim)).wrapping_add(coordinate as u64);
        }
        match self.out_of_bounds {
            OutOfBounds::Pad(value) if outside => Access::Outside(i64::from(value)),
            _ => Access::Element(element as u32),
        }
    }

    /// The unclamped coordinate on one axis.
    #[inline]
    pub fn coordinate(&self, axis: usize, iteration: &[u32]) -> i64 {
        let mut coordinate = i64::from(self.offsets.get(axis).copied().unwrap_or(0));
        for term in &self.terms {
            if usize::from(term.source_axis) == axis {
                let at = iteration.get(usize::from(term.iteration_axis)).copied().unwrap_or(0);
                coordinate = coordinate.wrapping_add(i64::from(term.coefficient).wrapping_mul(i64::from(at)));
            }
        }
        coordinate
    }

    /// Least and greatest value of the unclamped coordinate on one axis over all points of the op's iteration space.
    pub fn coordinate_range(&self, axis: usize, op: &ResolvedOp) -> (i128, i128) {
        let offset = i128::from(self.offsets.get(axis).copied().unwrap_or(0));
        let terms = self.terms.iter().filter(|term| usize::from(term.source_axis) == axis);
        terms.fold((offset, offset), |(low, high), term| {
            let last = op.iteration_length(term.iteration_axis).unwrap_or(1).max(1) - 1;
            let reach = i128::from(term.coefficient) * i128::from(last);
            (low + reach.min(0), high + reach.max(0))
        })
    }

    /// Whether no point of the op's iteration space has a coordinate outside the shape.
    pub fn stays_inside(&self, op: &ResolvedOp) -> bool {
        self.dims.iter().enumerate().all(|(axis, dim)| {
            let (low, high) = self.coordinate_range(axis, op);
            self.indirect == Some(axis as u8) || (low >= 0 && high < i128::from(*dim))
        })
    }

    /// The innermost reduction axis longer than 1, as an iteration axis, and by how many elements the view moves along
    /// it, if that is neither 0 nor 1 in size: the view reads across rows.
    pub fn strided_axis(&self, op: &ResolvedOp) -> Option<(u8, i128)> {
        let (innermost, _) = op.reduction_dims.iter().enumerate().rev().find(|(_, dim)| **dim > 1)?;
        let axis = (op.output_dims.len() + innermost) as u8;
        let stride =
            |source: usize| self.dims.iter().skip(source + 1).fold(1i128, |stride, dim| stride * i128::from(*dim));
        let terms = self.terms.iter().filter(|term| term.iteration_axis == axis);
        let step: i128 = terms.map(|term| i128::from(term.coefficient) * stride(term.source_axis.into())).sum();
        (step.abs() > 1).then_some((axis, step))
    }

    /// Whether any term uses an iteration axis at or beyond `first_reduction_axis`.
    pub fn uses_reduction(&self, first_reduction_axis: usize) -> bool {
        self.terms.iter().any(|term| usize::from(term.iteration_axis) >= first_reduction_axis)
    }
}
