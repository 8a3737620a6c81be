//! `PUT`: who may, and that a refused upload leaves nothing.

use std::time::Duration;

use assay_store::{ArtifactId, ServerOptions, UploadToken, Uploads};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{PATIENCE, PLENTY, TestServer, TestStore, sample, within};

fn taking(uploads: Uploads) -> ServerOptions {
    ServerOptions { uploads, max_artifact_bytes: 2_000_000, ..ServerOptions::default() }
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    for chunk in body.chunks(50_000) {
        framed.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
    }
    framed.extend_from_slice(b"0\r\n\r\n");
    framed
}

#[tokio::test]
async fn nobody_may_upload_unless_it_is_enabled() {
    let test = TestStore::new();
    let bytes = sample(800_000);
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let reply = server.put(ArtifactId::of(&bytes), "", &bytes).await;
    assert_eq!((reply.status, reply.code()), (403, "S0401".to_owned()));
    test.assert_empty().await;
}

#[tokio::test]
async fn the_token_is_needed_where_one_is_set() {
    let test = TestStore::new();
    let bytes = sample(800_000);
    let id = ArtifactId::of(&bytes);
    let token = UploadToken::new("correct-horse-battery").unwrap();
    let server = TestServer::start(&test.store, taking(Uploads::Token(token))).await;
    for header in ["", "authorization: Bearer wrong\r\n", "authorization: Basic correct-horse-battery\r\n"] {
        let reply = server.put(id, header, &bytes).await;
        assert_eq!((reply.status, reply.code()), (401, "S0402".to_owned()), "{header}");
        assert_eq!(reply.header("www-authenticate"), Some("bearer"));
        test.assert_empty().await;
    }
    let header = "authorization: Bearer correct-horse-battery\r\n";
    assert_eq!(server.put(id, header, &bytes).await.status, 201);
    assert_eq!(server.put(id, header, &bytes).await.status, 200);
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn loopback_uploads_need_a_loopback_host_and_no_proxy() {
    let test = TestStore::new();
    let bytes = sample(100);
    let id = ArtifactId::of(&bytes);
    let server = TestServer::start(&test.store, taking(Uploads::Loopback)).await;
    let reply = server.put(id, "x-forwarded-for: 192.0.2.1\r\n", &bytes).await;
    assert_eq!((reply.status, reply.code()), (403, "S0401".to_owned()));
    let rebound = format!(
        "PUT /v1/artifacts/{id} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(server.raw(rebound.as_bytes()).await.status, 403);
    test.assert_empty().await;
    assert_eq!(server.put(id, "", &bytes).await.status, 201);
}

#[tokio::test]
async fn wrong_bytes_leave_nothing() {
    let test = TestStore::new();
    let server = TestServer::start(&test.store, taking(Uploads::Loopback)).await;
    let reply = server.put(ArtifactId::of(b"other"), "", &sample(1_500_000)).await;
    assert_eq!((reply.status, reply.code()), (422, "S0102".to_owned()));
    let reply = server.put("abc", "", b"x").await;
    assert_eq!((reply.status, reply.code()), (400, "S0201".to_owned()));
    test.assert_empty().await;
}

#[tokio::test]
async fn uploads_are_bounded_with_and_without_a_declared_length() {
    let test = TestStore::new();
    let server = TestServer::start(&test.store, taking(Uploads::Loopback)).await;
    let fits = sample(2_000_000);
    let larger = sample(2_000_001);

    let declared = server.put(ArtifactId::of(&larger), "", &larger).await;
    assert_eq!((declared.status, declared.code()), (413, "S0103".to_owned()));
    let message = String::from_utf8(declared.body).unwrap();
    assert!(message.contains("has 2000001 bytes"), "refused before it arrived: {message}");
    test.assert_empty().await;

    let request = |body: &[u8]| {
        let head = format!(
            "PUT /v1/artifacts/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n",
            ArtifactId::of(body)
        );
        [head.into_bytes(), chunked(body)].concat()
    };
    let undeclared = server.raw(&request(&larger)).await;
    assert_eq!((undeclared.status, undeclared.code()), (413, "S0103".to_owned()));
    test.assert_empty().await;

    assert_eq!(server.raw(&request(&fits)).await.status, 201);
    assert_eq!(test.store.total_bytes().await.unwrap(), 2_000_000);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let test = TestStore::new();
    let bytes = sample(1_900_000);
    let server = TestServer::start(&test.store, taking(Uploads::Loopback)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PUT /v1/artifacts/{} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1900000\r\n\r\n",
        ArtifactId::of(&bytes)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes[..1_800_000]).await.unwrap();
    within(PATIENCE, async {
        while test.unfinished().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(stream);
    within(PATIENCE, async {
        while !test.unfinished().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    test.assert_empty().await;
}

#[tokio::test]
async fn a_slow_upload_is_refused_and_leaves_nothing() {
    let silent = ServerOptions { idle_timeout: Duration::from_millis(100), ..taking(Uploads::Loopback) };
    let dripping =
        ServerOptions { grace: Duration::from_millis(200), min_bytes_per_second: 10_000, ..taking(Uploads::Loopback) };
    for (options, drip) in [(silent, Duration::from_secs(60)), (dripping, Duration::from_millis(10))] {
        let test = TestStore::new();
        let server = TestServer::start(&test.store, options).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "PUT /v1/artifacts/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\n",
            ArtifactId::of(b"x")
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = stream.into_split();
        let sender = tokio::spawn(async move {
            while writing.write_all(b"x").await.is_ok() {
                tokio::time::sleep(drip).await;
            }
        });
        let mut reply = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut reply);
        let _ = within(PATIENCE, read).await;
        let reply = String::from_utf8_lossy(&reply);
        assert!(reply.starts_with("HTTP/1.1 408") && reply.contains("S0406"), "{reply}");
        sender.abort();
        test.assert_empty().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_upload_one_artifact_at_once() {
    let test = TestStore::new();
    let bytes = sample(700_000);
    let id = ArtifactId::of(&bytes);
    let server = TestServer::start(&test.store, taking(Uploads::Loopback)).await;
    let replies = futures_util::future::join_all((0..16).map(|_| server.put(id, "", &bytes))).await;
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 201)), "{replies:?}");
    assert!(replies.iter().any(|reply| reply.status == 201));
    assert_eq!(test.store.list().await.unwrap().len(), 1);
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
    assert_eq!(test.unfinished(), Vec::<String>::new());
}
