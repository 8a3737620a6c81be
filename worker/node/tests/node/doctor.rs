//! The examination as a whole: a chain that answers what it is told to, and a machine that is as ill as it is told to be.

use anchor_lang::AccountSerialize;
use assay::state::{Network, Node, Parameters, SchedulingParameters};
use assay_chain::{Chain, Endpoint, write_keypair};
use assay_node::benchmark::{BenchmarkError, Measured};
use assay_node::config::{BackendChoice, NodeConfig};
use assay_node::doctor::machine::{BackendFacts, FileFacts, MemoryFacts};
use assay_node::doctor::{Examination, Extent, Finding, Grade, Machine, Patient, ThisMachine, examine};
use assay_node::journal::{Journal, Record, Stage};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;

const GENESIS: [u8; 32] = [3; 32];
const CLOCK_SECONDS: i64 = 1_800_000_000;
const ENOUGH: u64 = 10_000_000_000;

/// What a fake endpoint answers.
#[derive(Clone)]
struct World {
    slot: u64,
    genesis: Hash,
    balance: u64,
    accounts: HashMap<String, (Pubkey, Vec<u8>, bool)>,
}

fn stored(account: &impl AccountSerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    account.try_serialize(&mut bytes).unwrap();
    bytes
}

/// A chain with the program, a development network and a node.
fn world(node: &Pubkey, account: &Node, development: bool) -> World {
    let scheduling = SchedulingParameters { epoch_slots: 21_600, stake_per_job: 1, ..SchedulingParameters::default() };
    let parameters =
        Parameters { minimum_stake: 10, maximum_open_jobs_per_node: 10, scheduling, ..Parameters::default() };
    let network =
        Network { version: Network::VERSION, genesis_hash: GENESIS, development, parameters, ..Network::default() };
    let mut clock = vec![0; 40];
    clock[32..].copy_from_slice(&CLOCK_SECONDS.to_le_bytes());
    let clock_address: Pubkey = "SysvarC1ock11111111111111111111111111111111".parse().unwrap();
    let accounts = [
        (assay::ID, (Pubkey::default(), vec![1], true)),
        (assay::address::network(), (assay::ID, stored(&network), false)),
        (*node, (assay::ID, stored(account), false)),
        (clock_address, (Pubkey::default(), clock, false)),
    ];
    let accounts = accounts.into_iter().map(|(key, account)| (key.to_string(), account)).collect();
    World { slot: 1_000, genesis: Hash::new_from_array(GENESIS), balance: ENOUGH, accounts }
}

async fn answer(State(world): State<Arc<World>>, Json(request): Json<Value>) -> Json<Value> {
    let with_context = |value: Value| json!({ "context": { "slot": world.slot }, "value": value });
    let account = |key: &Value| {
        let found = world.accounts.get(key.as_str().unwrap_or_default());
        found.map_or(Value::Null, |(owner, data, executable)| {
            json!({
                "lamports": 1, "owner": owner.to_string(), "executable": executable, "rentEpoch": 0,
                "space": data.len(), "data": [bs58::encode(data).into_string(), "base58"],
            })
        })
    };
    let result = match request["method"].as_str().unwrap_or_default() {
        "getSlot" => json!(world.slot),
        "getGenesisHash" => json!(world.genesis.to_string()),
        "getBalance" => with_context(json!(world.balance)),
        "getProgramAccounts" => with_context(json!([])),
        "getMultipleAccounts" => {
            with_context(request["params"][0].as_array().into_iter().flatten().map(account).collect())
        }
        other => panic!("the examination asks for {other}"),
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
}

async fn serve(world: World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(answer)).with_state(Arc::new(world));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A machine that is well but for what is said here.
#[derive(Clone)]
struct Ill {
    free_bytes: u64,
    total_bytes: u64,
    skew_seconds: i64,
    units_per_slot: u64,
}

impl Default for Ill {
    fn default() -> Self {
        Self { free_bytes: u64::MAX, total_bytes: u64::MAX, skew_seconds: 0, units_per_slot: 1_000 }
    }
}

impl Machine for Ill {
    fn file(&self, path: &Path) -> io::Result<Option<FileFacts>> {
        ThisMachine.file(path)
    }

    fn try_writing(&self, folder: &Path) -> io::Result<()> {
        ThisMachine.try_writing(folder)
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free_bytes)
    }

    fn memory(&self) -> Option<MemoryFacts> {
        Some(MemoryFacts { total_bytes: self.total_bytes, available_bytes: self.total_bytes })
    }

    fn unix_seconds(&self) -> i64 {
        CLOCK_SECONDS + self.skew_seconds
    }

    fn backends(&self, _: &NodeConfig) -> Vec<BackendFacts> {
        vec![BackendFacts { name: "cpu", state: Ok("one".to_owned()), adapter: None }]
    }

    fn speed(&self, _: &NodeConfig) -> Result<Measured, BenchmarkError> {
        let slowest = assay_node::benchmark::NOMINAL_SLOT;
        Ok(Measured { backend: "cpu", device: "one".to_owned(), runs: 5, cost_units: self.units_per_slot, slowest })
    }
}

