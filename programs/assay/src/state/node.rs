//! A node: its keys, its stake, and what of it is locked or on its way out.

mod delegation;
mod record;
mod scheduling;

pub use delegation::NodeDelegation;
pub use record::{Conviction, Life};
pub use scheduling::Profile;

use super::versioned::versioned_account;
use super::{check_invariant, check_version, limits, SchedulingParameters};
use crate::audit::Epoch;
use crate::dispute::penalty;
use crate::error::{AssayError, Checked};
use crate::fairness::correlation::PendingCharge;
use crate::fairness::reputation::{Evidence, Score};
use crate::fairness::standing::NodeStanding;
use crate::fairness::weight::StakeSnapshot;
use crate::market::{is_endpoint, unbonding, Unbonding, MAXIMUM_ENDPOINT_BYTES, WITHDRAWAL_PLACES};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// One node. Amounts are base units of the stake mint and lie in the stake vault.
///
/// `stake` is active and includes `locked`, the sum of the bonds of open jobs. What is in `unbonding` is no longer part of
/// `stake`, but it stays the node's, and slashable, until it is withdrawn.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Tells the nodes of one withdraw authority apart.
    pub index: u16,
    /// The cold key: moves stake out, receives earnings, changes the operator.
    pub withdraw_authority: Pubkey,
    /// The hot key: claims jobs, accepts sessions and signs receipts.
    pub operator: Pubkey,
    /// Active stake, locked bonds included.
    pub stake: u64,
    /// Sum of the bonds of open jobs and sessions.
    pub locked: u64,
    /// Withdrawals under way.
    pub unbonding: [Unbonding; WITHDRAWAL_PLACES],
    /// Jobs claimed, and sessions accepted, that have not ended.
    pub open_jobs: u32,
    /// Jobs and sessions that settled in this node's favour.
    pub jobs_settled: u64,
    /// Claims that ended without a result.
    pub jobs_missed: u64,
    /// When the node registered.
    pub registered_slot: u64,
    /// When the node last claimed; 0 if it never did.
    pub last_claim_slot: u64,
    /// Last slot at which a dispute over a job that the node claimed so far can end; 0 if it never claimed.
    pub last_obligation_slot: u64,
    /// Jobs and receipts of the node that were convicted. Who has one never claims again.
    pub fraud_convictions: u32,
    /// Until then no stake can be withdrawn: a conviction, or a root posted for the node, keeps it reachable.
    pub frozen_until_slot: u64,
    /// The largest slash that an open job pinned: this share of the stake stays free of bonds. 0 without open jobs.
    pub slash_reserve_bps: u16,
    /// What the node says of itself.
    pub profile: Profile,
    /// What the node weighs, by epoch; the register counts as much.
    pub weights: StakeSnapshot,
    /// The stake that the register counts.
    pub counted_stake: u64,
    /// What its work says about it.
    pub evidence: Evidence,
    /// The score of this evidence when it last changed.
    pub score: Score,
    /// Misses, jail, maintenance and signs of life.
    pub standing: NodeStanding,
    /// What it owes for having been convicted when others were.
    pub pending_charge: PendingCharge,
    /// What others delegate to it.
    pub delegation: NodeDelegation,
    /// Where the node serves artifacts; empty says nowhere.
    #[max_len(MAXIMUM_ENDPOINT_BYTES)]
    pub endpoint: String,
}

versioned_account!(Node, [208, 53, 1, 3, 49, 122, 180, 49]);

impl Node {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 2;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `withdraw_authority` in the account's data, for filters.
    pub const WITHDRAW_AUTHORITY_OFFSET: usize = 12;
    /// Offset of `operator` in the account's data, for filters.
    pub const OPERATOR_OFFSET: usize = 44;

    /// Begins its record: it registered at `now`, in epochs of `epoch_slots`.
    pub fn begin(&mut self, now: Slot, epoch_slots: u32) -> Checked {
        self.registered_slot = now.0;
        self.standing = NodeStanding::new(now, epoch_slots)?;
        self.evidence.epoch = Epoch::of(now, epoch_slots)?.0;
        Ok(())
    }

    /// Sets operator and endpoint. `OperatorInvalid` or `EndpointInvalid`.
    pub fn set_contact(&mut self, operator: Pubkey, endpoint: String) -> Checked {
        if operator == Pubkey::default() {
            return Err(AssayError::OperatorInvalid);
        }
        if !is_endpoint(&endpoint) {
            return Err(AssayError::EndpointInvalid);
        }
        self.operator = operator;
        self.endpoint = endpoint;
        Ok(())
    }

