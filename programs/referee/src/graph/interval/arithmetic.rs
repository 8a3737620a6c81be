//! What each operation makes of intervals. Every function is sound: the result of the operation on any values of the
//! arguments lies in the interval returned. Where 64 bits may be left, that is all of them.

use super::Interval;
use crate::semantics::{divide_unsigned as divide, round_shift as round, square_root as root};

const BOOLEAN: Interval = Interval { low: 0, high: 1 };

/// The interval of exact bounds, or everything and `true` if they leave 64 bits.
fn fit(low: i128, high: i128) -> (Interval, bool) {
    match (i64::try_from(low), i64::try_from(high)) {
        (Ok(low), Ok(high)) => (Interval { low, high }, false),
        _ => (Interval::FULL, true),
    }
}

fn hull_of(values: [i128; 4]) -> (i128, i128) {
    values.iter().fold((i128::MAX, i128::MIN), |(low, high), value| (low.min(*value), high.max(*value)))
}

pub(super) fn add(a: Interval, b: Interval) -> (Interval, bool) {
    fit(i128::from(a.low) + i128::from(b.low), i128::from(a.high) + i128::from(b.high))
}

pub(super) fn sub(a: Interval, b: Interval) -> (Interval, bool) {
    fit(i128::from(a.low) - i128::from(b.high), i128::from(a.high) - i128::from(b.low))
}

pub(super) fn mul(a: Interval, b: Interval) -> (Interval, bool) {
    let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
    let (low, high) =
        hull_of([product(a.low, b.low), product(a.low, b.high), product(a.high, b.low), product(a.high, b.high)]);
    fit(low, high)
}

/// `count` values added up; `None` if the sum may wrap.
pub(super) fn sum(value: Interval, count: u32) -> Option<Interval> {
    let (sum, wraps) = mul(value, Interval::exactly(i64::from(count)));
    (!wraps).then_some(sum)
}

/// The least `2^n` such that all values of both lie in `-2^n..2^n`, less one; the mask of the bits that can differ
/// from the sign.
fn magnitude_mask(a: Interval, b: Interval) -> i64 {
    // The ones' complement of a negative number has the same bits below its sign as a non-negative one of its size.
    let size = |value: i64| (value ^ (value >> 63)) as u64;
    let bits = (size(a.low) | size(a.high) | size(b.low) | size(b.high)).leading_zeros();
    if bits >= 64 { 0 } else { (u64::MAX >> bits) as i64 }
}

pub(super) fn and(a: Interval, b: Interval) -> Interval {
    match (a.low >= 0, b.low >= 0) {
        (true, true) => Interval { low: 0, high: a.high.min(b.high) },
        (true, false) => Interval { low: 0, high: a.high },
        (false, true) => Interval { low: 0, high: b.high },
        (false, false) => {
            let mask = magnitude_mask(a, b);
            // Non-negative only if one side is, and then not above that side.
            let high = if a.high < 0 && b.high < 0 { -1 } else { a.high.max(b.high) };
            Interval { low: !mask, high }
        }
    }
}

pub(super) fn or(a: Interval, b: Interval) -> Interval {
    let mask = magnitude_mask(a, b);
    let never_negative = a.low >= 0 && b.low >= 0;
    let low = if never_negative { a.low.max(b.low) } else { !mask };
    let high = if a.high < 0 || b.high < 0 { -1 } else { mask };
    // A negative side bounds the result from below: or only sets bits, and the sign is set already.
    let low = if a.high < 0 {
        low.max(a.low)
    } else if b.high < 0 {
        low.max(b.low)
    } else {
        low
    };
    Interval { low, high }
}

pub(super) fn xor(a: Interval, b: Interval) -> Interval {
    let mask = magnitude_mask(a, b);
    if a.low >= 0 && b.low >= 0 { Interval { low: 0, high: mask } } else { Interval { low: !mask, high: mask } }
}

