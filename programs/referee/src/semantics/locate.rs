//! Where an operand's elements lie as the reduction runs, at one point of the output axes.
//!
//! A view's coordinates are affine: what the output point adds to them is summed once, and only the reduction axes move
//! them from there. Where no coordinate leaves the shape, the element's index itself is affine. What is read is what
//! [`ResolvedView::access`] says; a test compares the two.

use crate::graph::{Access, MAX_AXES, MAX_REDUCTION_AXES, OutOfBounds, ResolvedOp, ResolvedView};

/// What the reduction axes add to a coordinate or to an index, for each step along one of them.
type Steps = [i64; MAX_REDUCTION_AXES];

/// A view at one point of the output axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located<'a> {
    view: &'a ResolvedView,
    /// Each unclamped coordinate at the first reduction point.
    base: [i64; MAX_AXES],
    /// What moves it.
    steps: [Steps; MAX_AXES],
    /// Index of the element at the first reduction point and what moves it, if no coordinate ever leaves the shape.
    inside: Option<(i64, Steps)>,
}

/// What a run along one reduction axis reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// From step `from` to `to`, adjacent elements from `first` on; before and after, zeros.
    Elements {
        /// Index of the element at `from`.
        first: u32,
        /// First step that reads an element.
        from: u32,
        /// Step after the last that does.
        to: u32,
    },
    /// Zeros only.
    Zeros,
}

impl<'a> Located<'a> {
    /// The view at `point`, a point of the op's output axes.
    pub(super) fn new(view: &'a ResolvedView, op: &ResolvedOp, point: &[u32]) -> Self {
        let mut base = [0i64; MAX_AXES];
        let mut steps = [[0i64; MAX_REDUCTION_AXES]; MAX_AXES];
        for (base, offset) in base.iter_mut().zip(&view.offsets) {
            *base = i64::from(*offset);
        }
        for term in &view.terms {
            let (axis, coefficient) = (usize::from(term.source_axis), i64::from(term.coefficient));
            let iteration_axis = usize::from(term.iteration_axis);
            match iteration_axis.checked_sub(point.len()) {
                None => {
                    let at = point.get(iteration_axis).copied().unwrap_or(0);
                    if let Some(base) = base.get_mut(axis) {
                        *base = base.wrapping_add(coefficient.wrapping_mul(i64::from(at)));
                    }
                }
                Some(reduction_axis) => {
                    let step = steps.get_mut(axis).and_then(|steps| steps.get_mut(reduction_axis));
                    if let Some(step) = step {
                        *step = step.wrapping_add(coefficient);
                    }
                }
            }
        }
        let mut located = Self { view, base, steps, inside: None };
        if view.indirect.is_none() && located.stays_inside(op) {
            located.inside = Some(located.index());
        }
        located
    }

