//! What to do next about one job: a pure function of the docket, the journal and the key.
//!
//! The service asks after every change and after every restart; nothing else decides. The chain's accounts are the truth;
//! the journal adds what the chain cannot know: what a replay said, what was sealed, and which transaction may still land.
//! Every move that is returned passes [`rules::check`] on the same docket.

use crate::docket::Docket;
use crate::equivocation::{self, Equivocation};
use crate::journal::{Audit, Dispute, Ending, Purpose, Record, TargetRecord, Verdict};
use crate::rules::{self, Broken, Move, ProofSegment};
use assay::dispute::{ChallengeState, Target, claim_key};
use assay::state::{Challenge, Job};
use solana_sdk::pubkey::Pubkey;

/// What decides besides the accounts and the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The key that challenges.
    pub me: Pubkey,
    /// Slots that must be left of a window for a new challenge.
    pub window_margin_slots: u64,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Ask what became of a transaction that was signed earlier, re-sending it while it can still land.
    InFlight(Purpose),
    /// Replay the job and compare.
    Replay,
    /// Ask the node once more for the segment roots that it signs.
    AskAgain,
    /// Two signed roots of one segment are known: write down that this is to be challenged.
    Accuse(Equivocation),
    /// Choose a salt and write it down: nothing is sent yet.
    Seal,
    /// Make this move.
    Make(Move),
    /// Find out what can be proved or demanded next, and write it down.
    Prepare,
    /// Write what the own buffer lacks of the prepared proof.
    Upload,
    /// Close the own buffer.
    CloseBuffer,
    /// Nothing until this slot or until something changes.
    Wait {
        /// The slot.
        until: u64,
    },
    /// Write the end into the journal.
    Finish(Ending),
    /// Nothing, for good.
    Done,
}

/// Far enough away to be "until something changes".
pub const UNTIL_CHANGE: u64 = u64::MAX;

/// Decides the next step. `proof` are the bytes of the prepared proof, where there is one.
pub fn next_step(docket: &Docket, record: &Record, proof: Option<&[u8]>, terms: &Terms) -> Step {
    if record.ending.is_some() {
        return Step::Done;
    }
    if let Some(in_flight) = &record.in_flight {
        return Step::InFlight(in_flight.purpose);
    }
    if let Some((address, challenge)) = docket.challenge_of(&terms.me) {
        return challenged(docket, record, proof, terms, *address, challenge);
    }
    if let Some(dispute) = record.dispute.as_ref().filter(|dispute| dispute.committed) {
        return afterwards(docket, dispute, terms);
    }
    unchallenged(docket, record, terms)
}

/// No challenge of ours is there, and none was.
fn unchallenged(docket: &Docket, record: &Record, terms: &Terms) -> Step {
    let Some(job) = &docket.job else { return Step::Finish(Ending::Nothing) };
    match &record.audit {
        Audit::Left { .. } => Step::Finish(Ending::Nothing),
        Audit::Agreed { .. } => agreed(docket, record, job, terms),
        Audit::Pending if !job.state.is_end() && !job.state.can_be_challenged() => Step::Wait { until: UNTIL_CHANGE },
        Audit::Pending => match window(docket, job, terms) {
            Ok(()) => Step::Replay,
            Err(_) => Step::Finish(Ending::Nothing),
        },
        Audit::Wrong(wrong) => {
            let salt = record.dispute.as_ref().map(|dispute| dispute.salt);
            let target = target_of(wrong.target);
            let commit = Move::Commit { target, own_hash: wrong.own_hash, salt: salt.unwrap_or_default() };
            match rules::check(docket, &terms.me, &commit, terms.window_margin_slots) {
                Ok(()) if salt.is_some() => Step::Make(commit),
                Ok(()) => Step::Seal,
                Err(broken) => Step::Finish(not_challenged(&broken)),
            }
        }
    }
}

/// The result is right. What the node signs of its inside is watched to the end of the window: a second root of one segment
/// convicts.
fn agreed(docket: &Docket, record: &Record, job: &Job, terms: &Terms) -> Step {
    if record.roots.is_empty() || window(docket, job, terms).is_err() {
        return Step::Finish(Ending::Nothing);
    }
    if let Some(equivocation) = equivocation::find(docket, record) {
        return Step::Accuse(equivocation);
    }
    let halfway = job.committed_slot.saturating_add(job.window_slots / 2);
    if record.asked_again {
        let last = job.committed_slot.saturating_add(job.window_slots);
        Step::Wait { until: last.saturating_sub(terms.window_margin_slots).saturating_add(1) }
    } else if docket.slot < halfway {
        Step::Wait { until: halfway }
    } else {
        Step::AskAgain
    }
}

