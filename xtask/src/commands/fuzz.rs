//! `cargo xtask fuzz`: hostile bytes for everything that reads bytes of strangers, guided by coverage.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::arguments::FuzzOptions;
use crate::commands::setup;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress, Report};
use crate::setup::{debian, tools};
use crate::workspace::{Workspace, cargo_in};

/// The folders of fuzz targets, outside the workspace: they are compiled with instrumentation. The quickest to compile comes first.
const FOLDERS: [&str; 3] = ["programs/referee/fuzz", "worker/fuzz", "worker/node/fuzz"];

/// Limits that make a small input fail which makes a reader reserve, or hold, or take much: megabytes at once and in all, seconds.
const ALLOCATION_MB: u32 = 512;
const MEMORY_MB: u32 = 2_048;
const INPUT_SECONDS: u32 = 20;

/// A fuzz target.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    folder: &'static str,
    name: String,
}

/// Runs every fuzz target, or those that are named, one after another.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &FuzzOptions) -> Result<(), Failure> {
    report.step(setup::PACKAGES, "", |progress| debian::ensure(progress, false))?;
    let mut targets = Vec::new();
    report.step("fuzz targets", "", |progress| {
        for folder in FOLDERS {
            targets.extend(list(workspace, folder, progress)?);
        }
        targets = chosen(std::mem::take(&mut targets), &options.target)?;
        Ok(Ending::Done(names(&targets).join(", ")))
    })?;
    let mut figures = Vec::new();
    for target in &targets {
        report.step(&target.name, &format!("{} seconds", options.seconds), |progress| {
            let found = fuzz(workspace, target, options.seconds, progress)?;
            let said = format!("{} executions, {} edges", found["executions"], found["edges"]);
            figures.push(found);
            Ok(Ending::Done(said))
        })?;
    }
    report.fact("targets", figures);
    Ok(())
}

fn names(targets: &[Target]) -> Vec<&str> {
    targets.iter().map(|target| target.name.as_str()).collect()
}

/// The targets that are named, all if none is.
fn chosen(targets: Vec<Target>, wanted: &[String]) -> Result<Vec<Target>, Failure> {
    if let Some(unknown) = wanted.iter().find(|name| !names(&targets).contains(&name.as_str())) {
        let known = names(&targets).join(", ");
        return Err(Failure::new(
            Code::Fuzz,
            format!("there is no fuzz target {unknown}"),
            format!("name one of {known}"),
        ));
    }
    Ok(targets.into_iter().filter(|target| wanted.is_empty() || wanted.contains(&target.name)).collect())
}

fn list(workspace: &Workspace, folder: &'static str, progress: &Progress) -> Result<Vec<Target>, Failure> {
    let mut list = cargo_fuzz(workspace, progress)?;
    list.args(["list", "--fuzz-dir"]).arg(workspace.root.join(folder));
    let names = process::run_quietly(&mut list, progress, Code::Fuzz, &format!("mend {folder}/Cargo.toml"))?;
    if names.is_empty() {
        return Err(Failure::new(Code::Fuzz, format!("{folder} has no fuzz target"), "add one"));
    }
    Ok(names.into_iter().map(|name| Target { folder, name }).collect())
}

/// Fuzzes a target and gives its figures.
fn fuzz(workspace: &Workspace, target: &Target, seconds: u64, progress: &Progress) -> Result<Value, Failure> {
    let (folder, name) = (workspace.root.join(target.folder), &target.name);
    // Inputs that were worth keeping stay in the target folder, the next run goes on from them and from the committed seeds.
    let corpus = workspace.target.join("fuzz-corpus").join(name);
    fs::create_dir_all(&corpus).map_err(|e| Failure::file("create", &corpus, &e))?;
    let mut fuzz = cargo_fuzz(workspace, progress)?;
    // Without a sanitizer a stable compiler will do; what is read is read without unsafe code for one to watch.
    fuzz.args(["run", "--sanitizer", "none", "--fuzz-dir"]).arg(&folder);
    fuzz.arg("--target-dir").arg(workspace.target.join("fuzz")).arg(name).arg(&corpus);
    fuzz.args(seeds(&folder, name));
    fuzz.args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"]);
    fuzz.arg(format!("-malloc_limit_mb={ALLOCATION_MB}")).arg(format!("-rss_limit_mb={MEMORY_MB}"));
    fuzz.arg(format!("-timeout={INPUT_SECONDS}"));
    let remedy = format!(
        "the input that breaks it lies in {}/artifacts/{name}; make a test of it, then mend what it breaks",
        target.folder
    );
    let said = process::run_quietly(&mut fuzz, progress, Code::Fuzz, &remedy)?;
    Ok(figures(name, seconds, &said))
}

