//! When a node may claim a job, by the very functions that the program runs: a node that knows its turn pays for no claim that
//! loses.

use crate::refusal::Refusal;
use assay::AssayError;
use assay::audit::Epoch;
use assay::fairness::FairnessError;
use assay::fairness::seed::Found;
use assay::fairness::sortition::{Opening, SeedRecord, Ticket};
use assay::state::{Job, Node, Parameters};
use assay::units::Slot;
use assay_chain::program_error;
use solana_sdk::pubkey::Pubkey;

/// What a node is to do about a posted job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may claim; where nobody sealed the seed, it seals it in the same transaction.
    Now {
        /// Whether the seed is to be sealed first.
        seal: bool,
    },
    /// It may not before this slot.
    At(u64),
    /// It may not until its account changes: a miss, or open jobs.
    AfterChange,
    /// It never may: the client wants other nodes, or the node was convicted.
    Never(Refusal),
}

/// What decides about a claim, as the chain shows it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Address of the job.
    pub job_address: &'a Pubkey,
    /// The job.
    pub job: &'a Job,
    /// Address of the node.
    pub node_address: &'a Pubkey,
    /// The node.
    pub node: &'a Node,
    /// The network's parameters.
    pub parameters: &'a Parameters,
    /// What the chain remembers of the slot that decides, where the seed is not sealed.
    pub remembered: Option<Found>,
}

impl Claim<'_> {
    /// What the node is to do at `now`.
    pub fn turn(&self, now: u64) -> Turn {
        let slot = Slot(now);
        match self.node.check_may_take(slot, self.parameters) {
            Ok(()) => {}
            Err(AssayError::Jailed) => return Turn::At(self.node.standing.jailed_until_slot),
            Err(AssayError::InMaintenance) => {
                return Turn::At(self.node.standing.maintenance.end_slot.saturating_add(1));
            }
            Err(AssayError::UnresolvedMiss | AssayError::TooManyOpenJobs | AssayError::CapacityReached) => {
                return Turn::AfterChange;
            }
            Err(error) => return Turn::Never(refusal(error)),
        }
        if let Err(rule) = self.job.filter.check(&self.node.shown_profile(slot, &self.parameters.scheduling)) {
            return Turn::Never(refusal(rule.into()));
        }
        self.drawn(slot).unwrap_or_else(|rule| Turn::Never(refusal(rule.into())))
    }

    fn drawn(&self, now: Slot) -> Result<Turn, FairnessError> {
        let sortition = &self.job.sortition;
        match sortition.opening(now) {
            // The first slot after the one that decides.
            Opening::Closed => return Ok(Turn::At(sortition.seed_slot.saturating_add(1))),
            Opening::All => return Ok(Turn::Now { seal: false }),
            Opening::Expected(_) => {}
        }
        let (seed, seal) = match (&self.job.seed, self.remembered) {
            (SeedRecord::Sealed(seed), _) => (*seed, false),
            (SeedRecord::Forgotten, _) => return Ok(Turn::Now { seal: false }),
            (SeedRecord::Open, Some(Found::Seed { hash, .. })) => (hash, true),
            (SeedRecord::Open, Some(Found::Forgotten)) => return Ok(Turn::Now { seal: true }),
            (SeedRecord::Open, None) => return Ok(Turn::At(now.0.saturating_add(1))),
        };
        let weight = self.node.claimable_weight(Epoch(sortition.epoch), self.parameters)?;
        let first = sortition.first_slot(Ticket::new(&seed, self.job_address, self.node_address), weight)?;
        Ok(if now < first { Turn::At(first.0) } else { Turn::Now { seal } })
    }
}