struct Scene {
    folder: TempDir,
    operator: Keypair,
    node: Pubkey,
    config: NodeConfig,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let operator = Keypair::new();
        write_keypair(&folder.path().join("operator.json"), &operator).unwrap();
        let config = NodeConfig {
            backend: BackendChoice::Cpu,
            listen: free_address().await,
            status_listen: free_address().await,
            ..NodeConfig::default()
        };
        Self { folder, operator, node: Pubkey::new_unique(), config }
    }

    fn account(&self) -> Node {
        Node {
            version: Node::VERSION,
            operator: self.operator.pubkey(),
            withdraw_authority: Pubkey::new_from_array([6; 32]),
            stake: 1_000,
            endpoint: format!("http://{}", self.config.listen),
            ..Node::default()
        }
    }

    async fn examine(&self, url: &str, machine: Ill, is_starting: bool) -> Examination {
        let patient = Patient {
            node: self.node,
            operator_path: self.folder.path().join("operator.json"),
            data_folder: self.folder.path().to_owned(),
            signing: None,
            config: self.config.clone(),
            chain: Chain::new(Endpoint::parse(url).unwrap()),
            fee_lamports: 10_000,
        };
        let extent = Extent { measures_speed: true, is_starting, ..Extent::default() };
        let examination = examine(&patient, extent, machine).await;
        for finding in &examination.findings {
            let says_what_to_do = finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty());
            assert_eq!(finding.code.is_some(), says_what_to_do, "each that is ill says what to do: {finding:?}");
        }
        examination
    }
}

async fn free_address() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// The codes of a grade. A fake endpoint has no websocket, and no network of one's own asks for a second endpoint.
fn codes(findings: &[Finding], grade: Grade) -> Vec<&str> {
    let of_grade = findings.iter().filter(|finding| finding.grade == grade);
    of_grade.filter_map(|finding| finding.code.as_deref()).filter(|code| *code != "N0908").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_node_has_no_errors_and_no_warnings() {
    let mut scene = Scene::new().await;
    scene.config.profile.units_per_slot = 200;
    let url = serve(world(&scene.node, &scene.account(), true)).await;
    let small = scene.examine(&url, Ill { free_bytes: 0, total_bytes: 1, ..Ill::default() }, false).await.findings;
    assert_eq!(codes(&small, Grade::Error), [""; 0], "on a network of one's own a small machine is a warning");
    assert_eq!(codes(&small, Grade::Warning), ["N0910", "N0917"]);
    let Examination { findings, binds } = scene.examine(&url, Ill::default(), false).await;
    assert_eq!((codes(&findings, Grade::Error), codes(&findings, Grade::Warning)), (vec![], vec![]), "{findings:#?}");
    assert!(!binds && findings.iter().any(|finding| finding.found.contains("this node answers at")), "{findings:#?}");
    assert!(findings.iter().any(|finding| finding.code.as_deref() == Some("N0908")), "no websocket: {findings:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_ill_is_found_at_once() {
    let mut scene = Scene::new().await;
    scene.config.profile.units_per_slot = 5_000;
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    scene.config.status_listen = busy.local_addr().unwrap();
    // Somebody else's: it speaks to nobody who asks for a status.
    tokio::spawn(async move { while busy.accept().await.is_ok() {} });
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(scene.folder.path().join("operator.json"), open).unwrap();
    }
    let account = Node { fraud_convictions: 1, operator: Pubkey::new_unique(), ..scene.account() };
    let mut chain = world(&scene.node, &account, false);
    chain.balance = 5;
    chain.genesis = Hash::new_from_array([9; 32]);
    let url = serve(chain).await;
    let ill = Ill { free_bytes: 1 << 20, total_bytes: 1 << 30, skew_seconds: -5_000, ..Ill::default() };
    let findings = scene.examine(&url, ill, false).await.findings;
    let errors = codes(&findings, Grade::Error);
    for code in ["N0901", "N0605", "N0909", "N0602", "N0503", "N0406", "N0911", "N0914", "N0910", "N0917", "N0918"] {
        assert!(errors.contains(&code), "{code}: {findings:#?}");
    }
    assert!(codes(&findings, Grade::Warning).contains(&"N0907"), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_down_hides_nothing_of_the_machine() {
    let scene = Scene::new().await;
    let down = "http://127.0.0.1:1/?api-key=SECRET";
    let findings = scene.examine(down, Ill { free_bytes: 0, ..Ill::default() }, false).await.findings;
    let errors = codes(&findings, Grade::Error);
    assert!(errors.contains(&"N0905") && errors.contains(&"N0910"), "{findings:#?}");
    assert!(!format!("{findings:?}").contains("SECRET"), "a provider's key is told: {findings:#?}");
    assert!(findings.iter().any(|finding| finding.check == "operator key" && finding.grade == Grade::Well));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_owes_a_result_is_told_to_run_and_known_to_be_bound() {
    let scene = Scene::new().await;
    let journal = Journal::open(&scene.folder.path().join("journal.redb")).unwrap();
    let job = Pubkey::new_unique();
    journal.put(&job, &Record::new(&job, Stage::Claimed, 5)).unwrap();
    drop(journal);
    let url = serve(world(&scene.node, &scene.account(), true)).await;
    let away = scene.examine(&url, Ill::default(), false).await;
    assert!(away.binds && codes(&away.findings, Grade::Error).contains(&"N0407"), "{:#?}", away.findings);
    let starting = scene.examine(&url, Ill::default(), true).await;
    assert!(starting.binds && !codes(&starting.findings, Grade::Error).contains(&"N0407"), "{:#?}", starting.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layout_of_another_version_is_told_by_its_code() {
    let scene = Scene::new().await;
    let older = Node { version: Node::VERSION - 1, ..scene.account() };
    let mut chain = world(&scene.node, &scene.account(), true);
    let bytes = &mut chain.accounts.get_mut(&scene.node.to_string()).unwrap().1;
    let offset = stored(&scene.account()).iter().zip(stored(&older)).position(|(one, other)| *one != other).unwrap();
    bytes[offset] = Node::VERSION - 1;
    let url = serve(chain).await;
    let findings = scene.examine(&url, Ill::default(), false).await.findings;
    assert!(codes(&findings, Grade::Error).contains(&"C0133"), "{findings:#?}");
}
