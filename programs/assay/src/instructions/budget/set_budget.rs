use crate::budget::BudgetLimits;
use crate::error::AssayError;
use crate::events::BudgetChanged;
use crate::state::Budget;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// Arguments of `set_budget`. What is not given stays.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct SetBudgetArgs {
    /// Who may post from now on; the zero key revokes.
    pub agent: Option<Pubkey>,
    /// What may be posted from now on.
    pub limits: Option<BudgetLimits>,
}

/// Changes agent or limits of a budget, or both.
///
/// Who: the owner, at any time. It counts from the next instruction on: a revoked agent can do nothing more. What was posted
/// stays posted; the owner can cancel it.
///
/// 1. Replaces what is given. A new length of periods begins a period.
#[event_cpi]
#[derive(Accounts)]
pub struct SetBudget<'info> {
    /// The owner.
    pub owner: Signer<'info>,
    /// The budget.
    #[account(mut, has_one = owner @ AssayError::NotBudgetOwner)]
    pub budget: Box<Account<'info, Budget>>,
}

impl SetBudget<'_> {
    /// See [`SetBudget`].
    pub fn handle(ctx: Context<'_, Self>, args: SetBudgetArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        let budget = &mut ctx.accounts.budget;
        budget.set(args.agent, args.limits, now)?;
        budget.invariant()?;

        let budget = &ctx.accounts.budget;
        emit_cpi!(BudgetChanged { budget: budget.key(), agent: budget.agent, limits: budget.limits.clone() });
        Ok(())
    }
}
