//! One local market for all tests of this binary: a client, its store, and validators.

use assay_chain::{Sender, read_keypair};
use assay_client::{Client, Posted, Terms, Work};
use assay_localnet::market::mint_tokens;
use assay_localnet::{Localnet, LocalnetOptions, Market, MarketOptions, fund, set_up_market};
use assay_models::digits;
use assay_store::{FetchOptions, LocalStore, ServerOptions};
use assay_validator::config::ValidatorConfig;
use assay_validator::driver::Shared as ValidatorShared;
use assay_validator::journal::{JournalError, Record};
use assay_validator::start::{StartError, Started, start};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SLOT_TIME_MS: u64 = 100;
pub(crate) const STAKE: u64 = 1_000_000_000;
/// Challenge windows are long enough for a busy machine.
pub(crate) const WINDOW_SLOTS: u64 = 300;
/// Those of jobs whose end does not wait for them are longer than any test.
pub(crate) const LONG_WINDOW_SLOTS: u64 = 2_000;
/// Short clocks: what is withheld is decided within half a minute, which is enough for all answers to one challenge.
const CLOCKS: &str = "[parameters.dispute]\nreveal_slots = 300\nchallenger_clock_slots = 900\ndefender_clock_slots = 300\n\
    [parameters.audit]\nepoch_slots = 40\n";

/// A market that stays up until the process ends.
pub(crate) struct Shared {
    pub(crate) localnet: Localnet,
    pub(crate) market: Market,
    _folder: tempfile::TempDir,
}

static SHARED: OnceCell<Shared> = OnceCell::const_new();

/// Validators watch the whole market, so that those of two tests at once would challenge each other's liars.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Held by one test at a time.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

pub(crate) async fn shared() -> &'static Shared {
    SHARED
        .get_or_init(|| async {
            let folder = tempfile::tempdir().unwrap();
            let options = LocalnetOptions { slot_time_ms: SLOT_TIME_MS, ..LocalnetOptions::default() };
            let localnet = Localnet::start(options).unwrap();
            let options = MarketOptions {
                program_file: program_file(),
                program_keypair: None,
                keys_folder: folder.path().join("keys"),
                nodes: 0,
                validators: 0,
                migrations: vec![CLOCKS.to_owned()],
            };
            let market = set_up_market(&localnet, &options, |_| {}).await.unwrap();
            Shared { localnet, market, _folder: folder }
        })
        .await
}

impl Shared {
    pub(crate) fn sender(&self) -> Sender {
        self.localnet.sender()
    }

    /// A new key with lamports, and with tokens of the stake mint.
    pub(crate) async fn key_with_stake(&self, tokens: u64) -> Keypair {
        let key = Keypair::new();
        let sender = self.sender();
        fund(sender.chain(), &key.pubkey(), 5_000_000_000).await.unwrap();
        let authority = read_keypair(&self.market.authority).unwrap();
        mint_tokens(&sender, &authority, self.market.stake_mint, &key.pubkey(), tokens).await.unwrap();
        key
    }

    pub(crate) async fn stake_tokens(&self, owner: &Pubkey) -> u64 {
        let account = self.market.stake_mint.associated_account(owner);
        self.sender().chain().token_balance(&account).await.unwrap().unwrap_or(0)
    }
}

/// A client with a store that is served.
pub(crate) struct Customer {
    pub(crate) client: Client,
    pub(crate) work: Work,
    store: LocalStore,
    base: String,
    _folder: tempfile::TempDir,
}

