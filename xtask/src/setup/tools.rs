//! Programs from crates.io that Debian 12 has no package of, compiled once into the cache.

use std::path::PathBuf;

use crate::failure::{Code, Failure};
use crate::process;
use crate::report::Progress;
use crate::workspace::Workspace;

/// A tool and the release that the workspace was written for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// Features that it needs to be a program.
    features: &'static [&'static str],
    /// How long compiling it takes on 2 cores, for the user's patience.
    about: &'static str,
}

/// Checks licences, banned crates and sources.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", features: &[], about: "about 1 minute" };
/// Coverage-guided fuzzing.
pub(crate) const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2", features: &[], about: "about 20 seconds" };
/// An S3-compatible server that checks signatures, for the tests of stores.
pub(crate) const S3_SERVER: Tool =
    Tool { name: "s3s-fs", version: "0.14.1", features: &["binary"], about: "some minutes" };

impl Tool {
    /// The program: as installed on this machine, else as compiled into the cache, else compiled now.
    pub(crate) fn ensure(self, workspace: &Workspace, progress: &Progress) -> Result<PathBuf, Failure> {
        if process::is_installed(self.name) {
            return Ok(PathBuf::from(self.name));
        }
        let tools = workspace.cache.join("tools");
        let program = tools.join("bin").join(self.name);
        if program.is_file() {
            return Ok(program);
        }
        eprintln!("    compiling {} {} into {} ({}, once)", self.name, self.version, tools.display(), self.about);
        let build = tools.join(format!("build-{}", self.name));
        let mut install = workspace.cargo("install");
        // Not optimised: compiling it so would take longer than it ever runs.
        install.args([self.name, "--version", self.version, "--locked", "--debug", "--root"]).arg(&tools);
        for feature in self.features {
            install.args(["--features", feature]);
        }
        install.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", &build);
        process::run_quietly(
            &mut install,
            progress,
            Code::Tool,
            &format!("check that crates.io can be reached, or install {} yourself and put it on the PATH", self.name),
        )?;
        // What it was compiled from is of no further use; failing to remove it harms nobody.
        let _ = std::fs::remove_dir_all(build);
        Ok(program)
    }
}
