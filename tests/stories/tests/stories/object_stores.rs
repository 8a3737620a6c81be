//! Artifacts and results in a bucket of a real S3-compatible server, which may be down, cut off, or lie.

use assay::state_machine::JobState;
use assay_client::{ArtifactUris, Terms, Work, mirror, result};
use assay_node::journal::{Outcome, Stage};
use assay_store::{ArtifactId, ArtifactUri, FetchOptions, Fetcher, LocalStore};
use object_store_tests::{FileServer, Gateway, S3Server, Weather};
use story_tests::{NodeProcess, Story};

/// A bucket with a folder for the client and one for the node, and their public addresses.
struct Scene {
    server: S3Server,
    gateway: Gateway,
    of_client: FileServer,
    of_node: FileServer,
}

impl Scene {
    async fn new() -> Option<Self> {
        let server = S3Server::start()?;
        let gateway = Gateway::to(server.address()).await;
        for folder in ["client", "node"] {
            std::fs::create_dir(server.object(folder)).unwrap();
        }
        let (of_client, of_node) =
            (FileServer::public(&server.object("client")).await, FileServer::public(&server.object("node")).await);
        Some(Self { server, gateway, of_client, of_node })
    }

    /// A node whose results are mirrored in the bucket.
    fn node(&self, story: &Story) -> NodeProcess {
        let address = self.gateway.address();
        let node = NodeProcess::register(story, "node", story.placement(), |config| {
            config.mirror.remote = format!("s3://{}/node", S3Server::BUCKET);
            config.mirror.public_url = self.of_node.url();
        });
        node.with_environment(S3Server::environment(address))
    }

