//! One local market for all tests of this binary, and what they share.

use assay_chain::instructions::{self, TokenMint};
use assay_chain::{Sender, read_keypair};
use assay_localnet::{Localnet, LocalnetOptions, Market, MarketOptions, fund, set_up_market};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// Short, so that confirmations are quick.
pub(crate) const SLOT_TIME_MS: u64 = 100;

/// A market that stays up until the process ends.
pub(crate) struct Shared {
    pub(crate) localnet: Localnet,
    pub(crate) market: Market,
    pub(crate) options: MarketOptions,
    _folder: tempfile::TempDir,
}

static SHARED: OnceCell<Shared> = OnceCell::const_new();

pub(crate) async fn shared() -> &'static Shared {
    SHARED
        .get_or_init(|| async {
            let folder = tempfile::tempdir().unwrap();
            let localnet = start(SLOT_TIME_MS);
            let options = MarketOptions {
                program_file: program_file(),
                program_keypair: None,
                keys_folder: folder.path().join("keys"),
                nodes: 1,
                validators: 1,
                migrations: Vec::new(),
            };
            let market = set_up_market(&localnet, &options, |_| {}).await.unwrap();
            Shared { localnet, market, options, _folder: folder }
        })
        .await
}

impl Shared {
    pub(crate) fn sender(&self) -> Sender {
        self.localnet.sender()
    }

    pub(crate) fn authority(&self) -> Keypair {
        read_keypair(&self.market.authority).unwrap()
    }

    pub(crate) fn node_owner(&self) -> Keypair {
        read_keypair(&self.market.nodes[0]).unwrap()
    }
}

pub(crate) fn start(slot_time_ms: u64) -> Localnet {
    Localnet::start(LocalnetOptions { slot_time_ms, ..LocalnetOptions::default() }).unwrap()
}

/// A new key with lamports.
pub(crate) async fn funded(sender: &Sender, lamports: u64) -> Keypair {
    let keypair = Keypair::new();
    fund(sender.chain(), &keypair.pubkey(), lamports).await.unwrap();
    keypair
}

/// A new client with lamports and tokens of the payment mint.
pub(crate) async fn funded_client(shared: &Shared, sender: &Sender) -> Keypair {
    let client = funded(sender, 10_000_000_000).await;
    let mint = shared.market.payment_mint;
    assay_localnet::market::mint_tokens(sender, &shared.authority(), mint, &client.pubkey(), 1_000_000).await.unwrap();
    client
}

pub(crate) fn transfer(from: &Keypair, to: &Pubkey, lamports: u64) -> solana_sdk::instruction::Instruction {
    solana_system_interface::instruction::transfer(&from.pubkey(), to, lamports)
}

/// Posts the client's next job and returns its address.
pub(crate) async fn post_job(sender: &Sender, client: &Keypair, mint: TokenMint) -> Pubkey {
    let job_id = sender.chain().next_job_id(&client.pubkey()).await.unwrap();
    let args = assay::PostJobArgs {
        job_id,
        ir_version: referee::graph::IR_VERSION,
        output: assay::market::OutputDescriptor {
            leaves: 1,
            depth: 0,
            boundary_position: 0,
            boundary_count: 1,
            ..Default::default()
        },
        price_min: 100,
        price_max: 200,
        ramp_hold_slots: 1,
        ramp_slots: 1,
        claim_slots: 1_000,
        run_slots: 1_000,
        window_slots: 10,
        minimum_stake: 1,
        bond: 200,
        graph_uri: "http://127.0.0.1/graph".into(),
        params_uri: "http://127.0.0.1/params".into(),
        inputs_uri: "http://127.0.0.1/inputs".into(),
        ..Default::default()
    };
    let source = mint.associated_account(&client.pubkey());
    let instruction = instructions::post_job(&client.pubkey(), mint, &source, args);
    sender.execute(&[instruction], &[client]).await.unwrap();
    assay::address::job(&client.pubkey(), job_id)
}

/// The built program: `ASSAY_PROGRAM_SO`, else `deploy/assay.so` near the test or in the project's target folder.
pub(crate) fn program_file() -> PathBuf {
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
