//! Intervals: what a value of 64 bits cannot leave, wraps included.

use super::Binary;

/// All values from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

const FULL: Interval = Interval { low: i64::MIN, high: i64::MAX };

impl Interval {
    pub(crate) const fn new(low: i64, high: i64) -> Self {
        Self { low, high }
    }

    pub(crate) const fn exactly(value: i64) -> Self {
        Self { low: value, high: value }
    }

    pub(crate) fn single(self) -> Option<i64> {
        (self.low == self.high).then_some(self.low)
    }

    pub(crate) fn is_within(self, other: Self) -> bool {
        other.low <= self.low && self.high <= other.high
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// What lies in both; the first where nothing does.
    pub(crate) fn intersection(self, other: Self) -> Self {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        if both.low <= both.high { both } else { self }
    }

    /// The whole range if either end does not fit 64 bits: the value wraps.
    fn of(low: i128, high: i128) -> Self {
        match (i64::try_from(low), i64::try_from(high)) {
            (Ok(low), Ok(high)) => Self { low, high },
            _ => FULL,
        }
    }

    fn corners(self, other: Self, op: impl Fn(i128, i128) -> i128) -> Self {
        let all = [(self.low, other.low), (self.low, other.high), (self.high, other.low), (self.high, other.high)]
            .map(|(a, b)| op(a.into(), b.into()));
        let (low, high) = all.iter().fold((all[0], all[0]), |(low, high), value| (low.min(*value), high.max(*value)));
        Self::of(low, high)
    }

    /// The least `2^n - 1` that holds every value; none for an interval with negative ones.
    fn mask(self) -> Option<i64> {
        (self.low >= 0).then(|| ((1i128 << (64 - self.high.leading_zeros())) - 1) as i64)
    }
}

/// What the result of an operation cannot leave.
pub(crate) fn binary(op: Binary, a: Interval, b: Interval) -> Interval {
    let count = b.single().filter(|count| (0..64).contains(count));
    match op {
        Binary::Add => Interval::of(i128::from(a.low) + i128::from(b.low), i128::from(a.high) + i128::from(b.high)),
        Binary::Sub => Interval::of(i128::from(a.low) - i128::from(b.high), i128::from(a.high) - i128::from(b.low)),
        Binary::Mul => a.corners(b, |a, b| a * b),
        Binary::And => match (a.mask(), b.mask()) {
            (Some(_), Some(_)) => Interval::new(0, a.high.min(b.high)),
            (Some(_), None) => Interval::new(0, a.high),
            (None, Some(_)) => Interval::new(0, b.high),
            (None, None) => FULL,
        },
        Binary::Or | Binary::Xor => match (a.mask(), b.mask()) {
            (Some(a), Some(b)) => Interval::new(0, a | b),
            // The sign bits of both are those of the wider one.
            _ => {
                let bits = |value: i64| 65 - (if value < 0 { !value } else { value }).leading_zeros();
                let widest = [a.low, a.high, b.low, b.high].map(bits).into_iter().max().unwrap_or(64);
                let half = 1i128 << (widest.max(1) - 1);
                Interval::of(-half, half - 1)
            }
        },
        Binary::ShiftLeft => match count {
            Some(count) => Interval::of(i128::from(a.low) << count, i128::from(a.high) << count),
            None => FULL,
        },
        Binary::ShiftArithmetic => match count {
            Some(count) => Interval::new(a.low >> count, a.high >> count),
            None => Interval::new(a.low.min(0), a.high.max(0)).union(a),
        },
        Binary::ShiftRight => match count {
            Some(count) if a.low >= 0 => Interval::new(a.low >> count, a.high >> count),
            Some(count) if count > 0 => Interval::new(0, (u64::MAX >> count) as i64),
            _ if a.low >= 0 => Interval::new(0, a.high),
            _ => FULL,
        },
        Binary::Min => Interval::new(a.low.min(b.low), a.high.min(b.high)),
        Binary::Max => Interval::new(a.low.max(b.low), a.high.max(b.high)),
        Binary::Less => truth(a.high < b.low, a.low >= b.high),
        Binary::LessUnsigned if a.low >= 0 && b.low >= 0 => truth(a.high < b.low, a.low >= b.high),
        Binary::Equal => truth(a.single().is_some() && a == b, a.high < b.low || b.high < a.low),
        Binary::LessUnsigned => Interval::new(0, 1),
        Binary::DivideUnsigned if a.low >= 0 && b.low >= 0 => {
            // A divisor of 0 counts as 1.
            Interval::new(a.low / b.high.max(1), a.high / b.low.max(1))
        }
        Binary::DivideUnsigned => FULL,
    }
}

fn truth(always: bool, never: bool) -> Interval {
    match (always, never) {
        (true, _) => Interval::exactly(1),
        (_, true) => Interval::exactly(0),
        _ => Interval::new(0, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::evaluate;
    use super::*;

    /// Every operation on every pair of values out of every pair of intervals of a grid with the extremes.
    #[test]
    fn no_result_leaves_its_interval() {
        let grid = [
            i64::MIN,
            i64::MIN + 1,
            -1 << 32,
            -129,
            -2,
            -1,
            0,
            1,
            2,
            3,
            31,
            63,
            64,
            255,
            1 << 31,
            i64::MAX - 1,
            i64::MAX,
        ];
        let operations = [
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::And,
            Binary::Or,
            Binary::Xor,
            Binary::ShiftLeft,
            Binary::ShiftRight,
            Binary::ShiftArithmetic,
            Binary::Min,
            Binary::Max,
            Binary::Less,
            Binary::LessUnsigned,
            Binary::Equal,
            Binary::DivideUnsigned,
        ];
        let intervals: Vec<Interval> = (0..grid.len())
            .flat_map(|low| (low..grid.len()).map(move |high| Interval::new(grid[low], grid[high])))
            .collect();
        let inside = |interval: Interval| {
            grid.into_iter().filter(move |value| interval.low <= *value && *value <= interval.high).collect::<Vec<_>>()
        };
        for op in operations {
            for a in &intervals {
                for b in &intervals {
                    let result = binary(op, *a, *b);
                    for x in inside(*a) {
                        for y in inside(*b) {
                            let value = evaluate(op, x, y);
                            assert!(
                                result.low <= value && value <= result.high,
                                "{op:?} of {x} and {y} is {value}, outside {result:?} of {a:?} and {b:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
