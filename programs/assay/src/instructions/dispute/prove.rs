use super::support::{progress, refute, succeed, Convicted, Success};
use crate::address::{NETWORK, STAKE_REGISTER};
use crate::dispute::openings::rejected;
use crate::error::AssayError;
use crate::events::{FaultProved, ProofOutcome};
use crate::fairness::reputation::ScoreChange;
use crate::state::{Buffer, Challenge, Demand, Fault, Job, Network, Node, SegmentClaim, Session, StakeRegister};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;
use referee::proof::{judge, Fault as Found, Finding, Pinned, PinnedSegment};

/// Proves a fault.
///
/// Who: a challenger that has revealed and has time on its clock; after a conviction of the job, until the proof time is over.
/// The referee judges the buffer against the roots that the job pins and, if one is given, a segment root.
///
/// 1. If the proof reads an unsigned root: refutes that root only. Half its bond goes to the challenger, half is to be burned.
/// 2. Else the node is at fault. The first proof convicts the job: the client is refunded, the bond and a share of all that is
///    the node's are taken, the rest of it is frozen, and the node never claims again.
/// 3. The challenge has won: its bond goes back and it shares the bounty.
///
/// A receipt that was called in is convicted with its session: the first one refunds the session's whole balance and takes its
/// bond, a later one takes the share of the rest alone.
#[event_cpi]
#[derive(Accounts)]
pub struct Prove<'info> {
    /// Who committed the challenge.
    pub challenger: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh, and what was convicted lately.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node that claimed.
    #[account(mut, address = job.node @ AssayError::WrongNode)]
    pub node: Box<Account<'info, Node>>,
    /// The job.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(
        mut,
        has_one = challenger @ AssayError::NotChallenger,
        has_one = job @ AssayError::WrongJob,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// Holds the proof.
    #[account(constraint = buffer.owner == challenger.key() @ AssayError::NotBufferOwner)]
    pub buffer: Box<Account<'info, Buffer>>,
    /// What the challenge waits for, if it does.
    pub waiting: Option<Box<Account<'info, Demand>>>,
    /// The segment root that the proof reads, if it does.
    #[account(mut, has_one = job @ AssayError::WrongJob)]
    pub claim: Option<Box<Account<'info, SegmentClaim>>>,
    /// The demand that the root was posted for, if it is unsigned.
    #[account(mut)]
    pub segment_demand: Option<Box<Account<'info, Demand>>>,
    /// The session, if the job is a receipt that was called in and is not convicted.
    #[account(mut)]
    pub session: Option<Box<Account<'info, Session>>>,
}

impl Prove<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.challenge.check_revealed()?;
        self.job.check_session(self.session.as_ref().map(|session| session.key()))?;
        if self.job.state == JobState::Convicted {
            let deadline = self.challenge.proof_deadline(&self.job.dispute, Slot(self.job.record.convicted_slot))?;
            require!(!deadline.has_passed(now), AssayError::ChallengerOutOfTime);
        } else {
            require!(self.job.state.can_be_challenged(), AssayError::JobNotChallengeable);
            let progress = progress(&self.challenge, self.waiting.as_deref())?;
            self.challenge.clocks.check_challenger(progress, now, self.job.dispute.challenger_clock_slots)?;
        }
        if let Some(claim) = &self.claim {
            claim.check_stands()?;
        }
        let expected = self.claim.as_ref().map_or(Pubkey::default(), |claim| claim.demand);
        let demand = self.segment_demand.as_ref().map_or(Pubkey::default(), |demand| demand.key());
        require_keys_eq!(demand, expected, AssayError::WrongDemand);
        Ok(())
    }

    fn judge(&self) -> Result<Finding> {
        let job = &self.job;
        let segment = self.claim.as_ref().map(|claim| PinnedSegment { index: claim.segment, root: claim.root });
        let pinned = Pinned {
            graph_root: job.graph_root,
            params_root: job.params_root,
            inputs_root: job.inputs_root,
            boundary_root: job.boundary_root,
            boundary_count: job.output.boundary_count,
            ir_version: job.ir_version,
            symbols: job.symbols,
            segment,
        };
        let info: &AccountInfo<'_> = self.buffer.as_ref().as_ref();
        let data = info.try_borrow_data()?;
        Ok(judge(Buffer::bytes_of(&data)?, &pinned).map_err(rejected(AssayError::ProofRejected))?)
    }

    fn decide(&mut self, finding: &Finding, fault: Fault, now: Slot) -> Result<(ProofOutcome, ScoreChange)> {
        let unsigned = self.claim.as_mut().filter(|claim| finding.uses_segment && !claim.signed);
        if let (Some(claim), Some(demand)) = (unsigned, self.segment_demand.as_mut()) {
            refute(&mut self.job, &mut self.challenge, claim, demand, now)?;
            let score = ScoreChange { before: self.node.score, after: self.node.score };
            return Ok((ProofOutcome::RootRefuted, score));
        }
        let parties = Convicted {
            job: &mut self.job,
            node: &mut self.node,
            session: self.session.as_mut().map(|session| &mut ***session),
            register: &mut self.stake_register,
            parameters: &self.network.parameters,
        };
        let Success { convicts, score } = succeed(parties, &mut self.challenge, fault, now)?;
        Ok((if convicts { ProofOutcome::Convicted } else { ProofOutcome::ProvedToo }, score))
    }

    /// See [`Prove`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        let finding = accounts.judge()?;
        let (fault, slot, element) = match finding.fault {
            Found::Element { slot, element, .. } => (Fault::WrongElement, slot, element),
            Found::Mismatch { slot, .. } => (Fault::BoundaryMismatch, slot, 0),
        };
        let (outcome, score) = accounts.decide(&finding, fault, now)?;
        accounts.node.invariant()?;
        accounts.job.invariant()?;
        accounts.challenge.invariant()?;
        if let Some(session) = &accounts.session {
            session.invariant()?;
        }
        if let (Some(claim), Some(demand)) = (&accounts.claim, &accounts.segment_demand) {
            claim.invariant()?;
            demand.invariant()?;
        }
        let record = &ctx.accounts.job.record;
        emit_cpi!(FaultProved {
            job: ctx.accounts.job.key(),
            node: ctx.accounts.node.key(),
            challenge: ctx.accounts.challenge.key(),
            outcome,
            fault,
            slot,
            element,
            bounty: record.bounty,
            burn_credit: record.burn_credit,
            score_before: score.before,
            score_after: score.after,
        });
        Ok(())
    }
}
