//! Who may claim a job, and from when on.
//!
//! Every node has a *ticket* for every job: the first eight bytes of `SHA-256(domain | seed | job | node)`, a number that
//! nobody knew before the seed. The node may claim once
//!
//! ```text
//! ticket < 2^64 * opening * weight / total weight
//! ```
//!
//! The opening is how many nodes may claim on average. It starts with a few, doubles after every step, and ends with all. So
//! whoever is drawn first has some slots for itself, by weight, and no job waits for a node that is away.
//!
//! The probability of being drawn is linear in the weight until it reaches 1, so parts of a node are drawn together no more
//! often than the whole: that at least one of them is drawn is less likely than the sum of their chances says.
//!
//! Checking a claim reads the job and the node and nothing else. On SBPF that is one hash of 110 bytes in four parts
//! (85 + 4 * 16 compute units by the price list of the syscall), two products and a comparison of 128 bits.

use super::error::{FairnessError, Ruled};
use crate::audit::Epoch;
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;
use referee::commit::{sha256, Hash};

const TICKET_DOMAIN: &[u8] = b"assay/ticket/1";

/// A node's number for one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

impl Ticket {
    /// The ticket of the node with this address. Nothing that can be chosen once the seed is known goes in.
    pub fn new(seed: &Hash, job: &Pubkey, node: &Pubkey) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = sha256(&[TICKET_DOMAIN, seed, job.as_ref(), node.as_ref()]);
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Whether the ticket lies within the share of `weight` in `total` when `expected` nodes are to be drawn on average:
    /// `ticket * total < 2^64 * expected * weight`.
    pub fn is_drawn(self, weight: u64, total: u64, expected: u32) -> bool {
        let wanted = u128::from(weight).saturating_mul(u128::from(expected));
        if wanted >= u128::from(total) {
            return weight > 0 && total > 0;
        }
        // Both sides fit 128 bits: `wanted` is below `total`, which has 64.
        u128::from(self.0).saturating_mul(u128::from(total)) < wanted.saturating_mul(1 << 64)
    }
}

/// How claims open: what governance sets and a job pins.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpeningRules {
    /// From the post to the slot whose hash decides; at least one, so that no client knows the hash. 0, on a development
    /// network: nothing is drawn, and all may claim at once.
    pub delay_slots: u32,
    /// How long each step lasts.
    pub step_slots: u32,
    /// How many nodes may claim on average in the first step.
    pub first_expected: u16,
    /// How many steps there are before all may claim; each allows twice as many nodes as the one before.
    pub steps: u8,
}

impl OpeningRules {
    /// Steps at most: with them the last one allows two thousand million nodes.
    pub const MAXIMUM_STEPS: u8 = 16;
    /// Longest delay and step: a minute of 400 ms slots.
    pub const MAXIMUM_SLOTS: u32 = 150;

    /// `RuleOutOfBounds` unless everything opens: a delay and steps of 1 to 150 slots, one expected node at least, at most
    /// 16 steps, and all of it within what the chain remembers, so that a seed that nobody sealed delays nothing. A
    /// `development` network may do without a draw, with neither delay nor steps.
    pub fn validate(&self, development: bool) -> Ruled {
        if development && self.delay_slots == 0 && self.steps == 0 {
            return Ok(());
        }
        let slots = 1..=Self::MAXIMUM_SLOTS;
        let sane = slots.contains(&self.delay_slots)
            && slots.contains(&self.step_slots)
            && self.first_expected > 0
            && self.steps <= Self::MAXIMUM_STEPS
            && self.sortition_slots().0 <= super::seed::REMEMBERED_SLOTS;
        if sane {
            Ok(())
        } else {
            Err(FairnessError::RuleOutOfBounds)
        }
    }

    /// From the post to the slot in which all may claim. The price should stay at its minimum for so long.
    pub fn sortition_slots(&self) -> Slots {
        let steps = u64::from(self.steps).saturating_mul(u64::from(self.step_slots));
        Slots(steps.saturating_add(u64::from(self.delay_slots)))
    }
}

/// How far claims have opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    /// Nobody may claim.
    Closed,
    /// So many nodes may claim on average.
    Expected(u32),
    /// All may claim.
    All,
}

