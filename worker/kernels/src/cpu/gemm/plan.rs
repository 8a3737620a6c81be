//! Which axes of a contraction are rows, columns, batches and depth.

use crate::cpu::access::{AXES, Access, Point};
use crate::cpu::sweep::Sweep;
use referee::graph::ResolvedOp;

/// Some axes, walked row-major, with their strides in the output.
#[derive(Clone, Debug)]
pub(crate) struct AxisGroup {
    axes: Vec<(usize, u32, usize)>,
}

impl AxisGroup {
    /// Number of points.
    pub(crate) fn points(&self) -> usize {
        self.axes.iter().map(|(_, length, _)| *length as usize).product()
    }

    /// Sets the axes of `point` to the point with this index, and gives its output element relative to the origin.
    #[inline]
    pub(crate) fn locate(&self, index: usize, point: &mut Point) -> usize {
        let (mut rest, mut element) = (index as u32, 0);
        for (axis, length, stride) in self.axes.iter().rev() {
            let at = rest % length;
            rest /= length;
            point[*axis] = at;
            element += at as usize * stride;
        }
        element
    }

    /// The axes with their lengths, outermost first.
    pub(crate) fn axes(&self) -> Vec<(usize, u32)> {
        self.axes.iter().map(|(axis, length, _)| (*axis, *length)).collect()
    }

    /// Whether the axis is one of these.
    pub(crate) fn contains(&self, axis: usize) -> bool {
        self.axes.iter().any(|(own, _, _)| *own == axis)
    }

    /// Whether the access depends on any of these axes.
    fn is_followed_by(&self, access: &Access) -> bool {
        self.axes.iter().any(|(axis, length, _)| *length > 1 && access.follows(*axis))
    }
}

/// One operand of the product.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Operand 0 or 1 of the op.
    pub(crate) operand: usize,
    pub(crate) access: Access,
    /// Over the reduction axes.
    pub(crate) depth: Sweep,
    /// It differs from batch to batch.
    pub(crate) batched: bool,
}

/// A contraction as a product of matrices.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) batches: AxisGroup,
    pub(crate) rows: AxisGroup,
    /// The innermost output axes: neighbouring columns are neighbours in the output.
    pub(crate) columns: AxisGroup,
    pub(crate) depth: usize,
    /// What rows follow.
    pub(crate) left: Side,
    /// What columns follow.
    pub(crate) right: Side,
}

/// Fewer columns than this leave most of a panel empty; lanes are as quick.
const FEWEST_COLUMNS: usize = 4;
/// With fewer rows than this, packing columns for one run costs more than it saves.
const FEWEST_ROWS: usize = 4;

impl Plan {
    /// The plan of a contraction, or `None` if it is no product of matrices that is worth it. `is_param` tells which
    /// operands are packed once, at load.
    pub(crate) fn new(op: &ResolvedOp, is_param: impl Fn(usize) -> bool) -> Option<Self> {
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let accesses: Vec<Access> = op.operands.iter().take(2).map(|view| Access::new(view, &lengths)).collect();
        let [first, second] = accesses.as_slice() else { return None };
        if ![first, second].iter().all(|access| access.pads_with_zero() && !access.is_indirect()) {
            return None;
        }
        let outputs = op.output_dims.len();
        let mut strides = vec![1usize; outputs];
        for axis in (0..outputs.saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * op.output_dims[axis + 1] as usize;
        }
        let follows = |axis: usize| {
            let long = op.output_dims[axis] > 1;
            (long && first.follows(axis), long && second.follows(axis))
        };

        let mut right_operand = None;
        let mut first_column = outputs;
        while first_column > 0 {
            let side = match follows(first_column - 1) {
                (true, true) => break,
                (true, false) => Some(0),
                (false, true) => Some(1),
                (false, false) => None,
            };
            if side.is_some() && right_operand.is_some() && side != right_operand {
                break;
            }
            right_operand = right_operand.or(side);
            first_column -= 1;
        }
        let right_operand: usize = right_operand?;
        let left_operand = 1 - right_operand;

        let group = |axes: Vec<usize>| AxisGroup {
            axes: axes.into_iter().map(|axis| (axis, op.output_dims[axis], strides[axis])).collect(),
        };
        let is_batch = |axis: &usize| {
            let follows = follows(*axis);
            if right_operand == 0 { follows.0 } else { follows.1 }
        };
        let columns = group((first_column..outputs).collect());
        let batches = group((0..first_column).filter(is_batch).collect());
        let rows = group((0..first_column).filter(|axis| !is_batch(axis)).collect());
        let packed_at_load = is_param(right_operand);
        if columns.points() < FEWEST_COLUMNS || (!packed_at_load && rows.points() < FEWEST_ROWS) {
            return None;
        }

        let reduction = reduction_axes(op);
        let side = |operand: usize| {
            let access = accesses[operand].clone();
            let depth = Sweep::new(&reduction, std::slice::from_ref(&access), |_| false);
            let batched = batches.is_followed_by(&access);
            Side { operand, access, depth, batched }
        };
        let (left, right) = (side(left_operand), side(right_operand));
        Some(Self { depth: op.reduction_points() as usize, left, right, batches, rows, columns })
    }

    /// The same axes with the views of another op, which has the same iteration space.
    pub(crate) fn with_views_of(mut self, op: &ResolvedOp) -> Self {
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let reduction = reduction_axes(op);
        for side in [&mut self.left, &mut self.right] {
            side.access = Access::new(&op.operands[side.operand], &lengths);
            side.depth = Sweep::new(&reduction, std::slice::from_ref(&side.access), |_| false);
            side.batched = self.batches.is_followed_by(&side.access);
        }
        self
    }

    /// Multiplications of one run.
    pub(crate) fn multiplications(&self) -> usize {
        self.batches.points() * self.rows.points() * self.columns.points() * self.depth
    }
}

/// The reduction axes with their lengths; one that nothing follows where there is none.
fn reduction_axes(op: &ResolvedOp) -> Vec<(usize, u32)> {
    let outputs = op.output_dims.len();
    let axes = op.reduction_dims.iter().enumerate().map(|(axis, length)| (outputs + axis, *length));
    if op.reduction_dims.is_empty() { vec![(AXES - 1, 1)] } else { axes.collect() }
}

/// The axes of a contraction that are batches, with their lengths, if it is a product and no side of it is a param.
pub(crate) fn batch_axes(op: &ResolvedOp) -> Option<Vec<(usize, u32)>> {
    Plan::new(op, |_| false).map(|plan| plan.batches.axes())
}
