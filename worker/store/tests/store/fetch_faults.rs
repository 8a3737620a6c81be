//! Sources that lie, break, stall or never end.

use std::time::{Duration, Instant};

use assay_store::{ArtifactId, FetchOptions, Fetcher, StoreError};

use crate::support::{
    PATIENCE, PLENTY, ScriptedServer, Step, TestStore, bare, cut, ok_head, quick, quick_fetcher, rest_of, sample,
    whole, within,
};

const LENGTH: usize = 1_500_000;

async fn failure(server: &ScriptedServer, id: ArtifactId, max_bytes: u64, test: &TestStore) -> StoreError {
    within(PATIENCE, quick_fetcher().fetch(&server.uri(id), id, max_bytes, &test.store)).await.unwrap_err()
}

#[tokio::test]
async fn wrong_bytes_are_refused_at_once_and_leave_nothing() {
    let test = TestStore::new();
    let (bytes, id) = (sample(LENGTH), ArtifactId::of(b"something else"));
    let server = ScriptedServer::start(vec![whole(&bytes)]).await;
    let error = failure(&server, id, PLENTY, &test).await;
    assert!(
        matches!(error, StoreError::WrongHash { expected, actual } if expected == id && actual == ArtifactId::of(&bytes))
    );
    assert!(!error.is_transient());
    assert_eq!(server.requests().len(), 1, "not asked again");
    test.assert_empty().await;
}

#[tokio::test]
async fn wrong_bytes_at_the_end_of_a_resumed_download_are_refused_and_leave_nothing() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(b"something else");
    std::fs::write(test.root().join(format!("partial/{id}")), &bytes[..1_000_000]).unwrap();
    let server =
        ScriptedServer::answering(
            move |_, head| {
                if head.contains("range:") { rest_of(&bytes, 1_000_000) } else { whole(&bytes) }
            },
        )
        .await;
    assert_eq!(failure(&server, id, PLENTY, &test).await.code(), "S0102");
    assert_eq!(server.requests().len(), 2, "once more from the start, then no more");
    test.assert_empty().await;
}

#[tokio::test]
async fn a_truncated_source_is_tried_a_bounded_number_of_times_and_kept_for_later() {
    let test = TestStore::new();
    let bytes = sample(900_000);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::answering({
        let bytes = bytes.clone();
        move |_, head| {
            let mut steps = if head.contains("range:") { rest_of(&bytes, 600_000) } else { cut(&bytes, 600_000) };
            if head.contains("range:") {
                steps.truncate(1);
            }
            steps
        }
    })
    .await;
    let error = failure(&server, id, PLENTY, &test).await;
    assert!(matches!(error, StoreError::Incomplete { received_bytes: 600_000, attempts: 3, .. }), "{error}");
    assert!(error.is_transient());
    assert_eq!(server.requests().len(), 3);
    assert!(!test.store.contains(&id).await.unwrap());
    assert_eq!(test.unfinished(), [id.to_string()]);
}

#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_refused_before_the_body() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![vec![ok_head(Some(LENGTH)), Step::Wait(Duration::from_secs(600))]]).await;
    let began = Instant::now();
    let error = failure(&server, id, LENGTH as u64 - 1, &test).await;
    assert!(matches!(error, StoreError::TooLarge { found_bytes: Some(1_500_000), .. }), "{error}");
    assert!(began.elapsed() < quick().stall_timeout, "it did not wait for the body");
    assert_eq!(server.requests().len(), 1);
    test.assert_empty().await;
}

#[tokio::test]
async fn a_declared_total_beyond_the_limit_is_refused_when_resuming() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    std::fs::write(test.root().join(format!("partial/{id}")), &bytes[..1_000_000]).unwrap();
    let mut steps = rest_of(&bytes, 1_000_000);
    steps[1] = Step::Wait(Duration::from_secs(600));
    let server = ScriptedServer::start(vec![steps]).await;
    let error = failure(&server, id, LENGTH as u64 - 1, &test).await;
    assert!(matches!(error, StoreError::TooLarge { found_bytes: Some(1_500_000), .. }), "{error}");
    test.assert_empty().await;
}