    /// Stake that is not locked in bonds.
    pub fn free_stake(&self) -> Checked<TokenAmount> {
        TokenAmount(self.stake).minus(TokenAmount(self.locked))
    }

    /// Adds to the active stake. `AmountZero`.
    pub fn add_stake(&mut self, amount: TokenAmount) -> Checked {
        if amount == TokenAmount::ZERO {
            return Err(AssayError::AmountZero);
        }
        self.stake = TokenAmount(self.stake).plus(amount)?.0;
        Ok(())
    }

    /// Moves free stake into the queue and returns the slot that releases it: `unbonding` from `now`, and never before all
    /// jobs that the node claimed are beyond challenge, even if governance shortened `unbonding` since.
    ///
    /// `AmountZero`, `InsufficientFreeStake` or `WithdrawalQueueFull`.
    pub fn request_withdrawal(&mut self, amount: TokenAmount, now: Slot, unbonding: Slots) -> Checked<Slot> {
        if amount > self.free_stake()? {
            return Err(AssayError::InsufficientFreeStake);
        }
        let release = self.release_slot(now, unbonding)?;
        unbonding::enqueue(&mut self.unbonding, amount, release)?;
        self.stake = TokenAmount(self.stake).minus(amount)?.0;
        Ok(release)
    }

    /// The slot that releases what leaves the stake at `now`, delegated stake included: see
    /// [`request_withdrawal`](Self::request_withdrawal).
    pub fn release_slot(&self, now: Slot, unbonding: Slots) -> Checked<Slot> {
        let margin = Slots(limits::UNBONDING_MARGIN_SLOTS);
        let bound = self.last_obligation_slot.max(self.frozen_until_slot);
        Ok(now.plus(unbonding)?.max(Slot(bound).plus(margin)?))
    }

    /// Moves the withdrawal at `index` back into the active stake and returns its amount. `NoSuchWithdrawal`.
    pub fn cancel_withdrawal(&mut self, index: u8) -> Checked<TokenAmount> {
        let amount = unbonding::remove(&mut self.unbonding, index)?;
        self.add_stake(amount)?;
        Ok(amount)
    }

    /// Takes all that is released at `now` out of the queue and returns the sum. `NothingReleased`, `StakeFrozen`,
    /// `CorrelationOutstanding`.
    pub fn withdraw_released(&mut self, now: Slot) -> Checked<TokenAmount> {
        self.check_stake_leaves(now)?;
        unbonding::take_released(&mut self.unbonding, now)
    }

    /// Locks the bond of a job that the node claims at `now` and whose dispute ends at `obligation` at the latest. A
    /// conviction takes `slash` of the stake besides the bond; so much stays free, so that the first conviction is whole.
    ///
    /// `NodeConvicted`, `InsufficientFreeStake`.
    pub fn lock_bond(&mut self, bond: TokenAmount, slash: BasisPoints, now: Slot, obligation: Slot) -> Checked {
        if self.fraud_convictions > 0 {
            return Err(AssayError::NodeConvicted);
        }
        let share = slash.0.max(u32::from(self.slash_reserve_bps));
        let reserve = TokenAmount(self.stake).portion(BasisPoints(share))?;
        if bond.0 > self.free_stake()?.0.saturating_sub(reserve.0) {
            return Err(AssayError::InsufficientFreeStake);
        }
        self.slash_reserve_bps = u16::try_from(share).map_err(|_| AssayError::ArithmeticOverflow)?;
        self.locked = TokenAmount(self.locked).plus(bond)?.0;
        self.open_jobs = self.open_jobs.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        self.last_claim_slot = now.0;
        self.standing.seen_slot = self.standing.seen_slot.max(now.0);
        self.last_obligation_slot = self.last_obligation_slot.max(obligation.0);
        Ok(())
    }

