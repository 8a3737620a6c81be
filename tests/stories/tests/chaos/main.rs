//! Chaos: nodes and a validator are killed at every numbered step of a job and of a dispute, in random order, and at random moments
//! between, while jobs are posted, computed, challenged and convicted; two of three nodes besides see the chain through an endpoint that
//! fails or whose connections are cut. In the end nobody honest has lost anything.
//!
//! `ASSAY_CHAOS_SEED` is a number that decides the order; `ASSAY_CHAOS_KILLS` how many processes die at least.

mod deaths;
mod disputes;
mod load;
mod verdict;

use deaths::{Toll, plan, reap};
use load::Load;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::io::Write;
use std::sync::Arc;
use story_tests::{FaultyRpc, NodeProcess, Placement, Proxy, RpcFault, Story};

/// How many processes die at least.
const KILLS: usize = 200;
/// How often each node dies at each place, and at a moment of no name.
const ROUNDS: usize = 3;
const MOMENTS: usize = 6;
/// How often connections are cut, one after the other.
const CUT_EVERY: std::time::Duration = std::time::Duration::from_millis(1_500);

/// A line for whoever reads what a run did.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_dies_whenever_nothing_is_lost_and_nothing_is_paid_twice() {
    let seed = number("ASSAY_CHAOS_SEED").unwrap_or_else(rand::random);
    let kills = number("ASSAY_CHAOS_KILLS").and_then(|kills| usize::try_from(kills).ok()).unwrap_or(KILLS);
    say(&format!("ASSAY_CHAOS_SEED={seed}"));
    let story = Arc::new(Story::begin().await);
    let straight = story.placement();
    let failing = FaultyRpc::to(&straight.rpc_url, RpcFault::Fails { per_mille: 300 }).await;
    let (cut_rpc, cut_ws) = (Proxy::to(target(&straight.rpc_url)).await, Proxy::to(target(&straight.ws_url)).await);
    let placements = [
        straight.clone(),
        Placement { rpc_url: failing.url(), ws_url: straight.ws_url.clone() },
        Placement { rpc_url: format!("http://{}", cut_rpc.address()), ws_url: format!("ws://{}", cut_ws.address()) },
    ];
    let cutting = tokio::spawn(async move {
        loop {
            tokio::time::sleep(CUT_EVERY).await;
            cut_rpc.cut();
            cut_ws.cut();
        }
    });
    let mut nodes = Vec::new();
    for (index, placement) in placements.into_iter().enumerate() {
        // Registered in peace: what is killed is the service.
        let mut node = NodeProcess::register(&story, &format!("node-{index}"), straight.clone(), |config| {
            config.disputes.least_clock_slots = 10;
            // Its deaths over claimed jobs are ours: the breaker would rightly stop it.
            config.breaker.failures = 0;
        });
        story.furnish_operator(&node.address).await;
        node.sees_through(placement);
        nodes.push(node);
    }

    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    let load = Load::begin(Arc::clone(&story));
    let enough = load.stopped();
    let killing = async {
        let (reaped, (liars, of_validator)) = tokio::join!(reap_all(nodes, seed), disputes::liars(&story, seed));
        let (mut nodes, mut toll) = reaped;
        toll.add(of_validator);
        // What is missing to the number dies at moments of no name.
        let mut order = StdRng::seed_from_u64(seed);
        let missing = deaths::moments(kills.saturating_sub(toll.all()), &mut order);
        if let Some(mut node) = nodes.pop() {
            node.kill();
            let (node, its_toll) = reap(node, missing, order).await;
            toll.add(its_toll);
            nodes.push(node);
        }
        (load.end().await, nodes, toll, liars)
    };
    let (disputed, (jobs, mut nodes, toll, liars)) =
        tokio::join!(disputes::honest(&story, &addresses, &enough), killing);
    cutting.abort();
    let (jobs_done, failed) = (jobs.len() + disputed.len(), failing.faults());
    say(&format!(
        "{toll}; {jobs_done} jobs, {} disputes over them, {} liars; {failed} requests failed",
        disputed.len(),
        liars.len()
    ));
    verdict::on_nodes(&story, &mut nodes, &jobs, &disputed, &liars).await;
    verdict::on_files(&mut nodes).await;
    toll.reached_everything();
    assert!(toll.all() >= kills, "{toll}");
}

/// Lets all nodes die as each one's plan says, at the same time.
async fn reap_all(nodes: Vec<NodeProcess>, seed: u64) -> (Vec<NodeProcess>, Toll) {
    let reaping = nodes.into_iter().enumerate().map(|(index, node)| {
        let mut order = StdRng::seed_from_u64(seed.wrapping_add(index as u64));
        let plan = plan(ROUNDS, MOMENTS, &mut order);
        reap(node, plan, order)
    });
    let (mut toll, mut nodes) = (Toll::default(), Vec::new());
    for (node, its_toll) in futures_util::future::join_all(reaping).await {
        toll.add(its_toll);
        nodes.push(node);
    }
    (nodes, toll)
}

fn target(url: &str) -> std::net::SocketAddr {
    url.split("//").nth(1).and_then(|rest| rest.trim_end_matches('/').parse().ok()).expect("an address in the URL")
}
