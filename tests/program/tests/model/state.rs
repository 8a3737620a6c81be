//! The market as a model: plain numbers, written from the rules and not from the program.

use crate::delegation::PoolModel;
use crate::sessions::SessionModel;
use assay::state::Parameters;

pub(crate) const CLIENTS: usize = 3;
pub(crate) const NODES: usize = 3;
pub(crate) const VALIDATORS: usize = 2;
/// The party that the first validator is.
pub(crate) const FIRST_VALIDATOR: usize = CLIENTS + NODES;
/// Clients, then the owners of the nodes, then validators, then the authority, then somebody with no part in anything.
pub(crate) const PARTIES: usize = FIRST_VALIDATOR + VALIDATORS + 2;
pub(crate) const AUTHORITY: usize = PARTIES - 2;
pub(crate) const STRANGER: usize = PARTIES - 1;
/// Two payment mints, then the stake mint.
pub(crate) const PAYMENT_MINTS: usize = 2;
pub(crate) const STAKE_MINT: usize = PAYMENT_MINTS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Posted,
    Claimed,
    Committed,
    Accepted,
    Settled,
    Cancelled,
    Expired,
    Missed,
    Closed,
}

#[derive(Clone, Debug)]
pub(crate) struct JobModel {
    pub(crate) client: usize,
    pub(crate) mint: usize,
    pub(crate) state: State,
    pub(crate) terms: Terms,
    pub(crate) fee_bps: u16,
    pub(crate) charge_bps: u16,
    pub(crate) posted: u64,
    pub(crate) claimed: u64,
    pub(crate) committed: u64,
    /// The node that claimed, and which of its two keys.
    pub(crate) claimer: Option<(usize, usize)>,
    pub(crate) price: u64,
    pub(crate) credit_node: u64,
    pub(crate) credit_client: u64,
    pub(crate) credit_fee: u64,
    pub(crate) credit_audits: u64,
    pub(crate) credit_delegators: u64,
    /// Fixed by the claim.
    pub(crate) delegators_bps: u64,
    pub(crate) charge: u64,
    /// What a repeated miss burns.
    pub(crate) burn: u64,
    /// The bond rate at posting.
    pub(crate) rate: (u64, u64),
    pub(crate) vault: u64,
    /// What an attestation locks.
    pub(crate) attestation_bond: u64,
    /// Stake of all validators at posting.
    pub(crate) validator_stake: u64,
    /// By validator: whether its attestation's bond is free again, if there is one.
    pub(crate) attested: [Option<bool>; VALIDATORS],
    /// What the hash of the draw says, by validator; known once the result is committed.
    pub(crate) draws: [bool; VALIDATORS],
    pub(crate) attestations: u64,
    /// What each attestation earned.
    pub(crate) fee_each: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) price_min: u64,
    pub(crate) price_max: u64,
    pub(crate) hold: u64,
    pub(crate) ramp: u64,
    pub(crate) claim_slots: u64,
    pub(crate) run_slots: u64,
    pub(crate) window_slots: u64,
    pub(crate) minimum_stake: u64,
    pub(crate) bond: u64,
    pub(crate) pot: u64,
    pub(crate) cap: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ValidatorModel {
    pub(crate) stake: u64,
    /// Added last, and when.
    pub(crate) recent: (u64, u64),
    pub(crate) locked: u64,
    pub(crate) open: u32,
    pub(crate) upheld: u64,
    pub(crate) last_obligation: u64,
    /// Amount and release slot of the withdrawal under way.
    pub(crate) unbonding: (u64, u64),
    /// The first epoch of its chain, and the last one shown.
    pub(crate) first_epoch: u64,
    pub(crate) shown_epoch: u64,
}

impl ValidatorModel {
    pub(crate) fn free(&self) -> u64 {
        self.stake - self.locked
    }

