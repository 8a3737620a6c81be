//! What a URI that a stranger wrote must not reach.

use std::process::Stdio;

use assay_store::{ArtifactId, FetchOptions, FetchSource, Fetcher, StoreError};

use crate::support::{PATIENCE, PLENTY, ScriptedServer, TestStore, bare, quick, quick_fetcher, sample, whole, within};

/// Tells the process with a proxy in its environment what to fetch.
const CHILD_URI: &str = "ASSAY_STORE_TEST_URI";

/// Default guards, but quick to give up.
fn guarded() -> Fetcher {
    Fetcher::new(FetchOptions { allow_private: false, ..quick() }).unwrap()
}

#[tokio::test]
async fn private_addresses_are_not_even_connected_to() {
    let test = TestStore::new();
    let bytes = sample(100);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![whole(&bytes)]).await;
    let port = server.address.port();
    let hosts = ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]"];
    for host in hosts {
        let uri = format!("http://{host}:{port}/v1/artifacts/{id}");
        let error = guarded().fetch(&uri, id, PLENTY, &test.store).await.unwrap_err();
        assert!(matches!(error, StoreError::AddressRefused { .. }), "{host}: {error}");
        assert!(!error.is_transient());
    }
    assert_eq!(server.requests().len(), 0);
    test.assert_empty().await;
    quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap();
}

#[tokio::test]
async fn a_name_is_judged_by_its_address() {
    let test = TestStore::new();
    let bytes = sample(100);
    let id = ArtifactId::of(&bytes);
    let server = ScriptedServer::start(vec![whole(&bytes)]).await;
    let uri = format!("http://localhost:{}/v1/artifacts/{id}", server.address.port());
    let error = guarded().fetch(&uri, id, PLENTY, &test.store).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::AddressRefused { host, address, .. } if host == "localhost" && address.is_loopback()),
        "{error}"
    );
    quick_fetcher().fetch(&uri, id, PLENTY, &test.store).await.unwrap();
}

#[tokio::test]
async fn metadata_services_are_refused_even_where_private_addresses_are_allowed() {
    let test = TestStore::new();
    let id = ArtifactId::of(b"x");
    for host in ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:169.254.169.254]", "0.0.0.0"] {
        let uri = format!("http://{host}/latest/meta-data");
        let error = within(PATIENCE, quick_fetcher().fetch(&uri, id, PLENTY, &test.store)).await.unwrap_err();
        assert_eq!(error.code(), "S0205", "{host}");
    }
}

#[tokio::test]
async fn redirects_are_followed_a_few_times() {
    let bytes = sample(100);
    let id = ArtifactId::of(&bytes);
    for (redirects, allowed) in [(3, true), (4, false)] {
        let test = TestStore::new();
        let mut scripts = vec![bare("307 Temporary Redirect", "location: /elsewhere\r\n"); redirects];
        scripts.push(whole(&bytes));
        let server = ScriptedServer::start(scripts).await;
        let outcome = quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await;
        if allowed {
            outcome.unwrap();
            assert!(server.requests()[1].starts_with("get /elsewhere "));
        } else {
            assert_eq!(outcome.unwrap_err().code(), "S0305");
            assert_eq!(server.requests().len(), 4);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_address() {
    let id = ArtifactId::of(b"x");
    for (location, code) in [
        ("http://169.254.169.254/latest/meta-data", "S0205"),
        ("//[fd00:ec2::254]/", "S0205"),
        ("file:///etc/passwd", "S0204"),
        ("gopher://127.0.0.1/", "S0204"),
    ] {
        let test = TestStore::new();
        let server = ScriptedServer::start(vec![bare("302 Found", &format!("location: {location}\r\n"))]).await;
        let error = quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap_err();
        assert_eq!(error.code(), code, "{location}");
        assert_eq!(server.requests().len(), 1);
    }
    let test = TestStore::new();
    let server = ScriptedServer::start(vec![bare("302 Found", "")]).await;
    assert_eq!(quick_fetcher().fetch(&server.uri(id), id, PLENTY, &test.store).await.unwrap_err().code(), "S0305");
}

#[tokio::test]
async fn local_files_are_read_by_permission_only() {
    let test = TestStore::new();
    let bytes = sample(300_000);
    let id = ArtifactId::of(&bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    std::fs::write(&path, &bytes).unwrap();
    let plain = path.to_str().unwrap().to_owned();
    let url = format!("file://{plain}");

    for uri in [&plain, &url] {
        let error = quick_fetcher().fetch(uri, id, PLENTY, &test.store).await.unwrap_err();
        assert_eq!(error.code(), "S0206", "{uri}");
    }
    test.assert_empty().await;

    let fetcher = Fetcher::new(FetchOptions { allow_local_files: true, ..quick() }).unwrap();
    let wrong = ArtifactId::of(b"x");
    assert_eq!(fetcher.fetch(&plain, wrong, PLENTY, &test.store).await.unwrap_err().code(), "S0102");
    assert_eq!(fetcher.fetch(&plain, id, 299_999, &test.store).await.unwrap_err().code(), "S0103");
    let directory = folder.path().to_str().unwrap();
    assert_eq!(fetcher.fetch(directory, id, PLENTY, &test.store).await.unwrap_err().code(), "S0203");
    let missing = format!("{plain}-missing");
    assert_eq!(fetcher.fetch(&missing, id, PLENTY, &test.store).await.unwrap_err().code(), "S0106");
    test.assert_empty().await;

    for uri in [&plain, &url] {
        let fetched = fetcher.fetch(uri, id, PLENTY, &test.store).await.unwrap();
        assert_eq!(fetched.source, FetchSource::File);
        assert_eq!(test.store.read(&id, PLENTY).await.unwrap(), bytes);
        test.store.remove(&id).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn endless_local_files_are_refused() {
    let test = TestStore::new();
    let fetcher = Fetcher::new(FetchOptions { allow_local_files: true, ..quick() }).unwrap();
    let fetch = fetcher.fetch("/dev/zero", ArtifactId::of(b"x"), PLENTY, &test.store);
    assert_eq!(within(PATIENCE, fetch).await.unwrap_err().code(), "S0203");
}

/// Not a test of its own: the process that [`proxies_of_the_environment_are_not_used`] starts.
#[tokio::test]
#[ignore = "needs an environment; run by another test"]
async fn child_that_fetches_in_an_environment_with_a_proxy() {
    let Ok(uri) = std::env::var(CHILD_URI) else { return };
    let test = TestStore::new();
    let id = uri.rsplit('/').next().unwrap().parse().unwrap();
    quick_fetcher().fetch(&uri, id, PLENTY, &test.store).await.unwrap();
}

/// A proxy would resolve names itself, behind the back of the guard.
#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    let bytes = sample(100);
    let id = ArtifactId::of(&bytes);
    let origin = ScriptedServer::start(vec![whole(&bytes)]).await;
    let proxy = ScriptedServer::start(vec![whole(&bytes)]).await;
    let address = format!("http://{}", proxy.address);
    let status = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetch_guard::child_that_fetches_in_an_environment_with_a_proxy", "--ignored"])
        .env(CHILD_URI, origin.uri(id))
        .envs(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, &address)))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdout(Stdio::null())
        .status();
    assert!(within(PATIENCE, status).await.unwrap().success());
    assert_eq!((origin.requests().len(), proxy.requests().len()), (1, 0));
}
