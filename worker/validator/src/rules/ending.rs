//! Deciding, settling and closing.

use super::{Broken, job, known, open_challenge, wrong_state};
use crate::docket::Docket;
use assay::dispute::ChallengeState;
use assay::units::Slot;
use solana_sdk::pubkey::Pubkey;

/// Giving the own challenge up, while it has not ended.
pub(super) fn check_withdraw(docket: &Docket, me: &Pubkey) -> Result<(), Broken> {
    match open_challenge(docket, me)? {
        (_, challenge) if challenge.state.is_end() => Err(wrong_state(challenge, "Sealed or Revealed")),
        _ => Ok(()),
    }
}

/// After a conviction through another challenge: the same claim at once, another one when its time to be proved is over.
pub(super) fn check_resolve(docket: &Docket, challenge: &Pubkey) -> Result<(), Broken> {
    let (job, challenge) = known(docket, challenge)?;
    if job.record.convicted_slot == 0 {
        return Err(Broken::NotConvicted);
    }
    if challenge.state != ChallengeState::Revealed {
        return Err(wrong_state(challenge, "Revealed"));
    }
    if challenge.claim_key() == job.record.proven_key {
        return Ok(());
    }
    let deadline = challenge.proof_deadline(&job.dispute, Slot(job.record.convicted_slot));
    let last = deadline.map_or(u64::MAX, |deadline| deadline.last().0);
    if docket.slot > last { Ok(()) } else { Err(Broken::TimeLeft { left: last.saturating_add(1) - docket.slot }) }
}

/// Sharing the bounty out: once, when every challenge has ended.
pub(super) fn check_settle(docket: &Docket) -> Result<(), Broken> {
    let record = &job(docket)?.record;
    if record.convicted_slot == 0 {
        Err(Broken::NotConvicted)
    } else if record.settled {
        Err(Broken::Done)
    } else if record.challenges_open > 0 {
        Err(Broken::ChallengesOpen { open: record.challenges_open })
    } else {
        Ok(())
    }
}

/// Closing a challenge: once it is decided, and settled where it won.
pub(super) fn check_close_challenge(docket: &Docket, challenge: &Pubkey) -> Result<(), Broken> {
    let challenge = docket.challenges.get(challenge).ok_or(Broken::NoChallenge)?;
    challenge.check_payable().map_err(|_| wrong_state(challenge, "Lost, Moot, or Won and settled"))
}

/// Burning what is left to be burned, once the job is over.
pub(super) fn check_burn(docket: &Docket) -> Result<(), Broken> {
    if job(docket)?.record.burn_credit == 0 { Err(Broken::Done) } else { check_over(docket) }
}

/// Accounts of a dispute stay until the job has ended.
pub(super) fn check_over(docket: &Docket) -> Result<(), Broken> {
    match &docket.job {
        Some(job) if !job.is_over() => Err(Broken::NotOver),
        _ => Ok(()),
    }
}
