use super::support::move_lamports;
use crate::dispute::openings::{place_of, rejected, tree_of};
use crate::error::AssayError;
use crate::events::OpeningAnswered;
use crate::state::{Buffer, Demand, DemandTree, SegmentClaim};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Answers a demand: opens what lies below the demanded place.
///
/// Who: anyone who has it, for its own clock, for the node's or for a poster's.
///
/// 1. Checks the buffer, which holds the answer and nothing else, against the demanded hash.
/// 2. Freezes the buffer for as long as the demand exists, so that every dispute of the job can read it.
/// 3. Pays the fee to who answers.
#[event_cpi]
#[derive(Accounts)]
pub struct AnswerOpening<'info> {
    /// Who opened the buffer; receives the fee.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The demand.
    #[account(
        mut,
        constraint = demand.key.tree != DemandTree::SegmentRoot @ AssayError::WrongDemand,
    )]
    pub demand: Box<Account<'info, Demand>>,
    /// The posted root below which the demand lies, if it does.
    #[account(mut)]
    pub claim: Option<Box<Account<'info, SegmentClaim>>>,
    /// Holds the answer.
    #[account(mut, has_one = owner @ AssayError::NotBufferOwner)]
    pub buffer: Box<Account<'info, Buffer>>,
}

impl AnswerOpening<'_> {
    fn validate(&self) -> Result<()> {
        self.demand.check_open()?;
        self.buffer.check_free()?;
        let claim = self.claim.as_ref().map_or(Pubkey::default(), |claim| claim.key());
        require_keys_eq!(claim, self.demand.claim, AssayError::WrongSegmentClaim);
        let info: &AccountInfo<'_> = self.buffer.as_ref().as_ref();
        let data = info.try_borrow_data()?;
        let tree = tree_of(&self.demand.key, &self.demand.facts)?;
        let answer = Buffer::bytes_of(&data)?;
        tree.verify_answer(place_of(&self.demand.key), &self.demand.bound, answer)
            .map_err(rejected(AssayError::AnswerRejected))?;
        Ok(())
    }

    /// See [`AnswerOpening`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        accounts.buffer.held_by = accounts.demand.key();
        let fee_lamports = accounts.demand.answer(accounts.buffer.key(), now)?;
        if let Some(claim) = accounts.claim.as_mut() {
            claim.clock.stop(now)?;
            claim.invariant()?;
        }
        move_lamports(accounts.demand.as_ref(), &accounts.owner, fee_lamports)?;
        accounts.buffer.invariant()?;
        accounts.demand.invariant()?;
        emit_cpi!(OpeningAnswered {
            job: ctx.accounts.demand.job,
            demand: ctx.accounts.demand.key(),
            answer: ctx.accounts.buffer.key(),
            fee_lamports,
        });
        Ok(())
    }
}
