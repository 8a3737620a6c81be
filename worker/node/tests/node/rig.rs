//! A node with everything real but the chain, and jobs for it.

use crate::world::{TestMarket, World};
use assay::market::OutputDescriptor;
use assay::state::{DisputeTerms, Job, Node};
use assay::state_machine::JobState;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Execution, Keep, KernelError, Model, TensorSet};
use assay_models::artifact::encode_bundle;
use assay_models::mlp;
use assay_node::board::Board;
use assay_node::config::NodeConfig;
use assay_node::defence::alarm::Alarm;
use assay_node::defence::reserve::Reserve;
use assay_node::driver::{Driver, Shared};
use assay_node::engine::Engine;
use assay_node::fault::NodeFault;
use assay_node::journal::{Journal, Record};
use assay_node::meter::Meter;
use assay_node::prepare::Artifacts;
use assay_node::publish::Publisher;
use assay_node::retention::Keeper;
use assay_node::segments::Segments;
use assay_node::sessions::Sessions;
use assay_node::settings::Settings;
use assay_store::{ArtifactUri, FetchOptions, Fetcher, LocalStore, ServerOptions, UploadOptions, Uploader};
use referee::graph::{Graph, IR_VERSION, ResolvedGraph};
use solana_sdk::pubkey::Pubkey;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const NODE: Pubkey = Pubkey::new_from_array([7; 32]);
pub(crate) const STAKE: u64 = 1_000;
pub(crate) const BOND: u64 = 100;
/// What operators have unless a test says otherwise.
pub(crate) const RICH: u64 = 1_000_000_000_000;
/// Rows of a job's input.
pub(crate) const ROWS: u32 = 3;

/// The perceptron of these tests: small, but with a tensor that takes several writes to upload.
pub(crate) fn shape() -> mlp::Shape {
    mlp::Shape { hidden: vec![400], ..mlp::Shape::tiny() }
}

