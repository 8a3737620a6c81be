//! What web pages may read and upload: the headers that browsers go by, and that nothing is taken from other pages.

use assay_store::{ArtifactId, ServerOptions, UploadToken, Uploads};

use crate::support::{Reply, TestServer, TestStore, sample};

const HERE: &str = "http://127.0.0.1:4173";
const THERE: &str = "https://app.example";

fn taking(uploads: Uploads, origins: &[&str]) -> ServerOptions {
    let upload_origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    ServerOptions { uploads, upload_origins, ..ServerOptions::default() }
}

fn token() -> Uploads {
    Uploads::Token(UploadToken::new("correct-horse-battery").unwrap())
}

/// What a browser asks before a page of `origin` sends such a request.
async fn preflight(server: &TestServer, id: ArtifactId, origin: &str, method: &str) -> Reply {
    let headers = format!("origin: {origin}\r\naccess-control-request-method: {method}\r\n");
    server.request("OPTIONS", &format!("/v1/artifacts/{id}"), &headers).await
}

/// Whether a browser would go on after this answer.
fn allows(reply: &Reply, origin: &str, method: &str) -> bool {
    let named = reply.header("access-control-allow-origin").is_some_and(|named| named == "*" || named == origin);
    let methods = reply.header("access-control-allow-methods").unwrap_or_default();
    (200..300).contains(&reply.status) && named && methods.split(", ").any(|one| one.eq_ignore_ascii_case(method))
}

#[tokio::test]
async fn any_page_may_read_and_also_the_reasons_of_refusals() {
    let test = TestStore::new();
    let id = test.store.put_bytes(sample(1_000)).await.unwrap();
    let server = TestServer::start(&test.store, ServerOptions::default()).await;
    let path = format!("/v1/artifacts/{id}");
    let origin = format!("origin: {THERE}\r\n");
    let ranged = format!("{origin}range: bytes=2-5\r\n");
    let missing = format!("/v1/artifacts/{}", ArtifactId::of(b"missing"));
    for (path, headers, status) in [
        (path.as_str(), &origin, 200),
        (&path, &ranged, 206),
        (&missing, &origin, 404),
        ("/v1/artifacts/x", &origin, 400),
    ] {
        let reply = server.request("GET", path, headers).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{}", reply.head);
    }
    let asked = preflight(&server, id, THERE, "GET").await;
    assert!(allows(&asked, THERE, "GET"), "{}", asked.head);
    assert!(asked.header("access-control-allow-headers").unwrap().contains("range"));
    assert!(!allows(&asked, THERE, "PUT"));
}

#[tokio::test]
async fn pages_of_this_machine_may_upload_where_its_programs_may() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = ArtifactId::of(&bytes);
    let server = TestServer::start(&test.store, taking(Uploads::Loopback, &[])).await;
    let asked = preflight(&server, id, HERE, "PUT").await;
    assert!(allows(&asked, HERE, "PUT"), "{}", asked.head);
    assert_eq!(asked.header("access-control-allow-origin"), Some(HERE), "never all origins: {}", asked.head);
    assert!(asked.header("vary").unwrap().contains("origin"));
    assert!(asked.header("access-control-allow-headers").unwrap().contains("content-type"));
    let reply = server.put(id, &format!("origin: {HERE}\r\n"), &bytes).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (201, Some(HERE)));

    // The reason of a refusal is for the page, too.
    let wrong = server.put(ArtifactId::of(b"other"), &format!("origin: {HERE}\r\n"), &bytes).await;
    assert_eq!((wrong.code().as_str(), wrong.header("access-control-allow-origin")), ("S0102", Some(HERE)));
}

#[tokio::test]
async fn nothing_is_taken_from_pages_of_elsewhere() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = ArtifactId::of(&bytes);
    let server = TestServer::start(&test.store, taking(Uploads::Loopback, &[])).await;
    for origin in [THERE, "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:4173"] {
        let asked = preflight(&server, id, origin, "PUT").await;
        assert_eq!((asked.status, asked.code().as_str()), (403, "S0410"), "{origin}");
        assert!(!allows(&asked, origin, "PUT"), "{}", asked.head);
        // A browser stops there; what is sent all the same is refused.
        let reply = server.put(id, &format!("origin: {origin}\r\n"), &bytes).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "S0410"), "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
        test.assert_empty().await;
    }
    // Programs say no origin.
    assert_eq!(server.put(id, "", &bytes).await.status, 201);
}

#[tokio::test]
async fn named_origins_are_the_only_ones() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = ArtifactId::of(&bytes);
    let server = TestServer::start(&test.store, taking(Uploads::Loopback, &[THERE])).await;
    assert!(allows(&preflight(&server, id, THERE, "PUT").await, THERE, "PUT"));
    assert_eq!(preflight(&server, id, HERE, "PUT").await.code(), "S0410");
    assert_eq!(server.put(id, &format!("origin: {HERE}\r\n"), &bytes).await.code(), "S0410");
    assert_eq!(server.put(id, &format!("origin: {THERE}\r\n"), &bytes).await.status, 201);
}

#[tokio::test]
async fn a_page_needs_the_token_as_everybody_does() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = ArtifactId::of(&bytes);
    let server = TestServer::start(&test.store, taking(token(), &[])).await;
    let asked = preflight(&server, id, THERE, "PUT").await;
    assert!(allows(&asked, THERE, "PUT"));
    assert!(asked.header("access-control-allow-headers").unwrap().contains("authorization"));
    let without = server.put(id, &format!("origin: {THERE}\r\n"), &bytes).await;
    assert_eq!((without.code().as_str(), without.header("access-control-allow-origin")), ("S0402", Some(THERE)));
    test.assert_empty().await;
    let with = format!("origin: {THERE}\r\nauthorization: Bearer correct-horse-battery\r\n");
    assert_eq!(server.put(id, &with, &bytes).await.status, 201);
}

#[tokio::test]
async fn no_page_may_upload_where_nobody_may() {
    let test = TestStore::new();
    let server = TestServer::start(&test.store, taking(Uploads::Refused, &[HERE])).await;
    let asked = preflight(&server, ArtifactId::of(b"x"), HERE, "PUT").await;
    assert_eq!((asked.status, asked.code().as_str()), (403, "S0401"));
}
