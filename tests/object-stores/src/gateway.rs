//! What lies between here and a store: a TCP proxy that can be told to misbehave.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a gateway treats connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It forwards them.
    Fair,
    /// It closes them at once.
    Down,
    /// It takes what is sent and answers nothing.
    Silent,
    /// It forwards so many bytes of what the store answers on each connection, and hangs up.
    Cut(usize),
    /// It forwards so many bytes of what the store is sent on each connection, and hangs up.
    Choked(usize),
    /// It answers each request with this status line and body itself.
    Answer(&'static str, String),
}

/// A proxy to one address on a free port of loopback.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl Gateway {
    /// A gateway in fair weather.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (weather, changes) = watch::channel(Weather::Fair);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut changes = changes.clone();
                let now = changes.borrow_and_update().clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass(near, target, now) => {}
                        // The library keeps connections: what is open is cut when the weather changes.
                        _ = changes.changed() => {}
                    }
                });
            }
        });
        Self { address, weather }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather, for open connections too.
    pub fn is(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn pass(mut near: TcpStream, target: SocketAddr, weather: Weather) {
    let (most_out, most_back) = match weather {
        Weather::Down => return,
        Weather::Silent => {
            let mut taken = vec![0; 1 << 16];
            while near.read(&mut taken).await.is_ok_and(|length| length > 0) {}
            return;
        }
        Weather::Answer(status, body) => return answer(near, status, &body).await,
        Weather::Fair => (usize::MAX, usize::MAX),
        Weather::Cut(bytes) => (usize::MAX, bytes),
        Weather::Choked(bytes) => (bytes, usize::MAX),
    };
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.split(), far.split());
    let forward = async {
        let mut limited = (&mut near_in).take(most_out as u64);
        let passed = tokio::io::copy(&mut limited, &mut far_out).await.unwrap_or_default();
        if passed < most_out as u64 {
            // All that was sent: the answer is still to come.
            let _ = far_out.shutdown().await;
            std::future::pending::<()>().await;
        }
    };
    let back = async {
        let mut limited = (&mut far_in).take(most_back as u64);
        let _ = tokio::io::copy(&mut limited, &mut near_out).await;
        let _ = near_out.shutdown().await;
    };
    tokio::select! {
        () = back => {}
        () = forward => {}
    }
}

/// Reads the head of a request and answers it, whatever it was.
async fn answer(mut near: TcpStream, status: &str, body: &str) {
    let (mut request, mut part) = (Vec::new(), vec![0; 4_096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match near.read(&mut part).await {
            Ok(length) if length > 0 => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = near.write_all(head.as_bytes()).await;
    let _ = near.write_all(body.as_bytes()).await;
    let _ = near.shutdown().await;
    // What is still being sent is taken, or the answer would be lost with the connection.
    while near.read(&mut part).await.is_ok_and(|length| length > 0) {}
}
