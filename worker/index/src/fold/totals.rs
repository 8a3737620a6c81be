//! Sums of an hour, and which hour a slot was in; pure.

use crate::shape::{Change, HourTotals};

/// Seconds of an hour.
pub const HOUR_SECONDS: i64 = 3_600;
/// Nominal milliseconds of a slot: what is assumed where two readings of the clock do not say better.
const SLOT_MS: i64 = 400;

/// Adds what happened; whether it is one of the things that are summed.
pub fn count(totals: &mut HourTotals, change: &Change) -> bool {
    match change {
        Change::JobPosted { .. } => totals.posted += 1,
        Change::JobEnded { state, mint, paid, .. } => match state.as_str() {
            "settled" => {
                totals.settled += 1;
                if paid.0 > 0 {
                    totals.volume.entry(mint.clone()).or_default().add(*paid);
                }
            }
            "convicted" => totals.convicted += 1,
            "missed" => totals.missed += 1,
            _ => totals.unclaimed += 1,
        },
        Change::SessionEnded { state, mint, paid } if state == "settled" && paid.0 > 0 => {
            totals.volume.entry(mint.clone()).or_default().add(*paid);
        }
        Change::NodeConvicted { slashed, .. } => {
            totals.slashes += 1;
            totals.slashed.add(*slashed);
        }
        _ => return false,
    }
    true
}

/// The time of a slot, from the readings of the clock (slot, seconds since 1970) at or before it and after it: between two by their
/// proportion, beyond them at the nominal length of a slot. Nothing without a reading.
pub fn time_of(slot: u64, earlier: Option<(u64, i64)>, later: Option<(u64, i64)>) -> Option<i64> {
    let distance = |from: u64, to: u64| i64::try_from(to.saturating_sub(from)).unwrap_or(i64::MAX);
    match (earlier, later) {
        (Some((first, start)), Some((last, end))) if last > first => {
            let (whole, part) = (distance(first, last), distance(first, slot));
            Some(start + i128_share(end - start, part, whole))
        }
        (Some((first, start)), _) => Some(start.saturating_add(distance(first, slot).saturating_mul(SLOT_MS) / 1_000)),
        (None, Some((last, end))) => Some(end.saturating_sub(distance(slot, last).saturating_mul(SLOT_MS) / 1_000)),
        (None, None) => None,
    }
}

/// `amount * part / whole`, without overflow.
fn i128_share(amount: i64, part: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(part) / i128::from(whole.max(1))).unwrap_or(i64::MAX)
}

/// The beginning of the hour of a time.
pub fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR_SECONDS) * HOUR_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Amount;

    fn ended(state: &str, paid: u64) -> Change {
        Change::JobEnded {
            state: state.into(),
            reason: "completed".into(),
            fault_side: "none".into(),
            fault: "none".into(),
            mint: "m".into(),
            price: Amount(paid + 100),
            paid: Amount(paid),
            charge: Amount(0),
        }
    }

    #[test]
    fn each_ending_counts_in_its_place_and_only_what_was_paid_is_volume() {
        let mut totals = HourTotals::default();
        for (state, price) in [("settled", 5), ("settled", 6), ("convicted", 7), ("missed", 8), ("expired", 0)] {
            assert!(count(&mut totals, &ended(state, price)));
        }
        assert!(count(&mut totals, &Change::NodeConvicted { convictions: 1, slashed: Amount(9) }));
        assert!(!count(&mut totals, &Change::JobAccepted {}));
        let paid = Change::SessionEnded { state: "settled".into(), mint: "m".into(), paid: Amount(100) };
        assert!(count(&mut totals, &paid));
        assert_eq!((totals.settled, totals.convicted, totals.missed, totals.unclaimed), (2, 1, 1, 1));
        assert_eq!(totals.volume["m"], Amount(111));
        assert_eq!((totals.slashes, totals.slashed), (1, Amount(9)));
    }

    #[test]
    fn times_lie_between_the_readings_of_the_clock() {
        assert_eq!(time_of(15, Some((10, 1_000)), Some((20, 2_000))), Some(1_500));
        assert_eq!(time_of(20, Some((10, 1_000)), None), Some(1_004));
        assert_eq!(time_of(10, None, Some((20, 1_000))), Some(996));
        assert_eq!(time_of(10, Some((10, 7)), Some((20, 9))), Some(7));
        assert_eq!(time_of(10, None, None), None);
        assert_eq!(time_of(u64::MAX, Some((0, i64::MAX)), None), Some(i64::MAX));
    }

    #[test]
    fn hours_begin_on_the_hour_before_1970_too() {
        assert_eq!((hour_of(3_599), hour_of(3_600), hour_of(-1)), (0, 3_600, -3_600));
    }
}
