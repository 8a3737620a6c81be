//! Clients that hold on to what they should let go, and the end of the server.

use std::time::Duration;

use assay_store::{ArtifactId, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, TestServer, TestStore, sample, within};

/// More than the buffers of a connection hold.
const LARGE: usize = 48 * 1024 * 1024;

async fn connect_and_send(server: &TestServer, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn large_artifact() -> (TestStore, ArtifactId) {
    let test = TestStore::new();
    let id = test.store.put_bytes(sample(LARGE)).await.unwrap();
    (test, id)
}

/// Begins a download and reads only its first bytes.
async fn begin_download(server: &TestServer, id: ArtifactId) -> TcpStream {
    let mut stream = connect_and_send(server, &format!("GET /v1/artifacts/{id} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn a_slow_header_is_cut_off() {
    let test = TestStore::new();
    let options = ServerOptions { header_timeout: Duration::from_millis(200), ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    for beginning in ["", "GET /v1/health HTTP/1.1\r\nx-slow: "] {
        let stream = connect_and_send(&server, beginning).await;
        let (mut reading, mut writing) = stream.into_split();
        let drip = tokio::spawn(async move {
            while writing.write_all(if beginning.is_empty() { b"" } else { b"x" }).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let _ = within(PATIENCE, reading.read_to_end(&mut Vec::new())).await;
        drip.abort();
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let test = TestStore::new();
    let options = ServerOptions { header_timeout: Duration::from_millis(200), ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    within(PATIENCE, async {
        let mut reply = Vec::new();
        // On a busy machine the header itself may come too late.
        while !reply.starts_with(b"HTTP/1.1 200") {
            let mut stream = connect_and_send(&server, "GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n").await;
            reply.clear();
            let _ = stream.read_to_end(&mut reply).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_header_without_end_is_cut_off() {
    let test = TestStore::new();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let mut stream = connect_and_send(&server, "GET /v1/health HTTP/1.1\r\nx-long: ").await;
    let endless = async { while stream.write_all(&[b'x'; 65_536]).await.is_ok() {} };
    within(PATIENCE, endless).await;
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let (test, id) = large_artifact().await;
    let options = ServerOptions { max_requests: 1, full_grace: PATIENCE, ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    let held = begin_download(&server, id).await;
    let path = format!("/v1/artifacts/{id}");
    let busy = server.request("GET", &path, "").await;
    assert_eq!((busy.status, busy.code(), busy.header("retry-after")), (503, "S0403".to_owned(), Some("1")));
    assert_eq!(server.request("GET", "/v1/health", "").await.status, 200, "health is not counted");
    drop(held);
    within(PATIENCE, async {
        while server.request("HEAD", &path, "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn requests_of_one_address_leave_places_to_others() {
    let (test, id) = large_artifact().await;
    let options = ServerOptions { max_requests_per_address: 1, idle_timeout: PATIENCE, ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    let path = format!("/v1/artifacts/{id}");
    let _held = begin_download(&server, id).await;
    let busy = server.request("HEAD", &path, "").await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
    #[cfg(target_os = "linux")]
    {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = socket.connect(server.address).await.unwrap();
        other.write_all(format!("HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut first = [0; 12];
        other.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
    }
}

/// Clients that read as slowly as a server with room lets them hold every place, until another one comes.
#[tokio::test]
async fn slow_readers_that_hold_every_place_make_room_for_the_next_client() {
    let (test, id) = large_artifact().await;
    let options = ServerOptions {
        max_requests: 2,
        idle_timeout: 10 * PATIENCE,
        grace: 10 * PATIENCE,
        full_grace: Duration::from_millis(100),
        full_min_bytes_per_second: 1 << 40,
        ..ServerOptions::default()
    };
    let server = TestServer::start(&test.store, options).await;
    let mut held = [begin_download(&server, id).await, begin_download(&server, id).await];
    let path = format!("/v1/artifacts/{id}");
    within(PATIENCE, async {
        while server.request("HEAD", &path, "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let mut received = Vec::new();
    for stream in &mut held {
        let mut bytes = Vec::new();
        let _ = within(PATIENCE, stream.read_to_end(&mut bytes)).await;
        received.push(bytes.len());
    }
    assert!(received.iter().any(|bytes| *bytes < LARGE), "one of them was cut off: {received:?}");
}

#[tokio::test]
async fn a_client_that_stops_reading_loses_its_place() {
    let (test, id) = large_artifact().await;
    let options = ServerOptions {
        max_requests: 1,
        full_grace: PATIENCE,
        idle_timeout: Duration::from_millis(300),
        ..ServerOptions::default()
    };
    let server = TestServer::start(&test.store, options).await;
    let path = format!("/v1/artifacts/{id}");
    // On a busy machine the place may be lost before it is looked at.
    let _held = within(PATIENCE, async {
        loop {
            let held = begin_download(&server, id).await;
            if server.request("HEAD", &path, "").await.status == 503 {
                break held;
            }
        }
    })
    .await;
    within(PATIENCE, async {
        while server.request("HEAD", &path, "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_cut_off() {
    let (test, id) = large_artifact().await;
    // More than a busy machine takes to begin, less than this client takes to read all.
    let options =
        ServerOptions { grace: Duration::from_secs(2), min_bytes_per_second: 1 << 30, ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    let mut stream = begin_download(&server, id).await;
    let mut received = 0;
    within(PATIENCE, async {
        let mut chunk = vec![0; 128 * 1024];
        loop {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(length) => received += length,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(received < LARGE, "{received} bytes came through");
}

#[tokio::test]
async fn one_connection_too_many_of_an_address_is_closed() {
    let test = TestStore::new();
    let options = ServerOptions { max_connections_per_address: 2, ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    let held = [connect_and_send(&server, "GET").await, connect_and_send(&server, "GET").await];
    let reply = server.request("GET", "/v1/health", "").await;
    assert_eq!(reply.status, 0, "{reply:?}");
    drop(held);
    within(PATIENCE, async {
        while server.request("GET", "/v1/health", "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn shutdown_lets_requests_at_work_end() {
    let (test, id) = large_artifact().await;
    let options = ServerOptions { drain_timeout: PATIENCE, ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    let mut download = begin_download(&server, id).await;
    let mut idle = connect_and_send(&server, "").await;
    server.shutdown.cancel();
    within(PATIENCE, async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let _ = within(PATIENCE, idle.read_to_end(&mut Vec::new())).await;
    assert!(!server.task.is_finished());
    let mut rest = Vec::new();
    within(PATIENCE, download.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.len() > LARGE, "head and body are whole");
    within(PATIENCE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let (test, id) = large_artifact().await;
    let options = ServerOptions { drain_timeout: Duration::from_millis(200), ..ServerOptions::default() };
    let server = TestServer::start(&test.store, options).await;
    let _held = begin_download(&server, id).await;
    server.shutdown.cancel();
    within(PATIENCE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn limits_of_zero_are_refused() {
    let test = TestStore::new();
    let zero = [
        ServerOptions { max_requests: 0, ..ServerOptions::default() },
        ServerOptions { max_requests_per_address: 0, ..ServerOptions::default() },
        ServerOptions { max_connections: 0, ..ServerOptions::default() },
        ServerOptions { max_connections_per_address: 0, ..ServerOptions::default() },
    ];
    for options in zero {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = assay_store::serve(test.store.clone(), listener, options, CancellationToken::new());
        assert_eq!(within(PATIENCE, served).await.unwrap_err().code(), "S0408");
    }
}
