//! Results once more in a store of the operator's, where clients fetch them while the node is away. The node's own store stays what it
//! answers from: the mirror may be late, down, or gone, and costs neither a bond nor a result.
//!
//! `GET /v1/mirror` says where strangers read it.

use crate::driver::Shared;
use crate::journal::JournalError;
use crate::market::Market;
use assay_models::manifest::{MAX_MANIFEST_BYTES, ResultManifest};
use assay_store::{ArtifactId, LocalStore, RemoteAddress, RemoteOptions, RemoteStore, StoreError, Variables};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The wait after the first failure; it doubles with each, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait before the store is tried again.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Within which one artifact must have arrived.
const ARTIFACT_DEADLINE: Duration = Duration::from_secs(10 * 60);

/// Where results are mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MirrorSettings {
    /// The store, `s3://bucket/prefix` or the http(s) address of a WebDAV folder; empty: no mirror.
    pub remote: String,
    /// Address of an S3-compatible service; empty: as the environment says, else AWS's.
    pub endpoint: String,
    /// The bucket's region; empty: as the environment says.
    pub region: String,
    /// Whether the bucket's name goes before the service's host, and not into the path.
    pub virtual_hosted: bool,
    /// Whether results may go to another machine unencrypted, with signatures or passwords.
    pub allow_unencrypted: bool,
    /// The base URL at which strangers read what is in it; told to clients.
    pub public_url: String,
}

/// The way into the operator's store, and what is still to go there.
#[derive(Debug)]
pub struct Mirror {
    settings: MirrorSettings,
    variables: Variables,
    waiting: Mutex<VecDeque<[u8; 32]>>,
    bell: Notify,
}

/// What became of one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// All of it is there.
    Mirrored,
    /// This node cannot send it: its own copy is gone or damaged, or the store can hold nothing so long.
    Dropped,
}

impl Mirror {
    /// The mirror of these settings; `None` where they name no store.
    pub fn of(settings: &MirrorSettings, variables: Variables) -> Option<Self> {
        let is_wanted = !settings.remote.is_empty();
        is_wanted.then(|| Self {
            settings: settings.clone(),
            variables,
            waiting: Mutex::default(),
            bell: Notify::new(),
        })
    }

    /// The way into the store. It may fail, for want of credentials say, without any harm to what the node has promised.
    pub(crate) fn open(&self, max_attempts: u32, deadline: Duration) -> Result<RemoteStore, StoreError> {
        let set = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let options = RemoteOptions {
            endpoint: set(&self.settings.endpoint),
            region: set(&self.settings.region),
            virtual_hosted: self.settings.virtual_hosted,
            allow_unencrypted: self.settings.allow_unencrypted,
            max_attempts,
            deadline,
            ..RemoteOptions::default()
        };
        RemoteStore::open(&RemoteAddress::parse(&self.settings.remote)?, options, &self.variables)
    }

    /// The way for results of any size. What fails is tried again by the mirror itself.
    fn open_patiently(&self) -> Result<RemoteStore, StoreError> {
        self.open(2, ARTIFACT_DEADLINE)
    }

    /// Notes that the result with this manifest is to be mirrored.
    pub fn note(&self, manifest: [u8; 32]) {
        let mut waiting = self.lock();
        if !waiting.contains(&manifest) {
            waiting.push_back(manifest);
        }
        self.bell.notify_one();
    }

    /// Whether the result with this manifest is still to be mirrored.
    pub fn awaits(&self, manifest: &[u8; 32]) -> bool {
        self.lock().contains(manifest)
    }

