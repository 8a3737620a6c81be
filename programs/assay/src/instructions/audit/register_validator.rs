use crate::address::{NETWORK, VALIDATOR_SEED};
use crate::events::ValidatorRegistered;
use crate::state::{Network, Validator};
use anchor_lang::prelude::*;

/// Arguments of `register_validator`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RegisterValidatorArgs {
    /// The hot key, which will commit to chains and attest.
    pub auditor: Pubkey,
}

/// Registers a validator without stake and without a chain.
///
/// Who: its authority, the cold key, which pays the rent and gets it back. One validator a key.
///
/// 1. Creates the validator.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterValidator<'info> {
    /// The cold key; pays.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The network that the validator joins.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The validator to create.
    #[account(
        init,
        payer = authority,
        space = Validator::SPACE,
        seeds = [VALIDATOR_SEED, authority.key().as_ref()],
        bump,
    )]
    pub validator: Box<Account<'info, Validator>>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl RegisterValidator<'_> {
    /// See [`RegisterValidator`].
    pub fn handle(ctx: Context<'_, Self>, args: RegisterValidatorArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let validator = &mut accounts.validator;
        validator.version = Validator::VERSION;
        validator.bump = ctx.bumps.validator;
        validator.authority = accounts.authority.key();
        validator.registered_slot = Clock::get()?.slot;
        validator.set_auditor(args.auditor)?;
        validator.invariant()?;
        emit_cpi!(ValidatorRegistered {
            validator: ctx.accounts.validator.key(),
            authority: ctx.accounts.validator.authority,
            auditor: ctx.accounts.validator.auditor,
        });
        Ok(())
    }
}
