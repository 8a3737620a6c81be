//! The mirror of results: whether it takes one, and whether strangers read it where clients are told to.

use super::finding::{Finding, Grade};
use crate::mirror::{Mirror, MirrorSettings};
use assay_store::{ArtifactId, ArtifactUri, StoreError, Variables};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;

/// How long the mirror may take for a few bytes.
const PATIENCE: Duration = Duration::from_secs(6);
/// What is put into it, and removed again.
const SAMPLE: &[u8] = b"assay: whether this mirror takes results\n";

const CHECK: &str = "mirror";

/// What was found of the mirror.
#[derive(Debug)]
pub(super) enum MirrorFacts {
    /// The settings name none.
    None,
    /// It takes nothing.
    Refuses(StoreError),
    /// It takes results.
    Takes {
        /// Its address, without anything secret.
        address: String,
        /// Whether what is in it is read at the public URL, or why not; nothing where there is no such URL.
        public: Option<Result<(), String>>,
    },
}

/// Puts a few bytes into the mirror, reads them as strangers do, and removes them.
pub(super) async fn look(settings: &MirrorSettings, variables: Variables) -> MirrorFacts {
    let Some(mirror) = Mirror::of(settings, variables) else { return MirrorFacts::None };
    let sample = Bytes::from_static(SAMPLE);
    let put = async {
        let remote = mirror.open(1, PATIENCE)?;
        let id = remote.put_bytes(sample).await?;
        Ok((remote, id))
    };
    let (remote, id) = match put.await {
        Ok(put) => put,
        Err(error) => return MirrorFacts::Refuses(error),
    };
    let public_url = Some(&settings.public_url).filter(|url| !url.is_empty());
    let public = match public_url {
        Some(url) => {
            let late = |_| Err(format!("no answer within {} s", PATIENCE.as_secs()));
            Some(tokio::time::timeout(PATIENCE, read(url, id)).await.unwrap_or_else(late))
        }
        None => None,
    };
    if let Err(error) = remote.remove(&id).await {
        tracing::debug!(%error, "what was put into the mirror for the examination stays there");
    }
    MirrorFacts::Takes { address: remote.address().to_owned(), public }
}

/// Reads the sample at the public URL.
async fn read(public_url: &str, id: ArtifactId) -> Result<(), String> {
    let uri = ArtifactUri::new(public_url, id).map_err(|error| error.to_string())?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
    let response = client.get(uri.as_str()).send().await.map_err(|error| error.without_url().to_string())?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()));
    }
    let (mut body, mut bytes) = (response.bytes_stream(), Vec::new());
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(|error| error.without_url().to_string())?);
        if bytes.len() > SAMPLE.len() {
            break;
        }
    }
    if bytes == SAMPLE { Ok(()) } else { Err("it answers with other bytes".to_owned()) }
}

/// Grades the mirror. The node serves its results itself, so nothing here stops it.
pub(super) fn grade(settings: &MirrorSettings, facts: &MirrorFacts) -> Vec<Finding> {
    match facts {
        MirrorFacts::None => Vec::new(),
        MirrorFacts::Refuses(error) => vec![Finding::ill(
            Grade::Warning,
            CHECK,
            "N0931",
            format!("{} takes no results: {error}", settings.remote),
            "put `[mirror]` and the credentials right; until then the node serves its results itself",
        )],
        MirrorFacts::Takes { address, public: None } => vec![Finding::well(CHECK, format!("{address} takes results"))],
        MirrorFacts::Takes { address, public: Some(Ok(())) } => {
            vec![Finding::well(CHECK, format!("{address} takes results, and {} shows them", settings.public_url))]
        }
        MirrorFacts::Takes { address, public: Some(Err(reason)) } => vec![Finding::ill(
            Grade::Warning,
            CHECK,
            "N0932",
            format!(
                "{address} takes results, but clients do not read them at {}, where they are told to: {reason}",
                settings.public_url
            ),
            "let everybody read the store there, or put `[mirror] public_url` right",
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::extract::State;
    use axum::http::{Method, StatusCode, Uri};
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    /// What a web server holds, and whether it lets strangers read below `/public`.
    #[derive(Default)]
    struct Files {
        held: Mutex<HashMap<String, Bytes>>,
        is_read_only: bool,
        forgets_a_byte: bool,
    }

    async fn answer(State(files): State<Arc<Files>>, method: Method, uri: Uri, body: Bytes) -> (StatusCode, Bytes) {
        let path = uri.path().trim_start_matches("/public").to_owned();
        let mut held = files.held.lock().unwrap();
        match method {
            Method::PUT if files.is_read_only => (StatusCode::FORBIDDEN, Bytes::new()),
            Method::PUT => {
                held.insert(path, body);
                (StatusCode::CREATED, Bytes::new())
            }
            Method::DELETE => {
                let status = held.remove(&path).map_or(StatusCode::NOT_FOUND, |_| StatusCode::NO_CONTENT);
                (status, Bytes::new())
            }
            _ => match held.get(&path) {
                Some(bytes) if files.forgets_a_byte => (StatusCode::OK, bytes.slice(1..)),
                Some(bytes) => (StatusCode::OK, bytes.clone()),
                None => (StatusCode::NOT_FOUND, Bytes::new()),
            },
        }
    }

    async fn served(files: Files) -> (Arc<Files>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let files = Arc::new(files);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&files));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (files, url)
    }

    async fn found(remote: &str, public_url: &str) -> Vec<(Grade, Option<String>)> {
        let (remote, public_url) = (remote.to_owned(), public_url.to_owned());
        let settings = MirrorSettings { remote, public_url, ..MirrorSettings::default() };
        let facts = look(&settings, Variables::default()).await;
        grade(&settings, &facts).into_iter().map(|finding| (finding.grade, finding.code)).collect()
    }

    fn ill(code: &str) -> Vec<(Grade, Option<String>)> {
        vec![(Grade::Warning, Some(code.to_owned()))]
    }

    #[tokio::test]
    async fn a_mirror_that_takes_results_and_shows_them_is_well_and_keeps_nothing_of_the_examination() {
        assert_eq!(found("", "").await, []);
        let (files, url) = served(Files::default()).await;
        assert_eq!(found(&url, "").await, [(Grade::Well, None)]);
        assert_eq!(found(&url, &format!("{url}/public")).await, [(Grade::Well, None)]);
        assert!(files.held.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_mirror_that_takes_nothing_or_that_nobody_reads_is_told_and_stops_nothing() {
        let (_files, url) = served(Files { is_read_only: true, ..Files::default() }).await;
        assert_eq!(found(&url, "").await, ill("N0931"));
        assert_eq!(found("http://127.0.0.1:1", "").await, ill("N0931"));
        assert_eq!(found("s3://", "").await, ill("N0931"));
        let (files, url) = served(Files::default()).await;
        let (_others, another) = served(Files::default()).await;
        assert_eq!(found(&url, &another).await, ill("N0932"), "another server");
        assert_eq!(found(&url, "http://127.0.0.1:1").await, ill("N0932"), "none");
        assert_eq!(found(&url, "not a URL").await, ill("N0932"));
        assert!(files.held.lock().unwrap().is_empty());
        let (_files, url) = served(Files { forgets_a_byte: true, ..Files::default() }).await;
        assert_eq!(found(&url, &url).await, ill("N0932"), "other bytes");
    }
}
