//! What to do next for one job: a pure function of the chain, the journal and the slot.
//!
//! The service asks after every change and after every restart; nothing else decides. State on the chain is the truth,
//! the journal adds what the chain cannot know: which transaction may still land, and the computed result.

use crate::journal::{Executed, Outcome, Purpose, Record, Stage};
use assay::state::{Fault, Job};
use assay::state_machine::JobState;
use solana_sdk::pubkey::Pubkey;

/// The parts of a job's account that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobView {
    /// The job's state.
    pub phase: Phase,
    /// Last slot at which it can be claimed.
    pub claim_until: u64,
    /// Last slot at which a result can be committed, once claimed.
    pub commit_until: u64,
    /// First slot at which it can be finalised, once committed.
    pub final_from: u64,
    /// Whether this node holds it.
    pub ours: bool,
    /// Whether it is a receipt of a session that was called in.
    pub is_receipt: bool,
    /// What the node can withdraw.
    pub node_credit: u64,
    /// Challenges that have not ended.
    pub challenges_open: u32,
    /// Whether a dispute that convicted is settled, so that its accounts can be closed.
    pub is_dispute_settled: bool,
    /// What was proved, in words.
    pub fault: &'static str,
}

impl JobView {
    /// Whether the result can still be disputed at `slot`.
    pub fn is_disputable(&self, slot: u64) -> bool {
        let has_result = matches!(self.phase, Phase::Committed | Phase::Accepted);
        has_result && (slot < self.final_from || self.challenges_open > 0)
    }
}

impl JobView {
    /// What decides, out of a job's account; `node` is this node's address.
    pub fn of(job: &Job, node: &Pubkey) -> Self {
        Self {
            phase: match job.state {
                JobState::Posted => Phase::Posted,
                JobState::Claimed => Phase::Claimed,
                JobState::Committed => Phase::Committed,
                JobState::Settled => Phase::Settled,
                JobState::Cancelled | JobState::Expired => Phase::Ended,
                JobState::Missed => Phase::Missed,
                JobState::Accepted => Phase::Accepted,
                JobState::Convicted => Phase::Convicted,
            },
            claim_until: job.posted_slot.saturating_add(job.claim_slots),
            commit_until: job.claimed_slot.saturating_add(job.run_slots),
            // The last slot of the window still belongs to challengers.
            final_from: job.committed_slot.saturating_add(job.window_slots).saturating_add(1),
            ours: job.node == *node,
            is_receipt: job.is_receipt(),
            node_credit: job.credits.node,
            challenges_open: job.record.challenges_open,
            is_dispute_settled: job.record.settled,
            fault: words_of(job.record.fault),
        }
    }
}

/// A job's state on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for a claim.
    Posted,
    /// A node holds it.
    Claimed,
    /// A result is committed.
    Committed,
    /// The client accepted the result: the node is paid, its bond stays locked until the window is over.
    Accepted,
    /// Ended with payment.
    Settled,
    /// Ended without: cancelled or expired unclaimed.
    Ended,
    /// Ended because the node that held it did not deliver.
    Missed,
    /// Ended because the result was proved wrong, or withheld.
    Convicted,
}

/// Slots between two looks at a dispute that others have to settle.
const SETTLING_SLOTS: u64 = 50;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask what became of a transaction that was signed earlier, re-sending it while it can still land.
    Resolve(Purpose),
    /// Fetch and check all artifacts, then write the record.
    Admit,
    /// Promise: claim the job.
    Claim,
    /// Compute the result and store it.
    Execute,
    /// Commit to the stored result.
    Commit(Executed),
    /// Compute the result of a receipt that was called in once more, and store it: from then on it is a result that was
    /// committed to.
    Adopt,
    /// Nothing until this slot.
    Wait(u64),
    /// End the challenge window.
    Finalise,
    /// Answer challenges, and wait while there is nothing to answer.
    Defend,
    /// Close what was opened in disputes.
    CleanUp,
    /// Take the payment.
    Withdraw(u64),
    /// End the node's own claim, whose deadline has passed: what the miss leaves of the bond is free again.
    Expire,
    /// Write the end into the journal.
    Finish(Outcome),
    /// Nothing, for good.
    Done,
}

