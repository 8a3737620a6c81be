//! Demands, and clocks that ran out.

use super::{Broken, known, open_challenge, wrong_state};
use crate::docket::Docket;
use assay::dispute::ChallengeState;
use assay::state::{Challenge, DemandKey, Job};
use assay::units::Slot;
use solana_sdk::pubkey::Pubkey;

/// Demanding the root of a segment: in the own turn, while there is none.
pub(super) fn check_demand_root(docket: &Docket, me: &Pubkey, segment: u16) -> Result<(), Broken> {
    check_turn(docket, me)?;
    let key = DemandKey::segment_root(segment);
    let answered = docket.demands.values().any(|demand| demand.key == key && demand.answered_slot != 0);
    if answered || docket.signed_claim(segment).is_some() { Err(Broken::Answered) } else { Ok(()) }
}

/// Demanding an opening: in the own turn, of what is not open.
pub(super) fn check_demand_opening(docket: &Docket, me: &Pubkey, demand: &Pubkey) -> Result<(), Broken> {
    check_turn(docket, me)?;
    match docket.demands.get(demand) {
        Some(known) if known.answered_slot != 0 => Err(Broken::Answered),
        _ => Ok(()),
    }
}

fn check_turn(docket: &Docket, me: &Pubkey) -> Result<(), Broken> {
    let (job, challenge) = open_challenge(docket, me)?;
    if challenge.state != ChallengeState::Revealed {
        return Err(wrong_state(challenge, "Revealed"));
    }
    if job.record.convicted_slot > 0 {
        return Err(Broken::Done);
    }
    if !docket.is_challengers_turn(challenge) {
        return Err(Broken::NotOurTurn { left: docket.defender_slots_left(challenge, job) });
    }
    if clock_is_over(docket, challenge, job) { Err(Broken::ClockOver) } else { Ok(()) }
}

/// The challenger's clock ran out, or its time to reveal.
pub(super) fn check_challenger_is_out(docket: &Docket, challenge: &Pubkey) -> Result<(), Broken> {
    let (job, challenge) = known(docket, challenge)?;
    let left = match challenge.state {
        ChallengeState::Sealed => {
            let last = challenge.reveal_deadline(&job.dispute).map_or(u64::MAX, |deadline| deadline.last().0);
            last.saturating_add(1).saturating_sub(docket.slot)
        }
        ChallengeState::Revealed if job.record.convicted_slot > 0 => return Err(Broken::Done),
        ChallengeState::Revealed if !docket.is_challengers_turn(challenge) => {
            return Err(Broken::NotOurTurn { left: docket.defender_slots_left(challenge, job) });
        }
        ChallengeState::Revealed if clock_is_over(docket, challenge, job) => 0,
        ChallengeState::Revealed => docket.challenger_slots_left(challenge, job).saturating_add(1),
        _ => return Err(wrong_state(challenge, "Sealed or Revealed")),
    };
    if left == 0 { Ok(()) } else { Err(Broken::TimeLeft { left }) }
}

/// The defending side's clock ran out.
pub(super) fn check_defender_is_out(docket: &Docket, challenge: &Pubkey) -> Result<(), Broken> {
    let (job, challenge) = known(docket, challenge)?;
    if challenge.state != ChallengeState::Revealed {
        return Err(wrong_state(challenge, "Revealed"));
    }
    if docket.is_challengers_turn(challenge) {
        return Err(Broken::TimeLeft { left: docket.defender_slots_left(challenge, job) });
    }
    let (progress, allowed) = (docket.progress(challenge), job.dispute.defender_clock_slots);
    match challenge.clocks.check_defender_is_out(progress, Slot(docket.slot), allowed) {
        Ok(()) => Ok(()),
        Err(_) => Err(Broken::TimeLeft { left: docket.defender_slots_left(challenge, job).saturating_add(1) }),
    }
}

/// Whether a challenger has used all of its time.
pub(super) fn clock_is_over(docket: &Docket, challenge: &Challenge, job: &Job) -> bool {
    let progress = docket.progress(challenge);
    challenge.clocks.check_challenger(progress, Slot(docket.slot), job.dispute.challenger_clock_slots).is_err()
}
