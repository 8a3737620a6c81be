//! The sum of products of two runs of bytes: what most of the on-chain work of a dispute is.

/// Four lanes of a byte each in 64 bits, two of them at a time.
const LANES: u64 = 0x0000_00ff_0000_00ff;
/// The sign's weight in both lanes.
const BIAS: u64 = 0x0000_0080_0000_0080;
/// Flips the signs of all bytes: a signed byte plus 128, as an unsigned one.
const SIGNS: u64 = 0x8080_8080_8080_8080;
/// Most products summed before the lanes are folded: the lower lane's sum, at most 32,640 for every two of them, stays
/// within 31 bits.
const BLOCK: usize = 32_768;

/// Which bytes are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    /// i8 x i8.
    Both,
    /// i8 x u8.
    First,
    /// u8 x i8.
    Second,
}

impl Signs {
    /// One product.
    #[inline]
    pub(super) fn product(self, a: u8, b: u8) -> i32 {
        let widen = |byte: u8, signed: bool| if signed { i32::from(byte as i8) } else { i32::from(byte) };
        widen(a, self != Self::Second).wrapping_mul(widen(b, self != Self::First))
    }
}

/// Sum of the products of two runs of equal length (the longer one is cut), modulo 2^32.
pub(super) fn dot(a: &[u8], b: &[u8], signs: Signs) -> i32 {
    match signs {
        Signs::Both => blocks::<true, true>(a, b),
        Signs::First => blocks::<true, false>(a, b),
        Signs::Second => blocks::<false, true>(a, b),
    }
}

fn blocks<const A: bool, const B: bool>(a: &[u8], b: &[u8]) -> i32 {
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK));
    blocks.fold(0i32, |sum, (a, b)| sum.wrapping_add(block::<A, B>(a, b)))
}

/// Two products and their sum in one 64-bit multiplication: `b` is taken with its halves swapped, so that the upper
/// half of `(a0 + a4 * 2^32) * (b4 + b0 * 2^32)` is `a0 * b0 + a4 * b4`, modulo 2^32. The lower half collects `a0 * b4`
/// as a signed number, whose borrow is taken back at the end.
fn block<const A: bool, const B: bool>(a: &[u8], b: &[u8]) -> i32 {
    let length = a.len().min(b.len());
    let (a, b) = (a.get(..length).unwrap_or_default(), b.get(..length).unwrap_or_default());
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sum = 0u64;
    for (a, b) in a.iter().zip(b) {
        let mut x = u64::from_le_bytes(*a);
        let mut y = u64::from_le_bytes(*b).rotate_left(32);
        if A {
            x ^= SIGNS;
        }
        if B {
            y ^= SIGNS;
        }
        sum = sum.wrapping_add(pair::<A, B>(x, y));
        (x, y) = (x >> 8, y >> 8);
        sum = sum.wrapping_add(pair::<A, B>(x, y));
        (x, y) = (x >> 8, y >> 8);
        sum = sum.wrapping_add(pair::<A, B>(x, y));
        (x, y) = (x >> 8, y >> 8);
        sum = sum.wrapping_add(pair::<A, B>(x, y));
    }
    let lower = i64::from(sum as i32);
    let mut total = ((sum as i64).wrapping_sub(lower) >> 32) as i32;
    for (a, b) in a_rest.iter().zip(b_rest) {
        let widen = |byte: u8, signed: bool| if signed { i32::from(byte as i8) } else { i32::from(byte) };
        total = total.wrapping_add(widen(*a, A).wrapping_mul(widen(*b, B)));
    }
    total
}

#[inline(always)]
fn pair<const A: bool, const B: bool>(x: u64, y: u64) -> u64 {
    let (x, y) = (x & LANES, y & LANES);
    let x = if A { x.wrapping_sub(BIAS) } else { x };
    let y = if B { y.wrapping_sub(BIAS) } else { y };
    x.wrapping_mul(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_definition(a: &[u8], b: &[u8], signs: Signs) -> i32 {
        let widen = |byte: u8, signed: bool| if signed { i32::from(byte as i8) } else { i32::from(byte) };
        let products = a
            .iter()
            .zip(b)
            .map(|(a, b)| widen(*a, signs != Signs::Second).wrapping_mul(widen(*b, signs != Signs::First)));
        products.fold(0, i32::wrapping_add)
    }

    #[test]
    fn every_length_and_extreme_gives_the_plain_sum() {
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let extremes = [0x80, 0x7f, 0xff, 0x00];
        let lengths = (0..70).chain([255, 4096, 4099, BLOCK - 1, BLOCK, BLOCK + 9, 65_793, 131_071, 200_000]);
        for length in lengths {
            for case in 0..17usize {
                let mut fill = |constant: Option<u8>| -> Vec<u8> {
                    (0..length).map(|_| constant.unwrap_or_else(&mut random)).collect()
                };
                let constants = (case < 16).then(|| (extremes[case / 4], extremes[case % 4]));
                let (a, b) = (fill(constants.map(|pair| pair.0)), fill(constants.map(|pair| pair.1)));
                for signs in [Signs::Both, Signs::First, Signs::Second] {
                    assert_eq!(dot(&a, &b, signs), by_definition(&a, &b, signs), "{length} {case} {signs:?}");
                }
            }
        }
    }

    #[test]
    fn the_longer_run_is_cut() {
        assert_eq!(dot(&[1, 2, 3], &[4, 5], Signs::Both), 14);
        assert_eq!(dot(&[], &[4, 5], Signs::Both), 0);
    }
}
