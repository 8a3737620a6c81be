//! What is announced of budgets. Their jobs announce themselves as all others do, with the budget as client.

use crate::budget::BudgetLimits;
use anchor_lang::prelude::*;

/// A budget was created.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetCreated {
    /// The budget.
    pub budget: Pubkey,
    /// Who funds it.
    pub owner: Pubkey,
    /// Who may post out of it; zero: nobody but the owner.
    pub agent: Pubkey,
    /// The mint of its jobs.
    pub payment_mint: Pubkey,
    /// What may be posted.
    pub limits: BudgetLimits,
}

/// The owner changed a budget.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetChanged {
    /// The budget.
    pub budget: Pubkey,
    /// Who may post out of it from now on; zero: nobody but the owner.
    pub agent: Pubkey,
    /// What may be posted from now on.
    pub limits: BudgetLimits,
}

/// The owner took something out of a budget.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetWithdrawn {
    /// The budget.
    pub budget: Pubkey,
    /// The mint of the tokens.
    pub mint: Pubkey,
    /// Base units of the mint.
    pub tokens: u64,
    /// The token account that received them.
    pub destination: Pubkey,
    /// Lamports, to the owner.
    pub lamports: u64,
}

/// The owner removed a budget.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetClosed {
    /// The budget.
    pub budget: Pubkey,
    /// Who received its lamports.
    pub owner: Pubkey,
    /// What was left in its vault, in base units of the payment mint.
    pub tokens: u64,
    /// The token account that received it.
    pub destination: Pubkey,
}
