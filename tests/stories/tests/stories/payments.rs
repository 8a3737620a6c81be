//! Payment by `402`: a stranger pays with the first request; payments that are no good; a node that keeps the payment to itself.

use assay::session::SessionState;
use assay_chain::accounts::SessionFilter;
use assay_chain::instructions::{self, TokenMint};
use assay_chain::{Outcome, read_transaction};
use assay_client::ClientError;
use assay_client::session::{Ledger, Model, ModelUris, Offer, PayLimits};
use assay_models::artifact::encode_bundle;
use assay_node::config::{OfferedModel, Payments};
use assay_session::x402::{
    OpenPayload, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, PaymentPayload, PaymentRequired,
    SessionPayload, SettlementResponse, WorkHeader, decode_payment, encode_payment, model_path,
};
use assay_session::{RefusalReply, ReplyHeader, SignedVoucher, encode_frame, split_frame};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::collections::BTreeMap;
use story_tests::{NodeProcess, Story};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PRICE: u64 = 10_000;
const BALANCE: u64 = 1_000_000;
/// Long enough for the last voucher on a busy machine; it is waited for.
const WINDOW_SLOTS: u64 = 100;

/// The model of a story's work, stored where nodes can fetch it.
async fn model(story: &Story) -> (Model, ModelUris) {
    let work = story.work(0);
    let model = Model::new(work.graph.clone(), work.params.clone()).expect("a model");
    let uris = model.store(&story.store, &story.store_url).await.expect("the model is stored");
    (model, uris)
}

/// A node that is registered, and offers a model for payment once it runs.
fn shop(story: &Story, uris: &ModelUris) -> NodeProcess {
    let offered = OfferedModel {
        name: "a story's model".into(),
        graph_uri: uris.graph.clone(),
        params_uri: uris.params.clone(),
        mint: story.payment_mint().to_string(),
        price: PRICE,
        balance: BALANCE,
        bond: 10 * BALANCE,
        window_slots: WINDOW_SLOTS,
        ..OfferedModel::default()
    };
    NodeProcess::register(story, "node", story.placement(), |config| {
        config.sessions.payments = Payments { enabled: true, models: vec![offered], ..Payments::default() };
    })
}

async fn endpoint(story: &Story, node: &NodeProcess) -> String {
    story.chain().node(&node.address).await.expect("a node").endpoint
}

fn limits(story: &Story) -> PayLimits {
    PayLimits::new(story.payment_mint(), PRICE, BALANCE)
}

/// Waits until the model is loaded and offered.
async fn offered(story: &Story, node: &NodeProcess, model: &Model) -> Offer {
    let (endpoint, limits) = (endpoint(story, node).await, limits(story));
    story.until("the model is offered", async || story.client.offer(&endpoint, model, &limits).await.is_ok()).await;
    let offer = story.client.offer(&endpoint, model, &limits).await;
    offer.unwrap_or_else(|error| panic!("{error}: {}", node.log()))
}

fn code(error: &ClientError) -> String {
    error.to_string()[..5].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_pays_with_the_first_request_and_all_is_settled() {
    let story = Story::begin().await;
    let (model, uris) = model(&story).await;
    let mut node = shop(&story, &uris);
    node.start(None).await;
    let offer = offered(&story, &node, &model).await;
    assert_eq!((offer.terms.node, offer.terms.price, offer.terms.balance), (node.address, PRICE, BALANCE));
    let endpoint = endpoint(&story, &node).await;
    // Other stories open and close their own meanwhile.
    let of_node = SessionFilter { node: Some(node.address), ..SessionFilter::default() };
    let sessions = async || story.chain().sessions(of_node).await.expect("sessions").len();
    let before = (sessions().await, story.accounts().await);

    // Nothing is signed for an offer that is dearer than what was allowed.
    let work = story.work(0);
    for dear in [PayLimits { most_price: PRICE - 1, ..limits(&story) }, PayLimits { most_balance: 1, ..limits(&story) }]
    {
        let ledger = |_: &Pubkey, _| panic!("nothing is promised");
        let refused = story.client.pay(&endpoint, &work, None, &dear, Keypair::new(), ledger).await.unwrap_err();
        assert_eq!(code(&refused), "J0213", "{refused}");
    }
    assert_eq!((sessions().await, story.accounts().await), before);

    // By the command line: three requests, of which the first opens the session.
    let folder = story.folder();
    let mut inputs = Vec::new();
    std::fs::write(folder.join("model.graph"), model.graph.encode()).unwrap();
    std::fs::write(folder.join("model.params"), encode_bundle(&model.params)).unwrap();
    for seed in 0..3 {
        let name = format!("{seed}.inputs");
        std::fs::write(folder.join(&name), encode_bundle(&story.work(seed).inputs)).unwrap();
        inputs.push(name);
    }
    let (mint, symbols) = (story.payment_mint().to_string(), work.symbols()[0].to_string());
    let (price, balance) = (PRICE.to_string(), BALANCE.to_string());
    let mut command = vec!["session", "pay", &endpoint, "--graph", "model.graph", "--params", "model.params"];
    command.extend(["--symbols", &symbols, "--mint", &mint, "--max-price", &price, "--max-balance", &balance]);
    command.extend(["--replay", "--store", "client-store", "--allow-private", "--inputs"]);
    command.extend(inputs.iter().map(String::as_str));
    let paid = story.client_command(&command).await;
    let session: Pubkey = paid["session"].as_str().and_then(|text| text.parse().ok()).expect("a session");
    assert_eq!((&paid["promised"], &paid["price"]), (&(3 * PRICE).into(), &PRICE.into()), "{paid}");
    assert_eq!(paid["answers"].as_array().map(Vec::len), Some(3));
    assert!(paid["paid_micros"].as_u64().is_some_and(|micros| micros > 0), "{paid}");

    let account = story.chain().session(&session).await.unwrap();
    assert_eq!(
        (account.state, account.client, account.node),
        (SessionState::Active, story.client.address(), node.address)
    );
    assert_eq!((account.balance, account.price, account.receipts_opened), (BALANCE, PRICE, 0));
    story.client.end_session(&session).await.expect("it ends");
    let fee = 3 * PRICE * 200 / 10_000;
    story.until("the node is paid", async || story.paid_to(&node.address).await == 3 * PRICE - fee).await;
    let reclaimed = story.client.reclaim_session(&session).await.expect("the rest comes back");
    assert!(reclaimed.closed, "{reclaimed:?}");
    assert_eq!(reclaimed.refund, BALANCE - 3 * PRICE);
    story.balanced(&[node.address]).await;
}

/// One payment, by hand, so that each part of it can be another one.
struct ByHand<'a> {
    story: &'a Story,
    offer: &'a Offer,
    model: &'a Model,
    key: Keypair,
    voucher_key: Keypair,
    url: String,
}

