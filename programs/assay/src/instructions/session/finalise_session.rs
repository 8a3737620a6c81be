use crate::error::AssayError;
use crate::events::SessionSettled;
use crate::session::SessionEvent;
use crate::state::{Node, Session};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Settles a session whose time is over.
///
/// Who: anyone, from `Active`, when the window after the session's end is over and every receipt that was called in has ended. No
/// token moves, so no account of anybody can stop it.
///
/// 1. Shares the balance out in credits: the greatest voucher less fee to the node, fee to the protocol, the rest to the client.
/// 2. Frees the bond.
#[event_cpi]
#[derive(Accounts)]
pub struct FinaliseSession<'info> {
    /// The node that accepted.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// The session.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub session: Box<Account<'info, Session>>,
}

impl FinaliseSession<'_> {
    fn validate(&self) -> Result<()> {
        self.session.state.after(SessionEvent::Finalise)?;
        Ok(())
    }

    /// See [`FinaliseSession`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        accounts.session.finalise(Slot(Clock::get()?.slot))?;
        accounts.node.settle_job(TokenAmount(accounts.session.bond))?;
        accounts.node.invariant()?;
        accounts.session.invariant()?;
        let session = &ctx.accounts.session;
        emit_cpi!(SessionSettled {
            session: session.key(),
            node: session.node,
            paid: session.paid,
            node_credit: session.credits.node,
            client_credit: session.credits.client,
            fee_credit: session.credits.fee,
        });
        Ok(())
    }
}
