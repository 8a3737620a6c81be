//! What happened to a job.

use super::{Folded, snake, somebody};
use crate::shape::{Amount, Change};
use assay::state::Job;
use assay::state_machine::JobState;

pub(super) fn changes(before: Option<&Job>, after: &Job, slot: u64) -> Vec<Folded> {
    let mut told = Vec::new();
    if before.is_none() {
        told.push(Folded::exact(after.posted_slot, posted(after)));
    }
    if after.claimed_slot != 0 && before.is_none_or(|before| before.claimed_slot == 0) {
        let change = Change::JobClaimed { node: after.node.to_string(), price: Amount(after.price) };
        told.push(Folded::exact(after.claimed_slot, change));
    }
    if after.committed_slot != 0 && before.is_none_or(|before| before.committed_slot == 0) {
        let change = Change::JobCommitted {
            node: after.node.to_string(),
            output_root: hex::encode(after.output_root),
            late_bps: after.late_bps,
        };
        told.push(Folded::exact(after.committed_slot, change));
    }
    let challenges = |job: &Job| (job.record.challenges_open, job.record.challenges_lost, job.record.valid_claims);
    if challenges(after) != before.map_or((0, 0, 0), challenges) {
        let (open, lost, valid) = challenges(after);
        told.push(Folded::seen(slot, Change::JobChallenged { open, lost, valid }));
    }
    if before.is_none_or(|before| before.state != after.state) {
        match after.state {
            JobState::Accepted => told.push(Folded::seen(slot, Change::JobAccepted {})),
            JobState::Convicted => told.push(Folded::exact(after.record.convicted_slot, ended(after))),
            state if state.is_end() => told.push(Folded::seen(slot, ended(after))),
            _ => {}
        }
    }
    told
}

fn posted(job: &Job) -> Change {
    Change::JobPosted {
        client: job.client.to_string(),
        mint: job.payment_mint.to_string(),
        price_min: Amount(job.price_min),
        price_max: Amount(job.price_max),
        bond: Amount(job.bond),
        session: somebody(&job.session),
    }
}

fn ended(job: &Job) -> Change {
    Change::JobEnded {
        state: snake(&job.state),
        reason: snake(&job.reason),
        fault_side: snake(&job.fault_side),
        fault: snake(&job.record.fault),
        mint: job.payment_mint.to_string(),
        price: Amount(job.price),
        paid: Amount(paid(job)),
        charge: Amount(job.charge_credit),
    }
}

/// What the job's price came to, in base units of its mint. It cannot overflow: it is a share of the price.
fn paid(job: &Job) -> u64 {
    match job.state {
        JobState::Settled => job.earned_price().map_or(job.price, |earned| earned.0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted_job() -> Job {
        Job { posted_slot: 10, price_min: 1, price_max: 5, ..Job::default() }
    }

    fn committed_job() -> Job {
        Job { state: JobState::Committed, claimed_slot: 12, committed_slot: 15, price: 3, ..posted_job() }
    }

    fn settled_job() -> Job {
        Job { state: JobState::Settled, ..committed_job() }
    }

    fn names(told: &[Folded]) -> Vec<(u64, bool, String)> {
        told.iter()
            .map(|folded| {
                let value = serde_json::to_value(&folded.change).unwrap();
                (folded.slot, folded.exact, value["change"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    fn whole(told: &[(u64, bool, &str)]) -> Vec<(u64, bool, String)> {
        told.iter().map(|(slot, exact, name)| (*slot, *exact, (*name).to_owned())).collect()
    }

    /// Who looks at every step, and who looks once at the end, tell the same.
    #[test]
    fn a_gap_loses_no_step() {
        let mut steps = Vec::new();
        let states = [posted_job(), committed_job(), settled_job()];
        let mut before: Option<&Job> = None;
        for (slot, state) in [(10, &states[0]), (16, &states[1]), (40, &states[2])] {
            steps.extend(changes(before, state, slot));
            before = Some(state);
        }
        let at_once = changes(None, &states[2], 40);
        assert_eq!(steps, at_once);
        assert_eq!(
            names(&at_once),
            whole(&[
                (10, true, "job_posted"),
                (12, true, "job_claimed"),
                (15, true, "job_committed"),
                (40, false, "job_ended")
            ])
        );
    }

    #[test]
    fn the_same_state_tells_nothing() {
        assert_eq!(changes(Some(&settled_job()), &settled_job(), 50), []);
        // Credits that are withdrawn are no news of the job.
        let mut paid = settled_job();
        paid.credits.node = 9;
        assert_eq!(changes(Some(&settled_job()), &paid, 50), []);
    }

    #[test]
    fn a_conviction_has_the_slot_that_the_job_says() {
        let mut convicted = Job { state: JobState::Convicted, ..committed_job() };
        convicted.record.convicted_slot = 33;
        convicted.record.valid_claims = 1;
        let told = changes(Some(&committed_job()), &convicted, 40);
        assert_eq!(names(&told), whole(&[(40, false, "job_challenged"), (33, true, "job_ended")]));
    }

    #[test]
    fn an_accepted_job_is_not_ended_yet() {
        let accepted = Job { state: JobState::Accepted, ..committed_job() };
        assert_eq!(names(&changes(Some(&committed_job()), &accepted, 20)), whole(&[(20, false, "job_accepted")]));
        assert_eq!(names(&changes(Some(&accepted), &settled_job(), 40)), whole(&[(40, false, "job_ended")]));
    }

    #[test]
    fn what_a_late_result_loses_was_not_paid() {
        let ending = |job: &Job| match changes(Some(&committed_job()), job, 40).pop().unwrap().change {
            Change::JobEnded { price, paid, .. } => (price.0, paid.0),
            other => panic!("{other:?}"),
        };
        let settled = Job { price: 1_000, late_price_bps: 5_000, ..settled_job() };
        assert_eq!(ending(&settled), (1_000, 1_000));
        // Half of the time that there was: half of the most that lateness takes.
        let late = Job { late_bps: 5_000, ..settled };
        assert_eq!(ending(&late), (1_000, 750));
        assert_eq!(ending(&Job { state: JobState::Convicted, ..late }), (1_000, 0));
    }
}