impl Customer {
    /// With three held-out digits: three segments, with tensors inside.
    pub(crate) async fn new(shared: &Shared, seed: usize) -> Self {
        let model = digits::model().unwrap();
        let images = &digits::Dataset::embedded().held_out[seed..seed + 3];
        let inputs = digits::inputs(images);
        let work = Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &digits::symbols(images)).unwrap();
        Self::with_work(shared, work).await
    }

    pub(crate) async fn with_work(shared: &Shared, work: Work) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, sender) = (Keypair::new(), shared.sender());
        fund(sender.chain(), &key.pubkey(), 5_000_000_000).await.unwrap();
        let authority = read_keypair(&shared.market.authority).unwrap();
        mint_tokens(&sender, &authority, shared.market.payment_mint, &key.pubkey(), 1_000_000_000).await.unwrap();
        let store = LocalStore::open(folder.path().join("served")).unwrap();
        let base = serve(store.clone(), axum::Router::new()).await;
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        let own = LocalStore::open(folder.path().join("own")).unwrap();
        let client = Client::new(sender, key, own, fetch).unwrap();
        Self { client, work, store, base, _folder: folder }
    }

    pub(crate) async fn post(&self, shared: &Shared) -> Posted {
        self.post_with(shared, WINDOW_SLOTS, 0).await
    }

    /// Posts a job whose node is to be convicted: the end of its window is not waited for.
    pub(crate) async fn post_long(&self, shared: &Shared) -> Posted {
        self.post_with(shared, LONG_WINDOW_SLOTS, 0).await
    }

    /// Posts with a pot for audits, all of which one attestation may earn.
    pub(crate) async fn post_with(&self, shared: &Shared, window_slots: u64, audit_pot: u64) -> Posted {
        let artifacts = self.work.store(&self.store, &self.base).await.unwrap();
        let terms = Terms {
            ramp_hold_slots: 0,
            ramp_slots: 0,
            window_slots: Some(window_slots),
            audit_pot,
            audit_cap: audit_pot,
            ..Terms::new(shared.market.payment_mint.address, 1_000_000, 1_000_000)
        };
        self.client.post(&self.work, &artifacts, &terms).await.unwrap()
    }
}

/// Serves a store with further routes on loopback, for as long as the process lives; its base URL.
pub(crate) async fn serve(store: LocalStore, more: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(assay_store::serve_with(store, listener, ServerOptions::default(), more, CancellationToken::new()));
    base
}

/// A validator in a folder.
pub(crate) struct Validator {
    pub(crate) shared: Arc<ValidatorShared>,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), StartError>>,
}

pub(crate) fn config() -> ValidatorConfig {
    let mut config = ValidatorConfig { allow_private_addresses: true, threads: 1, ..ValidatorConfig::default() };
    config.status_listen = ([127, 0, 0, 1], 0).into();
    config.limits.trace_seconds = 5;
    config
}

/// Starts it on a journal that whoever was killed may be about to let go of.
async fn opened(market: &Shared, folder: &Path, key: &Keypair, config: ValidatorConfig) -> Started {
    let begun = Instant::now();
    loop {
        match start(config.clone(), key.insecure_clone(), folder.to_path_buf(), market.sender()).await {
            Err(StartError::Journal(JournalError::InUse { .. })) if begun.elapsed() < Duration::from_secs(30) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            started => return started.unwrap(),
        }
    }
}

impl Validator {
    pub(crate) async fn start(market: &Shared, folder: &Path, key: &Keypair, config: ValidatorConfig) -> Self {
        let started = opened(market, folder, key, config).await;
        let (shared, cancel) = (Arc::clone(started.shared()), CancellationToken::new());
        let task = tokio::spawn(started.run(cancel.clone()));
        Self { shared, cancel, task }
    }

    pub(crate) fn record(&self, job: &Pubkey) -> Option<Record> {
        self.shared.journal.get(job).unwrap()
    }

    /// Waits for the end of a job's record.
    pub(crate) async fn ends(&self, job: &Pubkey) -> Record {
        let started = Instant::now();
        loop {
            if let Some(record) = self.record(job).filter(|record| record.ending.is_some()) {
                return record;
            }
            assert!(!self.task.is_finished(), "the validator ended");
            assert!(started.elapsed() < Duration::from_secs(300), "stuck: {:?}", self.record(job));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Ends it between any two instructions, as a power cut would; what is on disk stays.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
        let shared = Arc::downgrade(&self.shared);
        drop(self.shared);
        let started = Instant::now();
        while shared.strong_count() > 0 {
            assert!(started.elapsed() < Duration::from_secs(30), "something holds on to the journal");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The built program: `ASSAY_PROGRAM_SO`, else `deploy/assay.so` near the test or in the project's target folder.
fn program_file() -> PathBuf {
    if let Some(path) = std::env::var_os("ASSAY_PROGRAM_SO") {
        return PathBuf::from(path);
    }
    let executable = std::env::current_exe().unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/deploy/assay.so");
    let near = executable.ancestors().map(|folder| folder.join("deploy/assay.so"));
    near.chain([project])
        .find(|path| path.exists())
        .expect("the program is not built: run `cargo xtask build --program-only`, or set ASSAY_PROGRAM_SO")
}
