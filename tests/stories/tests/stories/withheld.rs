//! A node that does not answer what is demanded of it is convicted by the clock, whatever it computed.

use assay::dispute::ChallengeState;
use assay::state::Fault;
use assay::state_machine::JobState;
use assay_client::Terms;
use assay_node::config::NodeConfig;
use story_tests::{Challenger, NodeProcess, Pace, Story, everything_work};

/// The graph of these stories.
const WITHHELD: u32 = 6;
const BOND: u64 = 10_000_000;

fn hurried(config: &mut NodeConfig) {
    config.disputes.least_clock_slots = 1;
}

#[tokio::test(flavor = "multi_thread")]
async fn withholding_convicts_by_the_clock_and_leaves_nothing() {
    for fault in ["withhold-segment", "silence"] {
        let story = Story::begin_at(Pace::Hasty).await;
        let mut node = NodeProcess::register(&story, "node", story.placement(), hurried).lies(fault);
        node.start(None).await;
        let work = everything_work(WITHHELD, 0);
        // A conviction ends the window.
        let terms = Terms { bond: Some(BOND), window_slots: Some(1_000), ..story.terms() };
        let posted = story.post(&work, &terms).await;
        let challenger = Challenger::demanding(&story, &work, &posted.address).await;
        let before = story.stake_tokens_of(&challenger.address()).await;
        challenger.time_out_the_node().await;
        let ended = story.end(&posted.address).await;
        assert_eq!((ended.state, ended.record.fault), (JobState::Convicted, Fault::Withheld), "{fault}");
        assert_eq!(ended.credits.client, ended.price_max, "{fault}: the client is refunded");
        let account = story.chain().node(&node.address).await.unwrap();
        assert_eq!((account.locked, account.open_jobs, account.fraud_convictions), (0, 0, 1), "{fault}");
        challenger.reaches(ChallengeState::Won).await;
        challenger.settle().await;
        challenger.close_demands().await;
        challenger.close().await;
        challenger.burn().await;
        let after = story.stake_tokens_of(&challenger.address()).await;
        assert_eq!(after - before, ended.dispute.challenge_bond + BOND / 2, "{fault}: its bond and the bounty");
        node.kill();
        story.close_one(&posted.address).await;
        story.leaves_nothing(&[posted.address, challenger.address()]).await;
        assert_eq!(story.accounts().await.tokens, Story::PURSE, "{fault}");
    }
}
