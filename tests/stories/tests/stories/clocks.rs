//! Clocks that jump by days while jobs, a session and a dispute go on: whatever has a deadline has it in slots.

use crate::sessions::{PRICE, QUIET_WINDOW_SLOTS, asked, opened};
use assay::state_machine::JobState;
use assay_client::Terms;
use std::collections::HashSet;
use std::time::Duration;
use story_tests::{FakeClock, Faked, NodeProcess, Story, ValidatorProcess, everything_work};

/// The graph of the lie.
const LIE: u32 = 52;
const BOND: u64 = 10_000_000;

/// How far from the right time clocks are set, one after the other.
const JUMPS: [&str; 3] = ["+1d", "-1d", "+400d"];

/// How many days of the calendar a process has logged.
fn days(log: &str) -> usize {
    let is_date = |word: &&str| word.len() == 10 && word.chars().filter(|letter| *letter == '-').count() == 2;
    log.lines().filter_map(|line| line.split('T').next()).filter(is_date).collect::<HashSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_a_session_are_paid_while_the_calendar_jumps_by_days() {
    let story = Story::begin().await;
    let Some(clock) = FakeClock::in_folder(story.folder(), Faked::Calendar) else { return };
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.lives_by(&clock);
    node.start(None).await;
    let first = story.work(0);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &first);
    validator.lives_by(&clock);
    validator.start(None).await;
    let session = opened(&story, &node, &first, QUIET_WINDOW_SLOTS).await;
    let mut jobs = Vec::new();
    for (seed, jump) in (1..).zip(JUMPS) {
        let work = story.work(seed);
        let job = story.post(&work, &story.terms()).await.address;
        clock.set(jump);
        asked(&session, &first.with_inputs(work.inputs.clone()).unwrap(), &node).await;
        story.committed(&job).await;
        jobs.push((job, work));
    }
    for (job, work) in &jobs {
        let ended = story.end(job).await;
        assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
        story.client.result(job, work, &ended).await.expect("the result is served");
        validator.until(job, |record| record["audit"]["audit"] == "agreed").await;
    }
    story.client.end_session(&session.address()).await.expect("it ends");
    let of_jobs = jobs.len() as u64 * 980_000;
    let of_session = jobs.len() as u64 * PRICE * 9_800 / 10_000;
    let paid = async || story.paid_to(&node.address).await == of_jobs + of_session;
    story.until("jobs and session are paid", paid).await;
    assert!(story.client.reclaim_session(&session.address()).await.expect("the rest comes back").closed);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (jobs.len() as u64 + 1, 0));
    let readiness = node.status().await.expect("it answers").readiness;
    assert!(readiness.ready, "{readiness:?}");
    for log in [node.whole_log(), validator.whole_log()] {
        assert!(days(&log) >= 3, "the clock did not jump: {log}");
    }
    for (job, _) in &jobs {
        story.close_one(job).await;
    }
    story.balanced(&[node.address]).await;
}

/// What a machine that was asleep sees: every timer is late at once.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_paid_although_all_timers_jump_by_a_day() {
    let story = Story::begin().await;
    let Some(clock) = FakeClock::in_folder(story.folder(), Faked::Timers) else { return };
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.lives_by(&clock);
    node.start(None).await;
    for (seed, jump) in (1..).zip(["+1d", "+2d"]) {
        let work = story.work(seed);
        let job = story.post(&work, &story.terms()).await.address;
        clock.set(jump);
        let ended = story.end(&job).await;
        assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
        story.client.result(&job, &work, &ended).await.expect("the result is served");
        story.close_one(&job).await;
    }
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.jobs_missed), (Story::STAKE, 0, 0));
    assert!(days(&node.whole_log()) >= 3, "the clock did not jump: {}", node.log());
    story.balanced(&[node.address]).await;
}

/// A day of the budget is the chain's: a clock that jumps from day to day gives no fresh one.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_won_while_the_calendar_jumps_and_counts_for_one_days_budget() {
    let story = Story::begin().await;
    let Some(clock) = FakeClock::in_folder(story.folder(), Faked::Calendar) else { return };
    let mut node = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("weight");
    node.start(None).await;
    let work = everything_work(LIE, 0);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &work);
    validator.lives_by(&clock);
    validator.start(None).await;
    let jumping = tokio::spawn(async move {
        for day in (1..).chain([0]) {
            clock.set(&format!("+{day}d"));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    let terms = Terms { bond: Some(BOND), window_slots: Some(1_000), ..story.terms() };
    let job = story.post(&work, &terms).await.address;
    assert_eq!(story.end(&job).await.state, JobState::Convicted, "{}", validator.log());
    let record = validator.is_through_with(&job).await;
    assert_eq!(record["ending"]["ending"], "won", "{record}");
    jumping.abort();
    let costs = &record["dispute"]["costs"];
    let spent = costs["fees_lamports"].as_u64().unwrap() + costs["opening_lamports"].as_u64().unwrap();
    let standing = validator.status().await.expect("it answers").standing;
    assert!(spent > 0 && standing.spent_today >= spent, "{standing:?}, {costs}");
    assert!(days(&validator.whole_log()) >= 3, "the clock did not jump: {}", validator.log());
    story.close_one(&job).await;
    story.leaves_nothing(&[job, validator.key]).await;
}
