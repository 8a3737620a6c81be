//! Integers modulo the prime 2^127 - 1.

/// 2^127 - 1.
pub(super) const PRIME: u128 = (1 << 127) - 1;

/// An integer modulo [`PRIME`], in `0..PRIME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Residue(u128);

impl Residue {
    /// The residue of an integer.
    #[inline]
    pub(super) fn of(value: i128) -> Self {
        let size = fold(value.unsigned_abs());
        if value < 0 && size > 0 { Self(PRIME - size) } else { Self(size) }
    }

    #[inline]
    pub(super) fn plus(self, other: Self) -> Self {
        Self(fold(self.0 + other.0))
    }

    #[inline]
    pub(super) fn times(self, other: Self) -> Self {
        const LOW: u128 = u64::MAX as u128;
        let (a0, a1) = (self.0 & LOW, self.0 >> 64);
        let (b0, b1) = (other.0 & LOW, other.0 >> 64);
        // a1 and b1 are below 2^63, so that neither sum wraps.
        let middle = a0 * b1 + a1 * b0;
        let (low, carry) = (a0 * b0).overflowing_add(middle << 64);
        let high = a1 * b1 + (middle >> 64) + u128::from(carry);
        // 2^128 is 2; `high` is below 2^126 + 2^64.
        Self(fold((high << 1) + fold(low)))
    }
}

/// The residue of an unsigned integer: 2^127 is 1.
#[inline]
fn fold(value: u128) -> u128 {
    let sum = (value & PRIME) + (value >> 127);
    if sum >= PRIME { sum - PRIME } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplication by doubling and adding.
    fn slow(a: Residue, b: Residue) -> Residue {
        (0..127).rev().fold(Residue::default(), |sum, bit| {
            let sum = sum.plus(sum);
            if b.0 >> bit & 1 == 1 { sum.plus(a) } else { sum }
        })
    }

    #[test]
    fn arithmetic_is_that_of_integers_modulo_the_prime() {
        let extremes = [0, 1, -1, 2, 1 << 63, (1 << 64) + 7, -(1 << 96), i128::MAX, i128::MIN, i128::MAX - 1];
        for a in extremes.map(Residue::of) {
            assert!(a.0 < PRIME);
            for b in extremes.map(Residue::of) {
                assert_eq!(a.times(b), slow(a, b), "{a:?} {b:?}");
                assert_eq!(a.times(b), b.times(a));
            }
        }
        assert_eq!(Residue::of(i128::MAX), Residue::default());
        assert_eq!(Residue::of(-5).plus(Residue::of(5)), Residue::default());
        assert_eq!(Residue::of(-3).times(Residue::of(4)), Residue::of(-12));
    }
}
