//! All that is delegated to one node, and what it has earned.

use super::{check_invariant, check_version, Delegation, Node};
use crate::address::DELEGATION_POOL_SEED;
use crate::error::{AssayError, Checked};
use crate::fairness::delegation::DelegatedStake;
use crate::fairness::reward_share::RewardSum;
use crate::units::{BasisPoints, Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Mints in which a pool can share rewards.
pub const REWARD_PLACES: usize = 4;

/// What one pool has earned in one mint. The zero key as mint says that the place is free.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewardPlace {
    /// The mint.
    pub mint: Pubkey,
    /// The token account that holds what is owed.
    pub vault: Pubkey,
    /// What came in.
    pub sum: RewardSum,
}

impl RewardPlace {
    fn is_free(&self) -> bool {
        self.mint == Pubkey::default()
    }
}

/// Where the share of a job goes that was earned for delegators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewardTarget {
    /// To the reward vault of the place with this number.
    Place(usize),
    /// To the node's credit: nobody holds a share.
    Node,
    /// To the protocol's fee: the pool has four other mints, which the node could have chosen to keep this one out.
    Fee,
}

/// The pool of one node. Its tokens lie in the stake vault, beside those of the node.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct DelegationPool {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The node.
    pub node: Pubkey,
    /// The tokens and the shares that own them.
    pub stake: DelegatedStake,
    /// Delegations that are not closed.
    pub delegations: u32,
    /// What slashes have taken of this pool: the node's loss when it was last brought up to date.
    pub applied_loss: u64,
    /// What it has earned, by mint.
    pub rewards: [RewardPlace; REWARD_PLACES],
}

impl DelegationPool {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `node` in the account's data, for filters.
    pub const NODE_OFFSET: usize = 10;

    /// `DelegationSlashOutstanding` unless every slash of the node has reached the pool.
    pub fn check_up_to_date(&self, node: &Node) -> Checked {
        if self.applied_loss != node.delegation.loss.taken {
            return Err(AssayError::DelegationSlashOutstanding);
        }
        Ok(())
    }

    /// Takes what slashes of the node have taken since the last time, and returns it, to be burned. `NoDelegationSlash`.
    pub fn settle_slash(&mut self, node: &mut Node) -> Checked<TokenAmount> {
        let lost = node.delegation.loss.taken;
        if self.applied_loss == lost {
            return Err(AssayError::NoDelegationSlash);
        }
        let taken = self.stake.take_loss(self.applied_loss, lost)?;
        self.applied_loss = lost;
        node.delegation.stake = self.stake.active.tokens;
        Ok(taken)
    }

    /// Adds to what `delegation` has with `node`. `NodeConvicted`, `AmountZero`, `DelegationCapReached`.
    pub fn delegate(
        &mut self,
        delegation: &mut Delegation,
        node: &mut Node,
        amount: TokenAmount,
        multiple: BasisPoints,
    ) -> Checked {
        node.check_delegable()?;
        self.check_up_to_date(node)?;
        if amount == TokenAmount::ZERO {
            return Err(AssayError::AmountZero);
        }
        delegation.settle_rewards(self);
        self.stake.delegate(&mut delegation.held, amount, TokenAmount(node.stake), multiple)?;
        node.delegation.stake = self.stake.active.tokens;
        Ok(())
    }

    /// Moves shares of `delegation` on their way out. `DelegationSlashOutstanding`, `NotEnoughShares`.
    pub fn undelegate(
        &mut self,
        delegation: &mut Delegation,
        node: &mut Node,
        shares: u64,
        release: Slot,
    ) -> Checked<TokenAmount> {
        self.check_up_to_date(node)?;
        delegation.settle_rewards(self);
        let amount = self.stake.undelegate(&mut delegation.held, shares, release)?;
        node.delegation.stake = self.stake.active.tokens;
        Ok(amount)
    }

    /// Takes out what is released at `now`. `DelegationSlashOutstanding`, `CorrelationOutstanding`, `StakeFrozen`,
    /// `NotEnoughShares`, `NotReleased`.
    pub fn withdraw(&mut self, delegation: &mut Delegation, node: &Node, now: Slot) -> Checked<TokenAmount> {
        self.check_up_to_date(node)?;
        node.check_stake_leaves(now)?;
        Ok(self.stake.withdraw(&mut delegation.held, now)?)
    }

