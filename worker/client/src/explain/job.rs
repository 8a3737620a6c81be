//! What became of a job, and what comes next.

use super::{Finding, found, refused};
use assay::AssayError;
use assay::fairness::endings::Reason;
use assay::fairness::sortition::Opening;
use assay::state::Job;
use assay::state_machine::JobState;
use assay::units::Slot;

/// What became of a job as of `slot`, in the order in which it happened, and what its client can do now.
pub fn explain_job(job: &Job, slot: u64) -> Vec<Finding> {
    let mut findings = vec![beginning(job)];
    if job.claimed_slot != 0 {
        let text = format!(
            "node {} claimed it in slot {} at a price of {} base units and locked a bond of {}",
            job.node, job.claimed_slot, job.price, job.bond
        );
        findings.push(found("Claimed", text));
    }
    if job.committed_slot != 0 {
        let until = job.committed_slot.saturating_add(job.window_slots);
        let text = format!(
            "the result was committed in slot {}; until slot {until} anybody can prove it wrong",
            job.committed_slot
        );
        findings.push(found("Committed", text));
    }
    if job.late_bps > 0 {
        let text = format!("the result was late by {} of 10,000 of the time that was left", job.late_bps);
        findings.push(found("Late", text));
    }
    if job.record.challenges_open > 0 {
        let text = format!("{} challenges are open; the job cannot end before they do", job.record.challenges_open);
        findings.push(found("Challenged", text));
    }
    if job.unavailable_open > 0 {
        let text = format!("{} filings that the output is unavailable are open", job.unavailable_open);
        findings.push(found("Unavailable", text));
    }
    if job.reason != Reason::Open {
        let text = format!("the job is over as {:?}; whose fault that was: {:?}", job.state, job.fault_side);
        findings.push(found(&format!("{:?}", job.reason), text));
    }
    findings.push(next(job, slot));
    findings
}

fn beginning(job: &Job) -> Finding {
    let price = match job.price_min == job.price_max {
        true => format!("at a price of {} base units", job.price_max),
        false => format!("at a price that rises from {} to {} base units", job.price_min, job.price_max),
    };
    let to = match job.is_invitation() {
        true => format!(" to node {} alone", job.invited_node),
        false => String::new(),
    };
    found("Posted", format!("it was offered in slot {} {price}{to}", job.posted_slot))
}

