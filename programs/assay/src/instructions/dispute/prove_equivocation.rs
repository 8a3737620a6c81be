use super::support::{progress, succeed, Convicted, Success};
use crate::address::{NETWORK, STAKE_REGISTER};
use crate::dispute::signature::{check_signed, SegmentStatement, INSTRUCTIONS_SYSVAR};
use crate::error::AssayError;
use crate::events::{FaultProved, ProofOutcome};
use crate::state::{Challenge, Demand, Fault, Job, Network, Node, SegmentClaim, Session, StakeRegister};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `prove_equivocation`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct ProveEquivocationArgs {
    /// Another root than the recorded one.
    pub root: [u8; 32],
}

/// Proves that the node signed two different roots of one segment. Roots are compared, never signatures.
///
/// Who: a challenger that has revealed and has time on its clock, with an instruction of the ed25519 program right before this
/// one that verifies the operator's signature over the other root; after a conviction of the job, until the proof time is over.
///
/// 1. Convicts the job and wins, as `prove` does.
#[event_cpi]
#[derive(Accounts)]
pub struct ProveEquivocation<'info> {
    /// Who committed the challenge.
    pub challenger: Signer<'info>,
    /// The network, for the genesis hash and its parameters.
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
    /// What the challenge waits for, if it does.
    pub waiting: Option<Box<Account<'info, Demand>>>,
    /// The root that is recorded.
    #[account(
        has_one = job @ AssayError::WrongJob,
        constraint = claim.signed @ AssayError::WrongSegmentClaim,
    )]
    pub claim: Box<Account<'info, SegmentClaim>>,
    /// The session, if the job is a receipt that was called in and is not convicted.
    #[account(mut)]
    pub session: Option<Box<Account<'info, Session>>>,
    /// CHECK: the sysvar that shows this transaction.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

impl ProveEquivocation<'_> {
    fn validate(&self, args: &ProveEquivocationArgs, now: Slot) -> Result<()> {
        let job = &self.job;
        self.challenge.check_revealed()?;
        job.check_session(self.session.as_ref().map(|session| session.key()))?;
        if job.state == JobState::Convicted {
            let deadline = self.challenge.proof_deadline(&job.dispute, Slot(job.record.convicted_slot))?;
            require!(!deadline.has_passed(now), AssayError::ChallengerOutOfTime);
        } else {
            require!(job.state.can_be_challenged(), AssayError::JobNotChallengeable);
            let progress = progress(&self.challenge, self.waiting.as_deref())?;
            self.challenge.clocks.check_challenger(progress, now, job.dispute.challenger_clock_slots)?;
        }
        require!(args.root != self.claim.root, AssayError::RootsEqual);
        let statement = SegmentStatement {
            genesis_hash: self.network.genesis_hash,
            job: job.key(),
            commitment: job.commitment,
            segment: self.claim.segment,
            ir_version: job.ir_version,
            root: args.root,
        };
        check_signed(&self.instructions.try_borrow_data()?, &job.operator, &statement.message())?;
        Ok(())
    }

    /// See [`ProveEquivocation`].
    pub fn handle(ctx: Context<'_, Self>, args: ProveEquivocationArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(&args, now)?;
        let accounts = &mut *ctx.accounts;
        let parties = Convicted {
            job: &mut accounts.job,
            node: &mut accounts.node,
            session: accounts.session.as_mut().map(|session| &mut ***session),
            register: &mut accounts.stake_register,
            parameters: &accounts.network.parameters,
        };
        let Success { convicts, score } = succeed(parties, &mut accounts.challenge, Fault::Equivocation, now)?;
        accounts.node.invariant()?;
        accounts.job.invariant()?;
        accounts.challenge.invariant()?;
        if let Some(session) = &accounts.session {
            session.invariant()?;
        }
        let record = &ctx.accounts.job.record;
        emit_cpi!(FaultProved {
            job: ctx.accounts.job.key(),
            node: ctx.accounts.node.key(),
            challenge: ctx.accounts.challenge.key(),
            outcome: if convicts { ProofOutcome::Convicted } else { ProofOutcome::ProvedToo },
            fault: Fault::Equivocation,
            slot: ctx.accounts.claim.segment,
            element: 0,
            bounty: record.bounty,
            burn_credit: record.burn_credit,
            score_before: score.before,
            score_after: score.after,
        });
        Ok(())
    }
}
