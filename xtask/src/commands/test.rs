//! `cargo xtask test`: lints, IDL drift, and every test.

use std::process::Command;

use crate::arguments::{ProgramCompiler, TestOptions, TestPart};
use crate::commands::{build, idl, lint, program_toolchain, setup};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::{Package, Workspace};

/// The crate that tests the compiled program.
const PROGRAM_TESTS: &str = "program-tests";
/// The crate that tests the toolchain.
const TOOLCHAIN_TESTS: &str = "toolchain-tests";
/// The crate of whole stories.
const STORY_TESTS: &str = "story-tests";

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
    if [TestPart::Unit, TestPart::Program, TestPart::Stories].into_iter().any(wanted) {
        build::program(workspace, report, &toolchain)?;
        compile(workspace, report)?;
    }
    if wanted(TestPart::Unit) {
        let is_unit =
            |package: &Package| ![PROGRAM_TESTS, TOOLCHAIN_TESTS, STORY_TESTS].contains(&package.name.as_str());
        let mut selection = vec!["--lib".to_owned(), "--bins".to_owned()];
        selection.extend(integration_tests(workspace, is_unit));
        result = result.and(tests(workspace, report, "tests of each crate", &selection));
        result = result.and(tests(workspace, report, "examples in the documentation", &["--doc".to_owned()]));
    }
    if wanted(TestPart::Program) {
        let prepared = program_toolchain::prepare(workspace, report, &toolchain);
        let tested = [PROGRAM_TESTS, TOOLCHAIN_TESTS];
        let selection = integration_tests(workspace, |package| {
            tested.contains(&package.name.as_str())
                && (package.name != TOOLCHAIN_TESTS || prepared.as_ref().is_ok_and(|p| *p))
        });
        result = result.and(prepared.map(|_| ()));
        result = result.and(tests(workspace, report, "tests of the compiled program", &selection));
        result = result.and(program_toolchain::reproducibility(workspace, report, &toolchain));
    }
    if wanted(TestPart::Stories) {
        let selection = integration_tests(workspace, |package| package.name == STORY_TESTS);
        result = result.and(tests(workspace, report, "stories", &selection));
    }
    result
}

/// Compiles everything once, so that a mistake in any crate ends the run before a test starts, and the `assay` command is there.
fn compile(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("compiling every crate and test", "the first time several minutes", |_| {
        let mut build = workspace.compiling_cargo("build");
        build.args(["--workspace", "--all-targets"]);
        process::run(&mut build, Code::Build, "mend what the compiler reports above")?;
        Ok(Ending::done())
    })
}

/// Cargo's arguments that select the test programs of some crates. The crates themselves are not selected: with `--package`, cargo
/// would choose other features of shared dependencies and compile them again.
fn integration_tests(workspace: &Workspace, of: impl Fn(&Package) -> bool) -> Vec<String> {
    let tests = workspace.packages.iter().filter(|package| of(package)).flat_map(|package| &package.targets);
    tests
        .filter(|target| target.kind.iter().any(|kind| kind == "test"))
        .flat_map(|target| ["--test".to_owned(), target.name.clone()])
        .collect()
}

/// Runs a selection of tests; all of them even if some fail.
fn tests(workspace: &Workspace, report: &mut Report, name: &str, selection: &[String]) -> Result<(), Failure> {
    report.step(name, "", |_| {
        if selection.is_empty() {
            return Ok(Ending::Skipped("there are none".into()));
        }
        process::run(&mut cargo_test(workspace, selection), Code::Tests, "see above which test failed and why")?;
        Ok(Ending::done())
    })
}

fn cargo_test(workspace: &Workspace, selection: &[String]) -> Command {
    let mut test = workspace.compiling_cargo("test");
    test.args(["--workspace", "--no-fail-fast"]).args(selection).env("ASSAY_PROGRAM_SO", workspace.program());
    test
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_program_belongs_to_exactly_one_part() {
        let workspace = Workspace::find().expect("the workspace of this crate");
        for name in [PROGRAM_TESTS, TOOLCHAIN_TESTS, STORY_TESTS] {
            assert!(workspace.packages.iter().any(|package| package.name == name), "no crate {name}");
        }
        // `--test NAME` selects by name alone: of two with one name in different parts, each would run in both.
        let part_of = |package: &Package| match package.name.as_str() {
            PROGRAM_TESTS | TOOLCHAIN_TESTS => TestPart::Program,
            STORY_TESTS => TestPart::Stories,
            _ => TestPart::Unit,
        };
        let names = |part| integration_tests(&workspace, |package| part_of(package) == part);
        let parts = [names(TestPart::Unit), names(TestPart::Program), names(TestPart::Stories)];
        for (index, part) in parts.iter().enumerate() {
            for name in part.iter().filter(|name| *name != "--test") {
                let elsewhere = parts.iter().enumerate().any(|(other, names)| other != index && names.contains(name));
                assert!(!elsewhere, "two test programs in different parts have the name {name}");
            }
        }
    }
}
