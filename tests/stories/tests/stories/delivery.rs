//! A result that is accepted early, and an output that is not to be had: opened on-chain, or withheld there too.

use anchor_lang::Discriminator;
use assay::state::{Demand, Fault};
use assay::state_machine::JobState;
use assay_client::{ClientError, Reclaimed, Terms, Work};
use assay_node::config::NodeConfig;
use std::net::SocketAddr;
use story_tests::{NodeProcess, Pace, Story, everything_rows, honest_output};

/// The graph of these stories.
const DELIVERY: u32 = 12;
const BOND: u64 = 10_000_000;
/// What a node is paid for a job of these stories: the price less the protocol's fee.
const PAYMENT: u64 = 980_000;

/// Its output is several leaves.
fn work() -> Work {
    everything_rows(DELIVERY, 0, 400)
}

fn terms(story: &Story, window_slots: u64) -> Terms {
    Terms { bond: Some(BOND), window_slots: Some(window_slots), ..story.terms() }
}

/// Its artifacts are served where nobody looks for them.
fn unreachable(config: &mut NodeConfig) {
    config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.disputes.least_clock_slots = 1;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_result_is_paid_at_once_and_its_bond_stays_to_the_end_of_the_window() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let posted = story.post(&work(), &terms(&story, 150)).await;
    let job = &posted.address;
    let committed = story.committed(job).await;
    let last_slot = committed.committed_slot + committed.window_slots;
    assert_eq!(story.paid_to(&node.address).await, 0);
    story.client.accept(job).await.expect("a result is there");
    story.until("the node is paid", async || story.paid_to(&node.address).await == PAYMENT).await;
    let early = story.client.reclaim(job).await.expect_err("the window is open");
    assert!(matches!(early, ClientError::NotEnded { .. }), "{early}");
    story.client.accept(job).await.expect_err("it is accepted already");

    // All through the window the bond is locked. What was read counts if the window was open when it had been read.
    let mut looks = 0;
    loop {
        let (seen, account) = (story.chain().job(job).await.unwrap(), story.chain().node(&node.address).await.unwrap());
        if story.chain().slot().await.unwrap() > last_slot {
            break;
        }
        assert_eq!(seen.state, JobState::Accepted);
        assert_eq!((account.locked, account.open_jobs, account.jobs_settled), (BOND, 1, 0), "at risk as before");
        looks += 1;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert!(looks > 0, "it was paid before the window ended");
    let ended = story.end(job).await;
    assert_eq!(ended.state, JobState::Settled);
    assert!(story.chain().slot().await.unwrap() >= last_slot);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    story.close(job, &[node.address]).await;
    assert_eq!(story.paid_to(&node.address).await, PAYMENT, "paid once");
    story.leaves_nothing(&[*job]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_nobody_serves_is_opened_on_chain_leaf_by_leaf() {
    let story = Story::begin().await;
    story.furnish_client_with_stake().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), unreachable);
    story.furnish_operator(&node.address).await;
    node.start(None).await;
    let work = work();
    let posted = story.post(&work, &terms(&story, 300)).await;
    let job = &posted.address;
    let committed = story.committed(job).await;
    story.client.result(job, &work, &committed).await.expect_err("its server is not to be reached");
    let before = story.accounts().await;
    story.client.file_unavailable(job).await.expect("a bond is there");
    let filed = story.accounts().await;
    assert_eq!(before.stake_tokens - filed.stake_tokens, committed.dispute.challenge_bond);
    let refused = story.client.accept(job).await.expect_err("a filing is open").to_string();
    assert!(refused.contains("unavailable"), "{refused}");
    assert_eq!(story.chain().job(job).await.unwrap().state, JobState::Committed);

    let mut most = 0;
    let opened = story.client.open_output(job, &work, |seen| most = seen.answered).await;
    let output = opened.unwrap_or_else(|error| panic!("{error} after {most} openings; {}", node.log()));
    assert_eq!(output, honest_output(&work), "the exact bytes");
    assert!(most > 3, "hashes and leaves: {most} openings");
    assert_eq!(story.accounts().await.stake_tokens, before.stake_tokens, "the bond of the filing is back");
    let opened = story.chain().job(job).await.unwrap();
    assert_eq!((opened.record.challenges_open, opened.unavailable_open), (0, 0));
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.fraud_convictions), (Story::STAKE, 0));

    // Nothing stands against accepting it any more, or against the node's finalising it, should the window be over.
    if let Err(error) = story.client.accept(job).await {
        let last_slot = committed.committed_slot + committed.window_slots;
        let slot = story.chain().slot().await.unwrap();
        assert!(slot > last_slot, "the filing is over, but in slot {slot} of {last_slot}: {error}");
    }
    assert_eq!(story.end(job).await.state, JobState::Settled);
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0), "it keeps its bond");
    story.close(job, &[node.address]).await;
    assert_eq!(story.paid_to(&node.address).await, PAYMENT);
    story.leaves_nothing(&[*job, story.client.address()]).await;
}

