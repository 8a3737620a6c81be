//! An op as loops over affine addresses: views folded to strides, axes of length one dropped, mergeable axes merged.

use referee::graph::Dtype;
use referee::graph::{Instruction, OutOfBounds, Program, ResolvedOp, ResolvedView, Slot};

/// A source axis whose coordinate may leave the view's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckedAxis {
    /// Coordinate where every iteration axis is 0.
    pub offset: i64,
    /// Coefficient of each iteration axis.
    pub coefficients: Vec<i64>,
    /// Length of the source axis.
    pub dim: u32,
    /// Elements from one coordinate to the next.
    pub stride: u32,
    /// Some coordinate does not fit 32 bits.
    pub wide: bool,
}

/// Where an operand's element lies: `base + sum(stride * iteration)`, modulo 2^32, and what the checked and indirect
/// axes add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The tensor.
    pub slot: Slot,
    /// Its element type.
    pub dtype: Dtype,
    /// Element where every iteration axis is 0.
    pub base: u32,
    /// Elements from one step of each iteration axis to the next, modulo 2^32.
    pub strides: Vec<u32>,
    /// Axes that must be clamped or padded.
    pub checked: Vec<CheckedAxis>,
    /// What is read outside; `None` clamps.
    pub pad: Option<i32>,
    /// Length and stride of the axis whose coordinate a register gives.
    pub indirect: Option<(u32, u32)>,
}

impl Address {
    /// The address of `view` over iteration axes of these lengths.
    pub(super) fn new(view: &ResolvedView, lengths: &[u32]) -> Self {
        let mut address = Self {
            slot: view.slot,
            dtype: view.dtype,
            base: 0,
            strides: vec![0; lengths.len()],
            checked: Vec::new(),
            pad: match view.out_of_bounds {
                OutOfBounds::Clamp => None,
                OutOfBounds::Pad(value) => Some(value),
            },
            indirect: None,
        };
        let mut stride = 1u32;
        for (axis, &dim) in view.dims.iter().enumerate().rev() {
            if view.indirect == Some(axis as u8) {
                address.indirect = Some((dim, stride));
            } else {
                address.add_axis(view, axis, dim, stride, lengths);
            }
            stride = stride.wrapping_mul(dim);
        }
        address
    }

    fn add_axis(&mut self, view: &ResolvedView, axis: usize, dim: u32, stride: u32, lengths: &[u32]) {
        let offset = i64::from(view.offsets.get(axis).copied().unwrap_or(0));
        let mut coefficients = vec![0i64; lengths.len()];
        for term in view.terms.iter().filter(|term| usize::from(term.source_axis) == axis) {
            if let Some(coefficient) = coefficients.get_mut(usize::from(term.iteration_axis)) {
                *coefficient += i64::from(term.coefficient);
            }
        }
        let reach = coefficients
            .iter()
            .zip(lengths)
            .map(|(coefficient, length)| i128::from(*coefficient) * (i128::from(*length) - 1));
        let low = reach.clone().fold(i128::from(offset), |low, reach| low + reach.min(0));
        let high = reach.fold(i128::from(offset), |high, reach| high + reach.max(0));
        if low >= 0 && high < i128::from(dim) {
            self.base = self.base.wrapping_add((offset as u32).wrapping_mul(stride));
            for (sum, coefficient) in self.strides.iter_mut().zip(&coefficients) {
                *sum = sum.wrapping_add((*coefficient as u32).wrapping_mul(stride));
            }
        } else {
            let wide = low < i128::from(i32::MIN) || high > i128::from(i32::MAX);
            self.checked.push(CheckedAxis { offset, coefficients, dim, stride, wide });
        }
    }

    /// Whether the axis moves the address at all.
    pub(super) fn uses(&self, axis: usize) -> bool {
        self.strides.get(axis).is_some_and(|stride| *stride != 0) || self.checks(axis)
    }

    /// Whether a checked coordinate depends on the axis.
    pub(super) fn checks(&self, axis: usize) -> bool {
        self.checked.iter().any(|checked| checked.coefficients.get(axis).is_some_and(|coefficient| *coefficient != 0))
    }

