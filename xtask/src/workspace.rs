//! Where things are, and what `cargo metadata` says about the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::failure::{Code, Failure};

/// The workspace that is worked on.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root Cargo.toml.
    pub(crate) root: PathBuf,
    /// Cargo's target folder (CARGO_TARGET_DIR is honoured).
    pub(crate) target: PathBuf,
    /// What is kept between builds and checkouts: ASSAY_CACHE, else the user's cache folder.
    pub(crate) cache: PathBuf,
    /// The member crates.
    pub(crate) packages: Vec<Package>,
}

/// A member crate.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its Cargo.toml.
    pub(crate) manifest_path: PathBuf,
    /// What it names under dependencies, of every kind.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest names it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The crate's name.
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// The workspace that this program belongs to.
    pub(crate) fn find() -> Result<Self, Failure> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        Self::at(&manifest)
    }

    /// The workspace of the crate in a folder.
    pub(crate) fn at(folder: &Path) -> Result<Self, Failure> {
        let unreadable = |what: String| {
            Failure::new(
                Code::Workspace,
                what,
                "run `cargo metadata --no-deps` in the repository and mend what it reports",
            )
        };
        let output = cargo_in(folder)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .map_err(|e| unreadable(format!("cannot run cargo: {e}")))?;
        if !output.status.success() {
            return Err(unreadable(format!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .map_err(|e| unreadable(format!("cargo metadata is not understood: {e}")))?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            cache: cache_folder()?,
            packages: metadata.packages,
        })
    }

    /// Cargo, to be run in the workspace's root.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = cargo_in(&self.root);
        command.arg(subcommand);
        command
    }

    /// Cargo for a subcommand that compiles; with CI set it may not change Cargo.lock.
    pub(crate) fn compiling_cargo(&self, subcommand: &str) -> Command {
        let mut command = self.cargo(subcommand);
        if env::var_os("CI").is_some() {
            command.arg("--locked");
        }
        command
    }

    /// The compiled on-chain program.
    pub(crate) fn program(&self) -> PathBuf {
        self.target.join("deploy/assay.so")
    }

    /// A program of the workspace's own, as compiled with the dev profile.
    pub(crate) fn dev_binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// Where the SBF toolchain is kept.
    pub(crate) fn sbf_toolchain(&self) -> PathBuf {
        self.cache.join("sbf-toolchain")
    }
}

/// Cargo in a folder, without what `cargo run` told this program about its own crate: build scripts would see it and run again.
pub(crate) fn cargo_in(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

fn cache_folder() -> Result<PathBuf, Failure> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("ASSAY_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("assay")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/assay")))
        .ok_or_else(|| {
            Failure::new(
                Code::Workspace,
                "none of ASSAY_CACHE, XDG_CACHE_HOME and HOME is set",
                "set ASSAY_CACHE to a folder for what is kept between builds",
            )
        })
}
