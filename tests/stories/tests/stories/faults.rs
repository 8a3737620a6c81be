//! Every way in which a job can end badly, over RPC: what it costs, what it leaves on record, and that no fault passes for another.

use assay::fairness::endings::{FaultSide, Reason};
use assay::fairness::reputation::Score;
use assay::state::{Job, Node};
use assay::state_machine::JobState;
use assay::units::{Slot, Slots};
use assay_chain::instructions;
use assay_chain::keys::read_keypair;
use assay_client::{Posted, Terms};
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use story_tests::{NodeProcess, Pace, Story, ValidatorProcess, everything_work};

/// The graph of these stories.
const LIAR: u32 = 21;
const BOND: u64 = 10_000_000;

async fn account(story: &Story, node: &NodeProcess) -> Node {
    story.chain().node(&node.address).await.unwrap()
}

async fn reaches(story: &Story, slot: u64) {
    story.until("the slot", async || story.chain().slot().await.unwrap() >= slot).await;
}

/// Posts a job of few slots for a node that dies as soon as it has claimed it, and waits for the miss.
async fn abandoned(story: &Story, node: &mut NodeProcess, seed: u64, run_slots: u64) -> (Posted, Job) {
    node.start(Some("after_claim_landed")).await;
    let terms = Terms { run_slots, bond: Some(BOND), ..story.terms() };
    let posted = story.post(&story.work(seed), &terms).await;
    node.dies().await;
    let job = story.end(&posted.address).await;
    assert_eq!((job.state, job.credits.client), (JobState::Missed, job.price_max), "the escrow goes back");
    assert_eq!(job.fault_side, FaultSide::Provider);
    (posted, job)
}

/// What the client's charge of a miss is, of which the client gets every unit.
fn charge(job: &Job) -> u64 {
    BOND * u64::from(job.miss_charge_bps) / 10_000
}

fn announce(story: &Story, node: &str, starts_in: u64, length: u64) -> Value {
    let owner = story.folder().join(format!("{node}.owner.json"));
    let folder = story.folder().join(node);
    let (starts_in, length) = (starts_in.to_string(), length.to_string());
    let arguments = ["node", "maintenance", "--starts-in", &starts_in, "--length", &length, "--data"];
    let (status, value, log) = story.command(&owner, &[&arguments[..], &[folder.to_str().unwrap()]].concat());
    assert_eq!(status, Some(0), "{log}");
    value
}

/// The first miss costs the charge alone; a repeated one a share of the bond besides, and jail, which ends by itself. Nothing is
/// free: who claims and leaves pays each time.
#[tokio::test(flavor = "multi_thread")]
async fn who_claims_and_leaves_pays_each_time_and_climbs_the_ladder() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let (first, job) = abandoned(&story, &mut node, 1, 15).await;
    assert_eq!((job.reason, job.charge_credit, job.record.burn_credit), (Reason::NoShow, charge(&job), 0));
    node.start(None).await;
    story.until("the miss is accounted for", async || account(&story, &node).await.standing.unresolved == 0).await;
    let after_first = account(&story, &node).await;
    assert_eq!(
        after_first.standing.jailed_until_slot.saturating_sub(after_first.standing.seen_slot),
        0,
        "the first is free"
    );
    assert_eq!(after_first.stake, Story::STAKE - charge(&job));
    node.kill();

    let (second, job) = abandoned(&story, &mut node, 2, 15).await;
    assert_eq!(job.record.burn_credit, BOND / 100, "one percent of the bond");
    assert_eq!(account(&story, &node).await.stake, Story::STAKE - 2 * charge(&job) - BOND / 100);
    node.start(None).await;
    let jailed =
        async || account(&story, &node).await.standing.jailed_until_slot > after_first.standing.jailed_until_slot;
    story.until("jail", jailed).await;
    let standing = account(&story, &node).await.standing;
    let next = story.post(&story.work(3), &story.terms()).await;
    let job = story.end(&next.address).await;
    assert_eq!((job.state, job.node), (JobState::Settled, node.address), "jail ends by itself");
    assert!(
        job.claimed_slot >= standing.jailed_until_slot,
        "{} before {}",
        job.claimed_slot,
        standing.jailed_until_slot
    );
    for one in [&first, &second, &next] {
        story.close_one(&one.address).await;
    }
    assert_eq!(story.accounts().await.stake_tokens, 2 * charge(&job), "both charges are the client's");
}

