//! RPC endpoints that err, lag or lie: the node does its jobs all the same, once each, and loses nothing.

use assay::state_machine::JobState;
use assay_client::Terms;
use std::time::Duration;
use story_tests::{FaultyRpc, NodeProcess, Placement, RpcFault, Story};

const JOBS: u64 = 4;

/// A node that sees the chain through such an endpoint; it is killed and started again in the middle.
async fn jobs_settle_through(fault: RpcFault) {
    let story = Story::begin().await;
    let straight = story.placement();
    let endpoint = FaultyRpc::to(&straight.rpc_url, fault).await;
    let mut node = NodeProcess::register(&story, "node", straight.clone(), |_| {});
    node.sees_through(Placement { rpc_url: endpoint.url(), ws_url: straight.ws_url });
    node.start_in_the_end().await;
    let terms = Terms { claim_slots: 2_000, run_slots: 2_000, ..story.terms() };
    let mut posted = Vec::new();
    for seed in 0..JOBS {
        let work = story.work(seed);
        posted.push((story.post(&work, &terms).await.address, work));
        if seed == JOBS / 2 {
            node.kill();
            node.start_in_the_end().await;
        }
    }
    for (job, work) in &posted {
        let ended = story.end(job).await;
        assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
        story.client.result(job, work, &ended).await.expect("the result is served");
        node.until(job, |record| record.is_finished()).await;
    }
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (JOBS, 0));
    assert_eq!(story.paid_to(&node.address).await, JOBS * 980_000, "each is paid, and once: {}", node.log());
    assert!(endpoint.faults() > 0, "the endpoint did nothing wrong");
    for (job, _) in &posted {
        story.close_one(job).await;
    }
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_three_times_in_ten() {
    jobs_settle_through(RpcFault::Fails { per_mille: 300 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_lags_behind_the_chain() {
    jobs_settle_through(RpcFault::Lags { by: Duration::from_secs(2) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_know_what_landed() {
    jobs_settle_through(RpcFault::Denies { for_time: Duration::from_secs(3) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_confirms_what_never_landed() {
    jobs_settle_through(RpcFault::Affirms).await;
}