fn window(docket: &Docket, job: &Job, terms: &Terms) -> Result<(), Broken> {
    let last = job.committed_slot.saturating_add(job.window_slots);
    let (slot, margin) = (docket.slot, terms.window_margin_slots);
    if !job.state.can_be_challenged() {
        return Err(Broken::NotChallengeable { state: format!("{:?}", job.state).to_lowercase() });
    }
    if slot.saturating_add(margin) > last { Err(Broken::WindowOver { last, slot, margin }) } else { Ok(()) }
}

/// Our challenge is on the chain.
fn challenged(
    docket: &Docket,
    record: &Record,
    proof: Option<&[u8]>,
    terms: &Terms,
    address: Pubkey,
    challenge: &Challenge,
) -> Step {
    let Some(job) = &docket.job else { return close_or_wait(docket, terms, address) };
    match challenge.state {
        ChallengeState::Sealed => sealed(docket, record, terms, address, challenge),
        ChallengeState::Revealed => revealed(docket, record, proof, terms, address, job),
        ChallengeState::Won if !challenge.settled => settle(docket, terms),
        ChallengeState::Won | ChallengeState::Lost | ChallengeState::Moot => close_or_wait(docket, terms, address),
    }
}

fn sealed(docket: &Docket, record: &Record, terms: &Terms, address: Pubkey, challenge: &Challenge) -> Step {
    let (Some(dispute), Audit::Wrong(wrong)) = (&record.dispute, &record.audit) else {
        // Committed by hand, or by another folder with the same key: without the salt nobody can reveal it.
        return lapse(docket, terms, address);
    };
    let (own_hash, salt) = (wrong.own_hash, dispute.salt);
    let target = target_of(wrong.target);
    let convicted = docket.job.as_ref().filter(|job| job.record.convicted_slot > 0);
    if let Some(job) = convicted
        && job.record.proven_key != claim_key(target, &own_hash)
        && record.proof.is_none()
        && equivocation::find(docket, record).is_none()
    {
        // On other grounds, and nothing of ours can be proved: the bond comes back.
        return Step::Make(Move::Withdraw);
    }
    let reveal = Move::Reveal { target, own_hash, salt };
    match rules::check(docket, &terms.me, &reveal, 0) {
        Ok(()) => Step::Make(reveal),
        Err(Broken::TooEarlyToReveal { .. }) => Step::Wait { until: challenge.committed_slot.saturating_add(1) },
        Err(_) => lapse(docket, terms, address),
    }
}

fn revealed(docket: &Docket, record: &Record, proof: Option<&[u8]>, terms: &Terms, address: Pubkey, job: &Job) -> Step {
    let resolve = Move::Resolve { challenge: address };
    if rules::check(docket, &terms.me, &resolve, 0).is_ok() {
        return Step::Make(resolve);
    }
    // Before every other proof: a root recorded by the node itself can stand in the way of what it served.
    if let Some(equivocation) = equivocation::find(docket, record) {
        let wanted = equivocation.next_move();
        if rules::check(docket, &terms.me, &wanted, 0).is_ok() {
            return Step::Make(wanted);
        }
    }
    if let (Some(prepared), Some(bytes), Some(dispute)) = (&record.proof, proof, &record.dispute) {
        let segment = prepared.segment.as_ref().map(|signed| ProofSegment {
            segment: signed.segment,
            root: signed.root,
            claim: docket
                .claims
                .iter()
                .find(|(_, claim)| {
                    claim.segment == signed.segment && claim.root == signed.root && claim.refuted_slot == 0
                })
                .map(|(address, _)| *address),
        });
        let prove = Move::Prove { proof: bytes.to_vec(), segment };
        return match rules::check(docket, &terms.me, &prove, 0) {
            Ok(()) if holds(docket, terms, dispute, bytes) => Step::Make(prove),
            Ok(()) => Step::Upload,
            Err(_) if job.record.convicted_slot > 0 => Step::Make(Move::Withdraw),
            // The clock is over, or the root was refuted meanwhile: the end, or another proof.
            Err(Broken::ClockOver) => lapse(docket, terms, address),
            Err(_) => Step::Prepare,
        };
    }
    if job.record.convicted_slot > 0 {
        // Somebody else convicted on other grounds: the bond comes back at once.
        return Step::Make(Move::Withdraw);
    }
    let out = Move::TimeOutDefender { challenge: address };
    if rules::check(docket, &terms.me, &out, 0).is_ok() {
        return Step::Make(out);
    }
    if docket.is_challengers_turn_of(&address) {
        if rules::check(docket, &terms.me, &Move::TimeOutChallenger { challenge: address }, 0).is_ok() {
            return lapse(docket, terms, address);
        }
        return Step::Prepare;
    }
    let left = docket.challenges.get(&address).map_or(0, |challenge| docket.defender_slots_left(challenge, job));
    Step::Wait { until: docket.slot.saturating_add(left).saturating_add(1) }
}

