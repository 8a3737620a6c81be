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
