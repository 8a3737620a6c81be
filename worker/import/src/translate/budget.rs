//! How much is computed while a model is read. A file of a few hundred bytes can name constants of any size, and what is to be
//! computed of them: what is beyond these bounds is refused before anything is reserved for it.

use crate::float::{FloatOp, Tensor};

/// Elements of all constants together that are not in the file: a mask of 4096 by 4096, twice.
const ELEMENTS: u64 = 1 << 25;
/// Each element of the file may be moved and cast so often.
const COPIES: u64 = 4;
/// Products and sums of all constants together: some seconds.
const STEPS: u64 = 1 << 32;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    limit_elements: u64,
    left_elements: u64,
    left_steps: u64,
}

/// What is too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    pub(super) what: &'static str,
    pub(super) found: u64,
    pub(super) limit: u64,
}

impl Budget {
    /// For a file whose constants have so many elements.
    pub(super) fn new(file_elements: u64) -> Self {
        let limit = ELEMENTS.saturating_add(file_elements.saturating_mul(COPIES));
        Self { limit_elements: limit, left_elements: limit, left_steps: STEPS }
    }

    /// Takes the elements of a constant that is to be made.
    pub(super) fn take_elements(&mut self, elements: u64) -> Result<(), Exceeded> {
        let taken = self.limit_elements - self.left_elements;
        let exceeded = Exceeded {
            what: "the number of elements of all constants that are computed while reading",
            found: taken.saturating_add(elements),
            limit: self.limit_elements,
        };
        self.left_elements = self.left_elements.checked_sub(elements).ok_or(exceeded)?;
        Ok(())
    }

    /// Takes what an operation on constants costs, and its result of this shape.
    pub(super) fn take(&mut self, op: &FloatOp, inputs: &[&Tensor], shape: &[usize]) -> Result<(), Exceeded> {
        let elements = shape.iter().fold(1u64, |total, &length| total.saturating_mul(length as u64));
        self.take_elements(elements)?;
        let steps = steps(op, inputs, elements);
        let exceeded = Exceeded {
            what: "the number of products and sums of constants that are computed while reading",
            found: (STEPS - self.left_steps).saturating_add(steps),
            limit: STEPS,
        };
        self.left_steps = self.left_steps.checked_sub(steps).ok_or(exceeded)?;
        Ok(())
    }
}

/// Products, sums or moves of an operation with so many elements as its result.
fn steps(op: &FloatOp, inputs: &[&Tensor], elements: u64) -> u64 {
    let length = |input: usize, from_end: usize| {
        let shape = inputs.get(input).map_or(&[][..], |tensor| &tensor.shape[..]);
        shape.len().checked_sub(from_end).and_then(|axis| shape.get(axis)).map_or(1, |&length| length as u64)
    };
    let each = match op {
        FloatOp::Linear => length(0, 1),
        FloatOp::MatMul { transpose_a, .. } => length(0, if *transpose_a { 2 } else { 1 }),
        FloatOp::Convolution { .. } => {
            let (all, filters) = inputs.get(1).map_or((1, 1), |weight| (weight.elements(), weight.shape[0].max(1)));
            (all / filters) as u64
        }
        FloatOp::Pool { window, .. } => {
            window.kernel.iter().fold(1u64, |total, &length| total.saturating_mul(u64::from(length)))
        }
        _ => 1,
    };
    let read = inputs.iter().map(|tensor| tensor.elements() as u64).fold(0, u64::saturating_add);
    elements.saturating_mul(each.max(1)).max(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros(shape: &[usize]) -> Tensor {
        Tensor::floats(shape, vec![0.0; shape.iter().product()])
    }

    #[test]
    fn a_product_costs_what_it_computes() {
        let product = FloatOp::MatMul { transpose_a: false, transpose_b: false, scale: 1.0 };
        let (a, b) = (zeros(&[2, 30]), zeros(&[30, 5]));
        assert_eq!(steps(&product, &[&a, &b], 10), 300);
        let turned = FloatOp::MatMul { transpose_a: true, transpose_b: false, scale: 1.0 };
        assert_eq!(steps(&turned, &[&zeros(&[30, 2]), &b], 10), 300);
        assert_eq!(steps(&FloatOp::Cast, &[&a], 60), 60);
        assert_eq!(steps(&FloatOp::ArgMax { axis: 1, keep_axis: false }, &[&a], 2), 60, "all of it is read");
    }

    #[test]
    fn elements_and_steps_of_all_constants_together_are_bounded() {
        let mut budget = Budget::new(10);
        budget.take_elements(ELEMENTS).unwrap();
        budget.take_elements(COPIES * 10).unwrap();
        let exceeded = budget.take_elements(1).unwrap_err();
        assert_eq!((exceeded.found, exceeded.limit), (ELEMENTS + 41, ELEMENTS + 40));
        let mut budget = Budget::new(0);
        let product = FloatOp::MatMul { transpose_a: false, transpose_b: false, scale: 1.0 };
        let (row, column) = (zeros(&[1, 1 << 20]), zeros(&[1 << 20, 1]));
        for _ in 0..STEPS >> 30 {
            budget.take(&product, &[&row, &column], &[1, 1 << 10]).unwrap();
        }
        assert_eq!(budget.take(&product, &[&row, &column], &[1, 1]).unwrap_err().limit, STEPS);
        assert!(budget.take(&FloatOp::Cast, &[], &[usize::MAX, usize::MAX]).is_err());
    }
}
