//! What a node weighs in sortition, and what it weighed at the end of an epoch.
//!
//! A weight is linear in stake and rounded down, so that stake divided over identities never weighs more than in one; each
//! part below the minimum stake weighs nothing. A reputation raises it by at most the double, and a divided reputation by
//! less (`reputation`: `divided_evidence_scores_no_higher`).
//!
//! A job that is posted in an epoch counts weights as they were at the end of the epoch before. So the members are known
//! before the seed is, and an identity that is made for a job, or stake that is moved for it, comes too late. Node and
//! network keep the same history and are changed together ([`reweigh`]); the claim path only reads them.

use super::error::{FairnessError, Ruled};
use super::ratio::floor_of;
use super::reputation::Score;
use crate::audit::Epoch;
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// Checkpoints that are kept: of the present epoch and, where the weight changed in each of them, of the two before.
pub const CHECKPOINTS: usize = 3;

/// The score of the best node doubles its weight: weights are `stake * (1 + score) / 2`.
const WHOLE: u64 = 1 << 17;
const BASE: u64 = 1 << 16;

/// The weight of a node with this counted stake: `stake * (1 + score) / 2`, rounded down; 0 below the minimum stake.
pub fn weight_of(stake: TokenAmount, minimum_stake: TokenAmount, score: Score) -> Ruled<u64> {
    if stake < minimum_stake {
        return Ok(0);
    }
    let factor = BASE.checked_add(u64::from(score.0)).ok_or(FairnessError::ArithmeticOverflow)?;
    floor_of(stake.0, factor, WHOLE)
}

/// Jobs that a node may have open: one for each `stake_per_job` of its own stake, and never more than `limit`.
///
/// Rounded down, so that below the limit identities that share a stake have no more open jobs than one would.
pub fn open_jobs_allowed(stake: TokenAmount, stake_per_job: TokenAmount, limit: u32) -> u32 {
    let jobs = stake.0.checked_div(stake_per_job.0).unwrap_or(0);
    u32::try_from(jobs).unwrap_or(u32::MAX).min(limit)
}

/// A weight from the given epoch on.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The epoch in which the weight was set.
    pub epoch: u64,
    /// The weight since, in base units of the stake mint.
    pub weight: u64,
}

/// The last weights of a node, or of the network; the newest last.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StakeSnapshot {
    /// Epochs do not fall from place to place.
    pub checkpoints: [Checkpoint; CHECKPOINTS],
}

impl StakeSnapshot {
    /// The weight at present.
    pub fn present(&self) -> u64 {
        let [.., newest] = self.checkpoints;
        newest.weight
    }

    /// Sets the weight from `now` on. `InvariantBroken` if a later epoch is on record.
    pub fn set(&mut self, now: Epoch, weight: u64) -> Ruled {
        let [_, middle, newest] = self.checkpoints;
        if now.0 < newest.epoch {
            return Err(FairnessError::InvariantBroken);
        }
        let new = Checkpoint { epoch: now.0, weight };
        self.checkpoints = match now.0 == newest.epoch {
            true => [self.checkpoints[0], middle, new],
            false => [middle, newest, new],
        };
        Ok(())
    }

    /// The weight at the end of `epoch`, which is over: exact for the last two epochs at least, 0 for what is no longer
    /// known, which never gives anybody more than it had. What happens after the epoch does not change it: who was drawn
    /// stays drawn, and stake that was moved on counts where it was and not yet where it is.
    pub fn at_end_of(&self, epoch: Epoch) -> u64 {
        let known = self.checkpoints.iter().rev().find(|checkpoint| checkpoint.epoch <= epoch.0);
        known.map_or(0, |checkpoint| checkpoint.weight)
    }
}

