//! Which moves are legal: a pure function over the accounts of a dispute, asked before any fee is paid.
//!
//! The program decides for itself; what is refused here would be refused there too, or would be legal and lose money.
//! Each rule has a name and a code that people and tests see.

use crate::docket::Docket;
use assay::DemandOpeningArgs;
use assay::dispute::{ChallengeState, Target, claim_key, seal};
use assay::state::{Challenge, DemandKey, Job, SegmentClaim};
use assay::units::Slot;
use assay_chain::instructions::Binding;
use referee::proof::{Finding, Pinned, PinnedSegment, judge};
use solana_sdk::pubkey::Pubkey;

/// A move in a dispute. `me` of [`check`] is who makes it.
#[derive(Clone, Debug)]
pub enum Move {
    /// Commit a sealed challenge.
    Commit {
        /// What is said to be wrong.
        target: Target,
        /// The own hash there.
        own_hash: [u8; 32],
        /// Blinds the seal.
        salt: [u8; 32],
    },
    /// Reveal the own challenge.
    Reveal {
        /// What was sealed.
        target: Target,
        /// The own hash there.
        own_hash: [u8; 32],
        /// The salt.
        salt: [u8; 32],
    },
    /// Prove the fault.
    Prove {
        /// The proof.
        proof: Vec<u8>,
        /// The segment root that the proof uses: number, root, and the account if it is there already. Without an
        /// account, the operator's signature is recorded in the same transaction.
        segment: Option<ProofSegment>,
    },
    /// Demand the root of a segment.
    DemandRoot {
        /// The segment.
        segment: u16,
        /// A tensor that the segment produces, whose descriptor is the witness.
        slot: u16,
        /// The buffer with the witness, where the demand is new.
        witness: Option<Pubkey>,
    },
    /// Demand an opening.
    DemandOpening {
        /// Address of the demand that the opening would be.
        demand: Pubkey,
        /// What binds the place.
        binding: Binding,
        /// What is demanded.
        args: DemandOpeningArgs,
    },
    /// Give the own challenge up.
    Withdraw,
    /// End a challenge whose clock ran out.
    TimeOutChallenger {
        /// The challenge.
        challenge: Pubkey,
    },
    /// End the demand for which the defending side's clock ran out.
    TimeOutDefender {
        /// The challenge that waits for it.
        challenge: Pubkey,
    },
    /// Decide a challenge after a conviction through another one.
    Resolve {
        /// The challenge.
        challenge: Pubkey,
    },
    /// Share the bounty out.
    Settle,
    /// Close a challenge and take what it holds.
    CloseChallenge {
        /// The challenge.
        challenge: Pubkey,
    },
    /// Burn what the dispute leaves to be burned.
    BurnSlash,
    /// Close a demand.
    CloseDemand {
        /// The demand.
        demand: Pubkey,
    },
    /// Close a segment root.
    CloseClaim {
        /// The account.
        claim: Pubkey,
    },
}

/// The segment root that a proof uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofSegment {
    /// The segment.
    pub segment: u16,
    /// Its root.
    pub root: [u8; 32],
    /// The account that holds it, if there is one already.
    pub claim: Option<Pubkey>,
}

