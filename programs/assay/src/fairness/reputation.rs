//! What a node's work says about it.
//!
//! Evidence is an amount of good and an amount of bad, in millionths of an *observation*: so many base units of protocol
//! fees burned. Jobs count by the fees that they burned, never by their number, so that a reputation costs what it is
//! worth; invited jobs count nothing. Evidence fades by the same share every epoch.
//!
//! The score is the lower end of Wilson's interval for the share of good work (E. B. Wilson, *Probable inference, the law of
//! succession, and statistical inference*, Journal of the American Statistical Association 22, 1927; one-sided, 95 %:
//! `z = 1.645`). With `s` good and `f` bad observations and `n = s + f`:
//!
//! ```text
//! score = (s + z²/2 - z √(s f / n + z²/4)) / (n + z²)
//! ```
//!
//! It is computed in another form of the same number, which subtracts nothing. With `x = f / s` and `y = z² / s`:
//!
//! ```text
//! score = 1 / ((1 + x)(1 + y/2) + √(x y (1 + x) + ((1 + x) y / 2)²))
//! ```
//!
//! `x` and `y` fall when `s` grows, `x` rises with `f`, and everything after that rises with both or only falls with both,
//! rounding included: so more good work never lowers a score, by not even a unit, and more bad work never raises one.
//!
//! Who has done nothing has a score of 0, and nobody has less: so a new identity never has a better score than an old one.
//! What a score of 0 means is decided where scores are used; see [`weight`](super::weight), where it costs half.

use super::error::{FairnessError, Ruled};
use super::ratio::{ceiling_of, floor_of};
use crate::audit::Epoch;
use crate::units::BasisPoints;
use anchor_lang::prelude::*;

/// Units of evidence in one observation.
pub const OBSERVATION: u64 = 1_000_000;

/// `z²` in units of evidence: 1.6448536² of an observation.
pub const CONFIDENCE: u64 = 2_705_543;

/// Evidence of either kind stays below: so that every product of the score fits 64 bits.
pub const MAXIMUM_EVIDENCE: u64 = 1 << 46;

/// Fraction bits of scores, and of what they are computed from.
const FRACTION_BITS: u32 = 16;
const ONE: u64 = 1 << FRACTION_BITS;
/// With `x` or `y` beyond 128 the score is 0: too little is known, or nearly all of it is bad.
const LARGEST_RATIO: u64 = 128 << FRACTION_BITS;

/// A share of good work, in 65,536ths; always below the whole.
#[derive(
    AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub struct Score(pub u16);

/// What governance decides about reputation.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReputationRules {
    /// Burned fees, in base units of the stake mint, that make one observation.
    pub fee_per_observation: u64,
    /// What one job counts at most, in millionths of an observation.
    pub maximum_per_job: u64,
    /// What is left of evidence after an epoch, in 2^-32.
    pub kept_per_epoch: u32,
    /// What a miss counts, as a multiple of what the job would have counted, when the node was simply not there.
    pub no_show_bps: u32,
    /// The same when the node was really away.
    pub outage_bps: u32,
    /// The same when it had declared that it would be away.
    pub maintenance_bps: u32,
    /// What each epoch without a heartbeat counts, as a share of the good evidence.
    pub missed_heartbeat_bps: u32,
}

impl Default for ReputationRules {
    /// A million base units an observation, halved in 30 epochs; a no-show counts four times, an outage half, declared
    /// maintenance a tenth, an epoch without a heartbeat 1 %.
    fn default() -> Self {
        Self {
            fee_per_observation: 1_000_000,
            maximum_per_job: 16 * OBSERVATION,
            kept_per_epoch: 4_196_870_107,
            no_show_bps: 40_000,
            outage_bps: 5_000,
            maintenance_bps: 1_000,
            missed_heartbeat_bps: 100,
        }
    }
}

impl ReputationRules {
    /// `RuleOutOfBounds` unless there is an observation, a half-life of at least an epoch, and no disguise pays: declared
    /// maintenance counts less than an outage, and that less than a no-show.
    pub fn validate(&self) -> Ruled {
        let ordered = self.maintenance_bps <= self.outage_bps && self.outage_bps <= self.no_show_bps;
        let sane = self.fee_per_observation > 0
            && (1..=MAXIMUM_EVIDENCE).contains(&self.maximum_per_job)
            && self.kept_per_epoch >= 1 << 31
            && self.no_show_bps <= 1_000_000
            && self.missed_heartbeat_bps <= BasisPoints::WHOLE.0;
        if ordered && sane {
            Ok(())
        } else {
            Err(FairnessError::RuleOutOfBounds)
        }
    }

    /// What a job counts that burned `fee` base units of the stake mint, rounded down; an invited job counts nothing.
    pub fn observations(&self, fee: u64, invited: bool) -> Ruled<u64> {
        if invited {
            return Ok(0);
        }
        let exact = u128::from(fee)
            .checked_mul(u128::from(OBSERVATION))
            .and_then(|product| product.checked_div(u128::from(self.fee_per_observation)))
            .ok_or(FairnessError::ArithmeticOverflow)?;
        Ok(u64::try_from(exact).unwrap_or(u64::MAX).min(self.maximum_per_job))
    }
}

/// What a node did, as far as its reputation is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A result in time.
    OnTime,
    /// A correct result that came late, by this share of the time that was left.
    Late(BasisPoints),
    /// No result, in a window that was declared before the claim.
    MissInMaintenance,
    /// No result, and no sign of life since.
    MissInOutage,
    /// No result.
    NoShow,
    /// Proved fraud.
    Fraud,
}

