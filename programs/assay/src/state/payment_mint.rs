//! A mint in which jobs may be paid.

use super::check_version;
use crate::error::Checked;
use crate::market::BondRate;
use anchor_lang::prelude::*;

/// What governance decided about one payment mint. Never closed: jobs in it may still have to settle.
#[account]
#[derive(InitSpace, Debug)]
pub struct PaymentMint {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Whether new jobs may be posted in it.
    pub enabled: bool,
    /// Whether the mint had a freeze authority when it was allowed: its issuer can then freeze any payout.
    pub freezable: bool,
    /// Decimals of the mint.
    pub decimals: u8,
    /// The mint.
    pub mint: Pubkey,
    /// The token program that owns it.
    pub token_program: Pubkey,
    /// The token account that collects the fees in it.
    pub fee_vault: Pubkey,
    /// Base units of the stake mint ...
    pub bond_numerator: u64,
    /// ... that so many base units of this mint are worth when bonds are sized.
    pub bond_denominator: u64,
}

impl PaymentMint {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// The rate by which bonds are sized.
    pub fn bond_rate(&self) -> BondRate {
        BondRate { numerator: self.bond_numerator, denominator: self.bond_denominator }
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        self.bond_rate().validate()
    }
}
