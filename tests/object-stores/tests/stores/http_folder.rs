//! A folder of an HTTP server: WebDAV with a password, and this project's own server.

use assay_store::{
    LocalStore, RemoteAddress, RemoteOptions, RemoteStore, ServerOptions, UploadOutcome, Uploads, Variables, serve,
};
use object_store_tests::FileServer;
use tokio_util::sync::CancellationToken;

use crate::support::{Local, PLENTY, code, sample};

fn open(url: &str, variables: &[(&str, &str)]) -> RemoteStore {
    let variables: Variables =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RemoteStore::open(&RemoteAddress::parse(url).unwrap(), RemoteOptions::default(), &variables).unwrap()
}

const USER: [(&str, &str); 2] = [("ASSAY_STORE_USER", "user"), ("ASSAY_STORE_PASSWORD", "pass")];

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_go_into_a_webdav_folder_come_back_and_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::dav(folder.path(), "user", "pass").await;
    std::fs::create_dir(folder.path().join("below")).unwrap();
    let url = format!("{}/below", server.url());
    let remote = open(&url, &USER);
    let mut ids = Vec::new();
    for length in [1, 9 << 20] {
        let (local, id) = Local::with(sample(length)).await;
        assert_eq!(remote.stored(&id).await.unwrap(), None);
        assert_eq!(remote.put(&id, &local.store).await.unwrap(), UploadOutcome::Sent);
        assert_eq!(remote.put(&id, &local.store).await.unwrap(), UploadOutcome::AlreadyThere);
        let other = Local::new();
        remote.fetch(&id, PLENTY, &other.store).await.unwrap();
        assert_eq!(other.store.read(&id, PLENTY).await.unwrap(), sample(length));
        ids.push(id);
    }
    ids.sort();
    assert_eq!(remote.list().await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    std::fs::write(folder.path().join(format!("below/v1/artifacts/{}", ids[0])), "a lie").unwrap();
    assert_eq!(code(remote.check(&ids[0]).await), "S0102");
    remote.remove(&ids[0]).await.unwrap();
    assert_eq!(remote.list().await.unwrap().len(), 1);
    let (local, id) = Local::with(sample(3)).await;
    for variables in [&[][..], &[("ASSAY_STORE_USER", "user"), ("ASSAY_STORE_PASSWORD", "wrong")]] {
        assert_eq!(code(open(&url, variables).put(&id, &local.store).await), "S0504");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn this_projects_own_server_takes_artifacts_too_and_does_not_list_them() {
    let served = Local::new();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let options = ServerOptions { uploads: Uploads::Loopback, ..ServerOptions::default() };
    tokio::spawn(serve(LocalStore::clone(&served.store), listener, options, stop.clone()));
    let remote = open(&url, &[]);
    let (local, id) = Local::with(sample(1_000)).await;
    assert_eq!(remote.put(&id, &local.store).await.unwrap(), UploadOutcome::Sent);
    assert!(served.store.contains(&id).await.unwrap());
    assert_eq!(remote.check(&id).await.unwrap(), 1_000);
    assert_eq!(code(remote.list().await), "S0511");
    stop.cancel();
}