    /// Whether stepping `outer` once equals stepping `inner` through its whole length.
    fn merges(&self, outer: usize, inner: usize, inner_length: u32) -> bool {
        let flat = self.strides[outer] == self.strides[inner].wrapping_mul(inner_length);
        flat && self.checked.iter().all(|checked| {
            i128::from(checked.coefficients[outer])
                == i128::from(checked.coefficients[inner]) * i128::from(inner_length)
        })
    }

    fn remove_axis(&mut self, axis: usize) {
        self.strides.remove(axis);
        for checked in &mut self.checked {
            checked.coefficients.remove(axis);
        }
    }
}

/// An op ready for code generation. Iteration axes are the output axes followed by the reduction axes, as left after
/// dropping and merging.
#[derive(Clone, Debug)]
pub(super) struct Lowered {
    /// Lengths of the output axes.
    pub outputs: Vec<u32>,
    /// Lengths of the reduction axes.
    pub reductions: Vec<u32>,
    /// Address of each operand.
    pub addresses: Vec<Address>,
    /// For each axis of the op, the axis here that `Index` reads; `None` where the coordinate is always 0.
    pub index_axes: Vec<Option<usize>>,
    /// Lengths of the op's own axes, for `Length`.
    pub lengths: Vec<u32>,
}

impl Lowered {
    /// Lowers `op`; its reduction axes are visited in the order `reduction_order`.
    pub(super) fn new(op: &ResolvedOp, programs: [Option<&Program>; 2], reduction_order: &[usize]) -> Self {
        let outputs = op.output_dims.len();
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let order: Vec<usize> = (0..outputs).chain(reduction_order.iter().map(|axis| outputs + axis)).collect();
        let mut addresses: Vec<Address> = op.operands.iter().map(|view| Address::new(view, &lengths)).collect();
        for address in &mut addresses {
            address.strides = order.iter().map(|axis| address.strides[*axis]).collect();
            for checked in &mut address.checked {
                checked.coefficients = order.iter().map(|axis| checked.coefficients[*axis]).collect();
            }
        }
        let mut axes: Vec<usize> = order;
        let mut dims: Vec<u32> = axes.iter().map(|axis| lengths[*axis]).collect();
        let mut output_axes = outputs;
        let indexed: Vec<usize> = programs.iter().flatten().flat_map(|program| indexed_axes(program)).collect();

        let mut axis = 0;
        while axis < axes.len() {
            let inner = axis + 1;
            let drop_length_one = dims[axis] == 1;
            let merge = inner < axes.len()
                && (axis < output_axes) == (inner < output_axes)
                && !indexed.contains(&axes[axis])
                && !indexed.contains(&axes[inner])
                && dims[axis].checked_mul(dims[inner]).is_some()
                && addresses.iter().all(|address| address.merges(axis, inner, dims[inner]));
            if !drop_length_one && !merge {
                axis += 1;
                continue;
            }
            if merge && !drop_length_one {
                dims[inner] *= dims[axis];
            }
            dims.remove(axis);
            axes.remove(axis);
            addresses.iter_mut().for_each(|address| address.remove_axis(axis));
            output_axes -= usize::from(axis < output_axes);
            axis = axis.saturating_sub(1);
        }
        let index_axes = (0..lengths.len()).map(|original| axes.iter().position(|axis| *axis == original)).collect();
        let reductions = dims.split_off(output_axes);
        Self { outputs: dims, reductions, addresses, index_axes, lengths }
    }

    /// Output elements.
    pub(super) fn output_elements(&self) -> u32 {
        product(&self.outputs)
    }

    /// Points of the reduction axes.
    pub(super) fn reduction_points(&self) -> u32 {
        product(&self.reductions)
    }
}

/// Product of lengths; a checked graph keeps it within 32 bits.
pub(super) fn product(lengths: &[u32]) -> u32 {
    lengths.iter().fold(1u32, |product, length| product.saturating_mul(*length))
}

