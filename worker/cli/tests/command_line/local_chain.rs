//! A local chain with the program on it. Needs the compiled program: `cargo xtask build --program-only`.

use super::{Ran, command};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A local chain in `home`, ended when dropped.
pub(super) struct Localnet {
    child: Child,
    pub(super) ready: Value,
}

impl Drop for Localnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Localnet {
    pub(super) fn start(home: &Path) -> Self {
        Self::with_nodes(home, 0)
    }

    /// With funded keys for so many nodes.
    pub(super) fn with_nodes(home: &Path, nodes: usize) -> Self {
        let nodes = nodes.to_string();
        let log = std::fs::File::create(home.join("log")).expect("a log file");
        let arguments =
            ["localnet", "--until-parent-exits", "--rpc-port", "0", "--ws-port", "0", "--ready-file", "ready.json"];
        let child = with_program(home, &[&arguments[..], &["--slot-ms", "50", "--nodes", &nodes]].concat())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the command runs");
        let mut localnet = Self { child, ready: Value::Null };
        let started = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(home.join("ready.json")) {
                localnet.ready = serde_json::from_str(&text).expect("the ready file is JSON");
                return localnet;
            }
            let log = || std::fs::read_to_string(home.join("log")).unwrap_or_default();
            let ended = localnet.child.try_wait().expect("the child can be asked");
            assert!(ended.is_none(), "the localnet ended: {}", log());
            assert!(started.elapsed() < Duration::from_secs(400), "the localnet does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(super) fn run(&self, home: &Path, arguments: &[&str]) -> Ran {
        self.run_with(home, arguments, self.ready["keys"]["authority"].as_str().expect("a path"))
    }

    /// With this key.
    pub(super) fn run_with(&self, home: &Path, arguments: &[&str], key: &str) -> Ran {
        let text = |name: &str| self.ready[name].as_str().expect("a string").to_owned();
        let mut command = with_program(home, arguments);
        command.args(["--url", &text("rpc_url"), "--ws", &text("ws_url"), "--keypair", key, "--output", "json"]);
        let output = command.output().expect("the command runs");
        Ran {
            status: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// The command, with the program that the environment names, if it names one.
fn with_program(home: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = command(home, arguments);
    if let Some(program) = std::env::var_os("ASSAY_PROGRAM_SO") {
        command.env("ASSAY_PROGRAM_SO", program);
    }
    command
}
