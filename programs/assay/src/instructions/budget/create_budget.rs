use crate::address::{BUDGET_SEED, CLIENT_SEED};
use crate::budget::BudgetLimits;
use crate::error::AssayError;
use crate::events::BudgetCreated;
use crate::state::{Budget, Client, PaymentMint};
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `create_budget`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct CreateBudgetArgs {
    /// Tells the budgets of one owner apart.
    pub index: u16,
    /// Who may post out of it; zero: nobody but the owner.
    pub agent: Pubkey,
    /// What may be posted.
    pub limits: BudgetLimits,
}

/// Creates a budget, empty.
///
/// Who: the owner, which pays the rent and gets the budget's back when it is closed. Tokens are sent to the budget's
/// associated token account, and lamports for the rent of its jobs to the budget, by anyone.
///
/// 1. Creates the budget; its first period begins now.
/// 2. Creates the counter of its jobs, unless an earlier budget at this address left it: job ids are never used twice.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: CreateBudgetArgs)]
pub struct CreateBudget<'info> {
    /// Who funds the budget; pays.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The record of the mint in which its jobs are paid.
    #[account(constraint = payment_mint.enabled @ AssayError::PaymentMintDisabled)]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The budget to create.
    #[account(
        init,
        payer = owner,
        space = Budget::SPACE,
        seeds = [BUDGET_SEED, owner.key().as_ref(), args.index.to_le_bytes().as_ref()],
        bump,
    )]
    pub budget: Box<Account<'info, Budget>>,
    /// The counter of the budget's jobs.
    #[account(
        init_if_needed,
        payer = owner,
        space = Client::SPACE,
        seeds = [CLIENT_SEED, budget.key().as_ref()],
        bump,
    )]
    pub client_account: Box<Account<'info, Client>>,
    /// Creates the accounts.
    pub system_program: Program<'info, System>,
}

impl CreateBudget<'_> {
    /// See [`CreateBudget`].
    pub fn handle(ctx: Context<'_, Self>, args: CreateBudgetArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        let accounts = &mut *ctx.accounts;
        let address = accounts.budget.key();
        let budget = &mut accounts.budget;
        budget.version = Budget::VERSION;
        budget.bump = ctx.bumps.budget;
        budget.owner = accounts.owner.key();
        budget.index = args.index;
        budget.payment_mint = accounts.payment_mint.mint;
        budget.set(Some(args.agent), Some(args.limits), now)?;
        accounts.client_account.introduce(address, ctx.bumps.client_account);
        budget.invariant()?;
        accounts.client_account.invariant()?;

        let budget = &ctx.accounts.budget;
        emit_cpi!(BudgetCreated {
            budget: address,
            owner: budget.owner,
            agent: budget.agent,
            payment_mint: budget.payment_mint,
            limits: budget.limits.clone(),
        });
        Ok(())
    }
}
