//! One budget: a vault out of which an agent posts jobs within limits.

use super::{check_invariant, check_version};
use crate::address::BUDGET_SEED;
use crate::budget::{BudgetLimits, Period, Request};
use crate::error::{AssayError, Checked};
use crate::units::{Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// A budget. It is the `client` of the jobs that are posted out of it, so what they refund, credit and charge goes to its
/// associated token accounts, which anybody may help along, and their rent to the budget itself. Nobody holds a key to its
/// address: tokens leave by the program's rules for jobs, or to its owner.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Who funds it, sets its limits and takes out what is left.
    pub owner: Pubkey,
    /// Tells the budgets of one owner apart.
    pub index: u16,
    /// Who may post out of it; zero: nobody but the owner.
    pub agent: Pubkey,
    /// The mint of its jobs.
    pub payment_mint: Pubkey,
    /// First slot of the period in which something was escrowed last.
    pub period_start_slot: u64,
    /// Escrowed within that period, in base units of the payment mint.
    pub period_escrowed: u64,
    /// What may be posted. Comes last, because its lists have no fixed length.
    pub limits: BudgetLimits,
}

impl Budget {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `owner` in the account's data, for filters.
    pub const OWNER_OFFSET: usize = 10;
    /// Offset of `agent` in the account's data, for filters.
    pub const AGENT_OFFSET: usize = 44;

    /// Replaces what is given. A new length of periods begins a period at `now`, in which nothing is escrowed; any other
    /// change leaves what was escrowed counted.
    ///
    /// `BudgetPeriodInvalid` or `BudgetListInvalid`.
    pub fn set(&mut self, agent: Option<Pubkey>, limits: Option<BudgetLimits>, now: Slot) -> Checked {
        if let Some(agent) = agent {
            self.agent = agent;
        }
        if let Some(limits) = limits {
            limits.validate()?;
            if limits.period_slots != self.limits.period_slots {
                self.period_start_slot = now.0;
                self.period_escrowed = 0;
            }
            self.limits = limits;
        }
        Ok(())
    }

    /// Whether `signer` may act for the budget: its owner always, its agent until the last slot.
    ///
    /// `NotBudgetAgent` or `BudgetExpired`.
    pub fn check_actor(&self, signer: &Pubkey, now: Slot) -> Checked {
        if *signer == self.owner {
            return Ok(());
        }
        if self.agent == Pubkey::default() || *signer != self.agent {
            return Err(AssayError::NotBudgetAgent);
        }
        if now.0 > self.limits.last_slot {
            return Err(AssayError::BudgetExpired);
        }
        Ok(())
    }

    /// Counts a job that is posted at `now`. The error names the limit that it breaks.
    pub fn book(&mut self, request: &Request, now: Slot) -> Checked {
        self.limits.check(request)?;
        let length = Slots(self.limits.period_slots);
        let limit = TokenAmount(self.limits.maximum_period_escrow);
        let period = self.period().escrow(request.escrow, now, length, limit)?;
        self.period_start_slot = period.start.0;
        self.period_escrowed = period.escrowed.0;
        Ok(())
    }

    /// What may still be escrowed in the period of `now`, in base units of the payment mint.
    pub fn allowance(&self, now: Slot) -> Checked<TokenAmount> {
        let escrowed = self.period().at(now, Slots(self.limits.period_slots))?.escrowed;
        Ok(TokenAmount(self.limits.maximum_period_escrow.saturating_sub(escrowed.0)))
    }

    fn period(&self) -> Period {
        Period { start: Slot(self.period_start_slot), escrowed: TokenAmount(self.period_escrowed) }
    }

    /// Hands `sign` the seeds, bump included, that let the budget sign for its token accounts.
    pub fn with_signer_seeds<T>(&self, sign: impl FnOnce(&[&[u8]]) -> T) -> T {
        sign(&[BUDGET_SEED, self.owner.as_ref(), &self.index.to_le_bytes(), &[self.bump]])
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let holds = self.owner != Pubkey::default() && self.payment_mint != Pubkey::default();
        check_invariant(holds && self.limits.validate().is_ok())
    }
}

#[cfg(test)]
mod tests;
