//! What must be in no log, no status and no answer: the keys of RPC providers, which stand in their addresses, and the operator's.

use assay::state_machine::JobState;
use assay_chain::read_keypair;
use assay_client::Terms;
use serde_json::Value;
use std::path::Path;
use story_tests::{FaultyRpc, NodeProcess, Placement, RpcFault, Story, ValidatorProcess};

/// In the path and in the query of addresses, as providers have it.
const IN_PATH: &str = "pathtoken7f3a9c";
const IN_QUERY: &str = "querytoken51e8d2";
/// In an address that comes into the settings while the node runs.
const IN_SETTINGS: &str = "settingstoken0b6e44";
const TOKENS: [&str; 3] = [IN_PATH, IN_QUERY, IN_SETTINGS];

fn with_tokens(address: &str) -> String {
    format!("{}/{IN_PATH}?api-key={IN_QUERY}", address.trim_end_matches('/'))
}

/// The secret half of a key in every form in which keys are written down, and pieces of its list.
fn forms_of(key: &Path) -> Vec<String> {
    let keypair = read_keypair(key).expect("the operator's key");
    let bytes = keypair.to_bytes();
    let secret = &bytes[..32];
    let numbers: Vec<String> = secret.iter().map(u8::to_string).collect();
    let pieces = numbers.windows(6).flat_map(|few| [few.join(","), few.join(", ")]);
    let whole = [keypair.to_base58_string(), bs58::encode(secret).into_string(), hex::encode(secret)];
    whole.into_iter().chain(pieces).collect()
}

fn has_none(what: &str, text: &str, secrets: &[String]) {
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{what} has {secret} in it: {}", line.unwrap_or_default());
    }
}

/// A log at its most talkative: no line has the operator's key in it, and none of our crates' an endpoint's. What other crates
/// say at such a filter is theirs.
fn is_discreet(log: &str, tokens: &[String], keys: &[String]) {
    has_none("the log", log, keys);
    let mut ours = 0;
    for line in log.lines() {
        let value: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        let target = value["target"].as_str().unwrap_or("assay");
        if target.starts_with("assay") {
            has_none("the log", line, tokens);
            ours += 1;
        }
    }
    assert!(ours > 20 && log.contains("\"TRACE\""), "the log says too little to show anything: {ours} lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_of_an_endpoint_or_of_the_operator_is_told() {
    let story = Story::begin().await;
    let straight = story.placement();
    // It answers at every path.
    let endpoint = FaultyRpc::to(&straight.rpc_url, RpcFault::Fails { per_mille: 0 }).await;
    let further = format!("{} {}", with_tokens(&endpoint.url()), with_tokens(&straight.ws_url));
    let mut address = String::new();
    let node = NodeProcess::register(&story, "node", straight.clone(), |config| {
        config.disputes.further_endpoints = vec![further.clone()];
        address = config.status_listen.to_string();
    });
    let environment = [("ASSAY_LOG", "trace".to_owned()), ("ASSAY_LOG_FORMAT", "json".to_owned())];
    let mut node = node.with_environment(environment);
    let secret = Placement { rpc_url: with_tokens(&endpoint.url()), ws_url: with_tokens(&straight.ws_url) };
    node.sees_through(secret.clone());
    let keys = forms_of(&node.data().join("operator.json"));
    let tokens: Vec<String> = TOKENS.iter().map(|token| (*token).to_owned()).collect();
    let all = [tokens.clone(), keys.clone()].concat();
    let is_silent = |arguments: &[&str], statuses: &[i32]| {
        let (status, value, said) = node.ask(arguments);
        assert!(status.is_some_and(|status| statuses.contains(&status)), "{arguments:?}: {status:?} {said}");
        has_none(&arguments.join(" "), &format!("{value}\n{said}"), &all);
        value
    };
    is_silent(&["node", "doctor", "--quick"], &[0, 10]);
    node.start(None).await;

    let work = story.work(1);
    let mut validator = ValidatorProcess::new(&story, "validator", secret, "audit", &work);
    validator.start(None).await;
    let terms = Terms { claim_slots: 2_000, run_slots: 2_000, ..story.terms() };
    let posted = story.post(&work, &terms).await;
    let ended = story.end(&posted.address).await;
    assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
    node.until(&posted.address, |record| record.is_finished()).await;
    validator.until(&posted.address, |record| !record["audit"].is_null()).await;

    // Other endpoints, while it runs; then two files that cannot be used, with the key on the line that is wrong.
    let is_silent = |arguments: &[&str], statuses: &[i32]| {
        let (status, value, said) = node.ask(arguments);
        assert!(status.is_some_and(|status| statuses.contains(&status)), "{arguments:?}: {status:?} {said}");
        has_none(&arguments.join(" "), &format!("{value}\n{said}"), &all);
        value
    };
    let path = node.data().join("node.toml");
    let first = std::fs::read_to_string(&path).expect("the settings");
    let line = |text: &str| first.replace(&format!("further_endpoints = [\"{further}\"]"), text);
    let other = format!("https://other.invalid/{IN_SETTINGS}?api-key={IN_SETTINGS}");
    let takes_up = async |text: String, code: &str| {
        assert_ne!(text, first, "the settings have that line");
        std::fs::write(&path, text).expect("a file");
        story
            .until(code, async || {
                let Some(settings) = node.status().await.map(|status| status.settings) else { return false };
                let waits = settings.needs_restart.iter().any(|change| change.key == "disputes.further_endpoints");
                settings.error.map_or(code == "N0006" && waits, |error| error.contains(code))
            })
            .await;
        let status = reqwest::get(format!("http://{address}/v1/status")).await.unwrap().text().await.unwrap();
        has_none("/v1/status", &status, &all);
    };
    takes_up(line(&format!("further_endpoints = [\"{other}\"]")), "N0006").await;
    is_silent(&["node", "config", "show"], &[0]);
    takes_up(line(&format!("further_endpoints = \"{other}\"")), "N0003").await;
    takes_up(line(&format!("further_endpoints = [\"{other}\" x")), "N0002").await;
    is_silent(&["node", "config", "show"], &[1]);
    is_silent(&["node", "config", "validate", "--offline"], &[1]);
    std::fs::write(&path, &first).expect("a file");

    is_silent(&["node", "doctor", "--quick"], &[0, 10]);
    assert_eq!(is_silent(&["node", "status"], &[0])["running"], true);
    is_silent(&["node", "top", "--once"], &[0]);
    is_silent(&["node", "config", "validate"], &[0]);
    for page in ["metrics", "readyz", "healthz"] {
        let text = reqwest::get(format!("http://{address}/{page}")).await.unwrap().text().await.unwrap();
        has_none(page, &text, &all);
    }
    let (status, told, said) = validator.ask(&["validator", "status"]);
    assert_eq!(status, Some(0), "{said}");
    has_none("validator status", &format!("{told}\n{said}"), &tokens);
    has_none("the validator's log", &validator.whole_log(), &[tokens.clone(), forms_of(&validator.keypair)].concat());
    is_discreet(&node.whole_log(), &tokens, &keys);
}
