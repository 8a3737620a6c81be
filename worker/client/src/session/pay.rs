//! Paying for a session with its first request: x402.

use super::answer::Answer;
use super::asking::{ATTEMPT_TIME, PATIENCE, PAUSE, Session, most_reply_bytes, refusal_words, signed_voucher};
use super::ledger::Ledger;
use super::model::{Model, ModelUris};
use super::offer::{Chosen, Facts, Offer, PayLimits, checked, chosen};
use crate::client::Client;
use crate::error::ClientError;
use crate::work::Work;
use assay::address;
use assay::session::SessionState;
use assay::state::{Network, PaymentMint};
use assay_chain::SignedTransaction;
use assay_chain::instructions::{self, TokenMint};
use assay_models::artifact::encode_bundle;
use assay_session::encode_frame;
use assay_session::x402::{
    OpenPayload, PAYMENT_REQUIRED, PAYMENT_SIGNATURE, PaymentPayload, PaymentRequired, SessionPayload, WorkHeader,
    X402_VERSION, decode_payment, encode_payment, model_path,
};
use assay_store::Document;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::time::{Duration, Instant};

/// HTTP: the answer to what is not paid for.
const PAYMENT_REQUIRED_STATUS: u16 = 402;
/// HTTP: what passes when the same is sent again.
const BUSY: [u16; 3] = [408, 429, 503];
/// The longest pause that a node can ask for; one that has no room for longer has none for this client.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Most bytes of the body of an offer; what counts is in its header.
const MOST_OFFER_BYTES: u64 = 64 * 1024;

/// A session that was opened by a payment, and the answer to its first request.
#[derive(Debug)]
pub struct Paid<'a> {
    /// The session, to be asked again.
    pub session: Session<'a>,
    /// The first answer, checked.
    pub answer: Answer,
    /// Signature of the transaction that opened the session.
    pub transaction: String,
    /// From the answer that asked for a payment to the one that was paid for.
    pub took: Duration,
}

impl Client {
    /// Asks a node what a session over a model costs, and holds the offer against `limits` and against the chain. Nothing is signed.
    ///
    /// # Errors
    /// [`ClientError::NoOffer`]: the node offers none. [`ClientError::Offer`]: the offer is not one to accept.
    pub async fn offer(&self, endpoint: &str, model: &Model, limits: &PayLimits) -> Result<Offer, ClientError> {
        Ok(self.offered(endpoint, model, limits).await?.0)
    }

    async fn offered(
        &self,
        endpoint: &str,
        model: &Model,
        limits: &PayLimits,
    ) -> Result<(Offer, Network, PaymentMint), ClientError> {
        let url = url_of(endpoint, model);
        let reply = self.fetcher.exchange(&url, Vec::new(), MOST_OFFER_BYTES, ATTEMPT_TIME).await?;
        let required = required_in(&url, &reply)?;
        let network = self.chain().network().await?;
        let chosen: Chosen = chosen(&required, &network.genesis_hash, &limits.payment_mint)?;
        let mint = self.mint(&limits.payment_mint).await?;
        let node = self.chain().node(&chosen.node).await?;
        let facts = Facts { network: &network, mint: &mint, node: &node, endpoint };
        let offer = checked(&required, chosen, facts, limits, model)?;
        Ok((offer, network, mint))
    }

