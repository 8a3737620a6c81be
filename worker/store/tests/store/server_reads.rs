//! `GET` and `HEAD`, as they are on the wire.

use assay_store::{ArtifactId, ServerOptions};

use crate::support::{TestServer, TestStore, sample};

#[tokio::test]
async fn an_artifact_is_served_as_immutable_bytes() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = test.store.put_bytes(bytes.clone()).await.unwrap();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let path = format!("/v1/artifacts/{id}");
    let get = server.request("GET", &path, "").await;
    let head = server.request("HEAD", &path, "").await;
    let upper = server.request("GET", &format!("/v1/artifacts/{}", id.to_string().to_uppercase()), "").await;
    assert_eq!((get.status, get.body), (200, bytes.clone()));
    assert_eq!((head.status, head.body), (200, Vec::new()));
    assert_eq!((upper.status, upper.body), (200, bytes));
    for head in [get.head, head.head, upper.head] {
        for line in [
            &format!("etag: \"{id}\""),
            "content-length: 1000",
            "cache-control: public, max-age=31536000, immutable",
            "content-type: application/octet-stream",
            "x-content-type-options: nosniff",
            "accept-ranges: bytes",
            "access-control-allow-origin: *",
        ] {
            assert_eq!(head.lines().filter(|found| *found == line).count(), 1, "{line} in\n{head}");
        }
    }
}

#[tokio::test]
async fn ranges_are_served() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = test.store.put_bytes(bytes.clone()).await.unwrap();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let path = format!("/v1/artifacts/{id}");
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1_000),
        ("bytes=999-", 999, 1_000),
        ("bytes=250-749", 250, 750),
        ("bytes=900-5000", 900, 1_000),
        ("bytes=-1", 999, 1_000),
        ("bytes=-5000", 0, 1_000),
    ] {
        let reply = server.request("GET", &path, &format!("range: {range}\r\n")).await;
        assert_eq!((reply.status, &reply.body[..]), (206, &bytes[start..end]), "{range}");
        assert_eq!(reply.header("content-range"), Some(&format!("bytes {start}-{}/1000", end - 1)[..]), "{range}");
        assert_eq!(reply.header("content-length"), Some(&(end - start).to_string()[..]), "{range}");
    }
    for range in ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999-"] {
        let reply = server.request("GET", &path, &format!("range: {range}\r\n")).await;
        assert_eq!((reply.status, reply.code()), (416, "S0107".to_owned()), "{range}");
        assert_eq!(reply.header("content-range"), Some("bytes */1000"), "{range}");
    }
    for range in ["bytes=5-4", "bytes=0-1,5-6", "items=0-1", "nonsense"] {
        let reply = server.request("GET", &path, &format!("range: {range}\r\n")).await;
        assert_eq!((reply.status, reply.body.len()), (200, 1_000), "{range}");
        assert_eq!(reply.header("content-range"), None, "{range}");
    }
}

#[tokio::test]
async fn ranges_of_nothing() {
    let test = TestStore::new();
    let id = test.store.put_bytes(Vec::new()).await.unwrap();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let path = format!("/v1/artifacts/{id}");
    assert_eq!(server.request("GET", &path, "").await.header("content-length"), Some("0"));
    assert_eq!(server.request("GET", &path, "range: bytes=0-\r\n").await.status, 416);
    assert_eq!(server.request("GET", &path, "range: bytes=-1\r\n").await.status, 200);
}

#[tokio::test]
async fn conditional_requests_are_answered() {
    let test = TestStore::new();
    let id = test.store.put_bytes(sample(1_000)).await.unwrap();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let path = format!("/v1/artifacts/{id}");
    for (headers, status) in [
        (format!("if-none-match: \"{id}\"\r\n"), 304),
        (format!("if-none-match: \"x\", W/\"{id}\"\r\n"), 304),
        ("if-none-match: *\r\n".to_owned(), 304),
        ("if-none-match: \"x\"\r\n".to_owned(), 200),
        (format!("if-range: \"{id}\"\r\nrange: bytes=1-2\r\n"), 206),
        ("if-range: \"x\"\r\nrange: bytes=1-2\r\n".to_owned(), 200),
    ] {
        assert_eq!(server.request("GET", &path, &headers).await.status, status, "{headers}");
    }
    let head = server.request("HEAD", &path, "range: bytes=1-2\r\n").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("1000")));
}

