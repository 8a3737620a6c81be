//! Several endpoints that die, lag, lie or are of another cluster: reads go on, and a promise is made once.

use crate::faulty::{self, Faults};
use crate::support::{funded, shared, start, transfer};
use assay_chain::{
    Chain, Endpoint, EndpointCondition, EndpointOptions, Outcome, PriorityFee, SendOptions, Sender, SignedTransaction,
    Urgency, Watcher, WatcherEvent, WatcherOptions,
};
use assay_localnet::Localnet;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const RENT_FREE: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// Short, so that returns need no patience.
const OPTIONS: EndpointOptions = EndpointOptions {
    most_lag_slots: 50,
    return_after: Duration::from_millis(300),
    check_interval: Duration::from_millis(50),
};

/// One chain seen through two endpoints.
struct Pair {
    first: Arc<Faults>,
    second: Arc<Faults>,
    chain: Chain,
    /// Past all faults.
    direct: Sender,
}

impl Pair {
    async fn to(localnet: &Localnet) -> Self {
        let (first, second) = (Arc::new(Faults::default()), Arc::new(Faults::default()));
        let target = localnet.endpoint();
        let mut endpoints = Vec::new();
        for faults in [&first, &second] {
            let url = faulty::serve(&target.rpc_url, Arc::clone(faults)).await;
            endpoints.push(Endpoint::parse_with_websocket(&url, &target.websocket_url).unwrap());
        }
        let further = endpoints.split_off(1);
        let chain = Chain::over(endpoints.remove(0), further, OPTIONS);
        Self { first, second, chain, direct: localnet.sender() }
    }

    /// Sends over both; an endpoint that alone says that something expired is believed after `second_opinion`.
    fn sender(&self, second_opinion: Duration) -> Sender {
        let options = SendOptions {
            poll_interval: Duration::from_millis(20),
            resend_interval: Duration::from_millis(100),
            second_opinion,
            ..SendOptions::default()
        };
        Sender::new(self.chain.clone(), options)
    }

    /// A transfer that is signed and not sent, and whom it pays.
    async fn promise(&self) -> (SignedTransaction, Pubkey) {
        let payer: Keypair = funded(&self.direct, 1_000_000_000).await;
        let recipient = Pubkey::new_unique();
        (self.direct.prepare(&[transfer(&payer, &recipient, RENT_FREE)], &[&payer]).await.unwrap(), recipient)
    }

    async fn balance(&self, address: &Pubkey) -> u64 {
        self.direct.chain().balance_lamports(address).await.unwrap()
    }

    fn in_use(&self) -> usize {
        self.chain.endpoints().iter().position(|report| report.in_use).unwrap()
    }
}

