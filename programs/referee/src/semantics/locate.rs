//! Where an operand's elements lie as the reduction runs, at one point of the output axes.
//!
//! A view's coordinates are affine: what the output point adds to them is summed once, and only the reduction axes move
//! them from there. A coordinate that stays within the shape moves the element's index as it is; only the *loose* ones,
//! which some reduction point moves out of the shape, are clamped or padded at each point. What is read is what
//! [`ResolvedView::access`] says; a test compares the two.

use crate::graph::{Access, MAX_AXES, MAX_REDUCTION_AXES, OutOfBounds, ResolvedOp, ResolvedView};

/// A point of the reduction axes, or what a step along each of them adds to something.
pub(super) type Steps = [i64; MAX_REDUCTION_AXES];

/// `base` and what the reduction axes add to it.
#[derive(Clone, Copy, Debug, Default)]
struct Affine {
    base: i64,
    steps: Steps,
}

impl Affine {
    #[inline]
    fn at(&self, point: &Steps) -> i64 {
        let ([a, b, c], [x, y, z]) = (&self.steps, point);
        self.base.wrapping_add(a.wrapping_mul(*x)).wrapping_add(b.wrapping_mul(*y)).wrapping_add(c.wrapping_mul(*z))
    }

    /// Adds another, `stride` times.
    fn add(&mut self, other: &Self, stride: i64) {
        self.base = self.base.wrapping_add(other.base.wrapping_mul(stride));
        for (step, other) in self.steps.iter_mut().zip(&other.steps) {
            *step = step.wrapping_add(other.wrapping_mul(stride));
        }
    }
}

/// A source axis whose coordinate some reduction point moves out of the shape.
#[derive(Clone, Copy, Debug, Default)]
struct Loose {
    coordinate: Affine,
    /// The greatest coordinate of the shape.
    last: i64,
    /// Elements between neighbours on this axis.
    stride: i64,
}

/// A view at one point of the output axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located<'a> {
    view: &'a ResolvedView,
    /// Index of the element, without what the loose axes and the indirect one add.
    element: Affine,
    loose: [Loose; MAX_AXES],
    loose_count: usize,
    /// Greatest coordinate and stride of the indirect axis.
    indirect: (i64, i64),
    /// A coordinate that nothing moves lies outside of a padded shape.
    outside: bool,
}

