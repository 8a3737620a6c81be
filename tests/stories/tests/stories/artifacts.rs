//! Artifacts that are not what the job says: refused before any bond is at risk.

use assay::state_machine::JobState;
use assay_client::{ArtifactUris, Terms, Work};
use assay_node::journal::{Outcome, Stage};
use assay_store::{ArtifactId, ArtifactUri};
use story_tests::{MisbehavingServer, Misbehaviour, NodeProcess, Story};

/// Posts a job with these artifacts and expects the node to refuse it by this code, with nothing at risk.
async fn is_refused(story: &Story, node: &NodeProcess, work: &Work, artifacts: ArtifactUris, code: &str) {
    let posted = story.client.post(work, &artifacts, &story.terms()).await.expect("the program cannot know");
    let refused = |record: &assay_node::journal::Record| matches!(&record.stage, Stage::Finished(Outcome::Skipped(refusal)) if refusal.code == code);
    node.until(&posted.address, refused).await;
    let job = story.chain().job(&posted.address).await.unwrap();
    assert_eq!(job.state, JobState::Posted, "nobody claimed");
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0), "no bond was at risk");
    story.client.cancel(&posted.address).await.expect("the client takes it back");
    story.close(&posted.address, &[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_artifacts_are_refused_by_name_before_the_claim() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| {
        config.limits.max_artifact_bytes = 1 << 20;
        config.limits.fetch_seconds = 5;
    });
    node.start(None).await;
    let work = story.work(1);
    let good = story.artifacts(&work).await;
    let inputs = ArtifactUri::parse(&good.inputs).unwrap().id();
    let at = |server: &MisbehavingServer, id| ArtifactUri::new(&server.url(), id).unwrap().as_str().to_owned();

    let wrong = MisbehavingServer::start(Misbehaviour::WrongBytes(vec![7; 40])).await;
    let artifacts = ArtifactUris { inputs: at(&wrong, inputs), ..good.clone() };
    is_refused(&story, &node, &work, artifacts, "N0201").await;

    let large = MisbehavingServer::start(Misbehaviour::TooLarge).await;
    let artifacts = ArtifactUris { params: at(&large, ArtifactId::of(b"large")), ..good.clone() };
    is_refused(&story, &node, &work, artifacts, "N0201").await;

    // The bytes are those that the address names, but not those that the job pins.
    let other = story.work(2);
    let artifacts = ArtifactUris { inputs: story.artifacts(&other).await.inputs, ..good.clone() };
    is_refused(&story, &node, &work, artifacts, "N0203").await;

    let hostile = story.store.put_bytes(b"ASIR\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()).await.unwrap();
    let hostile = ArtifactUri::new(&story.store_url, hostile).unwrap().as_str().to_owned();
    is_refused(&story, &node, &work, ArtifactUris { graph: hostile, ..good.clone() }, "N0202").await;

    // The client lies about the output: nobody could ever be paid for it.
    let mut liar = work.clone();
    liar.output.uid = *b"notthere";
    is_refused(&story, &node, &liar, good.clone(), "N0204").await;

    // And the node is none the worse for it.
    let posted = story.post(&work, &story.terms()).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Settled);
    story.close(&posted.address, &[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_costs_nothing_but_patience() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| config.limits.fetch_seconds = 3);
    node.start(None).await;
    let work = story.work(3);
    let good = story.artifacts(&work).await;
    let inputs = ArtifactUri::parse(&good.inputs).unwrap().id();
    let server = MisbehavingServer::start(Misbehaviour::Truncated { announced: 4_096, sent: vec![1; 100] }).await;
    let uri = ArtifactUri::new(&server.url(), inputs).unwrap().as_str().to_owned();
    let terms = Terms { claim_slots: 40, ..story.terms() };
    let posted = story.client.post(&work, &ArtifactUris { inputs: uri, ..good }, &terms).await.unwrap();
    assert_eq!(story.end(&posted.address).await.state, JobState::Expired);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.jobs_missed), (Story::STAKE, 0, 0));
    story.close(&posted.address, &[node.address]).await;
}
