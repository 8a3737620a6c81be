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
        emit_cpi!(accept(&mut ctx.accounts.job)?);
        Ok(())
    }
}

/// Accepts the result of a job in the name of its client; gives what is to be announced.
pub(in crate::instructions) fn accept(job: &mut Account<'_, Job>) -> Result<ResultAccepted> {
    job.accept()?;
    job.invariant()?;
    Ok(ResultAccepted {
        job: job.key(),
        node: job.node,
        node_credit: job.credits.node,
        client_credit: job.credits.client,
        fee_credit: job.credits.fee,
        delegators_credit: job.credits.delegators,
    })
}
