use crate::error::AssayError;
use crate::events::SessionExpired;
use crate::session::SessionEvent;
use crate::state::Session;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends an offer that the node did not accept in time.
///
/// Who: anyone, from `Offered`, after the last slot of accepting.
///
/// 1. Owes the whole balance to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireSession<'info> {
    /// The session.
    #[account(mut)]
    pub session: Box<Account<'info, Session>>,
}

impl ExpireSession<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.session.state.after(SessionEvent::Expire)?;
        require!(self.session.accept_deadline()?.has_passed(now), AssayError::AcceptDeadlineNotPassed);
        Ok(())
    }

    /// See [`ExpireSession`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let session = &mut ctx.accounts.session;
        session.refund(SessionEvent::Expire)?;
        session.invariant()?;
        let session = &ctx.accounts.session;
        emit_cpi!(SessionExpired { session: session.key(), client_credit: session.credits.client });
        Ok(())
    }
}
