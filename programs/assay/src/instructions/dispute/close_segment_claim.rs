use super::support::is_over;
use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::SegmentClaimClosed;
use crate::state::{Network, SegmentClaim};
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `close_segment_claim`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CloseSegmentClaimArgs {
    /// Bump of the poster's associated token account, for helpers: without it the program searches.
    pub associated_bump: Option<u8>,
}

/// Removes a segment root once the dispute is over, and returns the bond of one that stood.
///
/// Who: anyone, once the job has ended (after a conviction: is settled) or is gone. The bond goes to any account of the stake
/// mint if its author signs, else to the author's associated token account.
///
/// 1. Pays the bond of an unsigned root that was never refuted back, out of the stake vault.
/// 2. Closes the claim; its rent returns to who paid it.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseSegmentClaim<'info> {
    /// The author, or anyone who helps.
    pub authority: Signer<'info>,
    /// The network; signs for the stake vault.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// CHECK: the job that the claim names, or what is left at its address.
    #[account(address = claim.job @ AssayError::WrongJob)]
    pub job: UncheckedAccount<'info>,
    /// The segment root.
    #[account(mut, close = payer, has_one = payer @ AssayError::WrongSegmentClaim)]
    pub claim: Box<Account<'info, SegmentClaim>>,
    /// CHECK: the key that the claim names; it only receives lamports.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the bond; may be left out where there is none.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = stake_mint, token::token_program = token_program)]
    pub destination: Option<Box<InterfaceAccount<'info, TokenAccount>>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> CloseSegmentClaim<'info> {
    fn validate(&self, args: CloseSegmentClaimArgs) -> Result<()> {
        require!(is_over(&self.job)?, AssayError::DisputeNotOver);
        if self.claim.bond > 0 {
            let bump = args.associated_bump;
            check_destination(self.authority.key, &self.claim.author, bump, &self.route()?)?;
        }
        Ok(())
    }

    fn route(&self) -> Result<Route<'_, 'info>> {
        Ok(Route {
            token_program: &self.token_program,
            mint: &self.stake_mint,
            from: &self.stake_vault,
            to: self.destination.as_deref().ok_or(AssayError::DestinationNotCanonical)?,
            authority: self.network.to_account_info(),
        })
    }

    /// See [`CloseSegmentClaim`].
    pub fn handle(ctx: Context<'info, Self>, args: CloseSegmentClaimArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &mut *ctx.accounts;
        accounts.claim.invariant()?;
        let amount = accounts.claim.bond;
        if amount > 0 {
            let route = accounts.route()?;
            accounts.network.with_signer_seeds(|seeds| route.pay(amount, seeds))?;
        }
        emit_cpi!(SegmentClaimClosed {
            job: ctx.accounts.job.key(),
            claim: ctx.accounts.claim.key(),
            author: ctx.accounts.claim.author,
            amount,
        });
        Ok(())
    }
}
