use crate::error::AssayError;
use crate::events::SessionCancelled;
use crate::session::SessionEvent;
use crate::state::Session;
use anchor_lang::prelude::*;

/// Takes an offer back that the node has not accepted.
///
/// Who: the client, from `Offered`, at any time.
///
/// 1. Owes the whole balance to the client.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelSession<'info> {
    /// The client.
    pub client: Signer<'info>,
    /// The session.
    #[account(mut, has_one = client @ AssayError::NotClient)]
    pub session: Box<Account<'info, Session>>,
}

impl CancelSession<'_> {
    /// See [`CancelSession`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let session = &mut ctx.accounts.session;
        session.refund(SessionEvent::Cancel)?;
        session.invariant()?;
        let session = &ctx.accounts.session;
        emit_cpi!(SessionCancelled { session: session.key(), client_credit: session.credits.client });
        Ok(())
    }
}
