//! Everything on the chain about the dispute of one job, as it was at one slot.
//!
//! What [`rules`](crate::rules) and [`steps`](crate::steps) decide is a function of a docket, so that the service, a
//! person at the command line and a test decide the same.

use assay::dispute::ChallengeState;
use assay::dispute::clocks::{Progress, Turn, allowance};
use assay::dispute::penalty::BountyShares;
use assay::state::{Challenge, Demand, Job, SegmentClaim};
use assay::units::{Slot, TokenAmount};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;

/// A buffer with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferView {
    /// Its owner's number for it.
    pub id: u64,
    /// Who owns it.
    pub owner: Pubkey,
    /// The demand that holds it; the zero key if none.
    pub held_by: Pubkey,
    /// What is written in it so far.
    pub bytes: Vec<u8>,
}

/// The accounts of one job's dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docket {
    /// The slot at which they were read, or the earliest where several requests were needed.
    pub slot: u64,
    /// Address of the job.
    pub address: Pubkey,
    /// The job; `None` once it is closed.
    pub job: Option<Job>,
    /// Its challenges, by address.
    pub challenges: BTreeMap<Pubkey, Challenge>,
    /// Roots of its segments that were recorded or posted, by address.
    pub claims: BTreeMap<Pubkey, SegmentClaim>,
    /// What was demanded, by address.
    pub demands: BTreeMap<Pubkey, Demand>,
    /// Buffers that were asked for, by address: the own one, and those that hold answers.
    pub buffers: BTreeMap<Pubkey, BufferView>,
}

impl Docket {
    /// The challenge of a key.
    pub fn challenge_of(&self, challenger: &Pubkey) -> Option<(&Pubkey, &Challenge)> {
        self.challenges.iter().find(|(_, challenge)| challenge.challenger == *challenger)
    }

    /// How far the demand is that a challenge waits for.
    pub fn progress(&self, challenge: &Challenge) -> Progress {
        self.demands.get(&challenge.clocks.demand).map(Demand::progress).unwrap_or_default()
    }

    /// Whether it is the challenger's turn.
    pub fn is_challengers_turn(&self, challenge: &Challenge) -> bool {
        matches!(challenge.clocks.turn(self.progress(challenge)), Turn::Challenger(_))
    }

    /// Whether it is the turn of the challenger at this address.
    pub fn is_challengers_turn_of(&self, challenge: &Pubkey) -> bool {
        self.challenges.get(challenge).is_some_and(|challenge| self.is_challengers_turn(challenge))
    }

    /// Slots that a challenger may still use; 0 when its clock is used up.
    pub fn challenger_slots_left(&self, challenge: &Challenge, job: &Job) -> u64 {
        let used = challenge.clocks.challenger_time(self.progress(challenge), Slot(self.slot));
        let allowed = allowance(job.dispute.challenger_clock_slots, challenge.clocks.challenger_extended);
        allowed.0.saturating_sub(used.map_or(u64::MAX, |used| used.0))
    }

    /// Slots that the defending side may still use for what a challenge demands; 0 when its clock is used up.
    pub fn defender_slots_left(&self, challenge: &Challenge, job: &Job) -> u64 {
        let used = challenge.clocks.defender_time(self.progress(challenge), Slot(self.slot));
        let allowed = allowance(job.dispute.defender_clock_slots, challenge.clocks.defender_extended);
        allowed.0.saturating_sub(used.map_or(u64::MAX, |used| used.0))
    }

    /// The signed root of a segment, with its account's address.
    pub fn signed_claim(&self, segment: u16) -> Option<(&Pubkey, &SegmentClaim)> {
        self.claims.iter().find(|(_, claim)| claim.signed && claim.segment == segment)
    }

    /// Challenges that won, in ascending order of their addresses, as the settlement takes them.
    pub fn won(&self) -> Vec<Pubkey> {
        let won = |challenge: &Challenge| challenge.state == ChallengeState::Won;
        self.challenges.iter().filter(|(_, challenge)| won(challenge)).map(|(address, _)| *address).collect()
    }

    /// What the settlement will add to a challenge that won; 0 once it is settled, or where it cannot be settled yet.
    pub fn expected_share(&self, challenge: &Challenge) -> u64 {
        let Some(job) = self.job.as_ref().filter(|job| !job.record.settled && job.record.challenges_open == 0) else {
            return 0;
        };
        let won = |challenge: &&Challenge| challenge.state == ChallengeState::Won;
        if !won(&challenge) {
            return 0;
        }
        let times = self.challenges.values().filter(won).map(Challenge::times);
        BountyShares::new(TokenAmount(job.record.bounty), times).map_or(0, |shares| shares.of(challenge.times()))
    }

    /// Whether another challenge that claims the same as `key` was revealed at or before the slot of this docket: who
    /// commits from now on shares no bounty with it.
    pub fn is_revealed_elsewhere(&self, key: &[u8; 32], me: &Pubkey) -> bool {
        self.challenges.values().any(|challenge| {
            challenge.challenger != *me && challenge.revealed_slot != 0 && challenge.claim_key() == *key
        })
    }
}
