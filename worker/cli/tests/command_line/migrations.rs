//! `assay network plan` and `apply` on a local chain. Needs the compiled program: `cargo xtask build --program-only`.

use super::{Ran, command, home};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A local chain in `home`, ended when dropped.
struct Localnet {
    child: Child,
    ready: Value,
}

impl Drop for Localnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Localnet {
    fn start(home: &Path) -> Self {
        let log = std::fs::File::create(home.join("log")).expect("a log file");
        let arguments =
            ["localnet", "--until-parent-exits", "--rpc-port", "0", "--ws-port", "0", "--ready-file", "ready.json"];
        let child = with_program(home, &[&arguments[..], &["--slot-ms", "50", "--nodes", "0"]].concat())
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
            assert!(started.elapsed() < Duration::from_secs(120), "the localnet does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn run(&self, home: &Path, arguments: &[&str]) -> Ran {
        let text = |name: &str| self.ready[name].as_str().expect("a string").to_owned();
        let key = self.ready["keys"]["authority"].as_str().expect("a path").to_owned();
        let mut command = with_program(home, arguments);
        command.args(["--url", &text("rpc_url"), "--ws", &text("ws_url"), "--keypair", &key, "--output", "json"]);
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

#[test]
fn a_migration_is_planned_applied_once_and_then_nothing_is_left() {
    let home = home();
    let localnet = Localnet::start(home.path());
    let plan = localnet.run(home.path(), &["network", "plan"]);
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    assert_eq!(plan.json()["actions"], serde_json::json!([]), "a localnet is made by the migrations themselves");

    let folder = home.path().join("migrations");
    std::fs::create_dir(&folder).expect("a folder");
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for name in ["0001_deploy.toml", "0002_initialise.toml", "0003_parameters.toml", "0004_disputes.toml"] {
        std::fs::copy(own.join(name), folder.join(name)).expect("the project's migrations");
    }
    std::fs::write(folder.join("0005_fee.toml"), "[parameters]\nprotocol_fee_bps = 250\n").expect("a file");
    let fee = || {
        localnet.run(home.path(), &["network", "show"]).json()["parameters"]["protocol_fee_bps"]
            .as_u64()
            .expect("a fee")
    };
    let before = fee();
    assert_ne!(before, 250);

    let changed = ["--migrations", "migrations"];
    let planned = localnet.run(home.path(), &[&["network", "plan"], &changed[..]].concat()).json();
    let expected = format!("set protocol_fee_bps from {before} to 250");
    assert_eq!(planned["actions"], serde_json::json!([expected]));

    let unconfirmed = localnet.run(home.path(), &[&["network", "apply"], &changed[..]].concat());
    assert_eq!((unconfirmed.status, unconfirmed.json_error().0.as_str()), (2, "A0703"));
    assert_eq!(fee(), before, "nothing happens without --yes");

    let apply = [&["network", "apply", "--yes"], &changed[..]].concat();
    let first = localnet.run(home.path(), &apply);
    assert_eq!((first.status, first.json()["applied"].as_u64()), (0, Some(1)), "{}", first.stderr);
    assert_eq!(fee(), 250);
    let second = localnet.run(home.path(), &apply);
    assert_eq!((second.status, second.json()["applied"].as_u64()), (0, Some(0)), "{}", second.stderr);
    assert_eq!(second.json()["actions"], serde_json::json!([]));
}
