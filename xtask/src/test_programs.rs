//! The workspace's test programs: compiled by one cargo command, so that features are those of every other build, and run one by one, so
//! that each part of `cargo xtask test` can choose its own. (`cargo test --package` would choose other features and compile
//! dependencies again; `cargo test --test` selects by a name that several crates use.)

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::failure::{Code, Failure};
use crate::process;
use crate::workspace::Workspace;

/// One compiled test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestProgram {
    /// The crate it tests.
    pub(crate) package: String,
    /// The crate's folder, in which its tests expect to run.
    folder: PathBuf,
    /// The source file, within the folder.
    source: PathBuf,
    executable: PathBuf,
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

/// What came of running some programs.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Their tests.
    pub(crate) tally: Tally,
    /// The programs that failed.
    failures: Vec<String>,
}

/// A line of cargo's JSON messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    manifest_path: Option<PathBuf>,
    target: Option<MessageTarget>,
    profile: Option<MessageProfile>,
}

#[derive(Deserialize)]
struct MessageTarget {
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct MessageProfile {
    test: bool,
}

/// Compiles what cargo's arguments select of the whole workspace (`--all-targets`) and returns the test programs among it.
pub(crate) fn compile(workspace: &Workspace, selection: &[&str]) -> Result<Vec<TestProgram>, Failure> {
    let mut build = workspace.compiling_cargo("build");
    build.args(["--workspace", "--message-format", "json-render-diagnostics"]).args(selection);
    let messages = process::run_for_output(&mut build, Code::Build, "mend what the compiler reports above")?;
    Ok(messages.lines().filter_map(|line| test_program(workspace, line)).collect())
}

/// The executable, where a selection was of one program.
pub(crate) fn only(programs: &[TestProgram]) -> Result<&PathBuf, Failure> {
    match programs {
        [program] => Ok(&program.executable),
        _ => Err(Failure::new(
            Code::Build,
            format!("one test program was selected, cargo compiled {}", programs.len()),
            "give test files names of their own",
        )),
    }
}

fn test_program(workspace: &Workspace, line: &str) -> Option<TestProgram> {
    let message: Message = serde_json::from_str(line).ok()?;
    let (executable, manifest, target) = (message.executable?, message.manifest_path?, message.target?);
    if !message.profile?.test {
        return None;
    }
    let package = workspace.packages.iter().find(|package| package.manifest_path == manifest)?;
    let folder = manifest.parent()?.to_owned();
    let source = target.src_path.strip_prefix(&folder).unwrap_or(&target.src_path).to_owned();
    Some(TestProgram { package: package.name.clone(), folder, source, executable })
}

/// Runs test programs one after the other, all of them even if some fail. Their output is the user's.
pub(crate) fn run<'a>(
    programs: impl Iterator<Item = &'a TestProgram>,
    environment: &[(&str, PathBuf)],
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    for program in programs {
        eprintln!("     Running {} ({})", program.source.display(), program.package);
        if !run_one(program, environment, &mut outcome.tally)? {
            outcome.failures.push(format!("{} {}", program.package, program.source.display()));
        }
    }
    Ok(outcome)
}

/// Runs one program and adds what it counted; whether it succeeded.
fn run_one(program: &TestProgram, environment: &[(&str, PathBuf)], tally: &mut Tally) -> Result<bool, Failure> {
    let mut command = Command::new(&program.executable);
    command
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("CARGO_PKG_NAME", &program.package)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|e| process::cannot_run(&command, &e))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            if let Some(counted) = Tally::from_line(&line) {
                tally.add(counted);
            }
        }
    }
    let status = child.wait().map_err(|e| process::cannot_run(&command, &e))?;
    Ok(status.success())
}

impl Outcome {
    /// A failure that names every program that failed.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        if self.failures.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Code::Tests,
            format!("tests failed in: {}", self.failures.join(", ")),
            "see above which test failed and why; `cargo test --package CRATE NAME` runs one alone",
        ))
    }
}

impl Tally {
    /// The counts of a line `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
    fn from_line(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| {
            let part = counts.split(';').find(|part| part.trim().ends_with(word))?;
            part.trim().strip_suffix(word)?.trim().parse().ok()
        };
        Some(Self { passed: count("passed")?, failed: count("failed")?, ignored: count("ignored")? })
    }

    /// Adds the counts of another.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str) -> (tempfile::TempDir, TestProgram) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let executable = folder.path().join("tests");
        std::fs::write(&executable, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&executable, PermissionsExt::from_mode(0o755)).expect("permissions");
        let program = TestProgram {
            package: "example".into(),
            folder: folder.path().to_owned(),
            source: "tests/example.rs".into(),
            executable,
        };
        (folder, program)
    }

    #[test]
    fn results_are_counted() {
        let line = "test result: ok. 21 passed; 0 failed; 2 ignored; 0 measured; 1 filtered out; finished in 0.29s";
        assert_eq!(Tally::from_line(line), Some(Tally { passed: 21, failed: 0, ignored: 2 }));
        let line = "test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.29s";
        assert_eq!(Tally::from_line(line), Some(Tally { passed: 1, failed: 3, ignored: 0 }));
        assert_eq!(Tally::from_line("test a ... ok"), None);
    }

    #[test]
    fn a_program_runs_in_its_crates_folder_with_the_environment() {
        let (folder, good) =
            program(r#"[ "$(pwd -P)" = "$WANTED" ] && echo "test result: ok. 2 passed; 0 failed; 0 ignored;""#);
        let wanted = folder.path().canonicalize().expect("a real path");
        let outcome = run([&good].into_iter(), &[("WANTED", wanted)]).expect("it runs");
        outcome.verdict().expect("it succeeds");
        assert_eq!(outcome.tally, Tally { passed: 2, failed: 0, ignored: 0 });
    }

    #[test]
    fn a_failure_is_named_and_the_others_run_all_the_same() {
        let (_one, bad) = program("echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored;'; exit 101");
        let (other, good) = program("touch ran");
        let outcome = run([&bad, &good].into_iter(), &[]).expect("both run");
        assert_eq!(outcome.tally, Tally { passed: 1, failed: 2, ignored: 0 });
        let failure = outcome.verdict().expect_err("one fails");
        assert_eq!(failure.code, Code::Tests);
        assert_eq!(failure.message, "tests failed in: example tests/example.rs");
        assert!(other.path().join("ran").exists());
    }

    #[test]
    fn only_messages_about_test_programs_count() {
        let workspace = Workspace::find().expect("the workspace of this crate");
        let manifest = workspace.root.join("xtask/Cargo.toml");
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":{manifest:?},"target":{{"src_path":"/x"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let found = test_program(&workspace, &message(true, "\"/bin/true\"")).expect("a test program");
        assert_eq!((found.package.as_str(), found.executable), ("xtask", PathBuf::from("/bin/true")));
        assert_eq!(test_program(&workspace, &message(false, "\"/bin/true\"")), None);
        assert_eq!(test_program(&workspace, &message(true, "null")), None);
        assert_eq!(test_program(&workspace, r#"{"reason":"build-finished","success":true}"#), None);
    }
}
