//! Why a node may claim a job or not, and what became of it.

use super::{Finding, found, refused};
use assay::AssayError;
use assay::audit::Epoch;
use assay::fairness::endings::Reason;
use assay::fairness::reputation::score_in_basis_points;
use assay::fairness::seed::Found;
use assay::fairness::sortition::{Opening, SeedRecord, Ticket};
use assay::state::{Job, Node, Parameters};
use assay::state_machine::JobState;
use assay::units::Slot;
use assay_chain::{Chain, ChainError, program_error};
use solana_sdk::pubkey::Pubkey;

/// What there is to say about one node and one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeExplanation {
    /// The slot as of which it is said.
    pub slot: u64,
    /// What is the case, each with its code.
    pub findings: Vec<Finding>,
}

/// Why the node may claim the job or not, and what became of it.
///
/// # Errors
/// There is no such node or job, or the chain does not answer.
pub async fn explain_node(
    chain: &Chain,
    node_address: &Pubkey,
    job_address: &Pubkey,
) -> Result<NodeExplanation, ChainError> {
    let parameters = chain.network().await?.parameters;
    let (node, job, slot) = (chain.node(node_address).await?, chain.job(job_address).await?, chain.slot().await?);
    let is_open = job.seed == SeedRecord::Open && slot > job.sortition.seed_slot;
    let remembered = if is_open { chain.slot_hash_at(job.sortition.seed_slot).await? } else { None };
    let case = Case { job_address, job: &job, node_address, node: &node, parameters: &parameters, remembered, slot };
    Ok(NodeExplanation { slot, findings: case.findings() })
}

/// What decides, as the chain shows it.
struct Case<'a> {
    job_address: &'a Pubkey,
    job: &'a Job,
    node_address: &'a Pubkey,
    node: &'a Node,
    parameters: &'a Parameters,
    remembered: Option<Found>,
    slot: u64,
}

