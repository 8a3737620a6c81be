//! Stake that others lend to a node, for a share of its fees.
//!
//! Delegated stake lies in two pools: one that works, and one on its way out, which earns nothing and can still be slashed.
//! Who delegates holds *shares* of a pool; what a share is worth falls with slashes, for everybody alike and without touching
//! anybody's account. Shares and tokens are rounded down whenever they are handed out: a pool never owes more than it has,
//! and what rounding leaves belongs to those who stay. What a slash leaves is rounded up, so that a pool out of which
//! something is left never has shares of nothing, which would keep everybody else from passing through it.
//!
//! Bonds come from the node's own stake alone, and what counts of delegated stake is at most a multiple of the own: a node
//! always loses most by its own fault.

use super::error::{FairnessError, Ruled};
use super::loss::WHOLE;
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

    /// Keeps `part` of `whole` of the tokens, rounded up, for all shares alike, and returns what is taken.
    fn keep(&mut self, part: u64, whole: u64) -> Ruled<TokenAmount> {
        let kept = match whole {
            0 => 0,
            _ => ceiling_of(self.tokens, part.min(whole), whole)?,
        };
        let taken = TokenAmount(self.tokens).minus(TokenAmount(kept))?;
        self.tokens = kept;
        Ok(taken)
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
pub struct DelegatedShares {
    /// Shares of the active pool.
    pub shares: u64,
    /// Shares of the unbonding pool.
    pub unbonding_shares: u64,
    /// First slot in which the unbonding shares can be withdrawn.
    pub release_slot: u64,
}

/// The most that may be delegated to a node with `own` stake.
pub fn cap(own: TokenAmount, multiple: BasisPoints) -> TokenAmount {
    // A multiple beyond 64 bits is more than there can be of any token.
    own.portion(multiple).unwrap_or(TokenAmount(u64::MAX))
}

/// What of delegated stake counts: at most `multiple` of the node's own.
pub fn counted(own: TokenAmount, delegated: TokenAmount, multiple: BasisPoints) -> TokenAmount {
    delegated.min(cap(own, multiple))
}

/// The delegators' share of what a node earns: that of their counted stake in all counted stake, less the node's `commission` on
/// it; both roundings favour the node.
pub fn delegators_share(own: TokenAmount, counted: TokenAmount, commission: BasisPoints) -> Ruled<BasisPoints> {
    if counted == TokenAmount::ZERO {
        return Ok(BasisPoints(0));
    }
    let whole = u64::from(BasisPoints::WHOLE.0);
    let gross = floor_of(whole, counted.0, own.plus(counted)?.0)?;
    let kept = u64::from(BasisPoints::WHOLE.0.saturating_sub(commission.0));
    let share = floor_of(gross, kept, whole)?;
    u32::try_from(share).map(BasisPoints).map_err(|_| FairnessError::ArithmeticOverflow)
}

impl DelegatedStake {
    /// Delegates `amount` to a node with `own` stake. `DelegationCapReached` beyond `multiple` of it, `AmountTooSmall`,
    /// `PoolWiped`.
    pub fn delegate(
        &mut self,
        delegation: &mut DelegatedShares,
        amount: TokenAmount,
        own: TokenAmount,
        multiple: BasisPoints,
    ) -> Ruled {
        if TokenAmount(self.active.tokens).plus(amount)? > cap(own, multiple) {
            return Err(FairnessError::DelegationCapReached);
        }
        let mut pool = self.active;
        let shares = pool.deposit(amount)?;
        delegation.shares = delegation.shares.checked_add(shares).ok_or(FairnessError::ArithmeticOverflow)?;
        self.active = pool;
        Ok(())
    }

    /// Moves `shares` on their way out, to be withdrawn from `release` on; what was on its way before waits as long. Shares that
    /// are worth nothing any more are dropped, so that they keep nobody.
    ///
    /// `NotEnoughShares`. The unbonding pool has shares of nothing only where nothing at all is left of a slash; then nothing
    /// can enter it either.
    pub fn undelegate(&mut self, delegation: &mut DelegatedShares, shares: u64, release: Slot) -> Ruled<TokenAmount> {
        let left = delegation.shares.checked_sub(shares).ok_or(FairnessError::NotEnoughShares)?;
        let mut pools = *self;
        let amount = pools.active.withdraw(shares)?;
        let mut after = DelegatedShares { shares: left, ..*delegation };
        if amount > TokenAmount::ZERO {
            let unbonding = pools.unbonding.deposit(amount)?;
            let sum = delegation.unbonding_shares.checked_add(unbonding).ok_or(FairnessError::ArithmeticOverflow)?;
            after.unbonding_shares = sum;
            after.release_slot = delegation.release_slot.max(release.0);
        }
        (*self, *delegation) = (pools, after);
        Ok(amount)
    }

    /// Takes out what has been released at `now`, be it nothing any more. `NotReleased`, `NotEnoughShares`.
    pub fn withdraw(&mut self, delegation: &mut DelegatedShares, now: Slot) -> Ruled<TokenAmount> {
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

    /// Takes what slashes took since `applied` was taken: they have taken `lost` in all. Unbonding stake loses as much. Returns
    /// what is taken. `InvariantBroken` if slashes have given something back.
    pub fn take_loss(&mut self, applied: u64, lost: u64) -> Ruled<TokenAmount> {
        let (before, after) = (WHOLE.checked_sub(applied), WHOLE.checked_sub(lost));
        let (Some(whole), Some(part)) = (before, after.filter(|_| lost >= applied)) else {
            return Err(FairnessError::InvariantBroken);
        };
        if lost == applied {
            return Ok(TokenAmount::ZERO);
        }
        let mut pools = *self;
        let taken = pools.active.keep(part, whole)?.plus(pools.unbonding.keep(part, whole)?)?;
        *self = pools;
        Ok(taken)
    }

    /// Whether no share is worth more than the token for which it was handed out: only slashes change what shares are worth.
    pub fn is_sound(&self) -> bool {
        self.active.tokens <= self.active.shares && self.unbonding.tokens <= self.unbonding.shares
    }
}

#[cfg(test)]
mod tests;