impl ByHand<'_> {
    fn session(&self) -> Pubkey {
        assay::address::session(&self.key.pubkey(), 0)
    }

    async fn header(&self, blockhash: Hash) -> String {
        let chain = self.story.chain();
        let (network, mint) = (chain.network().await.unwrap(), chain.payment_mint(&self.story.payment_mint()).await);
        let mint = mint.unwrap();
        let (client, terms) = (self.key.pubkey(), &self.offer.terms);
        let voucher_key = self.voucher_key.pubkey();
        let args = terms.arguments(0, self.model, &self.offer.uris, &voucher_key, &network, &mint).unwrap();
        let token = TokenMint { address: mint.mint, token_program: mint.token_program };
        let source = token.associated_account(&client);
        let open = instructions::open_session(&client, &terms.node, token, &source, args);
        let transaction = solana_sdk::transaction::Transaction::new_signed_with_payer(
            &[open],
            Some(&client),
            &[&self.key],
            blockhash,
        );
        let voucher =
            assay::session::Voucher { genesis_hash: network.genesis_hash, session: self.session(), amount: PRICE };
        let signature = self.voucher_key.sign_message(&voucher.message()).into();
        let payload = SessionPayload::Open(OpenPayload {
            transaction: STANDARD.encode(bincode::serialize(&transaction).unwrap()),
            sequence: 1,
            voucher: SignedVoucher { amount: PRICE, signature }.into(),
        });
        encode_payment(&PaymentPayload {
            x402_version: 2,
            resource: None,
            accepted: self.offer.requirements.clone(),
            payload: serde_json::to_value(payload).unwrap(),
            extensions: None,
        })
        .unwrap()
    }

    async fn send(&self, header: &str, seed: u64) -> reqwest::Response {
        let work = self.story.work(seed);
        let frame = encode_frame(&WorkHeader { symbols: work.symbols() }, &encode_bundle(&work.inputs)).unwrap();
        let request = reqwest::Client::new().post(&self.url).header(PAYMENT_SIGNATURE, header).body(frame);
        request.send().await.expect("an answer")
    }
}

async fn refused(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let reply: RefusalReply = response.json().await.expect("a refusal");
    (status, reply.code)
}

