//! One story: its own mint, its own folder, a client with a store, on the localnet that all stories share.

use crate::binary;
use crate::command::{CLIENT_KEYPAIR, CLIENT_STORE};
use crate::node::Placement;
use assay::CreditRole;
use assay::state::{Change, Job};
use assay::state_machine::JobState;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::{Chain, Endpoint, SendOptions, Sender, read_keypair, write_keypair};
use assay_client::{ArtifactUris, Client, Posted, Terms, Work};
use assay_localnet::fund;
use assay_localnet::market::{create_mint, mint_tokens};
use assay_models::mlp;
use assay_store::{FetchOptions, LocalStore, ServerOptions, serve};
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// Allows payments in a mint, on a network whose changes take effect at once. Other stories propose at the same time, and each
/// number of a proposal is one story's only.
async fn allow_mint(sender: &Sender, authority: &Keypair, mint: TokenMint) {
    let change = Change::AllowPaymentMint { mint: mint.address, bond_numerator: 1, bond_denominator: 1 };
    let key = authority.pubkey();
    for _ in 0..50 {
        let number = sender.chain().network().await.expect("the network").proposals;
        let execute =
            instructions::execute_proposal(&key, number, &key, change, Some(mint)).expect("the mint is given");
        let steps = [instructions::propose_change(&key, number, change), execute];
        if sender.execute(&steps, &[authority]).await.is_ok() {
            return;
        }
    }
    panic!("the mint is not allowed");
}

/// The localnet of this test run.
struct Shared {
    ready: Value,
    _folder: TempDir,
    child: Mutex<Child>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Never dropped: a localnet watches for the end of this process by itself.
static CALM: OnceCell<Shared> = OnceCell::const_new();
static HASTY: OnceCell<Shared> = OnceCell::const_new();
static DRAWN: OnceCell<Shared> = OnceCell::const_new();

/// How much time disputes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// What the project's migrations give a development network.
    Calm,
    /// So little that a story can wait for a clock to run out.
    Hasty,
    /// As calm, and claims open slowly: a network for one story's nodes alone, of whose weight each has a known share.
    Drawn,
}

/// What is different on the calm localnet: who has sealed may take long to reveal, for ten of them do it after one another; and
/// nodes are drawn, for a second, before all may claim.
const CALM_MIGRATION: &str = "[parameters.dispute]\nreveal_slots = 600\n\
    [parameters.scheduling.opening]\ndelay_slots = 1\nstep_slots = 2\nfirst_expected = 1\nsteps = 2\n";

/// What is different on the hasty localnet. Four seconds to answer, which is waited for; twenty to reveal, which is done at
/// once by whoever does it at all, on a machine that may be busy.
/// Who was convicted is charged for its company twenty seconds later.
const HASTY_MIGRATION: &str = "[parameters.dispute]\nreveal_slots = 100\nchallenger_clock_slots = 120\ndefender_clock_slots = 20\n\
    [parameters.scheduling]\ncorrelation_window_slots = 200\n";

/// What is different where nodes are drawn: fifteen seconds for one node on average, fifteen for two, and then all may
/// claim. A busy machine has to seal its seeds within them.
const DRAWN_MIGRATION: &str =
    "[parameters.scheduling.opening]\ndelay_slots = 2\nstep_slots = 75\nfirst_expected = 1\nsteps = 2\n";

/// How long anything may take that has to happen in the end. Nothing waits as long unless it fails, so that a machine many times
/// slower passes too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// Milliseconds of a slot on the shared localnet.
const SLOT_MS: u64 = 200;

/// A story in the telling.
pub struct Story {
    folder: TempDir,
    sender: Sender,
    authority: Keypair,
    payment: TokenMint,
    stake: TokenMint,
    placement: Placement,
    /// The client.
    pub client: Client,
    /// The client's store, which is served.
    pub store: LocalStore,
    /// Where it is served.
    pub store_url: String,
    stop: CancellationToken,
}

/// Tokens and lamports of the client at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Base units of the payment mint.
    pub tokens: u64,
    /// Base units of the stake mint.
    pub stake_tokens: u64,
    /// Lamports: rent comes back, fees do not.
    pub lamports: u64,
}

impl Story {
    /// What each node stakes; every owner has twice as much to begin with.
    pub const STAKE: u64 = 1_000_000_000;
    /// What the client starts with, in the payment mint.
    pub const PURSE: u64 = 1_000_000_000;

