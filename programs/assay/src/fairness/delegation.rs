//! Stake that others lend to a node, for a share of its fees.
//!
//! Delegated stake lies in two pools: one that works, and one on its way out, which earns nothing and can still be slashed.
//! Who delegates holds *shares* of a pool; what a share is worth rises with rewards and falls with slashes, for everybody
//! alike and without touching anybody's account. Shares and tokens are rounded down whenever they are handed out: a pool
//! never owes more than it has, and what rounding leaves belongs to those who stay.
//!
//! Bonds come from the node's own stake alone, and what counts of delegated stake is at most a multiple of the own: a node
//! always loses most by its own fault.

use super::error::{FairnessError, Ruled};
use super::ratio::{ceiling_of, floor_of};
use crate::units::{BasisPoints, Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Tokens, and the shares that own them.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharePool {
    /// Base units of the stake mint.
    pub tokens: u64,
    /// All shares together.
    pub shares: u64,
}

impl SharePool {
    /// Adds tokens and returns the shares for them: as many as tokens in an empty pool.
    ///
    /// `AmountTooSmall` where they would buy no share, `PoolWiped` where there are shares of nothing.
    pub fn deposit(&mut self, amount: TokenAmount) -> Ruled<u64> {
        let shares = match (self.tokens, self.shares) {
            (_, 0) => amount.0,
            (0, _) => return Err(FairnessError::PoolWiped),
            (tokens, shares) => floor_of(amount.0, shares, tokens)?,
        };
        if shares == 0 {
            return Err(FairnessError::AmountTooSmall);
        }
        let tokens = TokenAmount(self.tokens).plus(amount)?.0;
        self.shares = self.shares.checked_add(shares).ok_or(FairnessError::ArithmeticOverflow)?;
        self.tokens = tokens;
        Ok(shares)
    }

    /// What `shares` are worth, rounded down. `NotEnoughShares` beyond all there are.
    pub fn value(&self, shares: u64) -> Ruled<TokenAmount> {
        if shares > self.shares || shares == 0 {
            return Err(FairnessError::NotEnoughShares);
        }
        Ok(TokenAmount(floor_of(self.tokens, shares, self.shares)?))
    }

    /// Takes `shares` out and returns their tokens; the last ones take what rounding left.
    pub fn withdraw(&mut self, shares: u64) -> Ruled<TokenAmount> {
        let amount = self.value(shares)?;
        self.shares = self.shares.checked_sub(shares).ok_or(FairnessError::NotEnoughShares)?;
        self.tokens = TokenAmount(self.tokens).minus(amount)?.0;
        Ok(amount)
    }

    /// Adds tokens for all shares alike. `NotEnoughShares` where nobody would own them.
    pub fn reward(&mut self, amount: TokenAmount) -> Ruled {
        if self.shares == 0 {
            return Err(FairnessError::NotEnoughShares);
        }
        self.tokens = TokenAmount(self.tokens).plus(amount)?.0;
        Ok(())
    }

    /// Takes `share` of the tokens, rounded up, from all shares alike, and returns it.
    pub fn slash(&mut self, share: BasisPoints) -> Ruled<TokenAmount> {
        let part = u64::from(share.0.min(BasisPoints::WHOLE.0));
        let amount = TokenAmount(ceiling_of(self.tokens, part, u64::from(BasisPoints::WHOLE.0))?);
        self.tokens = TokenAmount(self.tokens).minus(amount)?.0;
        Ok(amount)
    }
}

/// What is delegated to one node.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DelegatedStake {
    /// What works.
    pub active: SharePool,
    /// What is on its way out.
    pub unbonding: SharePool,
}

/// What one delegator holds of one node.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delegation {
    /// Shares of the active pool.
    pub shares: u64,
    /// Shares of the unbonding pool.
    pub unbonding_shares: u64,
    /// First slot in which the unbonding shares can be withdrawn.
    pub release_slot: u64,
}

/// What of delegated stake counts: at most `multiple` of the node's own.
pub fn counted(own: TokenAmount, delegated: TokenAmount, multiple: BasisPoints) -> Ruled<TokenAmount> {
    Ok(delegated.min(own.portion(multiple)?))
}

