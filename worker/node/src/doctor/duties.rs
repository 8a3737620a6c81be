//! Whether the node runs, and what waits for it if it does not: asked of the running node, else read from its journal.

use super::finding::{Finding, Grade};
use crate::breaker::{Phase, Report};
use crate::config::NodeConfig;
use crate::defence::reserve::Reserve;
use crate::defence::watch::needed_by;
use crate::journal::{Journal, JournalError, Record, SessionRecord};
use crate::refusal::Refusal;
use crate::settings::SettingsReport;
use crate::status::{OpenDisputes, Status};
use assay_telemetry::asking::{AskError, ask};
use std::path::Path;
use std::time::Duration;

/// How long a running node may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(8);

/// The code of a service that is late.
const LATE: &str = "T0121";

/// What a node owes to others at present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// Address of the node that answers at the settings' status address, base58; nothing if nobody answers.
    pub running: Option<String>,
    /// Why nothing is known of a node that runs: it does not answer in time. Its journal cannot be read meanwhile.
    pub late: Option<String>,
    /// Jobs that are not over.
    pub open_jobs: u64,
    /// Sessions that are not over.
    pub open_sessions: u64,
    /// Disputes that are open.
    pub disputes: OpenDisputes,
    /// Lamports that the defence of what is open can take.
    pub needed_lamports: u64,
    /// Why jobs are held back, if some are, and how many.
    pub held_back: Option<(usize, String)>,
    /// What became of the last changes of the settings of a running node.
    pub settings: SettingsReport,
    /// How the breaker stands; while the node does not run, what it will find again.
    pub breaker: Report,
}

impl Duties {
    /// Asks the running node, or reads the journal; `fee_lamports` is the most that one transaction can cost.
    ///
    /// # Errors
    /// The journal is there and cannot be read.
    pub async fn of(config: &NodeConfig, data_folder: &Path, fee_lamports: u64) -> Result<Self, JournalError> {
        let asked = ask::<Status>(config.status_listen, PATIENCE).await;
        if let Err(late @ AskError::Late { .. }) = &asked {
            // What its open jobs need besides is not known.
            let needed_lamports = Reserve::base_lamports();
            return Ok(Self { late: Some(late.to_string()), needed_lamports, ..Self::default() });
        }
        // A stranger at the address is found where the ports are looked at.
        if let Ok(Some(status)) = asked {
            return Ok(Self {
                late: None,
                open_jobs: status.totals.open,
                open_sessions: status.session_totals.open,
                disputes: status.disputes,
                needed_lamports: status.funds.needed_lamports,
                held_back: status
                    .funds
                    .held_back
                    .first()
                    .map(|first| (status.funds.held_back.len(), first.refusal.to_string())),
                settings: status.settings,
                breaker: status.breaker,
                running: Some(status.node),
            });
        }
        let path = data_folder.join("journal.redb");
        if !path.is_file() {
            return Ok(Self { needed_lamports: Reserve::base_lamports(), ..Self::default() });
        }
        let journal = Journal::open(&path)?;
        let records = journal.all()?;
        let sessions: Vec<SessionRecord> = journal.sessions()?.into_iter().map(|(_, record)| record).collect();
        let needed_lamports = needed_by(&records, &sessions, config.disputes.reserved_challenges, fee_lamports);
        let jobs: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
        Ok(Self {
            running: None,
            late: None,
            open_jobs: journal.totals()?.open,
            open_sessions: journal.session_totals()?.open,
            disputes: OpenDisputes::of(&jobs),
            needed_lamports,
            held_back: None,
            settings: SettingsReport::default(),
            breaker: journal.breaker()?.report(0, &config.breaker),
        })
    }

    /// Whether somebody relies on this node: a bond or a client's money waits for what it does. Of one that is late that has to be
    /// assumed.
    pub fn binds(&self) -> bool {
        self.open_jobs > 0 || self.open_sessions > 0 || self.late.is_some()
    }
}

