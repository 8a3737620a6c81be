use crate::error::AssayError;
use crate::events::ValidatorUpdated;
use crate::state::Validator;
use anchor_lang::prelude::*;

/// Arguments of `update_validator`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct UpdateValidatorArgs {
    /// The hot key from now on.
    pub auditor: Pubkey,
}

/// Changes the hot key of a validator.
///
/// Who: its authority.
///
/// 1. Writes the key. Whoever held the old one can attest no longer; the chain stays.
#[event_cpi]
#[derive(Accounts)]
pub struct UpdateValidator<'info> {
    /// The cold key.
    pub authority: Signer<'info>,
    /// The validator.
    #[account(mut, has_one = authority @ AssayError::NotValidatorAuthority)]
    pub validator: Box<Account<'info, Validator>>,
}

impl UpdateValidator<'_> {
    /// See [`UpdateValidator`].
    pub fn handle(ctx: Context<'_, Self>, args: UpdateValidatorArgs) -> Result<()> {
        let validator = &mut ctx.accounts.validator;
        validator.set_auditor(args.auditor)?;
        validator.invariant()?;
        emit_cpi!(ValidatorUpdated { validator: ctx.accounts.validator.key(), auditor: args.auditor });
        Ok(())
    }
}
