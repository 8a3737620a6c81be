//! Who may claim, over RPC: nodes are drawn, seal seeds, account for what they missed, and everything is explained by code.

use assay::fairness::endings::Reason;
use assay::fairness::sortition::{Opening, SeedRecord, Ticket};
use assay::state::Job;
use assay::state_machine::JobState;
use assay::units::Slot;
use serde_json::Value;
use story_tests::{NodeProcess, Pace, Story};

async fn codes(story: &Story, node: &NodeProcess, job: &str) -> Vec<String> {
    let node = node.address.to_string();
    let value = story.client_command(&["node", "explain", &node, "--job", job]).await;
    let findings = value["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect()
}

/// Whether the claim came when the draw allowed it: all might claim, or the node's ticket was drawn in that slot.
fn was_drawn(address: &solana_sdk::pubkey::Pubkey, job: &Job, weight: u64) -> bool {
    match (job.sortition.opening(Slot(job.claimed_slot)), &job.seed) {
        (Opening::Closed, _) => false,
        (Opening::All, _) | (Opening::Expected(_), SeedRecord::Forgotten) => true,
        (Opening::Expected(_), SeedRecord::Open) => false,
        (Opening::Expected(expected), SeedRecord::Sealed(seed)) => {
            Ticket::new(seed, address, &job.node).is_drawn(weight, job.sortition.total_weight, expected)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_drawn_and_pay_for_no_claim_that_loses() {
    // Two nodes of one weight: one of them is drawn in the second step at the latest.
    let story = Story::begin_at(Pace::Drawn).await;
    let mut nodes = Vec::new();
    for name in ["first", "second"] {
        let mut node = NodeProcess::register(&story, name, story.placement(), |_| {});
        node.start(None).await;
        nodes.push(node);
    }
    // Weights count at the end of an epoch.
    let epoch_slots = u64::from(story.chain().network().await.unwrap().parameters.scheduling.epoch_slots);
    let counted_from = (story.chain().slot().await.unwrap() / epoch_slots + 1) * epoch_slots;
    story.until("the next epoch", async || story.chain().slot().await.unwrap() > counted_from).await;
    let work = story.work(1);
    let mut posted = Vec::new();
    for _ in 0..6 {
        posted.push(story.post(&work, &story.terms()).await);
    }
    let mut sealed = 0;
    for one in &posted {
        let job = story.end(&one.address).await;
        assert_eq!((job.state, job.reason), (JobState::Settled, Reason::Completed));
        assert!(job.sortition.total_weight > 0 && job.claimed_slot > job.sortition.seed_slot, "{:?}", job.sortition);
        // A newcomer weighs half of its stake; the best twice as much.
        assert!(was_drawn(&one.address, &job, Story::STAKE), "{job:?}");
        sealed += usize::from(matches!(job.seed, SeedRecord::Sealed(_)));
        let winner = nodes.iter().find(|node| node.address == job.node).expect("one of the two");
        let told = codes(&story, winner, &one.address.to_string()).await;
        assert_eq!(told, ["Chosen", "Completed", "Paid", "Score"]);
    }
    assert!(sealed > 0, "no node sealed a seed: nobody was drawn before all might claim");
    let scores: Vec<_> = {
        let mut scores = Vec::new();
        for node in &nodes {
            node.until_idle().await;
            scores.push(story.chain().node(&node.address).await.unwrap());
        }
        scores
    };
    assert!(scores.iter().all(|node| (node.jobs_settled > 0) == (node.evidence.good > 0)), "{scores:?}");
    assert_eq!(scores.iter().map(|node| node.jobs_settled).sum::<u64>(), 6);
    let listed = story.client_command(&["node", "list", "--able"]).await;
    let listed: Vec<&str> = listed.as_array().into_iter().flatten().filter_map(|node| node["node"].as_str()).collect();
    assert!(nodes.iter().all(|node| listed.contains(&node.address.to_string().as_str())), "{listed:?}");
    for one in &posted {
        story.close_one(&one.address).await;
    }
}

/// A node that dies with a claim pays the charge, claims nothing until its heartbeat accounts for the miss, and works on.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_missed_accounts_for_it_and_works_on() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(Some("after_claim_landed")).await;
    let mut terms = story.terms();
    terms.run_slots = 15;
    let missed = story.post(&story.work(1), &terms).await;
    node.dies().await;
    let job = story.end(&missed.address).await;
    assert_eq!((job.state, job.reason), (JobState::Missed, Reason::NoShow));
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!(account.standing.unresolved, 1);
    let next = story.post(&story.work(2), &story.terms()).await;
    let told = codes(&story, &node, &next.address.to_string()).await;
    assert!(told.contains(&"P6522".to_owned()), "the breaker: {told:?}");
    node.start(None).await;
    let job = story.end(&next.address).await;
    assert_eq!((job.state, job.node), (JobState::Settled, node.address));
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.standing.unresolved, account.jobs_settled, account.jobs_missed), (0, 1, 1));
    let told = codes(&story, &node, &missed.address.to_string()).await;
    assert_eq!(told, ["Chosen", "NoShow", "Charged", "Score"]);
    for one in [&missed, &next] {
        story.close_one(&one.address).await;
    }
}

/// What a node declares about itself stands on-chain, and a client's filter takes and leaves nodes by it.
#[tokio::test(flavor = "multi_thread")]
async fn clients_choose_nodes_by_what_they_declare() {
    use assay::fairness::filter::JobFilter;
    use assay_client::Terms;
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |config| {
        (config.profile.capabilities, config.profile.region) = (0b101, 7);
    });
    node.start(None).await;
    story
        .until("the profile is on-chain", async || {
            story.chain().node(&node.address).await.unwrap().profile.capabilities == 0b101
        })
        .await;
    let wanted = JobFilter { capabilities: 0b100, regions: 1 << 7, ..JobFilter::default() };
    let unwanted = JobFilter { regions: 1 << 8, ..wanted };
    let left = story.post(&story.work(1), &Terms { filter: Some(unwanted), ..story.terms() }).await;
    let taken = story.post(&story.work(2), &Terms { filter: Some(wanted), ..story.terms() }).await;
    assert_eq!(story.end(&taken.address).await.state, JobState::Settled);
    assert_eq!(story.chain().job(&left.address).await.unwrap().state, JobState::Posted);
    let told = codes(&story, &node, &left.address.to_string()).await;
    assert!(told.contains(&"P6512".to_owned()), "{told:?}");
    let has = |list: &Value| list.to_string().contains(&node.address.to_string());
    assert!(has(&story.client_command(&["node", "list", "--region", "7"]).await));
    assert!(!has(&story.client_command(&["node", "list", "--region", "8"]).await));
    story.client.cancel(&left.address).await.expect("nobody claimed it");
    for one in [&left, &taken] {
        story.close_one(&one.address).await;
    }
}