/// Whether the own buffer holds exactly the proof.
fn holds(docket: &Docket, terms: &Terms, dispute: &Dispute, proof: &[u8]) -> bool {
    docket
        .buffers
        .values()
        .any(|buffer| buffer.owner == terms.me && buffer.id == dispute.buffer && buffer.bytes == proof)
}

/// Ends our own challenge that is lost anyway, so that the job of others does not wait for it.
fn lapse(docket: &Docket, terms: &Terms, address: Pubkey) -> Step {
    let time_out = Move::TimeOutChallenger { challenge: address };
    match rules::check(docket, &terms.me, &time_out, 0) {
        Ok(()) => Step::Make(time_out),
        Err(Broken::TimeLeft { left }) => Step::Wait { until: docket.slot.saturating_add(left) },
        Err(_) => Step::Wait { until: UNTIL_CHANGE },
    }
}

/// Our challenge won; what is open of others has to end before the bounty is shared out.
fn settle(docket: &Docket, terms: &Terms) -> Step {
    if rules::check(docket, &terms.me, &Move::Settle, 0).is_ok() {
        return Step::Make(Move::Settle);
    }
    let mut next = UNTIL_CHANGE;
    for (address, _) in docket.challenges.iter().filter(|(_, challenge)| !challenge.state.is_end()) {
        for wanted in [Move::Resolve { challenge: *address }, Move::TimeOutChallenger { challenge: *address }] {
            match rules::check(docket, &terms.me, &wanted, 0) {
                Ok(()) => return Step::Make(wanted),
                // Others get some slots to do it themselves: two transactions for one end are a wasted fee.
                Err(Broken::TimeLeft { left }) => next = next.min(docket.slot.saturating_add(left).saturating_add(2)),
                Err(_) => {}
            }
        }
    }
    Step::Wait { until: next }
}

fn close_or_wait(docket: &Docket, terms: &Terms, address: Pubkey) -> Step {
    let close = Move::CloseChallenge { challenge: address };
    match rules::check(docket, &terms.me, &close, 0) {
        Ok(()) => Step::Make(close),
        Err(_) => Step::Wait { until: UNTIL_CHANGE },
    }
}

/// Our challenge was closed: what else of ours is there?
fn afterwards(docket: &Docket, dispute: &Dispute, terms: &Terms) -> Step {
    let free = |held_by: &Pubkey| *held_by == Pubkey::default();
    if docket
        .buffers
        .values()
        .any(|buffer| buffer.owner == terms.me && buffer.id == dispute.buffer && free(&buffer.held_by))
    {
        return Step::CloseBuffer;
    }
    let mut waiting = false;
    let demands = docket.demands.iter().filter(|(_, demand)| demand.payer == terms.me);
    let claims = docket.claims.iter().filter(|(_, claim)| claim.payer == terms.me);
    let demands = demands.map(|(address, _)| Move::CloseDemand { demand: *address });
    let claims = claims.map(|(address, _)| Move::CloseClaim { claim: *address });
    for wanted in demands.chain(claims) {
        match rules::check(docket, &terms.me, &wanted, 0) {
            Ok(()) => return Step::Make(wanted),
            Err(_) => waiting = true,
        }
    }
    if rules::check(docket, &terms.me, &Move::BurnSlash, 0).is_ok() {
        return Step::Make(Move::BurnSlash);
    }
    if waiting {
        return Step::Wait { until: UNTIL_CHANGE };
    }
    Step::Finish(match dispute.result {
        Some(Verdict::Won) => Ending::Won { received: dispute.received },
        Some(Verdict::Moot) => Ending::Moot { received: dispute.received },
        _ => Ending::Lost { reason: "the bond was lost: see the log, and the job's record on the chain".to_owned() },
    })
}

/// A target as the program has it.
pub fn target_of(target: TargetRecord) -> Target {
    match target {
        TargetRecord::Boundary(index) => Target::boundary(index),
        TargetRecord::Segment(index) => Target::segment(index),
    }
}

fn not_challenged(broken: &Broken) -> Ending {
    let text = broken.to_string();
    let (code, reason) = text.split_once(' ').unwrap_or(("V0400", &text));
    Ending::NotChallenged { code: code.to_owned(), reason: reason.to_owned() }
}
