//! Proofs, and what our own judge says to them.

use super::turns::clock_is_over;
use super::{Broken, ProofSegment, SignedSegment, open_challenge, wrong_state};
use crate::docket::Docket;
use assay::dispute::ChallengeState;
use assay::state::{Job, SegmentClaim};
use assay::units::Slot;
use referee::proof::{Finding, Pinned, PinnedSegment, judge};
use solana_sdk::pubkey::Pubkey;

/// What our own judge says to a proof on this docket; a proof that does not convict breaks a rule.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_prove(
    docket: &Docket,
    me: &Pubkey,
    proof: &[u8],
    segment: Option<&ProofSegment>,
) -> Result<Finding, Broken> {
    let job = check_time_to_prove(docket, me)?;
    if let Some(ProofSegment { segment, root, claim: Some(address) }) = segment {
        let stands = |claim: &SegmentClaim| claim.segment == *segment && claim.root == *root && claim.refuted_slot == 0;
        if !docket.claims.get(address).is_some_and(stands) {
            return Err(Broken::NoSegmentRoot { segment: *segment });
        }
    }
    judged(job, proof, segment)
}

/// The verdict of our own judge on a proof.
///
/// # Errors
/// [`Broken::NotProved`], [`Broken::NoSegmentRoot`].
pub fn judged(job: &Job, proof: &[u8], segment: Option<&ProofSegment>) -> Result<Finding, Broken> {
    let pinned = pinned(job, segment);
    let finding = judge(proof, &pinned)
        .map_err(|rejection| Broken::NotProved { code: rejection.code(), reason: rejection.message().to_owned() })?;
    match (finding.uses_segment, segment) {
        (true, None) => Err(Broken::NoSegmentRoot { segment: 0 }),
        _ => Ok(finding),
    }
}

/// What a job, and a segment's root, pin for the judge.
pub fn pinned(job: &Job, segment: Option<&ProofSegment>) -> Pinned {
    Pinned {
        graph_root: job.graph_root,
        params_root: job.params_root,
        inputs_root: job.inputs_root,
        boundary_root: job.boundary_root,
        boundary_count: job.output.boundary_count,
        ir_version: job.ir_version,
        symbols: job.symbols,
        segment: segment.map(|segment| PinnedSegment { index: segment.segment, root: segment.root }),
    }
}

/// Recording a root: one that is recorded already, is not recorded twice.
pub(super) fn check_record(docket: &Docket, me: &Pubkey, signed: &SignedSegment) -> Result<(), Broken> {
    check_time_to_prove(docket, me)?;
    if docket.signed_claim(signed.segment).is_some() { Err(Broken::Answered) } else { Ok(()) }
}

/// Two signed roots of one segment: one is recorded, and this is another one.
pub(super) fn check_equivocation(docket: &Docket, me: &Pubkey, signed: &SignedSegment) -> Result<(), Broken> {
    check_time_to_prove(docket, me)?;
    let segment = signed.segment;
    let (_, claim) = docket.signed_claim(segment).ok_or(Broken::NoSegmentRoot { segment })?;
    if claim.root == signed.root { Err(Broken::RootsEqual { segment }) } else { Ok(()) }
}

/// The own challenge is revealed and there is time for a proof.
fn check_time_to_prove<'a>(docket: &'a Docket, me: &Pubkey) -> Result<&'a Job, Broken> {
    let (job, challenge) = open_challenge(docket, me)?;
    if challenge.state != ChallengeState::Revealed {
        return Err(wrong_state(challenge, "Revealed"));
    }
    let over = if job.record.convicted_slot > 0 {
        let deadline = challenge.proof_deadline(&job.dispute, Slot(job.record.convicted_slot));
        deadline.is_ok_and(|deadline| deadline.has_passed(Slot(docket.slot)))
    } else {
        clock_is_over(docket, challenge, job)
    };
    if over { Err(Broken::ClockOver) } else { Ok(job) }
}