/// Decides the next step. `chain` is `None` when the account is closed; `slot` is the one at which it was read.
pub fn next_step(chain: Option<&JobView>, record: Option<&Record>, slot: u64) -> Step {
    if let Some(in_flight) = record.filter(|record| !record.is_finished()).and_then(|record| record.in_flight.as_ref())
    {
        return Step::Resolve(in_flight.purpose);
    }
    let stage = record.map(|record| &record.stage);
    if let Some(Stage::Finished(outcome)) = stage {
        // The chain is the truth: a claim that was given up for lost, and landed all the same, holds a bond.
        let given_up = matches!(outcome, Outcome::Lost { .. } | Outcome::Skipped(_));
        return match chain {
            Some(job) if given_up && job.ours => ours(job, None, None, slot),
            _ => Step::Done,
        };
    }
    let payment = record.and_then(|record| record.payment);
    let is_over = chain.is_none_or(|job| match job.phase {
        Phase::Settled => true,
        Phase::Convicted => job.is_dispute_settled,
        _ => false,
    });
    if is_over && record.and_then(|record| record.dispute.as_ref()).is_some_and(|dispute| !dispute.cleaned) {
        return Step::CleanUp;
    }
    match chain {
        None if record.is_some_and(|record| record.receipt.is_some()) => {
            stage.map_or(Step::Done, |_| Step::Finish(Outcome::Stood))
        }
        None => closed(stage, payment),
        Some(job) if job.ours => ours(job, stage, payment, slot),
        Some(job) => foreign(job, stage, slot),
    }
}

fn ours(job: &JobView, stage: Option<&Stage>, payment: Option<u64>, slot: u64) -> Step {
    match job.phase {
        Phase::Posted => foreign(job, stage, slot),
        Phase::Claimed if slot > job.commit_until => Step::Expire,
        Phase::Claimed => match stage {
            Some(Stage::Executed(executed) | Stage::Committed(executed)) => Step::Commit(executed.clone()),
            _ => Step::Execute,
        },
        Phase::Committed if job.is_receipt && stage.is_none() => Step::Adopt,
        Phase::Committed | Phase::Accepted if job.challenges_open > 0 => Step::Defend,
        Phase::Accepted if job.node_credit > 0 => Step::Withdraw(job.node_credit),
        Phase::Committed | Phase::Accepted if slot < job.final_from => Step::Wait(job.final_from),
        Phase::Committed | Phase::Accepted => Step::Finalise,
        Phase::Settled if job.node_credit > 0 => Step::Withdraw(job.node_credit),
        Phase::Settled if job.is_receipt => stage.map_or(Step::Done, |_| Step::Finish(Outcome::Stood)),
        // What the journal does not know, or no longer, was paid before.
        Phase::Settled => stage.map_or(Step::Done, |_| Step::Finish(Outcome::Paid { amount: payment.unwrap_or(0) })),
        Phase::Missed => stage.map_or(Step::Done, |_| {
            Step::Finish(Outcome::Missed { reason: format!("no result was committed by slot {}", job.commit_until) })
        }),
        // What the node opened in the dispute can be closed only when that is settled.
        Phase::Convicted if !job.is_dispute_settled => Step::Wait(slot.saturating_add(SETTLING_SLOTS)),
        Phase::Convicted => {
            stage.map_or(Step::Done, |_| Step::Finish(Outcome::Convicted { fault: job.fault.to_owned() }))
        }
        Phase::Ended => lost("the job ended"),
    }
}

