//! What must be true when everything is over.

use crate::disputes::{Disputed, Liar};
use assay::state_machine::JobState;
use assay_client::{Client, Work};
use assay_kernels::{CpuBackend, CpuOptions};
use assay_store::LocalStore;
use futures_util::StreamExt;
use futures_util::stream;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use story_tests::{NodeProcess, Story};

/// Price of each job that was done honestly, and what the node gets of it: 2 % are the protocol's.
const PRICE: u64 = 1_000_000;
const EARNED: u64 = 980_000;
/// Jobs that are looked at or closed at a time.
const AT_A_TIME: usize = 8;

/// On the chain: every job is settled once, by the node that claimed it, with the right result; every node has its whole stake, no bond
/// locked and the pay of its jobs exactly; every token is accounted for.
pub(crate) async fn on_nodes(
    story: &Story,
    nodes: &mut [NodeProcess],
    jobs: &[(Pubkey, Work)],
    disputed: &[Disputed],
    liars: &[Liar],
) {
    let all = jobs.iter().map(|(job, work)| (job, work));
    let all: Vec<_> = all.chain(disputed.iter().map(|disputed| (&disputed.job, &disputed.work))).collect();
    let backend = CpuBackend::new(CpuOptions::default()).expect("a CPU backend");
    let mut settled: BTreeMap<Pubkey, u64> = BTreeMap::new();
    for (job, work) in &all {
        let account = story.chain().job(job).await.expect("nobody closed it");
        assert_eq!((account.state, account.price), (JobState::Settled, PRICE), "{job}");
        Client::verify(work, &account, &backend).expect("the commitment is that of a replay");
        story.client.result(job, work, &account).await.expect("the result is served");
        *settled.entry(account.node).or_default() += 1;
    }
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    assert_eq!(settled.values().sum::<u64>(), all.len() as u64);
    assert!(settled.keys().all(|node| addresses.contains(node)), "{settled:?}");

    for Disputed { challenger, .. } in disputed {
        challenger.close_demands().await;
        challenger.close().await;
        challenger.burn().await;
    }
    for node in nodes.iter_mut() {
        node.until_idle().await;
        let (account, jobs) = (story.chain().node(&node.address).await.unwrap(), settled.get(&node.address));
        let jobs = jobs.copied().unwrap_or_default();
        assert_eq!((account.locked, account.open_jobs), (0, 0), "{}", node.log());
        assert_eq!((account.jobs_missed, account.fraud_convictions, account.jobs_settled), (0, 0, jobs));
        assert!(account.stake >= Story::STAKE, "withdrawn challenges leave half a bond: {}", account.stake);
        assert_eq!(story.paid_to(&node.address).await, jobs * EARNED, "each job is paid once");
        let status = node.status().await.expect("it answers");
        assert_eq!((status.totals.paid, status.totals.missed, status.totals.convicted), (jobs, 0, 0));
    }
    stream::iter(&all).for_each_concurrent(AT_A_TIME, |(job, _)| story.close_one(job)).await;
    let everybody: Vec<_> = addresses.iter().copied().chain(liars.iter().map(|liar| liar.node)).collect();
    story.balanced(&everybody).await;
    let mut named: Vec<_> = all.iter().map(|(job, _)| **job).collect();
    named.extend(disputed.iter().map(|disputed| disputed.challenger.address()));
    for some in named.chunks(AT_A_TIME) {
        story.leaves_nothing(some).await;
    }
    for Liar { node, job } in liars {
        let account = story.chain().node(node).await.unwrap();
        assert_eq!((account.fraud_convictions, account.locked, account.open_jobs), (1, 0, 0), "{job}");
        assert!(account.stake < Story::STAKE * 3 / 4 + 1, "the liar lost a quarter: {}", account.stake);
    }
}

/// On the disks: every database is whole, and no artifact is half-written.
pub(crate) async fn on_files(nodes: &mut [NodeProcess]) {
    for node in nodes {
        node.kill();
        let path = node.data().join("journal.redb");
        let mut database = redb::Database::open(&path).expect("it opens");
        // Opening repairs what a kill left; what is left to find would be corruption.
        assert!(database.check_integrity().expect("it can be checked"), "{}", path.display());
        let store = LocalStore::open(node.data().join("artifacts")).expect("a store");
        let artifacts = store.list().await.expect("it can be listed");
        for artifact in &artifacts {
            store.verified_reader(&artifact.id).await.expect("the artifact is what its name says");
        }
        assert!(!artifacts.is_empty(), "results stay for their clients");
    }
}
