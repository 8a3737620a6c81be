//! Validators that run by themselves against nodes that lie.

use crate::liar::{Liar, Withholds, flipped, honest};
use crate::market::{Customer, STAKE, Shared, Validator, alone, config, shared};
use assay::state::Fault;
use assay::state_machine::JobState;
use assay_chain::accounts::{ChallengeFilter, DemandFilter};
use assay_validator::evidence::Comparison;
use assay_validator::evidence::claims::JobRef;
use assay_validator::journal::{Audit, Ending, FindingRecord, Record};
use referee::graph::{Slot, TensorKind};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::time::Duration;

/// Stake tokens that a validator begins with.
pub(crate) const PURSE: u64 = 1_000_000_000;

/// Expects that nothing of a dispute is left on the chain but the job itself.
pub(crate) async fn nothing_is_left(shared: &Shared, job: &Pubkey, owners: &[Pubkey]) {
    let chain = shared.sender().chain().clone();
    let challenges = ChallengeFilter { job: Some(*job), ..ChallengeFilter::default() };
    assert!(chain.challenges(challenges).await.unwrap().is_empty(), "challenges are left");
    assert!(chain.segment_claims(job).await.unwrap().is_empty(), "segment roots are left");
    let demands = DemandFilter { job: Some(*job), ..DemandFilter::default() };
    assert!(chain.demands(demands).await.unwrap().is_empty(), "demands are left");
    for owner in owners {
        assert!(chain.buffers(owner).await.unwrap().is_empty(), "buffers are left");
    }
}

/// A slot whose tensor is inside a segment, and the output.
pub(crate) fn slots(customer: &Customer) -> (Slot, Slot) {
    let graph = &customer.work.resolved;
    let inner = (0..graph.tensors.len() as Slot)
        .find(|slot| {
            graph.tensors[usize::from(*slot)].kind == TensorKind::Temp && graph.boundary_position(*slot).is_none()
        })
        .expect("a tensor inside a segment");
    (inner, customer.work.output_slot)
}

pub(crate) async fn convicted(shared: &Shared, liar: &Liar, job: &Pubkey, record: &Record, fault: Fault) -> u64 {
    let chain = shared.sender().chain().clone();
    let account = chain.job(job).await.unwrap();
    assert_eq!(account.state, JobState::Convicted);
    assert_eq!(account.record.fault, fault);
    assert!(account.record.settled);
    assert_eq!(account.credits.client, account.price_max, "the client gets everything back");
    let node = chain.node(&liar.node).await.unwrap();
    assert_eq!((node.locked, node.open_jobs, node.fraud_convictions), (0, 0, 1));
    let expected = (STAKE - account.bond) - (STAKE - account.bond) / 4;
    assert!(node.stake.abs_diff(expected) <= 1, "bond and a quarter are gone: {} of {expected}", node.stake);
    let dispute = record.dispute.as_ref().unwrap();
    log_costs(record);
    assert!(dispute.costs.compute_units > 0 && dispute.costs.transaction_bytes > 0);
    account.bond / 2
}

/// What a dispute cost, in the log of the test.
fn log_costs(record: &Record) {
    let dispute = record.dispute.as_ref().unwrap();
    tracing::info!(?dispute.costs, seconds = dispute.last_at - dispute.sealed_at, "dispute");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_caught_and_everything_is_collected() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::new(shared, 1).await, Liar::new(shared).await);
    let key = shared.key_with_stake(PURSE).await;
    let folder = tempfile::tempdir().unwrap();
    let job = customer.post_long(shared).await.address;
    let (_, output) = slots(&customer);
    let tensors = flipped(&customer.work, output);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Nothing).await;
    let lamports = shared.sender().chain().balance_lamports(&key.pubkey()).await.unwrap();
    let validator = Validator::start(shared, folder.path(), &key, config()).await;

    let record = validator.ends(&job).await;
    let dispute = record.dispute.clone().unwrap();
    let bounty = convicted(shared, &liar, &job, &record, Fault::WrongElement).await;
    assert_eq!(record.ending, Some(Ending::Won { received: dispute.bond + bounty }));
    assert_eq!(shared.stake_tokens(&key.pubkey()).await, PURSE + bounty, "bond and bounty are in the purse");
    let Audit::Wrong(wrong) = &record.audit else { panic!("{record:?}") };
    let finding = wrong.finding.clone().unwrap();
    assert_eq!(finding.tensor, output);
    let (claimed, computed) = (finding.claimed.unwrap(), finding.computed.unwrap());
    assert_eq!((claimed ^ computed).count_ones(), 1, "one bit was flipped");

    // Commit; reveal with the buffer and the first piece; the other pieces; proof; settlement with everything closed.
    let proof = record.proof.clone().unwrap();
    let pieces = proof.bytes.saturating_sub(560).div_ceil(900);
    assert_eq!(dispute.costs.transactions, 4 + pieces, "{dispute:?}, {} bytes", proof.bytes);
    nothing_is_left(shared, &job, &[key.pubkey(), liar.owner.pubkey()]).await;
    let spent = lamports - shared.sender().chain().balance_lamports(&key.pubkey()).await.unwrap();
    assert_eq!(spent, dispute.costs.fees_lamports, "fees and nothing else: all rent came back");
    validator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_result_is_left_alone() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, node) = (Customer::new(shared, 2).await, Liar::new(shared).await);
    let key = shared.key_with_stake(PURSE).await;
    let folder = tempfile::tempdir().unwrap();
    let validator = Validator::start(shared, folder.path(), &key, config()).await;
    let job = customer.post(shared).await.address;
    node.commit(shared, &job, &customer.work, &honest(&customer.work), Withholds::Nothing).await;
    let record = validator.ends(&job).await;
    assert!(matches!(record.audit, Audit::Agreed { .. }), "{record:?}");
    assert_eq!((record.ending, record.dispute), (Some(Ending::Nothing), None));
    assert_eq!(shared.stake_tokens(&key.pubkey()).await, PURSE);
    validator.stop().await;
}