/// Evidence about one node, as of an epoch.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Good work, in millionths of an observation.
    pub good: u64,
    /// Bad work, in the same unit.
    pub bad: u64,
    /// The epoch up to which both have faded.
    pub epoch: u64,
}

/// The score before and after something was recorded: what the event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreChange {
    /// Before, fading included.
    pub before: Score,
    /// After.
    pub after: Score,
}

impl Evidence {
    /// Lets the evidence fade until `now`. Good is rounded down and bad up, so that a score never rises by waiting.
    pub fn fade(&mut self, now: Epoch, rules: &ReputationRules) {
        let epochs = now.0.saturating_sub(self.epoch);
        if epochs == 0 {
            return;
        }
        let kept = power(rules.kept_per_epoch, epochs);
        // Evidence is below 2^46 and a share below 2^32: both products fit 128 bits, and the results what they came from.
        let faded = |amount: u64| u128::from(amount).saturating_mul(u128::from(kept));
        self.good = u64::try_from(faded(self.good) >> 32).unwrap_or(self.good);
        self.bad = match kept {
            0 => 0,
            _ => u64::try_from(faded(self.bad).div_ceil(1 << 32)).unwrap_or(self.bad),
        };
        self.epoch = now.0;
    }

    /// Records an act of a job that counts `observations`, after fading.
    pub fn record(&mut self, act: Act, observations: u64, now: Epoch, rules: &ReputationRules) -> Ruled<ScoreChange> {
        let whole = u64::from(BasisPoints::WHOLE.0);
        let times = |share: u32| ceiling_of(observations.min(MAXIMUM_EVIDENCE), u64::from(share), whole);
        self.fade(now, rules);
        let before = self.score();
        let (good, bad) = match act {
            Act::OnTime => (observations, 0),
            Act::Late(share) => {
                let bad = times(share.0.min(BasisPoints::WHOLE.0))?;
                (observations.saturating_sub(bad), bad)
            }
            Act::MissInMaintenance => (0, times(rules.maintenance_bps)?),
            Act::MissInOutage => (0, times(rules.outage_bps)?),
            Act::NoShow => (0, times(rules.no_show_bps)?),
            Act::Fraud => {
                self.good = 0;
                (0, times(rules.no_show_bps)?)
            }
        };
        self.add(good, bad);
        Ok(ScoreChange { before, after: self.score() })
    }

    /// Records epochs in which no heartbeat came: each counts a share of the good evidence, so that it weighs the same for
    /// small and large nodes.
    pub fn record_missed_heartbeats(&mut self, missed: u64, now: Epoch, rules: &ReputationRules) -> Ruled<ScoreChange> {
        self.fade(now, rules);
        let before = self.score();
        let whole = u64::from(BasisPoints::WHOLE.0);
        let share = missed.saturating_mul(u64::from(rules.missed_heartbeat_bps)).min(whole);
        let bad = ceiling_of(self.good, share, whole)?;
        self.add(0, bad);
        Ok(ScoreChange { before, after: self.score() })
    }

    /// The lower bound of the share of good work, rounded as the module says.
    pub fn score(&self) -> Score {
        self.checked_score().unwrap_or_default()
    }

    fn add(&mut self, good: u64, bad: u64) {
        self.good = self.good.saturating_add(good).min(MAXIMUM_EVIDENCE);
        self.bad = self.bad.saturating_add(bad).min(MAXIMUM_EVIDENCE);
    }

    /// `None` where nothing good is known, or too little, or hardly anything. With ratios below 2^7 and 16 bits of fraction
    /// the sum under the root stays below 2^62.
    fn checked_score(&self) -> Option<Score> {
        let ratio = |amount: u64| amount.checked_shl(FRACTION_BITS)?.checked_div(self.good);
        let (x, y) = (ratio(self.bad.min(MAXIMUM_EVIDENCE))?, ratio(CONFIDENCE)?);
        if x > LARGEST_RATIO || y > LARGEST_RATIO {
            return None;
        }
        let whole = ONE.checked_add(x)?;
        let half = whole.checked_mul(y)? >> (FRACTION_BITS + 1);
        let spread = (whole.checked_mul(x)? >> FRACTION_BITS).checked_mul(y)?;
        let root = spread.checked_add(half.checked_mul(half)?)?.isqrt();
        let divisor = whole.checked_add(half)?.checked_add(root)?;
        let score = ONE.checked_mul(ONE)?.checked_div(divisor)?;
        // Where both ratios round to nothing this is the whole, and the largest score just below it.
        Some(Score(u16::try_from(score).unwrap_or(u16::MAX)))
    }
}

/// `base^exponent` of a share in 2^-32, rounded down at each step.
fn power(base: u32, exponent: u64) -> u64 {
    let times = |a: u64, b: u64| u64::try_from(u128::from(a).saturating_mul(u128::from(b)) >> 32).unwrap_or(u64::MAX);
    let (mut result, mut square, mut left) = (1 << 32, u64::from(base), exponent);
    while left > 0 && result > 0 {
        if left & 1 == 1 {
            result = times(result, square);
        }
        square = times(square, square);
        left >>= 1;
    }
    result
}

/// What `share` of a score's whole a score is, for showing it: basis points, rounded down.
pub fn score_in_basis_points(score: Score) -> BasisPoints {
    let points = floor_of(u64::from(score.0), u64::from(BasisPoints::WHOLE.0), ONE).unwrap_or(0);
    BasisPoints(u32::try_from(points).unwrap_or(BasisPoints::WHOLE.0))
}

#[cfg(test)]
mod tests;
