//! What packages carry: the units of systemd against the settings and exit statuses that there are, completions, pages.

use super::skips::not_tested;
use super::{NOWHERE, command, home, run};
use std::path::Path;
use std::process::Command;

const NODE: &str = "assay-node.service";
const VALIDATOR: &str = "assay-validator.service";

fn unit(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    std::fs::read_to_string(path).expect("the unit")
}

/// The word of systemd itself, on machines that have it.
#[test]
fn systemd_accepts_the_units_and_finds_their_sandboxes_tight() {
    for name in [NODE, VALIDATOR] {
        systemd_accepts(name);
    }
}

fn systemd_accepts(name: &str) {
    let folder = home();
    let path = folder.path().join(name);
    std::fs::write(&path, unit(name).replace("/usr/local/bin/assay", env!("CARGO_BIN_EXE_assay"))).expect("a file");
    let path = path.display().to_string();
    let checks = [&["verify", "--man=no", &path][..], &["security", "--offline=yes", "--threshold=20", &path]];
    for arguments in checks {
        match Command::new("systemd-analyze").args(arguments).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{arguments:?}: {said}");
                let is_about_it = |line: &&str| line.contains(name);
                assert_eq!(said.lines().find(is_about_it), None, "{arguments:?}");
            }
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
                return not_tested(&format!("what systemd says of {name}"), "there is no systemd-analyze");
            }
        }
    }
}

/// The values of a setting of a unit, in their order.
fn values_of<'unit>(unit: &'unit str, setting: &str) -> Vec<&'unit str> {
    unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('=')).collect()
}

/// Twenty starts without an endpoint are over in minutes, and whoever is down then loses bonds.
#[test]
fn systemd_starts_them_again_however_often_they_have_failed() {
    for name in [NODE, VALIDATOR] {
        let unit = unit(name);
        let one = |setting| match values_of(&unit, setting)[..] {
            [value] => value,
            ref values => panic!("{name}: {setting} is {values:?}"),
        };
        assert_eq!(one("StartLimitIntervalSec"), "0", "{name}: no number of failures is too many");
        assert_eq!(one("Restart"), "always", "{name}");
        let seconds = one("RestartSec").strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| (5..=60).contains(&seconds)), "{name}: {seconds:?} s");
    }
}

/// What is run before the start fails where settings are wrong, and systemd heeds it. It asks no endpoint and measures nothing, so
/// that neither an outage nor a benchmark keeps a node down.
#[test]
fn settings_are_checked_before_the_node_starts_and_nothing_else_is() {
    let unit = unit(NODE);
    let checks = values_of(&unit, "ExecStartPre");
    let [check] = checks[..] else { panic!("{checks:?}") };
    let words: Vec<&str> = check.strip_prefix("/usr/local/bin/assay ").expect("heeded").split(' ').collect();
    let home = home();
    let folder = home.path().join("node");
    std::fs::create_dir(&folder).expect("a folder");
    let checked = |settings: &str| {
        std::fs::write(folder.join("node.toml"), settings).expect("a file");
        let mut command = command(home.path(), &words);
        command.env("ASSAY_NODE_FOLDER", &folder).env("ASSAY_URL", NOWHERE);
        let output = command.output().expect("the command runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (status, said) = checked("price_floor = 2\n");
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = checked("price_flor = 2\n");
    assert!(status == Some(1) && said.contains("N0004") && said.contains("price_floor?"), "{said}");
}

#[test]
fn the_units_run_commands_that_there_are_and_do_not_restart_what_cannot_work() {
    let home = home();
    let node = ["RestartPreventExitStatus=2 5 6 8", "SuccessExitStatus=6"];
    for (name, commands, statuses) in [(NODE, 2, &node[..]), (VALIDATOR, 1, &["RestartPreventExitStatus=2 8"][..])] {
        let unit = unit(name);
        let starts = unit.lines().filter_map(|line| line.strip_prefix("ExecStart")?.split_once('='));
        let mut count = 0;
        for (_, command) in starts {
            let words: Vec<&str> = command.split(' ').skip(1).chain(["--help"]).collect();
            let ran = run(home.path(), &words);
            assert!(ran.status == 0 && ran.stdout.contains("--data"), "{command}: {}", ran.stderr);
            count += 1;
        }
        assert_eq!(count, commands, "{name}: the check before the start, and the start");
        for status in statuses {
            assert!(unit.lines().any(|line| line == *status), "{name}: {status}");
        }
    }
    let help = run(home.path(), &["--help"]).stdout;
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for status in ["2 wrong arguments", "5 convicted", "6 it has left", "7 the data folder is in use", "8 settings"] {
        assert!(words.contains(status), "{status} is not in {help}");
    }
    assert!(words.contains("`assay validator run`: 7 and 8"), "{help}");
}

#[test]
fn completions_and_pages_are_written() {
    let home = home();
    let script = run(home.path(), &["completions", "bash"]);
    assert!(script.status == 0 && script.stdout.contains("_assay()"), "{}", script.stderr);
    let pages = run(home.path(), &["man", "pages", "--output", "json"]);
    assert!(pages.status == 0, "{}", pages.stderr);
    assert!(pages.json().as_array().expect("names").iter().any(|name| name == "assay-node-exit.1"));
    assert!(home.path().join("pages/assay-node-exit.1").is_file());
}
