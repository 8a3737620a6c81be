//! The connection to the chain breaks in the middle of a job.

use assay::state_machine::JobState;
use std::net::SocketAddr;
use std::time::Duration;
use story_tests::{NodeProcess, Placement, Proxy, Story};

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_are_cut_again_and_again_cost_nothing() {
    let story = Story::begin().await;
    let straight = story.placement();
    let target = |url: &str| -> SocketAddr { url.split("//").nth(1).unwrap().trim_end_matches('/').parse().unwrap() };
    let rpc = Proxy::to(target(&straight.rpc_url)).await;
    let ws = Proxy::to(target(&straight.ws_url)).await;
    let placement =
        Placement { rpc_url: format!("http://{}", rpc.address()), ws_url: format!("ws://{}", ws.address()) };
    let mut node = NodeProcess::register(&story, "node", placement, |_| {});
    node.start(None).await;
    let cutting = tokio::spawn(async move {
        loop {
            // Longer than a busy machine takes to answer, or nothing would ever get through.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            rpc.cut();
            ws.cut();
        }
    });
    for seed in 0..3 {
        let posted = story.post(&story.work(seed), &story.terms()).await;
        let job = story.end(&posted.address).await;
        assert_eq!((job.state, job.node), (JobState::Settled, node.address));
        story.close(&posted.address, &[node.address]).await;
    }
    cutting.abort();
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.jobs_settled, account.jobs_missed), (Story::STAKE, 0, 3, 0));
}
