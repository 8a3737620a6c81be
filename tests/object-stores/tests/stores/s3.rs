//! An S3-compatible store as it should be, and what it refuses.

use assay_store::{ArtifactUri, FetchOptions, Fetcher, UploadOutcome};
use object_store_tests::{FileServer, Gateway, S3Server, Weather};

use crate::support::{Local, PLENTY, below, code, key, sample};

/// More than two parts of a multipart upload, the last of them short.
const LONG: usize = (16 << 20) + 5;

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_of_every_length_go_there_come_back_and_are_listed() {
    let Some(server) = S3Server::start() else { return };
    for (prefix, lengths) in [("", &[0, 1, 100_000, LONG][..]), ("nodes/one", &[0, 100_000])] {
        let remote = S3Server::open(server.address(), &below(prefix)).unwrap();
        assert!(remote.list().await.unwrap().is_empty(), "below {prefix:?}");
        let mut ids = Vec::new();
        for length in lengths.iter().copied() {
            let (local, id) = Local::with(sample(length)).await;
            assert_eq!(remote.stored(&id).await.unwrap(), None);
            assert_eq!(code(remote.fetch(&id, PLENTY, &local.store).await.and(remote.check(&id).await)), "S0101");
            assert_eq!(remote.put(&id, &local.store).await.unwrap(), UploadOutcome::Sent, "{length} bytes");
            assert_eq!(remote.put(&id, &local.store).await.unwrap(), UploadOutcome::AlreadyThere);
            assert_eq!(std::fs::read(server.object(&key(prefix, &id))).unwrap(), sample(length));
            assert_eq!(remote.stored(&id).await.unwrap().unwrap().bytes, length as u64);
            assert_eq!(remote.check(&id).await.unwrap(), length as u64);
            let other = Local::new();
            assert_eq!(remote.fetch(&id, PLENTY, &other.store).await.unwrap().bytes, length as u64);
            assert_eq!(other.store.read(&id, PLENTY).await.unwrap(), sample(length));
            ids.push(id);
        }
        ids.sort();
        std::fs::write(server.object(&key(prefix, &ids[0])).with_file_name("notes.txt"), "not ours").unwrap();
        let listed = remote.list().await.unwrap();
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
        remote.remove(&ids[0]).await.unwrap();
        remote.remove(&ids[0]).await.unwrap();
        assert_eq!(remote.list().await.unwrap().len(), ids.len() - 1);
        for id in &ids[1..] {
            remote.remove(id).await.unwrap();
        }
        std::fs::remove_file(server.object(&key(prefix, &ids[0])).with_file_name("notes.txt")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_fetch_by_the_public_address_what_was_put_with_a_key() {
    let Some(server) = S3Server::start() else { return };
    let remote = S3Server::open(server.address(), &below("public")).unwrap();
    let (local, id) = Local::with(sample(70_000)).await;
    remote.put(&id, &local.store).await.unwrap();
    let public = FileServer::public(&server.object("public")).await;
    let uri = ArtifactUri::new(&public.url(), id).unwrap();
    let fetcher = Fetcher::new(FetchOptions { allow_private: true, ..FetchOptions::default() }).unwrap();
    let stranger = Local::new();
    fetcher.fetch(uri.as_str(), id, PLENTY, &stranger.store).await.unwrap();
    assert_eq!(stranger.store.read(&id, PLENTY).await.unwrap(), sample(70_000));
    let without_key = format!("http://{}/{}/{}", server.address(), S3Server::BUCKET, key("public", &id));
    let stranger = Local::new();
    assert_eq!(code(fetcher.fetch(&without_key, id, PLENTY, &stranger.store).await), "S0302", "the server wants a key");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_here_never_appears_there() {
    let Some(server) = S3Server::start() else { return };
    let remote = S3Server::open(server.address(), &below("")).unwrap();
    for length in [1_000, LONG] {
        let (local, id) = Local::with(sample(length)).await;
        let mut damaged = sample(length);
        damaged[length / 2] ^= 1;
        std::fs::write(local.store.path(&id), &damaged).unwrap();
        assert_eq!(code(remote.put(&id, &local.store).await), "S0104", "{length} bytes");
        assert_eq!(remote.stored(&id).await.unwrap(), None);
        assert!(!server.object(&key("", &id)).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_and_a_missing_bucket_have_their_codes() {
    let Some(server) = S3Server::start() else { return };
    let (local, id) = Local::with(sample(10)).await;
    let with = |name: &str, value: &str| {
        S3Server::environment(server.address()).map(|(known, set)| match known == name {
            true => (known, value.to_owned()),
            false => (known, set),
        })
    };
    for (name, value) in [("AWS_SECRET_ACCESS_KEY", "another secret"), ("AWS_ACCESS_KEY_ID", "AKIDOFSOMEBODY")] {
        let remote = S3Server::open_with(&below(""), &with(name, value)).unwrap();
        for result in [remote.put(&id, &local.store).await.map(|_| ()), remote.list().await.map(|_| ())] {
            let error = result.unwrap_err();
            assert!(error.code() == "S0504" && !error.is_transient(), "{name}: {error}");
        }
    }
    let elsewhere = S3Server::open(server.address(), "s3://nobody-made-this").unwrap();
    assert_eq!(code(elsewhere.list().await), "S0506");
    assert!(!server.object(&key("", &id)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_a_missing_right_a_missing_bucket_and_another_region_are_told_apart() {
    let Some(server) = S3Server::start() else { return };
    let gateway = Gateway::to(server.address()).await;
    let remote = S3Server::open(gateway.address(), &below("")).unwrap();
    let (local, id) = Local::with(sample(10)).await;
    for (status, theirs, ours) in [
        ("403 Forbidden", "RequestTimeTooSkewed", "S0507"),
        ("403 Forbidden", "AccessDenied", "S0505"),
        // The server makes a bucket for an object that is put into none; others do not.
        ("404 Not Found", "NoSuchBucket", "S0506"),
        ("301 Moved Permanently", "PermanentRedirect", "S0508"),
    ] {
        let body = format!("<Error><Code>{theirs}</Code><Message>it is so</Message></Error>");
        gateway.is(Weather::Answer(status, body));
        assert_eq!(code(remote.list().await), ours, "{theirs}");
        assert_eq!(code(remote.put(&id, &local.store).await), ours, "{theirs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_cannot_fetch_is_not_taken_for_published() {
    let Some(server) = S3Server::start() else { return };
    let remote = S3Server::open(server.address(), &below("public")).unwrap();
    let fetcher = Fetcher::new(FetchOptions { allow_private: true, ..FetchOptions::default() }).unwrap();
    let (local, id) = Local::with(sample(5_000)).await;
    std::fs::create_dir(server.object("public")).unwrap();
    let public = FileServer::public(&server.object("public")).await;
    let right = ArtifactUri::new(&public.url(), id).unwrap();
    let private = format!("http://{}/{}/{}", server.address(), S3Server::BUCKET, key("public", &id));
    let elsewhere = ArtifactUri::new(&format!("{}/no/such/folder", public.url()), id).unwrap();
    remote.publish(std::slice::from_ref(&right), &local.store, &fetcher).await.unwrap();
    for wrong in [private.parse().unwrap(), elsewhere] {
        let error = remote.publish(&[right.clone(), wrong], &local.store, &fetcher).await.unwrap_err();
        assert_eq!(error.code(), "S0510", "{error}");
    }
    // Of the same name and another length: an object that was cut short, say.
    let other = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(other.path().join("v1/artifacts")).unwrap();
    std::fs::write(other.path().join(format!("v1/artifacts/{id}")), "short").unwrap();
    let lying = ArtifactUri::new(&FileServer::public(other.path()).await.url(), id).unwrap();
    assert_eq!(code(remote.publish(&[lying], &local.store, &fetcher).await), "S0510");
    let strict = Fetcher::new(FetchOptions::default()).unwrap();
    assert_eq!(code(remote.publish(&[right], &local.store, &strict).await), "S0205");
}