impl Case<'_> {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.job.state {
            JobState::Posted => findings.extend(self.of_a_claim()),
            _ if self.job.node == *self.node_address => findings.extend(self.of_its_own_job()),
            _ => {
                let text = match self.job.node == Pubkey::default() {
                    true => "nobody claimed the job".to_owned(),
                    false => format!("{} claimed the job in slot {}", self.job.node, self.job.claimed_slot),
                };
                findings.push(found("NotChosen", text));
                findings.extend(self.of_the_draw());
            }
        }
        findings.push(found(
            "Score",
            format!("{} of 10,000, as its last change left it", score_in_basis_points(self.node.score).0),
        ));
        findings
    }

    /// Every rule that the program would refuse the claim by; if there is none, that it would not.
    fn of_a_claim(&self) -> Vec<Finding> {
        let (job, node, now) = (self.job, self.node, Slot(self.slot));
        let mut findings = Vec::new();
        if job.claim_deadline().is_ok_and(|deadline| deadline.has_passed(now)) {
            findings.push(refused(AssayError::ClaimWindowClosed));
        }
        if !job.invites(self.node_address) {
            findings.push(refused(AssayError::NotInvited));
        }
        findings.extend(node.check_may_take(now, self.parameters).err().map(refused));
        if node.stake < job.minimum_stake {
            findings.push(refused(AssayError::StakeBelowJobMinimum));
        }
        let shown = node.shown_profile(now, &self.parameters.scheduling);
        findings.extend(job.filter.check(&shown).err().map(|rule| refused(rule.into())));
        if !job.is_invitation() {
            findings.extend(self.of_the_draw());
        }
        if findings.is_empty() {
            findings.push(found("MayClaim", "no rule stands in the way of a claim now".to_owned()));
        }
        findings
    }

    /// Where the node's ticket puts it, if that is known and anybody is drawn at all.
    fn of_the_draw(&self) -> Vec<Finding> {
        let sortition = &self.job.sortition;
        if sortition.opening(Slot(sortition.seed_slot)) == Opening::All {
            return Vec::new();
        }
        let seed = match (&self.job.seed, self.remembered) {
            (SeedRecord::Sealed(seed), _) => *seed,
            (SeedRecord::Open, Some(Found::Seed { hash, .. })) => hash,
            (SeedRecord::Forgotten, _) | (SeedRecord::Open, Some(Found::Forgotten)) => {
                return vec![found("SeedForgotten", "the chain forgot the seed: the job is open to all".to_owned())];
            }
            (SeedRecord::Open, None) => return vec![refused(AssayError::SeedNotSealed)],
        };
        let ticket = Ticket::new(&seed, self.job_address, self.node_address);
        let weight = self.node.claimable_weight(Epoch(sortition.epoch), self.parameters).unwrap_or(0);
        let Ok(first) = sortition.first_slot(ticket, weight) else { return Vec::new() };
        let text = format!(
            "ticket {} of 2^64, weight {weight} of {}: drawn from slot {} on, it is slot {}",
            ticket.0, sortition.total_weight, first.0, self.slot
        );
        if self.job.state == JobState::Posted && self.slot < first.0 {
            return vec![Finding { code: program_error::code(AssayError::NotDrawnYet), text }];
        }
        if self.job.state == JobState::Posted { Vec::new() } else { vec![found("Draw", text)] }
    }

    fn of_its_own_job(&self) -> Vec<Finding> {
        let job = self.job;
        let mut findings =
            vec![found("Chosen", format!("claimed in slot {} at a price of {}", job.claimed_slot, job.price))];
        if job.reason == Reason::Open {
            findings.push(found("Open", format!("the job is {:?}; nothing is decided", job.state)));
            return findings;
        }
        findings.push(found(&format!("{:?}", job.reason), format!("fault: {:?}", job.fault_side)));
        if job.late_bps > 0 {
            let text = format!("late by {} of 10,000 of the time that was left", job.late_bps);
            findings.push(found("Late", text));
        }
        match job.state {
            JobState::Settled => {
                findings.push(found("Paid", format!("{} is owed to the node, or was paid", job.credits.node)));
            }
            JobState::Missed => findings.push(found(
                "Charged",
                format!(
                    "the client's charge, of which {} is still owed, out of a bond of {}",
                    job.charge_credit, job.bond
                ),
            )),
            JobState::Convicted => findings.push(found(
                "Slashed",
                format!(
                    "{:?}: the bond of {} and {} of 10,000 of the stake",
                    job.record.fault, job.bond, job.dispute.slash_bps
                ),
            )),
            _ => {}
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::fairness::filter::JobFilter;
    use assay::state::SchedulingParameters;

    fn codes(job: &Job, node: &Node) -> Vec<String> {
        let scheduling = SchedulingParameters { stake_per_job: 1, ..SchedulingParameters::default() };
        let parameters = Parameters { maximum_open_jobs_per_node: 4, scheduling, ..Parameters::default() };
        let (job_address, node_address) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let case = Case {
            job_address: &job_address,
            job,
            node_address: &node_address,
            node,
            parameters: &parameters,
            remembered: None,
            slot: 100,
        };
        case.findings().into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn every_rule_in_the_way_is_named_by_the_programs_code() {
        let node = Node { stake: 10, ..Node::default() };
        let job = Job { posted_slot: 90, claim_slots: 50, ..Job::default() };
        assert_eq!(codes(&job, &node), ["MayClaim", "Score"]);
        let picky = Job {
            minimum_stake: 11,
            invited_node: Pubkey::new_from_array([9; 32]),
            filter: JobFilter { minimum_tier: 1, ..JobFilter::default() },
            claim_slots: 5,
            ..job
        };
        let mut missed = node;
        missed.standing.unresolved = 1;
        assert_eq!(codes(&picky, &missed), ["P6101", "P6354", "P6522", "P6106", "P6511", "Score"]);
    }

    #[test]
    fn what_became_of_its_own_job_is_told() {
        let own = Job {
            state: JobState::Missed,
            node: Pubkey::new_from_array([2; 32]),
            reason: Reason::NoShow,
            ..Job::default()
        };
        assert_eq!(codes(&own, &Node::default()), ["Chosen", "NoShow", "Charged", "Score"]);
        let others = Job { node: Pubkey::new_from_array([3; 32]), ..own };
        assert_eq!(codes(&others, &Node::default()), ["NotChosen", "Score"]);
    }
}
