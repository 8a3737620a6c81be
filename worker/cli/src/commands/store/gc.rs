//! `assay store gc`: what is old and what nothing on-chain names.

use super::artifacts::{age_seconds, described};
use super::place::{Opened, Place};
use crate::context::ChainArguments;
use crate::error::CliError;
use crate::output::Output;
use assay::state::{Job, Session};
use assay_chain::accounts::{JobFilter, SessionFilter};
use assay_models::manifest::{MAX_MANIFEST_BYTES, ResultManifest};
use assay_store::{ArtifactId, ArtifactUri, StoredArtifact};
use clap::Args;
use serde_json::{Value, json};
use std::collections::HashSet;

#[derive(Args, Debug)]
pub(crate) struct Gc {
    #[command(flatten)]
    place: Place,
    /// What is younger stays: it may be for a job that is about to be posted, or be the inputs of a receipt that may be called in
    #[arg(long, value_name = "SECONDS", default_value_t = 30 * 24 * 60 * 60)]
    older_than: u64,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn gc(arguments: Gc, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let Gc { place, older_than, dry_run } = arguments;
    let opened = place.open()?;
    // Listed first: what is named on-chain by then and put afterwards is not in the list.
    let listed = opened.list().await?;
    let context = chain.connected().await?;
    let jobs = context.chain().jobs(JobFilter::default()).await?;
    let sessions = context.chain().sessions(SessionFilter::default()).await?;
    let named = named(
        &opened,
        &listed,
        &jobs.into_iter().map(|(_, job)| job).collect::<Vec<_>>(),
        &sessions.into_iter().map(|(_, session)| session).collect::<Vec<_>>(),
    )
    .await?;
    let over: Vec<&StoredArtifact> = removable(&listed, &named, older_than);
    if !dry_run {
        for artifact in &over {
            opened.remove(&artifact.id).await?;
        }
    }
    let bytes = over.iter().fold(0_u64, |sum, artifact| sum.saturating_add(artifact.bytes));
    let removed: Vec<Value> = over.iter().map(|artifact| described(artifact)).collect();
    let value = json!({
        "store": opened.shown(),
        "kept": listed.len() - over.len(),
        "bytes": bytes,
        "dry_run": dry_run,
        "removed": removed,
    });
    output.result(&value, || {
        let what = if dry_run { "would be removed" } else { "removed" };
        format!(
            "{} artifacts, {bytes} bytes, {what} from {}; {} stay",
            over.len(),
            opened.shown(),
            listed.len() - over.len()
        )
    })
}

/// What is as old as that and named by nothing.
fn removable<'a>(
    listed: &'a [StoredArtifact],
    named: &HashSet<ArtifactId>,
    older_than_seconds: u64,
) -> Vec<&'a StoredArtifact> {
    let is_over =
        |artifact: &&StoredArtifact| !named.contains(&artifact.id) && age_seconds(artifact) >= older_than_seconds;
    listed.iter().filter(is_over).collect()
}

/// Everything that jobs and sessions on-chain name: what they were posted with, and their results with all that those list.
async fn named(
    opened: &Opened,
    listed: &[StoredArtifact],
    jobs: &[Job],
    sessions: &[Session],
) -> Result<HashSet<ArtifactId>, CliError> {
    let of_jobs = jobs.iter().flat_map(|job| [&job.graph_uri, &job.params_uri, &job.inputs_uri]);
    let of_sessions = sessions.iter().flat_map(|session| [&session.graph_uri, &session.params_uri]);
    let mut named: HashSet<ArtifactId> =
        of_jobs.chain(of_sessions).filter_map(|uri| Some(ArtifactUri::parse(uri).ok()?.id())).collect();
    let held: HashSet<ArtifactId> = listed.iter().map(|artifact| artifact.id).collect();
    for job in jobs {
        let manifest = ArtifactId(job.result_manifest);
        if !named.insert(manifest) || !held.contains(&manifest) {
            continue;
        }
        let Some(bytes) = opened.read(&manifest, MAX_MANIFEST_BYTES).await? else { continue };
        if let Ok(listed) = serde_json::from_slice::<ResultManifest>(&bytes) {
            named.extend(listed.boundary.iter().filter_map(|entry| entry.artifact.parse::<ArtifactId>().ok()));
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_models::manifest::{MANIFEST_VERSION, ManifestEntry};
    use assay_store::LocalStore;
    use std::time::{Duration, SystemTime};

    #[tokio::test]
    async fn what_is_named_by_a_job_a_session_or_a_result_stays_and_so_does_what_is_young() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let put = async |text: &str| store.put_bytes(text.to_owned()).await.unwrap();
        let (graph, inputs, params, tensor, rest) =
            (put("graph").await, put("inputs").await, put("params").await, put("tensor").await, put("rest").await);
        let boundary = vec![ManifestEntry { slot: 0, artifact: tensor.to_string(), bytes: 6 }];
        let manifest = ResultManifest { version: MANIFEST_VERSION, job: "j".into(), node: "n".into(), boundary };
        let manifest = store.put_bytes(manifest.encode().unwrap()).await.unwrap();
        let uri = |id| ArtifactUri::new("https://files.example", id).unwrap().to_string();
        let job = Job { graph_uri: uri(graph), inputs_uri: uri(inputs), result_manifest: manifest.0, ..Job::default() };
        let session = Session { params_uri: uri(params), ..Session::default() };
        let opened = Opened::Folder(store);
        let mut listed = opened.list().await.unwrap();
        let named = named(&opened, &listed, &[job, Job::default()], &[session]).await.unwrap();
        assert!(removable(&listed, &named, 60).is_empty(), "all are young");
        for artifact in &mut listed {
            artifact.modified = SystemTime::now() - Duration::from_secs(61);
        }
        let over: Vec<ArtifactId> = removable(&listed, &named, 60).iter().map(|artifact| artifact.id).collect();
        assert_eq!(over, [rest]);
    }
}
