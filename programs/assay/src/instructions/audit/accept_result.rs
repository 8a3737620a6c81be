use crate::error::AssayError;
use crate::events::ResultAccepted;
use crate::state::Job;
use anchor_lang::prelude::*;

/// Accepts a result before its window closes: the node is paid now.
///
/// Who: the client, from `Committed`, unless somebody filed that the output is unavailable and that is not decided. The
/// window goes on: until its last slot the result can be challenged, and what the node put at risk stays at risk.
///
/// 1. Shares the escrow out in credits: price less fee to the node, fee to the protocol, the rest to the client. The audit
///    pot waits for the end of the window.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptResult<'info> {
    /// The client.
    pub client: Signer<'info>,
    /// The job.
    #[account(mut, has_one = client @ AssayError::NotClient)]
    pub job: Box<Account<'info, Job>>,
}

impl AcceptResult<'_> {
    fn validate(&self) -> Result<()> {
        self.job.check_ordinary()?;
        Ok(())
    }

    /// See [`AcceptResult`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let job = &mut ctx.accounts.job;
        job.accept()?;
        job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(ResultAccepted {
            job: job.key(),
            node: job.node,
            node_credit: job.credits.node,
            client_credit: job.credits.client,
            fee_credit: job.credits.fee,
        });
        Ok(())
    }
}
