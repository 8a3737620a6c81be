use crate::error::AssayError;
use crate::state::Buffer;
use anchor_lang::prelude::*;

/// Removes a buffer.
///
/// Who: its owner, unless a demand holds it: then `close_demand` lets it go, once the dispute is over.
///
/// 1. Closes the buffer; its rent returns to the owner.
#[derive(Accounts)]
pub struct CloseBuffer<'info> {
    /// Who opened it; receives the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The buffer.
    #[account(mut, close = owner, has_one = owner @ AssayError::NotBufferOwner)]
    pub buffer: Box<Account<'info, Buffer>>,
}

impl CloseBuffer<'_> {
    fn validate(&self) -> Result<()> {
        self.buffer.check_free()?;
        Ok(())
    }

    /// See [`CloseBuffer`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        ctx.accounts.buffer.invariant()?;
        Ok(())
    }
}
