//! A server of artifacts that lies.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with each request.
#[derive(Clone, Debug)]
pub enum Misbehaviour {
    /// Sends these bytes, whatever was asked for.
    WrongBytes(Vec<u8>),
    /// Announces so many bytes, sends fewer, and hangs up.
    Truncated {
        /// What the header says.
        announced: usize,
        /// What comes.
        sent: Vec<u8>,
    },
    /// Announces more than anybody should take, and sends without end.
    TooLarge,
}

/// A server on loopback that misbehaves in one way.
#[derive(Debug)]
pub struct MisbehavingServer {
    address: SocketAddr,
}

impl MisbehavingServer {
    /// Starts it.
    pub async fn start(misbehaviour: Misbehaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, misbehaviour.clone()));
            }
        });
        Self { address }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn answer(mut stream: TcpStream, misbehaviour: Misbehaviour) {
    let mut request = [0u8; 4096];
    let _ = stream.read(&mut request).await;
    let (announced, body) = match &misbehaviour {
        Misbehaviour::WrongBytes(bytes) => (bytes.len(), bytes.clone()),
        Misbehaviour::Truncated { announced, sent } => (*announced, sent.clone()),
        Misbehaviour::TooLarge => (1 << 40, vec![0; 1 << 16]),
    };
    let header = format!("HTTP/1.1 200 OK\r\ncontent-length: {announced}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(header.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    if matches!(misbehaviour, Misbehaviour::TooLarge) {
        while stream.write_all(&body).await.is_ok() {}
    }
    let _ = stream.shutdown().await;
}
