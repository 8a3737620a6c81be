//! What decides about a node's claims: what it says of itself, what it weighs, and how it stands.

use super::Node;
use crate::audit::Epoch;
use crate::error::{AssayError, Checked};
use crate::fairness::filter::NodeProfile;
use crate::fairness::weight::{open_jobs_allowed, reweigh, weight_of};
use crate::state::{Parameters, SchedulingParameters, StakeRegister};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// What a node says of itself. Clients choose by it; a speed that is not kept costs by lateness.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// A bit for each capability, by the list that the network publishes.
    pub capabilities: u64,
    /// The cost units of the graph language that the node does in a slot, by its own benchmark; 0 promises nothing.
    pub units_per_slot: u64,
    /// The least price of a job that the node takes, in base units of what the job pays in. A hint: the program asks nobody
    /// for it.
    pub price_floor: u64,
    /// The number of the region, 0 to 63.
    pub region: u8,
}

impl Profile {
    /// Regions are bits of a filter.
    pub const MAXIMUM_REGION: u8 = 63;

    /// `RegionInvalid` unless a filter can name the region.
    pub fn validate(&self) -> Checked {
        if self.region <= Self::MAXIMUM_REGION {
            Ok(())
        } else {
            Err(AssayError::RegionInvalid)
        }
    }

    /// The hardware tier: how often the declared speed can be halved, and 1; 0 without one. So nobody has a tier that it does
    /// not promise.
    pub fn tier(&self) -> u8 {
        self.units_per_slot.checked_ilog2().map_or(0, |halvings| u8::try_from(halvings).unwrap_or(63).saturating_add(1))
    }
}

impl Node {
    /// Sets the profile. `RegionInvalid`.
    pub fn set_profile(&mut self, profile: Profile) -> Checked {
        profile.validate()?;
        self.profile = profile;
        Ok(())
    }

    /// What clients choose by, as it is at `now`.
    pub fn shown_profile(&self, now: Slot, rules: &SchedulingParameters) -> NodeProfile {
        let lost = self.standing.tiers_lost(now, &rules.standing);
        NodeProfile {
            capabilities: self.profile.capabilities,
            tier: self.profile.tier().saturating_sub(lost),
            region: self.profile.region,
            score: self.score,
        }
    }

    /// `StakeBelowNetworkMinimum`, `TooManyOpenJobs`, `CapacityReached`, `NodeConvicted`, `UnresolvedMiss`, `Jailed` or
    /// `InMaintenance` unless the network lets the node take one more job or session at `now`.
    pub fn check_may_take(&self, now: Slot, parameters: &Parameters) -> Checked {
        if self.stake < parameters.minimum_stake {
            return Err(AssayError::StakeBelowNetworkMinimum);
        }
        let limit = parameters.maximum_open_jobs_per_node;
        if self.open_jobs >= limit {
            return Err(AssayError::TooManyOpenJobs);
        }
        let per_job = TokenAmount(parameters.scheduling.stake_per_job);
        if self.open_jobs >= open_jobs_allowed(TokenAmount(self.stake), per_job, limit) {
            return Err(AssayError::CapacityReached);
        }
        if self.fraud_convictions > 0 {
            return Err(AssayError::NodeConvicted);
        }
        Ok(self.standing.check_may_claim(now)?)
    }

    /// What the node claims with in a job whose weights count at the end of `epoch`: what it weighed then, and never more than
    /// its stake weighs now.
    pub fn claimable_weight(&self, epoch: Epoch, parameters: &Parameters) -> Checked<u64> {
        let present = self.present_weight(parameters)?;
        Ok(self.weights.at_end_of(epoch).min(present))
    }

    /// What stake and score weigh. The minimum is asked of the node's own stake.
    fn present_weight(&self, parameters: &Parameters) -> Checked<u64> {
        if self.stake < parameters.minimum_stake {
            return Ok(0);
        }
        let minimum = TokenAmount(parameters.minimum_stake);
        Ok(weight_of(self.counting_stake(parameters)?, minimum, self.score)?)
    }

    /// Weighs the node anew, and the network with it. A node that was convicted, or that is absent, weighs nothing.
    pub fn weigh(&mut self, register: &mut StakeRegister, now: Slot, parameters: &Parameters) -> Checked {
        let rules = &parameters.scheduling;
        let epoch = Epoch::of(now, rules.epoch_slots)?;
        let counts = self.fraud_convictions == 0 && !self.standing.is_absent(epoch, u64::from(rules.absent_epochs));
        let weight = if counts { self.present_weight(parameters)? } else { 0 };
        let counted = if weight > 0 { self.counting_stake(parameters)? } else { TokenAmount::ZERO };
        let total = TokenAmount(register.stake).minus(TokenAmount(self.counted_stake))?.plus(counted)?;
        reweigh(&mut self.weights, &mut register.weights, epoch, weight)?;
        (self.counted_stake, register.stake) = (counted.0, total.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_what_the_speed_says() {
        let tier = |units_per_slot| Profile { units_per_slot, ..Profile::default() }.tier();
        assert_eq!([0, 1, 2, 3, 4, 1_023, 1_024, u64::MAX].map(tier), [0, 1, 2, 2, 3, 10, 11, 64]);
    }

    #[test]
    fn only_regions_that_a_filter_can_name() {
        let at = |region| Profile { region, ..Profile::default() }.validate();
        assert_eq!((at(63), at(64)), (Ok(()), Err(AssayError::RegionInvalid)));
    }
}
