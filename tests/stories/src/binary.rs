//! The `assay` executable and the compiled program, wherever the build put them.

use std::path::PathBuf;

/// The `assay` executable: `ASSAY_BIN`, or beside the running test.
///
/// # Panics
/// There is none: a story without it would tell nothing.
pub fn assay() -> PathBuf {
    find("ASSAY_BIN", &["assay"], "cargo build --workspace --bin assay")
}

/// The compiled program: `ASSAY_PROGRAM_SO`, or where `cargo xtask build` puts it.
///
/// # Panics
/// There is none.
pub(crate) fn program() -> PathBuf {
    find("ASSAY_PROGRAM_SO", &["deploy/assay.so"], "cargo xtask build --program-only")
}

fn find(variable: &str, names: &[&str], build: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable).map(PathBuf::from) {
        assert!(path.is_file(), "{variable} names {}, which is not a file", path.display());
        return path;
    }
    let executable = std::env::current_exe().expect("the running test has a path");
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let folders = executable.ancestors().map(PathBuf::from).chain([workspace]);
    folders
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no {names:?} found; run `{build}`, or set {variable}"))
}
