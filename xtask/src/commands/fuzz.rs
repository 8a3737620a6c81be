//! `cargo xtask fuzz`: hostile bytes for the graph decoder, guided by coverage.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::arguments::FuzzOptions;
use crate::commands::setup;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress, Report};
use crate::setup::{debian, tools};
use crate::workspace::{Workspace, cargo_in};

/// The folder of the fuzz targets, outside the workspace: they are compiled with instrumentation.
const FOLDER: &str = "programs/referee/fuzz";

/// Runs every fuzz target for its share of the time.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &FuzzOptions) -> Result<(), Failure> {
    report.step(setup::PACKAGES, "", |progress| debian::ensure(progress, false))?;
    let folder = workspace.root.join(FOLDER);
    let mut targets = Vec::new();
    report.step("fuzz targets", "", |progress| {
        targets = list(workspace, &folder, progress)?;
        Ok(Ending::Done(targets.join(", ")))
    })?;
    let share = options.seconds.div_ceil(targets.len().max(1) as u64);
    for target in &targets {
        report
            .step(target, &format!("{share} seconds"), |progress| fuzz(workspace, &folder, target, share, progress))?;
    }
    report.fact("targets", targets);
    Ok(())
}

fn list(workspace: &Workspace, folder: &Path, progress: &Progress) -> Result<Vec<String>, Failure> {
    let mut list = cargo_fuzz(workspace, progress)?;
    list.args(["list", "--fuzz-dir"]).arg(folder);
    let targets = process::run_quietly(&mut list, progress, Code::Fuzz, &format!("mend {FOLDER}/Cargo.toml"))?;
    if targets.is_empty() {
        return Err(Failure::new(Code::Fuzz, format!("{FOLDER} has no fuzz target"), "add one"));
    }
    Ok(targets)
}

fn fuzz(
    workspace: &Workspace,
    folder: &Path,
    target: &str,
    seconds: u64,
    progress: &Progress,
) -> Result<Ending, Failure> {
    // Inputs that were worth keeping stay in the target folder, the next run goes on from them and from the committed seeds.
    let corpus = workspace.target.join("fuzz-corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|e| Failure::file("create", &corpus, &e))?;
    let mut fuzz = cargo_fuzz(workspace, progress)?;
    // Without a sanitizer a stable compiler will do; the decoder has no unsafe code for one to watch.
    fuzz.args(["run", "--sanitizer", "none", "--fuzz-dir"]).arg(folder);
    fuzz.arg("--target-dir").arg(workspace.target.join("fuzz")).arg(target).arg(&corpus);
    let seeds = folder.join("seeds").join(target);
    if seeds.is_dir() {
        fuzz.arg(seeds);
    }
    fuzz.args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"]);
    process::run(
        &mut fuzz,
        Code::Fuzz,
        &format!("the input that breaks it lies in {FOLDER}/artifacts; make a test of it, then mend the decoder"),
    )?;
    Ok(Ending::done())
}

fn cargo_fuzz(workspace: &Workspace, progress: &Progress) -> Result<Command, Failure> {
    let program = tools::FUZZ.ensure(workspace, progress)?;
    let cargo = cargo_in(&workspace.root);
    let mut command = Command::new(program);
    command.env("CARGO", cargo.get_program()).current_dir(&workspace.root).arg("fuzz");
    Ok(command)
}
