//! Services that see the chain through several endpoints, of which the first is dead, dies or lags: they go on, and every promise is made
//! once.

use assay::state_machine::JobState;
use assay_chain::{EndpointCondition, FeeRule, FeeSettings};
use assay_client::Terms;
use assay_node::config::NodeConfig;
use assay_validator::config::ValidatorConfig;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use story_tests::{FaultyRpc, NodeProcess, Placement, RpcFault, Story, ValidatorProcess, everything_work};

/// The graphs of these stories.
const CUT_OFF: u32 = 51;
const BOND: u64 = 10_000_000;
/// Nothing listens at port 9.
const DEAD: &str = "http://127.0.0.1:9";
const DEAD_WS: &str = "ws://127.0.0.1:9";

/// The endpoint that works, as it stands in the settings.
fn listed(placement: &Placement) -> String {
    format!("{} {}", placement.rpc_url, placement.ws_url)
}

fn with_further(story: &Story, config: &mut NodeConfig) {
    config.disputes.further_endpoints = vec![listed(&story.placement())];
    config.endpoints.check_seconds = 1;
}

/// A job that this node does, to its end.
async fn does_a_job(story: &Story, node: &NodeProcess, seed: u64) {
    let terms = Terms { claim_slots: 2_000, run_slots: 2_000, ..story.terms() };
    let work = story.work(seed);
    let posted = story.post(&work, &terms).await;
    let ended = story.end(&posted.address).await;
    assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
    story.client.result(&posted.address, &work, &ended).await.expect("the result is served");
    node.until(&posted.address, |record| record.is_finished()).await;
    story.close_one(&posted.address).await;
}

/// What `assay node status` says of the endpoints.
fn told(node: &NodeProcess) -> Value {
    let (status, value, said) = node.ask(&["node", "status"]);
    assert_eq!(status, Some(0), "{said}");
    value["endpoints"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_first_endpoint_is_dead_starts_and_works_over_the_next() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| with_further(&story, config));
    node.sees_through(Placement { rpc_url: DEAD.to_owned(), ws_url: DEAD_WS.to_owned() });
    node.start(None).await;
    does_a_job(&story, &node, 1).await;
    // On a busy machine the second one may be late to answer at any one look.
    let told_apart = || {
        let endpoints = told(&node);
        let has = |number: usize, condition: &str, in_use: bool| {
            endpoints[number]["condition"] == condition && endpoints[number]["in_use"] == in_use
        };
        has(0, "silent", false) && has(1, "well", true)
    };
    story.until("the first one is silent, the second one is well", async || told_apart()).await;
    story.balanced(&[node.address]).await;
}

