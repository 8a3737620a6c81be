//! A job whose node lied about one element of its output, with the proof of it.

use assay::dispute::Target;
use assay::market::OutputDescriptor;
use assay::state::{DisputeTerms, Job};
use assay::state_machine::JobState;
use assay_audit::depth::output;
use assay_audit::{ClaimedBoundary, ClaimedSegment, Outcome, segment_trace};
use assay_client::Work;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
use assay_models::digits;
use assay_validator::evidence::{OwnTrace, Replay, ServedTrace, judge, proving};
use assay_validator::journal::TargetRecord;
use assay_validator::rules::ProofSegment;
use referee::graph::{IR_VERSION, ResolvedGraph};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) const COMMITTED_SLOT: u64 = 1_000;
pub(crate) const WINDOW_SLOTS: u64 = 40;
pub(crate) const BOND: u64 = 500;

pub(crate) struct Case {
    /// Committed to the lie.
    pub(crate) job: Job,
    pub(crate) target: TargetRecord,
    pub(crate) own_hash: [u8; 32],
    pub(crate) proof: Vec<u8>,
    /// Of the node's trace, which has the same lie.
    pub(crate) segment: Option<ProofSegment>,
}

impl Case {
    pub(crate) fn target(&self) -> Target {
        assay_validator::steps::target_of(self.target)
    }
}

pub(crate) fn case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(make)
}

fn make() -> Case {
    let model = digits::model().unwrap();
    let images = &digits::Dataset::embedded().held_out[..2];
    let (inputs, symbols) = (digits::inputs(images), digits::symbols(images));
    let work = Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &symbols).unwrap();
    let backend = CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap();
    let hasher = Hasher::default();
    let graph = work.resolved.clone();
    let loaded = backend.load(graph.clone(), &work.params).unwrap();
    let own = output(&graph, &hasher, loaded.as_ref(), &work.inputs).unwrap();

    let lie = |bytes: &Arc<[u8]>| {
        let mut bytes = bytes.to_vec();
        bytes[0] ^= 1;
        Arc::<[u8]>::from(bytes)
    };
    let slot = work.output_slot;
    let mut claimed = own.tensors.clone();
    let wrong = lie(&claimed[&slot]);
    claimed.insert(slot, wrong.clone());
    let root = hasher.boundary(&graph, &claimed).unwrap().root;
    let boundary = ClaimedBoundary::from_tensors(&graph, &hasher, claimed, &root).unwrap();

    let segment = graph.segment_of(graph.tensors[usize::from(slot)].producer.unwrap().0);
    let mut given = work.inputs.clone();
    given.extend(own.tensors.iter().map(|(slot, bytes)| (*slot, bytes.clone())));
    let mut tensors = loaded.run(&given, Keep::Segment(segment)).unwrap().tensors;
    let trace = segment_trace(&graph, segment, &tensors, &hasher).unwrap();
    let own_tensors = tensors.clone();
    tensors.insert(slot, wrong);
    let hashes = hasher.hashes(&graph, &tensors, &graph.segment_slots(segment)).unwrap();
    let segment_root = ResolvedGraph::segment_root(segment, &hashes);
    let served = ServedTrace {
        claimed: ClaimedSegment::from_tensors(&graph, &hasher, segment, tensors, &segment_root).unwrap(),
        signature: Signature::default(),
    };
    let mut all = own.tensors.clone();
    all.extend(own_tensors);
    let own_trace = OwnTrace { trace, tensors: all };
    let replay = Replay { work, model: loaded, own, took: Duration::ZERO };

    let Outcome::Found(finding) = judge(&replay, &boundary, Some(&own_trace), Some(&served)) else {
        panic!("the lie was not found");
    };
    let proof = proving::build(&replay, &boundary, Some(&own_trace), Some(&served), &finding).unwrap().bytes;
    let assay_audit::Target::Boundary { position, own: own_hash } = finding.target else { panic!("a boundary tensor") };
    let job = Job {
        version: Job::VERSION,
        state: JobState::Committed,
        client: Pubkey::new_unique(),
        node: Pubkey::new_unique(),
        operator: Pubkey::new_unique(),
        graph_root: graph.root,
        params_root: replay.work.params_root,
        inputs_root: replay.work.inputs_root,
        ir_version: IR_VERSION,
        symbols: replay.work.symbols(),
        output: OutputDescriptor { ..replay.work.output },
        boundary_root: root,
        bond: 5_000,
        price_max: 100,
        price: 50,
        claimed_slot: 900,
        committed_slot: COMMITTED_SLOT,
        window_slots: WINDOW_SLOTS,
        dispute: DisputeTerms {
            challenge_bond: BOND,
            reveal_slots: 10,
            challenger_clock_slots: 60,
            defender_clock_slots: 30,
            slash_bps: 2_500,
            bounty_bps: 5_000,
            opening_fee_lamports: 100,
        },
        ..Job::default()
    };
    let segment = finding.needs_segment_root.then_some(ProofSegment { segment, root: segment_root, claim: None });
    Case { job, target: TargetRecord::Boundary(position), own_hash, proof, segment }
}

#[test]
fn our_own_judge_convicts_on_the_proof_and_on_nothing_else() {
    let case = case();
    let finding = assay_validator::rules::judged(&case.job, &case.proof, case.segment.as_ref()).unwrap();
    assert_eq!(finding.uses_segment, case.segment.is_some());
    let code = |job: &Job, proof: &[u8], segment: Option<&ProofSegment>| {
        assay_validator::rules::judged(job, proof, segment).unwrap_err().to_string()[..5].to_owned()
    };
    let mut cut = case.proof.clone();
    cut.pop();
    assert_eq!(code(&case.job, &cut, case.segment.as_ref()), "V0414");
    let other = Job { boundary_root: [1; 32], ..case.job.clone() };
    assert_eq!(code(&other, &case.proof, case.segment.as_ref()), "V0414");
    if let Some(segment) = case.segment {
        let other = ProofSegment { root: [2; 32], ..segment };
        assert_eq!(code(&case.job, &case.proof, Some(&other)), "V0414");
    }
}
