//! Accounts as the first program wrote them, to migrate what is on a chain. Nothing here ever changes.

use super::{limits, AuditParameters, DisputeParameters, Job, Network, Node, Parameters, SchedulingParameters};
use crate::error::{AssayError, Checked};
use crate::fairness::filter::JobFilter;
use crate::fairness::sortition::Sortition;
use crate::governance::timelock_limits;
use crate::market::{Unbonding, MAXIMUM_ENDPOINT_BYTES, WITHDRAWAL_PLACES};
use crate::units::{Slot, Slots};
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

/// A job in its first layout, version 1: without invitation, sortition and session.
pub struct FirstJob;

impl FirstJob {
    /// The layout version that the first program wrote.
    pub const VERSION: u8 = 1;
    /// Where the invited node was put later: after the bond.
    const INVITED_NODE_OFFSET: usize = 414;
    /// Where the terms of scheduling were put later: after the two shares of fee and charge.
    const SCHEDULING_OFFSET: usize = 418;
    /// Where what is owed to delegators was put later: after the other credits.
    const DELEGATORS_CREDIT_OFFSET: usize = 610;
    /// Where the count of lost challenges was put later: in the record of disputes.
    const CHALLENGES_LOST_OFFSET: usize = 654;
    /// Where the session, and what scheduling records, were put later: before the strings.
    const RECORD_OFFSET: usize = 800;
    /// The lengths of four empty strings.
    const EMPTY_STRINGS: usize = 16;
    /// How much longer the account becomes.
    pub const ADDED_BYTES: usize =
        Job::space(0).saturating_sub(Self::RECORD_OFFSET.saturating_add(Self::EMPTY_STRINGS));

    /// Reads the data of an account. Nobody is invited, all may claim at once, nothing is late, and the job counts nothing for
    /// reputation. `AccountNotOutdated` if it has today's version, `UnsupportedAccountVersion` if it has another than the
    /// first, or is no job.
    // On-chain a stack frame has 4 KiB: a job lies on the heap, and what makes it in a frame of its own.
    #[inline(never)]
    pub fn read(data: &[u8]) -> Checked<Box<Job>> {
        let unsupported = AssayError::UnsupportedAccountVersion;
        check_outdated(data, Job::DISCRIMINATOR, Self::VERSION, Job::VERSION)?;
        let part = |from: usize, to: usize| data.get(from..to).ok_or(unsupported);
        let nobody = Pubkey::default();
        let terms = [0; SCHEDULING_TERMS_BYTES];
        let record = [0; SCHEDULING_RECORD_BYTES];
        let strings = data.get(Self::RECORD_OFFSET..).ok_or(unsupported)?;
        let bytes = [
            part(Job::DISCRIMINATOR.len(), Self::INVITED_NODE_OFFSET)?,
            nobody.as_ref(),
            part(Self::INVITED_NODE_OFFSET, Self::SCHEDULING_OFFSET)?,
            &terms,
            part(Self::SCHEDULING_OFFSET, Self::DELEGATORS_CREDIT_OFFSET)?,
            &[0; 8],
            part(Self::DELEGATORS_CREDIT_OFFSET, Self::CHALLENGES_LOST_OFFSET)?,
            &[0; 4],
            part(Self::CHALLENGES_LOST_OFFSET, Self::RECORD_OFFSET)?,
            nobody.as_ref(),
            &record,
            strings,
        ]
        .concat();
        let mut job = Box::new(Job::deserialize(&mut &bytes[..]).map_err(|_| unsupported)?);
        job.version = Job::VERSION;
        job.explain_first_ending()?;
        Ok(job)
    }
}

/// Bytes of the terms of scheduling, all of them 0: share for lateness, filter, cost, sortition and the rate of bonds.
const SCHEDULING_TERMS_BYTES: usize = JobFilter::INIT_SPACE + Sortition::INIT_SPACE + 2 + 8 + 8 + 8;
/// Bytes of an empty record of scheduling: expected slots, the delegators' share, lateness, reason, side of the fault and a seed
/// that is open.
const SCHEDULING_RECORD_BYTES: usize = 8 + 2 + 4 + 1 + 1 + 1;