    /// What counts for a job posted at a slot.
    pub(crate) fn weight(&self, posted: u64) -> u64 {
        if self.recent.1 < posted { self.stake } else { self.stake - self.recent.0 }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct NodeModel {
    pub(crate) registered: bool,
    /// Which of its two keys may claim.
    pub(crate) operator: usize,
    pub(crate) stake: u64,
    pub(crate) locked: u64,
    pub(crate) open_jobs: u32,
    pub(crate) settled: u64,
    pub(crate) missed: u64,
    /// Reputation and standing alone, by the program's own functions; the model keeps everything else itself.
    pub(crate) record: assay::state::Node,
    pub(crate) last_obligation: u64,
    /// Amount and release slot; an amount of zero is an empty place.
    pub(crate) queue: [(u64, u64); 4],
    pub(crate) pool: Option<PoolModel>,
}

#[derive(Clone, Debug)]
pub(crate) struct MintModel {
    pub(crate) enabled: bool,
    pub(crate) numerator: u64,
    pub(crate) denominator: u64,
    pub(crate) fee_vault: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) slot: u64,
    pub(crate) parameters: Parameters,
    pub(crate) mints: [MintModel; PAYMENT_MINTS],
    pub(crate) wallets: [[u64; PAYMENT_MINTS + 1]; PARTIES],
    pub(crate) nodes: [NodeModel; NODES],
    pub(crate) validators: [ValidatorModel; VALIDATORS],
    pub(crate) next_id: [u64; CLIENTS],
    pub(crate) jobs: Vec<JobModel>,
    pub(crate) sessions: Vec<SessionModel>,
    pub(crate) stake_vault: u64,
    /// The first slot in which work is taken again, and the first in which the guardian may pause again.
    pub(crate) pause: (u64, u64),
    /// Stake mint tokens that nobody owns.
    pub(crate) donated_stake: u64,
}

impl NodeModel {
    pub(crate) fn free(&self) -> u64 {
        self.stake - self.locked
    }

    pub(crate) fn unbonding(&self) -> u64 {
        self.queue.iter().map(|place| place.0).sum()
    }

    pub(crate) fn released(&self, slot: u64) -> u64 {
        self.queue.iter().filter(|place| place.1 <= slot).map(|place| place.0).sum()
    }
}

impl JobModel {
    pub(crate) fn owed(&self) -> u64 {
        self.credit_node + self.credit_client + self.credit_fee + self.credit_audits + self.credit_delegators
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Posted | State::Claimed | State::Committed | State::Accepted)
    }

    /// What the rules of reputation and standing read of a job.
    pub(crate) fn record(&self) -> assay::state::Job {
        assay::state::Job {
            bond: self.terms.bond,
            run_slots: self.terms.run_slots,
            claimed_slot: self.claimed,
            committed_slot: self.committed,
            price: self.price,
            price_max: self.terms.price_max,
            protocol_fee_bps: self.fee_bps,
            miss_charge_bps: self.charge_bps,
            bond_numerator: self.rate.0,
            bond_denominator: self.rate.1,
            ..Default::default()
        }
    }

    /// The price of a claim at `slot`: the minimum until the hold ends, then in proportion, then the maximum.
    pub(crate) fn price_at(&self, slot: u64) -> u64 {
        let Terms { price_min, price_max, hold, ramp, .. } = self.terms;
        let elapsed = slot - self.posted;
        if elapsed < hold {
            price_min
        } else if elapsed >= hold + ramp {
            price_max
        } else {
            let rise = u128::from(price_max - price_min) * u128::from(elapsed - hold) / u128::from(ramp);
            price_min + rise as u64
        }
    }
}

impl Model {
    pub(crate) fn epoch(&self, slot: u64) -> u64 {
        slot / u64::from(self.parameters.audit.epoch_slots)
    }

    /// What an attestation locks for a cap, rounded up; nothing if no number of 64 bits is enough.
    pub(crate) fn attestation_bond(&self, mint: usize, cap: u64) -> Option<u64> {
        let MintModel { numerator, denominator, .. } = self.mints[mint];
        let multiple = u128::from(self.parameters.audit.attestation_bond_bps);
        let exact = u128::from(cap) * u128::from(numerator) * multiple;
        u64::try_from(exact.div_ceil(u128::from(denominator) * 10_000)).ok().map(|bond| bond.max(1))
    }

    /// The least bond for a price, rounded up; nothing if no number of 64 bits is enough.
    pub(crate) fn least_bond(&self, mint: usize, price_max: u64) -> Option<u64> {
        let MintModel { numerator, denominator, .. } = self.mints[mint];
        let exact = u128::from(price_max) * u128::from(numerator) * u128::from(self.parameters.minimum_bond_bps);
        let bond = exact.div_ceil(u128::from(denominator) * 10_000);
        u64::try_from(bond).ok().map(|bond| bond.max(1))
    }
}

/// A share in hundredths of a percent, rounded down.
pub(crate) fn share(amount: u64, bps: u16) -> u64 {
    (u128::from(amount) * u128::from(bps) / 10_000) as u64
}
