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
use assay_node::breaker::Breaker;
use assay_node::config::{BreakerSettings, NodeConfig};
use assay_node::defence::alarm::Alarm;
use assay_node::defence::reserve::Reserve;
use assay_node::driver::{Driver, Shared};
use assay_node::engine::Engine;
use assay_node::fault::NodeFault;
use assay_node::journal::{Journal, Record};
use assay_node::leaving::Leaving;
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
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
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

/// How long what is waited for may take on a busy machine: it only guards against waiting for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

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
        Self::with_rows(ROWS).await
    }

    /// One whose jobs have so many rows.
    pub(crate) async fn with_rows(rows: u32) -> Self {
        let model = mlp::model(&shape(), 5).unwrap();
        let resolved = model.resolve(&[rows]).unwrap();
        Self::of(model.graph, resolved, model.params, mlp::inputs(&shape(), rows, 6)).await
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
    counts: Counts,
    file: PathBuf,
}

/// What is counted, what holds runs up, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) loads: Arc<AtomicUsize>,
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) gate: Arc<Gate>,
    /// Holds up what loads a model.
    pub(crate) loading: Arc<Gate>,
    pub(crate) illness: Arc<Illness>,
}

struct CountingModel {
    inner: Box<dyn Model>,
    output: u16,
    runs: Arc<AtomicUsize>,
    gate: Arc<Gate>,
    illness: Arc<Illness>,
    file: PathBuf,
}

/// What is wrong with the backend at present.
#[derive(Debug, Default)]
pub(crate) struct Illness {
    /// Runs fail.
    pub(crate) fails: AtomicBool,
    /// One element of the output is wrong.
    pub(crate) lies: AtomicBool,
    /// What a run says that it took; 0 for what it did take.
    pub(crate) kernel_millis: AtomicU64,
}

/// Holds runs up before they begin.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    waiting: AtomicUsize,
}

impl Gate {
    /// Holds runs up, or lets them go on.
    pub(crate) fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// Runs that wait or are at work.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(crate) fn pass(&self) {
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
        self.counts.loading.pass();
        self.counts.loads.fetch_add(1, Ordering::SeqCst);
        let output = graph.outputs[0];
        let inner = self.inner.load(graph, params)?;
        let Counts { runs, gate, illness, .. } = self.counts.clone();
        Ok(Box::new(CountingModel { inner, output, runs, gate, illness, file: self.file.clone() }))
    }
}

impl Model for CountingModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        self.gate.pass();
        self.runs.fetch_add(1, Ordering::SeqCst);
        std::fs::OpenOptions::new().create(true).append(true).open(&self.file).unwrap().write_all(b"r").unwrap();
        if self.illness.fails.load(Ordering::SeqCst) {
            return Err(KernelError::Device { device: "counting".into(), reason: "it is ill".into() });
        }
        let mut execution = self.inner.run(inputs, keep)?;
        if self.illness.lies.load(Ordering::SeqCst)
            && let Some(output) = execution.tensors.get_mut(&self.output)
        {
            let mut bytes = output.to_vec();
            bytes[0] ^= 1;
            *output = bytes.into();
        }
        match self.illness.kernel_millis.load(Ordering::SeqCst) {
            0 => {}
            millis => execution.kernel_time = Duration::from_millis(millis),
        }
        Ok(execution)
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
    // Tests give operators exactly what some other rule asks for.
    let breaker = BreakerSettings { least_lamports: 0, ..BreakerSettings::default() };
    NodeConfig { concurrent_jobs: 1, allow_private_addresses: true, price_floor: 1, breaker, ..NodeConfig::default() }
}

pub(crate) fn fetcher(deadline: Duration) -> Fetcher {
    Fetcher::new(FetchOptions { allow_private: true, max_attempts: 1, deadline, ..FetchOptions::default() }).unwrap()
}

