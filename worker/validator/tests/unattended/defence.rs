//! A validator that answers for a node that is right and cannot answer itself.

use crate::liar::{Liar, Withholds, honest};
use crate::market::{Customer, Validator, alone, config, shared};
use assay::DemandOpeningArgs;
use assay::dispute::{ChallengeState, Target, seal};
use assay::state::{DemandKey, DemandTree};
use assay_audit::Prover;
use assay_chain::instructions::{self, Binding};
use assay_validator::config::Mode;
use referee::opening::{Place, Tree};
use solana_sdk::signer::Signer;
use std::time::{Duration, Instant};

const PURSE: u64 = 1_000_000_000;

/// A challenger that is wrong demands what an honest node does not answer: a defender opens the boundary, posts the
/// segment root, earns the fee, and takes everything back when the challenge is lost.
#[tokio::test(flavor = "multi_thread")]
async fn an_honest_node_that_is_silent_is_defended() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, node) = (Customer::new(shared, 20).await, Liar::new(shared).await);
    let (troll, key) = (shared.key_with_stake(PURSE).await, shared.key_with_stake(PURSE).await);
    let job = customer.post(shared).await.address;
    node.commit(shared, &job, &customer.work, &honest(&customer.work), Withholds::Everything).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = assay_validator::config::ValidatorConfig { mode: Mode::Defend, ..config() };
    let validator = Validator::start(shared, folder.path(), &key, settings).await;

    let (sender, mint, me) = (shared.sender(), shared.market.stake_mint, troll.pubkey());
    let (target, own_hash, salt) = (Target::boundary(0), [3; 32], [4; 32]);
    let sealed = seal(&me, &job, target, &own_hash, &salt);
    let commit = instructions::commit_challenge(&me, &job, mint, &mint.associated_account(&me), sealed);
    let landed = sender.execute(&[commit], &[&troll]).await.unwrap();
    sender.chain().wait_for_slot(landed.slot + 1).await.unwrap();
    let reveal = instructions::reveal_challenge(&me, &job, target, own_hash, salt);
    sender.execute(&[reveal], &[&troll]).await.unwrap();

    let address = assay::address::challenge(&job, &me);
    let account = sender.chain().job(&job).await.unwrap();
    let top = Tree::Boundary { count: account.output.boundary_count }.top();
    let Place { height, index } = top;
    let origin = DemandKey::origin(&account.boundary_root, None);
    let args = DemandOpeningArgs {
        key: DemandKey { origin, tree: DemandTree::Boundary, slot: 0, height, index },
        witness_slot: 0,
        bound: account.boundary_root,
        path: Vec::new(),
    };
    let demand = assay::address::demand(&job, &args.key);
    let challenge = sender.chain().find_challenge(&address).await.unwrap().unwrap();
    sender.execute(&[instructions::demand_opening(&challenge, Binding::default(), args)], &[&troll]).await.unwrap();
    let answered = async |demand| {
        let started = Instant::now();
        while sender.chain().find_demand(&demand).await.unwrap().unwrap().answered_slot == 0 {
            assert!(started.elapsed() < Duration::from_secs(60), "nobody answers");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    answered(demand).await;

    // The root of a segment: posted under a bond of the defender's own.
    let subject = assay_audit::Subject {
        graph: customer.work.graph.clone(),
        resolved: customer.work.resolved.clone(),
        params: customer.work.params.clone(),
        inputs: customer.work.inputs.clone(),
    };
    let slot = customer.work.resolved.segment_slots(0)[0];
    let hasher = assay_kernels::commit::Hasher::default();
    let witness = Prover::new(&subject, &hasher).unwrap().tensor_witness(slot).unwrap();
    let mut steps = instructions::create_buffer(&me, 1, witness.len() as u32);
    steps.extend(
        witness.chunks(700).enumerate().map(|(at, piece)| instructions::write_buffer(&me, 1, 700 * at as u32, piece)),
    );
    for step in steps {
        sender.execute(&[step], &[&troll]).await.unwrap();
    }
    let challenge = sender.chain().find_challenge(&address).await.unwrap().unwrap();
    let buffer = assay::address::buffer(&me, 1);
    let root = instructions::demand_segment_root(&challenge, &account.operator, 0, slot, Some(buffer));
    sender.execute(&[root], &[&troll]).await.unwrap();
    answered(assay::address::demand(&job, &DemandKey::segment_root(0))).await;
    let claims = sender.chain().segment_claims(&job).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!((claims[0].1.signed, claims[0].1.author), (false, key.pubkey()));
    let bond = claims[0].1.bond;
    assert_eq!(shared.stake_tokens(&key.pubkey()).await, PURSE - bond, "the defender's own bond");

    // The troll gives up; the window passes; everything comes back.
    sender.execute(&[instructions::withdraw_challenge(&me, &job, &node.node)], &[&troll]).await.unwrap();
    let lost = sender.chain().find_challenge(&address).await.unwrap().unwrap();
    assert_eq!(lost.state, ChallengeState::Lost);
    sender.chain().wait_for_slot(account.committed_slot + account.window_slots + 1).await.unwrap();
    sender.execute(&[instructions::finalise_job(&node.node, &job)], &[&troll]).await.unwrap();
    let started = Instant::now();
    while shared.stake_tokens(&key.pubkey()).await != PURSE
        || !sender.chain().buffers(&key.pubkey()).await.unwrap().is_empty()
        || !validator.shared.journal.posts().unwrap().is_empty()
    {
        assert!(started.elapsed() < Duration::from_secs(60), "bond or buffer do not come back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(sender.chain().segment_claims(&job).await.unwrap().is_empty());
    validator.stop().await;
}
