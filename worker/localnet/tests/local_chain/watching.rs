//! Watching jobs and nodes while the socket drops.

use crate::proxy::Proxy;
use crate::support::{Shared, funded_client, post_job, shared};
use assay::CreditRole;
use assay::state_machine::JobState;
use assay_chain::watcher::JobScope;
use assay_chain::{Chain, Endpoint, Watcher, WatcherEvent, WatcherOptions, instructions};
use solana_sdk::{pubkey::Pubkey, signer::Signer};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long anything may take that has to happen in the end; connections are tried again every ten seconds at least.
const PATIENCE: Duration = Duration::from_secs(120);

/// The local chain with its websocket behind a proxy.
async fn behind_proxy(shared: &Shared) -> (Chain, Proxy) {
    let endpoint = shared.localnet.endpoint();
    let proxy = Proxy::to(endpoint.websocket_url.trim_start_matches("ws://").to_owned()).await;
    let websocket = format!("ws://127.0.0.1:{}", proxy.port());
    (Chain::new(Endpoint::parse_with_websocket(&endpoint.rpc_url, &websocket).unwrap()), proxy)
}

/// A line for each event of `kind`s that matter to the tests, up to and including `last`.
async fn until(events: &mut mpsc::Receiver<WatcherEvent>, last: impl Fn(&WatcherEvent) -> bool) -> Vec<WatcherEvent> {
    let mut seen = Vec::new();
    loop {
        let event = timeout(PATIENCE, events.recv()).await.unwrap_or_else(|_| panic!("nothing after {seen:?}"));
        let event = event.expect("the watcher goes on");
        let is_last = last(&event);
        if !matches!(event, WatcherEvent::Slot(_)) {
            seen.push(event);
        }
        if is_last {
            return seen;
        }
    }
}

fn is_job(event: &WatcherEvent, wanted: &Pubkey, state: JobState) -> bool {
    matches!(event, WatcherEvent::JobChanged { address, job, .. } if address == wanted && job.state == state)
}

fn is_resync(event: &WatcherEvent) -> bool {
    matches!(event, WatcherEvent::Resynced { .. })
}

fn states(events: &[WatcherEvent]) -> Vec<(Pubkey, JobState)> {
    let mut states: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            WatcherEvent::JobChanged { address, job, .. } => Some((*address, job.state)),
            _ => None,
        })
        .collect();
    states.sort_by_key(|(address, _)| *address);
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_when_the_socket_drops() {
    let shared = shared().await;
    let sender = shared.sender();
    let client = funded_client(shared, &sender).await;
    let mint = shared.market.payment_mint;
    let (chain, proxy) = behind_proxy(shared).await;
    let stop = CancellationToken::new();
    let options = WatcherOptions {
        jobs: JobScope::OfClient(client.pubkey()),
        resync_interval: Duration::from_secs(3600),
        ..WatcherOptions::default()
    };
    let mut events = Watcher::new(chain, options).spawn(stop.clone());
    until(&mut events, is_resync).await;

    // A live notification.
    let first = post_job(&sender, &client, mint).await;
    let seen = until(&mut events, |event| is_job(event, &first, JobState::Posted)).await;
    assert_eq!(seen.len(), 1, "{seen:?}");

    // Everything happens while the socket is down: one job changes, another is new, a third comes and goes.
    proxy.cut().await;
    sender.execute(&[instructions::cancel_job(&client.pubkey(), &first)], &[&client]).await.unwrap();
    let second = post_job(&sender, &client, mint).await;
    let third = post_job(&sender, &client, mint).await;
    close(shared, &client, &third).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.mend();
    let seen = until(&mut events, is_resync).await;
    let mut expected = vec![(first, JobState::Cancelled), (second, JobState::Posted)];
    expected.sort_by_key(|(address, _)| *address);
    assert_eq!(states(&seen), expected, "each change once, what came and went not at all");

    // And live again, on the new connection.
    sender.execute(&[instructions::cancel_job(&client.pubkey(), &second)], &[&client]).await.unwrap();
    let seen = until(&mut events, |event| is_job(event, &second, JobState::Cancelled)).await;
    assert_eq!(seen.len(), 1, "{seen:?}");

    // A closed job is noticed by the next reading of everything, here after another drop.
    proxy.cut().await;
    close_cancelled(shared, &client, &first).await;
    proxy.mend();
    let seen = until(&mut events, is_resync).await;
    assert!(
        matches!(seen[..], [WatcherEvent::JobClosed { address }, WatcherEvent::Resynced { .. }] if address == first),
        "{seen:?}"
    );

    stop.cancel();
    while timeout(PATIENCE, events.recv()).await.expect("the stream ends").is_some() {}
}

async fn close(shared: &Shared, client: &solana_sdk::signature::Keypair, job: &Pubkey) {
    let sender = shared.sender();
    sender.execute(&[instructions::cancel_job(&client.pubkey(), job)], &[client]).await.unwrap();
    close_cancelled(shared, client, job).await;
}

async fn close_cancelled(shared: &Shared, client: &solana_sdk::signature::Keypair, job: &Pubkey) {
    let sender = shared.sender();
    let mint = shared.market.payment_mint;
    let destination = mint.associated_account(&client.pubkey());
    let account = sender.chain().job(job).await.unwrap();
    let settle = [
        instructions::withdraw_credit(&client.pubkey(), job, mint, CreditRole::Client, &destination),
        instructions::close_job(job, &account, mint),
    ];
    sender.execute(&settle, &[client]).await.unwrap();
    assert_eq!(sender.chain().find_job(job).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_falls_silent_is_replaced() {
    let shared = shared().await;
    // A server that accepts and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let websocket = format!("ws://{}", silent.local_addr().unwrap());
    let chain = Chain::new(Endpoint::parse_with_websocket(&shared.localnet.endpoint().rpc_url, &websocket).unwrap());
    let stop = CancellationToken::new();
    let options = WatcherOptions { silence_limit: Duration::from_millis(200), ..WatcherOptions::default() };
    let _events = Watcher::new(chain, options).spawn(stop.clone());
    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(timeout(PATIENCE, silent.accept()).await.expect("it connects again").unwrap());
    }
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_and_the_slots_are_watched() {
    let shared = shared().await;
    let sender = shared.sender();
    let owner = shared.node_owner();
    let index = 7;
    let node = assay::address::node(&owner.pubkey(), index);
    let options = WatcherOptions { nodes: vec![node], ..WatcherOptions::default() };
    let stop = CancellationToken::new();
    let mut events = Watcher::new(shared.localnet.chain(), options).spawn(stop.clone());
    until(&mut events, is_resync).await;
    let operator = Pubkey::new_unique();
    let register = instructions::register_node(&owner.pubkey(), index, &operator, "http://127.0.0.1:1");
    sender.execute(&[register], &[&owner]).await.unwrap();
    let is_registered = |event: &WatcherEvent| matches!(event, WatcherEvent::NodeChanged { address, node: seen, .. } if *address == node && seen.operator == operator);
    until(&mut events, is_registered).await;

    let deregister = instructions::deregister_node(&owner.pubkey(), &node);
    sender.execute(&[deregister], &[&owner]).await.unwrap();
    let is_gone = |event: &WatcherEvent| matches!(event, WatcherEvent::NodeClosed { address } if *address == node);
    until(&mut events, is_gone).await;

    let mut last = 0;
    for _ in 0..5 {
        while let Some(event) = timeout(PATIENCE, events.recv()).await.unwrap() {
            if let WatcherEvent::Slot(slot) = event {
                assert!(slot > last, "slots rise");
                last = slot;
                break;
            }
        }
    }
    stop.cancel();
}