/// A rule that a move breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The job is closed.
    #[error("V0401 the job is closed; nothing about it can change any more")]
    JobGone,
    /// The job has no result that can be challenged.
    #[error("V0402 the job is {state}; only a committed or accepted result can be challenged")]
    NotChallengeable {
        /// Its state.
        state: String,
    },
    /// The window is over, or too nearly so.
    #[error(
        "V0403 the window ends with slot {last}, it is slot {slot} and {margin} must be left; too late for a challenge"
    )]
    WindowOver {
        /// Last slot of the window.
        last: u64,
        /// Now.
        slot: u64,
        /// What must be left.
        margin: u64,
    },
    /// There is a challenge of this key already.
    #[error("V0404 {challenger} challenges this job already; one bond is enough")]
    AlreadyChallenged {
        /// The key.
        challenger: Pubkey,
    },
    /// The same claim was revealed: a new challenge of it earns nothing.
    #[error("V0405 another challenge of the same claim was revealed before; a later one shares no bounty")]
    RevealedElsewhere,
    /// The job does not have this target.
    #[error("V0406 the target is not one of this job")]
    NoSuchTarget,
    /// There is no such challenge.
    #[error("V0407 there is no such challenge on this job")]
    NoChallenge,
    /// The challenge is in another state.
    #[error("V0408 the challenge is {state}, this needs {needed}")]
    WrongState {
        /// Its state.
        state: String,
        /// What the move needs.
        needed: &'static str,
    },
    /// The reveal must come in a later slot than the commit.
    #[error("V0409 the challenge was committed in slot {committed} and it is slot {slot}; reveal it in a later one")]
    TooEarlyToReveal {
        /// Slot of the commit.
        committed: u64,
        /// Now.
        slot: u64,
    },
    /// The time to reveal is over.
    #[error("V0410 the last slot to reveal was {last} and it is slot {slot}; the bond is lost")]
    RevealOver {
        /// The last slot.
        last: u64,
        /// Now.
        slot: u64,
    },
    /// What would be revealed is not what was sealed.
    #[error("V0411 the seal does not open with this target, hash and salt")]
    SealDiffers,
    /// The challenger's clock is used up.
    #[error("V0412 the challenger's clock is used up")]
    ClockOver,
    /// The defending side has to move.
    #[error("V0413 the challenge waits for an answer; the defending side has {left} slots left")]
    NotOurTurn {
        /// Slots that the defending side has left.
        left: u64,
    },
    /// Our own judge does not convict.
    #[error("V0414 this machine's own judge rejects the proof (rule {code}: {reason}); it would lose the bond")]
    NotProved {
        /// Code of the rule.
        code: u8,
        /// In words.
        reason: String,
    },
    /// The proof needs a segment root that is not there.
    #[error("V0415 the proof needs the root of segment {segment}, and no such root stands")]
    NoSegmentRoot {
        /// The segment.
        segment: u16,
    },
    /// The clock still runs.
    #[error("V0416 {left} slots are left on that clock")]
    TimeLeft {
        /// How many.
        left: u64,
    },
    /// The job was not convicted.
    #[error("V0417 the job was not convicted")]
    NotConvicted,
    /// Challenges are open.
    #[error("V0418 {open} challenges are still open")]
    ChallengesOpen {
        /// How many.
        open: u32,
    },
    /// It was done before.
    #[error("V0419 that is done already")]
    Done,
    /// The dispute is not over.
    #[error("V0420 the job has not ended; its accounts stay until it has")]
    NotOver,
    /// A demand like this is there.
    #[error("V0421 that is answered already; read the answer")]
    Answered,
    /// There is no such account.
    #[error("V0422 there is no such account on this job")]
    NoAccount,
}

