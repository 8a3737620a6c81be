//! Transactions: landing once, refusals by name, promises, duplicates, expiry, outages.

use crate::faulty::{self, Faults};
use crate::proxy::Proxy;
use crate::support::{funded, shared, start, transfer};
use assay::AssayError;
use assay_chain::{Chain, Endpoint, Outcome, SendOptions, Sender, SignedTransaction, instructions};
use solana_client::rpc_config::RpcSendTransactionConfig;
use solana_sdk::{pubkey::Pubkey, signer::Signer};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

const RENT_FREE: u64 = 1_000_000;
/// How long anything may take that has to happen in the end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Short, so that a blockhash is old soon, and long enough for a busy machine to land a transaction before.
const QUICK_SLOT_MS: u64 = 50;

async fn balance(sender: &Sender, address: &Pubkey) -> u64 {
    sender.chain().balance_lamports(address).await.unwrap()
}

/// The wire form, as somebody else's software would send it.
fn wire(signed: &SignedTransaction) -> solana_sdk::transaction::Transaction {
    const HEADER_BYTES: usize = 9;
    bincode::deserialize(&signed.to_bytes().unwrap()[HEADER_BYTES..]).unwrap()
}

async fn send_unchecked(sender: &Sender, signed: &SignedTransaction) {
    let config = RpcSendTransactionConfig { skip_preflight: true, ..RpcSendTransactionConfig::default() };
    sender.chain().rpc().send_transaction_with_config(&wire(signed), config).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_lands_once_however_often_it_is_delivered() {
    let sender = shared().await.sender();
    let payer = funded(&sender, 1_000_000_000).await;
    let recipient = Pubkey::new_unique();
    let signed = sender.prepare(&[transfer(&payer, &recipient, RENT_FREE)], &[&payer]).await.unwrap();

    let (first, second) = tokio::join!(sender.deliver(&signed), sender.deliver(&signed));
    let first = first.unwrap().into_result().unwrap();
    assert_eq!(first.signature, signed.signature());
    assert_eq!(second.unwrap().into_result().unwrap(), first);
    // As after a restart: from the stored bytes.
    let stored = SignedTransaction::from_bytes(&signed.to_bytes().unwrap()).unwrap();
    assert_eq!(sender.deliver(&stored).await.unwrap().into_result().unwrap(), first);
    assert_eq!(balance(&sender, &recipient).await, RENT_FREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_the_program_is_named_before_anything_is_signed() {
    let sender = shared().await.sender();
    let stranger = funded(&sender, 1_000_000_000).await;
    let instruction = instructions::propose_authority(&stranger.pubkey(), stranger.pubkey());
    let mut signed = false;
    let note = |_: &SignedTransaction| {
        signed = true;
        Ok(())
    };
    let outcome = sender.send_promised(&[instruction], &[&stranger], note).await.unwrap();
    let Outcome::Failed { failure, landed: None } = outcome else { panic!("it should be refused") };
    assert_eq!(failure.assay_error(), Some(AssayError::NotNetworkAuthority));
    assert_eq!(failure.refusal.as_ref().unwrap().code, "P6011");
    assert!(failure.to_string().contains("Only the network's authority"), "{failure}");
    assert!(!signed);
    assert_eq!(balance(&sender, &stranger.pubkey()).await, 1_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_token_program_is_told_from_ours() {
    let shared = shared().await;
    let sender = shared.sender();
    let client = crate::support::funded_client(shared, &sender).await;
    let mint = shared.market.payment_mint;
    let source = mint.associated_account(&client.pubkey());
    let too_much = spl_token_interface::instruction::transfer(
        &mint.token_program,
        &source,
        &source,
        &client.pubkey(),
        &[],
        u64::MAX,
    )
    .unwrap();
    let error = sender.execute(&[too_much], &[&client]).await.unwrap_err();
    assert_eq!(error.code(), "C0120");
    assert!(error.to_string().contains("T1 InsufficientFunds"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_unless_the_promise_is_stored() {
    let sender = shared().await.sender();
    let payer = funded(&sender, 1_000_000_000).await;
    let recipient = Pubkey::new_unique();
    let instruction = transfer(&payer, &recipient, RENT_FREE);
    let error = sender
        .send_promised(std::slice::from_ref(&instruction), &[&payer], |_| Err("the disk is full".to_owned()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "C0124");
    assert_eq!(balance(&sender, &payer.pubkey()).await, 1_000_000_000);

    let mut stored = None;
    let store = |signed: &SignedTransaction| {
        stored = Some(signed.signature());
        Ok(())
    };
    let landed = sender.send_promised(&[instruction], &[&payer], store).await.unwrap().into_result().unwrap();
    assert_eq!(stored, Some(landed.signature));
    assert_eq!(balance(&sender, &recipient).await, RENT_FREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_lands_and_fails_is_failed_and_says_why() {
    let sender = shared().await.sender();
    let payer = funded(&sender, 10 * RENT_FREE).await;
    let recipient = Pubkey::new_unique();
    let signed = sender.prepare(&[transfer(&payer, &recipient, 8 * RENT_FREE)], &[&payer]).await.unwrap();
    sender.execute(&[transfer(&payer, &Pubkey::new_unique(), 7 * RENT_FREE)], &[&payer]).await.unwrap();
    send_unchecked(&sender, &signed).await;
    let Outcome::Failed { failure, landed: Some(landed) } = sender.deliver(&signed).await.unwrap() else {
        panic!("it should land and fail")
    };
    assert_eq!(landed.signature, signed.signature());
    assert_eq!(failure.refusal.unwrap().name, "InsufficientLamports");
    assert_eq!(balance(&sender, &recipient).await, 0);
}

/// What a lost race for a job looks like: the simulation passes, then the state changes, then the first copy is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_copy_that_is_refused_is_final_at_once() {
    let sender = shared().await.sender();
    let payer = funded(&sender, 10 * RENT_FREE).await;
    let instruction = transfer(&payer, &Pubkey::new_unique(), 8 * RENT_FREE);
    let spend = |_: &SignedTransaction| {
        let other = transfer(&payer, &Pubkey::new_unique(), 7 * RENT_FREE);
        let spend = async { sender.execute(&[other], &[&payer]).await };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(spend)).unwrap();
        Ok(())
    };
    let outcome = sender.send_promised(&[instruction], &[&payer], spend).await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { landed: None, .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_blockhash_expires_and_what_landed_before_never_does() {
    let localnet = start(QUICK_SLOT_MS);
    let sender = localnet.sender();
    let payer = funded(&sender, 1_000_000_000).await;
    let (late, early) = (Pubkey::new_unique(), Pubkey::new_unique());
    let never_sent = sender.prepare(&[transfer(&payer, &late, RENT_FREE)], &[&payer]).await.unwrap();
    let sent = sender.prepare(&[transfer(&payer, &early, RENT_FREE)], &[&payer]).await.unwrap();
    let landed = sender.deliver(&sent).await.unwrap();
    while sender.chain().tip().await.unwrap().block_height <= never_sent.last_valid_block_height() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let outcome = timeout(PATIENCE, sender.deliver(&never_sent)).await.expect("it ends").unwrap();
    assert_eq!(outcome, Outcome::Expired { signature: never_sent.signature() });
    assert_eq!(outcome.into_result().unwrap_err().code(), "C0121");
    assert_eq!(balance(&sender, &late).await, 0);
    assert_eq!(sender.deliver(&sent).await.unwrap(), landed);
    assert!(matches!(landed, Outcome::Landed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_delays_delivery_and_a_long_one_leaves_it_open() {
    let shared = shared().await;
    let direct = shared.sender();
    let payer = funded(&direct, 1_000_000_000).await;
    let recipient = Pubkey::new_unique();
    let target = shared.localnet.endpoint().rpc_url.trim_start_matches("http://").to_owned();
    let proxy = Proxy::to(target).await;
    let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{}", proxy.port())).unwrap();
    let options = |patience| SendOptions {
        poll_interval: Duration::from_millis(50),
        patience: Duration::from_millis(patience),
        ..SendOptions::default()
    };
    let impatient = Sender::new(Chain::new(endpoint.clone()), options(300));
    let patient = Sender::new(Chain::new(endpoint), options(60_000));
    let signed = patient.prepare(&[transfer(&payer, &recipient, RENT_FREE)], &[&payer]).await.unwrap();

    proxy.cut().await;
    let error = impatient.deliver(&signed).await.unwrap_err();
    assert_eq!(error.code(), "C0122");
    assert!(error.to_string().contains(&signed.signature().to_string()), "{error}");
    let mend = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        proxy.mend();
    };
    let (outcome, ()) = tokio::join!(patient.deliver(&signed), mend);
    assert!(matches!(outcome.unwrap(), Outcome::Landed(_)));
    assert_eq!(balance(&direct, &recipient).await, RENT_FREE);
}

/// A sender over the endpoint of `localnet`, seen through faults.
async fn through(localnet: &assay_localnet::Localnet, faults: &Arc<Faults>) -> Sender {
    let address = faulty::serve(&localnet.endpoint().rpc_url, faults.clone()).await;
    let options = SendOptions {
        poll_interval: Duration::from_millis(20),
        resend_interval: Duration::from_millis(100),
        ..SendOptions::default()
    };
    Sender::new(Chain::new(Endpoint::parse(&address).unwrap()), options)
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_refused_requests_neither_lose_nor_double_a_transaction() {
    let shared = shared().await;
    let faults = Arc::new(Faults::default());
    let sender = through(&shared.localnet, &faults).await;
    let payer = funded(&shared.sender(), 1_000_000_000).await;
    let recipient = Pubkey::new_unique();
    faults.refusals.store(3, Ordering::SeqCst);
    let signed = sender.prepare(&[transfer(&payer, &recipient, RENT_FREE)], &[&payer]).await.unwrap();
    assert_eq!(faults.refusals.load(Ordering::SeqCst), 0, "reads were tried again");

    faults.lost_answers.store(2, Ordering::SeqCst);
    let outcome = sender.deliver(&signed).await.unwrap();
    assert!(matches!(outcome, Outcome::Landed(_)), "{outcome:?}");
    assert!(faults.sends.load(Ordering::SeqCst) >= 1);
    assert_eq!(balance(&shared.sender(), &recipient).await, RENT_FREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_endpoint_never_makes_a_landed_transaction_expire() {
    let localnet = start(QUICK_SLOT_MS);
    let faults = Arc::new(Faults::default());
    let sender = through(&localnet, &faults).await;
    let payer = funded(&sender, 1_000_000_000).await;
    let signed = sender.prepare(&[transfer(&payer, &Pubkey::new_unique(), RENT_FREE)], &[&payer]).await.unwrap();
    let landed = sender.deliver(&signed).await.unwrap();
    assert!(matches!(landed, Outcome::Landed(_)), "{landed:?}");
    while sender.chain().tip().await.unwrap().block_height <= signed.last_valid_block_height() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    faults.lagging.store(true, Ordering::SeqCst);
    let catching_up = faults.clone();
    tokio::spawn(async move {
        // The endpoint says often enough that it knows nothing, about a slot long past.
        while catching_up.lagging_answers.load(Ordering::SeqCst) < 20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        catching_up.lagging.store(false, Ordering::SeqCst);
    });
    let outcome = timeout(PATIENCE, sender.deliver(&signed)).await.expect("it ends");
    assert_eq!(outcome.unwrap(), landed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_sent_again_until_it_is_confirmed() {
    let localnet = start(1_000);
    let faults = Arc::new(Faults::default());
    let sender = through(&localnet, &faults).await;
    let payer = funded(&sender, 1_000_000_000).await;
    let recipient = Pubkey::new_unique();
    // Nobody hears of the first copy before there is a second one, however late this process looks.
    faults.denies.store(true, Ordering::SeqCst);
    let sent_again = faults.clone();
    tokio::spawn(async move {
        while sent_again.sends.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sent_again.denies.store(false, Ordering::SeqCst);
    });
    let transfer = [transfer(&payer, &recipient, RENT_FREE)];
    timeout(PATIENCE, sender.execute(&transfer, &[&payer])).await.expect("it is sent again").unwrap();
    assert!(faults.sends.load(Ordering::SeqCst) >= 2);
    assert_eq!(balance(&sender, &recipient).await, RENT_FREE);
}