/// Shift counts after the mask of 63.
fn shifts(count: Interval) -> (u32, u32) {
    if count.low >= 0 && count.high <= 63 { (count.low as u32, count.high as u32) } else { (0, 63) }
}

pub(super) fn shift_left(a: Interval, count: Interval) -> (Interval, bool) {
    let (least, most) = shifts(count);
    let shifted = |value: i64, by: u32| i128::from(value) << by;
    let (low, high) =
        hull_of([shifted(a.low, least), shifted(a.low, most), shifted(a.high, least), shifted(a.high, most)]);
    fit(low, high)
}

pub(super) fn shift_right(a: Interval, count: Interval) -> Interval {
    let (least, most) = shifts(count);
    if a.low >= 0 {
        Interval { low: a.low >> most, high: a.high >> least }
    } else if least > 0 {
        Interval { low: 0, high: (u64::MAX >> least) as i64 }
    } else {
        Interval::FULL
    }
}

pub(super) fn shift_arithmetic(a: Interval, count: Interval) -> Interval {
    let (least, most) = shifts(count);
    Interval { low: (a.low >> least).min(a.low >> most), high: (a.high >> least).max(a.high >> most) }
}

/// Rounding shifts are monotonic.
pub(super) fn round_shift(a: Interval, shift: u8) -> Interval {
    if !(1..=63).contains(&shift) {
        return Interval::FULL;
    }
    Interval { low: round(a.low, shift), high: round(a.high, shift) }
}

fn decided(always: bool, never: bool) -> Interval {
    match (always, never) {
        (true, _) => Interval::exactly(1),
        (_, true) => Interval::exactly(0),
        _ => BOOLEAN,
    }
}

pub(super) fn less(a: Interval, b: Interval) -> Interval {
    decided(a.high < b.low, a.low >= b.high)
}

pub(super) fn less_unsigned(a: Interval, b: Interval) -> Interval {
    if a.low >= 0 && b.low >= 0 { less(a, b) } else { BOOLEAN }
}

pub(super) fn equal(a: Interval, b: Interval) -> Interval {
    decided(a.low == a.high && a == b, a.high < b.low || b.high < a.low)
}

pub(super) fn select(c: Interval, a: Interval, b: Interval) -> Interval {
    if !c.contains(0) {
        a
    } else if c == Interval::exactly(0) {
        b
    } else {
        a.hull(b)
    }
}

pub(super) fn divide_unsigned(a: Interval, b: Interval) -> Interval {
    if a.low < 0 {
        // As unsigned numbers the negative ones are the greatest; a divisor of 2 or more gives at most half of that.
        return if b.low >= 2 { Interval { low: 0, high: divide(-1, b.low) } } else { Interval::FULL };
    }
    // A negative divisor is greater than every non-negative dividend: the quotient is 0.
    let low = if b.low < 0 || b.high < 1 { 0 } else { a.low / b.high };
    let high = if b.low >= 1 {
        a.high / b.low
    } else if b.high < 0 {
        0
    } else {
        a.high
    };
    // Division by zero alone gives the dividend itself.
    if b == Interval::exactly(0) { a } else { Interval { low, high } }
}

pub(super) fn square_root(a: Interval) -> Interval {
    if a.low >= 0 { Interval { low: root(a.low), high: root(a.high) } } else { Interval { low: 0, high: root(-1) } }
}