/// A node in a folder. Dropping it stops everything at once, as a crash does.
pub(crate) struct Rig {
    pub(crate) shared: Arc<Shared<TestMarket>>,
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) cancel: CancellationToken,
    pub(crate) illness: Arc<Illness>,
    loads: Arc<AtomicUsize>,
    gate: Arc<Gate>,
    pub(crate) loading: Arc<Gate>,
    ticker: JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.ticker.abort();
        // The end of a test that failed waits for its threads.
        self.gate.close(false);
        self.loading.close(false);
    }
}

impl Rig {
    pub(crate) fn new(folder: &Path, market: &TestMarket, config: NodeConfig) -> Self {
        Self::with_fault(folder, market, config, None)
    }

    /// A node that does something wrong on purpose.
    pub(crate) fn with_fault(folder: &Path, market: &TestMarket, config: NodeConfig, fault: Option<NodeFault>) -> Self {
        Self::with_spares(folder, market, config, fault, Vec::new())
    }

    /// A node with backends to fall back to.
    pub(crate) fn with_spares(
        folder: &Path,
        market: &TestMarket,
        config: NodeConfig,
        fault: Option<NodeFault>,
        spares: Vec<Arc<dyn Backend>>,
    ) -> Self {
        let counts = Counts::default();
        let backend = Counting { inner: cpu(), counts: counts.clone(), file: folder.join("runs") };
        let mut backends: Vec<Arc<dyn Backend>> = vec![Arc::new(backend)];
        backends.extend(spares);
        let engine = Engine::new(backends, config.cached_models, config.self_check);
        let engine = match fault.and_then(|fault| fault.execution) {
            Some(fault) => engine.with_fault(fault),
            None => engine,
        };
        Self::of(folder, market, config, fault, engine, counts)
    }

    /// A node that computes with this engine, whose runs it does not count.
    pub(crate) fn with_engine(folder: &Path, market: &TestMarket, config: NodeConfig, engine: Engine) -> Self {
        Self::of(folder, market, config, None, engine, Counts::default())
    }

    fn of(
        folder: &Path,
        market: &TestMarket,
        config: NodeConfig,
        fault: Option<NodeFault>,
        engine: Engine,
        counts: Counts,
    ) -> Self {
        let Counts { loads, runs, gate, loading, illness } = counts;
        let store = LocalStore::open(folder.join("artifacts")).unwrap();
        let upload = UploadOptions { allow_private: true, max_attempts: 1, ..UploadOptions::default() };
        let settings = Settings::from(config.clone());
        let journal = Journal::open(&folder.join("journal.redb")).unwrap();
        let shared = Arc::new(Shared {
            node: NODE,
            market: market.clone(),
            breaker: Breaker::of(&journal).unwrap(),
            journal,
            artifacts: Artifacts { fetcher: fetcher(PATIENCE), store: store.clone(), settings: settings.clone() },
            publisher: Publisher {
                keeper: Keeper::new(store.clone()),
                store,
                uploader: Uploader::new(upload).unwrap(),
                mirror: None,
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
            leaving: Leaving::default(),
            engine: Arc::new(engine),
            board: Board::default(),
            capacity: Arc::new(Semaphore::new(config.concurrent_jobs)),
            fetching: Arc::new(Semaphore::new(4)),
            config: settings,
        });
        let ticker = tokio::spawn(tick(Arc::clone(&shared), market.clone()));
        Self { shared, runs, cancel: CancellationToken::new(), illness, loads, gate, loading, ticker }
    }

    /// Whether no adapter holds memory for anything, and none has a run in its queue.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.shared.engine.adapters().iter().all(|adapter| adapter.held_bytes == 0 && adapter.queued == 0)
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
        tokio::time::timeout(PATIENCE, run).await.expect("the driver is stuck").unwrap();
        self.record(address)
    }

    pub(crate) fn record(&self, address: &Pubkey) -> Option<Record> {
        self.shared.journal.get(address).unwrap()
    }

    /// Holds every run up before it begins, or lets them all go on.
    pub(crate) fn hold_runs(&self, held: bool) {
        self.gate.close(held);
    }

    /// Models that were loaded.
    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Runs that wait or are at work.
    pub(crate) fn held_runs(&self) -> usize {
        self.gate.waiting()
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
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
}
