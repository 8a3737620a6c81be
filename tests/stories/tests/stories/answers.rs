//! What an operator is told of a node when the chain is not there, when its settings are broken, and when it is late.

use serde_json::Value;
use std::net::SocketAddr;
use story_tests::{NodeProcess, Placement, Proxy, Story};

fn behind(url: &str) -> SocketAddr {
    url.rsplit('/').next().and_then(|address| address.parse().ok()).expect("an address")
}

fn codes(status: &Value) -> Vec<&str> {
    let reasons = status["not_ready"].as_array().map(Vec::as_slice).unwrap_or_default();
    reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_endpoint_is_down_says_so_itself() {
    let story = Story::begin().await;
    let straight = story.placement();
    let (rpc, ws) = (Proxy::to(behind(&straight.rpc_url)).await, Proxy::to(behind(&straight.ws_url)).await);
    let mut node = NodeProcess::register(&story, "node", straight, |_| {});
    let (rpc_url, ws_url) = (format!("http://{}", rpc.address()), format!("ws://{}", ws.address()));
    node.sees_through(Placement { rpc_url, ws_url });
    node.start(None).await;
    story.until("it hears slots", async || node.status().await.is_some_and(|status| status.slot > 0)).await;
    rpc.goes_down();
    ws.goes_down();
    let stands_still = async || {
        let (status, told, said) = node.ask(&["node", "status"]);
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(told["running"], true, "{told}");
        codes(&told).contains(&"N0523") && told["chain_error"].as_str().is_some_and(|error| error.starts_with("C0110"))
    };
    story.until("the node says that it hears no slots", stands_still).await;

    // With settings that cannot be read, it is found all the same.
    let path = node.data().join("node.toml");
    let text = std::fs::read_to_string(&path).expect("the settings");
    std::fs::write(&path, format!("no_such_key = 1\n{text}")).expect("a file");
    for arguments in [&["node", "status"][..], &["node", "top", "--once"]] {
        let (status, told, said) = node.ask(arguments);
        assert!(status == Some(0) && told.to_string().contains("N0523"), "{arguments:?}: {said} {told}");
    }
    std::fs::write(&path, &text).expect("a file");
    node.kill();
    let (status, told, said) = node.ask(&["node", "status"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(told["running"] == false && told["chain_error"].is_string() && codes(&told) == ["N0407"], "{told}");
    rpc.comes_back();
    let (status, told, said) = node.ask(&["node", "status"]);
    assert!(status == Some(0) && told["chain_error"].is_null() && told["stake"].is_number(), "{said} {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_late_is_not_taken_for_one_that_is_not_there() {
    let story = Story::begin().await;
    // It listens where the node would, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let node = NodeProcess::register(&story, "node", story.placement(), |config| config.status_listen = address);
    for arguments in [&["node", "status"][..], &["node", "top", "--once"]] {
        let (status, _, said) = node.ask(arguments);
        assert!(status == Some(1) && said.contains("T0121"), "{arguments:?}: {said}");
    }
    let (_, findings, said) = node.ask(&["node", "doctor", "--quick"]);
    assert!(findings.to_string().contains("T0121"), "{said} {findings}");
    drop(silent);
    let (status, told, said) = node.ask(&["node", "status"]);
    assert!(status == Some(0) && told["running"] == false, "{said} {told}");
}
