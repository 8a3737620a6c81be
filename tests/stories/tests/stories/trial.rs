//! A job of a liar, from its posting to the conviction.

use assay::state::Fault;
use assay::state_machine::JobState;
use assay_client::{Terms, Work};
use assay_node::config::NodeConfig;
use solana_sdk::pubkey::Pubkey;
use story_tests::{NodeProcess, Pace, Story, ValidatorProcess};

/// What the node of a trial's job locks: the price, ten times over, so that no part of it rounds to nothing.
pub(crate) const BOND: u64 = 10_000_000;
/// Long enough for a validator of many liars on a busy machine. A conviction ends it sooner.
const WINDOW_SLOTS: u64 = 1_000;

/// A market of one liar: posts a job, waits for the conviction, and checks who paid whom.
pub(crate) struct Trial {
    fault: String,
    story: Story,
    node: NodeProcess,
    /// The job.
    pub(crate) job: Pubkey,
}

impl Trial {
    /// Starts the liar and posts the work for it.
    pub(crate) async fn begin(pace: Pace, work: &Work, fault: &str) -> Self {
        Self::prepared(pace, work, fault, |_, _| {}).await
    }

    /// The same with a window of this length: what a validator does in the middle of one comes so much later.
    pub(crate) async fn with_window(pace: Pace, work: &Work, fault: &str, window_slots: u64) -> Self {
        Self::of(pace, work, fault, window_slots, |_, _| {}).await
    }

    /// The same, after something was done about the liar that does not run yet.
    pub(crate) async fn prepared(pace: Pace, work: &Work, fault: &str, prepare: impl FnOnce(&Story, &Pubkey)) -> Self {
        Self::of(pace, work, fault, WINDOW_SLOTS, prepare).await
    }

    async fn of(
        pace: Pace,
        work: &Work,
        fault: &str,
        window_slots: u64,
        prepare: impl FnOnce(&Story, &Pubkey),
    ) -> Self {
        let story = Story::begin_at(pace).await;
        let hurried = |config: &mut NodeConfig| config.disputes.least_clock_slots = 1;
        let mut node = NodeProcess::register(&story, "liar", story.placement(), hurried).lies(fault);
        story.furnish_operator(&node.address).await;
        prepare(&story, &node.address);
        node.start(None).await;
        let terms = Terms { bond: Some(BOND), window_slots: Some(window_slots), ..story.terms() };
        let posted = story.post(work, &terms).await;
        Self { fault: fault.to_owned(), story, node, job: posted.address }
    }

    /// The market of the trial.
    pub(crate) fn story(&self) -> &Story {
        &self.story
    }

    /// The liar.
    pub(crate) fn node_address(&self) -> Pubkey {
        self.node.address
    }

    /// Expects the conviction, everything paid out, and nothing left behind.
    pub(crate) async fn ends_convicted(mut self, validator: &ValidatorProcess, proved: &[Fault]) {
        let Self { fault, story, job, .. } = &self;
        let ended = story.end(job).await;
        assert_eq!(ended.state, JobState::Convicted, "{fault}: {}", validator.log());
        assert!(proved.contains(&ended.record.fault), "{fault}: {:?}", ended.record.fault);
        assert_eq!(ended.credits.client, ended.price_max, "{fault}: the whole escrow goes back");
        let record = validator.is_through_with(job).await;
        assert_eq!(record["ending"]["ending"], "won", "{fault}: {record}");
        // The stake is 1,000 tokens: the bond goes, and a share of what is left.
        let dispute = ended.dispute;
        let node = story.chain().node(&self.node.address).await.unwrap();
        let slashed = Story::STAKE * u64::from(dispute.slash_bps) / 10_000;
        assert_eq!((node.locked, node.open_jobs, node.fraud_convictions), (0, 0, 1), "{fault}");
        assert!(
            node.stake.abs_diff(Story::STAKE - BOND - slashed) <= BOND,
            "{fault}: {} of {} are left",
            node.stake,
            Story::STAKE
        );
        assert!(node.frozen_until_slot > ended.record.convicted_slot, "{fault}: never again");
        self.node.dies().await;
        let Self { fault, story, job, .. } = &self;
        story.close_one(job).await;
        story.leaves_nothing(&[*job]).await;
        assert_eq!(story.accounts().await.tokens, Story::PURSE, "{fault}: the client lost nothing");
    }
}
