use crate::error::AssayError;
use crate::events::BudgetClosed;
use crate::state::{Budget, Client};
use crate::vault::{self, check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Removes a budget, and its vault.
///
/// Who: the owner, when every job of the budget is closed: what a job owes to its client is then withdrawn. What reaches the
/// budget's address later is the owner's, who creates the budget again to take it out.
///
/// 1. Moves what the vault holds to any account of the mint, and closes it.
/// 2. Closes the budget. All lamports go to the owner. The counter of its jobs stays.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseBudget<'info> {
    /// The owner; receives all lamports.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The budget; signs for its vault.
    #[account(
        mut,
        close = owner,
        has_one = owner @ AssayError::NotBudgetOwner,
        has_one = payment_mint @ AssayError::WrongMint,
    )]
    pub budget: Box<Account<'info, Budget>>,
    /// The counter of its jobs.
    #[account(
        constraint = client_account.client == budget.key() @ AssayError::WrongBudget,
        constraint = client_account.open_jobs == 0 @ AssayError::BudgetHasOpenJobs,
    )]
    pub client_account: Box<Account<'info, Client>>,
    /// The payment mint of the budget.
    #[account(mint::token_program = token_program)]
    pub payment_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The vault: the budget's token account.
    #[account(mut, token::mint = payment_mint, token::authority = budget, token::token_program = token_program)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives what the vault holds.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = payment_mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> CloseBudget<'info> {
    fn validate(&self) -> Result<()> {
        self.budget.invariant()?;
        self.client_account.invariant()?;
        let owner = self.owner.key;
        check_destination(owner, owner, None, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.payment_mint,
            from: &self.vault,
            to: &self.destination,
            authority: self.budget.to_account_info(),
        }
    }

    /// See [`CloseBudget`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &*ctx.accounts;
        let tokens = accounts.vault.amount;
        accounts.budget.with_signer_seeds(|seeds| accounts.empty_and_close_vault(tokens, seeds))?;
        emit_cpi!(BudgetClosed {
            budget: ctx.accounts.budget.key(),
            owner: ctx.accounts.owner.key(),
            tokens,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }

    fn empty_and_close_vault(&self, tokens: u64, seeds: &[&[u8]]) -> Result<()> {
        if tokens > 0 {
            self.route().pay(tokens, seeds)?;
        }
        let (budget, owner) = (self.budget.to_account_info(), self.owner.to_account_info());
        vault::close(&self.token_program, &self.vault, budget, owner, seeds)
    }
}