    /// Asks for the output of `work` at a node's endpoint, without a session: accepts the node's offer if it is within `limits`, opens
    /// the session by the transaction that the offer's terms make, and pays for the request with it. The transaction is built
    /// here, and its only instructions are those of its compute budget and the program's `open_session`. `uris` is where those who replay
    /// will find graph and params; without it, where the node says that they are.
    ///
    /// `ledger` is called with the address of the session and the price, before anything is sent. While the node is silent, busy or
    /// waits for the chain, the same is sent again, for two minutes.
    ///
    /// # Errors
    /// Those of [`Client::offer`]. [`ClientError::Unpaid`]: the payment was refused, and there is no session.
    /// [`ClientError::Unserved`]: there is one, and it is not served; its balance comes back by [`Client::cancel_session`] while nobody has
    /// accepted it, and after its end but for what was promised, which is the price of this request. Those of [`Session::ask`].
    pub async fn pay(
        &self,
        endpoint: &str,
        work: &Work,
        uris: Option<&ModelUris>,
        limits: &PayLimits,
        voucher_key: Keypair,
        ledger: impl FnOnce(&Pubkey, u64) -> Result<Ledger, ClientError>,
    ) -> Result<Paid<'_>, ClientError> {
        let model = Model {
            graph: work.graph.clone(),
            params: work.params.clone(),
            graph_root: work.resolved.root,
            params_root: work.params_root,
        };
        let (offer, network, mint) = self.offered(endpoint, &model, limits).await?;
        let begun = Instant::now();
        let terms = &offer.terms;
        let one_at_a_time = self.posting.lock().await;
        let session_id = self.chain().next_job_id(&self.address()).await?;
        let address = address::session(&self.address(), session_id);
        let uris = uris.unwrap_or(&offer.uris);
        let arguments = terms.arguments(session_id, &model, uris, &voucher_key.pubkey(), &network, &mint)?;
        let token = TokenMint { address: mint.mint, token_program: mint.token_program };
        let source = token.associated_account(&self.address());
        let open = instructions::open_session(&self.address(), &terms.node, token, &source, arguments);
        let signed = self.sender.prepare(&[open], &[&self.key]).await?;
        let ledger = ledger(&address, terms.price)?;
        let (sequence, amount) = ledger.begin(terms.price, terms.balance)?;
        let voucher = signed_voucher(&voucher_key, network.genesis_hash, &address, amount);
        let payload = OpenPayload { transaction: STANDARD.encode(signed.wire()?), sequence, voucher: voucher.into() };
        let payment = payment(&offer, payload)?;
        let sent = Payment { url: url_of(endpoint, &model), address, signed: &signed, payment };
        let (reply, latency) = self.sent(&sent, work).await?;
        drop(one_at_a_time);
        // The node has answered; the endpoint of this client may be a moment behind.
        self.await_acceptance(&address, |_| ()).await?;
        let session = self.session(&address, voucher_key, ledger).await?;
        let answer = session.first_answer(work, sequence, &reply.body, latency)?;
        let transaction = signed.signature().to_string();
        Ok(Paid { session, answer, transaction, took: begun.elapsed() })
    }

    /// Sends the request with its payment until it is answered; the answer, and how long the last attempt took.
    async fn sent(&self, sent: &Payment<'_>, work: &Work) -> Result<(Document, Duration), ClientError> {
        let Payment { url, address, payment, .. } = sent;
        let frame = encode_frame(&WorkHeader { symbols: work.symbols() }, &encode_bundle(&work.inputs))
            .map_err(|error| ClientError::Reply { session: *address, reason: error.to_string() })?;
        let headers = [(PAYMENT_SIGNATURE, payment.as_str())];
        let begun = Instant::now();
        loop {
            let attempt = Instant::now();
            let reply =
                self.fetcher.exchange_with(url, &headers, frame.clone(), most_reply_bytes(work), ATTEMPT_TIME).await;
            let (reason, pause) = match reply {
                Ok(reply) if reply.is_ok() => return Ok((reply, attempt.elapsed())),
                Ok(reply) => {
                    let pause = BUSY.contains(&reply.status).then(|| reply.retry_after.unwrap_or(PAUSE));
                    (format!("status {}: {}", reply.status, refusal_words(&reply)), pause)
                }
                Err(error) => (error.to_string(), error.is_transient().then_some(PAUSE)),
            };
            match pause.filter(|pause| *pause <= LONGEST_PAUSE && begun.elapsed() + *pause < PATIENCE) {
                Some(pause) => {
                    tracing::debug!(session = %address, reason, "no answer to a payment; sending it again");
                    tokio::time::sleep(pause).await;
                }
                None => return Err(self.not_served(sent, reason).await),
            }
        }
    }

    /// What the chain says of a payment that was not answered.
    async fn not_served(&self, sent: &Payment<'_>, reason: String) -> ClientError {
        let session = sent.address;
        match self.chain().find_session(&session).await {
            Ok(None) => {
                let last_block_height = sent.signed.last_valid_block_height();
                ClientError::Unpaid { session, reason, last_block_height }
            }
            Ok(Some(account)) => {
                let advice = match account.state {
                    SessionState::Offered => "cancel it: the whole balance comes back",
                    SessionState::Active => "ask it, or end it: all but the price of this request comes back",
                    _ => "reclaim what it owes",
                };
                ClientError::Unserved { session, reason, advice }
            }
            Err(error) => {
                let advice = "find out what the chain says of it, then cancel or end it";
                ClientError::Unserved { session, reason: format!("{reason}; {error}"), advice }
            }
        }
    }
}

/// A payment that is sent.
struct Payment<'a> {
    url: String,
    /// The session that it opens.
    address: Pubkey,
    signed: &'a SignedTransaction,
    /// The header.
    payment: String,
}

fn url_of(endpoint: &str, model: &Model) -> String {
    format!("{}{}", endpoint.trim_end_matches('/'), model_path(&model.graph_root, &model.params_root))
}

