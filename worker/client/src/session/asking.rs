//! Asking.

use super::answer::{Answer, Expected};
use super::ledger::Ledger;
use crate::client::Client;
use crate::error::ClientError;
use crate::work::Work;
use assay::session::{SessionState, Voucher};
use assay::state::Session as SessionAccount;
use assay_models::artifact::encode_bundle;
use assay_session::{MAX_HEADER_BYTES, RefusalReply, RequestHeader, SignedVoucher, encode_frame, requests_path};
use assay_store::Document;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::time::{Duration, Instant};

/// How long one attempt may take.
pub(super) const ATTEMPT_TIME: Duration = Duration::from_secs(60);
/// How long a request is tried again while the node is silent or busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a node may not know a session that it has accepted: it learns of that as everybody else does, and again when it has
/// been restarted.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(30);
/// Between attempts, where the node does not say how long.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// What a frame has beside the output: its header and the length of it.
const FRAME_BYTES: u64 = MAX_HEADER_BYTES as u64 + 4;

/// HTTP: a greater voucher is wanted.
const PAYMENT_REQUIRED: u16 = 402;
/// HTTP: there is no such session here.
const NOT_FOUND: u16 = 404;
/// HTTP: a pause is wanted.
const BUSY: [u16; 2] = [429, 503];

/// An active session, ready to be asked. Requests may be asked at once; each has a number of its own.
pub struct Session<'a> {
    client: &'a Client,
    address: Pubkey,
    account: SessionAccount,
    genesis_hash: [u8; 32],
    uri: String,
    voucher_key: Keypair,
    ledger: Ledger,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("address", &self.address).field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Client {
    /// An active session, to be asked at its node's endpoint. `voucher_key` is the one that the session names.
    ///
    /// # Errors
    /// There is no such session, it is not active, the voucher key is another one, or the node names no endpoint.
    pub async fn session(
        &self,
        address: &Pubkey,
        voucher_key: Keypair,
        ledger: Ledger,
    ) -> Result<Session<'_>, ClientError> {
        let account = self.chain().find_session(address).await?;
        let account = account.ok_or(ClientError::NoSession { session: *address })?;
        if account.state != SessionState::Active {
            return Err(ClientError::session_state(address, account.state));
        }
        if account.voucher_key != voucher_key.pubkey() {
            let (pinned, given) = (account.voucher_key.to_string(), voucher_key.pubkey().to_string());
            return Err(ClientError::OtherWork { what: "voucher key", pinned, given });
        }
        let endpoint = self.chain().node(&account.node).await?.endpoint;
        if endpoint.is_empty() {
            return Err(ClientError::NoEndpoint { node: account.node });
        }
        let genesis_hash = self.chain().network().await?.genesis_hash;
        let uri = format!("{}{}", endpoint.trim_end_matches('/'), requests_path(&address.to_string()));
        Ok(Session { client: self, address: *address, account, genesis_hash, uri, voucher_key, ledger })
    }
}

