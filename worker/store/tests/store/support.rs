//! Folders, servers and misbehaving servers for the tests.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_store::{FetchOptions, Fetcher, LocalStore, ServerOptions, StoreError, serve};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// More than any artifact of the tests.
pub(crate) const PLENTY: u64 = 1 << 30;

/// A store in a folder that goes away with it.
pub(crate) struct TestStore {
    pub(crate) store: LocalStore,
    folder: TempDir,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: LocalStore::open(folder.path()).unwrap(), folder }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Names of the files that unfinished work has left.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["temporary", "partial"] {
            for entry in std::fs::read_dir(self.root().join(folder)).unwrap() {
                names.push(entry.unwrap().file_name().into_string().unwrap());
            }
        }
        names
    }

    /// Asserts that neither artifacts nor unfinished work are there.
    pub(crate) async fn assert_empty(&self) {
        assert!(self.store.list().await.unwrap().is_empty());
        assert_eq!(self.unfinished(), Vec::<String>::new());
    }
}

/// `length` bytes that do not repeat soon.
pub(crate) fn sample(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Options that reach the tests' servers and try again at once, but wait as long as a busy machine may take to answer.
pub(crate) fn quick() -> FetchOptions {
    FetchOptions {
        allow_private: true,
        max_attempts: 3,
        first_wait: Duration::from_millis(5),
        max_wait: Duration::from_millis(20),
        connect_timeout: Duration::from_secs(30),
        stall_timeout: Duration::from_secs(30),
        deadline: Duration::from_secs(60),
        ..FetchOptions::default()
    }
}

pub(crate) fn quick_fetcher() -> Fetcher {
    Fetcher::new(quick()).unwrap()
}

/// A real server of a store.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), StoreError>>,
}

impl TestServer {
    pub(crate) async fn start(store: &LocalStore, options: ServerOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(store.clone(), listener, options, shutdown.clone()));
        Self { address, shutdown, task }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn uri(&self, name: impl std::fmt::Display) -> String {
        format!("{}/v1/artifacts/{name}", self.base())
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        Reply::read(&mut stream).await
    }

    /// A `GET` or other request without a body, with these further header lines.
    pub(crate) async fn request(&self, method: &str, path: &str, headers: &str) -> Reply {
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n", self.address);
        self.raw(request.as_bytes()).await
    }

    /// A `PUT` of `body` with these further header lines.
    pub(crate) async fn put(&self, name: impl std::fmt::Display, headers: &str, body: &[u8]) -> Reply {
        let head = format!(
            "PUT /v1/artifacts/{name} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (mut reading, mut writing) = stream.split();
        // A server that refuses may stop reading.
        let (_, reply) = tokio::join!(
            async {
                writing.write_all(head.as_bytes()).await?;
                writing.write_all(body).await
            },
            Reply::read(&mut reading)
        );
        reply
    }
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Self {
        let mut bytes = Vec::new();
        // A reset after the answer is an end as well.
        let _ = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head, body: bytes.get(end + 4..).unwrap_or_default().to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The stable code in the body of a refusal.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// What a misbehaving server does with one connection.
#[derive(Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Sends these bytes again and again until the client goes away.
    SendForEver(Vec<u8>),
}

/// A server that answers the n-th connection with the n-th script and then closes it; the last script repeats.
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ScriptedServer {
    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        Self::answering(move |number, _| scripts[number.min(scripts.len() - 1)].clone()).await
    }

    /// A server whose script depends on the number of the connection and on the request's head.
    pub(crate) async fn answering(script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let script = Arc::new(script);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                tokio::spawn(async move {
                    let head = read_head(&mut stream).await;
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(head.clone());
                        seen.len() - 1
                    };
                    for step in script(number, &head) {
                        if play(&mut stream, step).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn uri(&self, name: impl std::fmt::Display) -> String {
        format!("http://{}/v1/artifacts/{name}", self.address)
    }

    /// The heads of the requests so far, in lower case.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The `Range` headers of the requests so far.
    pub(crate) fn ranges(&self) -> Vec<Option<String>> {
        let range = |head: &String| head.lines().find_map(|line| line.strip_prefix("range: ").map(str::to_owned));
        self.requests().iter().map(range).collect()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).to_ascii_lowercase()
}

async fn play(stream: &mut TcpStream, step: Step) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).await,
        Step::Wait(time) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        Step::SendForEver(bytes) => loop {
            stream.write_all(&bytes).await?;
        },
    }
}

/// A head with status 200 and this length, if any.
pub(crate) fn ok_head(length: Option<usize>) -> Step {
    let length = length.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default();
    Step::Send(format!("HTTP/1.1 200 OK\r\n{length}connection: close\r\n\r\n").into_bytes())
}

/// An answer without a body.
pub(crate) fn bare(status: &str, headers: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n{headers}\r\n");
    vec![Step::Send(head.into_bytes())]
}

/// An honest answer to a request for the rest of `bytes` from `start`.
pub(crate) fn rest_of(bytes: &[u8], start: usize) -> Vec<Step> {
    let (last, total) = (bytes.len() - 1, bytes.len());
    let length = total - start;
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ncontent-length: {length}\r\ncontent-range: bytes {start}-{last}/{total}\r\n\
         connection: close\r\n\r\n"
    );
    vec![Step::Send(head.into_bytes()), Step::Send(bytes[start..].to_vec())]
}

/// The whole, honestly.
pub(crate) fn whole(bytes: &[u8]) -> Vec<Step> {
    vec![ok_head(Some(bytes.len())), Step::Send(bytes.to_vec())]
}

/// The first `sent` bytes of a promised whole, then a cut.
pub(crate) fn cut(bytes: &[u8], sent: usize) -> Vec<Step> {
    vec![ok_head(Some(bytes.len())), Step::Send(bytes[..sent].to_vec())]
}

/// How long what comes at once may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Fails the test rather than hanging it.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, work).await.expect("took too long")
}