/// The endpoint takes the second transaction, passes it on, and is never heard of again: the node goes on over the next one with the
/// very same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_dies_with_a_promise_in_its_hands_costs_nothing() {
    let story = Story::begin().await;
    let straight = story.placement();
    let endpoint = FaultyRpc::to(&straight.rpc_url, RpcFault::DiesWith { sends: 2 }).await;
    let mut address = SocketAddr::from(([0, 0, 0, 0], 0));
    let mut node = NodeProcess::register(&story, "node", straight, |config| {
        with_further(&story, config);
        config.fees =
            FeeSettings { priority: FeeRule::Fixed, micro_lamports_per_unit: 1_000_000, most_lamports: 1_000 };
        address = config.status_listen;
    });
    node.sees_through(Placement { rpc_url: endpoint.url(), ws_url: DEAD_WS.to_owned() });
    node.start(None).await;
    does_a_job(&story, &node, 2).await;
    does_a_job(&story, &node, 3).await;
    assert!(endpoint.faults() > 0, "the endpoint is well");
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.jobs_settled, account.jobs_missed, account.locked), (2, 0, 0));
    assert_eq!(story.paid_to(&node.address).await, 2 * 980_000, "each is paid, and once: {}", node.log());
    story.until("the next one is in use", async || told(&node)[1]["in_use"] == true).await;
    let metrics = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
    let value = |name: &str| -> u64 {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap()
    };
    assert!(value("assay_node_rpc_failovers_total") >= 1);
    assert_eq!(value("assay_node_rpc_endpoint_in_use{endpoint=\"1\"}"), 1);
    let (base, priority) = ("{part=\"base\"}", "{part=\"priority\"}");
    let paid = |part: &str| value(&format!("assay_node_fees_paid_lamports_total{part}"));
    // Every transaction of the node has one signature, and pays the cap.
    assert!(paid(priority) > 0 && paid(priority) <= paid(base) / 5_000 * 1_000, "{metrics}");
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_first_endpoint_is_dead_reads_and_sends_over_the_next() {
    let story = Story::begin().await;
    let key = story.new_payer("payer", 0).await;
    let command = |arguments: &[&str]| {
        let output = std::process::Command::new(story_tests::assay())
            .args(arguments)
            .args(["--url", DEAD, "--ws", DEAD_WS, "--output", "json", "--keypair"])
            .arg(&key)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, _, said) = command(&["network", "show"]);
    assert!(status == Some(1) && said.contains("C0110"), "{said}");
    let next = listed(&story.placement());
    let (status, shown, said) = command(&["network", "show", "--further-url", &next]);
    assert!(status == Some(0) && shown.contains("minimum_stake"), "{shown} {said}");
    let nonce = story.folder().join("nonce.json");
    let authority = story.client.address().to_string();
    let create = ["transaction", "create-nonce", nonce.to_str().unwrap(), "--authority", &authority];
    let (status, created, said) = command(&[&create[..], &["--further-url", &next]].concat());
    assert_eq!(status, Some(0), "{created} {said}");
    let address = assay_chain::read_keypair(&nonce).unwrap();
    let account = story.chain().account(&solana_sdk::signer::Signer::pubkey(&address)).await.unwrap();
    assert!(account.is_some(), "it was sent over the next endpoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_lags_is_left_for_a_fresher_one() {
    let story = Story::begin().await;
    let straight = story.placement();
    let endpoint = FaultyRpc::to(&straight.rpc_url, RpcFault::Lags { by: Duration::from_secs(8) }).await;
    let mut node = NodeProcess::register(&story, "node", straight.clone(), |config| {
        with_further(&story, config);
        config.endpoints.most_lag_slots = 20;
    });
    node.sees_through(Placement { rpc_url: endpoint.url(), ws_url: straight.ws_url });
    node.start(None).await;
    let is_left = async || {
        let Some(status) = node.status().await else { return false };
        status.endpoints[0].condition == EndpointCondition::Behind && status.endpoints[1].in_use
    };
    story.until("the endpoint that lags is left", is_left).await;
    does_a_job(&story, &node, 4).await;
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_whose_endpoint_dies_in_its_dispute_wins_over_the_next() {
    let story = Story::begin().await;
    let straight = story.placement();
    let mut node = NodeProcess::register(&story, "liar", straight.clone(), |_| {}).lies("weight");
    node.start(None).await;
    let work = everything_work(CUT_OFF, 0);
    let endpoint = FaultyRpc::to(&straight.rpc_url, RpcFault::DiesWith { sends: 1 }).await;
    let placement = Placement { rpc_url: endpoint.url(), ws_url: DEAD_WS.to_owned() };
    let mut validator = ValidatorProcess::new(&story, "validator", placement, "audit", &work);
    let path = validator.data().join("validator.toml");
    let mut config = ValidatorConfig::from_file(&path).expect("its settings");
    config.further_endpoints = vec![listed(&straight)];
    config.endpoints.check_seconds = 1;
    std::fs::write(&path, config.to_toml().expect("settings are TOML")).expect("settings can be written");
    validator.start(None).await;
    let before = story.stake_tokens_of(&validator.key).await;
    let terms = Terms { bond: Some(BOND), window_slots: Some(1_000), ..story.terms() };
    let posted = story.post(&work, &terms).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Convicted, "{}", validator.log());
    let record = validator.is_through_with(&posted.address).await;
    assert_eq!(record["ending"]["ending"], "won", "{record}");
    assert!(endpoint.faults() > 0, "the endpoint is well");
    assert_eq!(validator.told()["endpoints"][1]["in_use"], true);
    story.close_one(&posted.address).await;
    assert_eq!(story.stake_tokens_of(&validator.key).await - before, BOND / 2, "one bond, one bounty");
    story.leaves_nothing(&[posted.address, validator.key]).await;
}
