//! A TCP proxy whose connections can be cut, as networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

/// Passes connections on to a target until it is cut; refuses new ones until it is mended.
pub(crate) struct Proxy {
    address: SocketAddr,
    open: Arc<AtomicBool>,
    cut: broadcast::Sender<()>,
}

impl Proxy {
    /// A proxy to `target`, given as `host:port`.
    pub(crate) async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(AtomicBool::new(true));
        let (cut, _) = broadcast::channel(1);
        let (is_open, cuts) = (open.clone(), cut.clone());
        tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                // In this order: who is cut after this look hears of it.
                let cut = cuts.subscribe();
                if is_open.load(Ordering::SeqCst) {
                    tokio::spawn(pass(client, target.clone(), cut));
                }
            }
        });
        Self { address, open, cut }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Drops every connection and every new one; when it returns, nothing passes any more.
    pub(crate) async fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        let _ = self.cut.send(());
        while self.cut.receiver_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

async fn pass(mut client: TcpStream, target: String, mut cut: broadcast::Receiver<()>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.recv() => {}
    }
}