fn foreign(job: &JobView, stage: Option<&Stage>, slot: u64) -> Step {
    match (job.phase, stage) {
        (Phase::Posted, _) if slot > job.claim_until => match stage {
            Some(_) => lost("nobody may claim it any more"),
            None => Step::Done,
        },
        (Phase::Posted, None) => Step::Admit,
        (Phase::Posted, Some(_)) => Step::Claim,
        (_, Some(_)) => lost("another node claimed it, or the client cancelled"),
        (_, None) => Step::Done,
    }
}

/// An account is closed only after all credits are withdrawn: what was ours has been paid out.
fn closed(stage: Option<&Stage>, payment: Option<u64>) -> Step {
    match stage {
        None => Step::Done,
        Some(Stage::Committed(_) | Stage::Settled(_)) => Step::Finish(Outcome::Paid { amount: payment.unwrap_or(0) }),
        Some(Stage::Claimed | Stage::Executed(_)) => {
            Step::Finish(Outcome::Missed { reason: "the job was closed before its result was seen to land".to_owned() })
        }
        Some(_) => lost("the job was closed"),
    }
}

/// A fault in words.
pub(crate) fn words_of(fault: Fault) -> &'static str {
    match fault {
        Fault::None => "nothing",
        Fault::WrongElement => "an element of the result is not what its op computes",
        Fault::BoundaryMismatch => "a segment that was signed differs from the boundary that was committed",
        Fault::Equivocation => "two roots of one segment were signed",
        Fault::Withheld => "what was demanded was not opened in time",
    }
}

