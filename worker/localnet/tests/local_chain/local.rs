//! The local chain itself: ports, time, several at once.

use crate::support::start;
use assay_localnet::{Localnet, LocalnetOptions, travel_to_slot};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// Tells the child test below that it is meant.
const CHILD: &str = "ASSAY_LOCALNET_CHILD";
const ANNOUNCEMENT: &str = "listening on ";

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
    let endpoint = localnet.endpoint().clone();
    let port: u16 = endpoint.rpc_url.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(
        endpoint,
        assay_chain::Endpoint::parse(&endpoint.rpc_url)
            .map(|derived| assay_chain::Endpoint { websocket_url: endpoint.websocket_url.clone(), ..derived })
            .unwrap()
    );
    localnet.stop();
    let mut attempts = 0;
    while TcpListener::bind(("127.0.0.1", port)).is_err() {
        attempts += 1;
        assert!(attempts < 100, "the port stays taken");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// A process of its own for the test below.
#[test]
fn child_process() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let localnet = start(100);
    println!("{ANNOUNCEMENT}{}", localnet.endpoint().rpc_url);
    // Until the parent closes the pipe.
    let _ = std::io::stdin().lines().count();
}

/// A child, its endpoint, and its output, which must stay open as long as the child writes.
fn spawn_child() -> (Child, String, impl Sized) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "local::child_process", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = output
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(ANNOUNCEMENT).map(|(_, url)| url.to_owned()))
        .expect("the child announces its endpoint");
    (child, url, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_chains_run_in_two_processes_at_once() {
    let (mut first, first_url, _first_output) = spawn_child();
    let (mut second, second_url, _second_output) = spawn_child();
    assert_ne!(first_url, second_url);
    for url in [&first_url, &second_url] {
        let chain = assay_chain::Chain::new(assay_chain::Endpoint::parse(url).unwrap());
        let slot = chain.slot().await.unwrap();
        chain.wait_for_slot(slot + 2).await.unwrap();
    }
    drop(first.stdin.take());
    drop(second.stdin.take());
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
}
