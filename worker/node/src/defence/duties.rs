//! What has to be done next in a dispute, and by when: a pure function of its accounts as they were at one slot.

use assay::dispute::clocks::allowance;
use assay::dispute::{ChallengeState, Progress, Turn};
use assay::state::{Challenge, Demand, DemandState, DemandTree, Job};
use assay::units::Slot;
use solana_sdk::pubkey::Pubkey;

/// The accounts of the disputes over one job, read together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispute {
    /// Its challenges by their addresses.
    pub challenges: Vec<(Pubkey, Challenge)>,
    /// Its demands by their addresses.
    pub demands: Vec<(Pubkey, Demand)>,
}

impl Dispute {
    /// A demand by its address.
    pub fn demand(&self, address: &Pubkey) -> Option<&Demand> {
        self.demands.iter().find(|(known, _)| known == address).map(|(_, demand)| demand)
    }

    /// A challenge by its address.
    pub fn challenge(&self, address: &Pubkey) -> Option<&Challenge> {
        self.challenges.iter().find(|(known, _)| known == address).map(|(_, challenge)| challenge)
    }

    /// How far the demand is that a challenge waits for.
    pub(super) fn progress(&self, challenge: &Challenge) -> Progress {
        self.demand(&challenge.clocks.demand).map(Demand::progress).unwrap_or_default()
    }

    /// Challenges that have not ended.
    pub fn open_challenges(&self) -> impl Iterator<Item = &(Pubkey, Challenge)> {
        self.challenges.iter().filter(|(_, challenge)| !challenge.state.is_end())
    }
}

/// Something that only waits for this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Sign the demanded root of a segment and record it.
    RecordRoot {
        /// The segment.
        segment: u16,
    },
    /// Open what is demanded.
    Answer {
        /// The demand.
        demand: Pubkey,
    },
    /// End a challenge whose challenger is out of time: until then the job cannot be finalised.
    TimeOut {
        /// The challenge.
        challenge: Pubkey,
    },
}

/// A duty and its last slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What has to be done.
    pub duty: Duty,
    /// The last slot at which the node is not out of time; `u64::MAX` where it has all the time there is.
    pub until_slot: u64,
}

/// What waits for this node, the most urgent first. Nothing is left to do for it once the job is convicted.
pub fn duties(job: &Job, dispute: &Dispute, slot: u64) -> Vec<Due> {
    if !job.state.can_be_challenged() {
        return Vec::new();
    }
    let mut due: Vec<Due> = Vec::new();
    for (address, challenge) in dispute.open_challenges() {
        let Some(next) = duty_of(job, dispute, address, challenge, slot) else { continue };
        match due.iter_mut().find(|known| known.duty == next.duty) {
            // Several challenges wait for one demand: the one with the least time counts.
            Some(known) => known.until_slot = known.until_slot.min(next.until_slot),
            None => due.push(next),
        }
    }
    due.sort_by_key(|due| due.until_slot);
    due
}

fn duty_of(job: &Job, dispute: &Dispute, address: &Pubkey, challenge: &Challenge, slot: u64) -> Option<Due> {
    let terms = &job.dispute;
    let time_out = Due { duty: Duty::TimeOut { challenge: *address }, until_slot: u64::MAX };
    if challenge.state == ChallengeState::Sealed {
        let is_late = challenge.reveal_deadline(terms).is_ok_and(|deadline| deadline.has_passed(Slot(slot)));
        return is_late.then_some(time_out);
    }
    let progress = dispute.progress(challenge);
    match challenge.clocks.turn(progress) {
        Turn::Challenger(_) => {
            let used = challenge.clocks.challenger_time(progress, Slot(slot)).ok()?;
            let allowed = allowance(terms.challenger_clock_slots, challenge.clocks.challenger_extended);
            (used > allowed).then_some(time_out)
        }
        Turn::Defender(since) => {
            let demand = dispute.demand(&challenge.clocks.demand)?;
            // Below a root that somebody else posted, that somebody answers.
            if demand.claim != Pubkey::default() || demand.state != DemandState::Open {
                return None;
            }
            let allowed = allowance(terms.defender_clock_slots, challenge.clocks.defender_extended);
            let left = allowed.0.saturating_sub(challenge.clocks.defender_used_slots);
            let duty = match demand.key.tree {
                DemandTree::SegmentRoot => Duty::RecordRoot { segment: demand.key.slot },
                DemandTree::Boundary | DemandTree::Segment | DemandTree::Tensor => {
                    Duty::Answer { demand: challenge.clocks.demand }
                }
            };
            Some(Due { duty, until_slot: since.0.saturating_add(left) })
        }
    }
}

/// When to look again although nothing changed: the first slot at which some challenger is out of time.
pub fn next_look(job: &Job, dispute: &Dispute) -> Option<u64> {
    let terms = &job.dispute;
    let of = |challenge: &Challenge| {
        if challenge.state == ChallengeState::Sealed {
            return challenge.reveal_deadline(terms).ok().map(|deadline| deadline.last().0);
        }
        let Turn::Challenger(since) = challenge.clocks.turn(dispute.progress(challenge)) else { return None };
        let allowed = allowance(terms.challenger_clock_slots, challenge.clocks.challenger_extended);
        Some(since.0.saturating_add(allowed.0.saturating_sub(challenge.clocks.challenger_used_slots)))
    };
    dispute.open_challenges().filter_map(|(_, challenge)| of(challenge)).min().map(|last| last.saturating_add(1))
}

#[cfg(test)]
mod tests;
