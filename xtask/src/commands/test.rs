//! `cargo xtask test`: lints, IDL drift, and every test.

use std::path::PathBuf;

use serde_json::json;

use crate::arguments::{ProgramCompiler, TestOptions, TestPart};
use crate::commands::{build, idl, lint, program_toolchain, setup};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::debian;
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::test_programs::{self, Tally, TestProgram};
use crate::workspace::Workspace;

/// The crate that tests the compiled program.
const PROGRAM_TESTS: &str = "program-tests";
/// The crate that tests the toolchain.
const TOOLCHAIN_TESTS: &str = "toolchain-tests";
/// The crate of whole stories.
const STORY_TESTS: &str = "story-tests";

/// The part of `test` that a crate's tests belong to.
fn part_of(package: &str) -> TestPart {
    match package {
        PROGRAM_TESTS | TOOLCHAIN_TESTS => TestPart::Program,
        STORY_TESTS => TestPart::Stories,
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
    if ![TestPart::Unit, TestPart::Program, TestPart::Stories].into_iter().any(wanted) {
        return result;
    }
    build::program(workspace, report, &toolchain)?;
    let programs = compile(workspace, report)?;
    let mut total = Tally::default();
    let mut tests = |report: &mut Report, name: &str, selected: &dyn Fn(&TestProgram) -> bool| {
        report.step(name, "", |_| {
            let selection = programs.iter().filter(|program| selected(program));
            let outcome = test_programs::run(selection, &environment(workspace))?;
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
        for name in [PROGRAM_TESTS, TOOLCHAIN_TESTS, STORY_TESTS] {
            assert!(workspace.packages.iter().any(|package| package.name == name), "no crate {name}");
            assert_ne!(part_of(name), TestPart::Unit);
        }
        assert_eq!(part_of("referee"), TestPart::Unit);
    }
}
