//! Only the command line's output module, this crate and the benchmarks print. Clippy refuses printing everywhere; what is checked here
//! is that nobody switches those lints off.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Code, Failure};
use crate::workspace::{Package, Workspace};

/// Where printing is the purpose; the last five are tests that report what they measured or skipped, which the test harness shows when
/// asked to.
const MAY_PRINT: &[&str] = &[
    "worker/cli/src/output",
    "xtask/",
    "bench/",
    "app/verifier/examples/",
    "tests/object-stores/",
    "tests/program/tests/",
    "tests/toolchain/tests/",
    "worker/import/tests/quantise/",
    "worker/pretrained/tests/",
];

/// The program's crate has lint settings of its own, because Anchor's macros trip the workspace's; it is searched for the macros instead.
const OWN_LINTS: &[&str] = &["assay"];

/// Checks every crate; the failure names every place.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let mut places = Vec::new();
    for package in &workspace.packages {
        places.extend(violations_in(&workspace.root, package)?);
    }
    if places.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Code::PrintingRule,
        places.join("; "),
        "return the text, or log it with `tracing`; what a user is to see is printed by worker/cli/src/output",
    ))
}

fn violations_in(root: &Path, package: &Package) -> Result<Vec<String>, Failure> {
    let mut places = Vec::new();
    let manifest = read(&package.manifest_path)?;
    let own_lints = OWN_LINTS.contains(&package.name.as_str());
    if !own_lints && !inherits_lints(&manifest) {
        places.push(format!("{} does not have `[lints] workspace = true`", shown(root, &package.manifest_path)));
    }
    let folder = package.manifest_path.parent().unwrap_or(root);
    for file in rust_files(folder)? {
        let name = shown(root, &file);
        if MAY_PRINT.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for (index, line) in read(&file)?.lines().enumerate() {
            if let Some(what) = violation(line, own_lints) {
                places.push(format!("{name}:{} {what}", index + 1));
            }
        }
    }
    Ok(places)
}

fn inherits_lints(manifest: &str) -> bool {
    let mut in_lints = false;
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            in_lints = line == "[lints]";
        }
        line == "lints.workspace = true" || (in_lints && line == "workspace = true")
    })
}

fn violation(line: &str, own_lints: bool) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    if code.contains("clippy::print_std") {
        return Some("switches a printing lint off");
    }
    let prints = ["println!", "print!", "dbg!"].iter().any(|name| code.contains(name));
    (own_lints && prints).then_some("prints")
}

/// The Rust files under a crate's folder, without those of build outputs and of crates nested in it.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        for entry in fs::read_dir(&here).map_err(|e| Failure::file("read", &here, &e))? {
            let path = entry.map_err(|e| Failure::file("read", &here, &e))?.path();
            if path.is_dir() {
                let skipped = path.file_name().is_some_and(|name| name == "target") || path.join("Cargo.toml").exists();
                if !skipped {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_keeps_the_rule() {
        let workspace = Workspace::find().expect("the workspace of this crate");
        check(&workspace).expect("no violation");
    }

    fn violations(name: &str, folder: &str, source: &str, manifest: &str) -> Vec<String> {
        let root = tempfile::tempdir().expect("a temporary folder");
        let home = root.path().join(folder);
        fs::create_dir_all(home.join("src/output")).expect("folders");
        fs::write(home.join("src/output/mod.rs"), source).expect("a source file");
        fs::write(home.join("Cargo.toml"), manifest).expect("a manifest");
        let package =
            Package { name: name.to_owned(), manifest_path: home.join("Cargo.toml"), dependencies: Vec::new() };
        violations_in(root.path(), &package).expect("readable files")
    }

    const INHERITS: &str = "[package]\nname = \"x\"\n[lints]\nworkspace = true\n";
    const SWITCHED_OFF: &str = "//! text\n#![allow(clippy::print_stdout)]\n";

    #[test]
    fn switching_a_lint_off_is_refused_except_where_printing_is_the_purpose() {
        assert_eq!(
            violations("assay-node", "worker/node", SWITCHED_OFF, INHERITS),
            ["worker/node/src/output/mod.rs:2 switches a printing lint off"]
        );
        assert!(violations("assay-cli", "worker/cli", SWITCHED_OFF, INHERITS).is_empty());
    }

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_refused() {
        let without = "[package]\nname = \"x\"\n[lints.rust]\nworkspace = true\n";
        assert_eq!(
            violations("assay-node", "worker/node", "", without),
            ["worker/node/Cargo.toml does not have `[lints] workspace = true`"]
        );
    }

    #[test]
    fn the_program_may_not_print_either() {
        let printing = "fn f() { println!(\"x\") } // println! in a comment is fine\n// print!\n";
        assert_eq!(violations("assay", "programs/assay", printing, ""), ["programs/assay/src/output/mod.rs:1 prints"]);
    }
}
