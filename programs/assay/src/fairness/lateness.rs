//! What a correct result earns that came later than the node's own speed promised.
//!
//! A node declares a speed, measured by its own benchmark. From it and the job's cost follows how long the node should
//! take; the deadline of the job lies behind. Until the first, a result is in time; after the second there is none. Between
//! them the price falls in proportion.

use super::error::{FairnessError, Ruled};
use super::ratio::{ceiling_of, floor_of};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use referee::graph::{OpKind, ResolvedGraph, ResolvedOp};

/// What a graph costs: operations of one run, where a product of a contraction and an instruction of a program count as one
/// each. The measure in which jobs say what they cost and nodes how fast they are.
pub fn cost_units(graph: &ResolvedGraph) -> u64 {
    let of_op = |op: &ResolvedOp| {
        let products = if op.kind == OpKind::Contract { u64::from(op.reduction_points()) } else { 0 };
        u64::from(op.output_elements()).saturating_mul(products.saturating_add(graph.steps(op)).max(1))
    };
    graph.ops.iter().map(of_op).fold(0, u64::saturating_add)
}

/// How long a job should take a node that does `units_per_slot`, rounded up, and never longer than the run time `allowed`.
/// `RuleOutOfBounds` for a node without a speed.
pub fn expected_slots(cost_units: u64, units_per_slot: u64, allowed: Slots) -> Ruled<Slots> {
    if units_per_slot == 0 {
        return Err(FairnessError::RuleOutOfBounds);
    }
    Ok(Slots(cost_units.div_ceil(units_per_slot)).min(allowed))
}

/// How late a result is that was committed at `committed`: the share, rounded down, of the time between the slot in which it
/// was expected and the last one of the run, `last`. 0 in time.
pub fn lateness(claimed: Slot, expected: Slots, last: Slot, committed: Slot) -> Ruled<BasisPoints> {
    let due = claimed.plus(expected)?.min(last);
    let (late, left) = (committed.since(due), last.since(due));
    if late == Slots(0) {
        return Ok(BasisPoints(0));
    }
    let share = floor_of(late.min(left).0, u64::from(BasisPoints::WHOLE.0), left.0.max(1))?;
    Ok(BasisPoints(u32::try_from(share).unwrap_or(BasisPoints::WHOLE.0)))
}

/// The price of a late result: `most` of it is lost by one that comes in the last slot, less in proportion. What is taken
/// off, rounded up, stays the client's.
pub fn late_price(price: TokenAmount, late: BasisPoints, most: BasisPoints) -> Ruled<TokenAmount> {
    let whole = u64::from(BasisPoints::WHOLE.0);
    let share = u64::from(late.0.min(BasisPoints::WHOLE.0)).saturating_mul(u64::from(most.0.min(BasisPoints::WHOLE.0)));
    let off = ceiling_of(price.0, share, whole.saturating_mul(whole))?;
    Ok(price.minus(TokenAmount(off))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_price_falls_between_what_was_expected_and_the_deadline() {
        let late = |committed| lateness(Slot(100), Slots(20), Slot(160), Slot(committed)).unwrap().0;
        assert_eq!([100, 120, 121, 130, 140, 160].map(late), [0, 0, 250, 2_500, 5_000, 10_000]);
        assert_eq!(
            lateness(Slot(100), Slots(90), Slot(160), Slot(160)),
            Ok(BasisPoints(0)),
            "never expected after the end"
        );
        let price = |late| late_price(TokenAmount(1_001), BasisPoints(late), BasisPoints(5_000)).unwrap().0;
        assert_eq!([0, 1, 5_000, 10_000, 20_000].map(price), [1_001, 1_000, 750, 500, 500]);
    }

    #[test]
    fn a_node_without_a_speed_promises_nothing() {
        assert_eq!(expected_slots(100, 0, Slots(50)), Err(FairnessError::RuleOutOfBounds));
        assert_eq!(expected_slots(100, 30, Slots(50)), Ok(Slots(4)));
        assert_eq!(expected_slots(u64::MAX, 1, Slots(50)), Ok(Slots(50)));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Later never earns more; nobody gains by declaring more speed than it has, nor by holding a result back.
        #[test]
        fn later_never_earns_more(claimed in 0u64..1_000, run in 0u64..1_000, speeds in (1u64..100, 1u64..100), cost in 0u64..10_000, at in (0u64..1_000, 0u64..1_000), price: u64, most in 0u32..=10_000) {
            let last = Slot(claimed + run);
            let (early, later) = (Slot(claimed + at.0.min(at.1).min(run)), Slot(claimed + at.0.max(at.1).min(run)));
            let earned = |speed, committed| {
                let expected = expected_slots(cost, speed, Slots(run)).unwrap();
                let late = lateness(Slot(claimed), expected, last, committed).unwrap();
                assert!(late <= BasisPoints::WHOLE);
                late_price(TokenAmount(price), late, BasisPoints(most)).unwrap()
            };
            prop_assert!(earned(speeds.0, early) >= earned(speeds.0, later));
            prop_assert!(earned(speeds.0.min(speeds.1), later) >= earned(speeds.0.max(speeds.1), later));
            prop_assert!(earned(speeds.0, later).0 >= price - u64::max(1, (u128::from(price) * u128::from(most) / 10_000 + 1) as u64).min(price));
        }
    }
}