impl Session<'_> {
    /// Address of the session.
    pub fn address(&self) -> Pubkey {
        self.address
    }

    /// The session as it was when it was taken up.
    pub fn account(&self) -> &SessionAccount {
        &self.account
    }

    /// What was asked and promised so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Asks for the output of `work`, whose graph and params are the session's, pays for it and checks the answer.
    ///
    /// While the node is silent or busy the same request is sent again, for two minutes; it is answered and paid once.
    ///
    /// # Errors
    /// The work is not the session's; the balance is spent; the node refuses, or does not answer; or its reply is not an answer to
    /// this request. Then nothing more should be promised to it, and `end_session` keeps the rest.
    pub async fn ask(&self, work: &Work) -> Result<Answer, ClientError> {
        self.check_work(work)?;
        let (price, balance) = (self.account.price, self.account.balance);
        let (sequence, amount) = self.ledger.begin(price, balance)?;
        let answer = self.ask_for(work, sequence, amount).await;
        self.ledger.end(answer.is_ok());
        answer
    }

    async fn ask_for(&self, work: &Work, sequence: u64, mut amount: u64) -> Result<Answer, ClientError> {
        let inputs = encode_bundle(&work.inputs);
        let most_bytes = most_reply_bytes(work);
        let begun = Instant::now();
        loop {
            let voucher = self.voucher(amount);
            let frame = encode_frame(&RequestHeader { sequence, symbols: work.symbols(), voucher }, &inputs)
                .map_err(|error| self.malformed(error.to_string()))?;
            let sent = Instant::now();
            let reply = self.client.fetcher.exchange(&self.uri, frame, most_bytes, ATTEMPT_TIME).await;
            let pause = match reply {
                Ok(reply) if reply.is_ok() => {
                    return self.checked(work, sequence, &reply.body, sent.elapsed());
                }
                Ok(reply) => match self.refusal(&reply) {
                    // A reply that was lost on its way is owed, too.
                    Refusal::Owes(owed) if self.ledger.raise(owed, self.account.price, self.account.balance)? => {
                        amount = owed;
                        continue;
                    }
                    Refusal::Busy(pause) if begun.elapsed() < PATIENCE => pause,
                    Refusal::Unknown if begun.elapsed() < UNKNOWN_PATIENCE => PAUSE,
                    _ => return Err(self.refused(&reply)),
                },
                Err(error) if error.is_transient() && begun.elapsed() < PATIENCE => {
                    tracing::debug!(session = %self.address, sequence, %error, "no reply; asking again");
                    PAUSE
                }
                Err(error) => return Err(error.into()),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Checks the reply to a request that was begun in the ledger before the session was taken up, and ends it there.
    pub(super) fn first_answer(
        &self,
        work: &Work,
        sequence: u64,
        frame: &[u8],
        latency: Duration,
    ) -> Result<Answer, ClientError> {
        let answer = self.checked(work, sequence, frame, latency);
        self.ledger.end(answer.is_ok());
        answer
    }

    fn checked(&self, work: &Work, sequence: u64, frame: &[u8], latency: Duration) -> Result<Answer, ClientError> {
        let (genesis_hash, address, session) = (self.genesis_hash, &self.address, &self.account);
        Expected { genesis_hash, address, session, sequence, work }.check(frame, latency)
    }

    fn voucher(&self, amount: u64) -> SignedVoucher {
        signed_voucher(&self.voucher_key, self.genesis_hash, &self.address, amount)
    }

    fn check_work(&self, work: &Work) -> Result<(), ClientError> {
        let roots = [
            ("graph root", work.resolved.root, self.account.graph_root),
            ("params root", work.params_root, self.account.params_root),
        ];
        match roots.into_iter().find(|(_, given, pinned)| given != pinned) {
            None => Ok(()),
            Some((what, given, pinned)) => {
                Err(ClientError::OtherWork { what, pinned: hex::encode(pinned), given: hex::encode(given) })
            }
        }
    }

    fn refusal(&self, reply: &Document) -> Refusal {
        if BUSY.contains(&reply.status) {
            return Refusal::Busy(reply.retry_after.unwrap_or(PAUSE));
        }
        if reply.status == NOT_FOUND {
            return Refusal::Unknown;
        }
        let owed = serde_json::from_slice::<RefusalReply>(&reply.body).ok().and_then(|refusal| refusal.owed);
        match owed {
            Some(owed) if reply.status == PAYMENT_REQUIRED => Refusal::Owes(owed),
            _ => Refusal::Final,
        }
    }

    fn refused(&self, reply: &Document) -> ClientError {
        let message = refusal_words(reply);
        ClientError::NodeRefused { session: self.address, status: reply.status, message }
    }

    fn malformed(&self, reason: String) -> ClientError {
        ClientError::Reply { session: self.address, reason }
    }
}

/// A voucher that `key` signs.
pub(super) fn signed_voucher(key: &Keypair, genesis_hash: [u8; 32], session: &Pubkey, amount: u64) -> SignedVoucher {
    let voucher = Voucher { genesis_hash, session: *session, amount };
    SignedVoucher { amount, signature: key.sign_message(&voucher.message()).into() }
}

/// Most bytes of a reply to a request for this work.
pub(super) fn most_reply_bytes(work: &Work) -> u64 {
    let output = work.resolved.tensors.get(usize::from(work.output_slot)).map_or(0, |tensor| tensor.bytes());
    (output as u64).saturating_add(FRAME_BYTES)
}

/// What a node says with a refusal.
pub(super) fn refusal_words(reply: &Document) -> String {
    let message = serde_json::from_slice::<RefusalReply>(&reply.body).map(|refusal| refusal.message);
    message.unwrap_or_else(|_| "it does not say why".to_owned())
}

/// What a refusal asks for.
enum Refusal {
    /// A voucher of so much.
    Owes(u64),
    /// A pause.
    Busy(Duration),
    /// Time to notice that the session is active.
    Unknown,
    /// Another request.
    Final,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::answer::tests::Scene;
    use crate::session::heard::{body_of, client_of_no_chain, node_that_answers};
    use assay_session::split_frame;
    use solana_sdk::signature::Signature;
    use tokio::task::JoinHandle;

    /// What a client of no chain asks, and a node that gives these answers, one a request.
    struct Talk {
        scene: Scene,
        client: Client,
        voucher_key: Keypair,
        uri: String,
        requests: JoinHandle<Vec<Vec<u8>>>,
        _folder: tempfile::TempDir,
    }

    impl Talk {
        async fn with(sequence: u64, answers: impl FnOnce(&Scene) -> Vec<(u16, Vec<u8>)>) -> Self {
            let mut scene = Scene::of_request(sequence);
            let voucher_key = Keypair::new();
            (scene.session.voucher_key, scene.session.balance) = (voucher_key.pubkey(), 1_000);
            (scene.session.graph_root, scene.session.params_root) = (scene.work.resolved.root, scene.work.params_root);
            let said = |(status, body): (u16, Vec<u8>)| (format!("{status} Said"), body);
            let (url, requests) = node_that_answers(answers(&scene).into_iter().map(said).collect()).await;
            let (client, folder) = client_of_no_chain();
            let uri = format!("{url}/requests");
            Self { scene, client, voucher_key, uri, requests, _folder: folder }
        }

        fn session(&self, ledger: Ledger) -> Session<'_> {
            Session {
                client: &self.client,
                address: self.scene.address,
                account: self.scene.session.clone(),
                genesis_hash: [1; 32],
                uri: self.uri.clone(),
                voucher_key: self.voucher_key.insecure_clone(),
                ledger,
            }
        }

        /// Sequences and amounts that were sent, each signed for this session.
        async fn sent(self) -> Vec<(u64, u64)> {
            let (key, session) = (self.voucher_key.pubkey(), self.scene.address);
            let requests = self.requests.await.unwrap();
            let sent = requests.iter().map(|request| {
                let (request, _) = split_frame::<RequestHeader>(body_of(request)).unwrap();
                let amount = request.voucher.amount;
                let message = Voucher { genesis_hash: [1; 32], session, amount }.message();
                assert!(Signature::from(request.voucher.signature).verify(key.as_ref(), &message));
                (request.sequence, amount)
            });
            sent.collect()
        }
    }

    fn refusal(status: u16, owed: Option<u64>) -> (u16, Vec<u8>) {
        let reply = RefusalReply { code: "N0800".into(), message: "N0800 no".into(), owed };
        (status, serde_json::to_vec(&reply).unwrap())
    }

    /// A node that does not know its session yet, then is busy, then answers: one request, one promise.
    #[tokio::test]
    async fn a_request_is_sent_again_until_it_is_answered() {
        let talk = Talk::with(1, |scene| {
            vec![refusal(404, None), refusal(503, None), refusal(429, None), (200, scene.reply())]
        });
        let talk = talk.await;
        let answer = talk.session(Ledger::in_memory()).ask(&talk.scene.work).await.unwrap();
        assert_eq!(answer.receipt, talk.scene.signed());
        assert_eq!(talk.sent().await, [(1, 100); 4]);
    }

    /// A reply that was lost is owed as well, and no more than was asked.
    #[tokio::test]
    async fn what_a_node_is_owed_is_paid_up_to_what_was_asked() {
        let talk = Talk::with(2, |scene| {
            vec![refusal(400, None), refusal(402, Some(200)), (200, scene.reply()), refusal(402, Some(401))]
        });
        let talk = talk.await;
        let session = talk.session(Ledger::in_memory());
        let lost = session.ask(&talk.scene.work).await.unwrap_err();
        assert!(lost.to_string().starts_with("J0203"), "{lost}");
        session.ask(&talk.scene.work).await.unwrap();
        assert_eq!((session.ledger().requests(), session.ledger().promised()), (2, 200));
        let greedy = session.ask(&talk.scene.work).await.unwrap_err();
        assert!(greedy.to_string().starts_with("J0203"), "three requests cost 300: {greedy}");
        assert_eq!(session.ledger().promised(), 200);
        drop(session);
        assert_eq!(talk.sent().await, [(1, 100), (2, 100), (2, 200), (3, 200)]);
    }

    #[tokio::test]
    async fn a_reply_to_another_request_is_no_answer_and_other_work_is_not_asked_for() {
        let talk = Talk::with(7, |scene| vec![(200, scene.reply())]).await;
        let session = talk.session(Ledger::in_memory());
        let other = session.ask(&talk.scene.work).await.unwrap_err();
        assert!(other.to_string().starts_with("J0205"), "the receipt is of request 7: {other}");
        let mut foreign = talk.scene.work.clone();
        foreign.params_root[0] ^= 1;
        assert!(session.ask(&foreign).await.unwrap_err().to_string().starts_with("J0107"));
        assert_eq!(session.ledger().requests(), 1, "nothing was asked, nothing promised");
    }
}
