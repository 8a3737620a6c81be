//! What many convictions in a short time cost each of them.
//!
//! One liar may be a broken machine; a third of the network lying at once is an attack. So half a window after a conviction
//! the node loses more, by the share of the network's stake that was convicted from half a window before to half a window
//! after (the rule of Ethereum's proportional slashing). The base slash is multiplied by up to three:
//!
//! ```text
//! multiplier = 1 + 2 * min(1, 3 * convicted / total)
//! ```
//!
//! The node's own stake counts among the convicted. So what a stake loses does not depend on how many identities share it.
//! Until the charge is taken the stake stays frozen. Who lets the time go by in which the network can still say how much was
//! convicted is charged as if it had been everything; anybody can take the charge in time, the node first of all.

use super::error::{FairnessError, Ruled};
use super::ratio::floor_of;
use crate::units::{Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// Parts into which a window is divided.
const WINDOW_BUCKETS: u64 = 16;
/// Parts that are remembered: two windows.
const BUCKETS: usize = 32;

/// The stake that was convicted lately, by time.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConvictedStake {
    /// Sums for each part of time, at its number modulo 32.
    pub buckets: [u64; BUCKETS],
    /// The number of the newest part in which somebody was convicted.
    pub newest: u64,
}

/// The number of the part of time in which `slot` lies. `RuleOutOfBounds` for windows shorter than 16 slots.
fn bucket(slot: Slot, window: Slots) -> Ruled<u64> {
    let length = window.0.checked_div(WINDOW_BUCKETS).filter(|length| *length > 0);
    slot.0.checked_div(length.ok_or(FairnessError::RuleOutOfBounds)?).ok_or(FairnessError::RuleOutOfBounds)
}

impl ConvictedStake {
    /// Records that a node with `stake` was convicted at `now`.
    pub fn record(&mut self, stake: TokenAmount, now: Slot, window: Slots) -> Ruled {
        let at = bucket(now, window)?.max(self.newest);
        // Parts between the last conviction and this one saw none: what stands in their places is two windows old.
        let stale = at.saturating_sub(self.newest).min(BUCKETS as u64);
        for back in 0..stale {
            *self.place(at.saturating_sub(back))? = 0;
        }
        self.newest = at;
        let place = self.place(at)?;
        *place = place.checked_add(stake.0).ok_or(FairnessError::ArithmeticOverflow)?;
        Ok(())
    }

    /// What was convicted in the parts `first..=last`; `None` when it is no longer known.
    fn sum(&self, first: u64, last: u64) -> Option<u64> {
        let oldest = self.newest.saturating_add(1).saturating_sub(BUCKETS as u64);
        if first < oldest {
            return None;
        }
        (first..=last.min(self.newest)).try_fold(0u64, |sum, number| {
            let place = usize::try_from(number.checked_rem(BUCKETS as u64)?).ok()?;
            sum.checked_add(*self.buckets.get(place)?)
        })
    }

    fn place(&mut self, number: u64) -> Ruled<&mut u64> {
        let place = number.checked_rem(BUCKETS as u64).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.buckets.get_mut(place)).ok_or(FairnessError::InvariantBroken)
    }
}

/// What a convicted node still owes; all zero if nothing.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PendingCharge {
    /// When the node was first convicted since the last charge; 0 if it owes nothing.
    pub convicted_slot: u64,
    /// What the convictions took beyond the bonds.
    pub base: u64,
    /// The network's stake at the first of them.
    pub total_stake: u64,
}

impl PendingCharge {
    /// Records a conviction at `now` that took `base` beyond the bond of a node that had `stake`, bond and unbonding
    /// included, in a network of `total`; the stake counts as convicted once.
    pub fn convict(
        &mut self,
        network: &mut ConvictedStake,
        base: TokenAmount,
        stake: TokenAmount,
        total: TokenAmount,
        now: Slot,
        window: Slots,
    ) -> Ruled {
        let sum = TokenAmount(self.base).plus(base)?.0;
        if self.convicted_slot == 0 {
            network.record(stake, now, window)?;
            (self.convicted_slot, self.total_stake) = (now.0.max(1), total.0);
        }
        self.base = sum;
        Ok(())
    }

