//! `cargo xtask lint`: everything that can be wrong with the source without running it.

use std::process::Command;

use crate::arguments::ProgramCompiler;
use crate::commands::setup;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::rules;
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::setup::tools;
use crate::workspace::Workspace;

/// Sets up, then runs every lint; all of them run even if one fails, the first failure is the result.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    setup::ensure(workspace, report, &toolchain, false)?;
    all(workspace, report)
}

/// The lints alone.
pub(crate) fn all(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    [format, dependency_rules, printing_rule, clippy, documentation, licences]
        .into_iter()
        .map(|lint| lint(workspace, report))
        .fold(Ok(()), Result::and)
}

fn format(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("formatting", "", |_| {
        process::run(workspace.cargo("fmt").args(["--all", "--check"]), Code::Format, "run: cargo fmt --all")?;
        Ok(Ending::done())
    })
}

fn dependency_rules(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("dependency rules", "", |_| {
        rules::dependencies::check(&workspace.packages)?;
        Ok(Ending::Done(format!("{} crates", workspace.packages.len())))
    })
}

fn printing_rule(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("printing rule", "", |_| rules::printing::check(workspace).map(|()| Ending::done()))
}

fn clippy(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("clippy", "warnings are errors", |_| {
        let mut clippy = workspace.compiling_cargo("clippy");
        clippy.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
        process::run(&mut clippy, Code::Clippy, "mend what clippy reports above")?;
        Ok(Ending::done())
    })
}

fn documentation(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("documentation", "warnings are errors", |_| {
        let mut doc = workspace.compiling_cargo("doc");
        // Flags for rustdoc only: RUSTFLAGS would compile every dependency again.
        doc.args(["--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        process::run(&mut doc, Code::Documentation, "mend what rustdoc reports above")?;
        Ok(Ending::done())
    })
}

fn licences(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("licences, bans and sources", "", |progress| {
        let tool = tools::DENY.ensure(workspace, progress)?;
        // The lock names crates of every platform; a build fetches those of this one only.
        process::run_quietly(
            workspace.cargo("fetch").arg("--locked"),
            progress,
            Code::Licences,
            "cargo could not fetch the locked crates; check the network and run again",
        )?;
        let mut check = Command::new(tool);
        check.current_dir(&workspace.root).args(["--offline", "check", "licenses", "bans", "sources"]);
        process::run_quietly(
            &mut check,
            progress,
            Code::Licences,
            "see above which crate; another crate may do the same, or deny.toml needs a line with a reason",
        )?;
        Ok(Ending::done())
    })
}
