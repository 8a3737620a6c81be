//! Stake that somebody lends to a node: its share of a job, and its share of a slash.

use crate::trial::Trial;
use assay::state::Fault;
use assay::state_machine::JobState;
use serde_json::Value;
use solana_sdk::signer::Signer;
use std::path::Path;
use story_tests::{NodeProcess, Pace, Story, ValidatorProcess, everything_work};

/// The graph of these stories.
const LIES: u32 = 33;

fn must(story: &Story, key: &Path, arguments: &[&str]) -> Value {
    let (status, value, said) = story.command(key, arguments);
    assert_eq!(status, Some(0), "assay {}: {said}", arguments.join(" "));
    value
}

fn refused(story: &Story, key: &Path, arguments: &[&str], code: &str) {
    let (status, _, said) = story.command(key, arguments);
    assert!(status != Some(0) && said.contains(code), "assay {}: {said}", arguments.join(" "));
}

/// Others may delegate to the story's node of this name: for a tenth of their share.
fn opens(story: &Story, name: &str) {
    let (owner, data) = (story.folder().join(format!("{name}.owner.json")), story.folder().join(name));
    let (data, mint) = (data.to_string_lossy().into_owned(), story.payment_mint().to_string());
    let opened = ["node", "delegation", "open", "--commission-bps", "1000", "--mint", &mint, "--data", &data];
    let value = must(story, &owner, &opened);
    assert_eq!((&value["open"], &value["commission_bps"]), (&Value::from(true), &Value::from(1_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_delegates_shares_what_a_job_earns() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let delegator = story.new_owner("delegator");
    let (address, stake) = (node.address.to_string(), Story::STAKE.to_string());
    refused(&story, &delegator, &["delegation", "add", &address, &stake], "A0901");
    opens(&story, "node");
    let added = must(&story, &delegator, &["delegation", "add", &address, &stake]);
    assert_eq!((&added["delegated"], &added["value"]), (&Value::from(Story::STAKE), &Value::from(Story::STAKE)));
    refused(&story, &delegator, &["delegation", "add", &address, &(2 * Story::STAKE).to_string()], "A0902");

    node.start(None).await;
    let posted = story.post(&story.work(1), &story.terms()).await;
    let job = story.end(&posted.address).await;
    assert_eq!(job.state, JobState::Settled);
    // Half of what counts, less the commission, of the price less the fee.
    let earned = job.price - job.price * u64::from(job.protocol_fee_bps) / 10_000;
    assert_eq!((job.delegators_bps, job.credits.delegators), (4_500, earned * 45 / 100));
    let claimed = must(&story, &delegator, &["delegation", "claim", &address]);
    let reward = claimed["rewards"][0]["amount"].as_u64().expect("a reward");
    assert!(job.credits.delegators - reward <= 1, "{claimed}");
    let key = assay_chain::read_keypair(&delegator).expect("a keypair").pubkey();
    let held = story.chain().token_balance(&story.payment_mint_account(&key)).await.expect("a balance");
    assert_eq!(held, Some(reward));
    story.close_one(&posted.address).await;
    assert_eq!(story.paid_to(&node.address).await, earned - job.credits.delegators);

    let left = must(&story, &delegator, &["delegation", "undelegate", &address, "--all"]);
    assert_eq!((&left["delegated"], &left["unbonding_value"]), (&Value::from(0), &Value::from(Story::STAKE)));
    refused(&story, &delegator, &["delegation", "withdraw", &address], "A0904");
    let listed = must(&story, &delegator, &["delegation", "list", "--owner", &key.to_string()]);
    assert_eq!((&listed[0]["node"], &listed[0]["value"]), (&Value::from(address), &Value::from(0)));
}

/// Nothing of it goes to the one who proves the lie.
#[tokio::test(flavor = "multi_thread")]
async fn who_delegates_to_a_liar_loses_the_same_share() {
    let home = Story::begin().await;
    let work = everything_work(LIES, 0);
    let mut validator = ValidatorProcess::new(&home, "validator", home.placement(), "audit", &work);
    validator.start(None).await;
    let trial = Trial::prepared(Pace::Calm, &work, "weight", |story, liar| {
        opens(story, "liar");
        let delegator = story.new_owner("delegator");
        must(story, &delegator, &["delegation", "add", &liar.to_string(), "400000000"]);
    });
    let trial = trial.await;
    let (story, address) = (trial.story(), trial.node_address().to_string());
    let delegator = story.folder().join("delegator.owner.json");
    let ended = story.end(&trial.job).await;
    assert_eq!((ended.state, ended.record.fault), (JobState::Convicted, Fault::WrongElement));
    let slashed = u64::from(ended.dispute.slash_bps);
    let shown = must(story, &delegator, &["delegation", "show", &address]);
    assert_eq!((&shown["slash_outstanding"], &shown["slashed_bps"]), (&Value::from(true), &Value::from(slashed)));
    refused(story, &delegator, &["delegation", "add", &address, "1"], "P6244");
    let left = must(story, &delegator, &["delegation", "undelegate", &address, "--all"]);
    let kept = 400_000_000 - 400_000_000 * slashed / 10_000;
    assert_eq!((&left["value"], &left["unbonding_value"]), (&Value::from(0), &Value::from(kept)));
    trial.ends_convicted(&validator, &[Fault::WrongElement]).await;
    home.leaves_nothing(&[validator.key]).await;
}
