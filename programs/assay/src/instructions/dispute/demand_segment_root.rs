use super::support::{progress, tensor_facts};
use crate::address::{DEMAND_SEED, SEGMENT_CLAIM_SEED};
use crate::dispute::clocks::MAXIMUM_DEMANDS;
use crate::dispute::Wait;
use crate::error::AssayError;
use crate::events::OpeningDemanded;
use crate::state::{Buffer, Challenge, Demand, DemandKey, DemandTree, Job};
use crate::units::Slot;
use anchor_lang::prelude::*;
use anchor_lang::system_program::{transfer, Transfer};

/// Arguments of `demand_segment_root`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct DemandSegmentRootArgs {
    /// Number of the segment.
    pub segment: u16,
    /// A tensor that the segment produces: its slot. The witness is its descriptor. Ignored where the demand exists.
    pub slot: u16,
}

/// Demands the root of a segment, because the node does not serve it.
///
/// Who: the challenger, in its turn, unless a signed root is recorded. That the segment exists is proved by a witness, the
/// first time.
///
/// 1. Creates the demand with its fee, or joins the one that is open.
/// 2. From now on the defending side's clock runs.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: DemandSegmentRootArgs)]
pub struct DemandSegmentRoot<'info> {
    /// Who committed the challenge; pays.
    #[account(mut)]
    pub challenger: Signer<'info>,
    /// The job.
    pub job: Box<Account<'info, Job>>,
    /// The challenge.
    #[account(
        mut,
        has_one = challenger @ AssayError::NotChallenger,
        has_one = job @ AssayError::WrongJob,
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// The demand.
    #[account(
        init_if_needed,
        payer = challenger,
        space = Demand::SPACE,
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
    pub demand: Box<Account<'info, Demand>>,
    /// What the challenge waited for, if it did.
    pub waiting: Option<Box<Account<'info, Demand>>>,
    /// CHECK: where the signed root is, if there is one: it must not be left out, so its address is derived.
    #[account(
        seeds = [SEGMENT_CLAIM_SEED, job.key().as_ref(), args.segment.to_le_bytes().as_ref(), job.operator.as_ref()],
        bump,
        constraint = *signed_claim.owner != crate::ID @ AssayError::SegmentRootSigned,
    )]
    pub signed_claim: UncheckedAccount<'info>,
    /// Holds the witness; needed where the demand is new.
    pub witness: Option<Box<Account<'info, Buffer>>>,
    /// Creates the demand.
    pub system_program: Program<'info, System>,
}

impl DemandSegmentRoot<'_> {
    fn validate(&self, args: &DemandSegmentRootArgs) -> Result<()> {
        require!(self.job.state.can_be_challenged(), AssayError::JobNotChallengeable);
        if self.demand.is_new() {
            let facts = tensor_facts(&self.job, self.witness.as_deref(), args.slot)?;
            require!(facts.placement.segment == args.segment, AssayError::WitnessRejected);
        }
        Ok(())
    }

    fn open(&mut self, args: &DemandSegmentRootArgs, bump: u8, now: Slot) -> Result<()> {
        if self.demand.is_new() {
            let fee_lamports = self.job.dispute.opening_fee_lamports;
            self.demand.set_inner(Demand {
                version: Demand::VERSION,
                bump,
                job: self.job.key(),
                key: DemandKey::segment_root(args.segment),
                payer: self.challenger.key(),
                fee_lamports,
                opened_slot: now.0,
                ..Demand::default()
            });
            let route = Transfer { from: self.challenger.to_account_info(), to: self.demand.to_account_info() };
            transfer(CpiContext::new(self.system_program.key(), route), fee_lamports)?;
        }
        self.demand.check_open()?;
        self.demand.requested_slot = now.0;
        Ok(())
    }

    /// See [`DemandSegmentRoot`].
    pub fn handle(ctx: Context<'_, Self>, args: DemandSegmentRootArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        accounts.challenge.check_revealed()?;
        let progress = progress(&accounts.challenge, accounts.waiting.as_deref())?;
        accounts.open(&args, ctx.bumps.demand, now)?;
        let (demand, clock_slots) = (accounts.demand.key(), accounts.job.dispute.challenger_clock_slots);
        let wait = Wait { demand, poster_answers: false, most: MAXIMUM_DEMANDS };
        accounts.challenge.clocks.wait_for(wait, progress, now, clock_slots)?;
        accounts.demand.invariant()?;
        accounts.challenge.invariant()?;
        emit_cpi!(OpeningDemanded {
            job: ctx.accounts.job.key(),
            challenge: ctx.accounts.challenge.key(),
            demand,
            key: ctx.accounts.demand.key,
            claim: Pubkey::default(),
        });
        Ok(())
    }
}
