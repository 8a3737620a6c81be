//! The folder: atomic, durable, shared, cleaned after crashes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use assay_store::{ArtifactId, LocalStore, StoreError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt;

use crate::support::{PATIENCE, PLENTY, TestStore, sample, within};

/// Names the folder to the process that is killed.
const CHILD_FOLDER: &str = "ASSAY_STORE_TEST_FOLDER";

#[tokio::test]
async fn what_is_put_is_read_back_listed_and_removed() {
    let test = TestStore::new();
    let store = &test.store;
    let mut ids = Vec::new();
    for length in [0, 1, 511, 1024 * 1024, 3 * 1024 * 1024 + 7] {
        let bytes = sample(length);
        let id = store.put_bytes(bytes.clone()).await.unwrap();
        assert_eq!(id, ArtifactId::of(&bytes));
        assert_eq!(store.read(&id, PLENTY).await.unwrap(), bytes);
        assert_eq!(std::fs::read(store.path(&id)).unwrap(), bytes);
        assert_eq!(store.stored(&id).await.unwrap().unwrap().bytes, length as u64);
        ids.push(id);
    }
    ids.sort();
    let listed: Vec<_> = store.list().await.unwrap().iter().map(|artifact| artifact.id).collect();
    assert_eq!(listed, ids);
    assert_eq!(store.total_bytes().await.unwrap(), 1 + 511 + 1024 * 1024 + 3 * 1024 * 1024 + 7);
    assert!(store.remove(&ids[0]).await.unwrap());
    assert!(!store.remove(&ids[0]).await.unwrap());
    assert!(!store.contains(&ids[0]).await.unwrap());
    assert_eq!(store.read(&ids[0], PLENTY).await.unwrap_err().code(), "S0101");
    assert_eq!(test.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn ranges_are_read_and_bounded() {
    let test = TestStore::new();
    let bytes = sample(1_000);
    let id = test.store.put_bytes(bytes.clone()).await.unwrap();
    for (start, length) in [(0, 1_000), (0, 0), (1_000, 0), (999, 1), (250, 500)] {
        let reader = test.store.reader(&id).await.unwrap();
        let mut range = Vec::new();
        reader.into_range(start, length).await.unwrap().read_to_end(&mut range).await.unwrap();
        assert_eq!(range, bytes[start as usize..(start + length) as usize]);
    }
    for (start, length) in [(0, 1_001), (1_001, 0), (1_000, 1), (u64::MAX, 1), (1, u64::MAX)] {
        let reader = test.store.reader(&id).await.unwrap();
        assert_eq!(reader.into_range(start, length).await.unwrap_err().code(), "S0107", "{start} {length}");
    }
}

#[tokio::test]
async fn streams_are_bounded_and_checked_and_leave_nothing_when_refused() {
    let test = TestStore::new();
    let bytes = sample(2 * 1024 * 1024);
    let id = ArtifactId::of(&bytes);
    let chunks =
        || stream::iter(bytes.chunks(10_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect::<Vec<_>>());

    let error = test.store.put_stream(chunks(), None, bytes.len() as u64 - 1).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { found_bytes: None, .. }), "{error}");
    test.assert_empty().await;

    let other = ArtifactId::of(b"other");
    let error = test.store.put_stream(chunks(), Some(other), PLENTY).await.unwrap_err();
    assert!(
        matches!(error, StoreError::WrongHash { expected, actual } if expected == other && actual == id),
        "{error}"
    );
    test.assert_empty().await;

    let broken = chunks().chain(stream::iter([Err(std::io::Error::other("gone"))]));
    assert_eq!(test.store.put_stream(broken, None, PLENTY).await.unwrap_err().code(), "S0108");
    test.assert_empty().await;

    let stored = test.store.put_stream(chunks(), Some(id), bytes.len() as u64).await.unwrap();
    assert_eq!((stored.id, stored.bytes), (id, bytes.len() as u64));
    let stored = test.store.put_reader(&bytes[..], None, PLENTY).await.unwrap();
    assert_eq!(stored.id, id);
    assert_eq!(test.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn damage_on_disk_is_found_and_healed() {
    let test = TestStore::new();
    let bytes = sample(100_000);
    let id = test.store.put_bytes(bytes.clone()).await.unwrap();
    let mut flipped = bytes.clone();
    flipped[50_000] ^= 1;
    for damaged in [&flipped[..], &bytes[..99_999], &[&bytes[..], b"x"].concat()] {
        std::fs::write(test.store.path(&id), damaged).unwrap();
        assert_eq!(test.store.read(&id, PLENTY).await.unwrap_err().code(), "S0104");
        assert_eq!(test.store.verified_reader(&id).await.unwrap_err().code(), "S0104");
        test.store.put_bytes(bytes.clone()).await.unwrap();
        assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
    }
    let mut again = Vec::new();
    test.store.verified_reader(&id).await.unwrap().into_whole().read_to_end(&mut again).await.unwrap();
    assert_eq!(again, bytes, "verification goes back to the start");
}

#[tokio::test]
async fn reading_whole_is_bounded() {
    let test = TestStore::new();
    let id = test.store.put_bytes(sample(100)).await.unwrap();
    let error = test.store.read(&id, 99).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { limit_bytes: 99, found_bytes: Some(100) }), "{error}");
    assert!(test.store.read(&id, 100).await.is_ok());
}

#[tokio::test]
async fn files_that_are_not_artifacts_are_not_listed() {
    let test = TestStore::new();
    let id = test.store.put_bytes(sample(10)).await.unwrap();
    let shard = test.store.path(&id).parent().unwrap().to_path_buf();
    std::fs::write(shard.join("notes.txt"), "x").unwrap();
    std::fs::write(shard.join("AB".repeat(31)), "x").unwrap();
    std::fs::write(test.root().join("objects/README"), "x").unwrap();
    std::fs::create_dir_all(test.root().join(format!("objects/zz/{}", "0".repeat(62)))).unwrap();
    std::fs::create_dir_all(test.root().join(format!("objects/00/{}", "0".repeat(62)))).unwrap();
    let listed = test.store.list().await.unwrap();
    assert_eq!(listed.iter().map(|artifact| artifact.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_put_one_artifact_at_once() {
    let test = TestStore::new();
    let bytes = Bytes::from(sample(300_000));
    let second_process = LocalStore::open(test.root()).unwrap();
    let puts = (0..32).map(|number| {
        let store = if number % 2 == 0 { test.store.clone() } else { second_process.clone() };
        let bytes = bytes.clone();
        tokio::spawn(async move {
            match number % 4 {
                0 | 1 => store.put_bytes(bytes).await,
                _ => store.put_reader(&bytes[..], None, PLENTY).await.map(|stored| stored.id),
            }
        })
    });
    for put in puts.collect::<Vec<_>>() {
        assert_eq!(put.await.unwrap().unwrap(), ArtifactId::of(&bytes));
    }
    assert_eq!(test.store.list().await.unwrap().len(), 1);
    assert_eq!(test.store.read(&ArtifactId::of(&bytes), PLENTY).await.unwrap(), bytes);
    assert_eq!(test.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn opening_removes_what_a_crash_left_and_spares_what_is_being_written() {
    let test = TestStore::new();
    std::fs::write(test.root().join("temporary/123-0"), "half").unwrap();
    let bytes = sample(2 * 1024 * 1024);
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
    let source = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) });
    let writing = tokio::spawn({
        let store = test.store.clone();
        async move { store.put_stream(source, None, PLENTY).await }
    });
    sender.send(Ok(Bytes::copy_from_slice(&bytes[..1_500_000]))).await.unwrap();
    sender.send(Ok(Bytes::new())).await.unwrap();

    LocalStore::open(test.root()).unwrap();
    let left = test.unfinished();
    assert!(left.len() == 1 && left[0] != "123-0", "{left:?}");

    sender.send(Ok(Bytes::copy_from_slice(&bytes[1_500_000..]))).await.unwrap();
    drop(sender);
    assert_eq!(writing.await.unwrap().unwrap().id, ArtifactId::of(&bytes));
    assert_eq!(test.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn a_put_that_is_given_up_leaves_nothing() {
    let test = TestStore::new();
    let chunks = stream::iter([Ok(Bytes::from(sample(2_000_000)))]).chain(stream::pending());
    let put = test.store.put_stream(chunks, None, PLENTY);
    let some_is_written = async {
        let written = |name: &String| std::fs::metadata(test.root().join("temporary").join(name)).unwrap().len() > 0;
        while !test.unfinished().iter().any(written) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(PATIENCE, async {
        tokio::select! {
            outcome = put => panic!("the source has no end: {outcome:?}"),
            () = some_is_written => {}
        }
    })
    .await;
    // The writer may still be at work on another thread.
    within(PATIENCE, async {
        while !test.unfinished().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    test.assert_empty().await;
}

#[tokio::test]
async fn unfinished_downloads_are_removed_by_age_unless_they_are_held() {
    let test = TestStore::new();
    let partial = test.root().join(format!("partial/{}", ArtifactId::of(b"a")));
    std::fs::write(&partial, "half").unwrap();
    assert_eq!(test.store.remove_unfinished(Duration::from_secs(60)).await.unwrap(), 0);
    let held = std::fs::File::open(&partial).unwrap();
    held.lock().unwrap();
    assert_eq!(test.store.remove_unfinished(Duration::ZERO).await.unwrap(), 0);
    // Closing it would not do: a process that another test starts has a copy of it for a moment.
    held.unlock().unwrap();
    assert_eq!(test.store.remove_unfinished(Duration::ZERO).await.unwrap(), 1);
    assert!(!partial.exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = LocalStore::open(&file).unwrap_err();
    assert_eq!(error.code(), "S0106");
    assert!(error.to_string().contains("file"), "{error}");
}

/// Not a test of its own: the process that [`a_killed_writer_never_leaves_half_an_artifact`] kills.
#[tokio::test]
#[ignore = "writes until it is killed; run by another test"]
async fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let store = LocalStore::open(folder).unwrap();
    let bytes = sample(400_000);
    for round in 0_u32.. {
        let mut artifact = bytes.clone();
        artifact[..4].copy_from_slice(&round.to_le_bytes());
        store.put_reader(&artifact[..], None, PLENTY).await.unwrap();
        let mut error_stream = std::io::stderr();
        writeln!(error_stream, "stored").unwrap();
    }
}

#[tokio::test]
async fn a_killed_writer_never_leaves_half_an_artifact() {
    let test = TestStore::new();
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "local::child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(CHILD_FOLDER, test.root())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        lines.read_line(&mut String::new()).unwrap();
        std::thread::sleep(Duration::from_millis(3 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.read_to_end(&mut Vec::new()).unwrap();

        let store = LocalStore::open(test.root()).unwrap();
        assert_eq!(test.unfinished(), Vec::<String>::new());
        let artifacts = store.list().await.unwrap();
        assert!(!artifacts.is_empty());
        for artifact in artifacts {
            assert_eq!(store.read(&artifact.id, PLENTY).await.unwrap().len(), 400_000);
        }
    }
}