/// A store that serves a model and one input.
pub(crate) struct Source {
    pub(crate) store: LocalStore,
    pub(crate) base: String,
    pub(crate) graph: Graph,
    pub(crate) resolved: ResolvedGraph,
    pub(crate) params: TensorSet,
    pub(crate) inputs: TensorSet,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Source {
    pub(crate) async fn start() -> Self {
        let model = mlp::model(&shape(), 5).unwrap();
        let resolved = model.resolve(&[ROWS]).unwrap();
        Self::of(model.graph, resolved, model.params, mlp::inputs(&shape(), ROWS, 6)).await
    }

    /// A store with nothing in it yet, and the work whose jobs it is to serve.
    pub(crate) async fn of(graph: Graph, resolved: ResolvedGraph, params: TensorSet, inputs: TensorSet) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(assay_store::serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
        Self { store, base, graph, resolved, params, inputs, stop, _folder: folder }
    }

    pub(crate) async fn put(&self, bytes: Vec<u8>) -> String {
        let id = self.store.put_bytes(bytes).await.unwrap();
        ArtifactUri::new(&self.base, id).unwrap().as_str().to_owned()
    }

    /// A posted job of the model, whole and within every limit.
    pub(crate) async fn job(&self) -> Job {
        let slot = self.resolved.outputs[0];
        let layout = &self.resolved.tensors[usize::from(slot)].layout;
        let hasher = Hasher::default();
        Job {
            version: Job::VERSION,
            state: JobState::Posted,
            client: Pubkey::new_unique(),
            payment_mint: Pubkey::new_from_array([9; 32]),
            graph_root: self.resolved.root,
            params_root: hasher.params_root(&self.resolved, &self.params).unwrap(),
            inputs_root: hasher.inputs_root(&self.resolved, &self.inputs).unwrap(),
            ir_version: IR_VERSION,
            symbols: std::array::from_fn(|index| self.resolved.symbols.get(index).copied().unwrap_or(0)),
            output: OutputDescriptor {
                uid: layout.uid,
                leaves: layout.leaves(),
                depth: layout.depth(),
                boundary_position: self.resolved.boundary_position(slot).unwrap(),
                boundary_count: self.resolved.boundary.len() as u16,
            },
            price_min: 1_000,
            price_max: 2_000,
            ramp_hold_slots: 20_000,
            claim_slots: 20_000,
            run_slots: 20_000,
            window_slots: 40,
            minimum_stake: 10,
            bond: BOND,
            dispute: DisputeTerms {
                challenge_bond: 10,
                reveal_slots: 20,
                challenger_clock_slots: 60,
                defender_clock_slots: 20_000,
                slash_bps: 2_500,
                bounty_bps: 5_000,
                opening_fee_lamports: 70_000,
            },
            protocol_fee_bps: 250,
            miss_charge_bps: 100,
            posted_slot: 10,
            graph_uri: self.put(self.graph.encode()).await,
            params_uri: self.put(encode_bundle(&self.params)).await,
            inputs_uri: self.put(encode_bundle(&self.inputs)).await,
            ..Job::default()
        }
    }
}

pub(crate) fn world(address: &Pubkey, job: &Job) -> World {
    let mut world =
        World { slot: 20, node_address: NODE.to_bytes(), operator: [8; 32], lamports: RICH, ..World::default() };
    let node = Node {
        version: Node::VERSION,
        stake: STAKE,
        withdraw_authority: Pubkey::new_from_array([6; 32]),
        ..Node::default()
    };
    world.put_node(&node);
    world.put_job(address, job);
    world
}

/// The CPU backend, counting its runs in memory and in a file.
#[derive(Debug)]
pub(crate) struct Counting {
    inner: CpuBackend,
    loads: Arc<AtomicUsize>,
    pub(crate) runs: Arc<AtomicUsize>,
    gate: Arc<Gate>,
    file: PathBuf,
}

struct CountingModel {
    inner: Box<dyn Model>,
    runs: Arc<AtomicUsize>,
    gate: Arc<Gate>,
    file: PathBuf,
}

/// Holds runs up before they begin.
#[derive(Debug, Default)]
struct Gate {
    closed: AtomicBool,
    waiting: AtomicUsize,
}

impl Gate {
    fn pass(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while self.closed.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn description(&self) -> String {
        self.inner.description()
    }
    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let inner = self.inner.load(graph, params)?;
        let (runs, gate) = (Arc::clone(&self.runs), Arc::clone(&self.gate));
        Ok(Box::new(CountingModel { inner, runs, gate, file: self.file.clone() }))
    }
}

impl Model for CountingModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        self.gate.pass();
        self.runs.fetch_add(1, Ordering::SeqCst);
        std::fs::OpenOptions::new().create(true).append(true).open(&self.file).unwrap().write_all(b"r").unwrap();
        self.inner.run(inputs, keep)
    }
    fn working_bytes(&self) -> u64 {
        self.inner.working_bytes()
    }
    fn param_bytes(&self) -> u64 {
        self.inner.param_bytes()
    }
}

pub(crate) fn cpu() -> CpuBackend {
    CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap()
}

pub(crate) fn config() -> NodeConfig {
    NodeConfig { concurrent_jobs: 1, allow_private_addresses: true, price_floor: 1, ..NodeConfig::default() }
}

pub(crate) fn fetcher(deadline: Duration) -> Fetcher {
    Fetcher::new(FetchOptions { allow_private: true, max_attempts: 1, deadline, ..FetchOptions::default() }).unwrap()
}

/// A node in a folder. Dropping it stops everything at once, as a crash does.
pub(crate) struct Rig {
    pub(crate) shared: Arc<Shared<TestMarket>>,
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) cancel: CancellationToken,
    loads: Arc<AtomicUsize>,
    gate: Arc<Gate>,
    ticker: JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.ticker.abort();
    }
}

impl Rig {
    pub(crate) fn new(folder: &Path, market: &TestMarket, config: NodeConfig) -> Self {
        Self::with_fault(folder, market, config, None)
    }