    /// The view itself.
    #[inline]
    pub(super) fn view(&self) -> &'a ResolvedView {
        self.view
    }

    /// Whether no reduction point moves a coordinate out of the shape.
    fn stays_inside(&self, op: &ResolvedOp) -> bool {
        self.view.dims.iter().zip(&self.base).zip(&self.steps).all(|((dim, base), steps)| {
            let (mut low, mut high) = (*base, *base);
            for (step, length) in steps.iter().zip(&op.reduction_dims) {
                // What saturates is far outside.
                let reach = step.saturating_mul(i64::from(*length).max(1) - 1);
                low = low.saturating_add(reach.min(0));
                high = high.saturating_add(reach.max(0));
            }
            low >= 0 && high < i64::from(*dim)
        })
    }

    /// The row-major index that the coordinates give, as an affine function.
    fn index(&self) -> (i64, Steps) {
        let (mut index, mut index_steps) = (0i64, [0i64; MAX_REDUCTION_AXES]);
        for ((dim, base), steps) in self.view.dims.iter().zip(&self.base).zip(&self.steps) {
            let dim = i64::from(*dim);
            index = index.wrapping_mul(dim).wrapping_add(*base);
            for (total, step) in index_steps.iter_mut().zip(steps) {
                *total = total.wrapping_mul(dim).wrapping_add(*step);
            }
        }
        (index, index_steps)
    }

    /// What is read at a point of the reduction axes; `indirect` is used by the indirect axis alone.
    #[inline]
    pub(super) fn access(&self, reduction: &Steps, indirect: i64) -> Access {
        if let Some((base, steps)) = &self.inside {
            return Access::Element(along(*base, steps, reduction) as u32);
        }
        let mut outside = false;
        let mut element = 0u64;
        for (axis, ((dim, base), steps)) in self.view.dims.iter().zip(&self.base).zip(&self.steps).enumerate() {
            let last = i64::from(*dim).max(1) - 1;
            let coordinate = if self.view.indirect == Some(axis as u8) {
                indirect
            } else {
                let coordinate = along(*base, steps, reduction);
                outside |= coordinate < 0 || coordinate > last;
                coordinate
            };
            element = element.wrapping_mul(u64::from(*dim)).wrapping_add(coordinate.clamp(0, last) as u64);
        }
        match self.view.out_of_bounds {
            OutOfBounds::Pad(value) if outside => Access::Outside(i64::from(value)),
            _ => Access::Element(element as u32),
        }
    }

    /// What the view reads along reduction axis `inner` of `length` steps, the other axes standing at `reduction`
    /// (where `inner` is 0); `None` unless it is adjacent elements with zeros around them.
    pub(super) fn run(&self, reduction: &Steps, inner: usize, length: u32) -> Option<Run> {
        if let Some((base, steps)) = &self.inside {
            let adjacent = length == 1 || steps.get(inner) == Some(&1);
            let first = along(*base, steps, reduction) as u32;
            return adjacent.then_some(Run::Elements { first, from: 0, to: length });
        }
        if self.view.indirect.is_some() {
            return None;
        }
        let pads_with = match self.view.out_of_bounds {
            OutOfBounds::Clamp => None,
            OutOfBounds::Pad(value) => Some(value),
        };
        let (mut from, mut to) = (0i64, i64::from(length));
        let (mut element, mut element_step, mut outside) = (0u64, 0i64, false);
        for ((dim, base), steps) in self.view.dims.iter().zip(&self.base).zip(&self.steps) {
            let (dim, coordinate) = (i64::from(*dim), along(*base, steps, reduction));
            let mut start = coordinate;
            match if length == 1 { 0 } else { steps.get(inner).copied()? } {
                0 => {
                    start = coordinate.clamp(0, dim.max(1) - 1);
                    outside |= start != coordinate;
                }
                // Only single steps are cut to the part inside, and only zeros may stand around it.
                1 if coordinate < 0 || coordinate.saturating_add(to - 1) >= dim => {
                    if pads_with != Some(0) {
                        return None;
                    }
                    from = from.max(coordinate.saturating_neg());
                    to = to.min(dim.saturating_sub(coordinate));
                }
                step => {
                    let end = coordinate.saturating_add(step.saturating_mul(i64::from(length) - 1));
                    if coordinate < 0 || coordinate >= dim || end < 0 || end >= dim {
                        return None;
                    }
                }
            }
            element = element.wrapping_mul(dim as u64).wrapping_add(start as u64);
            element_step = element_step.wrapping_mul(dim).wrapping_add(steps.get(inner).copied()?);
        }
        if outside && let Some(pad) = pads_with {
            return (pad == 0).then_some(Run::Zeros);
        }
        if length > 1 && element_step != 1 {
            return None;
        }
        if from >= to {
            return Some(Run::Zeros);
        }
        let first = element.wrapping_add(from as u64) as u32;
        Some(Run::Elements { first, from: from as u32, to: to as u32 })
    }
}

