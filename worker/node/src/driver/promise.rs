//! Transactions: written down before they are sent, signed anew only when the old one can never land.

use super::{DriveError, Driver};
use crate::failpoint;
use crate::journal::{InFlight, Outcome, Purpose, Stage};
use crate::market::{Action, Fate, Market, Signed};
use crate::meter::JobStage;
use crate::refusal::Refusal;
use assay::AssayError;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::program_error;
use std::time::Instant;

/// Claims refused for no known reason, after which a job is left to others: each may have cost a fee.
pub(crate) const MOST_REFUSED_CLAIMS: u32 = 3;
/// Withdrawals refused, after which the payment stays in the vault: the payee's account may be frozen for good.
pub(crate) const MOST_REFUSED_WITHDRAWALS: u32 = 5;

impl<M: Market> Driver<M> {
    /// Writes the signed transaction to the journal, sends it, and notes its fate.
    pub(super) async fn promise(&mut self, job: &Job, action: &Action) -> Result<(), DriveError> {
        let signed = match self.shared.market.sign(&self.address, job, action).await? {
            Signed::Ready(signed) => signed,
            Signed::Refused { code, reason } => {
                self.count(action.purpose(), "refused");
                return self.refused(action.purpose(), Some(job), code, reason);
            }
        };
        let mut record = self.record()?;
        record.in_flight = Some(signed.clone());
        self.save(record)?;
        failpoint::reach(points(action.purpose()).signed);
        self.settle_fate(&signed, Some(job)).await
    }

    /// Finds out what became of a transaction that was signed earlier, perhaps in another life.
    pub(super) async fn resolve(&mut self, job: Option<&Job>) -> Result<(), DriveError> {
        match self.record()?.in_flight {
            Some(in_flight) => self.settle_fate(&in_flight, job).await,
            None => Ok(()),
        }
    }

    async fn settle_fate(&mut self, transaction: &InFlight, job: Option<&Job>) -> Result<(), DriveError> {
        let purpose = transaction.purpose;
        let started = Instant::now();
        let fate = self.shared.market.submit(transaction).await?;
        match (&fate, purpose) {
            (Fate::Landed { .. }, Purpose::Commit) => {
                self.shared.meter.note_stage(JobStage::Confirm, started.elapsed());
                self.count(purpose, "landed");
            }
            (Fate::Landed { .. }, _) => self.count(purpose, "landed"),
            (Fate::Failed { .. }, _) => self.count(purpose, "failed"),
            (Fate::Expired, _) => self.count(purpose, "expired"),
        }
        tracing::info!(job = %self.address, ?purpose, ?fate, "transaction");
        failpoint::reach(points(purpose).unrecorded);
        let mut record = self.record()?;
        record.in_flight = None;
        if let Fate::Landed { slot } = fate {
            // What is looked at from now on has this transaction in it.
            self.looked = self.looked.max(slot);
            record.last_slot = record.last_slot.max(slot);
            let owed = job.map(|job| job.credits.node).filter(|credit| *credit > 0);
            record.payment = owed.or(record.payment);
            record.mint = job.map(|job| job.payment_mint.to_string()).or(record.mint);
            record.stage = landed(purpose, &record.stage);
        }
        self.save(record)?;
        match fate {
            Fate::Landed { .. } => {
                failpoint::reach(points(purpose).landed);
                if purpose == Purpose::Commit {
                    self.progress.permit = None;
                    self.shared.promise_kept(&self.address, self.looked)?;
                }
                Ok(())
            }
            Fate::Failed { code, reason } => self.refused(purpose, job, code, reason),
            // The chain decides again: the next step is taken from its state.
            Fate::Expired => Ok(()),
        }
    }

    fn count(&self, purpose: Purpose, fate: &str) {
        self.shared.meter.transactions.note(&[("purpose", purpose.name()), ("fate", fate)]);
    }