    /// Takes a mint into the list of those in which rewards are shared. `RewardMintKnown`, `RewardPlacesFull`.
    pub fn add_mint(&mut self, mint: Pubkey, vault: Pubkey) -> Checked {
        if self.place_of(&mint).is_some() {
            return Err(AssayError::RewardMintKnown);
        }
        let free = self.rewards.iter_mut().find(|place| place.is_free()).ok_or(AssayError::RewardPlacesFull)?;
        *free = RewardPlace { mint, vault, sum: RewardSum::default() };
        Ok(())
    }

    /// Takes a mint off the list while nobody delegates; what its vault holds is left by rounding. `DelegationsOpen`,
    /// `RewardMintMissing`.
    pub fn remove_mint(&mut self, mint: &Pubkey) -> Checked {
        if self.delegations != 0 {
            return Err(AssayError::DelegationsOpen);
        }
        let number = self.place_of(mint).ok_or(AssayError::RewardMintMissing)?;
        *self.place_mut(number)? = RewardPlace::default();
        Ok(())
    }

    /// The number of the place that shares rewards in `mint`.
    pub fn place_of(&self, mint: &Pubkey) -> Option<usize> {
        self.rewards.iter().position(|place| !place.is_free() && place.mint == *mint)
    }

    /// The vault that holds rewards in `mint`. `RewardMintMissing`.
    pub fn vault_of(&self, mint: &Pubkey) -> Checked<Pubkey> {
        let place = self.place_of(mint).and_then(|number| self.rewards.get(number));
        place.map(|place| place.vault).ok_or(AssayError::RewardMintMissing)
    }

    /// Where the delegators' share of a job paid in `mint` goes. `RewardMintMissing` where a place is free for it.
    pub fn target(&self, mint: &Pubkey) -> Checked<RewardTarget> {
        if self.stake.active.shares == 0 {
            return Ok(RewardTarget::Node);
        }
        match self.place_of(mint) {
            Some(number) => Ok(RewardTarget::Place(number)),
            None if self.rewards.iter().any(RewardPlace::is_free) => Err(AssayError::RewardMintMissing),
            None => Ok(RewardTarget::Fee),
        }
    }

    /// Counts a reward for all who hold active shares.
    pub fn reward(&mut self, number: usize, amount: TokenAmount) -> Checked {
        let shares = self.stake.active.shares;
        Ok(self.place_mut(number)?.sum.add(amount, shares)?)
    }

    /// Takes out all that `delegation` has earned in `mint`. `RewardMintMissing`, `NothingOwed`.
    pub fn pay_reward(&mut self, delegation: &mut Delegation, mint: &Pubkey) -> Checked<TokenAmount> {
        delegation.settle_rewards(self);
        let number = self.place_of(mint).ok_or(AssayError::RewardMintMissing)?;
        let claim = delegation.rewards.get_mut(number).ok_or(AssayError::InvariantBroken)?;
        if claim.owed == 0 {
            return Err(AssayError::NothingOwed);
        }
        Ok(self.place_mut(number)?.sum.pay(claim)?)
    }

    /// Counts a delegation that is opened.
    pub fn open_delegation(&mut self) -> Checked {
        self.delegations = self.delegations.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Counts a delegation that is closed.
    pub fn close_delegation(&mut self) -> Checked {
        self.delegations = self.delegations.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        Ok(())
    }

    /// `DelegationsOpen` or `RewardMintsLeft` unless nothing is left in the pool.
    pub fn check_empty(&self) -> Checked {
        if self.delegations != 0 {
            return Err(AssayError::DelegationsOpen);
        }
        if !self.rewards.iter().all(RewardPlace::is_free) {
            return Err(AssayError::RewardMintsLeft);
        }
        Ok(())
    }

    /// Hands `sign` the seeds, bump included, that let the pool sign for its reward vaults.
    pub fn with_signer_seeds<T>(&self, sign: impl FnOnce(&[&[u8]]) -> T) -> T {
        sign(&[DELEGATION_POOL_SEED, self.node.as_ref(), &[self.bump]])
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let held = self.delegations != 0 || self.stake == DelegatedStake::default();
        let free_places_are_empty =
            self.rewards.iter().filter(|place| place.is_free()).all(|place| *place == RewardPlace::default());
        check_invariant(held && free_places_are_empty && self.stake.is_sound())
    }

    fn place_mut(&mut self, number: usize) -> Checked<&mut RewardPlace> {
        self.rewards.get_mut(number).ok_or(AssayError::InvariantBroken)
    }
}

#[cfg(test)]
mod tests;
