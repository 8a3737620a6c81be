//! Strangers that open a session with their first request: what they are offered, what is taken for payment, and what is not.

use super::*;
use crate::rig::{config, until};
use crate::world::{BLOCKHASH, PAYMENT_MINT};
use assay::OpenSessionArgs;
use assay_chain::instructions::{self, TokenMint};
use assay_node::config::{OfferedModel, Payments};
use assay_session::x402::{
    MAX_PAYMENT_BYTES, ModelList, OpenPayload, OpenTerms, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE,
    PaymentPayload, PaymentRequired, PaymentRequirements, SessionPayload, SettledSession, SettlementResponse, Step,
    VoucherPayload, WorkHeader, decode_payment, encode_payment,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_sdk::hash::Hash;
use solana_sdk::transaction::Transaction;
use std::collections::HashSet;

/// What an answer says, header names in small letters.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn required(&self) -> PaymentRequired {
        decode_payment(self.header(PAYMENT_REQUIRED).expect("an offer")).unwrap()
    }

    fn settled(&self) -> SettlementResponse {
        decode_payment(self.header(PAYMENT_RESPONSE).expect("what became of the payment")).unwrap()
    }

    fn code(&self) -> (u16, String) {
        let (status, code, _) = refusal((self.status, self.body.clone()));
        (status, code)
    }

    fn reply(&self) -> Reply {
        reply((self.status, self.body.clone()))
    }
}

async fn send(base: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let address = base.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let further: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{further}Connection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let _ = socket.write_all(body).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole answer");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    Answer {
        status: head[9..12].parse().unwrap(),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: answer.split_off(end + 4),
    }
}

/// A node that offers the model of these tests for payment.
struct Shop {
    source: Source,
    market: TestMarket,
    rig: Rig,
    running: Running,
    _folder: TempDir,
}

/// A stranger with tokens, lamports, and a key for vouchers.
struct Stranger {
    client: Keypair,
    voucher_key: Keypair,
    session: Pubkey,
}

impl Stranger {
    fn new() -> Self {
        let client = Keypair::new();
        let session = assay::address::session(&client.pubkey(), 0);
        Self { client, voucher_key: Keypair::new(), session }
    }

    fn voucher(&self, amount: u64) -> SignedVoucher {
        signed_voucher(&self.voucher_key, self.session, GENESIS, amount)
    }

    fn transaction(&self, offer: &PaymentRequirements, change: impl FnOnce(&mut OpenSessionArgs)) -> Transaction {
        let said = terms_of(offer);
        let root = |text: &str| {
            let mut root = [0; 32];
            hex::decode_to_slice(text, &mut root).unwrap();
            root
        };
        let mut args = OpenSessionArgs {
            session_id: 0,
            graph_root: root(&said.graph_root),
            params_root: root(&said.params_root),
            ir_version: said.ir_version,
            voucher_key: self.voucher_key.pubkey(),
            price: said.price,
            balance: offer.amount.parse().unwrap(),
            accept_slots: said.accept_slots,
            session_slots: said.session_slots,
            window_slots: said.window_slots,
            bond: said.bond,
            graph_uri: said.graph_uri,
            params_uri: said.params_uri,
        };
        change(&mut args);
        let client = self.client.pubkey();
        let mint = TokenMint {
            address: Pubkey::new_from_array(PAYMENT_MINT),
            token_program: Pubkey::new_from_array([10; 32]),
        };
        let node = offer.pay_to.parse().unwrap();
        let open = instructions::open_session(&client, &node, mint, &mint.associated_account(&client), args);
        let blockhash = Hash::new_from_array(BLOCKHASH);
        Transaction::new_signed_with_payer(&[open], Some(&client), &[&self.client], blockhash)
    }

    fn payment_with(&self, offer: &PaymentRequirements, transaction: &Transaction) -> PaymentPayload {
        let transaction = STANDARD.encode(bincode::serialize(transaction).unwrap());
        let open = OpenPayload { transaction, sequence: 1, voucher: self.voucher(PRICE).into() };
        payment(offer, SessionPayload::Open(open))
    }