fn settled(response: &reqwest::Response) -> SettlementResponse {
    let header = response.headers().get(PAYMENT_RESPONSE).expect("what became of the payment");
    decode_payment(header.to_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_lands_once_and_one_that_cannot_land_pays_for_nothing() {
    let story = Story::begin().await;
    let (model, uris) = model(&story).await;
    let mut node = shop(&story, &uris);
    node.start(None).await;
    let offer = offered(&story, &node, &model).await;
    let path = model_path(&model.graph_root, &model.params_root);
    let url = format!("{}{path}", endpoint(&story, &node).await);
    let by_hand = |key: Keypair| ByHand {
        story: &story,
        offer: &offer,
        model: &model,
        key,
        voucher_key: Keypair::new(),
        url: url.clone(),
    };
    let payer = async |name: &str, tokens: u64| {
        let path = story.new_payer(name, tokens).await;
        assay_chain::read_keypair(&path).expect("a key")
    };

    // A blockhash that is none of this chain's, or too old.
    let first = by_hand(payer("first", BALANCE).await);
    assert_eq!(refused(first.send(&first.header(Hash::new_unique()).await, 0).await).await, (402, "N0829".into()));
    // Too few tokens: the chain says so before anything is sent.
    let poor = by_hand(payer("poor", BALANCE - 1).await);
    let blockhash = async || story.chain().recent_blockhash().await.expect("a blockhash").hash;
    assert_eq!(refused(poor.send(&poor.header(blockhash().await).await, 0).await).await, (402, "N0828".into()));
    let found = story.chain().find_session(&poor.session()).await.unwrap();
    assert!(found.is_none(), "nothing of it landed");

    // The first one again, with a blockhash that is good.
    let header = first.header(blockhash().await).await;
    let answer = first.send(&header, 0).await;
    assert_eq!(answer.status(), 200, "{}", node.log());
    let response = settled(&answer);
    assert!(response.success && response.payer == Some(first.key.pubkey().to_string()), "{response:?}");
    let frame = answer.bytes().await.unwrap();
    let receipt = split_frame::<ReplyHeader>(&frame).unwrap().0.receipt;
    // Whoever sends it once more gets what was paid for, and nothing else.
    let again = first.send(&header, 0).await;
    assert_eq!((again.status().as_u16(), settled(&again).transaction), (200, response.transaction));
    let frame = again.bytes().await.unwrap();
    assert_eq!(split_frame::<ReplyHeader>(&frame).unwrap().0.receipt, receipt);
    assert_eq!(refused(first.send(&header, 1).await).await, (409, "N0812".into()));
    let balance = story.chain().token_balance(&story.payment_mint_account(&first.key.pubkey())).await.unwrap();
    assert_eq!(balance, Some(0), "it was paid once");
}

/// Passes the offer of an honest node on, takes the payment to the chain, and answers nothing that was paid for.
async fn keeps_to_itself(story: &Story, listener: TcpListener, required: PaymentRequired) {
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        let payment = loop {
            let mut part = [0; 8_192];
            let length = stream.read(&mut part).await.expect("a request");
            request.extend_from_slice(&part[..length]);
            let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&request[..end]).into_owned();
            let headers: BTreeMap<String, String> = head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
            while request.len() < end + 4 + length {
                let length = stream.read(&mut part).await.expect("the body");
                request.extend_from_slice(&part[..length]);
            }
            break headers.get(PAYMENT_SIGNATURE).cloned();
        };
        let head = match payment {
            None => format!("402 Payment Required\r\n{PAYMENT_REQUIRED}: {}", encode_payment(&required).unwrap()),
            Some(payment) => {
                let payment: PaymentPayload = decode_payment(&payment).expect("a payment");
                let SessionPayload::Open(open) = serde_json::from_value(payment.payload).expect("a payload") else {
                    panic!("it opens a session")
                };
                let wire = STANDARD.decode(open.transaction).expect("base64");
                let transaction = read_transaction(&wire).expect("a transaction");
                let outcome = story.sender().deliver_foreign(&transaction).await.expect("an outcome");
                assert!(matches!(outcome, Outcome::Landed(_)), "{outcome:?}");
                "403 Forbidden".to_owned()
            }
        };
        let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("it is sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_the_payment_and_does_not_serve_gains_nothing() {
    let story = Story::begin().await;
    let (model, uris) = model(&story).await;
    let mut node = shop(&story, &uris);
    node.start(None).await;
    let offer = offered(&story, &node, &model).await;
    let endpoint = endpoint(&story, &node).await;
    node.kill();
    let required = PaymentRequired {
        x402_version: 2,
        error: None,
        resource: offer.resource.clone(),
        accepts: vec![offer.requirements.clone()],
        extensions: None,
    };
    let listener = TcpListener::bind(endpoint.trim_start_matches("http://")).await.expect("the port is free");
    let before = story.accounts().await.tokens;
    let work = story.work(0);
    let limits = limits(&story);
    let ledger = |_: &Pubkey, _| Ok(Ledger::in_memory());
    let paying = story.client.pay(&endpoint, &work, None, &limits, Keypair::new(), ledger);
    let error = tokio::select! {
        paid = paying => paid.unwrap_err(),
        () = keeps_to_itself(&story, listener, required) => unreachable!("it goes on until the client has its answer"),
    };
    let ClientError::Unserved { session, advice, .. } = &error else { panic!("{error}") };
    assert!(code(&error) == "J0215" && advice.contains("cancel"), "{error}");
    assert_eq!(story.accounts().await.tokens, before - BALANCE, "it is in the session's vault");
    story.client.cancel_session(session).await.expect("nobody has accepted it");
    let reclaimed = story.client.reclaim_session(session).await.expect("everything comes back");
    assert!(reclaimed.closed && reclaimed.refund == BALANCE, "{reclaimed:?}");
    assert_eq!(story.accounts().await.tokens, before);
}
