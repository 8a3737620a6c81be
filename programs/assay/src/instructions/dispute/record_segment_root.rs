use super::support::{move_lamports, StoredDemand};
use crate::address::{DEMAND_SEED, NETWORK, SEGMENT_CLAIM_SEED};
use crate::dispute::signature::{check_signed, SegmentStatement, INSTRUCTIONS_SYSVAR};
use crate::error::AssayError;
use crate::events::SegmentRootRecorded;
use crate::state::{DemandTree, Job, Network, SegmentClaim};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `record_segment_root`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct RecordSegmentRootArgs {
    /// Number of the segment.
    pub segment: u16,
    /// The outer hash of the segment's tree.
    pub root: [u8; 32],
}

/// Records a segment root that the job's operator signed; from then on it binds the node.
///
/// Who: anyone, while the job has a result or is convicted, with an instruction of the ed25519 program right before this one
/// that verifies the operator's signature over the [`SegmentStatement`] of this job, segment and root. One signed root a
/// segment: a second one is `prove_equivocation`'s.
///
/// 1. Creates the signed segment claim.
/// 2. If the root was demanded, answers the demand and pays its fee to the signer.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: RecordSegmentRootArgs)]
pub struct RecordSegmentRoot<'info> {
    /// Pays, and receives the fee.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The network, for the genesis hash.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The job.
    pub job: Box<Account<'info, Job>>,
    /// The segment claim to create.
    #[account(
        init,
        payer = payer,
        space = SegmentClaim::SPACE,
        seeds = [SEGMENT_CLAIM_SEED, job.key().as_ref(), args.segment.to_le_bytes().as_ref(), job.operator.as_ref()],
        bump,
    )]
    pub claim: Box<Account<'info, SegmentClaim>>,
    /// CHECK: where a demand for this root is, if there is one: it must not be left out, so its address is derived.
    #[account(
        mut,
        seeds = [
            DEMAND_SEED,
            job.key().as_ref(),
            &[0; 32],
            &[DemandTree::SegmentRoot as u8],
            args.segment.to_le_bytes().as_ref(),
            &[0],
            &[0; 4],
        ],
        bump,
    )]
    pub demand: UncheckedAccount<'info>,
    /// CHECK: the sysvar that shows this transaction.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
    /// Creates the claim.
    pub system_program: Program<'info, System>,
}

impl RecordSegmentRoot<'_> {
    fn validate(&self, args: &RecordSegmentRootArgs) -> Result<()> {
        let job = &self.job;
        let has_result = job.state.can_be_challenged() || job.state == JobState::Convicted;
        require!(has_result, AssayError::JobNotChallengeable);
        let statement = SegmentStatement {
            genesis_hash: self.network.genesis_hash,
            job: job.key(),
            commitment: job.commitment,
            segment: args.segment,
            ir_version: job.ir_version,
            root: args.root,
        };
        check_signed(&self.instructions.try_borrow_data()?, &job.operator, &statement.message())?;
        Ok(())
    }

    /// See [`RecordSegmentRoot`].
    pub fn handle(ctx: Context<'_, Self>, args: RecordSegmentRootArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        accounts.claim.set_inner(SegmentClaim {
            version: SegmentClaim::VERSION,
            bump: ctx.bumps.claim,
            signed: true,
            job: accounts.job.key(),
            segment: args.segment,
            author: accounts.job.operator,
            root: args.root,
            payer: accounts.payer.key(),
            posted_slot: now.0,
            ..SegmentClaim::default()
        });
        if let Some(mut demand) = StoredDemand::find(&accounts.demand)? {
            let fee_lamports = demand.state.sign(now);
            demand.state.invariant()?;
            demand.store()?;
            move_lamports(&accounts.demand, &accounts.payer, fee_lamports)?;
        }
        accounts.claim.invariant()?;
        emit_cpi!(SegmentRootRecorded {
            job: ctx.accounts.job.key(),
            segment: args.segment,
            root: args.root,
            claim: ctx.accounts.claim.key(),
        });
        Ok(())
    }
}
