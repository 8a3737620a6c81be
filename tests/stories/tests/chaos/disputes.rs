//! Disputes that go on meanwhile: over honest results, whose nodes have to answer, and over lies, which a validator proves.

use crate::deaths::{Toll, places_of_a_won_dispute};
use crate::load;
use assay::state::{DemandKey, DemandState, DemandTree};
use assay::state_machine::JobState;
use assay_client::{Terms, Work};
use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use referee::proof::build::GraphTree;
use solana_sdk::pubkey::Pubkey;
use story_tests::{Challenger, NodeProcess, Story, ValidatorProcess, everything_work, honest_segment};
use tokio_util::sync::CancellationToken;

/// The graphs, so that the validator leaves honest results to their nodes.
const HONEST: u32 = 1;
const LYING: u32 = 2;
/// The last segment of that work.
const SEGMENT: u16 = 1;
const BOND: u64 = 10_000_000;
/// Time for a challenger on a busy machine, on which others are furnished meanwhile; it is waited for.
const WINDOW_SLOTS: u64 = 300;
/// Time for a validator that dies again and again before it challenges; a conviction ends it.
const LIARS_WINDOW_SLOTS: u64 = 1_000;
/// What a liar's job pays. It takes no cheaper ones: those are for the honest.
const LIARS_PRICE: u64 = 5_000_000;

/// A job over which there was a dispute, its work, and who challenged.
pub(crate) struct Disputed {
    pub(crate) job: Pubkey,
    pub(crate) work: Work,
    pub(crate) challenger: Challenger,
}

/// A node that lied once, and was convicted.
pub(crate) struct Liar {
    pub(crate) node: Pubkey,
    pub(crate) job: Pubkey,
}

/// Challenges honest results of each of these nodes, one after the other, until it is told to stop: the node answers, and the
/// challenger withdraws.
pub(crate) async fn honest(story: &Story, nodes: &[Pubkey], stop: &CancellationToken) -> Vec<Disputed> {
    join_all(nodes.iter().map(|node| honest_of(story, node, stop))).await.into_iter().flatten().collect()
}

async fn honest_of(story: &Story, node: &Pubkey, stop: &CancellationToken) -> Vec<Disputed> {
    let mut disputed = Vec::new();
    let terms =
        Terms { bond: Some(BOND), window_slots: Some(WINDOW_SLOTS), invited_node: Some(*node), ..load::terms(story) };
    while !stop.is_cancelled() {
        let name = format!("challenger-{node}-{}", disputed.len());
        let work = everything_work(HONEST, disputed.len() as u64);
        let job = story.post(&work, &terms).await.address;
        let challenger = Challenger::demanding_as(story, &name, &work, &job).await;
        story.until("the node answers", async || !story.chain().segment_claims(&job).await.unwrap().is_empty()).await;
        let demand = demand_result(&challenger, story, &work, &job).await;
        let is_answered = async || {
            let demand = story.chain().find_demand(&demand).await.unwrap();
            demand.is_some_and(|demand| demand.state == DemandState::Answered)
        };
        story.until("the node opens the tensor", is_answered).await;
        challenger.withdraw().await;
        disputed.push(Disputed { job, work, challenger });
    }
    for Disputed { job, .. } in &disputed {
        story.end(job).await;
    }
    disputed
}

/// Demands the root of the last segment and then the top of its last tensor, the result, which the node opens out of a buffer.
async fn demand_result(challenger: &Challenger, story: &Story, work: &Work, job: &Pubkey) -> Pubkey {
    let (graph, hashes) = (&work.resolved, honest_segment(work, SEGMENT));
    let slots = graph.segment_slots(SEGMENT);
    let last = slots.len() - 1;
    let witness = GraphTree::new(&work.graph).tensor_witness(slots[last]).expect("the tensor is one of the graph");
    let operator = story.chain().job(job).await.expect("the job is there").operator;
    challenger.demand_segment_root(&operator, SEGMENT, slots[last], &witness).await;
    let claim = assay::address::segment_claim(job, SEGMENT, &operator);
    let is_recorded = async || story.chain().find_segment_claim(&claim).await.unwrap().is_some();
    story.until("the node records the root", is_recorded).await;
    let height = graph.tensors[usize::from(slots[last])].layout.depth();
    let path = referee::commit::merkle_path(&hashes, last as u32).expect("a path");
    let key = DemandKey { origin: hashes[last], tree: DemandTree::Tensor, slot: slots[last], height, index: 0 };
    challenger.demand_opening(key, hashes[last], &path, Some((slots[last], &witness)), Some(claim)).await
}

/// Liars, of which each is convicted by a validator that dies at every place of its work, in random order: places that come in the order
/// of a dispute share one.
pub(crate) async fn liars(story: &Story, seed: u64) -> (Vec<Liar>, Toll) {
    let (mut order, mut toll, mut liars) = (StdRng::seed_from_u64(seed), Toll::default(), Vec::new());
    let mut places: Vec<_> = places_of_a_won_dispute().enumerate().collect();
    places.shuffle(&mut order);
    let work = everything_work(LYING, 0);
    let mut validator = ValidatorProcess::new(story, "validator", story.placement(), "audit", &work);
    let before = story.stake_tokens_of(&validator.key).await;
    for ascending in places.chunk_by(|one, next| one.0 < next.0) {
        let ascending: Vec<_> = ascending.iter().map(|(_, place)| *place).collect();
        let name = format!("liar-{}", liars.len());
        let mut node = NodeProcess::register(story, &name, story.placement(), |config| {
            config.price_floor = LIARS_PRICE;
        })
        .lies("weight");
        node.start(None).await;
        let terms = Terms {
            bond: Some(BOND),
            window_slots: Some(LIARS_WINDOW_SLOTS),
            price_min: LIARS_PRICE,
            price_max: LIARS_PRICE,
            invited_node: Some(node.address),
            ..load::terms(story)
        };
        let job = story.post(&work, &terms).await.address;
        crate::say(&format!("{name} lied, and the validator is to die {ascending:?}"));
        for place in ascending {
            validator.start(Some(place)).await;
            validator.dies().await;
            assert!(validator.log().contains(place), "{}", validator.log());
            toll.at("validator", place);
        }
        validator.start(None).await;
        assert_eq!(story.end(&job).await.state, JobState::Convicted, "{}", validator.log());
        let record = validator.is_through_with(&job).await;
        assert_eq!(record["ending"]["ending"], "won", "{record}");
        validator.kill();
        liars.push(Liar { node: node.address, job });
    }
    let won = story.stake_tokens_of(&validator.key).await - before;
    assert_eq!(won, BOND / 2 * liars.len() as u64, "each bond is back once, and one bounty for each liar");
    for Liar { job, .. } in &liars {
        story.close_one(job).await;
        story.leaves_nothing(&[*job]).await;
    }
    story.leaves_nothing_of(&[validator.key]).await;
    (liars, toll)
}
