//! Whether a node may claim: misses that are not accounted for, the ladder, jail, maintenance, and the tombstone.
//!
//! Every miss costs the client's charge, whatever its cause, and the first of them nothing more. From the second on a share
//! of the bond is lost too, and repeated ones lead into a jail that ends by itself.
//!
//! A miss that no maintenance excuses stops all claims until the node gives a sign of life: anything that its operator
//! signs. That sign decides what it was. Only a node that was silent from before the missed deadline on, and for long, is
//! believed to have been away; a node that signed anything after the deadline, or comes back at once, did not show up. So
//! who pretends an outage pays with the time in which it earns nothing, and the money is the same in both cases: silence
//! changes reputation, ladder and jail alone.
//!
//! Everything heals within the time that stake takes to unbond: a new identity gets no sooner to where the old one comes by
//! waiting.

use super::error::{FairnessError, Ruled};
use super::ladder::{Ladder, HIGHEST};
use super::maintenance::{Maintenance, MaintenanceRules};
use crate::audit::Epoch;
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// What governance decides about misses.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandingRules {
    /// Without a further miss, the ladder goes down a step in so long.
    pub recovery_slots: u64,
    /// The first jail, on the second step; each step further doubles it.
    pub jail_slots: u64,
    /// The longest jail.
    pub maximum_jail_slots: u64,
    /// Silence that makes a miss an outage.
    pub silence_slots: u64,
    /// The share of the bond that a repeated miss costs beside the client's charge.
    pub repeat_bps: u16,
    /// So many late results, one after the other, lower the hardware tier by one.
    pub lates_per_tier: u8,
    /// What is decided about maintenance.
    pub maintenance: MaintenanceRules,
}

impl StandingRules {
    /// A repeated miss costs one percent of the bond at most.
    pub const MAXIMUM_REPEAT_BPS: u16 = 100;

    /// `RuleOutOfBounds` unless jail ends and the ladder is empty within `unbonding`, an outage takes longer than the first
    /// jail, and no miss costs more than one percent of its bond.
    pub fn validate(&self, unbonding: Slots) -> Ruled {
        self.maintenance.validate()?;
        let whole_recovery = self.recovery_slots.saturating_mul(u64::from(HIGHEST));
        let sane = (1..=self.maximum_jail_slots).contains(&self.jail_slots)
            && self.maximum_jail_slots <= unbonding.0
            && (1..=unbonding.0).contains(&whole_recovery)
            && self.silence_slots >= self.jail_slots
            && self.repeat_bps <= Self::MAXIMUM_REPEAT_BPS
            && self.lates_per_tier > 0;
        if sane {
            Ok(())
        } else {
            Err(FairnessError::RuleOutOfBounds)
        }
    }

    /// The jail of a node that has climbed to `step`: none on the first, then doubling.
    pub fn jail(&self, step: u8) -> Slots {
        match step.checked_sub(2) {
            None => Slots(0),
            Some(doublings) => {
                let factor = 1u64.checked_shl(u32::from(doublings)).unwrap_or(u64::MAX);
                Slots(self.jail_slots.saturating_mul(factor).min(self.maximum_jail_slots))
            }
        }
    }
}

/// A claim that ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miss {
    /// When the node claimed.
    pub claimed: Slot,
    /// The last slot in which it could have committed.
    pub last: Slot,
    /// The job's bond.
    pub bond: TokenAmount,
    /// The share of the bond that the job pinned as the client's charge.
    pub charge: BasisPoints,
    /// What the job would have counted, in millionths of an observation.
    pub observations: u64,
}

/// What a miss takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissCost {
    /// To the client: never nothing.
    pub charge: TokenAmount,
    /// Burned.
    pub burned: TokenAmount,
    /// Whether declared maintenance excuses it: then reputation suffers at once, by little, and nothing else follows.
    pub in_maintenance: bool,
}

/// What a sign of life says about the misses before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Whether the node is believed to have been away.
    pub outage: bool,
    /// How many jobs it missed.
    pub misses: u16,
    /// What these jobs would have counted together, in millionths of an observation.
    pub observations: u64,
}

/// How a node stands.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStanding {
    /// Misses that count.
    pub misses: Ladder,
    /// Late results.
    pub lates: Ladder,
    /// Misses that no sign of life has followed.
    pub unresolved: u16,
    /// What the unresolved jobs would have counted, in millionths of an observation.
    pub unresolved_observations: u64,
    /// The earliest deadline among them.
    pub unresolved_since_slot: u64,
    /// When the operator last signed something.
    pub seen_slot: u64,
    /// The epoch of the last heartbeat, or of the registration.
    pub heartbeat_epoch: u64,
    /// The first slot in which the node may claim again.
    pub jailed_until_slot: u64,
    /// The last announced maintenance.
    pub maintenance: Maintenance,
    /// Whether fraud was proved. Never unset.
    pub tombstoned: bool,
}

