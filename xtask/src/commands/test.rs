//! `cargo xtask test`: lints, IDL drift, and every test.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::arguments::{ProgramCompiler, TestOptions, TestPart};
use crate::commands::{app_tests, build, idl, lint, program_toolchain, setup};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::debian;
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::setup::tools;
use crate::test_programs::{self, Tally, TestProgram};
use crate::workspace::Workspace;

/// The crate that tests the compiled program.
const PROGRAM_TESTS: &str = "program-tests";
/// The crate that tests the toolchain.
const TOOLCHAIN_TESTS: &str = "toolchain-tests";
/// The crate of whole stories.
const STORY_TESTS: &str = "story-tests";
/// The crate that measures trained models.
const MODEL_TESTS: &str = "assay-pretrained";

/// Codes of `assay demo fetch` where a machine has no way to the packages: no cache, no Python, no package index.
const OUT_OF_REACH: &[&str] = &["W0101", "W0104", "W0105"];

/// The part of `test` that a crate's tests belong to.
fn part_of(package: &str) -> TestPart {
    match package {
        PROGRAM_TESTS | TOOLCHAIN_TESTS => TestPart::Program,
        STORY_TESTS => TestPart::Stories,
        MODEL_TESTS => TestPart::Models,
        _ => TestPart::Unit,
    }
}

/// Sets up and runs the wanted parts. Set-up and building end the run if they fail; of the rest everything runs, and the first failure
/// is the result.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &TestOptions) -> Result<(), Failure> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    setup::ensure(workspace, report, &toolchain, false)?;

    let mut result = Ok(());
    if wanted(TestPart::Lint) {
        result = lint::all(workspace, report).and(idl::check(workspace, report));
    }
    let mut means = None;
    if wanted(TestPart::App) {
        let outcome = app_tests::run(workspace, report);
        means = outcome.as_ref().ok().copied();
        result = result.and(outcome.map(|_| ()));
    }
    let of_rust = [TestPart::Unit, TestPart::Models, TestPart::Program, TestPart::Stories].into_iter().any(wanted);
    if !of_rust && !means.is_some_and(app_tests::Means::needs_a_chain) {
        return result;
    }
    build::program(workspace, report, &toolchain)?;
    let programs = match of_rust {
        true => compile(workspace, report)?,
        false => build::command(workspace, report, "dev").map(|_| Vec::new())?,
    };
    if let Some(means) = means {
        result = result.and(app_tests::on_local_chains(workspace, report, means));
    }
    let mut variables = environment(workspace);
    if wanted(TestPart::Models) || wanted(TestPart::Stories) {
        let models = models(workspace, report);
        if let Ok(true) = models {
            variables.push(("ASSAY_REQUIRE_PACKAGES", PathBuf::from("1")));
        }
        result = result.and(models.map(|_| ()));
    }
    if (wanted(TestPart::Unit) || wanted(TestPart::Stories))
        && let Some(program) = s3_server(workspace, report)?
    {
        variables.push(("ASSAY_S3_SERVER", program));
        variables.push(("ASSAY_REQUIRE_S3", PathBuf::from("1")));
    }
    let mut total = Tally::default();
    let mut tests = |report: &mut Report, name: &str, selected: &dyn Fn(&TestProgram) -> bool| {
        report.step(name, "", |_| {
            let selection = programs.iter().filter(|program| selected(program));
            let outcome = test_programs::run(selection, &variables)?;
            total.add(outcome.tally);
            outcome.verdict()?;
            Ok(Ending::Done(format!("{} passed, {} ignored", outcome.tally.passed, outcome.tally.ignored)))
        })
    };
    if wanted(TestPart::Unit) {
        result =
            result.and(tests(report, "tests of each crate", &|program| part_of(&program.package) == TestPart::Unit));
        result = result.and(documentation(workspace, report));
    }
    if wanted(TestPart::Models) {
        result = result.and(tests(report, "trained models", &|program| part_of(&program.package) == TestPart::Models));
    }
    if wanted(TestPart::Program) {
        let prepared = program_toolchain::prepare(workspace, report, &toolchain);
        let ready = prepared.as_ref().is_ok_and(|ready| *ready);
        result = result.and(prepared.map(|_| ()));
        result = result.and(tests(report, "tests of the compiled program", &|program| {
            part_of(&program.package) == TestPart::Program && (ready || program.package != TOOLCHAIN_TESTS)
        }));
        result = result.and(program_toolchain::reproducibility(workspace, report, &toolchain));
    }
    if wanted(TestPart::Stories) {
        result = result.and(tests(report, "stories", &|program| part_of(&program.package) == TestPart::Stories));
    }
    report.fact("tests", json!({ "passed": total.passed, "failed": total.failed, "ignored": total.ignored }));
    result
}

