//! The built `assay` command, run as a person or a program runs it, without a network.

mod agents;
mod arguments;
mod cold_key;
mod configuration;
mod documented;
mod governance;
mod image;
mod kernels;
mod local_chain;
mod migrations;
mod models;
mod node_config;
mod packaging;
mod ports;
mod processes;
mod secrets;
mod skips;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// An address where nothing listens: port 9 is `discard`.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What a run of the command left behind.
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// The last line of stdout as JSON.
    fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}, stderr {:?}", self.stderr))
    }

    /// The last line of stderr as a JSON error, with its code.
    fn json_error(&self) -> (String, String) {
        let line = self.stderr.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let text = |name: &str| value[name].as_str().expect("a string").to_owned();
        (text("code"), text("error"))
    }
}

/// The command with an empty home, so that nothing of the person who runs the tests is read.
fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Ran {
    let output = command(home, arguments).output().expect("the command runs");
    Ran {
        status: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A keypair file that the Solana CLI would write.
fn write_keypair(path: &Path) -> solana_sdk::pubkey::Pubkey {
    use solana_sdk::signer::Signer;
    let keypair = solana_sdk::signature::Keypair::new();
    let text = serde_json::to_string(keypair.to_bytes().as_slice()).expect("JSON");
    std::fs::write(path, text).expect("a writable folder");
    keypair.pubkey()
}

/// Faults on purpose are compiled into development builds alone, and what asks for them stands in the binary exactly then.
#[test]
fn only_development_builds_know_of_faults() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_assay")).unwrap();
    let needle = b"ASSAY_FAULT";
    let mut rest = binary.as_slice();
    let mut is_there = false;
    while let Some(at) = rest.iter().position(|byte| *byte == needle[0]) {
        rest = &rest[at..];
        is_there |= rest.starts_with(needle);
        rest = &rest[1..];
    }
    assert_eq!(is_there, cfg!(debug_assertions));
}