/// Anybody may close a job that is over: what the client opened in its disputes comes back to it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_its_rents_back_although_a_stranger_closed_the_job_first() {
    let story = Story::begin().await;
    story.furnish_client_with_stake().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), unreachable);
    story.furnish_operator(&node.address).await;
    node.start(None).await;
    let work = work();
    let posted = story.post(&work, &terms(&story, 150)).await;
    let job = &posted.address;
    story.committed(job).await;
    let before = story.accounts().await;
    story.client.open_output(job, &work, |_| ()).await.expect("the node answers on-chain");
    // It would close the demands that it answered, and may be faster than the stranger.
    node.kill();
    assert_eq!(story.end(job).await.state, JobState::Settled);
    story.stranger_closes(job).await;
    let kept: Vec<_> = story.leftovers(&[story.client.address()]).await;
    assert!(
        kept.iter().any(|kept| kept.discriminator == *Demand::DISCRIMINATOR),
        "its demands are still there: {kept:?}"
    );

    let reclaimed = story.client.reclaim(job).await.expect("the job is closed, the demands are not");
    assert_eq!(reclaimed, Reclaimed { closed: true, ..Reclaimed::default() });
    story.leaves_nothing(&[*job, story.client.address()]).await;
    assert_eq!(story.accounts().await.stake_tokens, before.stake_tokens, "the bond of the filing is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_withheld_on_chain_too_convicts_by_the_clock() {
    let work = work();
    for fault in ["silence".to_owned(), format!("withhold-leaf:tensor={}", work.output_slot)] {
        let story = Story::begin_at(Pace::Hasty).await;
        story.furnish_client_with_stake().await;
        let mut node = NodeProcess::register(&story, "node", story.placement(), unreachable).lies(&fault);
        node.start(None).await;
        // A conviction ends the window.
        let posted = story.post(&work, &terms(&story, 1_000)).await;
        let job = &posted.address;
        let committed = story.committed(job).await;
        story.client.result(job, &work, &committed).await.expect_err("nobody serves it");
        let before = story.accounts().await;
        let withheld = story.client.open_output(job, &work, |_| ()).await.expect_err("nobody opens it");
        assert!(matches!(withheld, ClientError::Withheld { .. }), "{fault}: {withheld}");
        let ended = story.end(job).await;
        assert_eq!((ended.state, ended.record.fault), (JobState::Convicted, Fault::Withheld), "{fault}");
        assert_eq!(ended.credits.client, ended.price_max, "{fault}: the client is refunded");
        let account = story.chain().node(&node.address).await.unwrap();
        assert_eq!((account.locked, account.open_jobs, account.fraud_convictions), (0, 0, 1), "{fault}");
        // No validator looks: the client ends it alone, and has its bond and all rent. A filing earns nothing.
        story.close_one(job).await;
        let after = story.accounts().await;
        assert_eq!(after.tokens, Story::PURSE, "{fault}");
        assert_eq!(after.stake_tokens, before.stake_tokens, "{fault}: the bond of the filing is back");
        story.leaves_nothing(&[*job, story.client.address()]).await;
    }
}