/// What the client can do now, or what it waits for.
fn next(job: &Job, slot: u64) -> Finding {
    let passed = |start: u64, length: u64| slot > start.saturating_add(length);
    let until = |start: u64, length: u64| start.saturating_add(length);
    match job.state {
        JobState::Posted if passed(job.posted_slot, job.claim_slots) => refused(AssayError::ClaimWindowClosed),
        JobState::Posted => {
            let who = match job.sortition.opening(Slot(slot)) {
                _ if job.is_invitation() => "the invited node may claim it".to_owned(),
                Opening::Closed => "nodes are about to be drawn".to_owned(),
                Opening::Expected(nodes) => format!("about {nodes} nodes, drawn by their weight, may claim it"),
                Opening::All => "every node that it admits may claim it".to_owned(),
            };
            let last = until(job.posted_slot, job.claim_slots);
            found("AwaitsClaim", format!("{who} until slot {last}; its client can cancel it before a claim"))
        }
        JobState::Claimed if passed(job.claimed_slot, job.run_slots) => {
            found("Overdue", "the node is late: anybody can end the claim now, and everything returns".to_owned())
        }
        JobState::Claimed => {
            let last = until(job.claimed_slot, job.run_slots);
            found("AwaitsResult", format!("the node has to commit to a result until slot {last}"))
        }
        JobState::Committed | JobState::Accepted if passed(job.committed_slot, job.window_slots) => {
            found("AwaitsSettlement", "the window is over: anybody can settle it once no challenge is open".to_owned())
        }
        JobState::Committed => {
            let last = until(job.committed_slot, job.window_slots);
            found("InWindow", format!("the result can be fetched and replayed now; it settles after slot {last}"))
        }
        JobState::Accepted => {
            let last = until(job.committed_slot, job.window_slots);
            found("InWindow", format!("the client accepted early; the node stays liable until slot {last}"))
        }
        JobState::Settled | JobState::Cancelled | JobState::Expired | JobState::Missed | JobState::Convicted => {
            let text = match (job.credits.client, job.charge_credit) {
                (0, 0) => {
                    "nothing is owed to the client any more but the rent, which returns with the closing".to_owned()
                }
                (owed, 0) => format!("{owed} base units are owed to the client: reclaim them, and the rent"),
                (owed, charge) => format!(
                    "{owed} base units are owed to the client, and {charge} of the stake mint for the miss: reclaim them, and the rent"
                ),
            };
            found("Reclaim", text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::pubkey::Pubkey;

    fn job(state: JobState) -> Job {
        Job {
            state,
            node: Pubkey::new_from_array([7; 32]),
            price_min: 10,
            price_max: 20,
            price: 15,
            posted_slot: 100,
            claim_slots: 10,
            run_slots: 20,
            window_slots: 30,
            ..Job::default()
        }
    }

    fn codes(job: &Job, slot: u64) -> Vec<String> {
        explain_job(job, slot).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn each_state_says_what_comes_next_and_deadlines_are_exact() {
        let posted = job(JobState::Posted);
        assert_eq!(codes(&posted, 110), ["Posted", "AwaitsClaim"]);
        assert_eq!(codes(&posted, 111), ["Posted", "P6101"], "the program's own refusal of a claim");
        let claimed = Job { claimed_slot: 105, ..job(JobState::Claimed) };
        assert_eq!(codes(&claimed, 125), ["Posted", "Claimed", "AwaitsResult"]);
        assert_eq!(codes(&claimed, 126), ["Posted", "Claimed", "Overdue"]);
        let committed = Job { committed_slot: 120, claimed_slot: 105, ..job(JobState::Committed) };
        assert_eq!(codes(&committed, 150), ["Posted", "Claimed", "Committed", "InWindow"]);
        assert_eq!(codes(&committed, 151), ["Posted", "Claimed", "Committed", "AwaitsSettlement"]);
        let settled = Job { state: JobState::Settled, reason: Reason::CompletedLate, late_bps: 9, ..committed };
        assert_eq!(codes(&settled, 200), ["Posted", "Claimed", "Committed", "Late", "CompletedLate", "Reclaim"]);
    }

    #[test]
    fn what_is_owed_and_what_stands_in_the_way_is_named() {
        let mut missed = Job { claimed_slot: 105, reason: Reason::NoShow, charge_credit: 4, ..job(JobState::Missed) };
        missed.credits.client = 20;
        let last = explain_job(&missed, 200).pop().unwrap();
        assert!(last.text.starts_with("20 base units are owed to the client, and 4 of the stake mint"), "{last:?}");
        let mut disputed =
            Job { claimed_slot: 105, committed_slot: 120, unavailable_open: 2, ..job(JobState::Committed) };
        disputed.record.challenges_open = 1;
        assert_eq!(codes(&disputed, 130)[3..], ["Challenged", "Unavailable", "InWindow"]);
    }

    #[test]
    fn the_price_and_the_invitation_are_told() {
        let invited = Job { invited_node: Pubkey::new_from_array([9; 32]), price_min: 20, ..job(JobState::Posted) };
        let told = explain_job(&invited, 101);
        assert!(told[0].text.contains("at a price of 20") && told[0].text.contains("alone"), "{told:?}");
        assert!(told[1].text.starts_with("the invited node"), "{told:?}");
        assert!(explain_job(&job(JobState::Posted), 101)[0].text.contains("rises from 10 to 20"));
    }
}
