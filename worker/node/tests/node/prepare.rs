//! What is wrong with a job's artifacts is found, named by its code, and never claimed.

use crate::rig::{Rig, STAKE, Source, config, world};
use crate::world::TestMarket;
use assay::state::Job;
use assay_models::artifact::encode_bundle;
use assay_node::config::{Limits, NodeConfig};
use assay_node::journal::{Outcome, Stage};
use assay_node::refusal::Refusal;
use assay_store::ArtifactId;
use solana_sdk::pubkey::Pubkey;
use std::sync::atomic::Ordering;

/// Drives the job as far as it goes and returns why it was left; nothing was promised on the way.
async fn refusal(job: Job, config: NodeConfig) -> Refusal {
    let folder = tempfile::tempdir().unwrap();
    let address = Pubkey::new_unique();
    let market = TestMarket::new(world(&address, &job));
    let rig = Rig::new(folder.path(), &market, config);
    let record = rig.drive(&address).await.expect("a record says why");
    market.with(|world| {
        assert_eq!((world.node().locked, world.node().stake), (0, STAKE));
        assert_eq!((world.signed.len(), world.sent.len()), (0, 0), "nothing is signed");
        assert_eq!(world.job(&address).unwrap(), job);
    });
    assert_eq!((rig.free_places(), rig.runs.load(Ordering::SeqCst)), (1, 0));
    match record.stage {
        Stage::Finished(Outcome::Skipped(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn assert_code(refusal: &Refusal, code: &str, says: &str) {
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.to_string().contains(says), "{refusal} does not say {says}");
}

/// A server that answers every artifact with the same bytes.
async fn liar(body: Vec<u8>, declared: usize) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {declared}\r\nConnection: close\r\n\r\n");
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.write_all(&body).await;
            let _ = socket.shutdown().await;
        }
    });
    base
}

fn elsewhere(uri: &str, base: &str) -> String {
    format!("{base}/v1/{}", uri.split_once("/v1/").unwrap().1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_bytes_than_the_address_names_are_refused() {
    let source = Source::start().await;
    let mut job = source.job().await;
    let other = b"these are other bytes".to_vec();
    job.inputs_uri = elsewhere(&job.inputs_uri, &liar(other.clone(), other.len()).await);
    assert_code(&refusal(job, config()).await, "N0201", "S0102");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_artifact_that_always_breaks_off_is_never_claimed() {
    let source = Source::start().await;
    let mut job = source.job().await;
    (job.claim_slots, job.ramp_hold_slots) = (1_000, 1_000);
    let whole = encode_bundle(&source.params);
    job.params_uri = elsewhere(&job.params_uri, &liar(whole[..whole.len() / 2].to_vec(), whole.len()).await);
    assert_code(&refusal(job, config()).await, "N0201", "params");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_or_not_an_address_is_refused() {
    let source = Source::start().await;
    let mut missing = source.job().await;
    missing.graph_uri = format!("{}/v1/artifacts/{}", source.base, ArtifactId::of(b"nothing"));
    assert_code(&refusal(missing, config()).await, "N0201", "S0302");
    let mut nonsense = source.job().await;
    nonsense.graph_uri = "http://127.0.0.1/graph".into();
    assert_code(&refusal(nonsense, config()).await, "N0201", "S0201");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_large_an_artifact_is_refused() {
    let source = Source::start().await;
    let mut job = source.job().await;
    let limits = Limits { max_artifact_bytes: 1 << 10, ..Limits::default() };
    // Its graph alone is larger than a kilobyte or its params are: either is said.
    assert_code(&refusal(job.clone(), NodeConfig { limits, ..config() }).await, "N0201", "1024");
    job.inputs_uri = source.put(vec![7; 5_000]).await;
    assert_code(&refusal(job, config()).await, "N0201", "S0103");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphs_that_are_not_graphs_and_bundles_of_others_are_refused() {
    let source = Source::start().await;
    let graph = source.graph.encode();
    for bytes in [b"no graph".to_vec(), graph[..graph.len() - 1].to_vec(), Vec::new()] {
        let mut job = source.job().await;
        job.graph_uri = source.put(bytes).await;
        assert_code(&refusal(job, config()).await, "N0202", "assay model check");
    }
    let mut symbols = source.job().await;
    symbols.symbols = [65, 0, 0, 0];
    assert_code(&refusal(symbols, config()).await, "N0202", "65");
    let mut excess = source.job().await;
    excess.symbols[1] = 1;
    assert_code(&refusal(excess, config()).await, "N0202", "symbols");
    let mut bundle = source.job().await;
    bundle.inputs_uri = source.put(b"ASTB but short".to_vec()).await;
    assert_code(&refusal(bundle, config()).await, "N0202", "inputs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_roots_than_those_pinned_are_refused() {
    let source = Source::start().await;
    type Change = fn(&mut Job);
    let cases: [(&str, Change); 3] = [
        ("graph", |job| job.graph_root[0] ^= 1),
        ("params", |job| job.params_root[0] ^= 1),
        ("inputs", |job| job.inputs_root[0] ^= 1),
    ];
    for (what, change) in cases {
        let mut job = source.job().await;
        change(&mut job);
        assert_code(&refusal(job, config()).await, "N0203", what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_the_output_descriptor_counts() {
    let source = Source::start().await;
    type Change = fn(&mut Job);
    let cases: [Change; 5] = [
        |job| job.output.uid[0] ^= 1,
        |job| job.output.leaves += 1,
        |job| job.output.depth += 1,
        |job| job.output.boundary_position ^= 1,
        |job| job.output.boundary_count += 1,
    ];
    for change in cases {
        let mut job = source.job().await;
        change(&mut job);
        assert_code(&refusal(job, config()).await, "N0204", "descriptor");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_version_are_refused_before_weights_are_fetched() {
    let source = Source::start().await;
    let mut job = source.job().await;
    // Nobody listens there: fetching the params first would not end in N0205.
    job.params_uri = elsewhere(&job.params_uri, "http://127.0.0.1:1");
    let limits = Limits { max_memory_bytes: 512, ..Limits::default() };
    assert_code(&refusal(job, NodeConfig { limits, ..config() }).await, "N0205", "512");
    let mut job = source.job().await;
    job.ir_version += 1;
    job.graph_uri = elsewhere(&job.graph_uri, "http://127.0.0.1:1");
    assert_code(&refusal(job, config()).await, "N0209", "version");
}