fn set(fault: &std::sync::atomic::AtomicBool, is_so: bool) {
    fault.store(is_so, Ordering::SeqCst);
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_over_the_next_endpoint_and_the_first_is_used_again_when_it_was_well_for_a_while() {
    let pair = Pair::to(&shared().await.localnet).await;
    let stop = CancellationToken::new();
    set(&pair.first.is_down, true);
    assert!(pair.chain.slot().await.unwrap() > 0, "at once, without an error in between");
    assert_eq!((pair.in_use(), pair.chain.failovers()), (1, 1));
    assert_eq!(pair.chain.endpoints()[0].condition, EndpointCondition::Silent);
    let (chain, level) = (pair.chain.clone(), stop.clone());
    let leveller = tokio::spawn(async move { chain.keep_level(&level).await });
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(pair.in_use(), 1, "it is still down");
    set(&pair.first.is_down, false);
    until("the first is used again", || pair.in_use() == 0).await;
    assert_eq!(pair.chain.failovers(), 2);
    set(&pair.second.is_down, true);
    assert!(pair.chain.slot().await.unwrap() > 0);
    assert_eq!(pair.in_use(), 0);
    set(&pair.first.is_down, true);
    assert_eq!(pair.chain.slot().await.unwrap_err().code(), "C0110", "nobody is left");
    stop.cancel();
    leveller.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_far_behind_decides_nothing() {
    let pair = Pair::to(&shared().await.localnet).await;
    let stop = CancellationToken::new();
    let true_slot = pair.direct.chain().wait_for_slot(60).await.unwrap();
    // Further than it comes while it is asked again and again.
    pair.first.slots_behind.store(1_000_000, Ordering::SeqCst);
    let (chain, level) = (pair.chain.clone(), stop.clone());
    let leveller = tokio::spawn(async move { chain.keep_level(&level).await });
    until("the second is used", || pair.in_use() == 1).await;
    let report = &pair.chain.endpoints()[0];
    assert_eq!(report.condition, EndpointCondition::Behind, "{report:?}");
    for _ in 0..10 {
        assert!(pair.chain.slot().await.unwrap() >= true_slot);
    }
    // Where the fresher one is gone, what is far behind is an error rather than an answer.
    set(&pair.second.is_down, true);
    let started = Instant::now();
    let error = pair.chain.account(&Pubkey::new_unique()).await.unwrap_err();
    assert!(started.elapsed() < PATIENCE && error.is_transient(), "{error}");
    pair.first.slots_behind.store(0, Ordering::SeqCst);
    assert!(pair.chain.slot().await.unwrap() >= true_slot, "it has caught up");
    stop.cancel();
    leveller.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_another_cluster_is_refused_at_the_start_and_not_used_after_it() {
    let shared = shared().await;
    let pair = Pair::to(&shared.localnet).await;
    let genesis = pair.direct.chain().genesis_hash().await.unwrap();
    set(&pair.second.is_foreign, true);
    let error = pair.chain.require_cluster(genesis).await.unwrap_err();
    assert_eq!(error.code(), "C0113");
    assert!(error.to_string().contains(&genesis.to_string()), "{error}");

    // One that is down at the start is asked when it is needed.
    set(&pair.second.is_down, true);
    pair.chain.require_cluster(genesis).await.unwrap();
    set(&pair.second.is_down, false);
    assert!(pair.chain.slot().await.unwrap() > 0);
    set(&pair.first.is_down, true);
    let sends = pair.second.sends.load(Ordering::SeqCst);
    assert!(pair.chain.slot().await.is_err(), "the other cluster's slot is none of ours");
    assert_eq!(pair.chain.endpoints()[1].condition, EndpointCondition::OtherCluster);
    let (signed, recipient) = pair.promise().await;
    let sender = pair.sender(Duration::from_secs(600));
    let sending = tokio::spawn(async move { sender.deliver(&signed).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(pair.second.sends.load(Ordering::SeqCst), sends, "nothing is sent to another cluster");
    set(&pair.first.is_down, false);
    assert!(matches!(timeout(PATIENCE, sending).await.unwrap().unwrap().unwrap(), Outcome::Landed(_)));
    assert_eq!(pair.balance(&recipient).await, RENT_FREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_dies_with_the_promise_in_its_hands_neither_loses_nor_doubles_it() {
    let pair = Pair::to(&shared().await.localnet).await;
    let (signed, recipient) = pair.promise().await;
    // It passes the first copy on, its answer is lost, and it dies.
    pair.first.lost_answers.store(1, Ordering::SeqCst);
    let sender = pair.sender(Duration::from_secs(600));
    let delivered = signed.clone();
    let delivering = tokio::spawn(async move { sender.deliver(&delivered).await });
    until("it was passed on", || pair.first.sends.load(Ordering::SeqCst) > 0).await;
    set(&pair.first.is_down, true);
    let outcome = timeout(PATIENCE, delivering).await.expect("it ends").unwrap().unwrap();
    let Outcome::Landed(landed) = outcome else { panic!("{outcome:?}") };
    assert_eq!(landed.signature, signed.signature());
    assert_eq!(pair.balance(&recipient).await, RENT_FREE, "once");
    assert_eq!(pair.chain.paid().base_lamports, 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_endpoint_says_to_have_landed_is_sent_until_another_one_knows_it() {
    let pair = Pair::to(&shared().await.localnet).await;
    let (signed, recipient) = pair.promise().await;
    set(&pair.first.affirms, true);
    set(&pair.first.drops, true);
    let outcome = timeout(PATIENCE, pair.sender(Duration::from_secs(600)).deliver(&signed)).await.expect("it ends");
    assert!(matches!(outcome.unwrap(), Outcome::Landed(_)));
    assert_eq!(pair.balance(&recipient).await, RENT_FREE, "it landed because the other one was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_calls_what_landed_expired_is_not_believed() {
    // A blockhash is old soon, but not before a busy machine has landed a transaction with it.
    let localnet = start(50);
    let pair = Pair::to(&localnet).await;
    let (signed, recipient) = pair.promise().await;
    set(&pair.first.denies, true);
    pair.first.blocks_ahead.store(100_000, Ordering::SeqCst);
    let sender = pair.sender(Duration::from_secs(600));
    let outcome = timeout(PATIENCE, sender.deliver(&signed)).await.expect("it ends").unwrap();
    assert!(matches!(outcome, Outcome::Landed(_)), "{outcome:?}");
    // Long after, too: the first one never knew it.
    while pair.direct.chain().tip().await.unwrap().block_height <= signed.last_valid_block_height() + 40 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let again = timeout(PATIENCE, sender.deliver(&signed)).await.expect("it ends").unwrap();
    assert_eq!(again, outcome);
    assert_eq!(pair.balance(&recipient).await, RENT_FREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_expires_while_another_endpoint_says_that_it_can_land() {
    let localnet = start(20);
    let pair = Pair::to(&localnet).await;
    let (signed, recipient) = pair.promise().await;
    // Nobody passes it on, so that it does expire in the end.
    set(&pair.first.drops, true);
    set(&pair.second.drops, true);
    pair.first.blocks_ahead.store(100_000, Ordering::SeqCst);
    let outcome = timeout(PATIENCE, pair.sender(Duration::from_secs(600)).deliver(&signed)).await.expect("it ends");
    assert!(matches!(outcome.unwrap(), Outcome::Expired { .. }));
    let tip = pair.direct.chain().tip().await.unwrap();
    assert!(tip.block_height > signed.last_valid_block_height() + 32, "{tip:?} {}", signed.last_valid_block_height());
    assert_eq!(pair.balance(&recipient).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_alone_is_believed_about_an_expiry_only_after_a_while() {
    let pair = Pair::to(&shared().await.localnet).await;
    let (signed, recipient) = pair.promise().await;
    set(&pair.first.drops, true);
    pair.first.blocks_ahead.store(100_000, Ordering::SeqCst);
    set(&pair.second.is_down, true);
    let outcome = timeout(Duration::from_secs(2), pair.sender(Duration::from_secs(600)).deliver(&signed)).await;
    assert!(outcome.is_err(), "{outcome:?}");
    let short = pair.sender(Duration::from_millis(200));
    let outcome = timeout(PATIENCE, short.deliver(&signed)).await.expect("it ends").unwrap();
    assert!(matches!(outcome, Outcome::Expired { .. }), "the other one may be gone for good: {outcome:?}");
    assert_eq!(pair.balance(&recipient).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_would_refuse_is_put_to_one_that_has_come_further() {
    let pair = Pair::to(&shared().await.localnet).await;
    let payer = funded(&pair.direct, 1_000_000_000).await;
    let recipient = Pubkey::new_unique();
    let instruction = transfer(&payer, &recipient, RENT_FREE);
    set(&pair.first.sees_nothing, true);
    let sender = pair.sender(Duration::from_secs(600));
    sender.execute(std::slice::from_ref(&instruction), &[&payer]).await.unwrap();
    assert_eq!(pair.balance(&recipient).await, RENT_FREE);
    // It decides where it is the only one.
    set(&pair.second.is_down, true);
    let error = sender.execute(&[instruction], &[&payer]).await.unwrap_err();
    assert_eq!(error.code(), "C0120");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_from_the_next_endpoint_when_the_websocket_of_the_first_is_dead() {
    let shared = shared().await;
    let target = shared.localnet.endpoint();
    // Its requests are answered; its websocket accepts and never speaks.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = format!("ws://{}", silent.local_addr().unwrap());
    let first = Endpoint::parse_with_websocket(&target.rpc_url, &mute).unwrap();
    let chain = Chain::over(first, vec![target.clone()], OPTIONS);
    let stop = CancellationToken::new();
    let options = WatcherOptions { silence_limit: Duration::from_millis(500), ..WatcherOptions::default() };
    let mut events = Watcher::new(chain, options).spawn(stop.clone());
    let heard = async {
        loop {
            if let Some(WatcherEvent::Slot(slot)) = events.recv().await {
                return slot;
            }
        }
    };
    assert!(timeout(PATIENCE, heard).await.expect("the second one speaks") > 0);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_is_paid_by_urgency_and_never_more_than_the_cap() {
    let pair = Pair::to(&shared().await.localnet).await;
    *pair.first.fees.lock().unwrap() = vec![0, 1_000_000, 2_000_000, 3_000_000, u64::MAX];
    let payer = funded(&pair.direct, 1_000_000_000).await;
    let mut before = 0;
    for (urgency, maximum_lamports) in [(Urgency::Low, 50_000), (Urgency::High, 50_000), (Urgency::Highest, 50_000)] {
        let options =
            SendOptions { priority_fee: PriorityFee::Market { maximum_lamports }, urgency, ..SendOptions::default() };
        let sender = Sender::new(pair.chain.clone(), options);
        let transfer = transfer(&payer, &Pubkey::new_unique(), RENT_FREE);
        let signed = sender.prepare(&[transfer], &[&payer]).await.unwrap();
        let (held, paid) = (pair.balance(&solana_sdk::signer::Signer::pubkey(&payer)).await, pair.chain.paid());
        let landed = sender.deliver(&signed).await.unwrap().into_result().unwrap();
        assert!(landed.slot > 0);
        let priority = signed.priority_fee_lamports();
        assert!(priority > before && priority <= maximum_lamports, "{urgency:?}: {priority} after {before}");
        before = priority;
        let cost = held - pair.balance(&solana_sdk::signer::Signer::pubkey(&payer)).await - RENT_FREE;
        assert_eq!(cost, signed.fee_lamports(), "what was counted is what was paid");
        let now = pair.chain.paid();
        assert_eq!(now.priority_lamports - paid.priority_lamports, priority);
        assert_eq!(now.base_lamports - paid.base_lamports, 5_000);
    }
    assert!(before > 49_000, "the last one pays the cap, to what the units round to: {before}");
}
