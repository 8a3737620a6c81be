//! The index tells every step of every job once, whether it watched or not.

use crate::trial::Trial;
use assay::state::{Fault, Job};
use assay::state_machine::JobState;
use assay_index::shape::{Change, Health, JobHistory, Kind, Record, ReputationReason, Stats};
use std::collections::BTreeMap;
use story_tests::{IndexProcess, NodeProcess, Pace, Story, ValidatorProcess, everything_work};

/// The graph of this story's lie.
const GRAPH: u32 = 40;

/// The name of a change, as it is served.
fn name(record: &Record) -> String {
    let value = serde_json::to_value(record).expect("JSON");
    value["change"].as_str().expect("a name").to_owned()
}

fn closed(history: &JobHistory) -> bool {
    history.job.closed_slot != 0
}

/// Posted, claimed and committed when the job itself says; then its end.
fn is_whole(history: &JobHistory, job: &Job, state: &str) {
    let own: Vec<_> = history.timeline.iter().filter(|record| record.kind == Kind::Job).collect();
    let at = |wanted: &str| {
        let found: Vec<_> = own.iter().filter(|record| name(record) == wanted).collect();
        assert_eq!(found.len(), 1, "{wanted} once: {own:?}");
        (found[0].slot, found[0].exact)
    };
    assert_eq!(at("job_posted"), (job.posted_slot, true));
    assert_eq!(at("job_claimed"), (job.claimed_slot, true));
    assert_eq!(at("job_committed"), (job.committed_slot, true));
    assert!(at("job_ended").0 >= job.committed_slot);
    assert_eq!((history.job.state.as_str(), history.job.price.0), (state, job.price));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_killed_tells_everything_once() {
    let story = Story::begin().await;
    let mut index = IndexProcess::new(&story, story.placement());
    index.start().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;

    // It watches this job from its posting to its closing.
    let first = story.post(&story.work(1), &story.terms()).await.address;
    let settled = story.end(&first).await;
    assert_eq!(settled.state, JobState::Settled);
    index.until(&first, |history| history.job.ended_slot != 0).await;
    let lie = Trial::begin(Pace::Calm, &everything_work(GRAPH, 1), "weight").await;
    let committed = story.committed(&lie.job).await;
    index.until(&lie.job, |history| history.job.committed_slot != 0).await;
    index.kill();

    // Of this one it sees only the end, and of the lie only the conviction.
    let second = story.post(&story.work(2), &story.terms()).await.address;
    let unseen = story.end(&second).await;
    let mut validator =
        ValidatorProcess::new(&story, "validator", story.placement(), "audit", &everything_work(GRAPH, 0));
    validator.start(None).await;
    let convicted = story.end(&lie.job).await;
    assert_eq!(convicted.state, JobState::Convicted);
    index.start().await;

    let history = index.until(&second, |history| history.job.ended_slot != 0).await;
    is_whole(&history, &unseen, "settled");
    let history = index.until(&lie.job, |history| history.job.ended_slot != 0).await;
    is_whole(&history, &convicted, "convicted");
    assert_eq!(history.job.fault, "wrong_element");
    assert_eq!(history.job.ended_slot, convicted.record.convicted_slot);
    let job = lie.job;
    lie.ends_convicted(&validator, &[Fault::WrongElement]).await;
    story.close_one(&first).await;
    story.close_one(&second).await;
    for (job, account, state) in
        [(first, &settled, "settled"), (second, &unseen, "settled"), (job, &convicted, "convicted")]
    {
        let history = index.until(&job, closed).await;
        is_whole(&history, account, state);
        let last = history.timeline.last().expect("a record");
        assert_eq!(last.change, Change::Closed { last_state: state.into(), unseen_end: false }, "{history:?}");
    }

    // The liar's node tells what it lost and why.
    let liar = index.node(&committed.node).await.expect("the liar");
    let slashed: Vec<_> = liar
        .timeline
        .iter()
        .filter_map(|record| match &record.change {
            Change::NodeConvicted { convictions: 1, slashed } => Some(slashed.0),
            _ => None,
        })
        .collect();
    assert_eq!(slashed, [Story::STAKE - liar.node.stake.0], "everything that is gone was slashed");
    let paid = index.node(&node.address).await.expect("the honest node");
    let reasons = paid.timeline.iter().filter_map(|record| match &record.change {
        Change::NodeReputation { reasons, .. } => Some(reasons),
        _ => None,
    });
    assert!(reasons.flatten().any(|reason| *reason == ReputationReason::Settled), "{paid:?}");

    // Nothing is told twice, and no number is left out.
    let health: Health = index.get("/health").await.expect("it follows");
    let records = index.events(health.last_id).await;
    assert!(records.iter().map(|record| record.id).eq(1..=records.len() as u64), "ids count up by one");
    let mut told = BTreeMap::new();
    for record in &records {
        if matches!(name(record).as_str(), "job_posted" | "job_claimed" | "job_committed" | "job_ended" | "closed") {
            *told.entry((record.account.clone(), name(record))).or_insert(0) += 1;
        }
    }
    assert!(told.values().all(|count| *count == 1), "{told:?}");
    let stats: Stats = index.get("/v1/stats?hours=720").await.expect("totals");
    let sum =
        |of: fn(&assay_index::shape::HourTotals) -> u64| stats.hours.iter().map(|hour| of(&hour.totals)).sum::<u64>();
    assert!(sum(|totals| totals.convicted) >= 1 && sum(|totals| totals.slashes) >= 1);
    let mint = story.payment_mint().to_string();
    let volume: u64 = stats.hours.iter().filter_map(|hour| hour.totals.volume.get(&mint)).map(|amount| amount.0).sum();
    assert_eq!(volume, 2_000_000, "both jobs of this story's mint");
}