/// A node's reward in two parts: the node's and the delegators'. The delegators get the share of their counted stake in all
/// counted stake, less the node's `commission` on it; both roundings favour the node.
pub fn split_reward(
    reward: TokenAmount,
    own: TokenAmount,
    counted: TokenAmount,
    commission: BasisPoints,
) -> Ruled<(TokenAmount, TokenAmount)> {
    let all = own.plus(counted)?;
    if all == TokenAmount::ZERO {
        return Ok((reward, TokenAmount::ZERO));
    }
    let gross = TokenAmount(floor_of(reward.0, counted.0, all.0)?);
    let kept = BasisPoints::WHOLE.0.saturating_sub(commission.0);
    let delegators = gross.portion(BasisPoints(kept))?;
    Ok((reward.minus(delegators)?, delegators))
}

impl DelegatedStake {
    /// Delegates `amount` to a node with `own` stake. `DelegationCapReached` beyond `multiple` of it, `AmountTooSmall`,
    /// `PoolWiped`.
    pub fn delegate(
        &mut self,
        delegation: &mut Delegation,
        amount: TokenAmount,
        own: TokenAmount,
        multiple: BasisPoints,
    ) -> Ruled {
        if TokenAmount(self.active.tokens).plus(amount)? > own.portion(multiple)? {
            return Err(FairnessError::DelegationCapReached);
        }
        let mut pool = self.active;
        let shares = pool.deposit(amount)?;
        delegation.shares = delegation.shares.checked_add(shares).ok_or(FairnessError::ArithmeticOverflow)?;
        self.active = pool;
        Ok(())
    }

    /// Moves `shares` on their way out, to be withdrawn from `release` on; what was on its way before waits as long.
    ///
    /// `NotEnoughShares`, `AmountTooSmall`. Where the unbonding pool was slashed to nothing while somebody holds shares of
    /// it, `PoolWiped` until they are [dropped](Self::withdraw).
    pub fn undelegate(&mut self, delegation: &mut Delegation, shares: u64, release: Slot) -> Ruled<TokenAmount> {
        let left = delegation.shares.checked_sub(shares).ok_or(FairnessError::NotEnoughShares)?;
        let mut pools = *self;
        let amount = pools.active.withdraw(shares)?;
        let unbonding = pools.unbonding.deposit(amount)?;
        let sum = delegation.unbonding_shares.checked_add(unbonding).ok_or(FairnessError::ArithmeticOverflow)?;
        *delegation =
            Delegation { shares: left, unbonding_shares: sum, release_slot: delegation.release_slot.max(release.0) };
        *self = pools;
        Ok(amount)
    }

    /// Takes out what has been released at `now`, be it nothing any more. `NotReleased`, `NotEnoughShares`.
    pub fn withdraw(&mut self, delegation: &mut Delegation, now: Slot) -> Ruled<TokenAmount> {
        if delegation.unbonding_shares == 0 {
            return Err(FairnessError::NotEnoughShares);
        }
        if now.0 < delegation.release_slot {
            return Err(FairnessError::NotReleased);
        }
        let amount = self.unbonding.withdraw(delegation.unbonding_shares)?;
        (delegation.unbonding_shares, delegation.release_slot) = (0, 0);
        Ok(amount)
    }

    /// Drops active shares that are worth nothing, so that the node's pool can be used again. `NotEnoughShares` for those
    /// that are worth something, or where there are none.
    pub fn drop_worthless(&mut self, delegation: &mut Delegation) -> Ruled {
        if delegation.shares == 0 || self.active.tokens != 0 {
            return Err(FairnessError::NotEnoughShares);
        }
        self.active.withdraw(delegation.shares)?;
        delegation.shares = 0;
        Ok(())
    }

    /// Takes `share` of everything, unbonding included, and returns it.
    pub fn slash(&mut self, share: BasisPoints) -> Ruled<TokenAmount> {
        let mut pools = *self;
        let taken = pools.active.slash(share)?.plus(pools.unbonding.slash(share)?)?;
        *self = pools;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