    /// Begins a story: starts the shared localnet if this is the first one, makes a mint and a client.
    pub async fn begin() -> Self {
        Self::begin_at(Pace::Calm).await
    }

    /// Begins a story on the localnet with that pace.
    pub async fn begin_at(pace: Pace) -> Self {
        let shared = match pace {
            Pace::Calm => CALM.get_or_init(|| start_localnet(CALM_MIGRATION)).await,
            Pace::Drawn => DRAWN.get_or_init(|| start_localnet(DRAWN_MIGRATION)).await,
            Pace::Hasty => HASTY.get_or_init(|| start_localnet(HASTY_MIGRATION)).await,
        };
        let text = |key: &str| shared.ready[key].as_str().unwrap_or_default().to_owned();
        let placement = Placement { rpc_url: text("rpc_url"), ws_url: text("ws_url") };
        let endpoint = Endpoint::parse_with_websocket(&placement.rpc_url, &placement.ws_url).expect("an endpoint");
        let sender = Sender::new(Chain::new(endpoint), SendOptions::default());
        let authority = PathBuf::from(shared.ready["keys"]["authority"].as_str().unwrap_or_default());
        let authority = read_keypair(&authority).expect("the authority's key");
        let payment = create_mint(&sender, &authority, &Keypair::new()).await.expect("a mint");
        allow_mint(&sender, &authority, payment).await;

        let folder = new_folder();
        let key = Keypair::new();
        write_keypair(&folder.path().join(CLIENT_KEYPAIR), &key).expect("a keypair file");
        fund(sender.chain(), &key.pubkey(), 10_000_000_000).await.expect("lamports");
        mint_tokens(&sender, &authority, payment, &key.pubkey(), Self::PURSE).await.expect("tokens");
        let store = LocalStore::open(folder.path().join(CLIENT_STORE)).expect("a store");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let store_url = format!("http://{}", listener.local_addr().expect("an address"));
        let stop = CancellationToken::new();
        tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        let client = Client::new(sender.clone(), key, store.clone(), fetch).expect("a client");
        let stake = TokenMint::spl_token(text("stake_mint").parse().expect("a mint"));
        Self { folder, sender, authority, payment, stake, placement, client, store, store_url, stop }
    }

    /// Where the story's files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The story's own mint.
    pub fn payment_mint(&self) -> Pubkey {
        self.payment.address
    }

    /// Where somebody holds tokens of the story's own mint.
    pub fn payment_mint_account(&self, owner: &Pubkey) -> Pubkey {
        self.payment.associated_account(owner)
    }

    /// The chain as it is.
    pub fn chain(&self) -> &Chain {
        self.sender.chain()
    }

    /// What sends for this story.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The mint of stakes and bonds.
    pub fn stake_mint(&self) -> TokenMint {
        self.stake
    }

    /// Tokens of the stake mint in somebody's own account.
    pub async fn stake_tokens_of(&self, owner: &Pubkey) -> u64 {
        self.chain().token_balance(&self.stake.associated_account(owner)).await.expect("a balance").unwrap_or(0)
    }

    /// Straight to the localnet.
    pub fn placement(&self) -> Placement {
        self.placement.clone()
    }

    /// A key with lamports and stake tokens, in a file: the withdraw authority of a node.
    pub fn new_owner(&self, name: &str) -> PathBuf {
        let (key, path) = (Keypair::new(), self.folder().join(format!("{name}.owner.json")));
        write_keypair(&path, &key).expect("a keypair file");
        let furnish = async {
            fund(self.chain(), &key.pubkey(), 10_000_000_000).await.expect("lamports");
            mint_tokens(&self.sender, &self.authority, self.stake, &key.pubkey(), 2 * Self::STAKE)
                .await
                .expect("stake");
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(furnish));
        path
    }

