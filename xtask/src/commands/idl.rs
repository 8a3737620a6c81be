//! `cargo xtask idl`: the program's interface description, committed for every client.

use std::fs;
use std::process::Command;

use crate::arguments::IdlOptions;
use crate::commands::setup;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::debian;
use crate::workspace::Workspace;

/// Where the description is committed.
const COMMITTED: &str = "app/idl/assay.json";

/// Installs the packages that compiling needs, then generates the description, or with `--check` compares it.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &IdlOptions) -> Result<(), Failure> {
    report.step(setup::PACKAGES, "", |progress| debian::ensure(progress, false))?;
    if options.check { check(workspace, report) } else { write(workspace, report) }
}

/// Fails if the committed description is not the program's.
pub(crate) fn check(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("IDL drift", "", |_| {
        let generated = generate(workspace)?;
        let path = workspace.root.join(COMMITTED);
        let committed = fs::read_to_string(&path).unwrap_or_default();
        match first_difference(&committed, &generated) {
            None => Ok(Ending::Done(format!("{COMMITTED} is the program's"))),
            Some(line) => Err(Failure::new(
                Code::IdlDrift,
                format!("{COMMITTED} is not what the program generates (line {line} is the first that differs)"),
                "run: cargo xtask idl, and commit the file",
            )),
        }
    })
}

fn write(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    report.step("IDL", "", |_| {
        let generated = generate(workspace)?;
        let path = workspace.root.join(COMMITTED);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
        }
        fs::write(&path, generated).map_err(|e| Failure::file("write", &path, &e))?;
        Ok(Ending::Done(COMMITTED.into()))
    })
}

/// The description as the program's source has it now. Anchor's command line would put it in the same place of the target folder.
fn generate(workspace: &Workspace) -> Result<String, Failure> {
    let mut build = workspace.compiling_cargo("build");
    build.args(["--workspace", "--bin", "idl-builder"]);
    process::run(&mut build, Code::Build, "mend what the compiler reports above")?;
    let destination = workspace.target.join("idl/assay.json");
    let mut generate = Command::new(workspace.dev_binary("idl-builder"));
    generate.arg(workspace.root.join("programs/assay")).arg(&destination);
    // The builder compiles the program with flags of its own; in the common target folder everything would be compiled again.
    generate.env("CARGO_TARGET_DIR", workspace.target.join("idl-build"));
    process::run(
        &mut generate,
        Code::Idl,
        "mend what it reports above; the crate is programs/assay with feature idl-build",
    )?;
    fs::read_to_string(&destination).map_err(|e| Failure::file("read", &destination, &e))
}

/// The number of the first line that differs, from 1.
fn first_difference(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return None;
    }
    let (mut left, mut right) = (one.lines(), other.lines());
    (1..).find(|_| match (left.next(), right.next()) {
        // Both at their end: they differ in the last line's ending.
        (None, None) => true,
        (a, b) => a != b,
    })
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_difference_is_found_wherever_it_is() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert!(first_difference("a\nb", "a\nb\n").is_some());
    }
}
