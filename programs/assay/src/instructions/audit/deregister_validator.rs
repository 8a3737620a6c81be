use crate::error::AssayError;
use crate::events::ValidatorDeregistered;
use crate::state::Validator;
use anchor_lang::prelude::*;

/// Removes a validator that owns and owes nothing: no stake, no withdrawal under way, no open attestation.
///
/// Who: its authority.
///
/// 1. Closes the validator; its rent returns to the authority. A validator that registers again begins without a chain.
#[event_cpi]
#[derive(Accounts)]
pub struct DeregisterValidator<'info> {
    /// The cold key; receives the rent.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The validator.
    #[account(mut, close = authority, has_one = authority @ AssayError::NotValidatorAuthority)]
    pub validator: Box<Account<'info, Validator>>,
}

impl DeregisterValidator<'_> {
    fn validate(&self) -> Result<()> {
        self.validator.check_empty()?;
        Ok(())
    }

    /// See [`DeregisterValidator`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        ctx.accounts.validator.invariant()?;
        emit_cpi!(ValidatorDeregistered {
            validator: ctx.accounts.validator.key(),
            authority: ctx.accounts.authority.key(),
        });
        Ok(())
    }
}
