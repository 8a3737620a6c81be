use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::SessionAccepted;
use crate::session::SessionEvent;
use crate::state::{JobNode, Network, Node, Session};
use crate::units::{BasisPoints, Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Accepts a session for the node that it is offered to.
///
/// Who: the node's operator, from `Offered`, until the last slot of accepting. The node needs what it needs to claim a job: the
/// stake that the network asks for, free stake for the bond and for what a conviction would take besides, and a free place
/// among its open jobs; it was never convicted, has accounted for its misses, and is neither in jail nor in maintenance. Not while
/// the guardian pauses new work.
///
/// 1. Pins operator and payee; the time of the session begins.
/// 2. Locks the bond in the node's stake, reachable until a dispute over the last receipt can have ended.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptSession<'info> {
    /// The hot key of the node.
    pub operator: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(mut, has_one = operator @ AssayError::NotOperator)]
    pub node: Box<Account<'info, Node>>,
    /// The session.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub session: Box<Account<'info, Session>>,
}

impl AcceptSession<'_> {
    fn validate(&self, now: Slot) -> Result<()> {
        self.network.check_takes_work(now)?;
        self.session.state.after(SessionEvent::Accept)?;
        require!(!self.session.accept_deadline()?.has_passed(now), AssayError::AcceptDeadlinePassed);
        self.node.check_may_take(now, &self.network.parameters)?;
        Ok(())
    }

    /// See [`AcceptSession`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(now)?;
        let accounts = &mut *ctx.accounts;
        let (node, session) = (&mut accounts.node, &mut accounts.session);
        session.accept(JobNode { node: node.key(), operator: node.operator, payee: node.withdraw_authority }, now)?;
        let slash = BasisPoints(u32::from(session.dispute.slash_bps));
        node.lock_bond(TokenAmount(session.bond), slash, now, session.last_obligation()?)?;
        node.invariant()?;
        session.invariant()?;

        let session = &ctx.accounts.session;
        emit_cpi!(SessionAccepted {
            session: session.key(),
            node: session.node,
            operator: session.operator,
            bond: session.bond,
            ends_slot: session.ends_slot,
        });
        Ok(())
    }
}