    /// Runs one command with a key and returns its exit status, the JSON of its last line, and what it said besides.
    pub fn command(&self, key: &Path, arguments: &[&str]) -> (Option<i32>, Value, String) {
        let output = Command::new(binary::assay())
            .args(arguments)
            .args(["--url", &self.placement.rpc_url, "--ws", &self.placement.ws_url, "--output", "json", "--keypair"])
            .arg(key)
            .output()
            .expect("assay runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or(Value::Null);
        (output.status.code(), value, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// A key with lamports and tokens of the story's mint, in a file.
    pub async fn new_payer(&self, name: &str, tokens: u64) -> PathBuf {
        let (key, path) = (Keypair::new(), self.folder().join(format!("{name}.json")));
        write_keypair(&path, &key).expect("a keypair file");
        fund(self.chain(), &key.pubkey(), 10_000_000_000).await.expect("lamports");
        if tokens > 0 {
            mint_tokens(&self.sender, &self.authority, self.payment, &key.pubkey(), tokens).await.expect("tokens");
        }
        path
    }

    /// A client of a key in a file, with the store of the story.
    pub fn client_of(&self, key: &Path) -> Client {
        let key = read_keypair(key).expect("a keypair");
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        Client::new(self.sender.clone(), key, self.store.clone(), fetch).expect("a client")
    }

    /// Gives the client stake tokens, for the bonds of filings.
    pub async fn furnish_client_with_stake(&self) {
        let client = self.client.address();
        mint_tokens(&self.sender, &self.authority, self.stake, &client, Self::STAKE).await.expect("stake");
    }

    /// Gives a node's operator lamports to lend rent with: what its registration gives it is too little to open many kilobytes
    /// on-chain.
    pub async fn furnish_operator(&self, node: &Pubkey) {
        let operator = self.chain().node(node).await.expect("the node").operator;
        fund(self.chain(), &operator, 5_000_000_000).await.expect("lamports");
    }

    /// Work that takes a moment: a small network on made-up inputs.
    pub fn work(&self, seed: u64) -> Work {
        let shape = mlp::Shape::tiny();
        let model = mlp::model(&shape, 7).expect("a model");
        let batch = 2;
        let inputs = mlp::inputs(&shape, batch, seed);
        Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &[batch]).expect("work")
    }

    /// Terms that a node accepts at once, with time for a busy one to claim.
    pub fn terms(&self) -> Terms {
        Terms {
            ramp_hold_slots: 0,
            ramp_slots: 0,
            claim_slots: 1_000,
            ..Terms::new(self.payment_mint(), 1_000_000, 1_000_000)
        }
    }

    /// Stores the artifacts and posts.
    pub async fn post(&self, work: &Work, terms: &Terms) -> Posted {
        let artifacts = self.artifacts(work).await;
        self.client.post(work, &artifacts, terms).await.expect("the job is posted")
    }

    /// Artifacts in the client's store.
    pub async fn artifacts(&self, work: &Work) -> ArtifactUris {
        work.store(&self.store, &self.store_url).await.expect("artifacts are stored")
    }

    /// Waits for the end of a job.
    pub async fn end(&self, job: &Pubkey) -> Job {
        let waiting = self.client.wait(job, |_| {});
        tokio::time::timeout(PATIENCE, waiting).await.expect("the job ends").expect("the job is there").job
    }

    /// Waits until a job has a result, and returns it as it is then: that of a node that lies may be convicted already.
    pub async fn committed(&self, job: &Pubkey) -> Job {
        let started = Instant::now();
        loop {
            let now = self.chain().job(job).await.expect("the job is there");
            if now.committed_slot != 0 {
                return now;
            }
            let can_be_computed = matches!(now.state, JobState::Posted | JobState::Claimed);
            assert!(can_be_computed && started.elapsed() < PATIENCE, "the job is {:?} and has no result", now.state);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let started = Instant::now();
        while !holds().await {
            assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the client has.
    pub async fn accounts(&self) -> Accounts {
        let owner = self.client.address();
        let tokens = async |mint: TokenMint| {
            self.chain().token_balance(&mint.associated_account(&owner)).await.expect("a balance").unwrap_or(0)
        };
        Accounts {
            tokens: tokens(self.payment).await,
            stake_tokens: tokens(self.stake).await,
            lamports: self.chain().balance_lamports(&owner).await.expect("a balance"),
        }
    }

    /// Tokens that a node's owner has been paid.
    pub async fn paid_to(&self, node: &Pubkey) -> u64 {
        let owner = self.chain().node(node).await.expect("the node").withdraw_authority;
        self.chain().token_balance(&self.payment.associated_account(&owner)).await.expect("a balance").unwrap_or(0)
    }

    /// Protocol fees of this story's mint.
    pub async fn fees(&self) -> u64 {
        let vault = assay::address::fee_vault(&self.payment_mint());
        self.chain().token_balance(&vault).await.expect("a balance").unwrap_or(0)
    }

    /// Brings the job to its closing, and expects all tokens of this story's mint to be accounted for. Every other job of
    /// the story is closed already.
    pub async fn close(&self, job: &Pubkey, nodes: &[Pubkey]) {
        self.close_one(job).await;
        self.balanced(nodes).await;
    }

    /// Expects all tokens of this story's mint to be with the client, these nodes and the protocol.
    pub async fn balanced(&self, nodes: &[Pubkey]) {
        let mut total = self.accounts().await.tokens + self.fees().await;
        for node in nodes {
            total += self.paid_to(node).await;
        }
        assert_eq!(total, Self::PURSE, "tokens in = tokens out");
    }

    /// A stranger closes the job as soon as that is possible, paying out what is still inside.
    pub async fn stranger_closes(&self, job: &Pubkey) {
        let stranger = Keypair::new();
        let key = stranger.pubkey();
        fund(self.chain(), &key, 1_000_000_000).await.expect("lamports");
        let started = Instant::now();
        while let Some(account) = self.chain().find_job(job).await.expect("the chain answers") {
            let mut steps = Vec::new();
            for (role, payee, owed) in [
                (CreditRole::Client, account.client, account.credits.client),
                (CreditRole::Node, account.payee, account.credits.node),
            ] {
                if owed > 0 {
                    let create = self.payment.create_associated_account(&key, &payee);
                    let pay = instructions::help_withdraw_credit(&key, job, self.payment, role, &payee);
                    steps.push(vec![create, pay]);
                }
            }
            if account.credits.fee > 0 {
                steps.push(vec![instructions::sweep_fee(job, self.payment)]);
            }
            if account.record.burn_credit > 0 {
                steps.push(vec![instructions::burn_slash(job, self.stake)]);
            }
            if account.check_closable().is_ok() {
                steps.push(vec![instructions::close_job(job, &account, self.payment)]);
            }
            for step in steps {
                // The node may be faster.
                let _ = self.sender.execute(&step, &[&stranger]).await;
            }
            assert!(started.elapsed() < PATIENCE, "the job cannot be closed");
        }
    }

    /// Brings one job to its closing: everything out, account and vault gone.
    pub async fn close_one(&self, job: &Pubkey) {
        let started = Instant::now();
        // The node may be withdrawing at the same moment: both ways lead to the same end.
        while self.chain().find_job(job).await.expect("the chain answers").is_some() {
            let _ = self.client.reclaim(job).await;
            assert!(started.elapsed() < PATIENCE, "the job cannot be closed");
        }
        let vault = assay::address::vault(job);
        assert_eq!(self.chain().token_balance(&vault).await.expect("the chain answers"), None, "the vault is closed");
    }
}

/// A folder of a story; where `ASSAY_KEEP_STORIES` names a folder, it is made there and stays, with the logs of all processes.
fn new_folder() -> TempDir {
    let Some(keep) = std::env::var_os("ASSAY_KEEP_STORIES") else { return tempfile::tempdir().expect("a folder") };
    let mut folder = tempfile::tempdir_in(keep).expect("a folder in ASSAY_KEEP_STORIES");
    folder.disable_cleanup(true);
    folder
}

impl Drop for Story {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn start_localnet(migration: &str) -> Shared {
    let folder = tempfile::tempdir().expect("a folder");
    let ready_file = folder.path().join("ready.json");
    let log = std::fs::File::create(folder.path().join("log")).expect("a log file");
    let mut command = Command::new(binary::assay());
    let further = folder.path().join("further.toml");
    std::fs::write(&further, migration).expect("a migration");
    command.arg("localnet").arg("--migration").arg(further);
    let child = command
        .args(["--rpc-port", "0", "--ws-port", "0", "--nodes", "0", "--validators", "0"])
        .args(["--slot-ms", &SLOT_MS.to_string()])
        .arg("--folder")
        .arg(folder.path())
        .arg("--ready-file")
        .arg(&ready_file)
        .arg("--program")
        .arg(binary::program())
        // Statics are not dropped at exit: the localnet ends when this process is gone.
        .arg("--until-parent-exits")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the localnet starts");
    let started = Instant::now();
    let ready = loop {
        if let Ok(text) = std::fs::read_to_string(&ready_file) {
            break serde_json::from_str(&text).expect("the ready file is JSON");
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(started.elapsed() < PATIENCE, "the localnet does not come up: {log}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    Shared { ready, _folder: folder, child: Mutex::new(child) }
}