    /// The first slot in which the charge can be taken; until then all stake stays frozen. `None` if nothing is owed.
    pub fn due_slot(&self, window: Slots) -> Ruled<Option<Slot>> {
        if self.convicted_slot == 0 {
            return Ok(None);
        }
        Ok(Some(Slot(self.convicted_slot).plus(Slots(window.0 >> 1))?))
    }

    /// What the charge adds at `now` to a base slash of the convictions that it is for. `CorrelationNotDue` where nothing is owed,
    /// or not yet.
    pub fn multiplied(
        &self,
        base: TokenAmount,
        network: &ConvictedStake,
        now: Slot,
        window: Slots,
    ) -> Ruled<TokenAmount> {
        let due = self.due_slot(window)?.filter(|due| now >= *due).ok_or(FairnessError::CorrelationNotDue)?;
        let last = bucket(due, window)?;
        let convicted = network.sum(last.saturating_sub(WINDOW_BUCKETS), last).unwrap_or(u64::MAX);
        extra_slash(base, convicted, self.total_stake)
    }

    /// Takes the charge at `now`: what the node loses beyond its base slash, and never more than `reachable`.
    ///
    /// `CorrelationNotDue` where nothing is owed, or not yet.
    pub fn charge(
        &mut self,
        network: &ConvictedStake,
        reachable: TokenAmount,
        now: Slot,
        window: Slots,
    ) -> Ruled<TokenAmount> {
        let extra = self.multiplied(TokenAmount(self.base), network, now, window)?;
        *self = Self::default();
        Ok(extra.min(reachable))
    }
}

