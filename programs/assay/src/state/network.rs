//! The network: one account that holds authority and parameters.

use super::versioned::versioned_account;
use super::{check_invariant, check_version, Parameters, RewardPool, SchedulingParameters};
use crate::address::NETWORK_SEED;
use crate::error::{AssayError, Checked};
use crate::fairness::emission::EmissionRules;
use crate::governance::{check_timelock, Pause, Schedule};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// Authority, parameters and stake mint. It signs for the stake vault and for every fee vault.
///
/// Instructions of the market only read it, so it is no bottleneck; those by which validators change their stake write it.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default)]
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
    /// Who may veto changes and pause new work; the zero key says nobody.
    pub guardian: Pubkey,
    /// How long a change waits from its proposal to its execution.
    pub timelock_slots: u64,
    /// Until then, this slot not included, no job is posted or claimed; 0 if there never was a pause.
    pub paused_until_slot: u64,
    /// The first slot in which the guardian may pause; 0 if there never was a pause.
    pub pause_allowed_slot: u64,
    /// Changes that were proposed so far, and so the number of the next proposal.
    pub proposals: u64,
    /// The share of a job's fee that burns; the rest goes to the treasury. Only of fees in the stake mint.
    pub fee_burn_bps: u16,
}

versioned_account!(Network, [51, 5, 209, 183, 60, 99, 156, 251]);

impl Network {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 3;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Where the rules of scheduling lie in the account's data: everything before them has a fixed size.
    const SCHEDULING_OFFSET: usize = Self::DISCRIMINATOR
        .len()
        .saturating_add(1 + 1 + 32 * 5 + 1)
        .saturating_add(Parameters::INIT_SPACE)
        .saturating_sub(SchedulingParameters::INIT_SPACE);

    /// Reads the rules of scheduling out of the account's data, and nothing else: on the way of a job the rest of the network would
    /// cost more to read than what is done with it.
    ///
    /// `UnsupportedAccountVersion` for a network in another layout, and for what is none.
    #[inline(never)]
    pub fn read_scheduling(data: &[u8]) -> Checked<Box<SchedulingParameters>> {
        let unsupported = AssayError::UnsupportedAccountVersion;
        let version = data.strip_prefix(Self::DISCRIMINATOR).and_then(|rest| rest.first());
        if version != Some(&Self::VERSION) {
            return Err(unsupported);
        }
        let mut rest = data.get(Self::SCHEDULING_OFFSET..).ok_or(unsupported)?;
        SchedulingParameters::deserialize(&mut rest).map(Box::new).map_err(|_| unsupported)
    }

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

    /// `WorkPaused` while the guardian's pause lasts.
    pub fn check_takes_work(&self, now: Slot) -> Checked {
        if now.0 < self.paused_until_slot {
            Err(AssayError::WorkPaused)
        } else {
            Ok(())
        }
    }

    /// Takes no new work for `length` from `now` on. `PauseLengthOutOfBounds`, `PauseCoolingDown`.
    pub fn pause(&mut self, now: Slot, length: Slots) -> Checked {
        let pause = Pause::new(now, length, Slot(self.pause_allowed_slot))?;
        self.paused_until_slot = pause.until.0;
        self.pause_allowed_slot = pause.next.0;
        Ok(())
    }

    /// Numbers a change that is proposed at `now`, and says when it can be carried out.
    pub fn number_proposal(&mut self, now: Slot) -> Checked<(u64, Schedule)> {
        let number = self.proposals;
        self.proposals = number.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok((number, Schedule::new(now, Slots(self.timelock_slots))?))
    }

    /// How a fee in the stake mint is shared out, and what is paid for the part of it that burns.
    pub fn emission_rules(&self) -> EmissionRules {
        EmissionRules {
            burn_bps: self.fee_burn_bps,
            first_share_bps: RewardPool::FIRST_SHARE_BPS,
            halving_fees: RewardPool::FEES_PER_HALVING,
        }
    }

    /// `FeeBurnOutOfBounds` unless it is a share of a whole.
    pub fn check_fee_burn(bps: u16) -> Checked {
        if u32::from(bps) <= BasisPoints::WHOLE.0 {
            Ok(())
        } else {
            Err(AssayError::FeeBurnOutOfBounds)
        }
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.authority != Pubkey::default())?;
        check_invariant(self.paused_until_slot <= self.pause_allowed_slot)?;
        check_timelock(self.timelock_slots, self.development)?;
        Self::check_fee_burn(self.fee_burn_bps)?;
        self.parameters.validate(self.development)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules that are read by their place are those of the whole account.
    #[test]
    fn the_rules_of_scheduling_are_where_they_are_looked_for() {
        let mut network = Network { version: Network::VERSION, fee_burn_bps: u16::MAX, ..Network::default() };
        network.parameters.audit.minimum_validator_stake = u64::MAX;
        network.parameters.scheduling = SchedulingParameters::first(Slots(77_777), false);
        let mut data = Vec::new();
        network.try_serialize(&mut data).unwrap();
        assert_eq!(*Network::read_scheduling(&data).unwrap(), network.parameters.scheduling);
        let unsupported = Err(AssayError::UnsupportedAccountVersion);
        assert_eq!(Network::read_scheduling(&data[..Network::SCHEDULING_OFFSET]), unsupported);
        for (place, byte) in [(0, 0), (8, Network::VERSION - 1)] {
            let mut other = data.clone();
            other[place] = byte;
            assert_eq!(Network::read_scheduling(&other), unsupported);
        }
    }
}
