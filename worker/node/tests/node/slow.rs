//! Clients that hold on to connections: on every listener of a node they lose them again, and everybody else is answered.

use crate::rig::{Rig, config, world};
use crate::service::{get, start};
use crate::world::TestMarket;
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Longer than any limit of a listener, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends the beginning of a request and never the rest; ends when the server has closed the connection.
async fn hold(address: String, beginning: &'static str) {
    let Ok(mut stream) = TcpStream::connect(&address).await else { return };
    if stream.write_all(beginning.as_bytes()).await.is_err() {
        return;
    }
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    assert!(closed.is_ok(), "{address} still waits for the rest of {beginning:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_lose_their_connections_on_every_listener() {
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&Pubkey::new_unique(), &Default::default()));
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    let artifacts = running.artifacts.trim_start_matches("http://").to_owned();

    // More of them than one address may have at a time.
    let mut held = JoinSet::new();
    for beginning in
        ["GET /v1/health HTTP/1.1\r\nx-slow: ", "", "POST /v1/status HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"]
    {
        for _ in 0..40 {
            held.spawn(hold(running.status.clone(), beginning));
            held.spawn(hold(artifacts.clone(), beginning));
        }
    }
    while let Some(ended) = held.join_next().await {
        ended.unwrap();
    }

    assert!(get(&running.status, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get(&running.status, "/v1/status").await.starts_with("HTTP/1.1 200"));
    assert!(get(&artifacts, "/v1/health").await.starts_with("HTTP/1.1 200"));
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}
