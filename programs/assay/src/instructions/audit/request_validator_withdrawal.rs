use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ValidatorWithdrawalRequested;
use crate::state::{Network, Validator};
use crate::units::{Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// Arguments of `request_validator_withdrawal`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RequestValidatorWithdrawalArgs {
    /// Base units of the stake mint.
    pub amount: u64,
}

/// Starts to unbond free stake of a validator. It counts in no draw any more.
///
/// Who: its authority. Bonds of open attestations cannot be requested, and one request is under way at once.
///
/// 1. Moves `amount` from the active stake to the place of withdrawals, released `unbonding_slots` from now and never before
///    the results that the validator attested are beyond dispute.
/// 2. Takes it from the stake of all validators.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestValidatorWithdrawal<'info> {
    /// The cold key.
    pub authority: Signer<'info>,
    /// The network, for the length of unbonding; counts the stake of all validators.
    #[account(mut, address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The validator.
    #[account(mut, has_one = authority @ AssayError::NotValidatorAuthority)]
    pub validator: Box<Account<'info, Validator>>,
}

impl RequestValidatorWithdrawal<'_> {
    /// See [`RequestValidatorWithdrawal`].
    pub fn handle(ctx: Context<'_, Self>, args: RequestValidatorWithdrawalArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (amount, now) = (TokenAmount(args.amount), Slot(Clock::get()?.slot));
        let unbonding = Slots(accounts.network.parameters.unbonding_slots);
        let release = accounts.validator.request_withdrawal(amount, now, unbonding)?;
        accounts.network.remove_validator_stake(amount)?;
        accounts.validator.invariant()?;
        accounts.network.invariant()?;
        emit_cpi!(ValidatorWithdrawalRequested {
            validator: ctx.accounts.validator.key(),
            amount: args.amount,
            release_slot: release.0,
            stake: ctx.accounts.validator.stake,
            validator_stake: ctx.accounts.network.validator_stake,
        });
        Ok(())
    }
}
