//! What the defence of one open job can still cost: a pure function of its disputes.

use super::cost::DefenceCost;
use super::duties::Dispute;
use assay::dispute::TargetKind;
use assay::dispute::clocks::{MAXIMUM_DEMANDS, MAXIMUM_OUTPUT_DEMANDS, Turn};
use assay::state::Challenge;

/// How far a job of this node can still be disputed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Demands that each challenge which has not ended can still make, the one that waits for its answer included.
    pub open: Vec<u16>,
    /// Whether further challenges can come.
    pub is_challengeable: bool,
    /// What already lies as rent in accounts that this node opened for the job: it is not lent twice.
    pub lent_lamports: u64,
}

impl Exposure {
    /// That of a job with these disputes.
    pub fn of(dispute: &Dispute, is_challengeable: bool, lent_lamports: u64) -> Self {
        let open = dispute.open_challenges().map(|(_, challenge)| left_to(challenge, dispute)).collect();
        Self { open, is_challengeable, lent_lamports }
    }

    /// What has to lie ready: for all that the open challenges can still demand, and while further ones can come, for as many
    /// whole ones as make up `reserved_challenges` with those that are open. Never more than all openings cost that are
    /// not lent for yet, and what ending the challenges costs.
    pub fn needed_lamports(&self, cost: &DefenceCost, reserved_challenges: u32) -> u64 {
        let of_open = self.open.iter().fold(0u64, |sum, left| {
            let each = cost.opening_lamports.saturating_mul(u64::from(*left)).min(cost.filing_lamports);
            sum.saturating_add(each)
        });
        let open = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        let to_come = if self.is_challengeable { reserved_challenges.saturating_sub(open) } else { 0 };
        let of_others = cost.challenge_lamports.saturating_mul(u64::from(to_come));
        let unopened = cost.everything_lamports.saturating_sub(self.lent_lamports);
        let ends = cost.end_lamports.saturating_mul(u64::from(open.saturating_add(to_come)));
        of_open.saturating_add(of_others).min(unopened).saturating_add(ends)
    }
}

