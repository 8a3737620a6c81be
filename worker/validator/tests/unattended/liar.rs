//! A node that commits to a result with one wrong element, by hand.

use crate::market::{STAKE, Shared, serve};
use assay::CommitResultArgs;
use assay::dispute::signature::SegmentStatement;
use assay::state::Job;
use assay_chain::instructions;
use assay_client::Work;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, TensorSet};
use assay_models::manifest::{
    AdviceEntry, AdviceManifest, MANIFEST_VERSION, ManifestEntry, ResultManifest, SegmentManifest,
};
use assay_store::LocalStore;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use referee::graph::{ResolvedGraph, Slot};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Traces that are served, by job and segment.
type Traces = Arc<Mutex<BTreeMap<(String, u16), Vec<u8>>>>;

/// Added to a segment's number where its sums are kept beside the traces.
const ADVICE: u16 = 1 << 15;

/// What the node does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withholds {
    Nothing,
    /// The trace of the wrong segment.
    Trace,
    /// Trace and boundary tensors.
    Everything,
}

pub(crate) struct Liar {
    pub(crate) node: Pubkey,
    pub(crate) owner: Keypair,
    store: LocalStore,
    traces: Traces,
    _folder: tempfile::TempDir,
}

/// The tensors of an honest run: all of them.
pub(crate) fn honest(work: &Work) -> TensorSet {
    let backend = CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap();
    let model = backend.load(work.resolved.clone(), &work.params).unwrap();
    model.run(&work.inputs, Keep::Everything).unwrap().tensors
}

/// The same with one bit of one tensor flipped, and nothing computed on from it.
pub(crate) fn flipped(work: &Work, slot: Slot) -> TensorSet {
    let mut tensors = honest(work);
    let mut bytes = tensors[&slot].to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    tensors.insert(slot, Arc::from(bytes));
    tensors
}

