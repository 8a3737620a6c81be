use crate::error::AssayError;
use crate::events::ReceiptClosed;
use crate::state::{Job, Session};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Removes a receipt that was called in, has ended and owes nothing.
///
/// Who: anyone, once its session takes no more receipts, so that none is ever called in a second time at the same address.
/// Whoever called it in gets the rent.
///
/// 1. Closes the job.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseReceipt<'info> {
    /// The receipt.
    #[account(mut, close = client, has_one = client @ AssayError::NotClient)]
    pub job: Box<Account<'info, Job>>,
    /// CHECK: who called it in, as the job says; it only receives lamports.
    #[account(mut)]
    pub client: UncheckedAccount<'info>,
    /// CHECK: the address of its session, where there may be none any more.
    #[account(address = job.session @ AssayError::WrongSession)]
    pub session: UncheckedAccount<'info>,
}

impl CloseReceipt<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.job.check_receipt_of(&self.session.key())?;
        self.job.check_closable()?;
        require!(!self.can_be_called_in_again(now)?, AssayError::SessionTimeLeft);
        Ok(())
    }

    fn can_be_called_in_again(&self, now: Slot) -> Result<bool> {
        if *self.session.owner != crate::ID {
            return Ok(false);
        }
        let session = Session::try_deserialize(&mut &self.session.try_borrow_data()?[..])?;
        Ok(session.takes_receipts(now)?)
    }

    /// See [`CloseReceipt`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let job = &ctx.accounts.job;
        emit_cpi!(ReceiptClosed { session: job.session, job: job.key(), caller: job.client });
        Ok(())
    }
}
