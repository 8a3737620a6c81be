use crate::error::AssayError;
use crate::events::ReceiptAmended;
use crate::market::is_uri;
use crate::state::{Job, Session};
use anchor_lang::prelude::*;

/// Arguments of `amend_receipt`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AmendReceiptArgs {
    /// SHA-256 of the manifest that lists where the result's bytes are.
    pub result_manifest: [u8; 32],
    /// Where the inputs can be fetched.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub inputs_uri: String,
}

/// Says where inputs and result of a receipt can be found that somebody else has called in.
///
/// Who: the session's client, while the receipt can be challenged. A liar could call its own receipts in first, with hints that
/// lead nowhere, so that no validator can replay them.
///
/// 1. Replaces both hints. Nothing else of a receipt ever changes, and the hints prove nothing.
#[event_cpi]
#[derive(Accounts)]
pub struct AmendReceipt<'info> {
    /// The session's client.
    pub client: Signer<'info>,
    /// The session.
    #[account(has_one = client @ AssayError::NotClient)]
    pub session: Box<Account<'info, Session>>,
    /// The receipt.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
}

impl AmendReceipt<'_> {
    fn validate(&self, args: &AmendReceiptArgs) -> Result<()> {
        self.job.check_receipt_of(&self.session.key())?;
        require!(self.job.state.can_be_challenged(), AssayError::JobNotChallengeable);
        require!(is_uri(&args.inputs_uri), AssayError::UriInvalid);
        Ok(())
    }

    /// See [`AmendReceipt`].
    pub fn handle(ctx: Context<'_, Self>, args: AmendReceiptArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let job = &mut ctx.accounts.job;
        job.result_manifest = args.result_manifest;
        job.inputs_uri = args.inputs_uri;
        job.invariant()?;
        let job = &ctx.accounts.job;
        emit_cpi!(ReceiptAmended { session: job.session, job: job.key(), result_manifest: job.result_manifest });
        Ok(())
    }
}
