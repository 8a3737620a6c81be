//! Which nodes a client wants for a job, besides the stake that it asks for and the node that it invites.

use super::error::{FairnessError, Ruled};
use super::reputation::Score;
use anchor_lang::prelude::*;

/// What a node says and shows of itself, as far as clients choose by it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeProfile {
    /// A bit for each capability, by the list that the network publishes.
    pub capabilities: u64,
    /// The hardware tier of the node's own benchmark; lateness lowers it
    /// ([`tiers_lost`](super::standing::NodeStanding::tiers_lost)).
    pub tier: u8,
    /// The number of the region, 0 to 63; nobody checks it.
    pub region: u8,
    /// The node's score.
    pub score: Score,
}

/// What a client asks for. The default asks for nothing.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Capabilities that the node must have, all of them.
    pub capabilities: u64,
    /// The regions that may claim, a bit for each; 0 is everywhere.
    pub regions: u64,
    /// The least score; above 0, newcomers are excluded.
    pub minimum_score: Score,
    /// The least hardware tier.
    pub minimum_tier: u8,
}

impl JobFilter {
    /// `CapabilityMissing`, `TierTooLow`, `RegionExcluded` or `ScoreTooLow` unless the node with this profile is one that the
    /// client wants; the first that applies, in this order.
    pub fn check(&self, profile: &NodeProfile) -> Ruled {
        let region = 1u64.checked_shl(u32::from(profile.region)).unwrap_or(0);
        let rules = [
            (self.capabilities & !profile.capabilities == 0, FairnessError::CapabilityMissing),
            (profile.tier >= self.minimum_tier, FairnessError::TierTooLow),
            (self.regions == 0 || self.regions & region != 0, FairnessError::RegionExcluded),
            (profile.score >= self.minimum_score, FairnessError::ScoreTooLow),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROFILE: NodeProfile = NodeProfile { capabilities: 0b1011, tier: 3, region: 5, score: Score(30_000) };

    #[test]
    fn each_wish_is_refused_by_its_own_name() {
        type Change = fn(&mut JobFilter);
        let cases: [(Change, Change, FairnessError); 4] = [
            (|f| f.capabilities = 0b1010, |f| f.capabilities = 0b0100, FairnessError::CapabilityMissing),
            (|f| f.minimum_tier = 3, |f| f.minimum_tier = 4, FairnessError::TierTooLow),
            (|f| f.regions = 0b110_0000, |f| f.regions = 0b100_0000, FairnessError::RegionExcluded),
            (|f| f.minimum_score = Score(30_000), |f| f.minimum_score = Score(30_001), FairnessError::ScoreTooLow),
        ];
        assert_eq!(JobFilter::default().check(&NodeProfile::default()), Ok(()));
        for (met, missed, error) in cases {
            let mut filter = JobFilter::default();
            met(&mut filter);
            assert_eq!(filter.check(&PROFILE), Ok(()), "{error:?}");
            missed(&mut filter);
            assert_eq!(filter.check(&PROFILE), Err(error));
        }
    }

    #[test]
    fn a_region_that_does_not_exist_is_nowhere() {
        let anywhere_named = JobFilter { regions: u64::MAX, ..Default::default() };
        for (region, result) in [(0, Ok(())), (63, Ok(())), (64, Err(FairnessError::RegionExcluded))] {
            assert_eq!(anywhere_named.check(&NodeProfile { region, ..PROFILE }), result);
        }
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// A better node is never refused where a worse one is accepted.
        #[test]
        fn more_never_excludes(wanted: u64, has: u64, more: u64, tiers: (u8, u8, u8), scores: (u16, u16, u16)) {
            let filter = JobFilter {
                capabilities: wanted, regions: 0, minimum_tier: tiers.0, minimum_score: Score(scores.0),
            };
            let profile = NodeProfile { capabilities: has, tier: tiers.1, region: 0, score: Score(scores.1) };
            let better = NodeProfile {
                capabilities: has | more,
                tier: profile.tier.saturating_add(tiers.2),
                region: 0,
                score: Score(scores.1.saturating_add(scores.2)),
            };
            if filter.check(&profile).is_ok() {
                prop_assert_eq!(filter.check(&better), Ok(()));
            }
        }
    }
}