#[tokio::test]
async fn an_endless_source_is_cut_at_the_limit() {
    let chunk = sample(10_000);
    let framed = [b"2710\r\n", &chunk[..], b"\r\n"].concat();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let scripts = [vec![ok_head(None), Step::SendForEver(chunk)], vec![Step::Send(chunked), Step::SendForEver(framed)]];
    for script in scripts {
        let test = TestStore::new();
        let server = ScriptedServer::start(vec![script]).await;
        let error = failure(&server, ArtifactId::of(b"x"), 200_000, &test).await;
        assert!(matches!(error, StoreError::TooLarge { limit_bytes: 200_000, found_bytes: None }), "{error}");
        assert_eq!(server.requests().len(), 1);
        test.assert_empty().await;
    }
}

#[tokio::test]
async fn a_source_without_a_length_is_taken_whole() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![vec![ok_head(None), Step::Send(bytes.clone())]]).await;
    quick_fetcher().fetch(&server.uri(id), id, LENGTH as u64, &test.store).await.unwrap();
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_length_that_is_too_short_cuts_the_bytes_and_so_changes_the_hash() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![vec![ok_head(Some(LENGTH - 1)), Step::Send(bytes)]]).await;
    assert_eq!(failure(&server, id, PLENTY, &test).await.code(), "S0102");
    test.assert_empty().await;
}

#[tokio::test]
async fn a_length_that_is_too_long_does_not_hide_that_the_bytes_are_right() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![vec![ok_head(Some(LENGTH + 1)), Step::Send(bytes)]]).await;
    quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_slow_source_meets_the_deadline_and_what_came_is_kept() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let mut drip = vec![ok_head(Some(LENGTH))];
    for byte in &bytes[..10_000] {
        drip.extend([Step::Send(vec![*byte]), Step::Wait(Duration::from_millis(20))]);
    }
    let server = ScriptedServer::start(vec![drip]).await;
    let mut deadline = Duration::from_millis(400);
    // On a busy machine the first deadline may pass before anything has come.
    let kept = loop {
        let fetch = Fetcher::new(FetchOptions { deadline, ..quick() }).unwrap();
        let began = Instant::now();
        let error = fetch.fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap_err();
        assert!(matches!(error, StoreError::DeadlinePassed { .. }), "{error}");
        assert!(error.is_transient());
        assert!(began.elapsed() < deadline + PATIENCE);
        match std::fs::read(test.root().join(format!("partial/{id}"))) {
            Ok(kept) => break kept,
            Err(error) => assert!(deadline < Duration::from_secs(10), "nothing was kept: {error}"),
        }
        deadline *= 5;
    };
    assert!(!kept.is_empty() && bytes.starts_with(&kept), "{} bytes", kept.len());
}

#[tokio::test]
async fn a_deadline_holds_while_waiting_to_try_again() {
    let test = TestStore::new();
    let server = ScriptedServer::start(vec![bare("503 Service Unavailable", "retry-after: 3600\r\n")]).await;
    let id = ArtifactId::of(b"x");
    let (mut deadline, mut fetches) = (Duration::from_millis(300), 0);
    // On a busy machine the first deadline may pass before the server is asked.
    while server.requests().is_empty() {
        fetches += 1;
        let fetcher = Fetcher::new(FetchOptions { deadline, max_wait: 10 * PATIENCE, ..quick() }).unwrap();
        let error = within(PATIENCE, fetcher.fetch(&server.uri(id), id, PLENTY, &test.store)).await.unwrap_err();
        assert_eq!(error.code(), "S0304");
        deadline *= 5;
    }
    assert!(server.requests().len() <= fetches, "the server's wish to wait was respected");
}

