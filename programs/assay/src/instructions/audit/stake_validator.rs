use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ValidatorStaked;
use crate::state::{Network, Validator};
use crate::units::{Slot, TokenAmount};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `stake_validator`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct StakeValidatorArgs {
    /// Base units of the stake mint.
    pub amount: u64,
}

/// Adds stake to a validator. It counts in the draw for jobs posted in later slots.
///
/// Who: its authority, from an account of its own. Nobody else, because stake that is added takes what was added just before
/// it out of the draw for jobs that are already posted.
///
/// 1. Adds `amount` to the validator's active stake and to that of all validators.
/// 2. Moves the tokens into the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct StakeValidator<'info> {
    /// The cold key; owns the source.
    pub authority: Signer<'info>,
    /// The network; counts the stake of all validators.
    #[account(
        mut,
        address = NETWORK,
        has_one = stake_mint @ AssayError::WrongMint,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The validator.
    #[account(mut, has_one = authority @ AssayError::NotValidatorAuthority)]
    pub validator: Box<Account<'info, Validator>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(
        mut,
        address = network.stake_vault @ AssayError::WrongVault,
    )]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the tokens come from.
    #[account(mut, token::mint = stake_mint, token::authority = authority, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> StakeValidator<'info> {
    /// See [`StakeValidator`].
    pub fn handle(ctx: Context<'info, Self>, args: StakeValidatorArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let amount = TokenAmount(args.amount);
        accounts.validator.add_stake(amount, Slot(Clock::get()?.slot))?;
        accounts.network.add_validator_stake(amount)?;
        Route {
            token_program: &accounts.token_program,
            mint: &accounts.stake_mint,
            from: &accounts.source,
            to: &accounts.stake_vault,
            authority: accounts.authority.to_account_info(),
        }
        .deposit(args.amount)?;
        accounts.validator.invariant()?;
        accounts.network.invariant()?;
        emit_cpi!(ValidatorStaked {
            validator: ctx.accounts.validator.key(),
            amount: args.amount,
            stake: ctx.accounts.validator.stake,
            validator_stake: ctx.accounts.network.validator_stake,
        });
        Ok(())
    }
}
