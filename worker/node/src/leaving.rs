//! How a node leaves for good: it takes nothing new, and ends when everything it promised is over. What holds it is read from
//! journal and chain by a pure function, so that people can ask before they begin and while it goes on.

use crate::journal::{Record, SessionRecord, Stage};
use crate::sessions::steps::{SessionPhase, SessionView};
use crate::steps::{JobView, Phase};
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// What holds a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// `job`, `session`, `stake` or `delegation`.
    pub what: String,
    /// Address of the job or the session, base58; nothing where it is the node's own account.
    pub address: Option<String>,
    /// Why, and what has to happen.
    pub words: String,
    /// The first slot at which it can be over; nothing where that depends on others.
    pub until_slot: Option<u64>,
    /// Whether the service has to run until then.
    pub needs_service: bool,
}

impl Hold {
    fn of(what: &str, address: &str, words: &str, until_slot: Option<u64>) -> Self {
        let (what, words, address) = (what.to_owned(), words.to_owned(), Some(address.to_owned()));
        Self { what, address, words, until_slot, needs_service: true }
    }
}

/// Whether the node has, or may have, promised something in this job that is not over.
pub fn holds_job(record: &Record) -> bool {
    !record.is_finished() && (record.in_flight.is_some() || record.stage != Stage::Admitted)
}

/// What a job holds, if anything; `view` is its account, if there still is one.
pub fn job_hold(record: &Record, view: Option<&JobView>) -> Option<Hold> {
    if !holds_job(record) {
        return None;
    }
    let hold = |words: &str, until| Some(Hold::of("job", &record.job, words, until));
    let Some(view) = view else { return hold("its account is gone; the journal has to note that", None) };
    match view.phase {
        Phase::Posted => hold("a claim that was signed may still land", Some(view.claim_until)),
        Phase::Claimed => hold("its result is due", Some(view.commit_until)),
        Phase::Committed | Phase::Accepted if view.challenges_open > 0 => {
            hold("its result is challenged: the node answers until the dispute is over", None)
        }
        Phase::Committed => hold("its result can be challenged", Some(view.final_from)),
        Phase::Accepted => hold("its bond waits for the end of the window", Some(view.final_from)),
        Phase::Settled => hold("its payment is on its way", None),
        Phase::Ended | Phase::Missed | Phase::Convicted => hold("what was opened for it is being closed", None),
    }
}

/// What a session holds, if anything.
pub fn session_hold(record: &SessionRecord, view: Option<&SessionView>) -> Option<Hold> {
    if !record.may_be_bound() {
        return None;
    }
    let hold = |words: &str, until| Some(Hold::of("session", &record.session, words, until));
    let Some(view) = view else { return hold("its account is gone; the journal has to note that", None) };
    match view.phase {
        SessionPhase::Offered => hold("an acceptance that was signed may still land", Some(view.accept_until)),
        SessionPhase::Active if view.open_receipts > 0 => hold("receipts of it were called in and are not over", None),
        SessionPhase::Active => hold(
            "its requests are answered to its end, and receipts can be called in for a window after it",
            Some(view.claims_until.saturating_add(1)),
        ),
        SessionPhase::Settled => hold("its payment is on its way", None),
        SessionPhase::Ended | SessionPhase::Convicted => hold("the journal has to note its end", None),
    }
}

/// What holds the stake once the service has ended: none of it needs the service.
pub fn account_holds(node: &assay::state::Node, slot: u64) -> Vec<Hold> {
    let mut holds = Vec::new();
    let mut hold = |what: &str, words: String, until_slot| {
        holds.push(Hold { what: what.to_owned(), address: None, words, until_slot, needs_service: false });
    };
    let bound_until = node.last_obligation_slot.max(node.frozen_until_slot);
    if node.stake > 0 && bound_until > slot {
        let words = "a dispute over what the node claimed can still take from the stake: it is released later";
        hold("stake", words.to_owned(), Some(bound_until));
    }
    if let Some(until) = node.unbonding.iter().filter(|place| place.amount > 0).map(|place| place.release_slot).max() {
        hold("stake", "stake is unbonding: take it with `assay node withdraw`".to_owned(), Some(until));
    }
    if node.delegation.stake > 0 {
        let stake = node.delegation.stake;
        let words = format!(
            "others delegate {stake} base units to the node, which they take out themselves: `assay node delegation` closes the pool to new ones"
        );
        hold("delegation", words, None);
    }
    holds
}

/// How a service ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody asked it to, and it will be started again.
    Asked,
    /// It left: nothing of what it promised is open.
    Left,
}

/// Whether a running node takes anything new. That it leaves can be taken back until it ends.
#[derive(Clone, Debug)]
pub struct Leaving {
    intent: Arc<watch::Sender<Intent>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Stays,
    Leaves,
    Ends,
}

impl Default for Leaving {
    fn default() -> Self {
        Self { intent: Arc::new(watch::Sender::new(Intent::Stays)) }
    }
}

impl Leaving {
    /// From now on nothing new is taken, and the node ends when everything that it promised is over.
    pub fn begin(&self) {
        self.intent.send_if_modified(|intent| {
            let begins = *intent == Intent::Stays;
            if begins {
                *intent = Intent::Leaves;
            }
            begins
        });
    }

    /// The node takes jobs again; `false` if it ends all the same.
    pub fn take_back(&self) -> bool {
        let mut stays = true;
        self.intent.send_if_modified(|intent| {
            stays = *intent != Intent::Ends;
            let changes = *intent == Intent::Leaves;
            if changes {
                *intent = Intent::Stays;
            }
            changes
        });
        stays
    }

