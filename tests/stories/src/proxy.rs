//! A TCP proxy whose connections can be cut, again and again, and that counts what passes through it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a request calls that sends a transaction.
const SENDS: &[u8] = b"\"sendTransaction\"";
/// What any request to an RPC endpoint has in it.
const ASKS: &[u8] = b"\"jsonrpc\"";

/// Forwards every connection to one address until it is cut.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    cut: watch::Sender<u64>,
    is_down: Arc<AtomicBool>,
    counts: Arc<Counts>,
}

/// Requests that went towards the target.
#[derive(Debug, Default)]
struct Counts {
    all: AtomicU64,
    sending: AtomicU64,
}

impl Proxy {
    /// A proxy to `target`, on a free port of loopback.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (cut, cuts) = watch::channel(0);
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        let is_down = Arc::<AtomicBool>::default();
        let down = Arc::clone(&is_down);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (mut cuts, counts) = (cuts.clone(), Arc::clone(&counted));
                cuts.mark_unchanged();
                // In this order: who goes down after this look cuts what was accepted before it.
                if down.load(Ordering::Relaxed) {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(target).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    let both = async {
                        tokio::join!(forward(near_in, far_out, Some(&*counts)), forward(far_in, near_out, None))
                    };
                    tokio::select! {
                        _ = both => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { address, cut, is_down, counts }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// From now on every connection is closed at once, and those that are open are cut.
    pub fn goes_down(&self) {
        self.is_down.store(true, Ordering::Relaxed);
        self.cut();
    }

    /// It forwards again.
    pub fn comes_back(&self) {
        self.is_down.store(false, Ordering::Relaxed);
    }

    /// JSON-RPC requests that went through it, and how many of them send a transaction.
    pub fn requests(&self) -> (u64, u64) {
        (self.counts.all.load(Ordering::Relaxed), self.counts.sending.load(Ordering::Relaxed))
    }
}

/// Forwards one direction to its end, counting what is asked for, and tells the other side that it has ended.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counts: Option<&Counts>) {
    let mut buffer = vec![0; 1 << 16];
    let (mut asks, mut sends) = (Finder::new(ASKS), Finder::new(SENDS));
    while let Ok(length) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        if let Some(counts) = counts {
            counts.all.fetch_add(asks.find(bytes), Ordering::Relaxed);
            counts.sending.fetch_add(sends.find(bytes), Ordering::Relaxed);
        }
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Finds a word in a stream that comes in pieces.
struct Finder {
    word: &'static [u8],
    /// The end of what came before, shorter than the word.
    kept: Vec<u8>,
}

impl Finder {
    fn new(word: &'static [u8]) -> Self {
        Self { word, kept: Vec::new() }
    }

    /// How often the word ends within these bytes.
    fn find(&mut self, bytes: &[u8]) -> u64 {
        self.kept.extend_from_slice(bytes);
        let found = self.kept.windows(self.word.len()).filter(|part| *part == self.word).count();
        self.kept.drain(..self.kept.len().saturating_sub(self.word.len() - 1));
        found as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_counted_once_however_it_is_cut() {
        let text = b"{\"jsonrpc\":\"2.0\",\"method\":\"sendTransaction\"}{\"jsonrpc\":\"2.0\",\"method\":\"getSlot\"}";
        for size in 1..text.len() {
            let (mut asks, mut sends) = (Finder::new(ASKS), Finder::new(SENDS));
            let found = text.chunks(size).map(|piece| (asks.find(piece), sends.find(piece)));
            let sums = found.fold((0, 0), |sums, found| (sums.0 + found.0, sums.1 + found.1));
            assert_eq!(sums, (2, 1), "in pieces of {size}");
        }
    }
}