impl Liar {
    pub(crate) async fn new(shared: &Shared) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let traces = Traces::default();
        let router = axum::Router::new()
            .route("/v1/segments/{job}/{segment}", get(trace))
            .route("/v1/segments/{job}/{segment}/advice", get(advice))
            .with_state(Arc::clone(&traces));
        let base = serve(store.clone(), router).await;
        let owner = shared.key_with_stake(2 * STAKE).await;
        let (sender, key) = (shared.sender(), owner.pubkey());
        let node = assay::address::node(&key, 0);
        let mint = shared.market.stake_mint;
        let steps = [
            instructions::register_node(&key, 0, &key, &base),
            instructions::stake(&key, &node, mint, &mint.associated_account(&key), STAKE),
        ];
        sender.execute(&steps, &[&owner]).await.unwrap();
        Self { node, owner, store, traces, _folder: folder }
    }

    /// Claims a job and commits to these tensors, whatever they are.
    pub(crate) async fn commit(&self, shared: &Shared, job: &Pubkey, work: &Work, tensors: &TensorSet, how: Withholds) {
        let (sender, key) = (shared.sender(), self.owner.pubkey());
        sender.execute(&[instructions::claim_job(&key, &self.node, job)], &[&self.owner]).await.unwrap();
        let (graph, hasher) = (&work.resolved, Hasher::default());
        let boundary = hasher.boundary(graph, tensors).unwrap();
        let mut entries = Vec::new();
        for entry in &graph.boundary {
            entries.push(self.keep(entry.slot, tensors).await);
        }
        let manifest = ResultManifest {
            version: MANIFEST_VERSION,
            job: job.to_string(),
            node: self.node.to_string(),
            boundary: entries,
        };
        let manifest = manifest.encode().unwrap();
        let manifest = match how {
            Withholds::Everything => [9; 32],
            _ => *self.store.put_bytes(manifest).await.unwrap().as_bytes(),
        };
        let layout = &graph.tensors[usize::from(work.output_slot)].layout;
        let args = CommitResultArgs {
            boundary_root: boundary.root,
            output_root: hasher.tensor(work.output_slot, layout, &tensors[&work.output_slot]).unwrap().root,
            output_path: boundary.path(work.output.boundary_position).unwrap(),
            result_manifest: manifest,
        };
        sender.execute(&[instructions::commit_result(&key, job, args)], &[&self.owner]).await.unwrap();
        if how == Withholds::Nothing {
            let account = sender.chain().job(job).await.unwrap();
            let genesis = sender.chain().network().await.unwrap().genesis_hash;
            for segment in 0..graph.segments.len() as u16 {
                self.sign(job, &account, genesis, graph, segment, tensors).await;
            }
        }
    }

    /// Signs the root of a segment's tensors and serves them.
    async fn sign(
        &self,
        job: &Pubkey,
        account: &Job,
        genesis: [u8; 32],
        graph: &ResolvedGraph,
        segment: u16,
        tensors: &TensorSet,
    ) {
        let slots = graph.segment_slots(segment);
        let hashes = Hasher::default().hashes(graph, tensors, &slots).unwrap();
        let root = ResolvedGraph::segment_root(segment, &hashes);
        let statement = instructions::segment_statement(genesis, job, account, segment, root);
        let mut entries = Vec::new();
        for slot in slots {
            entries.push(self.keep(slot, tensors).await);
        }
        let manifest = SegmentManifest {
            version: MANIFEST_VERSION,
            job: job.to_string(),
            node: self.node.to_string(),
            segment,
            root: hex::encode(root),
            signature: self.owner.sign_message(&statement.message()).to_string(),
            tensors: entries,
        };
        self.traces.lock().unwrap().insert((job.to_string(), segment), manifest.encode().unwrap());
    }

    /// Serves another root of a segment from now on, with the operator's signature over it.
    pub(crate) async fn sign_another(&self, shared: &Shared, job: &Pubkey, segment: u16, root: [u8; 32]) {
        let key = (job.to_string(), segment);
        let served = self.traces.lock().unwrap()[&key].clone();
        let mut manifest: SegmentManifest = serde_json::from_slice(&served).unwrap();
        let statement = statement(shared, job, segment, root).await;
        manifest.root = hex::encode(root);
        manifest.signature = self.owner.sign_message(&statement.message()).to_string();
        self.traces.lock().unwrap().insert(key, manifest.encode().unwrap());
    }

    /// Records a root of a segment on the chain, whatever it is.
    pub(crate) async fn record(&self, shared: &Shared, job: &Pubkey, segment: u16, root: [u8; 32]) {
        let (sender, key) = (shared.sender(), self.owner.pubkey());
        let statement = statement(shared, job, segment, root).await;
        let signature = self.owner.sign_message(&statement.message());
        let record = instructions::record_segment_root(&key, &key, &statement, signature.as_ref().try_into().unwrap());
        sender.execute(&record, &[&self.owner]).await.unwrap();
    }

    /// Serves the sums of every segment's contractions, computed from these tensors.
    pub(crate) async fn advise(&self, job: &Pubkey, work: &Work, tensors: &TensorSet) {
        let backend = CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap();
        for segment in 0..work.resolved.segments.len() as u16 {
            let given = |slot| [tensors, &work.params, &work.inputs].into_iter().find_map(|set| set.get(&slot));
            let mut sums = Vec::new();
            for (op, bytes) in assay_kernels::audit::advice(&backend, &work.resolved, segment, given).unwrap() {
                let length = bytes.len() as u64;
                let id = self.store.put_bytes(bytes.to_vec()).await.unwrap();
                sums.push(AdviceEntry { op, artifact: id.to_string(), bytes: length });
            }
            let (job, node) = (job.to_string(), self.node.to_string());
            let advice = AdviceManifest { version: MANIFEST_VERSION, job: job.clone(), node, segment, sums };
            self.traces.lock().unwrap().insert((job, ADVICE + segment), advice.encode().unwrap());
        }
    }

    async fn keep(&self, slot: Slot, tensors: &TensorSet) -> ManifestEntry {
        let bytes = tensors[&slot].to_vec();
        let length = bytes.len() as u64;
        let id = self.store.put_bytes(bytes).await.unwrap();
        ManifestEntry { slot, artifact: id.to_string(), bytes: length }
    }
}

async fn statement(shared: &Shared, job: &Pubkey, segment: u16, root: [u8; 32]) -> SegmentStatement {
    let chain = shared.sender().chain().clone();
    let genesis_hash = chain.network().await.unwrap().genesis_hash;
    instructions::segment_statement(genesis_hash, job, &chain.job(job).await.unwrap(), segment, root)
}

async fn trace(State(traces): State<Traces>, Path((job, segment)): Path<(String, u16)>) -> (StatusCode, Vec<u8>) {
    match traces.lock().unwrap().get(&(job, segment)) {
        Some(bytes) => (StatusCode::OK, bytes.clone()),
        None => (StatusCode::NOT_FOUND, br#"{"code":"N0706","message":"it is not given"}"#.to_vec()),
    }
}

async fn advice(traces: State<Traces>, Path((job, segment)): Path<(String, u16)>) -> (StatusCode, Vec<u8>) {
    trace(traces, Path((job, ADVICE + segment))).await
}