/// Killed and started again, over and over: one bond, one conviction, everything collected.
#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_is_killed_at_any_moment_goes_on() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::new(shared, 3).await, Liar::new(shared).await);
    let key = shared.key_with_stake(PURSE).await;
    let folder = tempfile::tempdir().unwrap();
    let job = customer.post_long(shared).await.address;
    let (inner, _) = slots(&customer);
    let tensors = flipped(&customer.work, inner);
    // Everything behind the lie is computed on from it, as a node that cheats would.
    let tensors = recomputed_after(&customer, &tensors, inner);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Nothing).await;
    let mut lives = 0;
    let record = loop {
        lives += 1;
        assert!(lives < 100, "it never ends");
        let validator = Validator::start(shared, folder.path(), &key, config()).await;
        // Longer with every life, so that each step gets its chance to be interrupted and to be done.
        let life = tokio::time::timeout(Duration::from_millis(150 + 70 * lives), validator.ends(&job)).await;
        if let Ok(record) = life {
            validator.stop().await;
            break record;
        }
        validator.kill().await;
    };
    assert!(lives > 1, "it was not interrupted at all");
    let dispute = record.dispute.clone().unwrap();
    let bounty = convicted(shared, &liar, &job, &record, Fault::WrongElement).await;
    assert_eq!(record.ending, Some(Ending::Won { received: dispute.bond + bounty }));
    assert_eq!(shared.stake_tokens(&key.pubkey()).await, PURSE + bounty);
    nothing_is_left(shared, &job, &[key.pubkey()]).await;
}

/// The tensors after `slot`, computed from it by the scalar reference.
pub(crate) fn recomputed_after(
    customer: &Customer,
    lied: &assay_kernels::TensorSet,
    slot: Slot,
) -> assay_kernels::TensorSet {
    let graph = &customer.work.resolved;
    let mut tensors = lied.clone();
    let (first, _) = graph.tensors[usize::from(slot)].producer.unwrap();
    for op in graph.ops.iter().skip(usize::from(first) + 1) {
        for output in &op.outputs {
            let tensor = &graph.tensors[usize::from(*output)];
            let mut bytes = tensors[output].to_vec();
            for element in 0..tensor.elements() {
                let mut values = Values { tensors: &tensors, customer };
                let value = referee::semantics::evaluate_output(graph, *output, element, &mut values).unwrap();
                assert!(tensor.dtype.write(&mut bytes, element as usize, value));
            }
            tensors.insert(*output, bytes.into());
        }
    }
    tensors
}

struct Values<'a> {
    tensors: &'a assay_kernels::TensorSet,
    customer: &'a Customer,
}

impl referee::semantics::Fetch for Values<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let work = &self.customer.work;
        let bytes = self.tensors.get(&slot).or_else(|| work.params.get(&slot)).or_else(|| work.inputs.get(&slot))?;
        work.resolved.tensors[usize::from(slot)].dtype.read(bytes, element as usize)
    }
}