#[tokio::test]
async fn a_silent_source_is_given_up() {
    let id = ArtifactId::of(b"x");
    let silent_body = vec![ok_head(Some(1_000)), Step::Send(vec![0; 10]), Step::Wait(Duration::from_secs(600))];
    let silent_head = vec![Step::Wait(Duration::from_secs(600))];
    let stall_timeout = Duration::from_millis(50);
    // A head is waited for as long as both together: one that comes is not to be missed on a busy machine.
    for (script, connect_timeout, code) in
        [(silent_body, quick().connect_timeout, "S0303"), (silent_head, stall_timeout, "S0301")]
    {
        let test = TestStore::new();
        let server = ScriptedServer::start(vec![script]).await;
        let fetcher = Fetcher::new(FetchOptions { stall_timeout, connect_timeout, ..quick() }).unwrap();
        let error = within(PATIENCE, fetcher.fetch(&server.uri(id), id, PLENTY, &test.store)).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

/// One byte before each silence would be too long: only the rate notices.
#[tokio::test]
async fn a_source_that_drips_is_given_up_long_before_the_deadline() {
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let mut drip = vec![ok_head(Some(LENGTH))];
    for byte in &bytes[..20_000] {
        drip.extend([Step::Send(vec![*byte]), Step::Wait(Duration::from_millis(5))]);
    }
    let server = ScriptedServer::start(vec![drip]).await;
    let test = TestStore::new();
    let deadline = Duration::from_secs(3_600);
    let options =
        FetchOptions { min_bytes_per_second: 1 << 20, grace: Duration::from_millis(200), deadline, ..quick() };
    let fetcher = Fetcher::new(options).unwrap();
    let given_up = within(PATIENCE, fetcher.fetch(&server.uri(id), id, PLENTY, &test.store)).await;
    let error = given_up.unwrap_err();
    assert!(error.code() == "S0303" && error.to_string().contains("slower than 1048576"), "{error}");
    assert!(error.is_transient(), "another source may be quicker, and what came is kept");
}

#[tokio::test]
async fn statuses_that_pass_are_tried_again_and_others_are_not() {
    let bytes = sample(1_000);
    let id = ArtifactId::of(&bytes);
    for passing in ["408 x", "425 x", "429 x", "500 x", "502 x", "503 x", "504 x"] {
        let test = TestStore::new();
        let server = ScriptedServer::start(vec![bare(passing, ""), whole(&bytes)]).await;
        quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
        assert_eq!(server.requests().len(), 2, "{passing}");
    }
    for lasting in ["204 x", "206 x", "300 x", "304 x", "400 x", "401 x", "403 x", "404 x", "410 x", "416 x", "501 x"] {
        let test = TestStore::new();
        let server = ScriptedServer::start(vec![bare(lasting, ""), whole(&bytes)]).await;
        let error = failure(&server, id, PLENTY, &test).await;
        assert!(matches!(error.code(), "S0302" | "S0306"), "{lasting}: {error}");
        assert!(!error.is_transient(), "{lasting}");
        assert_eq!(server.requests().len(), 1, "{lasting}");
        test.assert_empty().await;
    }
    let test = TestStore::new();
    let server = ScriptedServer::start(vec![bare("500 x", "")]).await;
    let error = failure(&server, id, PLENTY, &test).await;
    assert!(matches!(error, StoreError::HttpStatus { status: 500, .. }) && error.is_transient(), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_is_refused() {
    let test = TestStore::new();
    let id = ArtifactId::of(b"x");
    let server = ScriptedServer::start(vec![bare("200 OK", "content-encoding: gzip\r\n")]).await;
    assert_eq!(failure(&server, id, PLENTY, &test).await.code(), "S0306");
    assert!(server.requests()[0].contains("accept-encoding: identity"));
}

#[tokio::test]
async fn nonsense_and_dead_ports_are_unreachable() {
    let test = TestStore::new();
    let id = ArtifactId::of(b"x");
    let server = ScriptedServer::start(vec![vec![Step::Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]]).await;
    assert_eq!(failure(&server, id, PLENTY, &test).await.code(), "S0301");
    assert_eq!(server.requests().len(), 3);
    let error = quick_fetcher().fetch("http://127.0.0.1:1/x", id, PLENTY, &test.store).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { attempts: 3, .. }) && error.is_transient(), "{error}");
    test.assert_empty().await;
}