/// Demands that a challenge can still make, with the one that waits for an answer of this node.
fn left_to(challenge: &Challenge, dispute: &Dispute) -> u16 {
    let most = match challenge.target.kind {
        TargetKind::Output => MAXIMUM_OUTPUT_DEMANDS,
        TargetKind::Boundary | TargetKind::Segment => MAXIMUM_DEMANDS,
    };
    let waiting = matches!(challenge.clocks.turn(dispute.progress(challenge)), Turn::Defender(_));
    most.saturating_sub(challenge.clocks.demands).saturating_add(u16::from(waiting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::dispute::{ChallengeState, Clocks, Target, Wait};
    use assay::state::{Demand, DemandState};
    use assay::units::Slot;
    use proptest::prelude::*;
    use solana_sdk::pubkey::Pubkey;

    const END: u64 = 7;

    /// What openings with these rents and fees cost.
    fn cost_of(openings: &[(u64, u64)]) -> DefenceCost {
        let mut prices: Vec<u64> = openings.iter().map(|(rent, fees)| rent + fees).collect();
        prices.sort_unstable_by_key(|price| std::cmp::Reverse(*price));
        let dearest = |most: u16| prices.iter().take(usize::from(most)).sum::<u64>();
        DefenceCost {
            opening_lamports: dearest(1),
            challenge_lamports: dearest(MAXIMUM_DEMANDS),
            filing_lamports: dearest(MAXIMUM_OUTPUT_DEMANDS),
            everything_lamports: dearest(u16::MAX),
            end_lamports: END,
        }
    }

    fn cost() -> impl Strategy<Value = DefenceCost> {
        prop::collection::vec((1u64..1_000, 0u64..50), 1..150).prop_map(|openings| cost_of(&openings))
    }

    proptest! {
        /// Whatever is demanded and answered, what lay ready at the first challenge is enough to the last answer: without
        /// further challenges, nobody has to top up in the middle of a dispute.
        #[test]
        fn what_lay_ready_pays_for_the_whole_dispute(
            openings in prop::collection::vec((1u64..1_000, 0u64..50), 1..150),
            left in prop::collection::vec(0u16..=64, 0..4),
            moves in prop::collection::vec((0usize..4, any::<prop::sample::Index>()), 0..300),
        ) {
            let cost = cost_of(&openings);
            let mut exposure = Exposure { open: left, ..Exposure::default() };
            let mut purse = exposure.needed_lamports(&cost, 1);
            let mut unopened = openings;
            for (who, which) in moves {
                let Some(demands) = exposure.open.get_mut(who).filter(|demands| **demands > 0) else { continue };
                if unopened.is_empty() {
                    continue;
                }
                *demands -= 1;
                let (rent, fees) = unopened.swap_remove(which.index(unopened.len()));
                prop_assert!(purse >= rent + fees, "{} left, {} to pay", purse, rent + fees);
                purse -= rent + fees;
                exposure.lent_lamports += rent;
            }
            prop_assert!(purse >= END * exposure.open.len() as u64, "every challenge can be ended");
        }

        #[test]
        fn more_challenges_need_no_less_and_never_more_than_everything(
            cost in cost(),
            open in prop::collection::vec(0u16..=64, 0..9),
            reserved in 1u32..9,
            lent in 0u64..40_000,
        ) {
            let exposure = Exposure { open, is_challengeable: true, lent_lamports: lent };
            let needed = exposure.needed_lamports(&cost, reserved);
            let ends = END * u64::from(reserved).max(exposure.open.len() as u64);
            prop_assert!(needed <= cost.everything_lamports.saturating_sub(lent) + ends);
            prop_assert!(needed <= exposure.needed_lamports(&cost, reserved + 1));
            let closed = Exposure { is_challengeable: false, ..exposure.clone() };
            prop_assert!(closed.needed_lamports(&cost, reserved) <= needed);
            let mut joined = exposure.clone();
            joined.open.push(64);
            prop_assert!(joined.needed_lamports(&cost, reserved) >= closed.needed_lamports(&cost, reserved));
            let repaid = Exposure { lent_lamports: 0, ..exposure };
            prop_assert!(repaid.needed_lamports(&cost, reserved) >= needed);
        }
    }

    #[test]
    fn a_job_without_challenges_needs_as_many_as_are_reserved_until_its_window_is_over() {
        let cost = DefenceCost {
            opening_lamports: 10,
            challenge_lamports: 240,
            filing_lamports: 640,
            everything_lamports: 500,
            end_lamports: 1,
        };
        let mut exposure = Exposure { is_challengeable: true, ..Exposure::default() };
        assert_eq!([1, 2, 3].map(|reserved| exposure.needed_lamports(&cost, reserved)), [241, 482, 503]);
        exposure.open = vec![3];
        assert_eq!([1, 2].map(|reserved| exposure.needed_lamports(&cost, reserved)), [31, 272]);
        exposure.lent_lamports = 490;
        assert_eq!(exposure.needed_lamports(&cost, 2), 12, "only what is not opened yet");
        exposure = Exposure::default();
        assert_eq!(exposure.needed_lamports(&cost, 5), 0, "nobody can challenge any more");
    }

    #[test]
    fn demands_are_counted_with_the_one_that_waits() {
        let demanded = Pubkey::new_unique();
        let mut challenge = Challenge {
            state: ChallengeState::Revealed,
            clocks: Clocks::started(Slot(10), false),
            ..Challenge::default()
        };
        let left = |challenge: &Challenge, demand: Option<Demand>| {
            let demands = demand.map(|demand| (demanded, demand)).into_iter().collect();
            let dispute = Dispute { challenges: vec![(Pubkey::default(), challenge.clone())], demands };
            Exposure::of(&dispute, false, 0).open
        };
        assert_eq!(left(&challenge, None), [24]);
        let wait = Wait { demand: demanded, poster_answers: false, most: 24 };
        challenge.clocks.wait_for(wait, assay::dispute::Progress::default(), Slot(11), 100).unwrap();
        assert_eq!(left(&challenge, Some(Demand::default())), [24], "23 to come and one to answer");
        let answered = Demand { state: DemandState::Answered, answered_slot: 12, ..Demand::default() };
        assert_eq!(left(&challenge, Some(answered.clone())), [23]);
        challenge.target = Target { kind: TargetKind::Output, ..Target::default() };
        assert_eq!(left(&challenge, Some(answered)), [63]);
        challenge.state = ChallengeState::Lost;
        assert_eq!(left(&challenge, None), [0u16; 0]);
    }
}