/// The named rules of a move. `margin_slots` must be left of every deadline, because a move lands later than it is decided.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(docket: &Docket, me: &Pubkey, wanted: &Move, margin_slots: u64) -> Result<(), Broken> {
    match wanted {
        Move::Commit { target, own_hash, .. } => check_commit(docket, me, *target, own_hash, margin_slots),
        Move::Reveal { target, own_hash, salt } => check_reveal(docket, me, *target, own_hash, salt),
        Move::Prove { proof, segment } => check_prove(docket, me, proof, segment.as_ref()).map(|_| ()),
        Move::DemandRoot { segment, .. } => {
            check_turn(docket, me)?;
            let key = DemandKey::segment_root(*segment);
            let answered = docket.demands.values().any(|demand| demand.key == key && demand.answered_slot != 0);
            if answered || docket.signed_claim(*segment).is_some() { Err(Broken::Answered) } else { Ok(()) }
        }
        Move::DemandOpening { demand, .. } => {
            check_turn(docket, me)?;
            match docket.demands.get(demand) {
                Some(known) if known.answered_slot != 0 => Err(Broken::Answered),
                _ => Ok(()),
            }
        }
        Move::Withdraw => match open_challenge(docket, me)? {
            (_, challenge) if challenge.state.is_end() => Err(wrong_state(challenge, "Sealed or Revealed")),
            _ => Ok(()),
        },
        Move::TimeOutChallenger { challenge } => check_time_out(docket, challenge),
        Move::TimeOutDefender { challenge } => {
            let (job, challenge) = known(docket, challenge)?;
            if challenge.state != ChallengeState::Revealed {
                return Err(wrong_state(challenge, "Revealed"));
            }
            if docket.is_challengers_turn(challenge) {
                return Err(Broken::TimeLeft { left: docket.defender_slots_left(challenge, job) });
            }
            match challenge.clocks.check_defender_is_out(
                docket.progress(challenge),
                Slot(docket.slot),
                job.dispute.defender_clock_slots,
            ) {
                Ok(()) => Ok(()),
                Err(_) => Err(Broken::TimeLeft { left: docket.defender_slots_left(challenge, job).saturating_add(1) }),
            }
        }
        Move::Resolve { challenge } => check_resolve(docket, challenge),
        Move::Settle => {
            let job = job(docket)?;
            if job.record.convicted_slot == 0 {
                Err(Broken::NotConvicted)
            } else if job.record.settled {
                Err(Broken::Done)
            } else if job.record.challenges_open > 0 {
                Err(Broken::ChallengesOpen { open: job.record.challenges_open })
            } else {
                Ok(())
            }
        }
        Move::CloseChallenge { challenge } => {
            let challenge = docket.challenges.get(challenge).ok_or(Broken::NoChallenge)?;
            challenge.check_payable().map_err(|_| wrong_state(challenge, "Lost, Moot, or Won and settled"))
        }
        Move::BurnSlash => {
            let job = job(docket)?;
            if job.record.burn_credit == 0 { Err(Broken::Done) } else { over(docket) }
        }
        Move::CloseDemand { demand } => {
            docket.demands.get(demand).ok_or(Broken::NoAccount)?;
            over(docket)
        }
        Move::CloseClaim { claim } => {
            docket.claims.get(claim).ok_or(Broken::NoAccount)?;
            over(docket)
        }
    }
}

fn check_commit(docket: &Docket, me: &Pubkey, target: Target, own_hash: &[u8; 32], margin: u64) -> Result<(), Broken> {
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

fn check_reveal(
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
    if over {
        return Err(Broken::ClockOver);
    }
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

fn check_time_out(docket: &Docket, challenge: &Pubkey) -> Result<(), Broken> {
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

fn check_resolve(docket: &Docket, challenge: &Pubkey) -> Result<(), Broken> {
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

fn clock_is_over(docket: &Docket, challenge: &Challenge, job: &Job) -> bool {
    let progress = docket.progress(challenge);
    challenge.clocks.check_challenger(progress, Slot(docket.slot), job.dispute.challenger_clock_slots).is_err()
}

fn over(docket: &Docket) -> Result<(), Broken> {
    match &docket.job {
        Some(job) if !job.is_over() => Err(Broken::NotOver),
        _ => Ok(()),
    }
}

fn job(docket: &Docket) -> Result<&Job, Broken> {
    docket.job.as_ref().ok_or(Broken::JobGone)
}

fn known<'a>(docket: &'a Docket, challenge: &Pubkey) -> Result<(&'a Job, &'a Challenge), Broken> {
    Ok((job(docket)?, docket.challenges.get(challenge).ok_or(Broken::NoChallenge)?))
}

fn open_challenge<'a>(docket: &'a Docket, me: &Pubkey) -> Result<(&'a Job, &'a Challenge), Broken> {
    Ok((job(docket)?, docket.challenge_of(me).ok_or(Broken::NoChallenge)?.1))
}

fn wrong_state(challenge: &Challenge, needed: &'static str) -> Broken {
    Broken::WrongState { state: format!("{:?}", challenge.state), needed }
}
