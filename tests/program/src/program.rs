//! Finds the compiled program.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The variable that names the compiled program, if it does not lie where builds put it.
pub const PROGRAM_VARIABLE: &str = "ASSAY_PROGRAM_SO";

/// The bytes of the compiled program.
///
/// # Panics
/// If there is none: these tests are about the program as it is deployed, so none can pass without it.
pub fn program_bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let candidates = candidates();
        let path = candidates.iter().find(|path| path.is_file()).unwrap_or_else(|| {
            panic!(
                "the compiled program is missing: run `cargo xtask build`, or name it in {PROGRAM_VARIABLE}; looked at {candidates:?}"
            )
        });
        fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
    })
}

fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os(PROGRAM_VARIABLE) {
        return vec![named.into()];
    }
    let built = Path::new("deploy").join("assay.so");
    let beside_this_test =
        env::current_exe().into_iter().flat_map(|exe| exe.ancestors().map(|at| at.join(&built)).collect::<Vec<_>>());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(&built);
    beside_this_test.chain([workspace]).collect()
}