/// A node in its first layout, version 1: without profile, weight, reputation and standing.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug)]
pub struct FirstNode {
    /// As in [`Node`].
    pub version: u8,
    /// As in [`Node`].
    pub bump: u8,
    index: u16,
    withdraw_authority: Pubkey,
    operator: Pubkey,
    stake: u64,
    locked: u64,
    unbonding: [Unbonding; WITHDRAWAL_PLACES],
    open_jobs: u32,
    jobs_settled: u64,
    jobs_missed: u64,
    registered_slot: u64,
    last_claim_slot: u64,
    last_obligation_slot: u64,
    fraud_convictions: u32,
    frozen_until_slot: u64,
    slash_reserve_bps: u16,
    #[max_len(MAXIMUM_ENDPOINT_BYTES)]
    endpoint: String,
}

impl FirstNode {
    /// The layout version that the first program wrote.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Node::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Reads the data of an account. `AccountNotOutdated` if it has today's version, `UnsupportedAccountVersion` if it has
    /// another than the first, or is no node.
    pub fn read(data: &[u8]) -> Checked<Self> {
        check_outdated(data, Node::DISCRIMINATOR, Self::VERSION, Node::VERSION)?;
        let mut rest = data.get(Node::DISCRIMINATOR.len()..).unwrap_or_default();
        Self::deserialize(&mut rest).map_err(|_| AssayError::UnsupportedAccountVersion)
    }

    /// In today's layout, at `now` in epochs of `epoch_slots`: it says nothing of itself, weighs nothing until it is weighed, and
    /// its record begins as if it had registered now, but for the tombstone of a conviction.
    #[inline(never)]
    pub fn migrated(self, now: Slot, epoch_slots: u32) -> Checked<Box<Node>> {
        let mut node = Box::new(Node {
            version: Node::VERSION,
            bump: self.bump,
            index: self.index,
            withdraw_authority: self.withdraw_authority,
            operator: self.operator,
            stake: self.stake,
            locked: self.locked,
            unbonding: self.unbonding,
            open_jobs: self.open_jobs,
            jobs_settled: self.jobs_settled,
            jobs_missed: self.jobs_missed,
            last_claim_slot: self.last_claim_slot,
            last_obligation_slot: self.last_obligation_slot,
            fraud_convictions: self.fraud_convictions,
            frozen_until_slot: self.frozen_until_slot,
            slash_reserve_bps: self.slash_reserve_bps,
            endpoint: self.endpoint,
            ..Node::default()
        });
        node.begin(now, epoch_slots)?;
        node.registered_slot = self.registered_slot;
        if node.fraud_convictions > 0 {
            node.standing.convict();
        }
        Ok(node)
    }
}

/// `AccountNotOutdated` if the account of this kind has today's version, `UnsupportedAccountVersion` if it has another than the
/// first, or is of another kind.
fn check_outdated(data: &[u8], discriminator: &[u8], first: u8, today: u8) -> Checked {
    match data.strip_prefix(discriminator).and_then(|rest| rest.first()) {
        Some(version) if *version == first => Ok(()),
        Some(version) if *version == today => Err(AssayError::AccountNotOutdated),
        _ => Err(AssayError::UnsupportedAccountVersion),
    }
}

impl FirstNetwork {
    /// The layout version that the first program wrote.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Network::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Reads the data of an account. `AccountNotOutdated` if it has today's version, `UnsupportedAccountVersion` if it has
    /// another than the first, or is no network.
    pub fn read(data: &[u8]) -> Checked<Self> {
        check_outdated(data, Network::DISCRIMINATOR, Self::VERSION, Network::VERSION)?;
        let mut rest = data.get(Network::DISCRIMINATOR.len()..).unwrap_or_default();
        Self::deserialize(&mut rest).map_err(|_| AssayError::UnsupportedAccountVersion)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fairness::endings::{FaultSide, Reason};
    use crate::fairness::sortition::SeedRecord;

    /// What is put between the bytes of an old job is what today's program writes for nothing of it.
    #[test]
    fn what_is_added_to_a_job_says_nothing() {
        let mut terms = Vec::new();
        (0u16, JobFilter::default(), 0u64, Sortition::default(), 0u64, 0u64).serialize(&mut terms).unwrap();
        assert_eq!(terms, [0; SCHEDULING_TERMS_BYTES]);
        let mut record = Vec::new();
        (0u64, 0u16, 0u32, Reason::Open, FaultSide::None, SeedRecord::Open).serialize(&mut record).unwrap();
        assert_eq!(record, [0; SCHEDULING_RECORD_BYTES]);
    }
}