    /// How many results wait.
    pub fn waiting(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<[u8; 32]>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends everything that a result consists of, its manifest last: where that is, all is.
async fn send(remote: &RemoteStore, store: &LocalStore, manifest: &ArtifactId) -> Result<Fate, StoreError> {
    match remote.stored(manifest).await {
        Ok(Some(_)) => return Ok(Fate::Mirrored),
        // Whoever may not list is told no more than that of what is not there.
        Ok(None) | Err(StoreError::AccessDenied { .. }) => {}
        Err(error) => return Err(error),
    }
    match send_parts(remote, store, manifest).await {
        Ok(()) => Ok(Fate::Mirrored),
        Err(error) if is_of_this_node(&error) => {
            tracing::error!(code = "N0411", %manifest, "N0411 a result cannot be mirrored: {error}; the node serves it itself");
            Ok(Fate::Dropped)
        }
        Err(error) => Err(error),
    }
}

async fn send_parts(remote: &RemoteStore, store: &LocalStore, manifest: &ArtifactId) -> Result<(), StoreError> {
    let bytes = store.read(manifest, MAX_MANIFEST_BYTES).await?;
    // This node wrote it.
    let listed: ResultManifest = serde_json::from_slice(&bytes).map_err(|_| StoreError::NotFound { id: *manifest })?;
    for entry in &listed.boundary {
        remote.put(&entry.artifact.parse()?, store).await?;
    }
    remote.put(manifest, store).await?;
    Ok(())
}

/// Whether the failure is not the store's, so that trying again is of no use.
fn is_of_this_node(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotFound { .. }
            | StoreError::Corrupt { .. }
            | StoreError::TooLarge { .. }
            | StoreError::BadId { .. }
            | StoreError::Io { .. }
    )
}

/// Mirrors results until `stop`: those first that an earlier life may have left, of jobs that are open and of jobs that were over
/// before the store had taken theirs. A store that is down is tried again for as long as the node lives.
pub(crate) async fn keep_mirrored<M: Market>(
    shared: Arc<Shared<M>>,
    stop: CancellationToken,
) -> Result<(), JournalError> {
    let Some(mirror) = &shared.publisher.mirror else {
        stop.cancelled().await;
        return Ok(());
    };
    shared.journal.unmirrored()?.into_iter().for_each(|manifest| mirror.note(manifest));
    for (_, record) in shared.journal.live()? {
        if let Some(executed) = record.stage.executed() {
            mirror.note(executed.manifest);
        }
    }
    let mut remote = None;
    match mirror.open_patiently() {
        Ok(opened) => remote = Some(opened),
        Err(error) => tracing::error!(code = "N0410", "N0410 there is no way into the mirror: {error}"),
    }
    let mirroring = async {
        let mut wait = FIRST_WAIT;
        loop {
            let Some(next) = mirror.lock().front().copied() else {
                mirror.bell.notified().await;
                continue;
            };
            let sent = async {
                let opened = match remote.clone() {
                    Some(opened) => opened,
                    None => mirror.open_patiently()?,
                };
                remote = Some(opened.clone());
                send(&opened, &shared.publisher.store, &ArtifactId(next)).await
            };
            match sent.await {
                Ok(fate) => {
                    wait = FIRST_WAIT;
                    mirror.lock().retain(|waiting| *waiting != next);
                    let outcome = match fate {
                        Fate::Mirrored => "mirrored",
                        Fate::Dropped => "dropped",
                    };
                    shared.meter.mirrored.note(&[("outcome", outcome)]);
                    shared.journal.forget_unmirrored(&next)?;
                }
                Err(error) => {
                    shared.meter.mirrored.note(&[("outcome", "failed")]);
                    tracing::warn!(
                        code = "N0410",
                        waiting = mirror.waiting(),
                        ?wait,
                        "N0410 the mirror does not take a result: {error}; the node serves it itself, and tries again"
                    );
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(2).min(MAX_WAIT);
                }
            }
        }
    };
    stop.run_until_cancelled(mirroring).await.unwrap_or(Ok(()))
}

/// The route of a running node.
pub(crate) fn routes<M: Market>(shared: &Shared<M>) -> Router {
    let public_url = shared.publisher.mirror.as_ref().map(|mirror| mirror.settings.public_url.clone());
    let public_url = public_url.filter(|url| !url.is_empty());
    Router::new().route("/v1/mirror", get(move || async move { answer(public_url) }))
}

fn answer(public_url: Option<String>) -> Response {
    match public_url {
        Some(public_url) => Json(json!({ "public_url": public_url })).into_response(),
        None => {
            let message = "N0711 this node has no mirror that strangers may read; it serves its results itself";
            (StatusCode::NOT_FOUND, Json(json!({ "code": "N0711", "message": message }))).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_store_there_is_no_mirror_and_a_way_in_is_missing_for_a_reason() {
        let code = |remote: &str, endpoint: &str, variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let settings =
                MirrorSettings { remote: remote.into(), endpoint: endpoint.into(), ..MirrorSettings::default() };
            Mirror::of(&settings, variables)
                .map(|mirror| mirror.open_patiently().map(|_| ()).map_err(|error| error.code()))
        };
        assert_eq!(code("", "", &[]), None);
        assert_eq!(code("s3://artifacts/node", "http://127.0.0.1:1", &[]), Some(Ok(())));
        assert_eq!(code("https://files.example/node", "", &[]), Some(Ok(())));
        assert_eq!(code("s3://artifacts", "http://s3.example", &[]), Some(Err("S0502")));
        assert_eq!(code("s3://artifacts", "", &[("AWS_ACCESS_KEY_ID", "half")]), Some(Err("S0503")));
    }

    #[test]
    fn a_result_waits_once() {
        let settings = MirrorSettings { remote: "s3://artifacts".into(), ..MirrorSettings::default() };
        let mirror = Mirror::of(&settings, Variables::default()).unwrap();
        for manifest in [[1; 32], [2; 32], [1; 32]] {
            mirror.note(manifest);
        }
        assert_eq!(mirror.waiting(), 2);
    }
}
