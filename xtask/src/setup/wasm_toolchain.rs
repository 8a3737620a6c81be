//! Which compiler and linker make WebAssembly.
//!
//! Where rustup installed the standard library for `wasm32-unknown-unknown`, the usual compiler does. Elsewhere the compiler of the
//! workspace's SBF toolchain does, which comes with the sources of the standard library; it has no linker for this target, so one of
//! LLVM's is looked for.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress};
use crate::setup::debian;
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::{Workspace, cargo_in};

/// The target as rustc calls it.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Where cargo looks for the linker of this target.
const LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";

/// Linkers for WebAssembly by their names on the PATH, newest first: rustup's, and Debian's of packages lld, lld-19 and others.
const LINKERS: &[&str] = &["rust-lld", "wasm-ld", "wasm-ld-19", "wasm-ld-18", "wasm-ld-17", "wasm-ld-16", "wasm-ld-15"];

/// The Debian package that has a linker.
const LINKER_PACKAGE: &str = "lld";

/// What compiles the verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WasmToolchain {
    /// The usual compiler, with the standard library that rustup installed for the target.
    Installed,
    /// The compiler of the SBF toolchain in this folder, which compiles the standard library too.
    Workspace(PathBuf),
}

impl WasmToolchain {
    /// The toolchain that is to be used.
    pub(crate) fn select(workspace: &Workspace) -> Self {
        match sysroot() {
            Some(sysroot) if sysroot.join("lib/rustlib").join(TARGET).is_dir() => Self::Installed,
            _ => Self::Workspace(workspace.sbf_toolchain()),
        }
    }

    /// Makes sure that the toolchain and a linker are there.
    pub(crate) fn ensure(&self, workspace: &Workspace, progress: &Progress) -> Result<Ending, Failure> {
        let Self::Workspace(prefix) = self else {
            return Ok(Ending::Done(format!("the target {TARGET} is installed")));
        };
        SbfToolchain::Workspace(prefix.clone()).ensure(workspace, progress, false)?;
        let linker = match linker() {
            Some(linker) => linker,
            None if debian::is_debian() => {
                debian::install(progress, &[LINKER_PACKAGE])?;
                linker().ok_or_else(no_linker)?
            }
            None => return Err(no_linker()),
        };
        Ok(Ending::Done(format!("the SBF toolchain's compiler, linking with {}", linker.display())))
    }

    /// Cargo in `root` that compiles for the target with this toolchain: the command, for which the caller names what to build.
    pub(crate) fn cargo(&self, root: &Path, subcommand: &str) -> Result<Command, Failure> {
        let mut cargo = cargo_in(root);
        cargo.args([subcommand, "--target", TARGET]);
        if let Self::Workspace(prefix) = self {
            // -Zbuild-std is an unstable feature.
            cargo.args(["-Zbuild-std=std,panic_abort"]);
            cargo.env("RUSTC", prefix.join("bin/rustc-sbf")).env("RUSTC_BOOTSTRAP", "1");
            cargo.env(LINKER, linker().ok_or_else(no_linker)?);
            // Flags and wrappers meant for the host's compiler would reach this one.
            for name in
                ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTUP_TOOLCHAIN"]
            {
                cargo.env_remove(name);
            }
        }
        Ok(cargo)
    }
}

/// The folder of the usual compiler's libraries.
fn sysroot() -> Option<PathBuf> {
    let printed = process::output_of(Command::new("rustc").args(["--print", "sysroot"]))?;
    Some(PathBuf::from(printed.trim()))
}

/// The linker: the user's, the one that comes with the usual compiler, or one on the PATH.
fn linker() -> Option<PathBuf> {
    let users = env::var_os(LINKER).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_sysroot = || {
        let hosts = sysroot()?.join("lib/rustlib").read_dir().ok()?;
        let linkers = hosts.filter_map(|host| Some(host.ok()?.path().join("bin/rust-lld")));
        linkers.into_iter().find(|linker| linker.is_file())
    };
    let on_path = || LINKERS.iter().find(|name| process::is_installed(name)).map(PathBuf::from);
    users.or_else(of_sysroot).or_else(on_path)
}

fn no_linker() -> Failure {
    Failure::new(
        Code::Missing,
        "there is no linker for WebAssembly: neither rust-lld nor wasm-ld",
        format!("install LLVM's linker (Debian: apt-get install {LINKER_PACKAGE}), or: rustup target add {TARGET}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspaces_compiler_is_told_to_compile_the_standard_library_and_no_flags_reach_it() {
        let toolchain = WasmToolchain::Workspace(PathBuf::from("/toolchain"));
        let Ok(cargo) = toolchain.cargo(Path::new("."), "build") else {
            assert!(linker().is_none(), "it fails for want of a linker alone");
            return;
        };
        let variable = |name: &str| cargo.get_envs().find(|(key, _)| *key == name).map(|(_, value)| value);
        assert_eq!(variable("RUSTC"), Some(Some("/toolchain/bin/rustc-sbf".as_ref())));
        assert_eq!(variable("RUSTFLAGS"), Some(None));
        assert!(cargo.get_args().any(|argument| argument == "-Zbuild-std=std,panic_abort"));
    }

    #[test]
    fn the_installed_target_needs_nothing_unstable() {
        let cargo = WasmToolchain::Installed.cargo(Path::new("."), "build").expect("no linker is needed");
        let arguments: Vec<_> = cargo.get_args().collect();
        assert_eq!(arguments, ["build", "--target", TARGET]);
        assert!(cargo.get_envs().all(|(name, _)| name != "RUSTC"));
    }
}