#[tokio::test]
async fn no_path_leads_out_of_the_store() {
    let test = TestStore::new();
    let id = test.store.put_bytes(sample(1_000)).await.unwrap();
    std::fs::write(test.root().join("secret"), "secret").unwrap();
    let digits = id.to_string();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    for path in [
        "/v1/artifacts/../secret",
        "/v1/artifacts/../../secret",
        "/v1/artifacts/..%2fsecret",
        "/v1/artifacts/..%2f..%2fsecret",
        "/v1/artifacts/%2e%2e/secret",
        "/v1/artifacts/..%5c..%5csecret",
        "/v1/artifacts/....//secret",
        "/v1/artifacts//etc/passwd",
        "/v1/artifacts/%2fetc%2fpasswd",
        "/v1/artifacts/%00",
        "/v1/artifacts/%ff%fe",
        "/v1/artifacts/",
        "/v1/artifacts",
        "/v1/../secret",
        "/../secret",
        "//secret",
        "/",
        &format!("/v1/artifacts/{}/{}", &digits[..2], &digits[2..]),
        &format!("/v1/artifacts/..%2fobjects%2f{}%2f{}", &digits[..2], &digits[2..]),
        &format!("/v1/artifacts/{digits}%00"),
        &format!("/v1/artifacts/{digits}/"),
        &format!("/v1/artifacts/{}", ".".repeat(64)),
        &format!("/v1/artifacts/{}", "../".repeat(21) + "a"),
    ] {
        for method in ["GET", "PUT"] {
            let reply = server.request(method, path, "content-length: 0\r\n").await;
            let refused = matches!((reply.status, &reply.code()[..]), (400, "S0201") | (404, "S0404") | (403, "S0401"));
            assert!(refused, "{method} {path}: {reply:?}");
            assert!(!reply.body.windows(8).any(|window| window == b"\"secret\""), "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_a_code() {
    let test = TestStore::new();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let missing = format!("/v1/artifacts/{}", ArtifactId::of(b"missing"));
    for (method, path, status, code) in [
        ("GET", &missing[..], 404, "S0101"),
        ("GET", "/v1/artifacts/abc", 400, "S0201"),
        ("GET", "/nothing", 404, "S0404"),
        ("POST", &missing, 405, "S0405"),
        ("DELETE", &missing, 405, "S0405"),
        ("POST", "/v1/health", 405, "S0405"),
    ] {
        let reply = server.request(method, path, "").await;
        assert_eq!((reply.status, &reply.code()[..]), (status, code), "{method} {path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "a refusal must not be cached");
        assert!(status != 405 || reply.header("allow").is_some_and(|allow| allow.contains("get")), "{reply:?}");
    }
    let health = server.request("GET", "/v1/health", "").await;
    assert_eq!((health.status, &health.body[..]), (200, &b"{\"status\":\"ok\"}"[..]));
}

#[cfg(unix)]
#[tokio::test]
async fn a_broken_disk_is_not_described_to_strangers() {
    let test = TestStore::new();
    let id = ArtifactId::of(b"a link to itself in its place");
    let path = test.store.path(&id);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let reply = server.request("GET", &format!("/v1/artifacts/{id}"), "").await;
    assert_eq!((reply.status, reply.code()), (500, "S0409".to_owned()));
    assert!(!String::from_utf8_lossy(&reply.body).contains(test.root().to_str().unwrap()));
}

#[tokio::test]
async fn further_routes_stand_beside_the_artifacts() {
    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use std::net::SocketAddr;
    let test = TestStore::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() };
    let more = axum::Router::new().route("/v1/more", get(peer));
    let options = ServerOptions::default();
    let task = tokio::spawn(assay_store::serve_with(test.store.clone(), listener, options, more, shutdown.clone()));
    let server = TestServer { address, shutdown, task };
    let reply = server.request("GET", "/v1/more", "").await;
    assert_eq!((reply.status, reply.body.as_slice()), (200, b"127.0.0.1".as_slice()));
    assert_eq!(server.request("GET", "/v1/health", "").await.status, 200);
    let absent = server.request("GET", "/v1/less", "").await;
    assert_eq!((absent.status, absent.code()), (404, server.request("GET", "/v1/", "").await.code()));
    let wrong = server.request("DELETE", "/v1/more", "").await;
    assert_eq!((wrong.status, wrong.code()), (405, server.request("DELETE", "/v1/health", "").await.code()));
}
