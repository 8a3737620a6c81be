//! Challengers that lie, give up or come in crowds: they lose their bonds, and nobody else loses anything.

use assay::dispute::{ChallengeState, Target};
use assay::state_machine::JobState;
use assay_client::Terms;
use assay_node::config::NodeConfig;
use futures_util::future::join_all;
use story_tests::{Challenger, NodeProcess, Pace, Story, ValidatorProcess, everything_work};

/// The graphs of these stories.
const ABANDONED: u32 = 3;
const LYING: u32 = 4;
const CROWD: u32 = 5;
const BOND: u64 = 10_000_000;
/// Long enough for challengers on a busy machine, who begin when the result is there; it is waited for.
const WINDOW_SLOTS: u64 = 150;

fn terms(story: &Story, window_slots: u64) -> Terms {
    Terms { bond: Some(BOND), window_slots: Some(window_slots), ..story.terms() }
}

/// A node that lives with the clocks of the hasty localnet.
fn hurried(config: &mut NodeConfig) {
    config.disputes.least_clock_slots = 10;
}

/// Ends what a lost challenge leaves, and expects nothing to stay.
async fn cleared(story: &Story, job: &solana_sdk::pubkey::Pubkey, challengers: &[&Challenger]) {
    for challenger in challengers {
        challenger.close().await;
    }
    if let Some(first) = challengers.first() {
        first.burn().await;
    }
    story.close_one(job).await;
    let mut keys: Vec<_> = challengers.iter().map(|challenger| challenger.address()).collect();
    keys.push(*job);
    story.leaves_nothing(&keys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_that_is_never_revealed_burns_and_delays_nobody_else() {
    let story = Story::begin_at(Pace::Hasty).await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), hurried);
    node.start(None).await;
    let posted = story.post(&everything_work(ABANDONED, 1), &terms(&story, WINDOW_SLOTS)).await;
    let challenger = Challenger::new(&story, "absent", &posted.address, Target::boundary(0), [9; 32]);
    let job = story.committed(&posted.address).await;
    let before = story.stake_tokens_of(&challenger.address()).await;
    challenger.commit().await;
    challenger.time_out().await;
    let ended = story.end(&posted.address).await;
    assert_eq!(ended.state, JobState::Settled, "the node is paid");
    assert_eq!(ended.record.burn_credit, job.dispute.challenge_bond, "all of the bond burns");
    let node_account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((node_account.stake, node_account.locked, node_account.open_jobs), (Story::STAKE, 0, 0));
    cleared(&story, &posted.address, &[&challenger]).await;
    assert_eq!(story.stake_tokens_of(&challenger.address()).await, before - job.dispute.challenge_bond);
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lying_challenger_pays_the_honest_node() {
    let story = Story::begin_at(Pace::Hasty).await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), hurried);
    node.start(None).await;
    let posted = story.post(&everything_work(LYING, 2), &terms(&story, WINDOW_SLOTS)).await;
    let liar = Challenger::new(&story, "liar", &posted.address, Target::boundary(0), [7; 32]);
    let quitter = Challenger::new(&story, "quitter", &posted.address, Target::segment(1), [8; 32]);
    let job = story.committed(&posted.address).await;
    for challenger in [&liar, &quitter] {
        challenger.commit().await;
        challenger.reveal().await;
    }
    quitter.withdraw().await;
    liar.time_out().await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Settled);
    let bond = job.dispute.challenge_bond;
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!(account.stake, Story::STAKE + 2 * (bond / 2), "half of both bonds is the node's");
    assert_eq!((account.locked, account.open_jobs, account.fraud_convictions), (0, 0, 0));
    cleared(&story, &posted.address, &[&liar, &quitter]).await;
    story.balanced(&[node.address]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_challengers_of_one_lie_share_the_bounty() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "liar", story.placement(), |_| {}).lies("boundary");
    node.start(None).await;
    let work = everything_work(CROWD, 3);
    let posted = story.post(&work, &terms(&story, 500)).await;
    // Nine who saw what the validator will see: the last boundary tensor is not the one that it should be.
    let (target, own) = honest_claim(&work);
    let challengers: Vec<_> = (0..9)
        .map(|index| Challenger::new(&story, &format!("challenger-{index}"), &posted.address, target, own))
        .collect();
    let job = story.committed(&posted.address).await;
    assert_eq!(job.output.boundary_count, target.index + 1);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &work);
    let before = story.stake_tokens_of(&validator.key).await;
    join_all(challengers.iter().map(Challenger::commit)).await;
    validator.start(None).await;
    // Whoever commits after the first reveal shares nothing, and an honest validator knows it.
    validator.until(&posted.address, |record| record["dispute"]["committed"] == true).await;
    join_all(challengers.iter().map(Challenger::reveal)).await;
    assert_eq!(story.end(&posted.address).await.state, JobState::Convicted, "{}", validator.log());
    for challenger in &challengers {
        if challenger.challenge().await.is_some_and(|challenge| !challenge.state.is_end()) {
            challenger.resolve().await;
        }
        challenger.reaches(ChallengeState::Won).await;
    }
    validator.is_through_with(&posted.address).await;
    for challenger in &challengers {
        challenger.close().await;
    }
    let mut paid = vec![story.stake_tokens_of(&validator.key).await - before];
    for challenger in &challengers {
        paid.push(story.stake_tokens_of(&challenger.address()).await - 2 * Story::STAKE);
    }
    let share = BOND / 2 / 10;
    assert!(paid.iter().skip(1).all(|paid| *paid >= share), "{paid:?}");
    assert!(paid.iter().sum::<u64>() <= BOND / 2 && paid.iter().sum::<u64>() > BOND / 2 - 10, "{paid:?}");
    story.close_one(&posted.address).await;
    let mut keys: Vec<_> = challengers.iter().map(Challenger::address).collect();
    keys.extend([posted.address, validator.key]);
    story.leaves_nothing(&keys).await;
}

/// What an honest challenger of a wrong last boundary tensor names.
fn honest_claim(work: &assay_client::Work) -> (Target, [u8; 32]) {
    let boundary = story_tests::honest_boundary(work);
    let last = boundary.len() - 1;
    (Target::boundary(last as u16), boundary[last])
}
