use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::ChallengeClosed;
use crate::state::{Challenge, Network};
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `close_challenge`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CloseChallengeArgs {
    /// Bump of the challenger's associated token account, for helpers: without it the program searches.
    pub associated_bump: Option<u8>,
}

/// Pays out a challenge that has ended, and removes it.
///
/// Who: the challenger, to any account of the stake mint but the vault; or anyone, to the challenger's associated token
/// account. A challenge that won waits for the settlement of its dispute.
///
/// 1. Pays bond and earnings, what there is of them, out of the stake vault.
/// 2. Closes the challenge; its rent returns to the challenger.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseChallenge<'info> {
    /// The challenger, or anyone who helps.
    pub authority: Signer<'info>,
    /// The network; signs for the stake vault.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// The challenge.
    #[account(mut, close = challenger, has_one = challenger @ AssayError::NotChallenger)]
    pub challenge: Box<Account<'info, Challenge>>,
    /// CHECK: the key that the challenge names; it only receives lamports.
    #[account(mut)]
    pub challenger: UncheckedAccount<'info>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives bond and earnings.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = stake_mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> CloseChallenge<'info> {
    fn validate(&self, args: CloseChallengeArgs) -> Result<()> {
        self.challenge.check_payable()?;
        check_destination(self.authority.key, self.challenger.key, args.associated_bump, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.stake_mint,
            from: &self.stake_vault,
            to: &self.destination,
            authority: self.network.to_account_info(),
        }
    }

    /// See [`CloseChallenge`].
    pub fn handle(ctx: Context<'info, Self>, args: CloseChallengeArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &mut *ctx.accounts;
        let amount = accounts.challenge.owed()?.0;
        accounts.challenge.invariant()?;
        if amount > 0 {
            accounts.network.with_signer_seeds(|seeds| accounts.route().pay(amount, seeds))?;
        }
        emit_cpi!(ChallengeClosed {
            job: ctx.accounts.challenge.job,
            challenge: ctx.accounts.challenge.key(),
            challenger: ctx.accounts.challenger.key(),
            amount,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
