//! Upload, serve, fetch: the honest case.

use std::sync::Mutex;
use std::time::Duration;

use assay_store::{
    ArtifactId, ArtifactUri, FetchSource, Progress, ServerOptions, StoreError, UploadOptions, UploadOutcome,
    UploadToken, Uploader, Uploads,
};

use crate::support::{PATIENCE, PLENTY, TestServer, TestStore, quick_fetcher, sample, within};

const TOKEN: &str = "correct-horse-battery";

fn uploader(token: Option<&str>) -> Uploader {
    Uploader::new(UploadOptions {
        allow_private: true,
        token: token.map(|token| UploadToken::new(token).unwrap()),
        max_attempts: 2,
        first_wait: Duration::from_millis(5),
        ..UploadOptions::default()
    })
    .unwrap()
}

#[tokio::test]
async fn artifacts_travel_from_store_to_store() {
    let (ours, served, theirs) = (TestStore::new(), TestStore::new(), TestStore::new());
    let uploads = Uploads::Token(UploadToken::new(TOKEN).unwrap());
    let server = TestServer::start(&served.store, ServerOptions { uploads, ..ServerOptions::default() }).await;
    let (uploader, fetcher) = (uploader(Some(TOKEN)), quick_fetcher());
    for length in [0, 1, 1_000, 3 * 1024 * 1024 + 7] {
        let bytes = sample(length);
        let id = ours.store.put_bytes(bytes.clone()).await.unwrap();
        assert_eq!(uploader.upload(&server.base(), &id, &ours.store).await.unwrap(), UploadOutcome::Sent);
        assert_eq!(uploader.upload(&server.base(), &id, &ours.store).await.unwrap(), UploadOutcome::AlreadyThere);

        let uri = ArtifactUri::new(&server.base(), id).unwrap();
        let seen = Mutex::new(Vec::<Progress>::new());
        let record = |progress| seen.lock().unwrap().push(progress);
        let fetched =
            fetcher.fetch_with_progress(uri.as_str(), uri.id(), length as u64, &theirs.store, &record).await.unwrap();
        assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: 0 });
        assert_eq!((fetched.artifact.id, fetched.artifact.bytes), (id, length as u64));
        assert_eq!(theirs.store.read(&id, PLENTY).await.unwrap(), bytes);

        let seen = seen.into_inner().unwrap();
        assert!(seen.is_sorted_by(|a, b| a.done_bytes < b.done_bytes));
        assert!(seen.iter().all(|progress| progress.total_bytes == Some(length as u64)));
        assert_eq!(seen.last().map_or(0, |progress| progress.done_bytes), length as u64);

        let again = fetcher.fetch(uri.as_str(), id, PLENTY, &theirs.store).await.unwrap();
        assert_eq!(again.source, FetchSource::Held);
    }
    for test in [&ours, &served, &theirs] {
        assert_eq!(test.unfinished(), Vec::<String>::new());
    }
    server.shutdown.cancel();
    within(PATIENCE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_upload_without_the_token_reports_the_reason_of_the_server() {
    let (ours, served) = (TestStore::new(), TestStore::new());
    let id = ours.store.put_bytes(sample(3 * 1024 * 1024)).await.unwrap();
    for (uploads, code, status) in
        [(Uploads::Token(UploadToken::new(TOKEN).unwrap()), "S0402", 401), (Uploads::Refused, "S0401", 403)]
    {
        let server = TestServer::start(&served.store, ServerOptions { uploads, ..ServerOptions::default() }).await;
        // Smaller than what a refusing server still reads, so that the answer cannot be lost to a reset.
        let small = ours.store.put_bytes(sample(500_000)).await.unwrap();
        let error =
            uploader(Some("another-horse-battery")).upload(&server.base(), &small, &ours.store).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::HttpStatus { status: got, reason, .. } if *got == status && reason.starts_with(code)),
            "{error}"
        );
        assert!(!error.is_transient());
        assert!(uploader(None).upload(&server.base(), &id, &ours.store).await.is_err());
        served.assert_empty().await;
    }
}

#[tokio::test]
async fn uploads_are_guarded_like_fetches() {
    let ours = TestStore::new();
    let id = ours.store.put_bytes(sample(10)).await.unwrap();
    let guarded = Uploader::new(UploadOptions::default()).unwrap();
    for (base, code) in [("http://127.0.0.1:1", "S0205"), ("http://localhost:1", "S0205"), ("ftp://host", "S0204")] {
        assert_eq!(guarded.upload(base, &id, &ours.store).await.unwrap_err().code(), code, "{base}");
    }
    let token = Some(UploadToken::new(TOKEN).unwrap());
    let in_clear = Uploader::new(UploadOptions { token, ..UploadOptions::default() }).unwrap();
    assert_eq!(in_clear.upload("http://store.example", &id, &ours.store).await.unwrap_err().code(), "S0408");
    let missing = ArtifactId::of(b"missing");
    assert_eq!(uploader(None).upload("http://127.0.0.1:1", &missing, &ours.store).await.unwrap_err().code(), "S0101");
    assert_eq!(uploader(None).upload("http://127.0.0.1:1", &id, &ours.store).await.unwrap_err().code(), "S0301");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let (ours, served) = (TestStore::new(), TestStore::new());
    let id = ours.store.put_bytes(sample(10)).await.unwrap();
    let busy = crate::support::ScriptedServer::start(vec![
        crate::support::bare("404 Not Found", ""),
        crate::support::bare("503 Service Unavailable", ""),
        crate::support::bare("404 Not Found", ""),
        crate::support::bare("201 Created", ""),
    ])
    .await;
    let base = format!("http://{}", busy.address);
    assert_eq!(uploader(None).upload(&base, &id, &ours.store).await.unwrap(), UploadOutcome::Sent);
    assert_eq!(busy.requests().len(), 4);
    drop(served);
}