/// Changes a node's weight, and the network's by as much, from `now` on. `ArithmeticOverflow` where the sum of all weights
/// leaves 64 bits; `InvariantBroken` where the network does not count what the node weighs.
pub fn reweigh(node: &mut StakeSnapshot, network: &mut StakeSnapshot, now: Epoch, weight: u64) -> Ruled {
    let others = network.present().checked_sub(node.present()).ok_or(FairnessError::InvariantBroken)?;
    let total = others.checked_add(weight).ok_or(FairnessError::ArithmeticOverflow)?;
    let mut changed = *network;
    changed.set(now, total)?;
    node.set(now, weight)?;
    *network = changed;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weight(stake: u64, score: u16) -> u64 {
        weight_of(TokenAmount(stake), TokenAmount(100), Score(score)).unwrap()
    }

    #[test]
    fn a_newcomer_weighs_half_of_the_best_and_a_dwarf_nothing() {
        assert_eq!((weight(1_000, 0), weight(1_000, 32_768), weight(1_000, u16::MAX)), (500, 750, 999));
        assert_eq!((weight(99, u16::MAX), weight(100, 0), weight(0, 0)), (0, 50, 0));
        assert_eq!(weight(u64::MAX, u16::MAX), u64::MAX - (1 << 47), "no overflow at the top");
    }

    #[test]
    fn open_jobs_follow_stake() {
        let allowed = |stake| open_jobs_allowed(TokenAmount(stake), TokenAmount(50), 8);
        assert_eq!([49, 50, 149, 400, u64::MAX].map(allowed), [0, 1, 2, 8, 8]);
        assert_eq!(open_jobs_allowed(TokenAmount(5), TokenAmount(0), 8), 0, "a rule of nothing allows nothing");
    }

    #[test]
    fn the_end_of_an_epoch_is_what_was_last_set_in_it() {
        let mut history = StakeSnapshot::default();
        for (epoch, weight) in [(5, 10), (5, 11), (6, 20), (9, 30)] {
            history.set(Epoch(epoch), weight).unwrap();
        }
        let ends: Vec<u64> = (4..=10).map(|epoch| history.at_end_of(Epoch(epoch))).collect();
        assert_eq!(ends, [0, 11, 20, 20, 20, 30, 30]);
        assert_eq!(history.set(Epoch(8), 1), Err(FairnessError::InvariantBroken));
        history.set(Epoch(10), 40).unwrap();
        assert_eq!(history.at_end_of(Epoch(5)), 0, "forgotten is nothing");
    }

    /// Stake that is added or moved in the epoch of a job does not count for the job where it came to, and counts once.
    #[test]
    fn stake_moved_for_a_job_comes_too_late() {
        let (mut old, mut new, mut network) = <(StakeSnapshot, StakeSnapshot, StakeSnapshot)>::default();
        reweigh(&mut old, &mut network, Epoch(3), 100).unwrap();
        let before = Epoch(6);
        reweigh(&mut old, &mut network, Epoch(7), 10).unwrap();
        reweigh(&mut new, &mut network, Epoch(7), 90).unwrap();
        assert_eq!((old.at_end_of(before), new.at_end_of(before), network.at_end_of(before)), (100, 0, 100));
        assert_eq!((old.at_end_of(Epoch(7)), new.at_end_of(Epoch(7)), network.at_end_of(Epoch(7))), (10, 90, 100));
    }

    #[test]
    fn nothing_changes_where_a_sum_would_not_fit() {
        let (mut node, mut network) = (StakeSnapshot::default(), StakeSnapshot::default());
        network.set(Epoch(1), u64::MAX).unwrap();
        let before = (node, network);
        assert_eq!(reweigh(&mut node, &mut network, Epoch(2), 1), Err(FairnessError::ArithmeticOverflow));
        network.set(Epoch(5), u64::MAX - 1).unwrap();
        assert_eq!(reweigh(&mut node, &mut network, Epoch(2), 1), Err(FairnessError::InvariantBroken));
        assert_eq!((node, before.0), (before.0, StakeSnapshot::default()));
        node.set(Epoch(5), u64::MAX).unwrap();
        assert_eq!(reweigh(&mut node, &mut network, Epoch(6), 1), Err(FairnessError::InvariantBroken));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// The heart of it: however a stake is cut, and whatever part of the reputation each piece keeps, the pieces weigh
        /// no more than the whole and open no more jobs.
        #[test]
        fn splitting_never_gains(parts in prop::collection::vec(0u64..1 << 50, 1..100), score: u16, lost: u16, minimum in 1u64 << 26..1 << 50) {
            let whole: u64 = parts.iter().sum();
            let weight = |stake, score| weight_of(TokenAmount(stake), TokenAmount(minimum), Score(score)).unwrap();
            let pieces: u64 = parts.iter().map(|part| weight(*part, score.saturating_sub(lost))).sum();
            prop_assert!(pieces <= weight(whole, score));
            let jobs = |stake| open_jobs_allowed(TokenAmount(stake), TokenAmount(minimum), u32::MAX);
            prop_assert!(parts.iter().map(|part| u64::from(jobs(*part))).sum::<u64>() <= u64::from(jobs(whole)));
        }

        /// Weights are linear in stake, to a unit.
        #[test]
        fn linear_in_stake(stake in 0u64..1 << 50, times in 1u64..1_000, score: u16) {
            let weight = |stake| weight_of(TokenAmount(stake), TokenAmount(0), Score(score)).unwrap();
            let (one, many) = (weight(stake), weight(stake * times));
            prop_assert!(one * times <= many && many < (one + 1) * times);
        }

        #[test]
        fn more_stake_and_a_better_score_never_weigh_less(stake: u64, more: u64, score: u16, better: u16, minimum: u64) {
            let weight = |stake, score| weight_of(TokenAmount(stake), TokenAmount(minimum), Score(score)).unwrap();
            let (stake_after, score_after) = (stake.saturating_add(more), score.saturating_add(better));
            prop_assert!(weight(stake_after, score_after) >= weight(stake, score));
            prop_assert!(weight(stake, u16::MAX) <= 2 * u64::max(weight(stake, 0), 1).min(u64::MAX / 2) + 1);
        }

        /// At the end of every epoch the network's weight is the sum of its nodes', as far back as is kept.
        #[test]
        fn the_network_weighs_what_its_nodes_weigh(steps in prop::collection::vec((0usize..4, 0u64..1_000, 0u64..2), 1..40)) {
            let (mut nodes, mut network, mut now) = ([StakeSnapshot::default(); 4], StakeSnapshot::default(), 1);
            let mut past = vec![[0; 4]];
            for (node, weight, later) in steps {
                past.resize((now + later) as usize, nodes.map(|node| node.present()));
                now += later;
                reweigh(&mut nodes[node], &mut network, Epoch(now), weight).unwrap();
                prop_assert_eq!(network.present(), nodes.iter().map(StakeSnapshot::present).sum::<u64>());
                for (epoch, weights) in past.iter().enumerate().rev().take(CHECKPOINTS - 1) {
                    let sum: u64 = weights.iter().sum();
                    prop_assert_eq!(network.at_end_of(Epoch(epoch as u64)), sum);
                    for (node, weight) in nodes.iter().zip(weights) {
                        prop_assert_eq!(node.at_end_of(Epoch(epoch as u64)), *weight);
                    }
                }
            }
        }
    }
}
