//! Sessions: a node with everything real but the chain, and a client that asks over HTTP.

mod crash;
mod life;
mod payments;
mod receipts;
mod refusals;

use crate::rig::{ROWS, Rig, Source, until};
use crate::service::{Running, start};
use crate::world::{GENESIS, TestMarket, World};
use assay::session::{Receipt, SessionState, Voucher};
use assay::state::Session;
use assay_kernels::TensorSet;
use assay_models::artifact::encode_bundle;
use assay_models::mlp;
use assay_node::config::NodeConfig;
use assay_node::fault::NodeFault;
use assay_node::service::Sighting;
use assay_session::{
    RefusalReply, ReplyHeader, RequestHeader, SessionReport, SignedVoucher, encode_frame, report_path, requests_path,
    split_frame,
};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::{SeedDerivable, Signer};
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) const SESSION: Pubkey = Pubkey::new_from_array([4; 32]);
pub(crate) const PRICE: u64 = 40;
pub(crate) const BALANCE: u64 = 1_000;

/// The key that signs vouchers.
pub(crate) fn voucher_key() -> Keypair {
    Keypair::from_seed(&[11; 32]).unwrap()
}

/// An offer of the model of these tests, whole and within every limit.
pub(crate) async fn offer(source: &Source) -> Session {
    let job = source.job().await;
    Session {
        version: Session::VERSION,
        state: SessionState::Offered,
        client: job.client,
        payment_mint: job.payment_mint,
        node: crate::rig::NODE,
        graph_root: job.graph_root,
        params_root: job.params_root,
        ir_version: job.ir_version,
        voucher_key: voucher_key().pubkey(),
        price: PRICE,
        balance: BALANCE,
        accept_slots: 20_000,
        session_slots: 200_000,
        window_slots: 200,
        bond: job.bond,
        protocol_fee_bps: 250,
        dispute: job.dispute,
        offered_slot: 10,
        graph_uri: job.graph_uri,
        params_uri: job.params_uri,
        ..Session::default()
    }
}

/// A world with an offer and no job.
pub(crate) fn world_with(session: &Session) -> World {
    let mut world = crate::rig::world(&Pubkey::default(), &assay::state::Job::default());
    world.jobs.clear();
    world.put_session(&SESSION, session);
    world
}

/// A node at work with one session.
pub(crate) struct Setting {
    pub(crate) source: Source,
    pub(crate) market: TestMarket,
    pub(crate) rig: Rig,
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) header: ReplyHeader,
    pub(crate) receipt: Receipt,
    pub(crate) output: Vec<u8>,
}

pub(crate) async fn see(running: &Running, market: &TestMarket) {
    let (session, slot) = market.with(|world| (world.session(&SESSION).unwrap(), world.slot));
    running.sightings.send(Sighting::Session(SESSION, Box::new(session), slot)).await.unwrap();
}

impl Setting {
    /// A node that was offered a session.
    pub(crate) async fn offered(
        config: NodeConfig,
        fault: Option<NodeFault>,
        change: impl FnOnce(&mut Session),
    ) -> Self {
        let source = Source::start().await;
        let mut session = offer(&source).await;
        change(&mut session);
        let market = TestMarket::new(world_with(&session));
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::with_fault(folder.path(), &market, config, fault);
        let running = start(&rig).await;
        see(&running, &market).await;
        Self { source, market, rig, running, folder }
    }

    /// A node that serves its session.
    pub(crate) async fn serving(config: NodeConfig) -> Self {
        let setting = Self::offered(config, None, |_| {}).await;
        setting.served().await;
        setting
    }

    pub(crate) async fn served(&self) {
        served(&self.running).await;
    }

    /// A request that pays for itself as the `sequence`th.
    pub(crate) async fn ask(&self, sequence: u64, seed: u64) -> Reply {
        reply(self.post(&request(sequence, seed, PRICE * sequence)).await)
    }

    pub(crate) async fn post(&self, request: &[u8]) -> (u16, Vec<u8>) {
        post(&self.running.artifacts, &SESSION.to_string(), request).await
    }

    /// Code of a refusal, with its status and what is owed.
    pub(crate) async fn refusal(&self, request: &[u8]) -> (u16, String, Option<u64>) {
        refusal(self.post(request).await)
    }