/// The program's own words and code.
fn refusal(error: AssayError) -> Refusal {
    let text = error.to_string();
    let (reason, remedy) = text.split_once(": ").unwrap_or((&text, "leave the job to others"));
    Refusal::new(&program_error::code(error), reason, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::fairness::filter::JobFilter;
    use assay::fairness::sortition::{OpeningRules, Sortition};
    use assay::fairness::weight::{Checkpoint, StakeSnapshot};
    use assay::state::SchedulingParameters;

    const STAKE: u64 = 1_000;
    const NODE: Pubkey = Pubkey::new_from_array([4; 32]);
    const JOB: Pubkey = Pubkey::new_from_array([5; 32]);

    fn parameters() -> Parameters {
        let scheduling = SchedulingParameters { stake_per_job: 100, ..SchedulingParameters::default() };
        Parameters { minimum_stake: 10, maximum_open_jobs_per_node: 8, scheduling, ..Parameters::default() }
    }

    /// A node with a tenth of the network's weight.
    fn node() -> Node {
        let held = Checkpoint { epoch: 1, weight: STAKE / 2 };
        let weights = StakeSnapshot { checkpoints: [Checkpoint::default(), Checkpoint::default(), held] };
        Node { stake: STAKE, weights, counted_stake: STAKE, ..Node::default() }
    }

    fn job() -> Job {
        let rules = OpeningRules { delay_slots: 2, step_slots: 3, first_expected: 1, steps: 4 };
        let sortition = Sortition { rules, seed_slot: 102, epoch: 1, total_weight: STAKE * 5 };
        Job { sortition, posted_slot: 100, ..Job::default() }
    }

    fn turn(job: &Job, node: &Node, remembered: Option<Found>, now: u64) -> Turn {
        let parameters = parameters();
        let claim = Claim { job_address: &JOB, job, node_address: &NODE, node, parameters: &parameters, remembered };
        claim.turn(now)
    }

    /// The worker and the program agree in every slot: the turn is now exactly where the program's own check passes.
    #[test]
    fn a_turn_comes_exactly_when_the_program_lets_the_node_claim() {
        let mut firsts = std::collections::HashSet::new();
        for draw in 0..40u8 {
            let sealed = Job { seed: SeedRecord::Sealed([draw; 32]), ..job() };
            let node = node();
            let weight = node.claimable_weight(Epoch(1), &parameters()).unwrap();
            for now in 100..120 {
                let passes = sealed.sortition.check(&sealed.seed, &JOB, &NODE, weight, Slot(now)).is_ok();
                match turn(&sealed, &node, None, now) {
                    Turn::Now { seal: false } => assert!(passes, "draw {draw}, slot {now}"),
                    Turn::At(slot) => {
                        assert!(!passes && slot > now, "draw {draw}, slot {now}");
                        if now > 102 {
                            firsts.insert(slot);
                        }
                    }
                    other => panic!("{other:?}"),
                }
                let hash = Found::Seed { slot: Slot(102), hash: [draw; 32] };
                let unsealed = turn(&job(), &node, Some(hash), now);
                let all = now >= 115;
                assert_eq!(unsealed == Turn::Now { seal: !all }, passes, "the node seals what nobody sealed");
            }
        }
        assert!(firsts.len() >= 3, "{firsts:?}");
    }

    #[test]
    fn a_seed_that_is_not_there_yet_is_waited_for_and_a_forgotten_one_opens_to_all() {
        assert_eq!(turn(&job(), &node(), None, 101), Turn::At(103));
        assert_eq!(turn(&job(), &node(), None, 103), Turn::At(104));
        assert_eq!(turn(&job(), &node(), Some(Found::Forgotten), 103), Turn::Now { seal: true });
        let forgotten = Job { seed: SeedRecord::Forgotten, ..job() };
        assert_eq!(turn(&forgotten, &node(), None, 103), Turn::Now { seal: false });
    }

    #[test]
    fn what_stands_in_the_way_is_waited_for_or_named_by_the_programs_code() {
        let now = 200;
        assert_eq!(turn(&job(), &node(), None, now), Turn::Now { seal: false });
        let mut jailed = node();
        jailed.standing.jailed_until_slot = 260;
        assert_eq!(turn(&job(), &jailed, None, now), Turn::At(260));
        let mut away = node();
        (away.standing.maintenance.start_slot, away.standing.maintenance.end_slot) = (190, 240);
        assert_eq!(turn(&job(), &away, None, now), Turn::At(241));
        let mut missed = node();
        missed.standing.unresolved = 1;
        assert_eq!(turn(&job(), &missed, None, now), Turn::AfterChange);
        assert_eq!(turn(&job(), &Node { open_jobs: 8, ..node() }, None, now), Turn::AfterChange);
        let code = |turn| match turn {
            Turn::Never(refusal) => refusal.code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code(turn(&job(), &Node { fraud_convictions: 1, ..node() }, None, now)), "P6244");
        let wanted = Job { filter: JobFilter { minimum_tier: 1, ..JobFilter::default() }, ..job() };
        assert_eq!(code(turn(&wanted, &node(), None, now)), "P6511");
        assert_eq!(code(turn(&job(), &Node { stake: 5, ..node() }, None, now)), "P6107");
    }
}