    /// Puts work into the bucket; where strangers fetch it.
    async fn publish(&self, story: &Story, work: &Work) -> ArtifactUris {
        let uris = work.store(&story.store, &self.of_client.url()).await.unwrap();
        let remote = S3Server::open(self.server.address(), &format!("s3://{}/client", S3Server::BUCKET)).unwrap();
        let named = [&uris.graph, &uris.params, &uris.inputs].map(|uri| ArtifactUri::parse(uri).unwrap());
        remote.publish(&named, &story.store, &fetcher()).await.unwrap();
        uris
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new(FetchOptions { allow_private: true, max_attempts: 2, ..FetchOptions::default() }).unwrap()
}

async fn waits_for_mirror(node: &NodeProcess, results: u64) {
    let started = std::time::Instant::now();
    while node.status().await.is_none_or(|status| status.mirror_waiting != results) {
        assert!(started.elapsed().as_secs() < 240, "{results} results should wait; {}", node.log());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_paid_while_the_bucket_is_down_and_fetched_from_it_when_the_node_is_gone() {
    let Some(scene) = Scene::new().await else { return };
    let story = Story::begin().await;
    let mut node = scene.node(&story);
    let work = story.work(1);
    let artifacts = scene.publish(&story, &work).await;
    // The bucket goes down before the result is there, and the node dies on top of that.
    scene.gateway.is(Weather::Down);
    node.start(Some("after_execute")).await;
    let posted = story.client.post(&work, &artifacts, &story.terms()).await.unwrap();
    node.dies().await;
    node.start(None).await;
    waits_for_mirror(&node, 1).await;
    let job = story.end(&posted.address).await;
    assert_eq!(job.state, JobState::Settled);
    let record = node.until(&posted.address, |record| record.is_finished()).await;
    assert!(matches!(record.stage, Stage::Finished(Outcome::Paid { .. })), "{record:?}");
    let manifest = scene.server.object(&format!("node/v1/artifacts/{}", ArtifactId(job.result_manifest)));
    assert!(!manifest.exists(), "nothing could be mirrored");
    // The job is over; that its result is not mirrored is known after a restart, too.
    node.kill();
    node.start(None).await;
    waits_for_mirror(&node, 1).await;

    scene.gateway.is(Weather::Fair);
    waits_for_mirror(&node, 0).await;
    assert!(manifest.exists());
    node.kill();
    let output =
        story.client.result(&posted.address, &work, &job).await.expect("from the mirror, which the node had told");
    assert!(!output.is_empty());

    // Whoever never met the node names the mirror. A bucket that lies, or has less than it should, is not believed.
    let object = std::fs::read_dir(manifest.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| *path != manifest && std::fs::read(path).is_ok_and(|bytes| bytes == output))
        .expect("the output is an object");
    for lie in [vec![0; output.len()], output[1..].to_vec(), output.clone()] {
        std::fs::write(&object, &lie).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        mirror::remember(&store, &job.node, &scene.of_node.url()).unwrap();
        let fetched = result(story.chain(), &fetcher(), &store, &posted.address, &work, &job).await;
        match lie == output {
            true => assert_eq!(fetched.unwrap(), output),
            false => assert!(fetched.unwrap_err().to_string().starts_with("S0102"), "the bytes have another hash"),
        }
    }
    story.close(&posted.address, &[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_nobody_can_fetch_cost_nothing_and_the_operators_bucket_is_not_a_strangers_to_name() {
    let Some(scene) = Scene::new().await else { return };
    let story = Story::begin().await;
    let mut node = scene.node(&story);
    node.start(None).await;
    let work = story.work(2);
    let good = scene.publish(&story, &work).await;
    // Long enough for a busy node to see them while they could be claimed.
    let terms = Terms { claim_slots: 100, ..story.terms() };
    let skipped = |record: &assay_node::journal::Record| matches!(&record.stage, Stage::Finished(Outcome::Skipped(refusal)) if refusal.code == "N0201");

    // The node could read this with its own key, and a stranger must not be able to make it.
    let inputs = ArtifactUri::parse(&good.inputs).unwrap().id();
    let by_key = format!("s3://{}/client/v1/artifacts/{inputs}", S3Server::BUCKET);
    let posted = story.client.post(&work, &ArtifactUris { inputs: by_key, ..good.clone() }, &terms).await.unwrap();
    let record = node.until(&posted.address, skipped).await;
    assert!(format!("{record:?}").contains("S0204"), "{record:?}");
    assert_eq!(story.end(&posted.address).await.state, JobState::Expired);
    story.close_one(&posted.address).await;

    // Cut short in the bucket after it was put there.
    let object = scene.server.object(&format!("client/v1/artifacts/{inputs}"));
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(&object, &whole[..whole.len() - 1]).unwrap();
    let posted = story.client.post(&work, &good, &terms).await.unwrap();
    node.until(&posted.address, skipped).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Expired);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.jobs_missed), (Story::STAKE, 0, 0), "no bond was at risk");
    story.close(&posted.address, &[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_puts_a_job_into_a_bucket_and_looks_after_it_by_command() {
    let Some(scene) = Scene::new().await else { return };
    let story = Story::begin().await;
    let mut node = scene.node(&story);
    node.start(None).await;
    let environment = S3Server::environment(scene.gateway.address());
    let remote = ["--remote", "s3://artifacts/client"];
    let public = scene.of_client.url();
    let run = async |arguments: &[&str]| story.client_command_with(&environment, arguments).await;

    run(&["model", "export-digits", "digits"]).await;
    let mint = story.payment_mint().to_string();
    let files =
        ["--graph", "digits/digits.graph", "--params", "digits/digits.params", "--inputs", "digits/digits.inputs"];
    let offer = ["--price-min", "1000000", "--price-max", "1000000", "--claim-slots", "1000", "--mint", &mint];
    let place = ["--symbols", "16", "--store-url", &public, "--allow-private", "--wait"];
    let posted = run(&[&["job", "post"][..], &files, &offer, &place, &remote].concat()).await;
    assert_eq!(posted["state"], "settled", "{posted}");
    let artifacts = run(&[&["store", "list"][..], &remote].concat()).await;
    assert_eq!(artifacts.as_array().map(Vec::len), Some(3), "graph, params, inputs: {artifacts}");

    std::fs::write(story.folder().join("notes.txt"), "of no job").unwrap();
    let put = [&["store", "put", "notes.txt", "--public-url", &public, "--allow-private"][..], &remote].concat();
    let notes = run(&put).await[0]["id"].as_str().unwrap().to_owned();
    let checked = run(&[&["store", "check"][..], &remote].concat()).await;
    assert_eq!((checked["checked"].as_u64(), checked["wrong"].as_array().map(Vec::len)), (Some(4), Some(0)));
    let young = run(&[&["store", "gc"][..], &remote].concat()).await;
    assert_eq!(young["removed"], serde_json::json!([]), "all are young");
    let over = run(&[&["store", "gc", "--older-than", "0", "--dry-run"][..], &remote].concat()).await;
    let gone = run(&[&["store", "gc", "--older-than", "0"][..], &remote].concat()).await;
    assert_eq!(over["removed"][0]["id"], notes.as_str(), "{over}");
    assert_eq!((gone["removed"].as_array().map(Vec::len), gone["kept"].as_u64()), (Some(1), Some(3)), "the job's stay");

    let graph = artifacts[0]["id"].as_str().unwrap();
    let got = run(&[&["store", "get", graph, "--out", "got", "--folder", "empty"][..], &remote].concat()).await;
    assert_eq!(got["bytes"], artifacts[0]["bytes"]);
    assert_eq!(ArtifactId::of(&std::fs::read(story.folder().join("got")).unwrap()).to_string(), graph);
    let address = posted["job"].as_str().unwrap().parse().unwrap();
    story.close(&address, &[node.address]).await;
}