/// The committed inputs that a target begins with, if there are any.
fn seeds(folder: &Path, target: &str) -> Option<PathBuf> {
    Some(folder.join("seeds").join(target)).filter(|seeds| seeds.is_dir())
}

/// What libFuzzer says at its end, as numbers; nothing where it does not say it.
fn figures(target: &str, seconds: u64, said: &[String]) -> Value {
    let after = |line: &str, word: &str| {
        let rest = line.split(word).nth(1)?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    let last = |word: &str| said.iter().rev().find_map(|line| after(line, word));
    json!({
        "target": target,
        "seconds": seconds,
        "executions": last("stat::number_of_executed_units:"),
        "edges": last(" cov: "),
        "peak_memory_mb": last("stat::peak_rss_mb:"),
    })
}

fn cargo_fuzz(workspace: &Workspace, progress: &Progress) -> Result<Command, Failure> {
    let program = tools::FUZZ.ensure(workspace, progress)?;
    let cargo = cargo_in(&workspace.root);
    let mut command = Command::new(program);
    command.env("CARGO", cargo.get_program()).current_dir(&workspace.root).arg("fuzz");
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Vec<Target> {
        ["one", "two", "three"].map(|name| Target { folder: FOLDERS[0], name: name.to_owned() }).to_vec()
    }

    #[test]
    fn named_targets_are_chosen_and_unknown_ones_refused() {
        assert_eq!(chosen(targets(), &[]).unwrap(), targets());
        let two = chosen(targets(), &["three".to_owned(), "one".to_owned()]).unwrap();
        assert_eq!(names(&two), ["one", "three"]);
        let failure = chosen(targets(), &["four".to_owned()]).unwrap_err();
        assert!(failure.message.contains("four") && failure.remedy.contains("one, two, three"), "{failure:?}");
    }

    #[test]
    fn figures_are_read_from_the_end_of_the_output() {
        let said = [
            "#9\tINITED cov: 302 ft: 395 corp: 8/174b exec/s: 0 rss: 27Mb",
            "#460068\tDONE   cov: 377 ft: 900 corp: 90/4017b lim: 4096 exec/s: 65724 rss: 34Mb",
            "Done 460068 runs in 7 second(s)",
            "stat::number_of_executed_units: 460068",
            "stat::peak_rss_mb:              34",
        ]
        .map(str::to_owned);
        let expected = json!({
            "target": "t", "seconds": 7, "executions": 460_068, "edges": 377, "peak_memory_mb": 34,
        });
        assert_eq!(figures("t", 7, &said), expected);
        assert_eq!(figures("t", 7, &[])["executions"], Value::Null);
    }

    /// Every target of every folder has inputs to begin with, and no input belongs to none.
    #[test]
    fn every_target_has_committed_seeds() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for folder in FOLDERS {
            let manifest = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
            let bins = manifest.split("[[bin]]\nname = \"").skip(1);
            let targets: Vec<&str> = bins.filter_map(|bin| bin.split('"').next()).collect();
            assert!(!targets.is_empty(), "{folder}");
            for target in &targets {
                let has_seeds = seeds(&root.join(folder), target).is_some();
                // What the judge is given is made of a proof that convicts, by the target itself.
                assert!(has_seeds || *target == "judge", "{folder}: {target} has no seeds");
            }
            for seeded in fs::read_dir(root.join(folder).join("seeds")).unwrap().flatten() {
                let name = seeded.file_name().to_string_lossy().into_owned();
                assert!(targets.contains(&name.as_str()), "{folder}: the seeds of {name} belong to no target");
            }
        }
    }
}
