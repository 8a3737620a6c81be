//! Sessions: many requests and one settlement; a lie in one of them; a node that dies between two.

use assay::session::SessionState;
use assay::state::Fault;
use assay::state_machine::JobState;
use assay_chain::instructions::ReceiptHints;
use assay_client::session::{Answer, Ledger, Model, Session, SessionTerms};
use assay_client::{ClientError, Work};
use assay_kernels::{CpuBackend, CpuOptions};
use assay_node::config::NodeConfig;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use story_tests::{NodeProcess, Story, ValidatorProcess, everything_work};

/// The graph of the lie.
const LIES_IN_A_SESSION: u32 = 31;
pub(crate) const PRICE: u64 = 10_000;
const BALANCE: u64 = 1_000_000;
/// What the node locks: the balance, ten times over, so that no part of it rounds to nothing.
const BOND: u64 = 10_000_000;
/// Long enough for a validator on a busy machine. A conviction ends it sooner.
const WINDOW_SLOTS: u64 = 1_000;
/// Where nothing is called in: long enough for the last voucher on a busy machine; it is waited for.
pub(crate) const QUIET_WINDOW_SLOTS: u64 = 100;

fn backend() -> CpuBackend {
    CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).expect("a backend")
}

/// Opens a session over the model of `work` with a voucher key of its own, and waits for the node.
pub(crate) async fn opened<'a>(story: &'a Story, node: &NodeProcess, work: &Work, window_slots: u64) -> Session<'a> {
    let model = Model::new(work.graph.clone(), work.params.clone()).expect("a model");
    let uris = model.store(&story.store, &story.store_url).await.expect("the model is stored");
    let terms = SessionTerms {
        bond: Some(BOND),
        window_slots: Some(window_slots),
        ..SessionTerms::new(node.address, story.payment_mint(), PRICE, BALANCE)
    };
    let voucher_key = Keypair::new();
    let opened = story.client.open_session(&model, &uris, &terms, &voucher_key.pubkey()).await.expect("it opens");
    let accepted = story.client.await_acceptance(&opened.address, |_| {}).await;
    let account = accepted.unwrap_or_else(|error| panic!("{error}: {}", node.log()));
    assert_eq!((account.state, account.node), (SessionState::Active, node.address));
    story.client.session(&opened.address, voucher_key, Ledger::in_memory()).await.expect("it can be asked")
}

pub(crate) async fn asked(session: &Session<'_>, work: &Work, node: &NodeProcess) -> Answer {
    session.ask(work).await.unwrap_or_else(|error| panic!("{error}: {}", node.log()))
}

/// Waits until the session is settled and the node paid, then takes the rest back and expects nothing to be left.
async fn settles(story: &Story, node: &NodeProcess, session: &Pubkey, requests: u64) {
    story.client.end_session(session).await.expect("it ends");
    let paid = requests * PRICE;
    let fee = paid * 200 / 10_000;
    story.until("the node is paid", async || story.paid_to(&node.address).await == paid - fee).await;
    let reclaimed = story.client.reclaim_session(session).await.expect("the rest comes back");
    assert!(reclaimed.closed, "{reclaimed:?}");
    assert_eq!(story.fees().await, fee);
    story.balanced(&[node.address]).await;
    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_requests_are_settled_by_one_voucher() {
    const REQUESTS: u64 = 30;
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(None).await;
    let first = story.work(0);
    let session = opened(&story, &node, &first, QUIET_WINDOW_SLOTS).await;
    let backend = backend();
    for seed in 0..REQUESTS {
        let work = first.with_inputs(story.work(seed).inputs).unwrap();
        let answer = asked(&session, &work, &node).await;
        assert_eq!(answer.receipt.receipt.sequence, seed + 1);
        answer.receipt.verify(&work, &backend).expect("the answer is right");
    }
    assert_eq!(session.ledger().promised(), REQUESTS * PRICE);
    let account = story.chain().session(&session.address()).await.unwrap();
    assert_eq!(account.receipts_opened, 0, "no request touched the chain");
    settles(&story, &node, &session.address(), REQUESTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_in_a_session_is_called_in_and_convicted_unattended() {
    let story = Story::begin().await;
    let sample = everything_work(LIES_IN_A_SESSION, 0);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "audit", &sample);
    validator.start(None).await;
    let before = story.stake_tokens_of(&validator.key).await;
    let hurried = |config: &mut NodeConfig| config.disputes.least_clock_slots = 1;
    let mut node = NodeProcess::register(&story, "liar", story.placement(), hurried).lies("element:element=5,bit=1");
    node.start(None).await;
    let session = opened(&story, &node, &sample, WINDOW_SLOTS).await;
    let backend = backend();
    let mut wrong = None;
    for seed in 1..=3 {
        let work = everything_work(LIES_IN_A_SESSION, seed);
        let answer = asked(&session, &work, &node).await;
        let refuted = answer.receipt.verify(&work, &backend).expect_err("every answer is a lie");
        assert!(matches!(refuted, ClientError::Refuted { .. }), "{refuted}");
        wrong = Some((work, answer));
    }
    let (work, answer) = wrong.expect("three answers");
    let inputs_uri = work.store_inputs(&story.store, &story.store_url).await.unwrap();
    let hints = ReceiptHints { inputs_uri, ..ReceiptHints::default() };
    let job = story.client.call_in(&answer.receipt, &hints).await.expect("the client calls it in");

    let ended = story.end(&job).await;
    assert_eq!((ended.state, ended.record.fault), (JobState::Convicted, Fault::WrongElement), "{}", validator.log());
    let account = story.chain().session(&session.address()).await.unwrap();
    assert_eq!((account.state, account.credits.client), (SessionState::Convicted, BALANCE), "whatever was promised");
    let record = validator.is_through_with(&job).await;
    assert_eq!(record["ending"]["ending"], "won", "{record}");
    assert_eq!(story.stake_tokens_of(&validator.key).await - before, BOND / 2, "the bounty, to the last unit");
    let convicted = story.chain().node(&node.address).await.unwrap();
    assert_eq!((convicted.locked, convicted.open_jobs, convicted.fraud_convictions), (0, 0, 1));
    node.dies().await;
    story
        .until("everything comes back", async || {
            let reclaimed = story.client.reclaim_session(&session.address()).await;
            let _ = story.client.reclaim(&job).await;
            reclaimed.is_ok_and(|reclaimed| reclaimed.closed)
                && story.chain().find_job(&job).await.is_ok_and(|job| job.is_none())
        })
        .await;
    assert_eq!(story.accounts().await.tokens, Story::PURSE, "the client lost nothing");
    story.leaves_nothing(&[job, validator.key]).await;
}

/// Dies after the receipt is on its disk and before anybody has it, and once more between two requests: each request is answered and
/// paid once.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_resumes_its_session() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    node.start(Some("after_receipt_promised")).await;
    let first = story.work(0);
    let session = opened(&story, &node, &first, QUIET_WINDOW_SLOTS).await;
    let (answer, ()) = tokio::join!(session.ask(&first), async {
        node.dies().await;
        node.start(None).await;
    });
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", node.log()));
    assert_eq!(answer.receipt.receipt.sequence, 1);
    node.kill();
    node.start(None).await;
    let work = first.with_inputs(story.work(1).inputs).unwrap();
    let answer = asked(&session, &work, &node).await;
    assert_eq!(answer.receipt.receipt.sequence, 2);
    answer.receipt.verify(&work, &backend()).expect("the answer is right");
    assert_eq!(session.ledger().promised(), 2 * PRICE);
    settles(&story, &node, &session.address(), 2).await;
}
