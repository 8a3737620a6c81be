//! An honest node under attack: everything that a challenger may demand is answered, through a kill, and nothing stays.

use assay::dispute::{ChallengeState, Target};
use assay::state::{DemandKey, DemandState, DemandTree};
use assay::state_machine::JobState;
use assay_client::Terms;
use assay_node::journal::{Outcome, Stage};
use referee::graph::{ResolvedGraph, Slot};
use referee::proof::build::GraphTree;
use solana_sdk::pubkey::Pubkey;
use std::time::{Duration, Instant};
use story_tests::{Challenger, NodeProcess, Story, everything_work, honest_segment};

/// The graph of this story.
const DEFENCE: u32 = 11;

async fn answered(story: &Story, demand: &Pubkey, node: &NodeProcess) {
    let started = Instant::now();
    loop {
        let account = story.chain().find_demand(demand).await.unwrap();
        if account.is_some_and(|demand| demand.state == DemandState::Answered) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(240), "the node does not answer; {}", node.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_demanded_of_an_honest_node_is_answered_through_a_kill() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let work = everything_work(DEFENCE, 11);
    let graph: &ResolvedGraph = &work.resolved;
    let segment = 0;
    let (slots, hashes) = (graph.segment_slots(segment), honest_segment(&work, segment));
    let root = ResolvedGraph::segment_root(segment, &hashes);
    let first: Slot = slots[0];
    let definition = GraphTree::new(&work.graph);
    let witness = definition.tensor_witness(first).unwrap();

    let terms = Terms { bond: Some(10_000_000), window_slots: Some(120), ..story.terms() };
    let posted = story.post(&work, &terms).await;
    let liar = Challenger::new(&story, "liar", &posted.address, Target::boundary(0), [7; 32]);
    let job = story.committed(&posted.address).await;
    let operator = job.operator;
    liar.commit().await;
    liar.reveal().await;
    let top = |origin: [u8; 32], tree, slot, height| DemandKey { origin, tree, slot, height, index: 0 };
    let depth = |count: usize| referee::commit::depth_for(count as u32);

    let boundary = top(job.boundary_root, DemandTree::Boundary, 0, depth(graph.boundary.len()));
    let demand = liar.demand_opening(boundary, job.boundary_root, &[], None, None).await;
    answered(&story, &demand, &node).await;

    // The root of a segment, of a node that is killed right after it promised it.
    node.kill();
    let demand = liar.demand_segment_root(&operator, segment, first, &witness).await;
    node.start(Some("before_root_recorded")).await;
    node.dies().await;
    node.start(None).await;
    answered(&story, &demand, &node).await;
    let claim = assay::address::segment_claim(&posted.address, segment, &operator);
    assert_eq!(story.chain().find_segment_claim(&claim).await.unwrap().unwrap().root, root, "the honest root");

    // The segment's tree; then a tensor of it, of a node that dies in the middle of the upload.
    let tree = top(root, DemandTree::Segment, segment, depth(slots.len()));
    let demand = liar.demand_opening(tree, root, &[], Some((first, &witness)), Some(claim)).await;
    answered(&story, &demand, &node).await;
    node.kill();
    let hash = hashes[0];
    let height = graph.tensors[usize::from(first)].layout.depth();
    let path = referee::commit::merkle_path(&hashes, 0).unwrap();
    let tensor = top(hash, DemandTree::Tensor, first, height);
    let demand = liar.demand_opening(tensor, hash, &path, Some((first, &witness)), Some(claim)).await;
    node.start(Some("after_buffer_opened")).await;
    node.dies().await;
    node.start(None).await;
    answered(&story, &demand, &node).await;

    liar.withdraw().await;
    liar.reaches(ChallengeState::Lost).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Settled);
    let record = node.until(&posted.address, |record| record.is_finished()).await;
    assert!(matches!(record.stage, Stage::Finished(Outcome::Paid { .. })), "{record:?}");
    let log = record.dispute.unwrap();
    assert_eq!((log.answers, log.roots, log.open, log.cleaned), (3, 1, 0, true), "{log:?}");
    assert!(log.fees_lamports > 0 && log.earned_lamports == 4 * job.dispute.opening_fee_lamports, "{log:?}");
    let own: Vec<Pubkey> = vec![operator];
    story.leaves_nothing_of(&own).await;
}
