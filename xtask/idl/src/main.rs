//! `idl-builder PROGRAM_FOLDER DESTINATION`: writes the interface description of an Anchor program as JSON.
//!
//! It is what `anchor idl build` does, through the same library, for machines without Anchor's command line.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result, bail};

/// Set in the environment of the process that does the work.
const PREPARED: &str = "ASSAY_IDL_PREPARED";

fn main() -> Result<()> {
    // With RUSTUP_TOOLCHAIN set, anchor-lang-idl 0.1.4 would pass the literal text "+{toolchain}" to cargo. A process cannot safely
    // change its own environment, so it starts itself once more without that variable.
    if env::var_os(PREPARED).is_none() && env::var_os("RUSTUP_TOOLCHAIN").is_some() {
        let status = Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            .env(PREPARED, "1")
            .env_remove("RUSTUP_TOOLCHAIN")
            .status()?;
        std::process::exit(status.code().unwrap_or(1));
    }
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [program, destination] = arguments.as_slice() else {
        bail!("usage: idl-builder PROGRAM_FOLDER DESTINATION");
    };
    let locked = env::var_os("CI").map(|_| "--locked".to_owned());
    let idl = IdlBuilder::new()
        .program_path(program.clone())
        .cargo_args(locked.into_iter().collect())
        .build()
        .with_context(|| format!("cannot generate the interface description of {}", program.display()))?;
    if let Some(folder) = destination.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    // Exactly what Anchor's command line writes, without a last line break too: `anchor build` writes the committed file as well.
    fs::write(destination, serde_json::to_string_pretty(&idl)?)
        .with_context(|| format!("cannot write {}", destination.display()))
}