    /// Frees the bond of a job that settled in the node's favour.
    pub fn settle_job(&mut self, bond: TokenAmount) -> Checked {
        self.free_bond(bond)?;
        self.jobs_settled = self.jobs_settled.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Frees the bond of a job whose result never came and takes `charge`, and what is burned besides, out of the stake.
    pub fn miss_job(&mut self, bond: TokenAmount, charge: TokenAmount) -> Checked {
        self.free_bond(bond)?;
        self.stake = TokenAmount(self.stake).minus(charge)?.0;
        self.jobs_missed = self.jobs_missed.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Takes the bond of a convicted job and `slash` of everything else that is the node's and that no other bond locks,
    /// unbonding included, and freezes the rest for `unbonding`. Returns what was taken beyond the bond.
    pub fn convict_job(
        &mut self,
        bond: TokenAmount,
        slash: BasisPoints,
        now: Slot,
        unbonding: Slots,
    ) -> Checked<TokenAmount> {
        self.free_bond(bond)?;
        self.stake = TokenAmount(self.stake).minus(bond)?.0;
        self.slash(slash, now, unbonding)
    }

    /// Takes `slash` of everything that is the node's and that no bond locks, unbonding included, and of everything that is
    /// delegated to it, counts a conviction and freezes the rest for `unbonding`: for a conviction whose bond is gone already.
    /// Returns what was taken of the node's own.
    pub fn slash(&mut self, slash: BasisPoints, now: Slot, unbonding: Slots) -> Checked<TokenAmount> {
        let free = self.free_stake()?;
        let queued = unbonding::total(&self.unbonding)?;
        let slashed = penalty::slashed_stake(free, TokenAmount(self.stake), queued, slash)?;
        self.take(slashed)?;
        let uncharged = self.pending_charge.convicted_slot != 0;
        self.delegation.loss.slash(slash, uncharged)?;
        self.fraud_convictions = self.fraud_convictions.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        self.freeze(now.plus(unbonding)?);
        Ok(slashed)
    }

    /// Takes `amount` out of the stake that no bond locks, and then out of what unbonds.
    fn take(&mut self, amount: TokenAmount) -> Checked {
        let from_active = penalty::take_stake(self.free_stake()?, &mut self.unbonding, amount)?;
        self.stake = TokenAmount(self.stake).minus(from_active)?.0;
        Ok(())
    }

    /// Keeps all stake, unbonding included, where it is until `until` at least.
    pub fn freeze(&mut self, until: Slot) {
        self.frozen_until_slot = self.frozen_until_slot.max(until.0);
    }

    /// Adds a share of a lost challenger's bond to the stake: the cost of a defence.
    pub fn compensate(&mut self, amount: TokenAmount) -> Checked {
        self.stake = TokenAmount(self.stake).plus(amount)?.0;
        Ok(())
    }

    /// `DelegationPoolOpen` while others may have stake with it. `NodeHasOpenJobs`, `NodeHasStake` or `NodeHasUnbonding` unless
    /// the node owns and owes nothing.
    ///
    /// `StakeFrozen` while it is frozen, `CorrelationOutstanding` while it is to be charged for its company, `NodeHasMarks` until
    /// what it did has faded: none of it can be shed by registering again.
    pub fn check_empty(&self, now: Slot, rules: &SchedulingParameters) -> Checked {
        if self.delegation.open {
            return Err(AssayError::DelegationPoolOpen);
        }
        if self.open_jobs != 0 {
            return Err(AssayError::NodeHasOpenJobs);
        }
        if self.stake != 0 {
            return Err(AssayError::NodeHasStake);
        }
        if unbonding::total(&self.unbonding)? != TokenAmount::ZERO {
            return Err(AssayError::NodeHasUnbonding);
        }
        if now.0 < self.frozen_until_slot {
            return Err(AssayError::StakeFrozen);
        }
        self.check_charged()?;
        self.check_unmarked(now, rules)
    }

    /// What must always be true. Each open job locks at least one base unit.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let bonds_are_plausible = match self.open_jobs {
            0 => self.locked == 0,
            open => self.locked >= u64::from(open),
        };
        let delegated_with_a_pool = self.delegation.open || self.delegation.stake == 0;
        let weighs_what_counts = self.weights.present() <= self.counted_stake;
        check_invariant(bonds_are_plausible && self.locked <= self.stake && weighs_what_counts && delegated_with_a_pool)
    }

    fn free_bond(&mut self, bond: TokenAmount) -> Checked {
        self.locked = TokenAmount(self.locked).minus(bond)?.0;
        self.open_jobs = self.open_jobs.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        if self.open_jobs == 0 {
            self.slash_reserve_bps = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
