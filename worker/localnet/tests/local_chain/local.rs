//! The local chain itself: ports, time, several at once.

use crate::support::start;
use assay_localnet::{Localnet, LocalnetOptions, travel_to_slot};
use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tells the child test below that it is meant, and where to write its endpoint.
const CHILD: &str = "ASSAY_LOCALNET_CHILD";

#[tokio::test(flavor = "multi_thread")]
async fn time_travels_forward_only() {
    let localnet = start(100);
    let chain = localnet.chain();
    travel_to_slot(&chain, 100_000).await.unwrap();
    assert!(chain.slot().await.unwrap() >= 100_000);
    assert_eq!(travel_to_slot(&chain, 5).await.unwrap_err().code(), "C0204");
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = |rpc_port, websocket_port| LocalnetOptions { rpc_port, websocket_port, ..LocalnetOptions::default() };
    for options in [options(port, 0), options(0, port)] {
        let error = Localnet::start(options).unwrap_err();
        assert_eq!(error.code(), "C0201");
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
}

#[test]
fn an_impossible_slot_time_is_refused() {
    for slot_time_ms in [0, 9, 10_001] {
        let error = Localnet::start(LocalnetOptions { slot_time_ms, ..LocalnetOptions::default() }).unwrap_err();
        assert_eq!(error.code(), "C0203");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_chain_frees_its_ports() {
    let localnet = start(100);
    let port: u16 = localnet.endpoint().rpc_url.rsplit(':').next().unwrap().parse().unwrap();
    localnet.stop();
    let mut attempts = 0;
    while TcpListener::bind(("127.0.0.1", port)).is_err() {
        attempts += 1;
        assert!(attempts < 1_200, "the port stays taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A process of its own for the test below: it writes its endpoint to the file that it is told.
#[test]
fn child_process() {
    let Some(announcement) = std::env::var_os(CHILD) else { return };
    let localnet = start(100);
    std::fs::write(announcement, &localnet.endpoint().rpc_url).unwrap();
    // Until the parent closes the pipe.
    let _ = std::io::stdin().lines().count();
}

fn spawn_child(announcement: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "local::child_process", "--nocapture"])
        .env(CHILD, announcement)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn announced(announcement: &Path) -> String {
    for _ in 0..2_400 {
        match std::fs::read_to_string(announcement) {
            Ok(url) if !url.is_empty() => return url,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the child does not announce its endpoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_chains_run_in_two_processes_at_once_and_print_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let announcements = [folder.path().join("first"), folder.path().join("second")];
    let children = announcements.each_ref().map(|announcement| spawn_child(announcement));
    let mut urls = HashSet::new();
    for announcement in &announcements {
        let url = announced(announcement).await;
        let chain = assay_chain::Chain::new(assay_chain::Endpoint::parse(&url).unwrap());
        let slot = chain.slot().await.unwrap();
        chain.wait_for_slot(slot + 2).await.unwrap();
        urls.insert(url);
    }
    assert_eq!(urls.len(), 2, "they have ports of their own");
    for mut child in children {
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let printed = String::from_utf8(output.stdout).unwrap();
        let by_the_harness = |line: &str| line.is_empty() || line.starts_with("running ") || line.starts_with("test ");
        assert!(printed.lines().all(by_the_harness), "{printed}");
    }
}
