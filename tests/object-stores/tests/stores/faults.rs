//! Stores that are down, silent, cut off, or lie: nothing wrong is kept, nothing is lost, and time mends what it can.

use std::time::Duration;

use object_store_tests::{Gateway, S3Server, Weather};

use crate::support::{Local, PLENTY, below, code, key, sample};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_or_silent_is_told_as_such_and_works_when_it_is_back() {
    let Some(server) = S3Server::start() else { return };
    let gateway = Gateway::to(server.address()).await;
    let environment = S3Server::environment(gateway.address());
    let hasty = S3Server::open_within(Duration::from_millis(500), &below(""), &environment).unwrap();
    let (local, id) = Local::with(sample(9 << 20)).await;
    for weather in [Weather::Down, Weather::Silent] {
        gateway.is(weather.clone());
        for result in [
            hasty.put(&id, &local.store).await.map(|_| ()),
            hasty.fetch(&id, PLENTY, &Local::new().store).await.map(|_| ()),
            hasty.list().await.map(|_| ()),
        ] {
            let error = result.unwrap_err();
            assert!(error.code() == "S0301" && error.is_transient(), "{weather:?}: {error}");
        }
    }
    gateway.is(Weather::Fair);
    let remote = S3Server::open(gateway.address(), &below("")).unwrap();
    remote.put(&id, &local.store).await.unwrap();
    remote.check(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_off_goes_on_from_there_or_leaves_nothing() {
    let Some(server) = S3Server::start() else { return };
    let gateway = Gateway::to(server.address()).await;
    let remote = S3Server::open(gateway.address(), &below("")).unwrap();
    let (local, id) = Local::with(sample(3 << 20)).await;
    remote.put(&id, &local.store).await.unwrap();
    // Each connection brings half of it and a little more.
    gateway.is(Weather::Cut((3 << 19) + 10_000));
    let other = Local::new();
    remote.fetch(&id, PLENTY, &other.store).await.unwrap();
    assert_eq!(other.store.read(&id, PLENTY).await.unwrap(), sample(3 << 20));
    gateway.is(Weather::Cut(10_000));
    let other = Local::new();
    let error = remote.fetch(&id, PLENTY, &other.store).await.unwrap_err();
    assert!(error.code() == "S0301" && error.is_transient(), "{error}");
    other.assert_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_leaves_no_object_and_can_be_made_again() {
    let Some(server) = S3Server::start() else { return };
    let gateway = Gateway::to(server.address()).await;
    let remote = S3Server::open(gateway.address(), &below("")).unwrap();
    let (local, id) = Local::with(sample(9 << 20)).await;
    // Enough to ask what is there and to begin an upload, not for one of its parts.
    gateway.is(Weather::Choked(1 << 20));
    let error = remote.put(&id, &local.store).await.unwrap_err();
    assert!(error.code() == "S0301" && error.is_transient(), "{error}");
    assert!(!server.object(&key("", &id)).exists());
    gateway.is(Weather::Fair);
    remote.put(&id, &local.store).await.unwrap();
    assert_eq!(remote.check(&id).await.unwrap(), 9 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lies_about_bytes_or_length_is_refused_and_nothing_is_kept() {
    let Some(server) = S3Server::start() else { return };
    let remote = S3Server::open(server.address(), &below("")).unwrap();
    let (local, id) = Local::with(sample(50_000)).await;
    remote.put(&id, &local.store).await.unwrap();
    let object = server.object(&key("", &id));
    let mut changed = sample(50_000);
    changed[49_999] ^= 1;
    for (lie, wanted) in [(changed, "S0102"), (sample(50_000)[..49_000].to_vec(), "S0102"), (Vec::new(), "S0102")] {
        std::fs::write(&object, &lie).unwrap();
        let other = Local::new();
        let error = remote.fetch(&id, PLENTY, &other.store).await.unwrap_err();
        assert!(error.code() == wanted && !error.is_transient(), "{error}");
        other.assert_empty().await;
        assert_eq!(code(remote.check(&id).await), wanted);
    }
    std::fs::write(&object, sample(60_000)).unwrap();
    let other = Local::new();
    assert_eq!(code(remote.fetch(&id, 50_000, &other.store).await), "S0103", "longer than it may be");
    other.assert_empty().await;
}