    fn payment(&self, offer: &PaymentRequirements) -> PaymentPayload {
        self.payment_with(offer, &self.transaction(offer, |_| {}))
    }

    fn further(&self, offer: &PaymentRequirements, sequence: u64, amount: u64) -> PaymentPayload {
        let (session, voucher) = (self.session.to_string(), self.voucher(amount).into());
        payment(offer, SessionPayload::Voucher(VoucherPayload { session, sequence, voucher }))
    }
}

fn terms_of(offer: &PaymentRequirements) -> OpenTerms {
    match serde_json::from_value(offer.extra.clone()).unwrap() {
        Step::Open(terms) => terms,
        Step::Voucher(_) => panic!("an offer of a session"),
    }
}

fn payment(offer: &PaymentRequirements, payload: SessionPayload) -> PaymentPayload {
    PaymentPayload {
        x402_version: 2,
        resource: None,
        accepted: offer.clone(),
        payload: serde_json::to_value(payload).unwrap(),
        extensions: None,
    }
}

/// The body of a request, which has nothing of a payment in it.
fn work(seed: u64) -> Vec<u8> {
    encode_frame(&WorkHeader { symbols: [ROWS, 0, 0, 0] }, &encode_bundle(&inputs(seed))).unwrap()
}

impl Shop {
    async fn open(change: impl FnOnce(&mut NodeConfig)) -> Self {
        let shop = Self::closed(change).await;
        for _ in 0..30_000 {
            if !shop.list().await.models.is_empty() {
                return shop;
            }
            tokio::time::sleep(std::time::Duration::from_millis(4)).await;
        }
        panic!("nothing is offered");
    }

