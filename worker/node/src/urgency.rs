//! How much depends on a transaction of the node landing soon: a pure function of what it is for and how much time is left.

use crate::market::{Action, Move, SessionAction};
use assay::state::Job;
use assay_chain::Urgency;

/// How urgent the next step of a job is at `slot`. A commit that comes too late costs a part of the bond.
pub fn of_action(job: &Job, action: &Action, slot: u64) -> Urgency {
    match action {
        Action::Claim { .. } | Action::Finalise | Action::Expire => Urgency::Normal,
        Action::Withdraw => Urgency::Low,
        Action::Commit { .. } => match job.run_deadline() {
            Ok(deadline) => Urgency::of_clock(deadline.last().0.saturating_sub(slot), job.run_slots),
            // A deadline that cannot be counted is none that can be waited for.
            Err(_) => Urgency::Highest,
        },
    }
}

/// How urgent a step of a session is.
pub fn of_session_action(action: &SessionAction) -> Urgency {
    match action {
        // A client waits for the one, the pay of many requests hangs on the other.
        SessionAction::Accept | SessionAction::Record(_) => Urgency::Normal,
        SessionAction::Finalise | SessionAction::Withdraw => Urgency::Low,
    }
}

/// How urgent moves of a dispute are at `slot`, when an answer is due at `due_slot` and a clock is low with less than `low_slots` left.
/// Whoever does not answer in time is convicted.
pub fn of_moves(moves: &[Move], due_slot: Option<u64>, slot: u64, low_slots: u64) -> Urgency {
    let of_one = |one: &Move| match one {
        Move::RecordRoot { .. } | Move::OpenBuffer { .. } | Move::WriteBuffer { .. } | Move::Answer { .. } => {
            let left = due_slot.map_or(u64::MAX, |due| due.saturating_sub(slot));
            Urgency::of_clock(left, low_slots).max(Urgency::High)
        }
        Move::TimeOut { .. } => Urgency::Normal,
        Move::CloseBuffer { .. } | Move::CloseDemand { .. } | Move::CloseClaim { .. } => Urgency::Low,
    };
    moves.iter().map(of_one).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: Action =
        Action::Commit { boundary_root: [0; 32], output_root: [0; 32], output_path: Vec::new(), manifest: [0; 32] };

    #[test]
    fn a_commit_is_the_more_urgent_the_less_of_its_time_is_left() {
        let job = Job { claimed_slot: 1_000, run_slots: 100, ..Job::default() };
        let last = job.run_deadline().unwrap().last().0;
        let at = |slot| of_action(&job, &COMMIT, slot);
        assert_eq!(at(1_000), Urgency::Normal);
        assert_eq!((at(last - 51), at(last - 50), at(last - 26)), (Urgency::Normal, Urgency::High, Urgency::High));
        assert_eq!((at(last - 25), at(last + 1)), (Urgency::Highest, Urgency::Highest));
        assert_eq!(of_action(&job, &Action::Claim { seal: false }, last), Urgency::Normal);
        assert_eq!(of_action(&job, &Action::Withdraw, last), Urgency::Low);
    }

    #[test]
    fn an_answer_is_urgent_and_the_most_when_its_clock_runs_out() {
        let write = Move::WriteBuffer { id: 1, offset: 0, bytes: Vec::new() };
        let close = Move::CloseBuffer { id: 1 };
        let of = |moves: &[Move], left: Option<u64>| of_moves(moves, left.map(|left| 500 + left), 500, 900);
        assert_eq!(of(std::slice::from_ref(&write), None), Urgency::High);
        assert_eq!(of(std::slice::from_ref(&write), Some(900)), Urgency::High);
        assert_eq!(of(std::slice::from_ref(&write), Some(225)), Urgency::Highest);
        assert_eq!(of(&[close.clone(), write], Some(0)), Urgency::Highest, "the most urgent one counts");
        assert_eq!(of(&[close], Some(0)), Urgency::Low, "what is closed answers nothing");
    }
}
