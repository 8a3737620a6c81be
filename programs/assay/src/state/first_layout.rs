//! Accounts as the first program wrote them, to migrate what is on a chain. Nothing here ever changes.

use super::{limits, AuditParameters, DisputeParameters, Network, Parameters, SchedulingParameters};
use crate::error::{AssayError, Checked};
use crate::governance::timelock_limits;
use crate::units::Slots;
use anchor_lang::prelude::*;

/// The network in its first layout, version 1: without guardian, timelock and burnt fees.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug)]
pub struct FirstNetwork {
    /// As in [`Network`].
    pub version: u8,
    /// As in [`Network`].
    pub bump: u8,
    /// As in [`Network`].
    pub authority: Pubkey,
    /// As in [`Network`].
    pub pending_authority: Pubkey,
    /// As in [`Network`].
    pub stake_mint: Pubkey,
    /// As in [`Network`].
    pub stake_vault: Pubkey,
    /// As in [`Network`].
    pub genesis_hash: [u8; 32],
    /// As in [`Network`].
    pub development: bool,
    /// As in [`Network`].
    pub parameters: FirstParameters,
    /// As in [`Network`].
    pub validator_stake: u64,
}

/// The parameters in the first layout.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug)]
pub struct FirstParameters {
    minimum_stake: u64,
    unbonding_slots: u64,
    protocol_fee_bps: u16,
    miss_charge_bps: u16,
    minimum_bond_bps: u32,
    maximum_claim_slots: u64,
    maximum_run_slots: u64,
    maximum_window_slots: u64,
    minimum_window_slots: u64,
    maximum_open_jobs_per_node: u32,
    dispute: FirstDisputeParameters,
    audit: FirstAuditParameters,
}

#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug)]
struct FirstDisputeParameters {
    challenge_bond_bps: u16,
    reveal_slots: u32,
    challenger_clock_slots: u32,
    defender_clock_slots: u32,
    slash_bps: u16,
    bounty_bps: u16,
    opening_fee_lamports: u64,
}

#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug)]
struct FirstAuditParameters {
    epoch_slots: u32,
    audits_per_job: u16,
    attestation_bond_bps: u32,
    minimum_validator_stake: u64,
}

impl FirstNetwork {
    /// The layout version that the first program wrote.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Network::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Reads the data of an account. `AccountNotOutdated` if it has today's version, `UnsupportedAccountVersion` if it has
    /// another than the first, or is no network.
    pub fn read(data: &[u8]) -> Checked<Self> {
        let rest = data.strip_prefix(Network::DISCRIMINATOR).ok_or(AssayError::UnsupportedAccountVersion)?;
        match rest.first() {
            Some(&Self::VERSION) => {
                let mut rest = rest;
                Self::deserialize(&mut rest).map_err(|_| AssayError::UnsupportedAccountVersion)
            }
            Some(&Network::VERSION) => Err(AssayError::AccountNotOutdated),
            _ => Err(AssayError::UnsupportedAccountVersion),
        }
    }

    /// In today's layout: nobody is guardian, no fee burns, changes wait for as short as such a network allows, and nodes are drawn
    /// by the first rules of scheduling. Stake stays reachable for as long as these need, if that is longer than before.
    pub fn migrated(self) -> Network {
        let timelock = match self.development {
            true => timelock_limits::DEVELOPMENT_TIMELOCK_SLOTS,
            false => timelock_limits::TIMELOCK_SLOTS,
        };
        Network {
            version: Network::VERSION,
            bump: self.bump,
            authority: self.authority,
            pending_authority: self.pending_authority,
            stake_mint: self.stake_mint,
            stake_vault: self.stake_vault,
            genesis_hash: self.genesis_hash,
            development: self.development,
            parameters: self.parameters.migrated(self.development),
            validator_stake: self.validator_stake,
            guardian: Pubkey::default(),
            timelock_slots: *timelock.start(),
            paused_until_slot: 0,
            pause_allowed_slot: 0,
            proposals: 0,
            fee_burn_bps: 0,
        }
    }
}

impl FirstParameters {
    fn migrated(self, development: bool) -> Parameters {
        let (dispute, audit) = (self.dispute, self.audit);
        let mut parameters = Parameters {
            minimum_stake: self.minimum_stake,
            unbonding_slots: self.unbonding_slots,
            protocol_fee_bps: self.protocol_fee_bps,
            miss_charge_bps: self.miss_charge_bps,
            minimum_bond_bps: self.minimum_bond_bps,
            maximum_claim_slots: self.maximum_claim_slots,
            maximum_run_slots: self.maximum_run_slots,
            maximum_window_slots: self.maximum_window_slots,
            minimum_window_slots: self.minimum_window_slots,
            maximum_open_jobs_per_node: self.maximum_open_jobs_per_node,
            dispute: DisputeParameters {
                challenge_bond_bps: dispute.challenge_bond_bps,
                reveal_slots: dispute.reveal_slots,
                challenger_clock_slots: dispute.challenger_clock_slots,
                defender_clock_slots: dispute.defender_clock_slots,
                slash_bps: dispute.slash_bps,
                bounty_bps: dispute.bounty_bps,
                opening_fee_lamports: dispute.opening_fee_lamports,
            },
            audit: AuditParameters {
                epoch_slots: audit.epoch_slots,
                audits_per_job: audit.audits_per_job,
                attestation_bond_bps: audit.attestation_bond_bps,
                minimum_validator_stake: audit.minimum_validator_stake,
            },
            scheduling: SchedulingParameters::default(),
        };
        parameters.scheduling = SchedulingParameters::first(Slots(self.unbonding_slots), development);
        let least = parameters.least_unbonding().unwrap_or(Slots(limits::UNBONDING_SLOTS_MAXIMUM));
        parameters.unbonding_slots = self.unbonding_slots.max(least.0);
        parameters
    }
}