/// Two validators that know nothing of each other: both are paid.
#[tokio::test(flavor = "multi_thread")]
async fn two_validators_share_the_bounty() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::new(shared, 4).await, Liar::new(shared).await);
    let job = customer.post_long(shared).await.address;
    let (_, output) = slots(&customer);
    let tensors = flipped(&customer.work, output);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Nothing).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let keys = [shared.key_with_stake(PURSE).await, shared.key_with_stake(PURSE).await];
    let mut validators = Vec::new();
    for (folder, key) in folders.iter().zip(&keys) {
        validators.push(Validator::start(shared, folder.path(), key, config()).await);
    }
    let mut earned = 0;
    let mut won = 0;
    for (validator, key) in validators.into_iter().zip(&keys) {
        let record = validator.ends(&job).await;
        match record.ending.clone().unwrap() {
            Ending::Won { received } => {
                won += 1;
                earned += received - record.dispute.as_ref().unwrap().bond;
            }
            // The slower one may have come after the reveal; it stays out and loses nothing.
            Ending::NotChallenged { code, .. } => assert!(["V0402", "V0405"].contains(&code.as_str()), "{code}"),
            Ending::Nothing => {}
            other => panic!("{other:?}"),
        }
        let bond = record.dispute.as_ref().map_or(0, |dispute| dispute.bond);
        assert!(shared.stake_tokens(&key.pubkey()).await >= PURSE, "nobody lost anything (bond {bond})");
        validator.stop().await;
    }
    let account = shared.sender().chain().job(&job).await.unwrap();
    assert!(won >= 1);
    assert!(earned <= account.bond / 2 && earned + 1 >= account.bond / 2, "the bounty is shared to the last unit");
    let owners: Vec<Pubkey> = keys.iter().map(Signer::pubkey).collect();
    nothing_is_left(shared, &job, &owners).await;
}

/// A node that serves nothing after it committed is convicted by the clock.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_is_withheld_is_forced_and_silence_convicts() {
    let (shared, _alone) = (shared().await, alone().await);
    for (seed, how) in [(5, Withholds::Trace), (6, Withholds::Everything)] {
        let (customer, liar) = (Customer::new(shared, seed).await, Liar::new(shared).await);
        let key = shared.key_with_stake(PURSE).await;
        let folder = tempfile::tempdir().unwrap();
        let validator = Validator::start(shared, folder.path(), &key, config()).await;
        let job = customer.post_long(shared).await.address;
        let (_, output) = slots(&customer);
        let tensors = flipped(&customer.work, output);
        liar.commit(shared, &job, &customer.work, &tensors, how).await;
        let record = validator.ends(&job).await;
        let bounty = convicted(shared, &liar, &job, &record, Fault::Withheld).await;
        assert_eq!(shared.stake_tokens(&key.pubkey()).await, PURSE + bounty, "{how:?}");
        nothing_is_left(shared, &job, &[key.pubkey()]).await;
        validator.stop().await;
    }
}

/// Without a replay of the job: an honest trace passes, a lie is shown to the element, missing sums are named.
#[tokio::test(flavor = "multi_thread")]
async fn sums_tell_an_honest_trace_from_a_lie() {
    // Validators of other tests look to the end of their windows, and would challenge this liar too.
    let (shared, _alone) = (shared().await, alone().await);
    let genesis_hash = shared.sender().chain().network().await.unwrap().genesis_hash;
    for (seed, lies) in [(7, false), (8, true)] {
        let (customer, node) = (Customer::new(shared, seed).await, Liar::new(shared).await);
        let (inner, _) = slots(&customer);
        let work = &customer.work;
        let tensors = if lies { flipped(work, inner) } else { honest(work) };
        let address = customer.post(shared).await.address;
        node.commit(shared, &address, work, &tensors, Withholds::Nothing).await;
        let chain = shared.sender().chain().clone();
        let account = Box::new(chain.job(&address).await.unwrap());
        let job = JobRef { address, account, genesis_hash };
        let folder = tempfile::tempdir().unwrap();
        let sources = assay_validator::start::sources(&config(), &chain, folder.path()).unwrap();
        let error = sources.check_by_sums(&job, None).await.unwrap_err().to_string();
        assert!(error.starts_with("V0217") && error.contains("--depth segment"), "{error}");
        node.advise(&address, work, &tensors).await;
        let checked = sources.check_by_sums(&job, None).await.unwrap();
        if lies {
            let Comparison::Found { finding, .. } = checked.comparison else { panic!("{checked:?}") };
            let record = FindingRecord::of(&finding);
            assert_eq!(record.tensor, inner);
            assert_eq!((record.claimed.unwrap() ^ record.computed.unwrap()).count_ones(), 1, "{record:?}");
            assert_eq!(checked.replayed, [record.segment]);
        } else {
            assert!(matches!(checked.comparison, Comparison::Agrees), "{checked:?}");
            assert!(checked.replayed.is_empty(), "nothing was suspect: {checked:?}");
        }
    }
}