fn lost(reason: &str) -> Step {
    Step::Finish(Outcome::Lost { reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{CalledIn, DisputeLog, InFlight};

    fn view(phase: Phase, ours: bool) -> JobView {
        JobView {
            phase,
            claim_until: 100,
            commit_until: 200,
            final_from: 300,
            ours,
            is_receipt: false,
            node_credit: 0,
            challenges_open: 0,
            is_dispute_settled: false,
            fault: "",
        }
    }

    fn record(stage: Stage) -> Record {
        Record::new(&Pubkey::new_unique(), stage, 1)
    }

    fn executed() -> Executed {
        Executed { manifest: [1; 32], boundary_root: [2; 32], output_root: [3; 32], output_path: vec![] }
    }

    #[test]
    fn a_new_job_is_admitted_then_claimed_and_a_late_one_is_left() {
        let job = view(Phase::Posted, false);
        assert_eq!(next_step(Some(&job), None, 50), Step::Admit);
        assert_eq!(next_step(Some(&job), Some(&record(Stage::Admitted)), 100), Step::Claim);
        assert_eq!(next_step(Some(&job), None, 101), Step::Done);
        assert!(matches!(
            next_step(Some(&job), Some(&record(Stage::Admitted)), 101),
            Step::Finish(Outcome::Lost { .. })
        ));
    }

    #[test]
    fn a_transaction_in_flight_is_resolved_before_anything_else() {
        let mut promised = record(Stage::Admitted);
        promised.in_flight = Some(InFlight { purpose: Purpose::Claim, signature: String::new(), transaction: vec![] });
        for phase in [Phase::Posted, Phase::Claimed, Phase::Committed, Phase::Settled] {
            for ours in [false, true] {
                let step = next_step(Some(&view(phase, ours)), Some(&promised), 50);
                assert_eq!(step, Step::Resolve(Purpose::Claim));
            }
        }
        assert_eq!(next_step(None, Some(&promised), 50), Step::Resolve(Purpose::Claim));
    }

    #[test]
    fn a_claimed_job_is_computed_once_and_committed_even_if_the_journal_forgot_the_claim() {
        let job = view(Phase::Claimed, true);
        assert_eq!(next_step(Some(&job), None, 150), Step::Execute);
        assert_eq!(next_step(Some(&job), Some(&record(Stage::Claimed)), 150), Step::Execute);
        let step = next_step(Some(&job), Some(&record(Stage::Executed(executed()))), 200);
        assert_eq!(step, Step::Commit(executed()));
        for stage in [Stage::Claimed, Stage::Executed(executed())] {
            assert_eq!(next_step(Some(&job), Some(&record(stage.clone())), 201), Step::Expire);
            let missed = next_step(Some(&view(Phase::Missed, true)), Some(&record(stage)), 202);
            assert!(matches!(missed, Step::Finish(Outcome::Missed { .. })));
        }
        assert_eq!(next_step(Some(&job), None, 201), Step::Expire);
    }

    #[test]
    fn a_committed_job_waits_for_its_window_then_settles_and_pays() {
        let mut job = view(Phase::Committed, true);
        let committed = record(Stage::Committed(executed()));
        assert_eq!(next_step(Some(&job), Some(&committed), 299), Step::Wait(300));
        assert_eq!(next_step(Some(&job), Some(&committed), 300), Step::Finalise);
        job.phase = Phase::Settled;
        job.node_credit = 7;
        assert_eq!(next_step(Some(&job), Some(&committed), 301), Step::Withdraw(7));
        job.node_credit = 0;
        let mut committed = committed;
        committed.payment = Some(9);
        let paid = Step::Finish(Outcome::Paid { amount: 9 });
        assert_eq!(next_step(Some(&job), Some(&committed), 301), paid);
        assert_eq!(next_step(None, Some(&committed), 301), paid, "closed by whoever withdrew");
    }

    fn disputed(stage: Stage, cleaned: bool) -> Record {
        Record { dispute: Some(DisputeLog { cleaned, ..DisputeLog::default() }), ..record(stage) }
    }

    #[test]
    fn a_challenged_result_is_defended_before_anything_else_and_never_finalised() {
        for phase in [Phase::Committed, Phase::Accepted] {
            let job = JobView { challenges_open: 1, node_credit: 7, ..view(phase, true) };
            for (slot, disputable) in [(250, true), (900, true)] {
                let step = next_step(Some(&job), Some(&record(Stage::Committed(executed()))), slot);
                assert_eq!((step, job.is_disputable(slot)), (Step::Defend, disputable));
            }
            assert_eq!(next_step(Some(&job), None, 250), Step::Defend, "whatever the journal says");
            let calm = JobView { challenges_open: 0, node_credit: 0, ..job };
            assert!(calm.is_disputable(299) && !calm.is_disputable(300));
            assert_eq!(next_step(Some(&calm), None, 300), Step::Finalise);
        }
    }

    #[test]
    fn an_accepted_job_is_paid_at_once_and_finalised_after_its_window() {
        let mut job = JobView { node_credit: 7, ..view(Phase::Accepted, true) };
        let committed = record(Stage::Committed(executed()));
        assert_eq!(next_step(Some(&job), Some(&committed), 250), Step::Withdraw(7));
        job.node_credit = 0;
        assert_eq!(next_step(Some(&job), Some(&committed), 299), Step::Wait(300));
        assert_eq!(next_step(Some(&job), Some(&committed), 300), Step::Finalise);
    }

    #[test]
    fn what_was_opened_in_a_dispute_is_closed_before_the_job_is_over_for_the_node() {
        let stage = || Stage::Committed(executed());
        let settled = JobView { node_credit: 7, ..view(Phase::Settled, true) };
        assert_eq!(next_step(Some(&settled), Some(&disputed(stage(), false)), 400), Step::CleanUp);
        assert_eq!(next_step(Some(&settled), Some(&disputed(stage(), true)), 400), Step::Withdraw(7));
        assert_eq!(next_step(None, Some(&disputed(stage(), false)), 400), Step::CleanUp);
        let mut convicted = JobView { fault: "withheld", ..view(Phase::Convicted, true) };
        assert!(matches!(next_step(Some(&convicted), Some(&disputed(stage(), false)), 400), Step::Wait(_)));
        convicted.is_dispute_settled = true;
        assert_eq!(next_step(Some(&convicted), Some(&disputed(stage(), false)), 400), Step::CleanUp);
        let end = Step::Finish(Outcome::Convicted { fault: "withheld".to_owned() });
        assert_eq!(next_step(Some(&convicted), Some(&disputed(stage(), true)), 400), end);
        assert_eq!(next_step(Some(&convicted), Some(&record(stage())), 400), end);
        assert_eq!(next_step(Some(&convicted), None, 400), Step::Done);
    }

    #[test]
    fn a_claim_that_was_given_up_and_landed_all_the_same_is_kept() {
        let skipped = Outcome::Skipped(crate::refusal::Refusal::new("N0208", "r", "x"));
        for outcome in [Outcome::Lost { reason: String::new() }, skipped] {
            let given_up = record(Stage::Finished(outcome));
            assert_eq!(next_step(Some(&view(Phase::Claimed, true)), Some(&given_up), 150), Step::Execute);
            assert_eq!(next_step(Some(&view(Phase::Claimed, true)), Some(&given_up), 201), Step::Expire);
            for phase in [Phase::Posted, Phase::Claimed, Phase::Committed, Phase::Settled, Phase::Ended] {
                assert_eq!(next_step(Some(&view(phase, false)), Some(&given_up), 50), Step::Done);
            }
            assert_eq!(next_step(None, Some(&given_up), 50), Step::Done);
        }
    }

    #[test]
    fn a_receipt_that_was_called_in_is_computed_again_first_and_then_defended_like_any_result() {
        let called_in = JobView { is_receipt: true, ..view(Phase::Committed, true) };
        for challenges_open in [0, 1] {
            let job = JobView { challenges_open, ..called_in };
            assert_eq!(next_step(Some(&job), None, 250), Step::Adopt);
        }
        let adopted = Record { receipt: Some(CalledIn::default()), ..record(Stage::Committed(executed())) };
        assert_eq!(next_step(Some(&called_in), Some(&adopted), 250), Step::Wait(300));
        let challenged = JobView { challenges_open: 1, ..called_in };
        assert_eq!(next_step(Some(&challenged), Some(&adopted), 250), Step::Defend);
        assert_eq!(next_step(Some(&called_in), Some(&adopted), 300), Step::Finalise);
        let settled = JobView { is_receipt: true, ..view(Phase::Settled, true) };
        assert_eq!(next_step(Some(&settled), Some(&adopted), 301), Step::Finish(Outcome::Stood));
        assert_eq!(next_step(None, Some(&adopted), 301), Step::Finish(Outcome::Stood));
        assert_eq!(next_step(Some(&settled), None, 301), Step::Done);
        let foreign = JobView { ours: false, ..called_in };
        assert_eq!(next_step(Some(&foreign), None, 250), Step::Done);
    }

    #[test]
    fn what_is_over_and_forgotten_is_left_alone() {
        assert_eq!(next_step(Some(&view(Phase::Settled, true)), None, 400), Step::Done);
        assert_eq!(next_step(Some(&view(Phase::Missed, true)), None, 400), Step::Done);
        let owed = JobView { node_credit: 3, ..view(Phase::Settled, true) };
        assert_eq!(next_step(Some(&owed), None, 400), Step::Withdraw(3));
    }

    #[test]
    fn what_others_hold_is_left_alone() {
        for phase in [Phase::Claimed, Phase::Committed, Phase::Settled, Phase::Missed, Phase::Ended] {
            assert_eq!(next_step(Some(&view(phase, false)), None, 50), Step::Done);
            assert!(matches!(
                next_step(Some(&view(phase, false)), Some(&record(Stage::Admitted)), 50),
                Step::Finish(Outcome::Lost { .. })
            ));
        }
        assert_eq!(next_step(None, None, 50), Step::Done);
    }

    #[test]
    fn nothing_follows_the_end() {
        let finished = record(Stage::Finished(Outcome::Paid { amount: 1 }));
        for phase in [Phase::Posted, Phase::Claimed, Phase::Committed, Phase::Settled, Phase::Missed, Phase::Ended] {
            assert_eq!(next_step(Some(&view(phase, true)), Some(&finished), 50), Step::Done);
        }
    }
}
