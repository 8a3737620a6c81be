//! Commands that run until they are told to end.

use super::{command, home, run};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn ends_within(child: &mut Child, patience: Duration) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    panic!("it did not end within {patience:?}");
}

#[test]
fn a_store_says_where_it_is_and_ends_on_sigterm() {
    let home = home();
    let mut child = command(home.path(), &["store", "serve", "--listen", "127.0.0.1:0", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert!(value["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:") && !url.ends_with(":0")));
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    assert_eq!(ends_within(&mut child, Duration::from_secs(20)), Some(0));
}

#[test]
fn a_log_in_json_is_one_object_a_line() {
    let home = home();
    let mut child = command(home.path(), &["store", "serve", "--listen", "127.0.0.1:0", "-v", "--log-format", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut line = String::new();
    BufReader::new(child.stderr.take().expect("stderr")).read_line(&mut line).expect("a line");
    let _ = child.kill();
    let _ = child.wait();
    let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(value["level"] == "INFO" && value["message"].is_string() && value["target"].is_string(), "{value}");
}

#[test]
fn a_taken_port_is_named() {
    let home = home();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let ran = run(home.path(), &["store", "serve", "--listen", &address, "--output", "json"]);
    let (code, text) = ran.json_error();
    assert_eq!((ran.status, code.as_str()), (1, "A0401"));
    assert!(text.contains(&address) && text.contains("--listen"), "{text}");
}

#[test]
fn without_a_program_neither_localnet_nor_demo_begins() {
    let home = home();
    let localnet = run(home.path(), &["localnet", "--program", "none.so", "--output", "json"]);
    let (code, text) = localnet.json_error();
    assert_eq!((localnet.status, code.as_str()), (1, "A0501"));
    assert!(text.contains("none.so") && text.contains("cargo xtask build"), "{text}");
    let demo = command(home.path(), &["demo", "--output", "json"])
        .env("ASSAY_PROGRAM_SO", "none.so")
        .output()
        .expect("the command runs");
    assert_eq!(demo.status.code(), Some(1));
    let said = String::from_utf8(demo.stderr).expect("UTF-8");
    assert!(said.lines().last().is_some_and(|line| line.contains("A0501")), "{said}");
    assert!(demo.stdout.is_empty());
}
