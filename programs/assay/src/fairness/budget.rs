//! What an agent may spend of its owner's tokens.
//!
//! An owner funds a vault and gives an agent's key limits. The agent posts jobs out of the vault; what returns of them
//! returns to the vault. The agent's key can be stolen: what it can do then is what these checks allow, until the owner
//! revokes it, which works at once.
//!
//! The limit of a period holds for *every* stretch of so many slots, not only for those that start with a count: spending is
//! counted in eighths of a period, and the last nine of them, which cover any such stretch, stay within the limit. What
//! returns to the vault gives back no limit: an agent cannot spend the same allowance twice by posting and cancelling.

use super::error::{FairnessError, Ruled};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Models and nodes that a budget can name.
pub const LIST_PLACES: usize = 8;

/// Parts of a period in which spending is counted.
const PARTS: u64 = 8;
/// Parts that any stretch of a period can touch.
const PLACES: usize = 9;

/// What the owner allows. Amounts are base units of the vault's mint.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// The key that may spend.
    pub agent: Pubkey,
    /// Most that one job escrows, audit pot included.
    pub per_job: u64,
    /// Highest maximum price of a job.
    pub maximum_price: u64,
    /// Most that all jobs within `period_slots` escrow together.
    pub per_period: u64,
    /// Length of the period: at least eight slots.
    pub period_slots: u64,
    /// The last slot in which the agent may spend.
    pub last_slot: u64,
    /// Roots of the graphs that the agent may have run; zero places say nothing, and a list without any allows all.
    pub models: [[u8; 32]; LIST_PLACES],
    /// Nodes that the agent may invite; with any in the list, every job must be an invitation to one of them.
    pub nodes: [Pubkey; LIST_PLACES],
    /// Set by the owner; never unset.
    pub revoked: bool,
}

/// A job that an agent wants to post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetRequest {
    /// Who signs.
    pub agent: Pubkey,
    /// Highest price of the job.
    pub price_max: TokenAmount,
    /// What the job adds for audits.
    pub audit_pot: TokenAmount,
    /// Root of its graph.
    pub model: [u8; 32],
    /// The node that it invites; the zero key invites nobody.
    pub invited: Pubkey,
}

/// What was spent lately.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetUse {
    /// Spent in each part of time, at its number modulo nine.
    pub spent: [u64; PLACES],
    /// The number of the newest part in which something was spent.
    pub newest: u64,
}

impl BudgetLimits {
    /// `RuleOutOfBounds` unless there is an agent and periods of at least eight slots.
    pub fn validate(&self) -> Ruled {
        if self.agent == Pubkey::default() || self.period_slots < PARTS {
            return Err(FairnessError::RuleOutOfBounds);
        }
        Ok(())
    }

    /// Checks everything about a job but what was spent before, and returns what it escrows.
    ///
    /// `NotAgent`, `BudgetRevoked`, `BudgetExpired`, `PriceLimitExceeded`, `JobLimitExceeded`, `ModelNotAllowed` or
    /// `NodeNotAllowed`; the first that applies, in this order.
    pub fn check(&self, request: &BudgetRequest, now: Slot) -> Ruled<TokenAmount> {
        let escrow = request.price_max.plus(request.audit_pot)?;
        let none = Pubkey::default();
        let model_listed = self.models.iter().all(|model| *model == [0; 32])
            || (request.model != [0; 32] && self.models.contains(&request.model));
        let node_listed = self.nodes.iter().all(|node| *node == none)
            || (request.invited != none && self.nodes.contains(&request.invited));
        let rules = [
            (request.agent == self.agent && self.agent != none, FairnessError::NotAgent),
            (!self.revoked, FairnessError::BudgetRevoked),
            (now.0 <= self.last_slot, FairnessError::BudgetExpired),
            (request.price_max.0 <= self.maximum_price, FairnessError::PriceLimitExceeded),
            (escrow.0 <= self.per_job, FairnessError::JobLimitExceeded),
            (model_listed, FairnessError::ModelNotAllowed),
            (node_listed, FairnessError::NodeNotAllowed),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(escrow), |(_, error)| Err(error))
    }
}

impl BudgetUse {
    /// Checks a job against the limits, the vault's `balance` and what was spent, and counts what it escrows, which it
    /// returns. Nothing changes where it is refused.
    ///
    /// The errors of [`BudgetLimits::check`], `VaultTooSmall` or `PeriodLimitExceeded`.
    pub fn spend(
        &mut self,
        limits: &BudgetLimits,
        request: &BudgetRequest,
        balance: TokenAmount,
        now: Slot,
    ) -> Ruled<TokenAmount> {
        limits.validate()?;
        let escrow = limits.check(request, now)?;
        if escrow > balance {
            return Err(FairnessError::VaultTooSmall);
        }
        let mut changed = *self;
        changed.advance(limits, now)?;
        let spent = changed.spent.iter().try_fold(escrow, |sum, part| sum.plus(TokenAmount(*part)))?;
        if spent.0 > limits.per_period {
            return Err(FairnessError::PeriodLimitExceeded);
        }
        let newest = changed.newest;
        let place = changed.place(newest)?;
        *place = place.checked_add(escrow.0).ok_or(FairnessError::ArithmeticOverflow)?;
        *self = changed;
        Ok(escrow)
    }

    /// What may still be spent at `now`.
    pub fn left(&self, limits: &BudgetLimits, now: Slot) -> Ruled<TokenAmount> {
        let mut changed = *self;
        changed.advance(limits, now)?;
        let spent = changed.spent.iter().try_fold(TokenAmount::ZERO, |sum, part| sum.plus(TokenAmount(*part)))?;
        Ok(TokenAmount(limits.per_period.saturating_sub(spent.0)))
    }

    /// Forgets the parts that no stretch of a period that ends at `now` touches. Lengths are rounded up: nine parts are
    /// never shorter than a period and a part.
    fn advance(&mut self, limits: &BudgetLimits, now: Slot) -> Ruled {
        let length = limits.period_slots.div_ceil(PARTS);
        let part = now.0.checked_div(length).ok_or(FairnessError::RuleOutOfBounds)?.max(self.newest);
        for back in 0..part.saturating_sub(self.newest).min(PLACES as u64) {
            *self.place(part.saturating_sub(back))? = 0;
        }
        self.newest = part;
        Ok(())
    }

    fn place(&mut self, part: u64) -> Ruled<&mut u64> {
        let place = part.checked_rem(PLACES as u64).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.spent.get_mut(place)).ok_or(FairnessError::InvariantBroken)
    }
}

#[cfg(test)]
mod tests;
