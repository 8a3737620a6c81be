//! Downloads that break off and go on.

use std::time::Duration;

use assay_store::{ArtifactId, FetchOptions, FetchSource, Fetcher, LocalStore, ServerOptions, StoreError};

use crate::support::{
    PATIENCE, PLENTY, ScriptedServer, Step, TestServer, TestStore, bare, cut, ok_head, quick, quick_fetcher, rest_of,
    sample, whole, within,
};

const LENGTH: usize = 3_000_000;

fn partial_length(test: &TestStore, id: &ArtifactId) -> u64 {
    std::fs::metadata(test.root().join(format!("partial/{id}"))).map_or(0, |metadata| metadata.len())
}

#[tokio::test]
async fn a_cut_connection_is_resumed_where_it_broke() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![
        cut(&bytes, 1_234_567),
        {
            let mut steps = rest_of(&bytes, 1_234_567);
            steps[1] = Step::Send(bytes[1_234_567..2_000_001].to_vec());
            steps
        },
        rest_of(&bytes, 2_000_001),
    ])
    .await;
    let fetched = quick_fetcher().fetch(&server.uri(id), id, LENGTH as u64, &test.store).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: 0 });
    let resumed = |start: &str| Some(format!("bytes={start}-"));
    assert_eq!(server.ranges(), [None, resumed("1234567"), resumed("2000001")]);
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
    assert_eq!(test.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_process_resumes_what_an_old_one_began() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let broken = ScriptedServer::start(vec![cut(&bytes, 2_500_000), bare("503 Service Unavailable", "")]).await;
    let error = quick_fetcher().fetch(&broken.uri(id), id, PLENTY, &test.store).await.unwrap_err();
    assert_eq!(error.code(), "S0302");
    assert_eq!(partial_length(&test, &id), 2_500_000);

    let reopened = LocalStore::open(test.root()).unwrap();
    let honest = ScriptedServer::start(vec![rest_of(&bytes, 2_500_000)]).await;
    let fetched = quick_fetcher().fetch(&honest.uri(id), id, PLENTY, &reopened).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: 2_500_000 });
    assert_eq!(honest.ranges(), [Some("bytes=2500000-".to_owned())]);
    assert_eq!(reopened.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn our_own_server_resumes() {
    let (test, served) = (TestStore::new(), TestStore::new());
    let bytes = sample(LENGTH);
    let id = served.store.put_bytes(bytes.clone()).await.unwrap();
    std::fs::write(test.root().join(format!("partial/{id}")), &bytes[..777_777]).unwrap();
    let server = TestServer::start(&served.store, ServerOptions::default()).await;
    let fetched = quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: 777_777 });
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_download_that_only_lacked_the_rename_needs_no_server() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    std::fs::write(test.root().join(format!("partial/{id}")), &bytes).unwrap();
    let uri = format!("http://127.0.0.1:1/v1/artifacts/{id}");
    let fetched = quick_fetcher().fetch(&uri, id, PLENTY, &test.store).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: LENGTH as u64 });
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_source_without_ranges_is_read_from_the_start() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![cut(&bytes, 2_000_000), whole(&bytes)]).await;
    quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_source_that_sends_another_range_is_read_from_the_start() {
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let malformed = bare("206 Partial Content", "content-range: bytes 9-5/3\r\n");
    let missing = bare("206 Partial Content", "");
    let nothing_left = bare("416 Range Not Satisfiable", "content-range: bytes */3\r\n");
    for odd in [rest_of(&bytes, 1_999_999), malformed, missing, nothing_left] {
        let test = TestStore::new();
        let server = ScriptedServer::start(vec![cut(&bytes, 2_000_000), odd, whole(&bytes)]).await;
        quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
        assert_eq!(server.ranges(), [None, Some("bytes=2000000-".to_owned()), None]);
        assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_hostile_beginning_does_not_spoil_an_honest_source() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let hostile = ScriptedServer::start(vec![cut(&vec![7; LENGTH], 1_500_000), bare("500 Oops", "")]).await;
    quick_fetcher().fetch(&hostile.uri(id), id, PLENTY, &test.store).await.unwrap_err();
    assert_eq!(partial_length(&test, &id), 1_500_000);

    let honest = ScriptedServer::answering({
        let bytes = bytes.clone();
        move |_, head| if head.contains("range: bytes=1500000-") { rest_of(&bytes, 1_500_000) } else { whole(&bytes) }
    })
    .await;
    let fetched = quick_fetcher().fetch(&honest.uri(id), id, PLENTY, &test.store).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: 0 });
    assert_eq!(honest.requests().len(), 2);
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_beginning_beyond_the_limit_is_not_resumed() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = ArtifactId::of(&bytes);
    std::fs::write(test.root().join(format!("partial/{id}")), sample(5_000)).unwrap();
    let server = ScriptedServer::start(vec![whole(&bytes)]).await;
    quick_fetcher().fetch(&server.uri(id), id, 1_000, &test.store).await.unwrap();
    assert_eq!(server.ranges(), [None]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_fetches_of_one_artifact_download_it_once() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let mut slow = vec![ok_head(Some(LENGTH))];
    for chunk in bytes.chunks(300_000) {
        slow.extend([Step::Send(chunk.to_vec()), Step::Wait(Duration::from_millis(10))]);
    }
    let server = ScriptedServer::start(vec![slow]).await;
    let second_process = LocalStore::open(test.root()).unwrap();
    let fetches: Vec<_> = (0..8)
        .map(|number| {
            let store = if number % 2 == 0 { test.store.clone() } else { second_process.clone() };
            let (fetcher, uri) = (quick_fetcher(), server.uri(id));
            tokio::spawn(async move { fetcher.fetch(&uri, id, PLENTY, &store).await })
        })
        .collect();
    let mut downloads = 0;
    for fetch in fetches {
        let fetched = fetch.await.unwrap().unwrap();
        downloads += usize::from(fetched.source != FetchSource::Held);
    }
    assert_eq!((downloads, server.requests().len()), (1, 1));
    assert_eq!(test.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn a_fetch_that_is_given_up_is_resumed() {
    let test = TestStore::new();
    let bytes = sample(LENGTH);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::answering({
        let bytes = bytes.clone();
        move |_, head| match head.split("range: bytes=").nth(1).and_then(|range| range.split('-').next()?.parse().ok())
        {
            Some(start) => rest_of(&bytes, start),
            None => vec![
                ok_head(Some(LENGTH)),
                Step::Send(bytes[..2_800_000].to_vec()),
                Step::Wait(Duration::from_secs(600)),
            ],
        }
    })
    .await;
    let fetcher = quick_fetcher();
    let uri = server.uri(id);
    let much_is_written = async {
        while partial_length(&test, &id) < 1_000_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(PATIENCE, async {
        tokio::select! {
            outcome = fetcher.fetch(&uri, id, PLENTY, &test.store) => panic!("it stopped in the middle: {outcome:?}"),
            () = much_is_written => {}
        }
    })
    .await;
    let fetched = within(PATIENCE, fetcher.fetch(&uri, id, PLENTY, &test.store)).await.unwrap();
    assert!(matches!(fetched.source, FetchSource::Http { resumed_bytes: 1_000_000.. }), "{fetched:?}");
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
}

#[tokio::test]
async fn waiting_for_another_fetch_ends_at_the_deadline() {
    let test = TestStore::new();
    let id = ArtifactId::of(b"x");
    let held = std::fs::File::create(test.root().join(format!("partial/{id}"))).unwrap();
    held.lock().unwrap();
    let fetcher = Fetcher::new(FetchOptions { deadline: Duration::from_millis(200), ..quick() }).unwrap();
    let uri = format!("http://127.0.0.1:1/v1/artifacts/{id}");
    let error = within(PATIENCE, fetcher.fetch(&uri, id, PLENTY, &test.store)).await.unwrap_err();
    assert!(matches!(error, StoreError::DeadlinePassed { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_artifact_is_fetched_again() {
    let (test, served) = (TestStore::new(), TestStore::new());
    let bytes = sample(LENGTH);
    let id = served.store.put_bytes(bytes.clone()).await.unwrap();
    test.store.put_bytes(bytes.clone()).await.unwrap();
    std::fs::write(test.store.path(&id), sample(10)).unwrap();
    let server = TestServer::start(&served.store, ServerOptions::default()).await;

    let trusting = Fetcher::new(FetchOptions { verify_held: false, ..quick() }).unwrap();
    let fetched = trusting.fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Held);

    let fetched = quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
    assert_eq!(fetched.source, FetchSource::Http { resumed_bytes: 0 });
    assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);

    let error = quick_fetcher().fetch(&server.uri(id), id, LENGTH as u64 - 1, &test.store).await.unwrap_err();
    assert_eq!(error.code(), "S0103", "the limit holds for what is already here");
}
