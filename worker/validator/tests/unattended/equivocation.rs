//! A node that signs two roots of one segment: whoever has seen one of them convicts it by the other, unattended.

use crate::liar::{Liar, Withholds, flipped, honest};
use crate::market::{Customer, LONG_WINDOW_SLOTS, Shared, Validator, WINDOW_SLOTS, alone, config, shared};
use crate::stories::{PURSE, convicted, nothing_is_left, recomputed_after, slots};
use assay::state::Fault;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_validator::journal::{Audit, Ending, Record, TargetRecord};
use referee::graph::ResolvedGraph;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::time::{Duration, Instant};

const OTHER_ROOT: [u8; 32] = [7; 32];

/// A node that has committed to these tensors and serves their traces, and a validator.
struct Scene {
    customer: Customer,
    liar: Liar,
    key: Keypair,
    validator: Validator,
    job: Pubkey,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn begin(
        shared: &Shared,
        seed: usize,
        window_slots: u64,
        tensors: impl FnOnce(&Customer) -> TensorSet,
    ) -> Self {
        let (customer, liar) = (Customer::new(shared, seed).await, Liar::new(shared).await);
        let key = shared.key_with_stake(PURSE).await;
        let folder = tempfile::tempdir().unwrap();
        let job = customer.post_with(shared, window_slots, 0).await.address;
        liar.commit(shared, &job, &customer.work, &tensors(&customer), Withholds::Nothing).await;
        let validator = Validator::start(shared, folder.path(), &key, config()).await;
        Self { customer, liar, key, validator, job, _folder: folder }
    }

    /// Waits until the validator has found the result right and keeps a root of every segment.
    async fn is_agreed(&self) {
        let (started, segments) = (Instant::now(), self.customer.work.resolved.segments.len());
        let agreed = |record: Record| matches!(record.audit, Audit::Agreed { .. }) && record.roots.len() == segments;
        while !self.validator.record(&self.job).is_some_and(agreed) {
            assert!(started.elapsed() < Duration::from_secs(60), "{:?}", self.validator.record(&self.job));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ends_convicted(self, shared: &Shared) -> Record {
        let record = self.validator.ends(&self.job).await;
        let bounty = convicted(shared, &self.liar, &self.job, &record, Fault::Equivocation).await;
        let bond = record.dispute.as_ref().unwrap().bond;
        assert_eq!(record.ending, Some(Ending::Won { received: bond + bounty }));
        assert_eq!(shared.stake_tokens(&self.key.pubkey()).await, PURSE + bounty);
        // What the node recorded is the node's to close.
        let chain = shared.sender().chain().clone();
        let left = chain.segment_claims(&self.job).await.unwrap();
        assert!(left.iter().all(|(_, claim)| claim.payer == self.liar.owner.pubkey()), "{left:?}");
        if left.is_empty() {
            nothing_is_left(shared, &self.job, &[self.key.pubkey()]).await;
        }
        self.validator.stop().await;
        record
    }
}

/// The own root of a segment of an honest run.
fn honest_root(customer: &Customer, segment: u16) -> [u8; 32] {
    let graph = &customer.work.resolved;
    let hashes = Hasher::default().hashes(graph, &honest(&customer.work), &graph.segment_slots(segment)).unwrap();
    ResolvedGraph::segment_root(segment, &hashes)
}

/// The first request is served the right trace, a later one another root: the validator asks again by itself.
#[tokio::test(flavor = "multi_thread")]
async fn another_root_that_is_served_later_convicts() {
    let (shared, _alone) = (shared().await, alone().await);
    // The second look comes half-way through the window, when the first root is known for certain.
    let scene = Scene::begin(shared, 50, 2 * WINDOW_SLOTS, |customer| honest(&customer.work)).await;
    scene.is_agreed().await;
    scene.liar.sign_another(shared, &scene.job, 1, OTHER_ROOT).await;
    let own = honest_root(&scene.customer, 1);
    let record = scene.ends_convicted(shared).await;
    let Audit::Wrong(wrong) = &record.audit else { panic!("{record:?}") };
    assert_eq!((wrong.target, wrong.own_hash), (TargetRecord::Segment(1), own), "what everybody else would name");
    // Commit, reveal, the first root recorded, the second one proved, and all closed with the settlement.
    assert!(record.dispute.unwrap().costs.transactions >= 5);
}

/// The other root is not served but recorded on the chain: the vigil sees it.
#[tokio::test(flavor = "multi_thread")]
async fn another_root_that_is_recorded_on_the_chain_convicts() {
    let (shared, _alone) = (shared().await, alone().await);
    let scene = Scene::begin(shared, 51, LONG_WINDOW_SLOTS, |customer| honest(&customer.work)).await;
    scene.is_agreed().await;
    scene.liar.record(shared, &scene.job, 2, OTHER_ROOT).await;
    let record = scene.ends_convicted(shared).await;
    assert!(matches!(record.audit, Audit::Wrong(_)), "{record:?}");
    assert!(!record.asked_again, "it did not wait for the second look");
}

/// The inside is a lie, and by recording another root first the node would keep the one that proves it off the chain.
#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_recorded_to_block_the_proof_of_another_one_convicts() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::new(shared, 52).await, Liar::new(shared).await);
    let key = shared.key_with_stake(PURSE).await;
    let folder = tempfile::tempdir().unwrap();
    let job = customer.post_long(shared).await.address;
    let (inner, _) = slots(&customer);
    let tensors = recomputed_after(&customer, &flipped(&customer.work, inner), inner);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Nothing).await;
    for segment in 0..customer.work.resolved.segments.len() as u16 {
        liar.record(shared, &job, segment, OTHER_ROOT).await;
    }
    let validator = Validator::start(shared, folder.path(), &key, config()).await;
    Scene { customer, liar, key, validator, job, _folder: folder }.ends_convicted(shared).await;
}

/// The root that was served is recorded as well: that is what an honest node does.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_root_served_twice_and_recorded_is_left_alone() {
    let (shared, _alone) = (shared().await, alone().await);
    let scene = Scene::begin(shared, 53, WINDOW_SLOTS, |customer| honest(&customer.work)).await;
    scene.is_agreed().await;
    scene.liar.record(shared, &scene.job, 0, honest_root(&scene.customer, 0)).await;
    let record = scene.validator.ends(&scene.job).await;
    assert_eq!((record.ending, record.dispute, record.asked_again), (Some(Ending::Nothing), None, true));
    assert_eq!(shared.stake_tokens(&scene.key.pubkey()).await, PURSE);
    scene.validator.stop().await;
}
