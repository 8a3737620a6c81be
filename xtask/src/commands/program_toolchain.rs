//! What `cargo xtask test` checks of the workspace's own SBF toolchain: its program for the differential test, and that it gives the
//! same bytes wherever the source lies.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::commands::build;
use crate::failure::{Code, Failure};
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::Workspace;

/// Folders that hold no source, by name.
const NOT_SOURCE: &[&str] = &["target", "node_modules", ".git", ".assay"];

/// Compiles the program that the toolchain's tests run; false where another toolchain is used, which has tests of its own.
pub(crate) fn prepare(workspace: &Workspace, report: &mut Report, toolchain: &SbfToolchain) -> Result<bool, Failure> {
    let mut prepared = false;
    report.step("program for the toolchain's tests", "", |_| {
        let SbfToolchain::Workspace(prefix) = toolchain else {
            return Ok(Ending::Skipped("cargo build-sbf compiles the program, not the workspace's toolchain".into()));
        };
        let built = build::compile(prefix, &workspace.root, &workspace.target.join("sbf"), "toolchain-program")?;
        build::install(&built, &workspace.target.join("deploy/toolchain_program.so"))?;
        prepared = true;
        Ok(Ending::done())
    })?;
    Ok(prepared)
}

/// Builds the program a second time, from a copy of the source in another folder and into another target folder, and compares the bytes.
pub(crate) fn reproducibility(
    workspace: &Workspace,
    report: &mut Report,
    toolchain: &SbfToolchain,
) -> Result<(), Failure> {
    report.step("two builds of the program are identical", "a copy of the source, another target folder", |_| {
        let SbfToolchain::Workspace(prefix) = toolchain else {
            return Ok(Ending::Skipped("cargo build-sbf compiles the program, not the workspace's toolchain".into()));
        };
        let copy = Copy::of(&workspace.root)?;
        // Our crates have new paths, so cargo compiles them again; std and other people's crates it may keep from an earlier run.
        let second = build::compile(prefix, &copy.root, &workspace.target.join("sbf-second"), "assay")?;
        compare(&workspace.program(), &second)
    })
}

/// Whether two files have the same bytes.
pub(crate) fn compare(first: &Path, second: &Path) -> Result<Ending, Failure> {
    let read = |path: &Path| fs::read(path).map_err(|e| Failure::file("read", path, &e));
    let (one, other) = (read(first)?, read(second)?);
    if one == other {
        return Ok(Ending::Done(format!("{} bytes", one.len())));
    }
    let at = one.iter().zip(&other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    Err(Failure::new(
        Code::NotReproducible,
        format!(
            "{} ({} bytes) and {} ({} bytes) differ from byte {at}",
            first.display(),
            one.len(),
            second.display(),
            other.len()
        ),
        "look for a path or a time in the program: `strings -n 8` on both, then xtask/sbf-toolchain/bin/rustc-sbf",
    ))
}

/// A copy of the source that is removed when it is no longer needed.
pub(crate) struct Copy {
    /// Its folder.
    pub(crate) root: PathBuf,
}

impl Copy {
    /// A copy in the system's temporary folder.
    pub(crate) fn of(source: &Path) -> Result<Self, Failure> {
        let copy = Self { root: env::temp_dir().join(format!("assay-second-build-{}", std::process::id())) };
        copy_source(source, &copy.root)?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What stays behind in the temporary folder is small, and the system removes it.
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn copy_source(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(|e| Failure::file("create", to, &e))?;
    for entry in fs::read_dir(from).map_err(|e| Failure::file("read", from, &e))? {
        let entry = entry.map_err(|e| Failure::file("read", from, &e))?;
        let (name, path) = (entry.file_name(), entry.path());
        if path.is_symlink() || NOT_SOURCE.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let destination = to.join(&name);
        if path.is_dir() {
            copy_source(&path, &destination)?;
        } else {
            fs::copy(&path, &destination).map_err(|e| Failure::file("copy", &path, &e))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_found_and_placed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).expect("a file");
            path
        };
        let (one, same) = (file("one", b"abcdef"), file("same", b"abcdef"));
        assert!(matches!(compare(&one, &same), Ok(Ending::Done(note)) if note == "6 bytes"));
        for (name, bytes) in [("changed", b"abXdef".as_slice()), ("shorter", b"ab")] {
            let failure = compare(&one, &file(name, bytes)).expect_err("they differ");
            assert_eq!(failure.code, Code::NotReproducible);
            assert!(failure.message.ends_with("differ from byte 2"), "{}", failure.message);
        }
    }

    #[test]
    fn a_copy_has_the_source_without_build_outputs_and_goes_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in
            [("Cargo.toml", "x"), ("a/src/lib.rs", "y"), ("target/debug/big", "z"), (".cargo/config.toml", "w")]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        let copy = Copy::of(folder.path()).expect("a copy");
        let root = copy.root.clone();
        assert_eq!(fs::read_to_string(root.join("a/src/lib.rs")).expect("a source file"), "y");
        assert!(root.join(".cargo/config.toml").is_file());
        assert!(!root.join("target").exists());
        drop(copy);
        assert!(!root.exists());
    }
}