/// Grades them for `node`; `is_starting` where the node is about to run.
pub(super) fn grade(duties: &Result<Duties, JournalError>, node: &str, is_starting: bool) -> Vec<Finding> {
    let duties = match duties {
        Ok(duties) => duties,
        Err(error) => {
            let text = error.to_string();
            let code = text.split(' ').next().unwrap_or_default().to_owned();
            let remedy = "end what else uses the data folder; bring a damaged journal back from its copy";
            return vec![Finding::of_error(Grade::Error, "journal", &code, &text, remedy)];
        }
    };
    if let Some(late) = &duties.late {
        let grade = if is_starting { Grade::Error } else { Grade::Warning };
        let remedy = "wait until it answers; end it if it is to be started anew";
        return vec![Finding::of_error(grade, "service", LATE, late, remedy)];
    }
    let runs = duties.running.as_deref() == Some(node);
    let (jobs, sessions) = (duties.open_jobs, duties.open_sessions);
    let mut findings = vec![match (runs, is_starting) {
        (true, true) => Finding::ill(
            Grade::Error,
            "service",
            "N0930",
            "this node runs already",
            "stop the other process first, or look at it with `assay node status`",
        ),
        (true, false) => Finding::well("service", "running"),
        (false, true) => Finding::well("service", format!("{jobs} jobs and {sessions} sessions wait for it")),
        (false, false) if duties.binds() => Finding::ill(
            Grade::Error,
            "service",
            "N0407",
            format!("not running while {jobs} jobs and {sessions} sessions are open: nobody answers for their results"),
            "run `assay node run`",
        ),
        (false, false) => Finding::well("service", "not running, and no job or session waits for it"),
    }];
    if let Some((count, refusal)) = &duties.held_back {
        findings.push(Finding::ill(
            Grade::Warning,
            "claims",
            "N0218",
            format!("{count} jobs are not claimed: {refusal}"),
            "send the operator key what it lacks",
        ));
    }
    let open = duties.breaker.causes.iter().filter(|cause| cause.reason.is_some());
    findings.extend(open.map(|cause| {
        let Refusal { code, reason, remedy } = cause.refusal();
        let claims = if cause.phase == Phase::HalfOpen { "one claim at a time" } else { "no claims" };
        Finding::ill(Grade::Warning, "breaker", &code, format!("{claims}: {reason}"), remedy)
    }));
    if let Some(error) = &duties.settings.error {
        let code = error.split(' ').next().unwrap_or_default();
        findings.push(Finding::of_error(
            Grade::Warning,
            "settings file",
            code,
            error,
            "correct the file: the settings before stay until then",
        ));
    }
    if !duties.settings.needs_restart.is_empty() {
        let keys: Vec<&str> = duties.settings.needs_restart.iter().map(|change| change.key.as_str()).collect();
        let found = format!("changes of {} wait for a restart", keys.join(", "));
        findings.push(Finding::ill(Grade::Note, "settings file", "N0006", found, "start the node again when it suits"));
    }
    findings.push(match (duties.disputes.challenges, duties.disputes.next_answer_slot) {
        (0, _) => Finding::well("disputes", "none are open"),
        (open, None) => Finding::well("disputes", format!("{open} challenges, nothing is due")),
        (open, Some(slot)) => Finding::well("disputes", format!("{open} challenges, an answer is due by slot {slot}")),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::change::Change;

    fn ill(duties: Duties, is_starting: bool) -> Vec<(Grade, String)> {
        let findings = grade(&Ok(duties), "node", is_starting);
        findings.into_iter().filter_map(|finding| finding.code.map(|code| (finding.grade, code))).collect()
    }

    #[test]
    fn who_owes_something_has_to_run_and_nobody_runs_twice() {
        assert_eq!(ill(Duties::default(), false), []);
        let owing = Duties { open_jobs: 1, ..Duties::default() };
        assert_eq!(ill(owing.clone(), false), [(Grade::Error, "N0407".to_owned())]);
        assert_eq!(ill(owing, true), []);
        let of_session = Duties { open_sessions: 1, ..Duties::default() };
        assert_eq!(ill(of_session, false), [(Grade::Error, "N0407".to_owned())]);
        let running = Duties { running: Some("node".to_owned()), open_jobs: 1, ..Duties::default() };
        assert_eq!(ill(running.clone(), false), []);
        assert_eq!(ill(running, true), [(Grade::Error, "N0930".to_owned())]);
        let of_another = Duties { running: Some("other".to_owned()), open_jobs: 1, ..Duties::default() };
        assert_eq!(ill(of_another, false), [(Grade::Error, "N0407".to_owned())]);
    }

    #[tokio::test]
    async fn a_node_that_is_late_runs_and_its_journal_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        // It listens, and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = NodeConfig { status_listen: silent.local_addr().unwrap(), ..NodeConfig::default() };
        std::fs::write(folder.path().join("journal.redb"), b"not a database").unwrap();
        let duties = Duties::of(&config, folder.path(), 10_000).await.unwrap();
        assert!(duties.binds() && duties.running.is_none());
        assert_eq!(ill(duties.clone(), false), [(Grade::Warning, "T0121".to_owned())]);
        assert_eq!(ill(duties, true), [(Grade::Error, "T0121".to_owned())]);
    }

    #[test]
    fn what_is_held_back_is_a_warning() {
        let duties = Duties { held_back: Some((2, "N0218 poor".to_owned())), ..Duties::default() };
        assert_eq!(ill(duties, false), [(Grade::Warning, "N0218".to_owned())]);
    }

    #[test]
    fn a_breaker_that_is_open_is_a_warning_by_its_code() {
        let open = r#"{"failures":{"row":3,"latch":{"open":{"number":1,"until_slot":9,"trial":null}}}}"#;
        let machine: crate::breaker::Machine = serde_json::from_str(open).unwrap();
        let breaker = machine.report(0, &NodeConfig::default().breaker);
        assert_eq!(ill(Duties { breaker, ..Duties::default() }, false), [(Grade::Warning, "N0241".to_owned())]);
    }

    #[test]
    fn settings_that_are_not_taken_up_are_told() {
        let change =
            Change { key: "threads".to_owned(), before: "0".to_owned(), after: "1".to_owned(), is_live: false };
        let settings = SettingsReport {
            taken_up: 0,
            error: Some("N0004 there is no key x".to_owned()),
            needs_restart: vec![change],
        };
        let found = ill(Duties { settings, ..Duties::default() }, false);
        assert_eq!(found, [(Grade::Warning, "N0004".to_owned()), (Grade::Note, "N0006".to_owned())]);
    }

    #[tokio::test]
    async fn a_journal_that_is_damaged_is_an_error_and_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let config = NodeConfig { status_listen: ([127, 0, 0, 1], 9).into(), ..NodeConfig::default() };
        let none = Duties::of(&config, folder.path(), 10_000).await.unwrap();
        assert_eq!((none.open_jobs, none.needed_lamports), (0, Reserve::base_lamports()));
        assert!(!folder.path().join("journal.redb").exists(), "looking makes nothing");
        std::fs::write(folder.path().join("journal.redb"), b"not a database").unwrap();
        let damaged = Duties::of(&config, folder.path(), 10_000).await;
        let finding = grade(&damaged, "node", false).remove(0);
        assert_eq!((finding.grade, finding.code.as_deref()), (Grade::Error, Some("N0102")));
    }
}
