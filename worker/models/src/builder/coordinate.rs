//! Affine coordinates over an op's iteration space.

use std::collections::BTreeMap;
use std::ops::{Add, Mul, Sub};

/// `offset + sum(coefficient * iteration)`: where a view reads on one axis of its shape.
///
/// ```
/// use assay_models::builder::axis;
///
/// // The row that a 3x3 kernel with stride 2 and padding 1 reads: output row in axis 1, kernel row in axis 4.
/// let row = axis(1) * 2 + axis(4) - 1;
/// assert_eq!(row.at(&[0, 5, 0, 0, 2]), 11);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coordinate {
    pub(super) offset: i64,
    pub(super) coefficients: BTreeMap<usize, i64>,
}

/// The coordinate of an iteration axis: output axes first, then reduction axes.
pub fn axis(index: usize) -> Coordinate {
    Coordinate { offset: 0, coefficients: BTreeMap::from([(index, 1)]) }
}

/// The same place at every point.
pub fn fixed(offset: i64) -> Coordinate {
    Coordinate { offset, coefficients: BTreeMap::new() }
}

impl Coordinate {
    /// Its value at a point of the iteration space; axes beyond the point count as 0.
    pub fn at(&self, iteration: &[u32]) -> i64 {
        let product = |(axis, coefficient): (&usize, &i64)| {
            coefficient.saturating_mul(iteration.get(*axis).copied().map_or(0, i64::from))
        };
        self.coefficients.iter().map(product).fold(self.offset, i64::saturating_add)
    }
}

impl Add for Coordinate {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.offset = self.offset.saturating_add(other.offset);
        for (axis, coefficient) in other.coefficients {
            let sum = self.coefficients.entry(axis).or_insert(0);
            *sum = sum.saturating_add(coefficient);
        }
        self
    }
}

impl Add<i64> for Coordinate {
    type Output = Self;

    fn add(self, offset: i64) -> Self {
        self + fixed(offset)
    }
}

impl Sub<i64> for Coordinate {
    type Output = Self;

    fn sub(mut self, offset: i64) -> Self {
        self.offset = self.offset.saturating_sub(offset);
        self
    }
}

impl Mul<i64> for Coordinate {
    type Output = Self;

    fn mul(mut self, factor: i64) -> Self {
        self.offset = self.offset.saturating_mul(factor);
        for coefficient in self.coefficients.values_mut() {
            *coefficient = coefficient.saturating_mul(factor);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_of_one_axis_are_summed() {
        let sum = axis(0) * 3 + axis(0) + axis(2) * -1 + 7;
        assert_eq!(sum.coefficients, BTreeMap::from([(0, 4), (2, -1)]));
        assert_eq!(sum.at(&[2, 9, 5]), 10);
    }

    #[test]
    fn a_factor_applies_to_the_offset_too() {
        assert_eq!((axis(1) + 2) * 5, axis(1) * 5 + 10);
    }
}
