//! Scale arithmetic: steps of integers, and real factors as a multiplier and a shift.

use referee::graph::Dtype;
use std::sync::Arc;

/// What one integer of a tensor stands for: `x = step * q`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scale {
    /// One step for all elements.
    Uniform(f64),
    /// One step for each index of an axis of the float value.
    Channels {
        /// The axis of the float value.
        axis: usize,
        /// As many steps as the axis is long.
        steps: Arc<[f64]>,
    },
}

impl Scale {
    /// The step, where there is one.
    pub(crate) fn uniform(&self) -> Option<f64> {
        match self {
            Self::Uniform(step) => Some(*step),
            Self::Channels { .. } => None,
        }
    }

    /// The step at an index of the axis that the steps follow.
    pub(crate) fn at(&self, channel: usize) -> f64 {
        match self {
            Self::Uniform(step) => *step,
            Self::Channels { steps, .. } => steps[channel],
        }
    }

    /// Least and greatest step, for people.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        match self {
            Self::Uniform(step) => (*step, *step),
            Self::Channels { steps, .. } => {
                steps.iter().fold((f64::INFINITY, 0.0), |(low, high), step| (low.min(*step), high.max(*step)))
            }
        }
    }
}

/// Real factors `multipliers[i] / 2^shift` with one shift, to 30 significant bits of the greatest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rescale {
    /// One for each factor.
    pub multipliers: Vec<i32>,
    /// 1 to 63.
    pub shift: u8,
}

/// Significant bits of the greatest multiplier.
const MULTIPLIER_BITS: i32 = 30;

impl Rescale {
    /// The nearest multipliers of these factors. Factors of 2^29 and more, which no sensible scale needs, saturate.
    pub(crate) fn of(factors: &[f64]) -> Self {
        Self::with_bits(factors, MULTIPLIER_BITS)
    }

    /// As [`of`](Self::of), with this many significant bits of the greatest multiplier at most.
    pub(crate) fn with_bits(factors: &[f64], bits: i32) -> Self {
        let most = factors.iter().fold(0.0f64, |most, factor| most.max(factor.abs()));
        let exponent = if most > 0.0 { most.log2().floor() as i32 + 1 } else { 0 };
        let shift = (bits - exponent).clamp(1, 63);
        let unit = (shift as f64).exp2();
        let nearest = |factor: &f64| (factor * unit).round().clamp(-f64::from(i32::MAX), f64::from(i32::MAX)) as i32;
        Self { multipliers: factors.iter().map(nearest).collect(), shift: shift as u8 }
    }
}

/// The nearest integer of a type.
pub(crate) fn quantised(value: f64, step: f64, dtype: Dtype) -> i64 {
    dtype.saturate((value / step).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Rescale {
        /// The factor that a multiplier stands for.
        fn factor(&self, index: usize) -> f64 {
            f64::from(self.multipliers[index]) / f64::from(self.shift).exp2()
        }
    }

    proptest! {
        #[test]
        fn a_factor_is_kept_to_a_part_in_2_to_the_29(factor in -1e6f64..1e6, scale in -8i32..2) {
            let factor = factor * 10f64.powi(scale);
            prop_assume!(factor.abs() > 1e-9);
            let rescale = Rescale::of(&[factor]);
            prop_assert!((rescale.factor(0) - factor).abs() <= factor.abs() / 536_870_912.0, "{rescale:?}");
        }

        #[test]
        fn the_greatest_factor_decides_the_shift(factors in proptest::collection::vec(-4.0f64..4.0, 1..20)) {
            let rescale = Rescale::of(&factors);
            let most = factors.iter().fold(0.0f64, |most, factor| most.max(factor.abs()));
            for (index, factor) in factors.iter().enumerate() {
                prop_assert!((rescale.factor(index) - factor).abs() <= most / 536_870_912.0 + 1e-18);
            }
        }
    }

    #[test]
    fn extreme_factors_stay_within_shift_and_multiplier() {
        assert_eq!(Rescale::of(&[0.0]), Rescale { multipliers: vec![0], shift: 30 });
        assert_eq!(Rescale::of(&[1e300]).multipliers, [i32::MAX]);
        assert_eq!(Rescale::of(&[1e-30]), Rescale { multipliers: vec![0], shift: 63 });
        assert_eq!(Rescale::of(&[1.0]), Rescale { multipliers: vec![1 << 29], shift: 29 });
    }
}