impl NodeStanding {
    /// The standing of a node that registers at `now`.
    pub fn new(now: Slot, epoch_slots: u32) -> Ruled<Self> {
        Ok(Self { seen_slot: now.0, heartbeat_epoch: Epoch::of(now, epoch_slots)?.0, ..Default::default() })
    }

    /// `Tombstoned`, `UnresolvedMiss`, `Jailed` or `InMaintenance` unless the node may claim at `now`. The claim itself is
    /// then a [sign of life](Self::sign_of_life).
    pub fn check_may_claim(&self, now: Slot) -> Ruled {
        let rules = [
            (!self.tombstoned, FairnessError::Tombstoned),
            (self.unresolved == 0, FairnessError::UnresolvedMiss),
            (now.0 >= self.jailed_until_slot, FairnessError::Jailed),
            (!self.maintenance.covers(now), FairnessError::InMaintenance),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Records a claim that ended without a result, when it is noticed at `now`.
    pub fn record_miss(&mut self, miss: &Miss, now: Slot, rules: &StandingRules) -> Ruled<MissCost> {
        // A charge that rounds to nothing would make claiming and leaving free.
        let charge = TokenAmount(miss.bond.portion(miss.charge)?.0.max(1)).min(miss.bond);
        if self.maintenance.excuses(miss.claimed, miss.last) {
            return Ok(MissCost { charge, burned: TokenAmount::ZERO, in_maintenance: true });
        }
        let earlier = self.unresolved > 0 || self.misses.at(now, Slots(rules.recovery_slots)) > 0;
        let left = miss.bond.minus(charge)?;
        let share = BasisPoints(if earlier { u32::from(rules.repeat_bps) } else { 0 });
        let burned = miss.bond.portion(share)?.min(left);
        self.unresolved_since_slot = match self.unresolved {
            0 => miss.last.0,
            _ => self.unresolved_since_slot.min(miss.last.0),
        };
        self.unresolved = self.unresolved.saturating_add(1);
        self.unresolved_observations = self.unresolved_observations.saturating_add(miss.observations);
        Ok(MissCost { charge, burned, in_maintenance: false })
    }

    /// Records that the operator signed something at `now`, and accounts for the misses before it.
    pub fn sign_of_life(&mut self, now: Slot, rules: &StandingRules) -> Option<Resolution> {
        let silent_since_before = self.seen_slot <= self.unresolved_since_slot;
        let silence = now.since(Slot(self.unresolved_since_slot));
        let resolution = (self.unresolved > 0).then_some(Resolution {
            outage: silent_since_before && silence.0 >= rules.silence_slots,
            misses: self.unresolved,
            observations: self.unresolved_observations,
        });
        if resolution.is_some_and(|resolution| !resolution.outage) {
            let step = self.misses.climb(self.unresolved, now, Slots(rules.recovery_slots));
            let until = now.0.saturating_add(rules.jail(step).0);
            self.jailed_until_slot = self.jailed_until_slot.max(until);
        }
        self.seen_slot = self.seen_slot.max(now.0);
        (self.unresolved, self.unresolved_observations, self.unresolved_since_slot) = (0, 0, 0);
        resolution
    }

    /// Records a heartbeat, after [`sign_of_life`](Self::sign_of_life), and returns in how many whole epochs since the last
    /// one none came although no maintenance was declared.
    pub fn heartbeat(&mut self, now: Slot, epoch_slots: u32) -> Ruled<u64> {
        let epoch = Epoch::of(now, epoch_slots)?;
        let (first, last) = (self.heartbeat_epoch.saturating_add(1), epoch.0.saturating_sub(1));
        self.heartbeat_epoch = self.heartbeat_epoch.max(epoch.0);
        if last < first {
            return Ok(0);
        }
        let excused = self.maintenance.epochs_excused(Epoch(first), Epoch(last), epoch_slots)?;
        Ok(last.saturating_sub(first).saturating_add(1).saturating_sub(excused))
    }

    /// Whether the node has been without a heartbeat for more than `epochs` whole epochs: then anybody may take its weight
    /// out of the network's.
    pub fn is_absent(&self, now: Epoch, epochs: u64) -> bool {
        now.0.saturating_sub(self.heartbeat_epoch) > epochs.saturating_add(1)
    }

    /// Records a late result.
    pub fn record_late(&mut self, now: Slot, rules: &StandingRules) {
        self.lates.climb(1, now, Slots(rules.recovery_slots));
    }

    /// How many hardware tiers the node has lost by being late; they come back with time.
    pub fn tiers_lost(&self, now: Slot, rules: &StandingRules) -> u8 {
        self.lates.at(now, Slots(rules.recovery_slots)).checked_div(rules.lates_per_tier).unwrap_or(0)
    }

    /// Proved fraud: the node never claims again.
    pub fn convict(&mut self) {
        self.tombstoned = true;
    }
}

#[cfg(test)]
mod tests;