/// What a run along one reduction axis reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// At steps `from` to `to`, the elements from `first` on, `step` apart; before and after, zeros.
    Elements {
        /// Index of the element at `from`.
        first: u32,
        /// What each step adds to the index.
        step: i64,
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
        let mut coordinates = [Affine::default(); MAX_AXES];
        for (coordinate, offset) in coordinates.iter_mut().zip(&view.offsets) {
            coordinate.base = i64::from(*offset);
        }
        for term in &view.terms {
            let Some(coordinate) = coordinates.get_mut(usize::from(term.source_axis)) else { continue };
            let (coefficient, axis) = (i64::from(term.coefficient), usize::from(term.iteration_axis));
            match axis.checked_sub(point.len()) {
                None => {
                    let at = i64::from(point.get(axis).copied().unwrap_or(0));
                    coordinate.base = coordinate.base.wrapping_add(coefficient.wrapping_mul(at));
                }
                Some(axis) => {
                    if let Some(step) = coordinate.steps.get_mut(axis) {
                        *step = step.wrapping_add(coefficient);
                    }
                }
            }
        }
        let mut located = Self {
            view,
            element: Affine::default(),
            loose: [Loose::default(); MAX_AXES],
            loose_count: 0,
            indirect: (0, 0),
            outside: false,
        };
        let mut stride = 1i64;
        for (axis, (dim, coordinate)) in view.dims.iter().zip(&coordinates).enumerate().rev() {
            let last = i64::from(*dim).max(1) - 1;
            if view.indirect == Some(axis as u8) {
                located.indirect = (last, stride);
            } else {
                located.place(op, coordinate, last, stride);
            }
            stride = stride.wrapping_mul(i64::from(*dim));
        }
        located
    }

    fn place(&mut self, op: &ResolvedOp, coordinate: &Affine, last: i64, stride: i64) {
        let (mut low, mut high) = (coordinate.base, coordinate.base);
        for (step, length) in coordinate.steps.iter().zip(&op.reduction_dims) {
            // What saturates is far outside.
            let reach = step.saturating_mul(i64::from(*length).max(1) - 1);
            low = low.saturating_add(reach.min(0));
            high = high.saturating_add(reach.max(0));
        }
        if low >= 0 && high <= last {
            self.element.add(coordinate, stride);
        } else if low == high {
            let coordinate = Affine { base: low.clamp(0, last), steps: Steps::default() };
            self.element.add(&coordinate, stride);
            self.outside |= self.pad().is_some();
        } else if let Some(loose) = self.loose.get_mut(self.loose_count) {
            *loose = Loose { coordinate: *coordinate, last, stride };
            self.loose_count += 1;
        }
    }

    /// The view itself.
    #[inline]
    pub(super) fn view(&self) -> &'a ResolvedView {
        self.view
    }

    fn pad(&self) -> Option<i64> {
        match self.view.out_of_bounds {
            OutOfBounds::Clamp => None,
            OutOfBounds::Pad(value) => Some(i64::from(value)),
        }
    }

    fn loose(&self) -> &[Loose] {
        self.loose.get(..self.loose_count).unwrap_or_default()
    }

    /// What is read at a point of the reduction axes; `indirect` is used by the indirect axis alone.
    #[inline]
    pub(super) fn access(&self, reduction: &Steps, indirect: i64) -> Access {
        let mut element = self.element.at(reduction);
        let mut outside = self.outside;
        for loose in self.loose() {
            let coordinate = loose.coordinate.at(reduction);
            let inside = coordinate.clamp(0, loose.last);
            outside |= inside != coordinate;
            element = element.wrapping_add(inside.wrapping_mul(loose.stride));
        }
        if self.view.indirect.is_some() {
            let (last, stride) = self.indirect;
            element = element.wrapping_add(indirect.clamp(0, last).wrapping_mul(stride));
        }
        match self.view.out_of_bounds {
            OutOfBounds::Pad(value) if outside => Access::Outside(i64::from(value)),
            _ => Access::Element(element as u32),
        }
    }

    /// What the view reads along reduction axis `inner` of `length` steps, the other axes standing at `reduction`
    /// (where `inner` is 0); `None` unless it is evenly spaced elements with zeros around them.
    pub(super) fn run(&self, reduction: &Steps, inner: usize, length: u32) -> Option<Run> {
        if self.view.indirect.is_some() {
            return None;
        }
        let (mut element, mut step) = (self.element.at(reduction), *self.element.steps.get(inner)?);
        let (mut from, mut to, mut outside) = (0i64, i64::from(length), self.outside);
        for loose in self.loose() {
            let coordinate = loose.coordinate.at(reduction);
            let along = *loose.coordinate.steps.get(inner)?;
            let end = coordinate.saturating_add(along.saturating_mul(i64::from(length) - 1));
            let mut start = coordinate;
            if along == 0 || length == 1 {
                start = coordinate.clamp(0, loose.last);
                outside |= start != coordinate;
            } else if coordinate.min(end) < 0 || coordinate.max(end) > loose.last {
                // Only single steps are cut to the part inside, and only zeros may stand around it.
                if along != 1 || self.pad() != Some(0) {
                    return None;
                }
                from = from.max(coordinate.saturating_neg());
                to = to.min(loose.last.saturating_add(1).saturating_sub(coordinate));
            }
            element = element.wrapping_add(start.wrapping_mul(loose.stride));
            step = step.wrapping_add(along.wrapping_mul(loose.stride));
        }
        if outside && let Some(pad) = self.pad() {
            return (pad == 0).then_some(Run::Zeros);
        }
        if from >= to {
            return Some(Run::Zeros);
        }
        let first = element.wrapping_add(step.wrapping_mul(from)) as u32;
        Some(Run::Elements { first, step, from: from as u32, to: to as u32 })
    }
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
                                Run::Elements { first, step: by, from, to } if (from..to).contains(&step) => {
                                    let moved = by.wrapping_mul(i64::from(step - from));
                                    Access::Element(i64::from(first).wrapping_add(moved) as u32)
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
