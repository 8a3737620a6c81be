//! `assay store put`, `get`, `list`, `check`.

use super::place::Place;
use super::remote::name_the_option;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table};
use assay_store::{ArtifactId, ArtifactUri, FetchOptions, Fetcher, LocalStore, StoreError, StoredArtifact};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::SystemTime;

/// Most bytes of a file that is put or an artifact that is fetched: what no disk holds stays out.
const MOST_BYTES: u64 = 1 << 40;

#[derive(Args, Debug)]
pub(crate) struct Put {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Base URL at which everybody reads what is in --remote, or in the folder: each artifact's URI is told, and, with --remote, looked
    /// for there
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The URL may be at a loopback or private address
    #[arg(long)]
    allow_private: bool,
}

pub(super) async fn put(arguments: Put, output: Output) -> Result<(), CliError> {
    let Put { files, place, public_url, allow_private } = arguments;
    let store = LocalStore::open(&place.folder)?;
    let remote = place.remote.open()?;
    let mut values: Vec<Value> = Vec::new();
    for path in files {
        let file = tokio::fs::File::open(&path).await.map_err(|error| CliError::file("read", &path, &error))?;
        let StoredArtifact { id, bytes, .. } = store.put_reader(file, None, MOST_BYTES).await?;
        let uri = public_url.as_deref().map(|base| ArtifactUri::new(base, id)).transpose()?;
        match (&remote, &uri) {
            (Some(_), Some(uri)) => place.remote.publish(&store, [uri.as_str()], allow_private).await?,
            (Some(remote), None) => drop(remote.put(&id, &store).await.map_err(name_the_option)?),
            (None, _) => {}
        }
        values.push(json!({ "file": path, "id": id.to_string(), "bytes": bytes, "uri": uri }));
    }
    output.result(&values, || {
        let line = |value: &Value| {
            let named = value["uri"].as_str().or(value["id"].as_str()).unwrap_or_default();
            format!("{named}  {} bytes  {}", value["bytes"], value["file"].as_str().unwrap_or_default())
        };
        values.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

#[derive(Args, Debug)]
pub(crate) struct Get {
    /// Id of the artifact: 64 hexadecimal digits; or its URL
    artifact: String,
    /// The file
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The URL may be at a loopback or private address
    #[arg(long)]
    allow_private: bool,
}

pub(super) async fn get(arguments: Get, output: Output) -> Result<(), CliError> {
    let Get { artifact, out, place, allow_private } = arguments;
    let store = LocalStore::open(&place.folder)?;
    let id = if artifact.contains("://") {
        let uri = ArtifactUri::parse(&artifact)?;
        let fetcher = Fetcher::new(FetchOptions { allow_private, ..FetchOptions::default() })?;
        fetcher.fetch(uri.as_str(), uri.id(), MOST_BYTES, &store).await.map_err(name_the_option)?;
        uri.id()
    } else {
        let id: ArtifactId = artifact.parse()?;
        if let Some(remote) = place.remote.open()? {
            remote.fetch(&id, MOST_BYTES, &store).await.map_err(name_the_option)?;
        }
        id
    };
    let reader = store.verified_reader(&id).await?;
    let bytes = reader.length_bytes();
    let failed = |error| CliError::file("write", &out, &error);
    let mut file = tokio::fs::File::create(&out).await.map_err(failed)?;
    tokio::io::copy(&mut reader.into_whole(), &mut file).await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    output.result(&json!({ "id": id.to_string(), "bytes": bytes, "file": out }), || {
        format!("{bytes} bytes in {}: their hash is the artifact's name", out.display())
    })
}

pub(super) async fn list(place: Place, output: Output) -> Result<(), CliError> {
    let opened = place.open()?;
    let artifacts = opened.list().await?;
    let values: Vec<Value> = artifacts.iter().map(described).collect();
    output.result(&values, || {
        if artifacts.is_empty() {
            return format!("no artifacts in {}", opened.shown());
        }
        let mut table = Table::new(&["artifact", "bytes", "age in seconds"]);
        for artifact in &artifacts {
            table.row([artifact.id.to_string(), artifact.bytes.to_string(), age_seconds(artifact).to_string()]);
        }
        table.render()
    })
}

pub(super) async fn check(place: Place, output: Output) -> Result<(), CliError> {
    let opened = place.open()?;
    let artifacts = opened.list().await?;
    let progress = output.progress("checking", artifacts.len() as u64);
    let mut wrong: Vec<Value> = Vec::new();
    for (done, artifact) in artifacts.iter().enumerate() {
        match opened.check(&artifact.id).await {
            Ok(()) => {}
            Err(error @ (StoreError::WrongHash { .. } | StoreError::Corrupt { .. } | StoreError::NotFound { .. })) => {
                wrong.push(json!({ "id": artifact.id.to_string(), "code": error.code(), "error": error.to_string() }));
            }
            Err(error) => return Err(name_the_option(error)),
        }
        progress.set(done as u64 + 1);
    }
    progress.done();
    let value = json!({ "store": opened.shown(), "checked": artifacts.len(), "wrong": wrong });
    output.result(&value, || format!("{} artifacts in {}, {} wrong", artifacts.len(), opened.shown(), wrong.len()))?;
    if wrong.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = wrong.iter().filter_map(|one| one["id"].as_str()).collect();
    let text = format!(
        "{} of {} artifacts in {} are not what their names say; remove them and put them again: {}",
        wrong.len(),
        artifacts.len(),
        opened.shown(),
        names.join(" ")
    );
    Err(CliError::new("A0407", text).with_status(ExitStatus::Failed))
}

pub(super) fn described(artifact: &StoredArtifact) -> Value {
    json!({ "id": artifact.id.to_string(), "bytes": artifact.bytes, "age_seconds": age_seconds(artifact) })
}

pub(super) fn age_seconds(artifact: &StoredArtifact) -> u64 {
    SystemTime::now().duration_since(artifact.modified).unwrap_or_default().as_secs()
}