    /// After a refusal the chain's state decides again, after a pause. A bond at risk is never given up; a claim, and the
    /// withdrawal of a payment, are when they are refused time after time.
    fn refused(&mut self, purpose: Purpose, job: Option<&Job>, code: String, reason: String) -> Result<(), DriveError> {
        match (purpose, ClaimRefusal::of(&code)) {
            (Purpose::Claim, ClaimRefusal::Passing) => self.let_go(),
            (Purpose::Claim, ClaimRefusal::Stake) => {
                return self.skip(Refusal::new("N0208", reason, "stake more with `assay node stake`"));
            }
            (Purpose::Claim, ClaimRefusal::Other) => {
                self.progress.refused_claims = self.progress.refused_claims.saturating_add(1);
                if self.progress.refused_claims >= MOST_REFUSED_CLAIMS {
                    return self.finish(Outcome::Lost { reason: format!("the claim was refused: {code} {reason}") });
                }
            }
            (Purpose::Withdraw, _) => {
                self.progress.refused_withdrawals = self.progress.refused_withdrawals.saturating_add(1);
                let is_early = job.is_some_and(|job| job.state == JobState::Accepted);
                if self.progress.refused_withdrawals >= MOST_REFUSED_WITHDRAWALS && !is_early {
                    let amount = job.map_or(0, |job| job.credits.node);
                    let reason = format!("the withdrawal was refused: {code} {reason}");
                    return self.finish(Outcome::Credited { amount, reason });
                }
            }
            (Purpose::Commit, _) => {
                self.progress.refused_commitment = Some(format!("its commitment was refused: {code} {reason}"));
            }
            (Purpose::Finalise | Purpose::Expire, _) => {}
        }
        Err(DriveError::Refused { code, reason })
    }
}

/// What a refused claim means for the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimRefusal {
    /// Other jobs of this node are in the way, the guardian pauses new work, or it is not its turn; all that passes.
    Passing,
    /// This node has too little stake for it.
    Stake,
    /// Unknown: the job is given up when it happens again and again.
    Other,
}

impl ClaimRefusal {
    pub(crate) fn of(code: &str) -> Self {
        let is = |error: AssayError| program_error::code(error) == code;
        // Another node sealed the seed first, or an epoch began: the chain decides again.
        let passing = [
            AssayError::InsufficientFreeStake,
            AssayError::TooManyOpenJobs,
            AssayError::WorkPaused,
            AssayError::CapacityReached,
            AssayError::SeedAlreadySealed,
            AssayError::SeedNotSealed,
            AssayError::SeedNotYet,
            AssayError::NotDrawnYet,
            AssayError::UnresolvedMiss,
            AssayError::Jailed,
            AssayError::InMaintenance,
        ];
        if passing.into_iter().any(is) {
            Self::Passing
        } else if is(AssayError::StakeBelowJobMinimum) || is(AssayError::StakeBelowNetworkMinimum) {
            Self::Stake
        } else {
            Self::Other
        }
    }
}

/// The stage after a transaction landed. That a payment left the vault is believed only when the job's account shows it: an endpoint that
/// confirms what never landed would end the job with the payment still inside.
fn landed(purpose: Purpose, stage: &Stage) -> Stage {
    match (purpose, stage) {
        (Purpose::Claim, _) => Stage::Claimed,
        (Purpose::Commit, Stage::Executed(executed)) => Stage::Committed(executed.clone()),
        (Purpose::Finalise, Stage::Committed(executed)) => Stage::Settled(executed.clone()),
        (_, stage) => stage.clone(),
    }
}

/// Names of the places around a transaction at which a test can make the process die.
struct Points {
    signed: &'static str,
    unrecorded: &'static str,
    landed: &'static str,
}

fn points(purpose: Purpose) -> Points {
    let (signed, unrecorded, landed) = match purpose {
        Purpose::Claim => ("after_claim_signed", "after_claim_unrecorded", "after_claim_landed"),
        Purpose::Commit => ("after_commit_signed", "after_commit_unrecorded", "after_commit_landed"),
        Purpose::Finalise => ("after_finalise_signed", "after_finalise_unrecorded", "after_finalise_landed"),
        Purpose::Withdraw => ("after_withdraw_signed", "after_withdraw_unrecorded", "after_withdraw_landed"),
        Purpose::Expire => ("after_expire_signed", "after_expire_unrecorded", "after_expire_landed"),
    };
    Points { signed, unrecorded, landed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_claims_are_told_apart() {
        let of = |error| ClaimRefusal::of(&program_error::code(error));
        assert_eq!(of(AssayError::InsufficientFreeStake), ClaimRefusal::Passing);
        assert_eq!(of(AssayError::TooManyOpenJobs), ClaimRefusal::Passing);
        assert_eq!(of(AssayError::SeedAlreadySealed), ClaimRefusal::Passing);
        assert_eq!(of(AssayError::WorkPaused), ClaimRefusal::Passing);
        assert_eq!(of(AssayError::StakeBelowJobMinimum), ClaimRefusal::Stake);
        assert_eq!(of(AssayError::StakeBelowNetworkMinimum), ClaimRefusal::Stake);
        assert_eq!(of(AssayError::IllegalTransition), ClaimRefusal::Other);
        assert_eq!(ClaimRefusal::of(""), ClaimRefusal::Other);
    }
}