/// A node that was silent for long is believed to have been away: the money is the same, but no step on the ladder follows.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_the_charge_and_no_jail() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let (posted, job) = abandoned(&story, &mut node, 4, 15).await;
    let rules = story.chain().network().await.unwrap().parameters.scheduling.standing;
    let last = job.run_deadline().unwrap().last().0;
    reaches(&story, last + rules.silence_slots + 2).await;
    node.start(None).await;
    story.until("the miss is accounted for", async || account(&story, &node).await.standing.unresolved == 0).await;
    let after = account(&story, &node).await;
    let now = Slot(after.standing.seen_slot);
    assert_eq!(after.standing.misses.at(now, Slots(rules.recovery_slots)), 0, "no step on the ladder");
    assert!(after.standing.jailed_until_slot <= now.0 && after.jobs_missed == 1);
    assert_eq!(after.stake, Story::STAKE - charge(&job), "the charge is the same");
    story.close(&posted.address, &[node.address]).await;
}

/// Maintenance that was declared before the claim excuses the miss: the client is paid all the same, reputation suffers at once
/// and by little, and nothing else follows. While it lasts the node claims nothing.
#[tokio::test(flavor = "multi_thread")]
async fn declared_maintenance_excuses_a_miss() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    // Time for a busy machine to have the job claimed before it begins, and to look on before it ends.
    let window = announce(&story, "node", 300, 900);
    let (start, end) = (window["start_slot"].as_u64().unwrap(), window["end_slot"].as_u64().unwrap());
    let (posted, job) = abandoned(&story, &mut node, 5, 350).await;
    let last = job.run_deadline().unwrap().last().0;
    assert!(job.claimed_slot < start && (start..=end).contains(&last), "a machine too slow for this story");
    assert_eq!((job.reason, job.charge_credit, job.record.burn_credit), (Reason::MissedInMaintenance, charge(&job), 0));
    let after = account(&story, &node).await;
    assert_eq!((after.standing.unresolved, after.standing.misses), (0, Default::default()));
    node.start(None).await;
    let waiting = story.post(&story.work(6), &story.terms()).await;
    let told = story
        .client_command(&["node", "explain", &node.address.to_string(), "--job", &waiting.address.to_string()])
        .await;
    assert!(told.to_string().contains("P6523"), "in maintenance: {told}");
    assert_eq!(story.chain().job(&waiting.address).await.unwrap().state, JobState::Posted);
    story.client.cancel(&waiting.address).await.expect("nobody claims it");
    for one in [&posted, &waiting] {
        story.close_one(&one.address).await;
    }
}

/// Maintenance that is declared once the job is claimed excuses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn maintenance_declared_after_the_claim_excuses_nothing() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(Some("after_claim_landed")).await;
    let terms = Terms { run_slots: 250, bond: Some(BOND), ..story.terms() };
    let posted = story.post(&story.work(7), &terms).await;
    node.dies().await;
    let window = announce(&story, "node", 40, 600);
    let job = story.end(&posted.address).await;
    let last = job.run_deadline().unwrap().last().0;
    assert!((window["start_slot"].as_u64().unwrap()..=window["end_slot"].as_u64().unwrap()).contains(&last));
    assert_eq!((job.state, job.reason), (JobState::Missed, Reason::NoShow));
    assert_eq!(account(&story, &node).await.standing.unresolved, 1);
    story.close(&posted.address, &[node.address]).await;
}

/// A result that is right and later than the node's own speed promised earns less, and twice costs a tier.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_slower_than_it_declared_earns_less_and_loses_a_tier() {
    let story = Story::begin().await;
    let mut node =
        NodeProcess::register(&story, "node", story.placement(), |config| config.profile.units_per_slot = 1 << 40);
    node.start(None).await;
    story.until("the profile", async || account(&story, &node).await.profile.units_per_slot == 1 << 40).await;
    node.kill();
    let rules = story.chain().network().await.unwrap().parameters.scheduling;
    let tier = |account: &Node, now: u64| account.shown_profile(Slot(now), &rules).tier;
    assert_eq!(tier(&account(&story, &node).await, 0), 41);
    for seed in [8, 9] {
        let before = story.paid_to(&node.address).await;
        node.start(Some("after_claim_landed")).await;
        let terms = Terms { run_slots: 400, ..story.terms() };
        let posted = story.post(&story.work(seed), &terms).await;
        node.dies().await;
        let claimed = story.chain().job(&posted.address).await.unwrap();
        assert_eq!(claimed.expected_slots, 1, "a promise that nobody keeps");
        reaches(&story, claimed.claimed_slot + 40).await;
        node.start(None).await;
        let job = story.end(&posted.address).await;
        assert_eq!((job.state, job.reason), (JobState::Settled, Reason::CompletedLate));
        assert!(job.late_bps >= 900, "{} after {} slots", job.late_bps, job.committed_slot - job.claimed_slot);
        let earned = job.earned_price().unwrap().0;
        assert!(earned < job.price && job.price - earned >= job.price * 4 / 100, "{earned} of {}", job.price);
        story.close_one(&posted.address).await;
        let paid = story.paid_to(&node.address).await - before;
        assert_eq!(paid, earned - earned * u64::from(job.protocol_fee_bps) / 10_000, "pro rata");
        node.kill();
    }
    let now = story.chain().slot().await.unwrap();
    let after = account(&story, &node).await;
    assert_eq!(
        (tier(&after, now), after.standing.unresolved, after.stake),
        (40, 0, Story::STAKE),
        "a tier, and no stake"
    );
    story.balanced(&[node.address]).await;
}