    async fn closed(change: impl FnOnce(&mut NodeConfig)) -> Self {
        let source = Source::start().await;
        let job = source.job().await;
        let mut config = config();
        let model = OfferedModel {
            name: "perceptron".into(),
            graph_uri: job.graph_uri,
            params_uri: job.params_uri,
            mint: Pubkey::new_from_array(PAYMENT_MINT).to_string(),
            price: PRICE,
            balance: BALANCE,
            bond: job.bond,
            session_slots: 200_000,
            window_slots: 200,
        };
        config.sessions.payments = Payments { enabled: true, models: vec![model], ..Payments::default() };
        change(&mut config);
        config.validate().unwrap();
        let mut world = crate::rig::world(&Pubkey::default(), &assay::state::Job::default());
        world.jobs.clear();
        let market = TestMarket::new(world);
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::new(folder.path(), &market, config);
        let running = start(&rig).await;
        // The node learns of sessions as it does of everybody's: by what its watcher sees.
        let (sightings, watched) = (running.sightings.clone(), market.clone());
        tokio::spawn(async move {
            let mut known = HashSet::new();
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                let (slot, sessions) = watched.with(|world| (world.slot, world.sessions.clone()));
                for address in sessions.keys().filter(|address| known.insert(**address)) {
                    let address = Pubkey::new_from_array(*address);
                    let session = watched.with(|world| world.session(&address).unwrap());
                    if sightings.send(Sighting::Session(address, Box::new(session), slot)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self { source, market, rig, running, _folder: folder }
    }

    fn path(&self) -> String {
        let params_root =
            assay_kernels::commit::Hasher::default().params_root(&self.source.resolved, &self.source.params);
        assay_session::x402::model_path(&self.source.resolved.root, &params_root.unwrap())
    }

    async fn list(&self) -> ModelList {
        serde_json::from_slice(&send(&self.running.artifacts, "GET", "/v1/models", &[], &[]).await.body).unwrap()
    }

    async fn ask(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        send(&self.running.artifacts, "POST", &self.path(), headers, body).await
    }

    async fn offer(&self) -> PaymentRequirements {
        self.ask(&[], &work(1)).await.required().accepts.remove(0)
    }

    async fn pay(&self, payment: &PaymentPayload, seed: u64) -> Answer {
        let header = encode_payment(payment).unwrap();
        self.ask(&[(PAYMENT_SIGNATURE, &header)], &work(seed)).await
    }

    fn payments_sent(&self) -> u64 {
        self.market.with(|world| world.payments_sent)
    }

    fn receipts(&self, stranger: &Stranger) -> u64 {
        self.rig.shared.journal.session(&stranger.session).unwrap().map_or(0, |record| record.receipts)
    }

    async fn stop(self) {
        self.rig.cancel.cancel();
        self.running.service.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpaid_request_is_answered_with_what_it_costs() {
    let shop = Shop::open(|_| {}).await;
    let answer = shop.ask(&[], &work(1)).await;
    assert_eq!(answer.code(), (402, "N0822".to_owned()));
    let required = answer.required();
    assert_eq!(required.x402_version, 2);
    assert!(required.resource.url.ends_with(&shop.path()), "{}", required.resource.url);
    let [offer] = &required.accepts[..] else { panic!("{required:?}") };
    assert_eq!((offer.scheme.as_str(), offer.amount.as_str()), ("assay-session", "1000"));
    assert_eq!(offer.pay_to, crate::rig::NODE.to_string());
    assert_eq!(terms_of(offer).price, PRICE);
    let list = shop.list().await;
    assert_eq!(
        (list.models.len(), &list.models[0].path, &list.models[0].accepts),
        (1, &shop.path(), &required.accepts)
    );
    let other = send(&shop.running.artifacts, "POST", "/v1/models/x/y/requests", &[], &[]).await;
    assert_eq!(other.code(), (404, "N0821".to_owned()));
    let unknown = assay_session::x402::model_path(&[1; 32], &[2; 32]);
    assert_eq!(send(&shop.running.artifacts, "POST", &unknown, &[], &[]).await.code(), (404, "N0821".to_owned()));
    assert_eq!((shop.payments_sent(), shop.rig.runs.load(std::sync::atomic::Ordering::SeqCst)), (0, 0));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_opens_a_session_whose_first_request_is_answered() {
    let shop = Shop::open(|_| {}).await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    let loads = shop.rig.loads();
    let payment = stranger.payment(&offer);
    let answer = shop.pay(&payment, 1).await;
    let first = answer.reply();
    assert_eq!((first.receipt.session, first.receipt.sequence), (stranger.session, 1));
    assert_eq!(shop.rig.loads(), loads + 1, "but for the form of this request, what is offered is loaded already");
    let settled = answer.settled();
    assert!(settled.success && settled.network == offer.network, "{settled:?}");
    assert_eq!(settled.payer, Some(stranger.client.pubkey().to_string()));
    assert_eq!(settled.amount, Some(BALANCE.to_string()));
    assert_eq!(settled.transaction, stranger.transaction(&offer, |_| {}).signatures[0].to_string());
    let said: SettledSession = serde_json::from_value(settled.extra).unwrap();
    assert_eq!((said.session, said.price, said.balance), (stranger.session.to_string(), PRICE, BALANCE));

    // The same header again: for the same request the same receipt, for another one nothing.
    let again = shop.pay(&payment, 1).await;
    assert_eq!(again.reply().receipt, first.receipt);
    assert_eq!(shop.pay(&payment, 2).await.code(), (409, "N0812".to_owned()));
    assert_eq!(shop.market.with(|world| world.payments_landed.len()), 1, "it landed once");

    // Further requests pay out of what is there, here or at the session's own path.
    let answer = shop.pay(&stranger.further(&offer, 2, 2 * PRICE), 2).await;
    assert_eq!(answer.reply().receipt.sequence, 2);
    let settled = answer.settled();
    assert_eq!((settled.success, settled.transaction.as_str(), settled.amount.as_deref()), (true, "", Some("")));
    let third = request_with(3, [ROWS, 0, 0, 0], stranger.voucher(3 * PRICE), &encode_bundle(&inputs(3)));
    reply(post(&shop.running.artifacts, &stranger.session.to_string(), &third).await);
    assert_eq!(shop.receipts(&stranger), 3);

    // Too small a voucher is answered with what would be enough, at either path.
    let owed = |answer: &Answer| {
        assert_eq!(refusal((answer.status, answer.body.clone())), (402, "N0810".to_owned(), Some(4 * PRICE)));
        let required = answer.required();
        let step: Step = serde_json::from_value(required.accepts[0].extra.clone()).unwrap();
        let Step::Voucher(terms) = step else { panic!("a voucher") };
        assert_eq!((terms.session, terms.owed), (stranger.session.to_string(), 4 * PRICE));
        assert_eq!(required.accepts[0].amount, PRICE.to_string(), "what this request adds");
        required.resource.url
    };
    let small = shop.pay(&stranger.further(&offer, 4, 3 * PRICE), 4).await;
    assert!(owed(&small).ends_with(&shop.path()) && small.header(PAYMENT_RESPONSE).is_none());
    let path = requests_path(&stranger.session.to_string());
    let fourth = request_with(4, [ROWS, 0, 0, 0], stranger.voucher(3 * PRICE), &encode_bundle(&inputs(4)));
    let small = send(&shop.running.artifacts, "POST", &path, &[], &fourth).await;
    assert!(owed(&small).ends_with(&path));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_what_was_offered_never_reaches_the_chain() {
    let shop = Shop::open(|_| {}).await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    let payment = stranger.payment(&offer);
    let code = async |change: &dyn Fn(&mut PaymentPayload)| {
        let mut payment = payment.clone();
        change(&mut payment);
        let answer = shop.pay(&payment, 1).await;
        let settled = answer.settled();
        assert!(!settled.success && settled.transaction.is_empty(), "{settled:?}");
        assert_eq!(answer.header(PAYMENT_REQUIRED).is_some(), answer.status == 402);
        let (_, code) = answer.code();
        (code, settled.error_reason.unwrap())
    };
    let said = |code: &str, reason: &str| (code.to_owned(), reason.to_owned());
    assert_eq!(code(&|payment| payment.x402_version = 1).await, said("N0823", "invalid_x402_version"));
    assert_eq!(code(&|payment| payment.accepted.scheme = "exact".into()).await, said("N0823", "unsupported_scheme"));
    let network = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
    assert_eq!(code(&|payment| payment.accepted.network = network.into()).await, said("N0823", "invalid_network"));
    assert_eq!(code(&|payment| payment.payload["step"] = "pay".into()).await, said("N0823", "invalid_payload"));
    // A payment that says it accepts something else than what is offered.
    let other = said("N0824", "invalid_payment_requirements");
    assert_eq!(code(&|payment| payment.accepted.amount = "1".into()).await, other);
    assert_eq!(code(&|payment| payment.accepted.asset = Pubkey::new_unique().to_string()).await, other);
    assert_eq!(code(&|payment| payment.accepted.pay_to = Pubkey::new_unique().to_string()).await, other);
    assert_eq!(code(&|payment| payment.accepted.extra["price"] = "1".into()).await, other);
    // One that says the right thing and does another.
    let different = said("N0825", "invalid_payload");
    for change in [
        (|args: &mut OpenSessionArgs| args.balance -= 1) as fn(&mut OpenSessionArgs),
        |args| args.price -= 1,
        |args| args.session_slots += 1,
    ] {
        let transaction = stranger.transaction(&offer, change);
        assert_eq!(code(&|payment| *payment = stranger.payment_with(&offer, &transaction)).await, different);
    }
    assert_eq!(code(&|payment| payment.payload["voucher"]["amount"] = "1".into()).await, different);

    let header = |text: String| {
        let shop = &shop;
        async move { shop.ask(&[(PAYMENT_SIGNATURE, &text)], &work(1)).await.code() }
    };
    let malformed = (400, "N0823".to_owned());
    assert_eq!(header("{}".into()).await, malformed);
    assert_eq!(header(STANDARD.encode("{}")).await, malformed);
    assert_eq!(header("A".repeat(MAX_PAYMENT_BYTES + 4)).await, malformed);
    let large = vec![0; 1 << 20];
    let encoded = encode_payment(&payment).unwrap();
    assert_eq!(shop.ask(&[(PAYMENT_SIGNATURE, &encoded)], &large).await.code(), (413, "N0807".to_owned()));
    assert_eq!(shop.payments_sent(), 0);
    assert_eq!(shop.pay(&payment, 1).await.status, 200, "the right one is taken");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_cannot_land_pays_for_nothing() {
    let shop = Shop::open(|_| {}).await;
    let offer = shop.offer().await;
    let stranger = Stranger::new();
    let mut old = stranger.transaction(&offer, |_| {});
    old.sign(&[&stranger.client], Hash::new_from_array([4; 32]));
    let answer = shop.pay(&stranger.payment_with(&offer, &old), 1).await;
    assert_eq!(answer.code(), (402, "N0829".to_owned()));
    assert_eq!(answer.settled().error_reason.as_deref(), Some("invalid_transaction_state"));
    // A number that is not the client's next: the program refuses it.
    let late = Stranger { session: assay::address::session(&stranger.client.pubkey(), 1), ..stranger };
    let transaction = late.transaction(&offer, |args| args.session_id = 1);
    let answer = shop.pay(&late.payment_with(&offer, &transaction), 1).await;
    assert_eq!(answer.code(), (402, "N0828".to_owned()));
    assert!(shop.market.with(|world| world.sessions.is_empty()));
    // Neither has kept a place.
    let next = Stranger::new();
    assert_eq!(shop.pay(&next.payment(&offer), 1).await.status, 200);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_takes_long_is_sent_again_and_taken_once() {
    let shop = Shop::open(|config| {
        config.sessions.payments.wait_seconds = 1;
        config.sessions.payments.payments_per_minute = 1_000;
    })
    .await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    shop.market.with(|world| world.hold_payments = true);
    let payment = stranger.payment(&offer);
    let answer = shop.pay(&payment, 1).await;
    assert_eq!(answer.code(), (503, "N0830".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.settled().error_reason.as_deref(), Some("settlement_pending"));
    // Another one that would open the same session does not take its place.
    let mut other = stranger.transaction(&offer, |args| args.graph_uri = args.graph_uri.replace("127.0.0.1", "[::1]"));
    other.sign(&[&stranger.client], Hash::new_from_array(BLOCKHASH));
    assert_eq!(shop.pay(&stranger.payment_with(&offer, &other), 1).await.code(), (409, "N0833".to_owned()));
    shop.market.with(|world| world.hold_payments = false);
    let mut answer = shop.pay(&payment, 1).await;
    for _ in 0..100 {
        if answer.status == 200 {
            break;
        }
        answer = shop.pay(&payment, 1).await;
    }
    assert_eq!(answer.reply().receipt.sequence, 1);
    assert_eq!((shop.market.with(|world| world.sessions.len()), shop.receipts(&stranger)), (1, 1));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_of_one_address_and_payments_under_way_are_bounded() {
    let shop = Shop::open(|config| {
        config.sessions.payments.payments_per_minute = 3;
        config.sessions.payments.most_pending = 1;
        config.sessions.payments.wait_seconds = 1;
    })
    .await;
    let (one, two, offer) = (Stranger::new(), Stranger::new(), shop.offer().await);
    shop.market.with(|world| world.hold_payments = true);
    assert_eq!(shop.pay(&one.payment(&offer), 1).await.code(), (503, "N0830".to_owned()));
    assert_eq!(shop.pay(&two.payment(&offer), 1).await.code(), (503, "N0827".to_owned()), "one at a time");
    shop.market.with(|world| world.hold_payments = false);
    let mut last = shop.pay(&one.payment(&offer), 1).await;
    assert!([200, 503].contains(&last.status), "{:?}", last.code());
    last = shop.pay(&two.payment(&offer), 1).await;
    assert_eq!(last.code(), (429, "N0826".to_owned()));
    assert!(last.header("retry-after").is_some());
    assert!(shop.market.with(|world| world.session(&two.session).is_none()), "of the other one, the chain never heard");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_for_a_session_that_the_node_has_no_room_for() {
    let shop = Shop::open(|config| config.sessions.most_sessions = 1).await;
    let (one, two, offer) = (Stranger::new(), Stranger::new(), shop.offer().await);
    assert_eq!(shop.pay(&one.payment(&offer), 1).await.status, 200);
    let full = shop.pay(&two.payment(&offer), 1).await;
    assert_eq!(full.code(), (503, "N0827".to_owned()));
    assert_eq!(full.settled().error_reason.as_deref(), Some("assay_session_unavailable"));
    assert_eq!(shop.payments_sent(), 1);
    let convicted = assay_node::defence::alarm::Conviction { job: None, fault: "x".to_owned() };
    shop.rig.shared.alarm.convict(convicted);
    assert_eq!(shop.pay(&two.payment(&offer), 1).await.code(), (503, "N0816".to_owned()));
    shop.rig.cancel.cancel();
    let _ = shop.running.service.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_a_node_whose_stake_or_lamports_are_bound() {
    let shop = Shop::open(|_| {}).await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    let poor = shop.market.with(|world| std::mem::replace(&mut world.lamports, 1_000_000));
    assert_eq!(shop.pay(&stranger.payment(&offer), 1).await.code(), (503, "N0827".to_owned()), "lamports");
    shop.market.with(|world| {
        world.lamports = poor;
        let mut node = world.node();
        node.locked = node.stake;
        world.put_node(&node);
    });
    assert_eq!(shop.pay(&stranger.payment(&offer), 1).await.code(), (503, "N0827".to_owned()), "stake");
    assert_eq!(shop.payments_sent(), 0);
    shop.market.with(|world| {
        let mut node = world.node();
        node.locked = 0;
        world.put_node(&node);
    });
    assert_eq!(shop.pay(&stranger.payment(&offer), 1).await.status, 200);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_a_node_whose_breaker_is_open() {
    let least = 500_000_000_000;
    let shop = Shop::open(|config| config.breaker.least_lamports = least).await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    shop.market.with(|world| world.lamports = least - 1);
    until("it opens", || shop.rig.shared.breaker_report().stops(None).is_some()).await;
    assert_eq!(shop.pay(&stranger.payment(&offer), 1).await.code(), (503, "N0827".to_owned()));
    assert_eq!(shop.payments_sent(), 0);
    shop.market.with(|world| world.lamports = 2 * least);
    until("it closes", || shop.rig.shared.breaker_report().stops(None).is_none()).await;
    assert_eq!(shop.pay(&stranger.payment(&offer), 1).await.status, 200);
    shop.stop().await;
}

/// What the driver refuses after all, the client can take back: the session is offered, and nobody has accepted it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_not_accepted_after_all_is_said_to_be_the_clients_to_cancel() {
    let shop = Shop::open(|_| {}).await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    shop.market.with(|world| world.hasty_clock_slots = Some(1));
    let answer = shop.pay(&stranger.payment(&offer), 1).await;
    assert_eq!(answer.code(), (409, "N0831".to_owned()));
    assert!(String::from_utf8_lossy(&answer.body).contains("N0215"), "it says why");
    let session = shop.market.with(|world| world.session(&stranger.session).unwrap());
    assert_eq!((session.state, session.balance), (SessionState::Offered, BALANCE));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_of_another_session_or_model_pays_for_nothing() {
    let shop = Shop::open(|_| {}).await;
    let (stranger, offer) = (Stranger::new(), shop.offer().await);
    let unknown = shop.pay(&stranger.further(&offer, 1, PRICE), 1).await;
    assert_eq!(unknown.code(), (404, "N0834".to_owned()));
    assert_eq!(shop.pay(&stranger.payment(&offer), 1).await.status, 200);
    let thief = Stranger { session: stranger.session, ..Stranger::new() };
    assert_eq!(shop.pay(&thief.further(&offer, 2, 2 * PRICE), 2).await.code(), (403, "N0809".to_owned()));
    assert_eq!(shop.receipts(&stranger), 1);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_told_to_offers_nothing() {
    let shop = Shop::closed(|config| config.sessions.payments.enabled = false).await;
    for _ in 0..20 {
        assert!(shop.list().await.models.is_empty());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(shop.ask(&[], &work(1)).await.code(), (404, "N0821".to_owned()));
    assert_eq!(shop.rig.loads(), 0);
    shop.stop().await;
}
