//! A change that waits for its time.

use super::{check_invariant, check_version, Network, Parameters};
use crate::error::{AssayError, Checked};
use crate::governance::{check_timelock, Schedule};
use crate::market::BondRate;
use crate::units::Slot;
use anchor_lang::prelude::*;

/// What governance can change. The order of the kinds is part of the interface: a new one comes last.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Replaces the parameters.
    Parameters {
        /// All parameters from then on.
        parameters: Parameters,
    },
    /// Allows a mint for payments.
    AllowPaymentMint {
        /// The mint.
        mint: Pubkey,
        /// Base units of the stake mint ...
        bond_numerator: u64,
        /// ... that so many base units of this mint are worth when bonds are sized.
        bond_denominator: u64,
    },
    /// Switches a payment mint on or off for new jobs and sets its bond rate.
    SetPaymentMint {
        /// The mint.
        mint: Pubkey,
        /// Whether new jobs may be posted in it.
        enabled: bool,
        /// Base units of the stake mint ...
        bond_numerator: u64,
        /// ... that so many base units of this mint are worth when bonds are sized.
        bond_denominator: u64,
    },
    /// Pays fees out of the treasury.
    WithdrawFees {
        /// The mint.
        mint: Pubkey,
        /// The token account that receives them.
        destination: Pubkey,
        /// Base units of the mint.
        amount: u64,
    },
    /// Names another guardian. The guardian cannot veto it.
    Guardian {
        /// The new one; the zero key says nobody.
        guardian: Pubkey,
    },
    /// Changes how long later changes wait.
    Timelock {
        /// From their proposal to their execution.
        timelock_slots: u64,
    },
    /// Changes which share of a job's fee burns.
    FeeBurn {
        /// The share.
        fee_burn_bps: u16,
    },
}

impl Change {
    /// Checks what the network alone decides: every bound, with the error of each. What depends on a mint is checked where the
    /// mint is at hand.
    pub fn validate(&self, network: &Network) -> Checked {
        match *self {
            Self::Parameters { ref parameters } => {
                parameters.validate(network.development)?;
                parameters.check_follows(&network.parameters)
            }
            Self::AllowPaymentMint { bond_numerator, bond_denominator, .. }
            | Self::SetPaymentMint { bond_numerator, bond_denominator, .. } => {
                BondRate { numerator: bond_numerator, denominator: bond_denominator }.validate()
            }
            Self::WithdrawFees { amount: 0, .. } => Err(AssayError::AmountZero),
            Self::WithdrawFees { .. } | Self::Guardian { .. } => Ok(()),
            Self::Timelock { timelock_slots } => check_timelock(timelock_slots, network.development),
            Self::FeeBurn { fee_burn_bps } => Network::check_fee_burn(fee_burn_bps),
        }
    }

    /// The mint that has to be at hand to check the change: one that is not allowed yet.
    pub fn new_mint(&self) -> Option<Pubkey> {
        match *self {
            Self::AllowPaymentMint { mint, .. } => Some(mint),
            _ => None,
        }
    }

    /// The mint whose record has to be at hand to check the change.
    pub fn recorded_mint(&self) -> Option<Pubkey> {
        match *self {
            Self::SetPaymentMint { mint, .. } | Self::WithdrawFees { mint, .. } => Some(mint),
            _ => None,
        }
    }

    /// Whether the guardian may veto it: everything but its own replacement, or nobody could ever be rid of it.
    pub fn can_be_vetoed(&self) -> bool {
        !matches!(self, Self::Guardian { .. })
    }
}

/// One proposed change. It is closed when it is carried out, vetoed, withdrawn or out of date, and its rent returns.
#[account]
#[derive(InitSpace, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Its number among all proposals.
    pub number: u64,
    /// Who proposed and paid: the network's authority of that time. The rent returns to it.
    pub proposer: Pubkey,
    /// When it was proposed.
    pub proposed_slot: u64,
    /// The first slot in which it can be carried out.
    pub eta_slot: u64,
    /// The last one.
    pub last_slot: u64,
    /// The change.
    pub change: Change,
}

impl Proposal {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// When it can be carried out.
    pub fn schedule(&self) -> Schedule {
        Schedule { eta: Slot(self.eta_slot), last: Slot(self.last_slot) }
    }

    /// What must be true for it to be carried out at `now`: its version, its time, and every bound of today.
    pub fn check_executable(&self, network: &Network, now: Slot) -> Checked {
        self.invariant()?;
        self.schedule().check_executable(now)?;
        self.change.validate(network)
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.proposed_slot <= self.eta_slot && self.eta_slot < self.last_slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_guardians_own_replacement_cannot_be_vetoed() {
        let mint = Pubkey::new_from_array([1; 32]);
        let changes = [
            Change::Parameters { parameters: Parameters::default() },
            Change::AllowPaymentMint { mint, bond_numerator: 1, bond_denominator: 1 },
            Change::SetPaymentMint { mint, enabled: true, bond_numerator: 1, bond_denominator: 1 },
            Change::WithdrawFees { mint, destination: mint, amount: 1 },
            Change::Guardian { guardian: mint },
            Change::Timelock { timelock_slots: 1 },
            Change::FeeBurn { fee_burn_bps: 1 },
        ];
        assert_eq!(changes.map(|change| change.can_be_vetoed()), [true, true, true, true, false, true, true]);
        let needs = changes.map(|change| (change.new_mint().is_some(), change.recorded_mint().is_some()));
        let (new, record, nothing) = ((true, false), (false, true), (false, false));
        assert_eq!(needs, [nothing, new, record, record, nothing, nothing, nothing]);
    }

    #[test]
    fn every_bound_is_checked_with_its_error() {
        let mint = Pubkey::new_from_array([1; 32]);
        let cases = [
            (Change::Parameters { parameters: Parameters::default() }, AssayError::ChallengeBondOutOfBounds),
            (
                Change::AllowPaymentMint { mint, bond_numerator: 0, bond_denominator: 1 },
                AssayError::BondRateOutOfBounds,
            ),
            (
                Change::SetPaymentMint { mint, enabled: true, bond_numerator: 1, bond_denominator: 0 },
                AssayError::BondRateOutOfBounds,
            ),
            (Change::WithdrawFees { mint, destination: mint, amount: 0 }, AssayError::AmountZero),
            (Change::Timelock { timelock_slots: 431_999 }, AssayError::TimelockOutOfBounds),
            (Change::FeeBurn { fee_burn_bps: 10_001 }, AssayError::FeeBurnOutOfBounds),
        ];
        for (change, error) in cases {
            assert_eq!(change.validate(&Network::default()), Err(error), "{change:?}");
        }
        let development = Network { development: true, ..Network::default() };
        assert_eq!(Change::Timelock { timelock_slots: 0 }.validate(&development), Ok(()));
        assert_eq!(Change::FeeBurn { fee_burn_bps: 10_000 }.validate(&development), Ok(()));
    }
}
