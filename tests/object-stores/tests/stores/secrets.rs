//! Keys are used, and never shown.

use std::io::Write;
use std::sync::{Arc, Mutex};

use assay_store::{RemoteAddress, RemoteOptions, RemoteStore, Variables};
use object_store_tests::{FileServer, Gateway, S3Server, Weather};
use tracing_subscriber::filter::LevelFilter;

use crate::support::{Local, PLENTY, below, sample};

const TOKEN: &str = "a-session-token-that-nobody-may-see";
const PASSWORD: &str = "a-password-that-nobody-may-see";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a run of everything logs at the most talkative level, and the errors and forms of what took part.
async fn everything_said() -> Option<String> {
    let server = S3Server::start()?;
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone()).finish();
    // The tests of this file run on one thread each.
    let listening = tracing::subscriber::set_default(subscriber);
    let gateway = Gateway::to(server.address()).await;
    let mut environment = S3Server::environment(gateway.address()).to_vec();
    let mut said = String::new();
    let (local, id) = Local::with(sample(100)).await;
    for with_token in [false, true] {
        if with_token {
            environment.push(("AWS_SESSION_TOKEN", TOKEN.to_owned()));
        }
        let remote = S3Server::open_with(&below("p"), &environment).unwrap();
        let variables: Variables =
            environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        said.push_str(&format!("{remote:?} {variables:?}"));
        // What S3 says of a wrong signature: all that was signed, the token too.
        let echo = format!(
            "<Error><Code>SignatureDoesNotMatch</Code><Message>it differs</Message><CanonicalRequest>PUT\n\
             x-amz-security-token:{TOKEN}</CanonicalRequest></Error>"
        );
        let refusal = Weather::Answer("403 Forbidden", echo);
        for weather in [Weather::Fair, Weather::Down, Weather::Cut(300), refusal] {
            gateway.is(weather);
            for result in [
                remote.put(&id, &local.store).await.map(|_| ()),
                remote.fetch(&id, PLENTY, &Local::new().store).await.map(|_| ()),
                remote.list().await.map(|_| ()),
                remote.remove(&id).await,
            ] {
                said.push_str(&format!("{result:?}"));
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let files = FileServer::dav(folder.path(), "user", PASSWORD).await;
    for password in [PASSWORD, &format!("not-{PASSWORD}")] {
        let variables: Variables = [("ASSAY_STORE_USER", "user"), ("ASSAY_STORE_PASSWORD", password)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let remote =
            RemoteStore::open(&RemoteAddress::parse(&files.url()).unwrap(), RemoteOptions::default(), &variables);
        let remote = remote.unwrap();
        said.push_str(&format!("{remote:?} {variables:?} {:?}", remote.put(&id, &local.store).await));
    }
    drop(listening);
    said.push_str(&String::from_utf8_lossy(&log.0.lock().unwrap()));
    Some(said)
}

#[tokio::test]
async fn no_secret_stands_in_logs_errors_or_debug_forms() {
    let Some(said) = everything_said().await else { return };
    // What talks most has been heard, or the absence of secrets would say nothing.
    for heard in ["object_store", "hyper", "s3://artifacts/p"] {
        assert!(said.contains(heard), "nothing of {heard} was heard");
    }
    // Also as the header has it.
    let basic = "dXNlcjphLXBhc3N3b3Jk";
    for secret in [S3Server::SECRET, TOKEN, PASSWORD, basic] {
        assert!(!said.contains(secret), "{secret} was said");
    }
}

#[tokio::test]
async fn a_key_in_an_address_is_refused_before_anything_is_sent() {
    for address in ["s3://KEY:hushhush@artifacts", "http://user:hushhush@127.0.0.1:1/"] {
        let error = S3Server::open_with(address, &[]).unwrap_err();
        assert!(error.code() == "S0501" && !error.to_string().contains("hushhush"), "{error}");
    }
}

#[tokio::test]
async fn keys_come_from_the_shared_file_too_and_are_read_again_when_they_change() {
    let Some(server) = S3Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let write = |secret: &str| {
        let text = format!("[ci]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", S3Server::KEY);
        std::fs::write(&file, text).unwrap();
    };
    write("not yet the right one");
    let remote = S3Server::open_with(
        &below(""),
        &[
            ("AWS_SHARED_CREDENTIALS_FILE", file.display().to_string()),
            ("AWS_PROFILE", "ci".to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{}", server.address())),
        ],
    )
    .unwrap();
    let (local, id) = Local::with(sample(10)).await;
    assert_eq!(remote.put(&id, &local.store).await.unwrap_err().code(), "S0504");
    write(S3Server::SECRET);
    remote.put(&id, &local.store).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(remote.list().await.unwrap_err().code(), "S0503");
}
