//! For tests: a client of no chain, and a node that gives answers one after the other and remembers what it heard.

use crate::Client;
use assay_chain::{Chain, Endpoint, SendOptions, Sender};
use assay_store::{FetchOptions, LocalStore};
use solana_sdk::signature::Keypair;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A client whose chain does not answer, with its store in the folder.
pub(super) fn client_of_no_chain() -> (Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::new(Endpoint::parse_with_websocket("http://127.0.0.1:9", "ws://127.0.0.1:9").unwrap());
    let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
    let store = LocalStore::open(folder.path()).unwrap();
    (Client::new(Sender::new(chain, SendOptions::default()), Keypair::new(), store, fetch).unwrap(), folder)
}

/// A node that gives these answers, one a request: what follows `HTTP/1.1 `, and a body. Its URL, and the requests that it heard, head
/// and body, once all are given.
pub(super) async fn node_that_answers(answers: Vec<(String, Vec<u8>)>) -> (String, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(read_request(&mut stream).await);
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        }
        requests
    });
    (url, requests)
}

/// The body of a request.
pub(super) fn body_of(request: &[u8]) -> &[u8] {
    &request[body_begins(request).unwrap()..]
}

async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let length = stream.read(&mut part).await.unwrap();
        bytes.extend_from_slice(&part[..length]);
        let Some(at) = body_begins(&bytes) else { continue };
        let head = String::from_utf8_lossy(&bytes[..at]).to_lowercase();
        // A request without a body says nothing of its length.
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or("0");
        if bytes.len() - at == length.trim().parse::<usize>().unwrap() {
            return bytes;
        }
    }
}

fn body_begins(request: &[u8]) -> Option<usize> {
    request.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}