/// The offer in an answer to a request that was not paid for.
fn required_in(url: &str, reply: &Document) -> Result<PaymentRequired, ClientError> {
    let none = |reason: String| ClientError::NoOffer { url: url.to_owned(), status: reply.status, reason };
    if reply.status != PAYMENT_REQUIRED_STATUS {
        return Err(none(refusal_words(reply)));
    }
    let header = reply.header(PAYMENT_REQUIRED).ok_or_else(|| none("it has no PAYMENT-REQUIRED header".to_owned()))?;
    decode_payment(header).map_err(|error| none(error.to_string()))
}

fn payment(offer: &Offer, payload: OpenPayload) -> Result<String, ClientError> {
    let unwritable = |reason: String| ClientError::Offer { what: "size", offered: reason, wanted: "less".to_owned() };
    let payload = serde_json::to_value(SessionPayload::Open(payload)).map_err(|error| unwritable(error.to_string()))?;
    let payment = PaymentPayload {
        x402_version: X402_VERSION,
        resource: Some(offer.resource.clone()),
        accepted: offer.requirements.clone(),
        payload,
        extensions: None,
    };
    encode_payment(&payment).map_err(|error| unwritable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::heard::{client_of_no_chain, node_that_answers};
    use crate::work::tests::work;
    use solana_sdk::hash::Hash;
    use solana_sdk::transaction::Transaction;
    use tokio::task::JoinHandle;

    /// A client whose chain does not answer, and a node that gives these answers, one a request; what it was sent.
    async fn talk(answers: Vec<String>) -> (Client, String, JoinHandle<Vec<Vec<u8>>>, tempfile::TempDir) {
        let answers = answers.into_iter().map(|answer| (answer, Vec::new())).collect();
        let ((client, folder), (url, requests)) = (client_of_no_chain(), node_that_answers(answers).await);
        (client, url, requests, folder)
    }

    fn signed() -> SignedTransaction {
        let payer = Keypair::new();
        let transaction = Transaction::new_signed_with_payer(&[], Some(&payer.pubkey()), &[&payer], Hash::new_unique());
        let wire = bincode::serialize(&transaction).unwrap();
        SignedTransaction::from_bytes(&[&[1][..], &[0; 8], &wire].concat()).unwrap()
    }

    #[tokio::test]
    async fn a_node_that_offers_nothing_is_named_as_such() {
        let answers =
            ["404 Not Found", "200 OK", "402 Payment Required", "402 Payment Required\r\npayment-required: e30="];
        let count = answers.len();
        let (client, endpoint, _, _folder) = talk(answers.map(str::to_owned).to_vec()).await;
        let work = work(2);
        let (graph_root, params_root) = (work.resolved.root, work.params_root);
        let model = Model { graph: work.graph, params: work.params, graph_root, params_root };
        let limits = PayLimits::new(Pubkey::new_unique(), 1, 1);
        for _ in 0..count {
            let error = client.offer(&endpoint, &model, &limits).await.unwrap_err();
            assert!(matches!(error, ClientError::NoOffer { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn a_payment_is_sent_again_as_it_was_while_the_node_is_busy() {
        let busy = "503 Service Unavailable\r\nretry-after: 0".to_owned();
        let (client, endpoint, requests, _folder) = talk(vec![busy.clone(), busy, "200 OK".to_owned()]).await;
        let signed = signed();
        let sent =
            Payment { url: endpoint, address: Pubkey::new_unique(), signed: &signed, payment: "cGF5bWVudA==".into() };
        let (reply, _) = client.sent(&sent, &work(2)).await.unwrap();
        assert!(reply.is_ok());
        let requests = requests.await.unwrap();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|request| *request == requests[0]), "each is the first one again");
        assert!(String::from_utf8_lossy(&requests[0]).contains("payment-signature: cGF5bWVudA=="));
    }

    #[tokio::test]
    async fn a_payment_of_which_nothing_is_known_is_not_said_to_be_lost() {
        let without_room = "503 Service Unavailable\r\nretry-after: 30".to_owned();
        for answer in ["409 Conflict".to_owned(), without_room] {
            let (client, endpoint, _, _folder) = talk(vec![answer]).await;
            let (signed, address) = (signed(), Pubkey::new_unique());
            let sent = Payment { url: endpoint, address, signed: &signed, payment: "e30=".into() };
            let error = client.sent(&sent, &work(2)).await.unwrap_err();
            assert!(matches!(&error, ClientError::Unserved { session, .. } if *session == address), "{error}");
            assert!(error.to_string().contains("find out what the chain says"), "{error}");
        }
    }
}