#[inline]
fn along(base: i64, steps: &Steps, reduction: &Steps) -> i64 {
    let [a, b, c] = steps;
    let [x, y, z] = reduction;
    base.wrapping_add(a.wrapping_mul(*x)).wrapping_add(b.wrapping_mul(*y)).wrapping_add(c.wrapping_mul(*z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dtype, OpKind, Term};

    /// SplitMix64.
    struct Draw(u64);

    impl Draw {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn below(&mut self, limit: u64) -> u64 {
            self.next() % limit
        }
    }

    fn sketch(draw: &mut Draw) -> (ResolvedOp, ResolvedView) {
        let mut lengths =
            |most: u64| -> Vec<u32> { (0..draw.below(most + 1)).map(|_| 1 + draw.below(5) as u32).collect() };
        let (output_dims, reduction_dims) = (lengths(2), lengths(3));
        let dims: Vec<u32> = (0..1 + draw.below(4)).map(|_| 1 + draw.below(7) as u32).collect();
        let axes = output_dims.len() + reduction_dims.len();
        let mut terms = Vec::new();
        for source_axis in 0..dims.len() as u8 {
            for iteration_axis in 0..axes as u8 {
                if draw.below(3) == 0 {
                    let coefficient = [1, 1, 1, 1, 2, -1, 3, i32::MIN, i32::MAX][draw.below(9) as usize];
                    terms.push(Term { source_axis, iteration_axis, coefficient });
                }
            }
        }
        let view = ResolvedView {
            slot: 0,
            dtype: Dtype::I8,
            offsets: dims.iter().map(|_| [0, 0, 0, 1, -2, 3, i32::MIN][draw.below(7) as usize]).collect(),
            dims,
            terms,
            out_of_bounds: [OutOfBounds::Clamp, OutOfBounds::Pad(0), OutOfBounds::Pad(9)][draw.below(3) as usize],
            indirect: None,
        };
        let (outputs, operands) = (vec![], vec![]);
        let kind = OpKind::Sum;
        (ResolvedOp { kind, outputs, output_dims, reduction_dims, operands, prologue: None, program: 0 }, view)
    }

    fn points(dims: &[u32]) -> Vec<Vec<u32>> {
        dims.iter().fold(vec![vec![]], |points, dim| {
            points.iter().flat_map(|point| (0..*dim).map(|at| [&point[..], &[at]].concat())).collect()
        })
    }

    #[test]
    fn every_access_and_every_run_is_the_one_of_the_view() {
        let (mut runs, mut cut, mut refused) = (0, 0, 0);
        for seed in 0..6_000 {
            let mut draw = Draw(seed);
            let (op, mut view) = sketch(&mut draw);
            if draw.below(6) == 0 {
                let axis = draw.below(view.dims.len() as u64) as usize;
                view.indirect = Some(axis as u8);
            }
            let indirect = draw.below(12) as i64 - 3;
            for point in points(&op.output_dims) {
                let located = Located::new(&view, &op, &point);
                let wide = |reduction: &[u32]| -> Steps {
                    core::array::from_fn(|axis| reduction.get(axis).copied().map_or(0, i64::from))
                };
                for reduction in points(&op.reduction_dims) {
                    let iteration = [&point[..], &reduction].concat();
                    let expected = view.access(&iteration, indirect);
                    assert_eq!(located.access(&wide(&reduction), indirect), expected, "seed {seed}");
                    for inner in (0..reduction.len()).filter(|axis| reduction[*axis] == 0) {
                        let length = op.reduction_dims[inner];
                        let Some(run) = located.run(&wide(&reduction), inner, length) else {
                            refused += 1;
                            continue;
                        };
                        runs += 1;
                        for step in 0..length {
                            let mut iteration = iteration.clone();
                            iteration[point.len() + inner] = step;
                            let given = match run {
                                Run::Elements { first, from, to } if (from..to).contains(&step) => {
                                    Access::Element(first + step - from)
                                }
                                _ => Access::Outside(0),
                            };
                            cut += u32::from(given == Access::Outside(0));
                            assert_eq!(given, view.access(&iteration, 0), "seed {seed}: {view:?}");
                        }
                    }
                }
            }
        }
        assert!(runs > 10_000 && cut > 1_000 && refused > 1_000, "{runs} runs, {cut} zeros, {refused} refused");
    }
}
