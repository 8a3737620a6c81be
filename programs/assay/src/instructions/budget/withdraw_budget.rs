use crate::error::AssayError;
use crate::events::BudgetWithdrawn;
use crate::state::Budget;
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `withdraw_budget`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WithdrawBudgetArgs {
    /// Base units of the mint.
    pub tokens: u64,
    /// Lamports beyond the budget's own rent.
    pub lamports: u64,
}

/// Takes tokens, lamports or both out of a budget.
///
/// Who: the owner, at any time, in any mint: charges come in the stake mint. What is escrowed in jobs returns first.
///
/// 1. Moves `tokens` from a token account of the budget to any account of the mint.
/// 2. Moves `lamports` to the owner; the budget keeps its rent.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawBudget<'info> {
    /// The owner; receives the lamports.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The budget; signs for its token accounts.
    #[account(mut, has_one = owner @ AssayError::NotBudgetOwner)]
    pub budget: Box<Account<'info, Budget>>,
    /// The mint.
    #[account(mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// A token account of the budget.
    #[account(mut, token::mint = mint, token::authority = budget, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Receives the tokens.
    // `dup` leaves it to `check_destination` to refuse the source, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawBudget<'info> {
    fn validate(&self, args: WithdrawBudgetArgs) -> Result<()> {
        require!(args.tokens > 0 || args.lamports > 0, AssayError::AmountZero);
        let owner = self.owner.key;
        check_destination(owner, owner, None, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.source,
            to: &self.destination,
            authority: self.budget.to_account_info(),
        }
    }

    /// See [`WithdrawBudget`].
    pub fn handle(ctx: Context<'info, Self>, args: WithdrawBudgetArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &*ctx.accounts;
        if args.tokens > 0 {
            accounts.budget.with_signer_seeds(|seeds| accounts.route().pay(args.tokens, seeds))?;
        }
        pay_lamports(&accounts.budget, accounts.owner.as_ref(), args.lamports)?;
        accounts.budget.invariant()?;
        emit_cpi!(BudgetWithdrawn {
            budget: ctx.accounts.budget.key(),
            mint: ctx.accounts.mint.key(),
            tokens: args.tokens,
            destination: ctx.accounts.destination.key(),
            lamports: args.lamports,
        });
        Ok(())
    }
}

/// Moves lamports out of a budget, which keeps its own rent. `BudgetLamportsShort`.
///
/// No account of a later call in the same instruction may be among the two: the runtime compares sums of lamports there.
pub(super) fn pay_lamports<'info>(
    budget: &Account<'info, Budget>,
    to: &AccountInfo<'info>,
    lamports: u64,
) -> Result<()> {
    let from = budget.to_account_info();
    let kept = Rent::get()?.minimum_balance(from.data_len());
    let left = from.lamports().checked_sub(lamports).ok_or(AssayError::BudgetLamportsShort)?;
    require_gte!(left, kept, AssayError::BudgetLamportsShort);
    from.sub_lamports(lamports)?;
    to.add_lamports(lamports)?;
    Ok(())
}
