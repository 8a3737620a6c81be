//! `cargo xtask build`: the on-chain program and the `assay` command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::BuildOptions;
use crate::commands::setup;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::{Workspace, cargo_in};

/// The program's keypair on local chains.
const DEVELOPMENT_KEYPAIR: &str = "migrations/keys/assay-dev-keypair.json";

/// Sets up, builds the program, then the command unless only the program is wanted.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &BuildOptions) -> Result<(), Failure> {
    let toolchain = SbfToolchain::select(workspace, options.compiler)?;
    setup::ensure(workspace, report, &toolchain, false)?;
    program(workspace, report, &toolchain)?;
    if !options.program_only {
        let binary = command(workspace, report, &options.profile)?;
        report.fact("binary", binary.display().to_string());
    }
    Ok(())
}

/// Builds the on-chain program to deploy/assay.so in the target folder.
pub(crate) fn program(workspace: &Workspace, report: &mut Report, toolchain: &SbfToolchain) -> Result<(), Failure> {
    let destination = workspace.program();
    let about = match toolchain {
        SbfToolchain::Anza => "with cargo build-sbf",
        SbfToolchain::Workspace(_) => "with the workspace's SBF toolchain (the first time, with std: about 1 minute)",
    };
    report.step("on-chain program", about, |_| {
        provide_keypair(workspace)?;
        match toolchain {
            SbfToolchain::Anza => {
                // As `anchor build` calls it.
                let mut build = workspace.cargo("build-sbf");
                build.args([
                    "--manifest-path",
                    "programs/assay/Cargo.toml",
                    "--tools-version",
                    "v1.57",
                    "--arch",
                    "v3",
                ]);
                build.arg("--sbf-out-dir").arg(workspace.target.join("deploy"));
                process::run(&mut build, Code::ProgramBuild, "mend what the compiler reports above")?;
            }
            SbfToolchain::Workspace(prefix) => {
                let built = compile(prefix, &workspace.root, &workspace.target.join("sbf"), "assay")?;
                install(&built, &destination)?;
            }
        }
        let bytes = fs::metadata(&destination).map_err(|e| Failure::file("read", &destination, &e))?.len();
        Ok(Ending::Done(format!("{} ({bytes} bytes)", destination.display())))
    })?;
    report.fact("program", destination.display().to_string());
    Ok(())
}

/// Puts the development keypair where Anchor's and Solana's tools look for the program's; they would make one with another address. A
/// keypair that is there stays.
fn provide_keypair(workspace: &Workspace) -> Result<(), Failure> {
    let (from, to) = (workspace.root.join(DEVELOPMENT_KEYPAIR), workspace.target.join("deploy/assay-keypair.json"));
    if to.exists() { Ok(()) } else { install(&from, &to) }
}

/// Compiles one program crate of the workspace in `root` with the toolchain in `prefix`; returns the shared object in `target`.
pub(crate) fn compile(prefix: &Path, root: &Path, target: &Path, package: &str) -> Result<PathBuf, Failure> {
    forget_other_toolchain(prefix, target)?;
    let mut build = Command::new(prefix.join("bin/cargo-sbf"));
    // The same environment as every other cargo, and a target folder of its own: two compilers in one would invalidate each other.
    let cargo = cargo_in(root);
    build.env("CARGO", cargo.get_program()).env("CARGO_TARGET_DIR", target).current_dir(root);
    for (name, value) in cargo.get_envs() {
        if value.is_none() {
            build.env_remove(name);
        }
    }
    build.args(["build", "-p", package]);
    if std::env::var_os("CI").is_some() {
        build.arg("--locked");
    }
    process::run(&mut build, Code::ProgramBuild, "mend what the compiler reports above")?;
    let library = format!("lib{}.so", package.replace('-', "_"));
    Ok(target.join("sbpf-solana-solana/release").join(library))
}

/// Removes what another version of the toolchain compiled: cargo looks at the compiler's version, but not at the linker and its plugin.
fn forget_other_toolchain(prefix: &Path, target: &Path) -> Result<(), Failure> {
    let (stamp, kept) = (prefix.join("stamp"), target.join("toolchain-stamp"));
    let present = fs::read(&stamp).map_err(|e| Failure::file("read", &stamp, &e))?;
    if fs::read(&kept).is_ok_and(|used| used == present) {
        return Ok(());
    }
    let outputs = target.join("sbpf-solana-solana");
    if outputs.exists() {
        fs::remove_dir_all(&outputs).map_err(|e| Failure::file("remove", &outputs, &e))?;
    }
    fs::create_dir_all(target).map_err(|e| Failure::file("create", target, &e))?;
    fs::write(&kept, present).map_err(|e| Failure::file("write", &kept, &e))
}

/// Builds the `assay` command; returns where it is.
pub(crate) fn command(workspace: &Workspace, report: &mut Report, profile: &str) -> Result<PathBuf, Failure> {
    let folder = if profile == "dev" { "debug" } else { profile };
    let binary = workspace.target.join(folder).join("assay");
    report.step("assay command", "the first time several minutes", |_| {
        let mut build = workspace.compiling_cargo("build");
        // The whole workspace is named so that features are those of the tests: nothing is then compiled twice.
        build.args(["--workspace", "--bin", "assay", "--profile", profile]);
        process::run(&mut build, Code::Build, "mend what the compiler reports above")?;
        Ok(Ending::Done(binary.display().to_string()))
    })?;
    Ok(binary)
}

/// Puts a file in its place if it differs, at once: programs may be reading the old one.
pub(crate) fn install(from: &Path, to: &Path) -> Result<(), Failure> {
    let bytes = fs::read(from).map_err(|e| Failure::file("read", from, &e))?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
    }
    let fresh = to.with_extension(format!("new-{}", std::process::id()));
    fs::write(&fresh, bytes).map_err(|e| Failure::file("write", &fresh, &e))?;
    fs::rename(&fresh, to).map_err(|e| Failure::file("write", to, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_another_toolchain_are_forgotten_and_of_the_same_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (prefix, target) = (folder.path().join("prefix"), folder.path().join("target"));
        let output = target.join("sbpf-solana-solana/release/lib.so");
        fs::create_dir_all(&prefix).expect("a folder");
        for (stamp, kept) in [("one", false), ("one", true), ("two", false)] {
            fs::write(prefix.join("stamp"), stamp).expect("a stamp");
            fs::create_dir_all(output.parent().expect("a folder")).expect("folders");
            fs::write(&output, "program").expect("an output");
            forget_other_toolchain(&prefix, &target).expect("readable files");
            assert_eq!(output.exists(), kept, "toolchain {stamp}");
        }
    }

    #[test]
    fn installing_replaces_what_differs_and_leaves_no_other_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("deploy/to.so"));
        for content in ["one", "two", "two"] {
            fs::write(&from, content).expect("a file to install");
            install(&from, &to).expect("installed");
            assert_eq!(fs::read_to_string(&to).expect("the installed file"), content);
        }
        assert_eq!(fs::read_dir(folder.path().join("deploy")).expect("the folder").count(), 1);
    }
}