    pub(crate) fn session(&self) -> Session {
        self.market.with(|world| world.session(&SESSION).unwrap())
    }

    /// What the client does to end the session at once.
    pub(crate) fn end(&self) {
        self.market.with(|world| {
            let mut session = world.session(&SESSION).unwrap();
            session.end(assay::units::Slot(world.slot)).unwrap();
            world.put_session(&SESSION, &session);
        });
    }

    pub(crate) async fn report(&self) -> (u16, Option<SessionReport>) {
        let (status, body) = exchange(&self.running.artifacts, "GET", &report_path(&SESSION.to_string()), &[]).await;
        (status, serde_json::from_slice(&body).ok())
    }

    pub(crate) async fn stop(self) -> (Source, TestMarket, TempDir) {
        self.rig.cancel.cancel();
        let Self { source, market, rig, running, folder } = self;
        running.service.await.unwrap().unwrap();
        drop(running.sightings);
        rig.crash().await;
        (source, market, folder)
    }
}

pub(crate) async fn served(running: &Running) {
    for _ in 0..30_000 {
        let path = report_path(&SESSION.to_string());
        if exchange(&running.artifacts, "GET", &path, &[]).await.0 == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(4)).await;
    }
    panic!("the session is not served");
}

pub(crate) fn inputs(seed: u64) -> TensorSet {
    mlp::inputs(&crate::rig::shape(), ROWS, seed)
}

pub(crate) fn voucher(amount: u64) -> SignedVoucher {
    signed_voucher(&voucher_key(), SESSION, GENESIS, amount)
}

pub(crate) fn signed_voucher(key: &Keypair, session: Pubkey, genesis_hash: [u8; 32], amount: u64) -> SignedVoucher {
    let signature = key.sign_message(&Voucher { genesis_hash, session, amount }.message());
    SignedVoucher { amount, signature: signature.into() }
}

/// A request with inputs that follow from `seed`.
pub(crate) fn request(sequence: u64, seed: u64, amount: u64) -> Vec<u8> {
    request_with(sequence, [ROWS, 0, 0, 0], voucher(amount), &encode_bundle(&inputs(seed)))
}

pub(crate) fn request_with(sequence: u64, symbols: [u32; 4], voucher: SignedVoucher, bundle: &[u8]) -> Vec<u8> {
    encode_frame(&RequestHeader { sequence, symbols, voucher }, bundle).unwrap()
}

pub(crate) async fn post(base: &str, session: &str, request: &[u8]) -> (u16, Vec<u8>) {
    exchange(base, "POST", &requests_path(session), request).await
}

pub(crate) fn reply((status, body): (u16, Vec<u8>)) -> Reply {
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let (header, output) = split_frame::<ReplyHeader>(&body).unwrap();
    Reply { receipt: Receipt::parse(&header.receipt).unwrap(), header, output: output.to_vec() }
}

pub(crate) fn refusal((status, body): (u16, Vec<u8>)) -> (u16, String, Option<u64>) {
    let refusal: RefusalReply =
        serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status}: {}", String::from_utf8_lossy(&body)));
    assert!(refusal.message.starts_with(&refusal.code), "{refusal:?}");
    (status, refusal.code, refusal.owed)
}

/// One request over a connection of its own: status and body.
pub(crate) async fn exchange(base: &str, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let address = base.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses early closes before all is written.
    let _ = socket.write_all(body).await;
    answer(&mut socket).await
}

pub(crate) async fn answer(socket: &mut tokio::net::TcpStream) -> (u16, Vec<u8>) {
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole answer");
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer.split_off(end + 4))
}

/// The record of the session.
pub(crate) fn record(rig: &Rig) -> Option<assay_node::journal::SessionRecord> {
    rig.shared.journal.session(&SESSION).unwrap()
}

pub(crate) async fn finished(rig: &Rig) -> assay_node::journal::SessionStage {
    until("the session is over", || record(rig).is_some_and(|record| record.is_finished())).await;
    record(rig).unwrap().stage
}

/// A world in a file, for processes that die.
pub(crate) fn world_of(folder: &Path) -> World {
    anchor_lang::AnchorDeserialize::deserialize(&mut std::fs::read(folder.join("world")).unwrap().as_slice()).unwrap()
}
