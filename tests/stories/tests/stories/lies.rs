//! Every kind of lie is caught by a validator that nobody watches.

use crate::trial::{BOND, Trial};
use assay::state::Fault;
use assay::state_machine::JobState;
use assay_client::Terms;
use story_tests::{NodeProcess, Pace, Story, ValidatorProcess, everything_work};

/// The graphs of these stories.
const LIES: u32 = 1;
const HONEST: u32 = 2;
const LIES_WITHHELD: u32 = 13;
const TWO_ROOTS: u32 = 14;

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_lie_in_a_result_ends_convicted_unattended() {
    let home = Story::begin().await;
    let mut validator = ValidatorProcess::new(&home, "validator", home.placement(), "audit", &everything_work(LIES, 0));
    validator.start(None).await;
    let before = home.stake_tokens_of(&validator.key).await;
    let element = [Fault::WrongElement];
    let either = [Fault::WrongElement, Fault::BoundaryMismatch];
    let kinds: [(&'static str, &[Fault]); 9] = [
        ("element:element=5,bit=1", &element),
        ("weight", &element),
        ("rounding", &element),
        ("table", &element),
        ("swap", &element),
        ("padding", &element),
        ("tie", &element),
        ("boundary", &either),
        ("interior", &either),
    ];
    let mut trials = Vec::new();
    for (seed, (fault, proved)) in kinds.into_iter().enumerate() {
        trials.push((Trial::begin(Pace::Calm, &everything_work(LIES, seed as u64), fault).await, proved));
    }
    let count = trials.len() as u64;
    for (trial, proved) in trials {
        trial.ends_convicted(&validator, proved).await;
    }
    // Half of each bond, and its own bonds back.
    let after = home.stake_tokens_of(&validator.key).await;
    assert_eq!(after - before, count * BOND / 2, "bounties, to the last unit");
    home.leaves_nothing(&[validator.key]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_whose_trace_is_withheld_ends_convicted_unattended() {
    let home = Story::begin_at(Pace::Hasty).await;
    let work = everything_work(LIES_WITHHELD, 0);
    let mut validator = ValidatorProcess::new(&home, "validator", home.placement(), "audit", &work);
    validator.start(None).await;
    // The tensor that is wrong is the one whose bytes nobody gets to see.
    let wrong = work.resolved.segment_slots(0)[0];
    let leaf = format!("element:tensor={wrong},element=5,bit=1+withhold-leaf:tensor={wrong}");
    let mut trials = Vec::new();
    for (seed, fault) in ["weight+withhold-segment", &leaf].into_iter().enumerate() {
        trials.push(Trial::begin(Pace::Hasty, &everything_work(LIES_WITHHELD, seed as u64), fault).await);
    }
    for trial in trials {
        trial.ends_convicted(&validator, &[Fault::Withheld]).await;
    }
    home.leaves_nothing(&[validator.key]).await;
}

/// The result is right and so is the first trace that is served: the lie is that the node signs another root as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_signs_two_roots_of_a_segment_ends_convicted_unattended() {
    let home = Story::begin().await;
    let work = everything_work(TWO_ROOTS, 0);
    let mut validator = ValidatorProcess::new(&home, "validator", home.placement(), "audit", &work);
    validator.start(None).await;
    // The validator asks once more halfway through the window.
    let trial = Trial::with_window(Pace::Calm, &work, "second-root:segment=1", 250).await;
    let agreed = |record: &serde_json::Value| {
        record["audit"]["audit"] == "agreed" && record["roots"].as_array().is_some_and(|roots| roots.len() == 2)
    };
    let record = validator.until(&trial.job, |record| agreed(record) || !record["dispute"].is_null()).await;
    assert!(agreed(&record), "what is served first is right: {record}");
    let job = trial.job;
    trial.ends_convicted(&validator, &[Fault::Equivocation]).await;
    let record = validator.is_through_with(&job).await;
    assert_eq!(record["audit"]["target"]["segment"], 1, "{record}");
    assert_eq!(record["roots"].as_array().map(Vec::len), Some(3), "{record}");
    home.leaves_nothing(&[validator.key]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_node_is_left_alone_and_paid() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let mut validator =
        ValidatorProcess::new(&story, "validator", story.placement(), "audit", &everything_work(HONEST, 0));
    node.start(None).await;
    validator.start(None).await;
    let before = story.stake_tokens_of(&validator.key).await;
    let terms = Terms { window_slots: Some(150), ..story.terms() };
    let posted = story.post(&everything_work(HONEST, 99), &terms).await;
    let record = validator.until(&posted.address, |record| record["audit"]["audit"] == "agreed").await;
    assert!(record["dispute"].is_null(), "{record}");
    assert_eq!(story.end(&posted.address).await.state, JobState::Settled);
    story.close(&posted.address, &[node.address]).await;
    assert_eq!(story.stake_tokens_of(&validator.key).await, before);
    story.leaves_nothing(&[posted.address, validator.key]).await;
}
