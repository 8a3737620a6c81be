//! What several instructions of disputes do alike.

use crate::dispute::openings::rejected;
use crate::dispute::penalty::halves;
use crate::dispute::{ChallengeEvent, Progress};
use crate::error::{AssayError, Checked};
use crate::fairness::reputation::ScoreChange;
use crate::state::{
    Buffer, Challenge, Conviction, Demand, Fault, Job, Node, Parameters, SegmentClaim, Session, StakeRegister,
};
use crate::state_machine::JobState;
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;
use referee::proof::{verify_tensor, TensorFacts};

/// A demand at an address that the accounts' constraints derived, where there may be none.
pub(super) struct StoredDemand<'a, 'info> {
    info: &'a AccountInfo<'info>,
    pub(super) state: Demand,
}

impl<'a, 'info> StoredDemand<'a, 'info> {
    /// The demand, if the account is one.
    pub(super) fn find(info: &'a AccountInfo<'info>) -> Result<Option<Self>> {
        if *info.owner != crate::ID {
            return Ok(None);
        }
        let state = Demand::try_deserialize(&mut &info.try_borrow_data()?[..])?;
        Ok(Some(Self { info, state }))
    }

    /// Writes it back.
    pub(super) fn store(&self) -> Result<()> {
        let mut data = self.info.try_borrow_mut_data()?;
        self.state.try_serialize(&mut &mut data[..])
    }
}

/// Moves lamports out of an account of the program.
pub(super) fn move_lamports<'info>(
    from: &impl ToAccountInfo<'info>,
    to: &impl ToAccountInfo<'info>,
    lamports: u64,
) -> Result<()> {
    if lamports > 0 {
        from.to_account_info().sub_lamports(lamports)?;
        to.to_account_info().add_lamports(lamports)?;
    }
    Ok(())
}

/// How far the demand is that the challenge waits for. `WrongDemand` unless it is exactly that one that was passed, or none
/// where it waits for none.
pub(super) fn progress<'info>(challenge: &Challenge, demand: Option<&Account<'info, Demand>>) -> Checked<Progress> {
    match demand {
        Some(demand) if demand.key() == challenge.clocks.demand => Ok(demand.progress()),
        None if !challenge.clocks.is_waiting() => Ok(Progress::default()),
        _ => Err(AssayError::WrongDemand),
    }
}

/// The static facts of the tensor at `slot`, opened under the job's graph root by the bytes of `witness`.
///
/// `WitnessMissing`, or `WitnessRejected` with the reason in the log.
pub(super) fn tensor_facts(job: &Job, witness: Option<&Account<'_, Buffer>>, slot: u16) -> Result<TensorFacts> {
    let info: &AccountInfo<'_> = witness.ok_or(AssayError::WitnessMissing)?.as_ref();
    let data = info.try_borrow_data()?;
    let facts = verify_tensor(Buffer::bytes_of(&data)?, &job.graph_root, job.ir_version, &job.symbols, slot);
    Ok(facts.map_err(rejected(AssayError::WitnessRejected))?)
}

/// Whether the account at a job's address is a job whose dispute is over, or no longer there.
pub(super) fn is_over(job: &AccountInfo<'_>) -> Result<bool> {
    if *job.owner != crate::ID {
        return Ok(true);
    }
    Ok(Job::try_deserialize(&mut &job.try_borrow_data()?[..])?.is_over())
}

/// Who a conviction concerns.
pub(super) struct Convicted<'a> {
    pub(super) job: &'a mut Job,
    pub(super) node: &'a mut Node,
    /// The session, if the job is a receipt that was called in; [`Job::check_session`] has checked it.
    pub(super) session: Option<&'a mut Session>,
    /// What all nodes weigh, and what was convicted lately.
    pub(super) register: &'a mut StakeRegister,
    /// The network's parameters.
    pub(super) parameters: &'a Parameters,
}

/// What came of a challenge that was right.
pub(super) struct Success {
    /// Whether the job was convicted by it.
    pub(super) convicts: bool,
    /// The node's score before and after.
    pub(super) score: ScoreChange,
}

impl Convicted<'_> {
    /// Takes what a conviction takes, and returns what that is beyond the bond. The bond of a session goes with the first of
    /// its receipts that is convicted; a later one finds none.
    fn slash(&mut self, now: Slot) -> Checked<TokenAmount> {
        let unbonding = Slots(self.parameters.unbonding_slots);
        let slash = BasisPoints(u32::from(self.job.dispute.slash_bps));
        let first = match &mut self.session {
            None => true,
            Some(session) => session.convict_receipt()?,
        };
        if first {
            return self.node.convict_job(TokenAmount(self.job.bond), slash, now, unbonding);
        }
        self.job.bond = 0;
        self.node.slash(slash, now, unbonding)
    }
}

/// The challenge showed a fault. Convicts the job unless it is convicted already, and ends the challenge with its bond kept:
/// as a valid claim while there is room for one.
pub(super) fn succeed(
    mut parties: Convicted<'_>,
    challenge: &mut Challenge,
    fault: Fault,
    now: Slot,
) -> Checked<Success> {
    let convicts = parties.job.state != JobState::Convicted;
    let mut score = ScoreChange { before: parties.node.score, after: parties.node.score };
    if convicts {
        let observations = parties.job.observations(&parties.parameters.scheduling.reputation)?;
        let before = parties.node.stake_at_risk(parties.parameters)?;
        let slashed = parties.slash(now)?;
        parties.job.convict(fault, challenge.claim_key(), slashed, now)?;
        let Convicted { node, register, parameters, .. } = &mut parties;
        let conviction = Conviction { slashed, stake: before, observations };
        score = node.record_conviction(&conviction, register, now, parameters)?;
        register.invariant()?;
    }
    win(parties.job, challenge)?;
    Ok(Success { convicts, score })
}

/// Ends a challenge that was right: as a valid claim while there is room for one.
pub(super) fn win(job: &mut Job, challenge: &mut Challenge) -> Checked {
    let event = if job.count_valid_claim() { ChallengeEvent::Win } else { ChallengeEvent::Excuse };
    challenge.keep(event)?;
    job.end_challenge(challenge.target)
}

/// Ends a challenge by `event` with its bond lost: what was never revealed burns whole; of what was, half goes to the node's
/// stake, for the cost of its defence.
pub(super) fn lose(job: &mut Job, node: &mut Node, challenge: &mut Challenge, event: ChallengeEvent) -> Checked {
    let bond = challenge.lose(event)?;
    job.record.challenges_lost = job.record.challenges_lost.saturating_add(1);
    if event == ChallengeEvent::Lapse || challenge.revealed_slot == 0 {
        job.burn(bond)?;
    } else {
        let (kept, burned) = halves(bond);
        node.compensate(kept)?;
        job.burn(burned)?;
    }
    job.end_challenge(challenge.target)
}

/// Refutes an unsigned root: half of its bond to the challenger, half to be burned; the challenger moves.
pub(super) fn refute(
    job: &mut Job,
    challenge: &mut Challenge,
    claim: &mut SegmentClaim,
    segment_demand: &mut Demand,
    now: Slot,
) -> Checked {
    let (kept, burned) = halves(claim.refute(now)?);
    challenge.earn(kept)?;
    job.burn(burned)?;
    challenge.clocks.resume(now);
    segment_demand.unpost(now)
}