    /// The service ends: that is not taken back.
    pub(crate) fn end(&self) {
        self.intent.send_replace(Intent::Ends);
    }

    /// Whether nothing new is taken.
    pub fn is_under_way(&self) -> bool {
        *self.intent.borrow() != Intent::Stays
    }

    /// Waits until nothing new is taken.
    pub(crate) async fn begun(&self) {
        self.reached(true).await;
    }

    /// Waits until something new is taken.
    pub(crate) async fn taken_back(&self) {
        self.reached(false).await;
    }

    async fn reached(&self, under_way: bool) {
        let reached = |intent: &Intent| (*intent != Intent::Stays) == under_way;
        if self.intent.subscribe().wait_for(reached).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Says in the data folder that the node leaves, so that it goes on leaving when it is started again.
#[derive(Clone, Debug)]
pub struct Intention {
    path: PathBuf,
}

impl Intention {
    /// That of a data folder.
    pub fn of(data_folder: &Path) -> Self {
        Self { path: data_folder.join("leaving") }
    }

    /// Whether the node leaves.
    pub fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// From now on it does.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self) -> io::Result<()> {
        std::fs::write(&self.path, "This node leaves: `assay node exit --cancel` takes that back.\n")
    }

    /// It does no more, or has left.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn forget(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The addresses of what may hold the node.
pub fn addresses(records: &[(Pubkey, Record)], sessions: &[(Pubkey, SessionRecord)]) -> (Vec<Pubkey>, Vec<Pubkey>) {
    let jobs = records.iter().filter(|(_, record)| holds_job(record)).map(|(address, _)| *address).collect();
    let bound = sessions.iter().filter(|(_, record)| record.may_be_bound()).map(|(address, _)| *address).collect();
    (jobs, bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Outcome, SessionStage};
    use assay::session::SessionState;
    use assay::state::{Job, Node, Session};
    use assay::state_machine::JobState;

    fn job(state: JobState) -> JobView {
        let job = Job {
            state,
            posted_slot: 1,
            claim_slots: 9,
            claimed_slot: 5,
            run_slots: 15,
            committed_slot: 20,
            window_slots: 30,
            ..Job::default()
        };
        JobView::of(&job, &Pubkey::default())
    }

    fn record(stage: Stage) -> Record {
        Record::new(&Pubkey::new_unique(), stage, 1)
    }

    #[test]
    fn a_job_holds_from_its_claim_to_the_end_of_its_window() {
        assert_eq!(job_hold(&record(Stage::Admitted), Some(&job(JobState::Posted))), None);
        let over = record(Stage::Finished(Outcome::Paid { amount: 1 }));
        assert_eq!(job_hold(&over, None), None);
        let until = |state| job_hold(&record(Stage::Claimed), Some(&job(state))).expect("it holds").until_slot;
        assert_eq!(until(JobState::Posted), Some(10));
        assert_eq!(until(JobState::Claimed), Some(20));
        assert_eq!(until(JobState::Committed), Some(51));
        assert_eq!(until(JobState::Accepted), Some(51));
        let challenged = JobView { challenges_open: 1, ..job(JobState::Committed) };
        let hold = job_hold(&record(Stage::Claimed), Some(&challenged)).unwrap();
        assert!(hold.until_slot.is_none() && hold.words.contains("challenged") && hold.needs_service);
    }

    #[test]
    fn a_session_holds_until_no_receipt_can_be_called_in() {
        let session = Session { state: SessionState::Active, ends_slot: 40, window_slots: 10, ..Session::default() };
        let view = SessionView::of(&session, &Pubkey::default());
        let mut record = SessionRecord::new(&Pubkey::new_unique(), 1, 1);
        assert_eq!(session_hold(&record, Some(&view)), None, "nothing was accepted");
        record.stage = SessionStage::Accepted;
        assert_eq!(session_hold(&record, Some(&view)).unwrap().until_slot, Some(51));
        let called_in = SessionView { open_receipts: 1, ..view };
        assert_eq!(session_hold(&record, Some(&called_in)).unwrap().until_slot, None);
    }

    #[test]
    fn stake_and_delegations_hold_the_account_and_not_the_service() {
        let mut node = Node { stake: 5, last_obligation_slot: 90, ..Node::default() };
        let whats = |node: &Node, slot| {
            let holds = account_holds(node, slot);
            assert!(holds.iter().all(|hold| !hold.needs_service));
            holds.into_iter().map(|hold| (hold.what, hold.until_slot)).collect::<Vec<_>>()
        };
        assert_eq!(whats(&node, 90), []);
        assert_eq!(whats(&node, 89), [("stake".to_owned(), Some(90))]);
        node.unbonding[1].amount = 3;
        node.unbonding[1].release_slot = 95;
        node.delegation.stake = 7;
        let wanted = [("stake".to_owned(), Some(95)), ("delegation".to_owned(), None)];
        assert_eq!(whats(&node, 90), wanted);
    }

    #[tokio::test]
    async fn leaving_is_taken_back_until_the_node_ends() {
        let leaving = Leaving::default();
        assert!(leaving.take_back() && !leaving.is_under_way());
        leaving.begin();
        leaving.begun().await;
        assert!(leaving.is_under_way() && leaving.take_back());
        leaving.taken_back().await;
        leaving.end();
        leaving.begin();
        assert!(!leaving.take_back() && leaving.is_under_way());
    }

    #[test]
    fn an_intention_outlives_the_process_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let intention = Intention::of(folder.path());
        intention.forget().unwrap();
        intention.note().unwrap();
        assert!(Intention::of(folder.path()).is_there());
        intention.forget().unwrap();
        assert!(!intention.is_there());
    }
}
