//! A validator: its keys, its stake, and its chain of seeds.

use super::{check_invariant, check_version, limits};
use crate::audit::SeedChain;
use crate::error::{AssayError, Checked};
use crate::market::Unbonding;
use crate::units::{Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// One validator. Amounts are base units of the stake mint and lie in the stake vault.
///
/// `stake` is active and includes `locked`, the sum of the bonds of open attestations. What is in `unbonding` is no longer
/// part of `stake`.
#[account]
#[derive(InitSpace, Debug, Default, PartialEq, Eq)]
pub struct Validator {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The cold key: stakes, moves stake out, receives fees, changes the auditor.
    pub authority: Pubkey,
    /// The hot key: commits to chains, shows seeds, attests.
    pub auditor: Pubkey,
    /// Active stake, locked bonds included.
    pub stake: u64,
    /// The part of the stake that was added last: it counts for no job posted in or before `recent_slot`.
    pub recent_stake: u64,
    /// When stake was last added.
    pub recent_slot: u64,
    /// Sum of the bonds of open attestations.
    pub locked: u64,
    /// The withdrawal under way.
    pub unbonding: Unbonding,
    /// Attestations that are neither released nor slashed.
    pub open_attestations: u32,
    /// Attestations of results that stood.
    pub upheld: u64,
    /// Attestations of results that were proved wrong.
    pub slashed: u64,
    /// When the validator registered.
    pub registered_slot: u64,
    /// Last slot at which a result that the validator attested so far can be disputed; 0 if it never attested.
    pub last_obligation_slot: u64,
    /// The seeds.
    pub chain: SeedChain,
}

impl Validator {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `authority` in the account's data, for filters.
    pub const AUTHORITY_OFFSET: usize = 10;
    /// Offset of `auditor` in the account's data, for filters.
    pub const AUDITOR_OFFSET: usize = 42;

    /// Sets the hot key. `AuditorInvalid` for the zero key, which cannot sign.
    pub fn set_auditor(&mut self, auditor: Pubkey) -> Checked {
        if auditor == Pubkey::default() {
            return Err(AssayError::AuditorInvalid);
        }
        self.auditor = auditor;
        Ok(())
    }

    /// Stake that is not locked in bonds.
    pub fn free_stake(&self) -> Checked<TokenAmount> {
        TokenAmount(self.stake).minus(TokenAmount(self.locked))
    }

    /// The stake that counts in the draw for a job posted at `posted`: what was there before, and still is. So nobody can
    /// look at a job, and at its own seed, and then stake until it is drawn.
    pub fn weight_for(&self, posted: Slot) -> Checked<TokenAmount> {
        let recent = if self.recent_slot >= posted.0 { self.recent_stake } else { 0 };
        TokenAmount(self.stake).minus(TokenAmount(recent))
    }

    /// Adds to the active stake. What was added before counts as recent again, if it did until now. `AmountZero`.
    pub fn add_stake(&mut self, amount: TokenAmount, now: Slot) -> Checked {
        if amount == TokenAmount::ZERO {
            return Err(AssayError::AmountZero);
        }
        self.stake = TokenAmount(self.stake).plus(amount)?.0;
        self.recent_stake = TokenAmount(self.recent_stake).plus(amount)?.0;
        self.recent_slot = now.0;
        Ok(())
    }

    /// Moves free stake, the most recent first, into the one place of withdrawals and returns the slot that releases it:
    /// `unbonding` from `now`, and never before all results that the validator attested are beyond dispute.
    ///
    /// `AmountZero`, `InsufficientFreeStake` or `WithdrawalQueueFull`.
    pub fn request_withdrawal(&mut self, amount: TokenAmount, now: Slot, unbonding: Slots) -> Checked<Slot> {
        if amount == TokenAmount::ZERO {
            return Err(AssayError::AmountZero);
        }
        if amount > self.free_stake()? {
            return Err(AssayError::InsufficientFreeStake);
        }
        if self.unbonding.amount != 0 {
            return Err(AssayError::WithdrawalQueueFull);
        }
        let margin = Slots(limits::UNBONDING_MARGIN_SLOTS);
        let release = now.plus(unbonding)?.max(Slot(self.last_obligation_slot).plus(margin)?);
        self.unbonding = Unbonding { amount: amount.0, release_slot: release.0 };
        self.stake = TokenAmount(self.stake).minus(amount)?.0;
        self.recent_stake = self.recent_stake.saturating_sub(amount.0);
        Ok(release)
    }

    /// Takes the withdrawal if it is released at `now`. `NothingReleased`.
    pub fn withdraw_released(&mut self, now: Slot) -> Checked<TokenAmount> {
        if self.unbonding.amount == 0 || self.unbonding.release_slot > now.0 {
            return Err(AssayError::NothingReleased);
        }
        Ok(TokenAmount(core::mem::take(&mut self.unbonding).amount))
    }

    /// Locks the bond of an attestation whose result can be disputed until `obligation`. `InsufficientFreeStake`.
    pub fn lock_bond(&mut self, bond: TokenAmount, obligation: Slot) -> Checked {
        if bond > self.free_stake()? {
            return Err(AssayError::InsufficientFreeStake);
        }
        self.locked = TokenAmount(self.locked).plus(bond)?.0;
        self.open_attestations = self.open_attestations.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        self.last_obligation_slot = self.last_obligation_slot.max(obligation.0);
        Ok(())
    }

    /// Frees the bond of an attestation of a result that stood.
    pub fn release_bond(&mut self, bond: TokenAmount) -> Checked {
        self.free_bond(bond)?;
        self.upheld = self.upheld.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Takes the bond of an attestation of a result that was proved wrong out of the stake.
    pub fn slash_bond(&mut self, bond: TokenAmount) -> Checked {
        self.free_bond(bond)?;
        self.stake = TokenAmount(self.stake).minus(bond)?.0;
        self.recent_stake = self.recent_stake.min(self.stake);
        self.slashed = self.slashed.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// `ValidatorHasAttestations`, `ValidatorHasStake` or `ValidatorHasUnbonding` unless it owns and owes nothing.
    pub fn check_empty(&self) -> Checked {
        if self.open_attestations != 0 {
            return Err(AssayError::ValidatorHasAttestations);
        }
        if self.stake != 0 {
            return Err(AssayError::ValidatorHasStake);
        }
        if self.unbonding.amount != 0 {
            return Err(AssayError::ValidatorHasUnbonding);
        }
        Ok(())
    }

    /// What must always be true. Each open attestation locks at least one base unit.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let bonds_are_plausible = match self.open_attestations {
            0 => self.locked == 0,
            open => self.locked >= u64::from(open),
        };
        check_invariant(bonds_are_plausible && self.locked <= self.stake && self.recent_stake <= self.stake)
    }

    fn free_bond(&mut self, bond: TokenAmount) -> Checked {
        self.locked = TokenAmount(self.locked).minus(bond)?.0;
        self.open_attestations = self.open_attestations.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