/// What the multiplier adds to a base slash: `base * 2 * min(1, 3 * convicted / total)`, rounded down.
pub fn extra_slash(base: TokenAmount, convicted: u64, total: u64) -> Ruled<TokenAmount> {
    let tripled = convicted.saturating_mul(3).min(total);
    let twice = base.0.checked_mul(2).ok_or(FairnessError::ArithmeticOverflow)?;
    match total {
        0 => Ok(TokenAmount(twice)),
        _ => Ok(TokenAmount(floor_of(twice, tripled, total)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: Slots = Slots(1_600);

    /// Nodes convicted at these slots, each with this stake of a network of 1,000,000 and a base slash of a quarter, and what
    /// each is charged in the slot in which its charge is due.
    fn charges(convictions: &[(u64, u64)]) -> Vec<u64> {
        let mut network = ConvictedStake::default();
        let mut nodes = vec![PendingCharge::default(); convictions.len()];
        let mut events: Vec<(u64, bool, usize)> = Vec::new();
        for (index, (slot, _)) in convictions.iter().enumerate() {
            events.extend([(*slot, false, index), (slot + WINDOW.0 / 2, true, index)]);
        }
        events.sort();
        let mut charged = vec![0; nodes.len()];
        for (slot, is_charge, index) in events {
            let (stake, node) = (convictions[index].1, &mut nodes[index]);
            if is_charge {
                charged[index] = node.charge(&network, TokenAmount(u64::MAX), Slot(slot), WINDOW).unwrap().0;
            } else {
                let (base, stake) = (TokenAmount(stake / 4), TokenAmount(stake));
                node.convict(&mut network, base, stake, TokenAmount(1_000_000), Slot(slot), WINDOW).unwrap();
            }
        }
        charged
    }

    #[test]
    fn one_liar_pays_little_and_a_third_of_the_network_everything() {
        assert_eq!(charges(&[(5_000, 10_000)]), [2_500 * 2 * 3 / 100]);
        assert_eq!(charges(&[(5_000, 100_000), (5_100, 100_000), (5_790, 140_000)]), [50_000, 50_000, 70_000]);
        assert_eq!(charges(&[(5_000, 100_000), (9_000, 100_000)]), [15_000, 15_000], "far apart");
        // Earlier by up to half a window counts, later by up to half a window too.
        assert_eq!(charges(&[(5_000, 40_000), (5_700, 40_000)]), [20_000 * 24 / 100; 2]);
    }

    #[test]
    fn charged_half_a_window_later_and_once() {
        let (mut network, mut node) = (ConvictedStake::default(), PendingCharge::default());
        let not_due = Err(FairnessError::CorrelationNotDue);
        let all = TokenAmount(u64::MAX);
        assert_eq!(node.charge(&network, all, Slot(u64::MAX), WINDOW), not_due);
        let convict = |node: &mut PendingCharge, network: &mut _, slot| {
            node.convict(network, TokenAmount(100), TokenAmount(500), TokenAmount(1_000), Slot(slot), WINDOW).unwrap();
        };
        convict(&mut node, &mut network, 5_000);
        convict(&mut node, &mut network, 5_100);
        assert_eq!(network.buckets.iter().sum::<u64>(), 500, "the stake counts once");
        assert_eq!(node.charge(&network, all, Slot(5_799), WINDOW), not_due);
        assert_eq!(
            node.clone().charge(&network, TokenAmount(7), Slot(5_800), WINDOW),
            Ok(TokenAmount(7)),
            "never more than there is"
        );
        assert_eq!(node.charge(&network, all, Slot(5_800), WINDOW), Ok(TokenAmount(400)), "both slashes");
        assert_eq!(node.charge(&network, all, Slot(5_800), WINDOW), not_due);
    }

    #[test]
    fn who_lets_the_network_forget_is_charged_in_full() {
        let (mut network, mut node) = (ConvictedStake::default(), PendingCharge::default());
        node.convict(&mut network, TokenAmount(100), TokenAmount(1), TokenAmount(1_000_000), Slot(5_000), WINDOW)
            .unwrap();
        let all = TokenAmount(u64::MAX);
        network.record(TokenAmount(1), Slot(7_300), WINDOW).unwrap();
        assert_eq!(node.clone().charge(&network, all, Slot(7_300), WINDOW), Ok(TokenAmount(0)), "still known");
        network.record(TokenAmount(1), Slot(7_400), WINDOW).unwrap();
        assert_eq!(node.charge(&network, all, Slot(7_400), WINDOW), Ok(TokenAmount(200)));
    }

    #[test]
    fn a_window_of_nothing_is_refused() {
        let mut network = ConvictedStake::default();
        assert_eq!(network.record(TokenAmount(1), Slot(5), Slots(15)), Err(FairnessError::RuleOutOfBounds));
        assert_eq!(network.record(TokenAmount(u64::MAX), Slot(5), Slots(16)), Ok(()));
        assert_eq!(network.record(TokenAmount(1), Slot(5), Slots(16)), Err(FairnessError::ArithmeticOverflow));
        assert_eq!(extra_slash(TokenAmount(5), 1, 0), Ok(TokenAmount(10)));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn up_to_three_times_and_more_for_more(base in 0u64..1 << 40, convicted: u64, more: u64, total: u64) {
            let extra = |convicted| extra_slash(TokenAmount(base), convicted, total).unwrap().0;
            prop_assert!(extra(convicted) <= 2 * base && extra(convicted) <= extra(convicted.saturating_add(more)));
            prop_assert_eq!(extra(u64::MAX), 2 * base);
        }

        /// A stake divided over identities that are all convicted at once loses what it would have lost in one, to a unit an
        /// identity.
        #[test]
        fn identities_change_nothing(parts in prop::collection::vec(4u64..20_000, 1..40), at in 5_000u64..9_000) {
            let whole: u64 = parts.iter().map(|part| part / 4 * 4).sum();
            let split: Vec<(u64, u64)> = parts.iter().map(|part| (at, part / 4 * 4)).collect();
            let (one, many) = (charges(&[(at, whole)])[0], charges(&split).iter().sum::<u64>());
            prop_assert!(many <= one && one - many <= parts.len() as u64, "{} and {}", one, many);
        }

        /// The sum of a window, against a list of all convictions.
        #[test]
        fn windows_hold_what_was_convicted_in_them(convictions in prop::collection::vec((0u64..400, 1u64..1_000), 1..60)) {
            let (mut network, mut now, mut all) = (ConvictedStake::default(), 5_000, Vec::new());
            for (wait, stake) in convictions {
                now += wait;
                network.record(TokenAmount(stake), Slot(now), WINDOW).unwrap();
                all.push((now / 100, stake));
                let last = now / 100;
                for first in last - 31..=last {
                    let exact: u64 = all.iter().filter(|(at, _)| (first..=last).contains(at)).map(|(_, stake)| stake).sum();
                    prop_assert_eq!(network.sum(first, last), Some(exact));
                }
                prop_assert_eq!(network.sum(last - 32, last), None);
            }
        }
    }
}
