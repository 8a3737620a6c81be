//! Which toolchain compiles the on-chain program, and setting up the workspace's own.

use std::path::PathBuf;
use std::process::Command;

use crate::arguments::ProgramCompiler;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress};
use crate::workspace::Workspace;

/// How long the set-up takes, for the user's patience: measured on 2 cores.
const ABOUT: &str = "about 1 minute on 2 idle cores, a download of 190 MB, 700 MB on disk";

/// A toolchain that compiles the on-chain program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SbfToolchain {
    /// Anza's platform tools, through `cargo build-sbf`.
    Anza,
    /// The one that xtask/sbf-toolchain makes, in this folder.
    Workspace(PathBuf),
}

impl SbfToolchain {
    /// The toolchain that is to be used.
    pub(crate) fn select(workspace: &Workspace, wanted: ProgramCompiler) -> Result<Self, Failure> {
        let anza = || process::is_installed("cargo-build-sbf");
        match wanted {
            ProgramCompiler::Auto if anza() => Ok(Self::Anza),
            ProgramCompiler::Auto | ProgramCompiler::Workspace => Ok(Self::Workspace(workspace.sbf_toolchain())),
            ProgramCompiler::Anza if anza() => Ok(Self::Anza),
            ProgramCompiler::Anza => Err(Failure::new(
                Code::Missing,
                "`cargo build-sbf` is not installed",
                "install Anza's tools (https://docs.anza.xyz/cli/install), or leave `--compiler anza` out",
            )),
        }
    }

    /// Makes sure that the toolchain is there; with `check` only reports whether it is.
    pub(crate) fn ensure(&self, workspace: &Workspace, progress: &Progress, check: bool) -> Result<Ending, Failure> {
        let Self::Workspace(prefix) = self else {
            return Ok(Ending::Skipped("`cargo build-sbf` is installed and will be used".into()));
        };
        let script = workspace.root.join("xtask/sbf-toolchain/setup.sh");
        let ready = process::output_of(Command::new(&script).arg("--check").arg(prefix));
        if let Some(version) = ready {
            return Ok(Ending::Done(version.trim().to_owned()));
        }
        if check {
            return Err(Failure::new(
                Code::Missing,
                format!("the SBF toolchain is not set up in {}", prefix.display()),
                "run: cargo xtask setup",
            ));
        }
        eprintln!("    making an SBF toolchain from Debian packages in {} ({ABOUT})", prefix.display());
        let mut command = Command::new(&script);
        command.arg(prefix);
        let lines = process::run_quietly(
            &mut command,
            progress,
            Code::SbfToolchain,
            "do what it says above and run `cargo xtask setup` again; or install Anza's tools, which are used where they are installed",
        )?;
        Ok(Ending::Done(lines.last().cloned().unwrap_or_default()))
    }
}
