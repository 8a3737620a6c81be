//! What a node did, and what follows for its reputation and its standing.

use super::Node;
use crate::audit::Epoch;
use crate::error::{AssayError, Checked};
use crate::fairness::reputation::{Act, ScoreChange, OBSERVATION};
use crate::fairness::standing::{Miss, MissCost, Resolution};
use crate::market::unbonding;
use crate::state::{Job, Parameters, SchedulingParameters, StakeRegister};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};

/// What a conviction took, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// What was taken beyond the bond.
    pub slashed: TokenAmount,
    /// All that was at stake before: the node's own, bond and unbonding included, and what counted of delegated stake.
    pub stake: TokenAmount,
    /// What the job counts for reputation.
    pub observations: u64,
}

/// What a heartbeat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// What the misses before it were, if there were any.
    pub resolution: Option<Resolution>,
    /// Whole epochs without a heartbeat that no maintenance excuses.
    pub missed_epochs: u64,
    /// The score before and after.
    pub score: ScoreChange,
}

impl Node {
    /// Records a result that stood: what it counts, and whether it was late.
    pub fn record_result(&mut self, job: &Job, now: Slot, rules: &SchedulingParameters) -> Checked<ScoreChange> {
        let act = match job.late_bps {
            0 => Act::OnTime,
            late_bps => {
                self.standing.record_late(now, &rules.standing);
                Act::Late(BasisPoints(late_bps))
            }
        };
        // The commit was signed by the operator: so the node was there.
        self.standing.seen_slot = self.standing.seen_slot.max(job.committed_slot);
        self.record_act(act, job.observations(&rules.reputation)?, now, rules)
    }

    /// Records a claim that ended without a result, frees its bond and takes what the miss costs.
    pub fn record_miss(
        &mut self,
        job: &Job,
        now: Slot,
        rules: &SchedulingParameters,
    ) -> Checked<(MissCost, ScoreChange)> {
        let observations = job.observations(&rules.reputation)?;
        let bond = TokenAmount(job.bond);
        let miss = Miss {
            claimed: Slot(job.claimed_slot),
            last: job.run_deadline()?.last(),
            bond,
            charge: BasisPoints(u32::from(job.miss_charge_bps)),
            observations,
        };
        let cost = self.standing.record_miss(&miss, now, &rules.standing)?;
        self.miss_job(bond, cost.charge.plus(cost.burned)?)?;
        let score = match cost.in_maintenance {
            true => self.record_act(Act::MissInMaintenance, observations, now, rules)?,
            // What it was is known with the next sign of life.
            false => ScoreChange { before: self.score, after: self.score },
        };
        Ok((cost, score))
    }

    /// Records a conviction: the tombstone, the reputation, the charge that follows for its company, and that the node weighs
    /// nothing any more.
    pub fn record_conviction(
        &mut self,
        conviction: &Conviction,
        register: &mut StakeRegister,
        now: Slot,
        parameters: &Parameters,
    ) -> Checked<ScoreChange> {
        let rules = &parameters.scheduling;
        let (total, window) = (TokenAmount(register.stake), Slots(rules.correlation_window_slots));
        let Conviction { slashed, stake, observations } = *conviction;
        self.pending_charge.convict(&mut register.convicted, slashed, stake, total, now, window)?;
        self.standing.convict();
        let score = self.record_act(Act::Fraud, observations, now, rules)?;
        self.weigh(register, now, parameters)?;
        Ok(score)
    }

    /// Records a heartbeat. `HeartbeatTooSoon` for a second one in an epoch, unless a miss waits for it.
    pub fn record_heartbeat(&mut self, now: Slot, rules: &SchedulingParameters) -> Checked<Life> {
        let epoch = Epoch::of(now, rules.epoch_slots)?;
        if epoch.0 <= self.standing.heartbeat_epoch && self.standing.unresolved == 0 {
            return Err(AssayError::HeartbeatTooSoon);
        }
        let resolution = self.standing.sign_of_life(now, &rules.standing);
        let missed_epochs = self.standing.heartbeat(now, rules.epoch_slots)?;
        let mut score = self.evidence.record_missed_heartbeats(missed_epochs, epoch, &rules.reputation)?;
        self.score = score.after;
        if let Some(Resolution { outage, observations, .. }) = resolution {
            let act = if outage { Act::MissInOutage } else { Act::NoShow };
            score.after = self.record_act(act, observations, now, rules)?.after;
        }
        Ok(Life { resolution, missed_epochs, score })
    }

    /// Announces a time of absence. `UnresolvedMiss`, and whatever the rules of maintenance refuse.
    pub fn announce_maintenance(
        &mut self,
        start: Slot,
        length: Slots,
        now: Slot,
        rules: &SchedulingParameters,
    ) -> Checked {
        if self.standing.unresolved > 0 {
            return Err(AssayError::UnresolvedMiss);
        }
        self.standing.maintenance.announce(start, length, now, &rules.standing.maintenance)?;
        self.standing.seen_slot = self.standing.seen_slot.max(now.0);
        Ok(())
    }

    /// Takes what the node owes for having been convicted when others were, and returns it. `CorrelationNotDue`.
    pub fn charge_correlation(
        &mut self,
        register: &StakeRegister,
        now: Slot,
        rules: &SchedulingParameters,
    ) -> Checked<TokenAmount> {
        let reachable = self.free_stake()?.plus(unbonding::total(&self.unbonding)?)?;
        let window = Slots(rules.correlation_window_slots);
        let base = TokenAmount(self.delegation.loss.base());
        let of_delegations = self.pending_charge.multiplied(base, &register.convicted, now, window)?;
        let charged = self.pending_charge.charge(&register.convicted, reachable, now, window)?;
        self.take(charged)?;
        self.delegation.loss.charge(of_delegations.0);
        Ok(charged)
    }

    /// `CorrelationOutstanding` while the node is to be charged for its company.
    pub(super) fn check_charged(&self) -> Checked {
        if self.pending_charge.convicted_slot == 0 {
            Ok(())
        } else {
            Err(AssayError::CorrelationOutstanding)
        }
    }

    /// `NodeHasMarks` while anything is on record that a new account would not have: a conviction, misses that are not accounted
    /// for or have not healed, jail, lost tiers, or more than an observation of bad work.
    pub fn check_unmarked(&self, now: Slot, rules: &SchedulingParameters) -> Checked {
        let (standing, recovery) = (&self.standing, Slots(rules.standing.recovery_slots));
        let mut evidence = self.evidence;
        evidence.fade(Epoch::of(now, rules.epoch_slots)?, &rules.reputation);
        let unmarked = self.fraud_convictions == 0
            && standing.unresolved == 0
            && standing.misses.at(now, recovery) == 0
            && standing.lates.at(now, recovery) == 0
            && now.0 >= standing.jailed_until_slot
            && evidence.bad < OBSERVATION;
        if unmarked {
            Ok(())
        } else {
            Err(AssayError::NodeHasMarks)
        }
    }

    fn record_act(
        &mut self,
        act: Act,
        observations: u64,
        now: Slot,
        rules: &SchedulingParameters,
    ) -> Checked<ScoreChange> {
        let epoch = Epoch::of(now, rules.epoch_slots)?;
        let score = self.evidence.record(act, observations, epoch, &rules.reputation)?;
        self.score = score.after;
        Ok(score)
    }
}