/// A liar that declares maintenance, goes silent and stays away is convicted as a liar: bond and slash, a tombstone, the score at
/// the floor, and half a window later the charge for being convicted in company, until which nothing leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_liar_who_claims_an_outage_is_convicted_as_a_liar() {
    let story = Story::begin_at(Pace::Hasty).await;
    let work = everything_work(LIAR, 0);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &work);
    let mut node = NodeProcess::register(&story, "liar", story.placement(), |config| {
        config.disputes.least_clock_slots = 1;
    })
    .lies("weight");
    node.start(None).await;
    let terms = Terms { bond: Some(BOND), window_slots: Some(1_000), ..story.terms() };
    let posted = story.post(&work, &terms).await;
    story.committed(&posted.address).await;
    node.kill();
    announce(&story, "liar", 30, 600);
    validator.start(None).await;
    let job = story.end(&posted.address).await;
    assert_eq!(job.state, JobState::Convicted, "{}", validator.log());
    assert!(matches!(job.reason, Reason::WrongResult | Reason::Withheld), "{:?}", job.reason);
    assert_eq!((job.fault_side, job.credits.client), (FaultSide::Provider, job.price_max));
    let convicted = account(&story, &node).await;
    assert_eq!((convicted.fraud_convictions, convicted.standing.tombstoned, convicted.score), (1, true, Score(0)));
    let slashed = (Story::STAKE - BOND) * u64::from(job.dispute.slash_bps) / 10_000;
    assert!(convicted.stake <= Story::STAKE - BOND - slashed + BOND, "{}", convicted.stake);
    // It weighs nothing any more.
    assert_eq!((convicted.weights.present(), convicted.counted_stake), (0, 0));

    let stranger = Keypair::new();
    assay_localnet::fund(story.chain(), &stranger.pubkey(), 1_000_000_000).await.unwrap();
    let owner = read_keypair(&story.folder().join("liar.owner.json")).unwrap();
    let ask = instructions::request_withdrawal(&owner.pubkey(), &node.address, 1_000);
    story.sender().execute(&[ask], &[&owner]).await.expect("asking is free");
    let charge_now = instructions::charge_correlation(&node.address, story.stake_mint());
    let due = convicted.pending_charge.convicted_slot + due_slots(&story).await;
    let early = story.sender().execute(std::slice::from_ref(&charge_now), &[&stranger]).await;
    if story.chain().slot().await.unwrap() < due {
        assert!(early.is_err(), "not before half of the window");
    }
    reaches(&story, due + 1).await;
    if early.is_err() {
        story.sender().execute(&[charge_now], &[&stranger]).await.expect("anyone takes the charge");
    }
    let charged = account(&story, &node).await;
    assert_eq!(charged.pending_charge.convicted_slot, 0, "{:?}", charged.pending_charge);
    assert!(
        charged.stake < convicted.stake,
        "convicted with its whole network: {} of {}",
        charged.stake,
        convicted.stake
    );
    let frozen: Pubkey = node.address;
    assert!(charged.frozen_until_slot > story.chain().slot().await.unwrap(), "{frozen} stays where it is");
    let record = validator.is_through_with(&posted.address).await;
    assert_eq!(record["ending"]["ending"], "won", "{record}");
    story.close_one(&posted.address).await;
    assert_eq!(story.accounts().await.tokens, Story::PURSE, "the client lost nothing");
}

/// From a conviction to its charge.
async fn due_slots(story: &Story) -> u64 {
    story.chain().network().await.unwrap().parameters.scheduling.half_correlation_window().0
}