/// Compiles everything once, so that a mistake in any crate ends the run before a test starts, and the `assay` command is there.
fn compile(workspace: &Workspace, report: &mut Report) -> Result<Vec<TestProgram>, Failure> {
    let mut programs = Vec::new();
    report.step("compiling every crate and test", "the first time several minutes", |_| {
        programs = test_programs::compile(workspace, &["--all-targets"])?;
        Ok(Ending::Done(format!("{} test programs", programs.len())))
    })?;
    Ok(programs)
}

/// Fetches trained models and quantises them, and makes the Python environment that they are compared with; whether they are there.
/// Tests that need what is out of reach say so and test nothing.
fn models(workspace: &Workspace, report: &mut Report) -> Result<bool, Failure> {
    let mut ready = false;
    report.step("packages of trained models", "the first time some minutes", |progress| {
        if let Err(failure) = crate::setup::models::ensure(workspace, progress, false) {
            return Ok(Ending::Skipped(format!("what is claimed of them is NOT tested: {failure}")));
        }
        let mut fetch = Command::new(workspace.dev_binary("assay"));
        fetch.args(["demo", "fetch", "--peers", "--output", "json"]);
        let output = fetch.output().map_err(|error| {
            Failure::new(
                Code::CannotRun,
                format!("cannot run `{}`: {error}", process::shown(&fetch)),
                "build it: cargo xtask build",
            )
        })?;
        if output.status.success() {
            ready = true;
            return Ok(Ending::done());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or_default().to_owned();
        if OUT_OF_REACH.iter().any(|code| said.contains(code)) {
            return Ok(Ending::Skipped(format!("what is claimed of them is NOT tested: {said}")));
        }
        Err(Failure::new(Code::Models, said, "run: assay demo fetch --peers"))
    })?;
    Ok(ready)
}

/// Makes the S3-compatible server that stores are tested against. Where it cannot be had, those tests say so and test nothing.
fn s3_server(workspace: &Workspace, report: &mut Report) -> Result<Option<PathBuf>, Failure> {
    let mut program = None;
    report.step("S3-compatible server", "", |progress| match tools::S3_SERVER.ensure(workspace, progress) {
        Ok(path) => {
            program = Some(path);
            Ok(Ending::done())
        }
        Err(failure) => Ok(Ending::Skipped(format!("what is claimed of buckets is NOT tested: {failure}"))),
    })?;
    Ok(program)
}

/// The examples in the documentation.
fn documentation(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("examples in the documentation", "", |_| {
        let mut test = workspace.compiling_cargo("test");
        test.args(["--workspace", "--doc", "--no-fail-fast"]);
        process::run(&mut test, Code::Tests, "see above which example failed and why")?;
        Ok(Ending::done())
    })
}

/// What tests are told: where the program and the command are, and, where set-up has installed a GPU driver (if only one in software),
/// that a missing one is an error.
fn environment(workspace: &Workspace) -> Vec<(&'static str, PathBuf)> {
    let mut variables = vec![("ASSAY_PROGRAM_SO", workspace.program()), ("ASSAY_BIN", workspace.dev_binary("assay"))];
    if debian::is_debian() {
        variables.push(("ASSAY_REQUIRE_GPU", PathBuf::from("1")));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_speak_of_crates_that_are_there() {
        let workspace = Workspace::find().expect("the workspace of this crate");
        for name in [PROGRAM_TESTS, TOOLCHAIN_TESTS, STORY_TESTS, MODEL_TESTS] {
            assert!(workspace.packages.iter().any(|package| package.name == name), "no crate {name}");
            assert_ne!(part_of(name), TestPart::Unit);
        }
        assert_eq!(part_of("referee"), TestPart::Unit);
    }
}