/// What is on record about the seed of a job.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeedRecord {
    /// Nothing yet.
    #[default]
    Open,
    /// The hash that decides.
    Sealed([u8; 32]),
    /// The chain forgot it: all may claim.
    Forgotten,
}

/// The terms of one job's sortition, fixed when it is posted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sortition {
    /// How claims open.
    pub rules: OpeningRules,
    /// The slot at or after which the hash that decides lies; claims open behind it.
    pub seed_slot: u64,
    /// The epoch at whose end weights count: the one before the post's.
    pub epoch: u64,
    /// The weight of the whole network at that time.
    pub total_weight: u64,
}

impl Sortition {
    /// The terms of a job that is posted at `now`, where epochs have `epoch_slots` and the network weighs what `weight_at`
    /// says for the end of an epoch. `ArithmeticOverflow`, or `InvariantBroken` for epochs of no length.
    pub fn new(rules: OpeningRules, now: Slot, epoch_slots: u32, weight_at: impl FnOnce(Epoch) -> u64) -> Ruled<Self> {
        let seed_slot = now.plus(Slots(u64::from(rules.delay_slots)))?;
        // In the first epoch nobody is a member: all may claim.
        let Some(epoch) = Epoch::of(now, epoch_slots)?.0.checked_sub(1) else {
            return Ok(Self { rules, seed_slot: seed_slot.0, epoch: 0, total_weight: 0 });
        };
        Ok(Self { rules, seed_slot: seed_slot.0, epoch, total_weight: weight_at(Epoch(epoch)) })
    }

    /// How far claims have opened at `now`. Only ever further.
    pub fn opening(&self, now: Slot) -> Opening {
        if self.rules.delay_slots == 0 {
            return Opening::All;
        }
        let Some(elapsed) = now.0.checked_sub(self.seed_slot).and_then(|elapsed| elapsed.checked_sub(1)) else {
            return Opening::Closed;
        };
        let step = elapsed.checked_div(u64::from(self.rules.step_slots)).unwrap_or(u64::MAX);
        if step >= u64::from(self.rules.steps) || self.total_weight == 0 {
            return Opening::All;
        }
        let step = u32::try_from(step).unwrap_or(u32::MAX);
        let expected = u32::from(self.rules.first_expected).checked_mul(1u32.checked_shl(step).unwrap_or(u32::MAX));
        Opening::Expected(expected.unwrap_or(u32::MAX))
    }

    /// Checks that the node may claim the job at `now`. `weight` is the node's at the end of this record's epoch
    /// ([`at_end_of`](super::weight::StakeSnapshot::at_end_of)).
    ///
    /// `SortitionNotOpen`, `SeedNotSealed`, or `NotDrawnYet`.
    pub fn check(&self, seed: &SeedRecord, job: &Pubkey, node: &Pubkey, weight: u64, now: Slot) -> Ruled {
        let expected = match self.opening(now) {
            Opening::Closed => return Err(FairnessError::SortitionNotOpen),
            Opening::All => return Ok(()),
            Opening::Expected(expected) => expected,
        };
        match seed {
            SeedRecord::Open => Err(FairnessError::SeedNotSealed),
            SeedRecord::Forgotten => Ok(()),
            SeedRecord::Sealed(seed) => {
                match Ticket::new(seed, job, node).is_drawn(weight, self.total_weight, expected) {
                    true => Ok(()),
                    false => Err(FairnessError::NotDrawnYet),
                }
            }
        }
    }

    /// The first slot in which a node with this ticket and weight may claim: what a worker waits for.
    pub fn first_slot(&self, ticket: Ticket, weight: u64) -> Ruled<Slot> {
        let start = Slot(self.seed_slot).plus(Slots(u64::from(self.rules.delay_slots.min(1))))?;
        let mut step = 0u64;
        loop {
            let slot = start.plus(Slots(step.saturating_mul(u64::from(self.rules.step_slots))))?;
            let drawn = match self.opening(slot) {
                Opening::Closed => false,
                Opening::All => true,
                Opening::Expected(expected) => ticket.is_drawn(weight, self.total_weight, expected),
            };
            if drawn || step > u64::from(self.rules.steps) {
                return Ok(slot);
            }
            step = step.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