fn indexed_axes(program: &Program) -> impl Iterator<Item = usize> + '_ {
    program.code.iter().filter_map(|instruction| match instruction {
        Instruction::Index { axis, .. } => Some(usize::from(*axis)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use referee::graph::{Access, OpKind, Term};

    fn view(dims: &[u32], offsets: &[i32], terms: &[(u8, u8, i32)], out_of_bounds: OutOfBounds) -> ResolvedView {
        let terms = terms
            .iter()
            .map(|&(source_axis, iteration_axis, coefficient)| Term { source_axis, iteration_axis, coefficient })
            .collect();
        ResolvedView {
            slot: 0,
            dtype: Dtype::I8,
            dims: dims.to_vec(),
            offsets: offsets.to_vec(),
            terms,
            out_of_bounds,
            indirect: None,
        }
    }

    fn op(output_dims: &[u32], operands: Vec<ResolvedView>) -> ResolvedOp {
        ResolvedOp {
            kind: OpKind::Map,
            outputs: vec![1],
            output_dims: output_dims.to_vec(),
            reduction_dims: vec![],
            operands,
            prologue: None,
            program: 0,
        }
    }

    /// The element that the lowered address names, by the same arithmetic as the generated code.
    fn element(address: &Address, point: &[u32]) -> Option<u32> {
        let mut element = address.base;
        for (stride, at) in address.strides.iter().zip(point) {
            element = element.wrapping_add(stride.wrapping_mul(*at));
        }
        let mut outside = false;
        for checked in &address.checked {
            let mut coordinate = checked.offset;
            for (coefficient, at) in checked.coefficients.iter().zip(point) {
                coordinate += coefficient * i64::from(*at);
            }
            let clamped = coordinate.clamp(0, i64::from(checked.dim) - 1);
            outside |= clamped != coordinate;
            element = element.wrapping_add((clamped as u32).wrapping_mul(checked.stride));
        }
        (!(outside && address.pad.is_some())).then_some(element)
    }

    fn points(dims: &[u32]) -> Vec<Vec<u32>> {
        dims.iter().fold(vec![vec![]], |points, dim| {
            points
                .iter()
                .flat_map(|point| (0..*dim).map(move |at| point.iter().copied().chain([at]).collect()))
                .collect()
        })
    }

    #[test]
    fn merged_addresses_visit_the_elements_of_the_view_in_order() {
        let out = [2u32, 1, 3, 4];
        let views = [
            view(&[2, 3, 4], &[0; 3], &[(0, 0, 1), (1, 2, 1), (2, 3, 1)], OutOfBounds::Clamp),
            view(&[24], &[23], &[(0, 0, -12), (0, 2, -4), (0, 3, -1)], OutOfBounds::Clamp),
            view(&[4], &[-2], &[(0, 3, 2)], OutOfBounds::Pad(7)),
            view(&[3, 4], &[0, 1], &[(0, 2, 1), (1, 3, -1)], OutOfBounds::Clamp),
        ];
        for (index, view) in views.iter().enumerate() {
            let lowered = Lowered::new(&op(&out, vec![view.clone()]), [None, None], &[]);
            let original = points(&out);
            let merged = points(&lowered.outputs);
            assert_eq!(original.len(), merged.len());
            for (point, merged) in original.iter().zip(&merged) {
                let expected = match view.access(point, 0) {
                    Access::Element(element) => Some(element),
                    Access::Outside(_) => None,
                };
                assert_eq!(element(&lowered.addresses[0], merged), expected, "view {index} at {point:?}");
            }
        }
    }

    #[test]
    fn contiguous_axes_become_one_and_indexed_axes_stay() {
        let identity = view(&[2, 3, 4], &[0; 3], &[(0, 0, 1), (1, 1, 1), (2, 2, 1)], OutOfBounds::Clamp);
        let op = op(&[2, 3, 4], vec![identity]);
        assert_eq!(Lowered::new(&op, [None, None], &[]).outputs, [24]);
        let program = Program { constants: vec![], code: vec![Instruction::Index { d: 0, axis: 1 }] };
        let lowered = Lowered::new(&op, [None, Some(&program)], &[]);
        assert_eq!((lowered.outputs.as_slice(), lowered.index_axes[1]), ([2, 3, 4].as_slice(), Some(1)));
    }

    #[test]
    fn coordinates_beyond_32_bits_are_marked() {
        let far = view(&[5], &[i32::MIN], &[(0, 0, i32::MAX)], OutOfBounds::Clamp);
        assert!(Address::new(&far, &[5]).checked[0].wide);
        let near = view(&[5], &[-1], &[(0, 0, 1)], OutOfBounds::Clamp);
        assert!(!Address::new(&near, &[5]).checked[0].wide);
    }
}
