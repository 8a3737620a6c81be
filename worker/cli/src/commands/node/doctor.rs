//! `assay node doctor`: whether anything stands in the way of this node's jobs, or puts its stake at risk.

use super::Folder;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table};
use assay_node::config::NodeConfig;
use assay_node::doctor::codes::may_pass;
use assay_node::doctor::{Examination, Extent, Finding, Grade, Horizon, Patient, ThisMachine, examine, gravest};
use assay_node::rpc::most_fee_lamports;
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    folder: Folder,
    /// Leave out measuring the speed
    #[arg(long)]
    quick: bool,
    /// Days for which the operator key's lamports should last
    #[arg(long, default_value_t = Horizon::default().days, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Jobs of a day that it is to pay for
    #[arg(long, default_value_t = Horizon::default().jobs_per_day)]
    jobs_per_day: u32,
}

pub(super) async fn doctor(context: &Context, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let Arguments { folder, quick, days, jobs_per_day } = arguments;
    let extent = Extent {
        horizon: Horizon { days: *days, jobs_per_day: *jobs_per_day },
        measures_speed: !quick,
        is_starting: false,
    };
    // A folder of no node is told before its settings are missed.
    folder.node()?;
    let patient = patient(context, folder, folder.config()?)?;
    let Examination { findings, .. } = examine(&patient, extent, ThisMachine).await;
    let grade = gravest(&findings);
    let value = json!({ "node": patient.node.to_string(), "gravest": grade, "findings": findings });
    output.result(&value, || table(&findings).render())?;
    match grade {
        Grade::Well | Grade::Note => Ok(()),
        Grade::Warning => Err(CliError::new(
            "A0210",
            format!("there are warnings and no errors: {}; see the list above", codes(&findings, Grade::Warning)),
        )
        .with_status(ExitStatus::Warnings)),
        Grade::Error => Err(not_well(&findings)),
    }
}

/// Whom to examine: the node of a folder.
pub(super) fn patient(context: &Context, folder: &Folder, config: NodeConfig) -> Result<Patient, CliError> {
    let fee_lamports = most_fee_lamports(&config.fees);
    Ok(Patient {
        node: folder.node()?,
        operator_path: folder.operator_path(),
        data_folder: folder.data.clone(),
        signing: context.signing(),
        config,
        chain: context.chain().clone(),
        fee_lamports,
    })
}

/// Examines a node that is about to run. What is wrong is logged; errors end it unless they are to be overlooked, or others rely
/// on the node already.
pub(super) async fn examine_before_start(patient: &Patient, despite_errors: bool) -> Result<(), CliError> {
    let extent = Extent { is_starting: true, ..Extent::default() };
    let Examination { findings, binds } = examine(patient, extent, ThisMachine).await;
    for Finding { grade, check, code, found, remedy } in &findings {
        let (code, remedy) = (code.as_deref().unwrap_or_default(), remedy.as_deref().unwrap_or_default());
        match grade {
            Grade::Error => tracing::error!(check, code, remedy, "{found}"),
            Grade::Warning => tracing::warn!(check, code, remedy, "{found}"),
            Grade::Note => tracing::info!(check, code, remedy, "{found}"),
            Grade::Well => tracing::debug!(check, "{found}"),
        }
    }
    let runs_already = findings.iter().any(|finding| finding.code.as_deref() == Some("N0930"));
    match gravest(&findings) {
        Grade::Error if runs_already => Err(not_well(&findings).with_status(ExitStatus::InUse)),
        Grade::Error if binds => {
            tracing::error!("the node starts despite these errors: jobs or sessions wait for it");
            Ok(())
        }
        Grade::Error if !despite_errors => {
            let error = not_well(&findings).with_status(status_of(&findings));
            Err(error.with_hint("put them right, or start with --despite-errors"))
        }
        _ => Ok(()),
    }
}

/// Whether starting again is of any use after these errors.
fn status_of(findings: &[Finding]) -> ExitStatus {
    let mut errors = findings.iter().filter(|finding| finding.grade == Grade::Error);
    if errors.all(|finding| finding.code.as_deref().is_some_and(may_pass)) {
        ExitStatus::Failed
    } else {
        ExitStatus::Unfit
    }
}

/// The error of an examination with errors: the first in words, all by their codes.
fn not_well(findings: &[Finding]) -> CliError {
    let first = findings.iter().find(|finding| finding.grade == Grade::Error);
    let words = first.map_or_else(String::new, |Finding { found, remedy, .. }| match remedy {
        Some(remedy) => format!("; {found}: {remedy}"),
        None => format!("; {found}"),
    });
    CliError::new("A0207", format!("not all is well: {}{words}", codes(findings, Grade::Error)))
}

fn codes(findings: &[Finding], grade: Grade) -> String {
    let of_grade = findings.iter().filter(|finding| finding.grade == grade);
    of_grade.filter_map(|finding| finding.code.as_deref()).collect::<Vec<_>>().join(", ")
}

/// The gravest first.
fn table(findings: &[Finding]) -> Table {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    let mut table = Table::new(&["grade", "check", "code", "found"]);
    for Finding { grade, check, code, found, remedy } in sorted {
        let words = match remedy {
            Some(remedy) => format!("{found}; {remedy}"),
            None => found.clone(),
        };
        table.row([grade.word(), check, code.as_deref().unwrap_or("-"), &words]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_again_is_of_use_while_all_errors_may_pass() {
        let error = |code| Finding::ill(Grade::Error, "check", code, "found", "remedy");
        let warning = Finding::ill(Grade::Warning, "pause", "N0922", "paused", "wait");
        let outage = ["N0905", "C0110", "N0908"].map(error);
        assert_eq!(status_of(&[&outage[..], &[warning]].concat()), ExitStatus::Failed);
        for code in ["C0103", "C0104", "C0133", "N0901", "N0605"] {
            assert_eq!(status_of(&[&outage[..], &[error(code)]].concat()), ExitStatus::Unfit, "{code}");
        }
    }

    #[test]
    fn the_gravest_stand_first_and_the_error_names_all_of_them() {
        let findings = [
            Finding::well("clock", "right"),
            Finding::ill(Grade::Error, "disk", "N0910", "it is full", "empty it"),
            Finding::ill(Grade::Warning, "pause", "N0922", "paused", "wait"),
            Finding::ill(Grade::Error, "port", "N0911", "taken", "free it"),
        ];
        let text = table(&findings).render();
        let first_words: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(first_words, ["error", "error", "warning", "well"], "{text}");
        assert!(text.contains("it is full; empty it"), "{text}");
        let error = not_well(&findings);
        assert_eq!(error.to_string(), "A0207 not all is well: N0910, N0911; it is full: empty it");
        assert_eq!(codes(&findings, Grade::Warning), "N0922");
    }
}
