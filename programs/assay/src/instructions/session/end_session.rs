use crate::error::AssayError;
use crate::events::SessionEnded;
use crate::state::Session;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Ends the serving of a session early.
///
/// Who: the client, or the operator that accepted, from `Active`. What was answered stays paid and slashable: vouchers and receipts
/// count for the whole window after the end.
///
/// 1. Makes this slot the last one of serving, unless it ended before.
#[event_cpi]
#[derive(Accounts)]
pub struct EndSession<'info> {
    /// The client or the operator.
    pub party: Signer<'info>,
    /// The session.
    #[account(mut)]
    pub session: Box<Account<'info, Session>>,
}

impl EndSession<'_> {
    fn validate(&self) -> Result<()> {
        let (party, session) = (self.party.key(), &self.session);
        require!(party == session.client || party == session.operator, AssayError::NotSessionParty);
        Ok(())
    }

    /// See [`EndSession`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let session = &mut ctx.accounts.session;
        session.end(Slot(Clock::get()?.slot))?;
        session.invariant()?;
        let session = &ctx.accounts.session;
        emit_cpi!(SessionEnded {
            session: session.key(),
            ends_slot: session.ends_slot,
            last_closing_slot: session.closing_deadline()?.last().0,
        });
        Ok(())
    }
}