pub(super) fn leading_zeros(a: Interval) -> Interval {
    let zeros = |value: i64| i64::from(value.leading_zeros());
    // Negative numbers have none; among the others fewer the greater they are.
    Interval { low: zeros(if a.low < 0 { -1 } else { a.high }), high: if a.high < 0 { 0 } else { zeros(a.low.max(0)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [i64; 24] = [
        i64::MIN,
        i64::MIN + 1,
        -(1 << 33),
        i32::MIN as i64,
        -256,
        -65,
        -64,
        -7,
        -2,
        -1,
        0,
        1,
        2,
        3,
        5,
        31,
        62,
        63,
        64,
        127,
        i32::MAX as i64,
        1 << 40,
        i64::MAX - 1,
        i64::MAX,
    ];

    fn intervals() -> Vec<Interval> {
        let pairs = (0..EDGES.len()).flat_map(|low| (low..EDGES.len()).step_by(3).map(move |high| (low, high)));
        pairs.map(|(low, high)| Interval { low: EDGES[low], high: EDGES[high] }).collect()
    }

    /// The ends of an interval, their neighbours, and the edges within.
    fn members(interval: Interval) -> Vec<i64> {
        let near = [interval.low, interval.low.saturating_add(1), interval.high.saturating_sub(1), interval.high];
        EDGES.into_iter().chain(near).filter(|value| interval.contains(*value)).collect()
    }

    type Of = fn(Interval, Interval) -> Interval;
    type Value = fn(i64, i64) -> i64;

    #[test]
    fn no_result_leaves_its_interval() {
        let operations: [(&str, Of, Value); 13] = [
            ("add", |a, b| add(a, b).0, |a, b| a.wrapping_add(b)),
            ("sub", |a, b| sub(a, b).0, |a, b| a.wrapping_sub(b)),
            ("mul", |a, b| mul(a, b).0, |a, b| a.wrapping_mul(b)),
            ("and", and, |a, b| a & b),
            ("or", or, |a, b| a | b),
            ("xor", xor, |a, b| a ^ b),
            ("shift left", |a, b| shift_left(a, b).0, |a, b| a << (b & 63)),
            ("shift right", shift_right, |a, b| ((a as u64) >> (b & 63)) as i64),
            ("shift arithmetic", shift_arithmetic, |a, b| a >> (b & 63)),
            ("less", less, |a, b| i64::from(a < b)),
            ("less unsigned", less_unsigned, |a, b| i64::from((a as u64) < (b as u64))),
            ("equal", equal, |a, b| i64::from(a == b)),
            ("divide", divide_unsigned, divide),
        ];
        for a in intervals() {
            for b in intervals() {
                for (name, of, value) in operations {
                    let result = of(a, b);
                    assert!(result.low <= result.high, "{name} of {a:?} and {b:?}: {result:?}");
                    for x in members(a) {
                        for y in members(b) {
                            let value = value(x, y);
                            assert!(result.contains(value), "{name} of {x} and {y} is {value}, not in {result:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_result_of_one_value_leaves_its_interval() {
        for a in intervals() {
            for x in members(a) {
                assert!(square_root(a).contains(root(x)), "root of {x} in {a:?}");
                assert!(leading_zeros(a).contains(x.leading_zeros().into()), "zeros of {x} in {a:?}");
                for shift in 1..=63 {
                    assert!(round_shift(a, shift).contains(round(x, shift)), "{x} in {a:?} by {shift}");
                }
                for count in [1, 2, 1000] {
                    let exact = i128::from(x) * i128::from(count);
                    let contains = |sum: Interval| i64::try_from(exact).is_ok_and(|exact| sum.contains(exact));
                    assert!(sum(a, count).is_none_or(contains), "{count} times {x} in {a:?}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_wrap_is_not_said_to() {
        let small = Interval { low: -(1 << 31), high: (1 << 31) - 1 };
        assert_eq!(add(small, small), (Interval { low: -(1 << 32), high: (1 << 32) - 2 }, false));
        assert_eq!(mul(small, small), (Interval { low: -((1 << 62) - (1 << 31)), high: 1 << 62 }, false));
        assert!(mul(small, Interval { low: -(1 << 32), high: 0 }).1, "2^63 is one too many");
        assert!(!shift_left(Interval { low: -1, high: 1 }, Interval { low: 0, high: 62 }).1);
        assert!(shift_left(Interval { low: -1, high: 1 }, Interval { low: 0, high: 63 }).1);
    }
}