    /// A node that does something wrong on purpose.
    pub(crate) fn with_fault(folder: &Path, market: &TestMarket, config: NodeConfig, fault: Option<NodeFault>) -> Self {
        let runs = Arc::new(AtomicUsize::new(0));
        let loads = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Gate::default());
        let backend = Counting {
            inner: cpu(),
            loads: Arc::clone(&loads),
            runs: Arc::clone(&runs),
            gate: Arc::clone(&gate),
            file: folder.join("runs"),
        };
        let store = LocalStore::open(folder.join("artifacts")).unwrap();
        let upload = UploadOptions { allow_private: true, max_attempts: 1, ..UploadOptions::default() };
        let engine = Engine::new(vec![Arc::new(backend)], config.cached_models, config.self_check);
        let engine = match fault.and_then(|fault| fault.execution) {
            Some(fault) => engine.with_fault(fault),
            None => engine,
        };
        let settings = Settings::from(config.clone());
        let shared = Arc::new(Shared {
            node: NODE,
            market: market.clone(),
            journal: Journal::open(&folder.join("journal.redb")).unwrap(),
            artifacts: Artifacts {
                fetcher: fetcher(Duration::from_secs(5)),
                store: store.clone(),
                settings: settings.clone(),
            },
            publisher: Publisher {
                keeper: Keeper::new(store.clone()),
                store,
                uploader: Uploader::new(upload).unwrap(),
                withheld: fault
                    .and_then(|fault| fault.withheld_tensor())
                    .map(|slot| (slot, LocalStore::open(folder.join("withheld")).unwrap())),
            },
            fault,
            segments: Segments::new(&config.serving),
            sessions: Sessions::new(&config.sessions),
            alarm: Alarm::default(),
            reserve: Reserve::default(),
            meter: Meter::new(folder),
            leaving: CancellationToken::new(),
            engine: Arc::new(engine),
            board: Board::default(),
            capacity: Arc::new(Semaphore::new(config.concurrent_jobs)),
            fetching: Arc::new(Semaphore::new(4)),
            config: settings,
        });
        let ticker = tokio::spawn(tick(Arc::clone(&shared), market.clone()));
        Self { shared, runs, cancel: CancellationToken::new(), loads, gate, ticker }
    }

    /// Ends the node as a crash does: nothing more is written, and the journal can be opened again.
    pub(crate) async fn crash(self) {
        self.ticker.abort();
        // A kernel that was running when its driver was dropped ends by itself.
        until("everything has let go", || Arc::strong_count(&self.shared) == 1).await;
    }

    pub(crate) fn driver(&self, address: &Pubkey) -> Driver<TestMarket> {
        Driver::new(Arc::clone(&self.shared), *address, 0)
    }

    /// Drives the job until there is nothing more to do.
    pub(crate) async fn drive(&self, address: &Pubkey) -> Option<Record> {
        let run = self.driver(address).run(self.cancel.clone());
        tokio::time::timeout(Duration::from_secs(60), run).await.expect("the driver is stuck").unwrap();
        self.record(address)
    }

    pub(crate) fn record(&self, address: &Pubkey) -> Option<Record> {
        self.shared.journal.get(address).unwrap()
    }

    /// Holds every run up before it begins, or lets them all go on.
    pub(crate) fn hold_runs(&self, held: bool) {
        self.gate.closed.store(held, Ordering::SeqCst);
    }

    /// Models that were loaded.
    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Runs that wait or are at work.
    pub(crate) fn held_runs(&self) -> usize {
        self.gate.waiting.load(Ordering::SeqCst)
    }

    pub(crate) fn free_places(&self) -> usize {
        self.shared.capacity.available_permits()
    }
}

/// Slots go by, and every change of an account is seen.
async fn tick(shared: Arc<Shared<TestMarket>>, market: TestMarket) {
    let mut known = World::default();
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let now = market.with(|world| {
            world.slot += 1;
            world.clone()
        });
        shared.board.saw_slot(now.slot);
        for (address, job) in &now.jobs {
            if known.jobs.get(address) != Some(job) {
                shared.board.saw_job(&Pubkey::new_from_array(*address), now.slot);
            }
        }
        for (address, session) in &now.sessions {
            if known.sessions.get(address) != Some(session) {
                shared.board.saw_job(&Pubkey::new_from_array(*address), now.slot);
            }
        }
        if known.node != now.node {
            shared.board.saw_node(now.slot);
        }
        known = now;
    }
}

/// Waits for something to become true.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    panic!("waited in vain: {what}");
}
