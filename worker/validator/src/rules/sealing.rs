//! Committing to a challenge and revealing it.

use super::{Broken, job, open_challenge, wrong_state};
use crate::docket::Docket;
use assay::dispute::{ChallengeState, Target, claim_key, seal};
use solana_sdk::pubkey::Pubkey;

/// A new challenge: in time, the first of this key, of something that the job has and nobody revealed.
pub(super) fn check_commit(
    docket: &Docket,
    me: &Pubkey,
    target: Target,
    own_hash: &[u8; 32],
    margin: u64,
) -> Result<(), Broken> {
    let job = job(docket)?;
    if !job.state.can_be_challenged() {
        return Err(Broken::NotChallengeable { state: format!("{:?}", job.state).to_lowercase() });
    }
    let last = job.committed_slot.saturating_add(job.window_slots);
    if docket.slot.saturating_add(margin) > last {
        return Err(Broken::WindowOver { last, slot: docket.slot, margin });
    }
    if docket.challenge_of(me).is_some() {
        return Err(Broken::AlreadyChallenged { challenger: *me });
    }
    target.validate_sealed(job.output.boundary_count).map_err(|_| Broken::NoSuchTarget)?;
    if docket.is_revealed_elsewhere(&claim_key(target, own_hash), me) {
        return Err(Broken::RevealedElsewhere);
    }
    Ok(())
}

/// The reveal: of the own sealed challenge, in time, and of what was sealed.
pub(super) fn check_reveal(
    docket: &Docket,
    me: &Pubkey,
    target: Target,
    own_hash: &[u8; 32],
    salt: &[u8; 32],
) -> Result<(), Broken> {
    let (job, challenge) = open_challenge(docket, me)?;
    if challenge.state != ChallengeState::Sealed {
        return Err(wrong_state(challenge, "Sealed"));
    }
    if docket.slot <= challenge.committed_slot {
        return Err(Broken::TooEarlyToReveal { committed: challenge.committed_slot, slot: docket.slot });
    }
    let last = challenge.reveal_deadline(&job.dispute).map_or(u64::MAX, |deadline| deadline.last().0);
    if docket.slot > last {
        return Err(Broken::RevealOver { last, slot: docket.slot });
    }
    if seal(me, &docket.address, target, own_hash, salt) != challenge.sealed {
        return Err(Broken::SealDiffers);
    }
    Ok(())
}
