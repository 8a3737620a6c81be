//! The network: one account that holds authority and parameters.

use super::{check_invariant, check_version, Parameters};
use crate::address::NETWORK_SEED;
use crate::error::Checked;
use crate::units::TokenAmount;
use anchor_lang::prelude::*;

/// Authority, parameters and stake mint. It signs for the stake vault and for every fee vault.
///
/// Instructions of the market only read it, so it is no bottleneck; those by which validators change their stake write it.
#[account]
#[derive(InitSpace, Debug, Default)]
pub struct Network {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Who may change parameters and mints.
    pub authority: Pubkey,
    /// Who may accept the authority; the zero key says nobody.
    pub pending_authority: Pubkey,
    /// What nodes stake; has no freeze authority.
    pub stake_mint: Pubkey,
    /// The token account that holds all stake.
    pub stake_vault: Pubkey,
    /// Genesis hash of the cluster, fixed when the network is initialised: what operators sign names it, so that no signature
    /// of one cluster counts on another.
    pub genesis_hash: [u8; 32],
    /// Whether dispute clocks may be shorter than any network with something at stake may have them. Fixed when the network
    /// is initialised.
    pub development: bool,
    /// The governed parameters.
    pub parameters: Parameters,
    /// Active stake of all validators: the whole of which each one's stake is its share in the draw of audits.
    pub validator_stake: u64,
}

impl Network {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Hands `sign` the seeds, bump included, that let the network sign for its vaults.
    pub fn with_signer_seeds<T>(&self, sign: impl FnOnce(&[&[u8]]) -> T) -> T {
        sign(&[NETWORK_SEED, &[self.bump]])
    }

    /// Counts stake that a validator adds.
    pub fn add_validator_stake(&mut self, amount: TokenAmount) -> Checked {
        self.validator_stake = TokenAmount(self.validator_stake).plus(amount)?.0;
        Ok(())
    }

    /// Counts stake that a validator withdraws or loses.
    pub fn remove_validator_stake(&mut self, amount: TokenAmount) -> Checked {
        self.validator_stake = TokenAmount(self.validator_stake).minus(amount)?.0;
        Ok(())
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.authority != Pubkey::default())?;
        self.parameters.validate(self.development)
    }
}
