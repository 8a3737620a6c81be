//! Requests that are not answered, and what strangers can make the node do.

use super::*;
use crate::rig::config;
use assay_node::config::Sessions;
use assay_node::defence::alarm::Conviction;
use assay_session::MAX_HEADER_BYTES;
use std::time::Duration;

fn code(status: u16, code: &str) -> (u16, String, Option<u64>) {
    (status, code.to_owned(), None)
}

fn limited(change: impl FnOnce(&mut Sessions)) -> NodeConfig {
    let mut sessions = Sessions::default();
    change(&mut sessions);
    NodeConfig { sessions, ..config() }
}

/// Sends the head and a part of a request, and leaves the connection open.
async fn begin(base: &str, length: usize, part: &[u8]) -> tokio::net::TcpStream {
    let address = base.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let path = requests_path(&SESSION.to_string());
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(part).await.unwrap();
    socket
}

/// A request that was begun and is seen to hold a place, for which `probe` is then refused as one too many, and that refusal.
///
/// The probe has to be one that is refused where there is a place, too: it holds the place itself for a moment, and who begins
/// just then is refused and begins again.
async fn begin_and_hold(
    setting: &Setting,
    length: usize,
    part: &[u8],
    probe: &[u8],
) -> (tokio::net::TcpStream, (u16, String, Option<u64>)) {
    for _ in 0..50 {
        let held = begin(&setting.running.artifacts, length, part).await;
        for _ in 0..100 {
            let refused = setting.refusal(probe).await;
            if refused.0 == 429 {
                return (held, refused);
            }
        }
    }
    panic!("no request was ever seen to hold a place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_has_to_be_the_clients_and_to_cover_the_request() {
    let setting = Setting::serving(config()).await;
    let bundle = encode_bundle(&inputs(1));
    let with = |voucher| request_with(1, [ROWS, 0, 0, 0], voucher, &bundle);
    let key = voucher_key();
    let small = setting.refusal(&request(1, 1, PRICE - 1)).await;
    assert_eq!(small, (402, "N0810".to_owned(), Some(PRICE)));
    assert_eq!(
        setting.refusal(&with(signed_voucher(&Keypair::new(), SESSION, GENESIS, 500))).await,
        code(403, "N0809")
    );
    let elsewhere = signed_voucher(&key, Pubkey::new_unique(), GENESIS, 500);
    assert_eq!(setting.refusal(&with(elsewhere)).await, code(403, "N0809"), "another session");
    let cluster = signed_voucher(&key, SESSION, [6; 32], 500);
    assert_eq!(setting.refusal(&with(cluster)).await, code(403, "N0809"), "another cluster");
    let raised = SignedVoucher { amount: 501, ..voucher(500) };
    assert_eq!(setting.refusal(&with(raised)).await, code(403, "N0809"), "another amount");
    assert_eq!(setting.refusal(&request(1, 1, BALANCE + 1)).await, code(410, "N0811"));
    assert_eq!(setting.rig.runs.load(std::sync::atomic::Ordering::SeqCst), 0, "nothing was computed");
    assert_eq!(record(&setting.rig).unwrap().receipts, 0);

    // A greater one pays for what comes later too, and an older one does not undo it.
    reply(setting.post(&request(1, 1, 3 * PRICE)).await);
    reply(setting.post(&request(2, 2, PRICE)).await);
    reply(setting.post(&request(3, 3, 2 * PRICE)).await);
    assert_eq!(setting.refusal(&request(4, 4, 3 * PRICE)).await, (402, "N0810".to_owned(), Some(4 * PRICE)));
    assert_eq!(record(&setting.rig).unwrap().promised(), 3 * PRICE);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_or_too_large_is_refused_before_it_is_read() {
    let setting = Setting::serving(config()).await;
    let bundle = encode_bundle(&inputs(1));
    let malformed = code(400, "N0806");
    let symbols = |symbols, bundle: &[u8]| request_with(1, symbols, voucher(PRICE), bundle);
    assert_eq!(setting.refusal(&symbols([0; 4], &bundle)).await, malformed, "beyond their bounds");
    assert_eq!(setting.refusal(&symbols([ROWS, 1, 0, 0], &bundle)).await, malformed, "more than the graph has");
    assert_eq!(setting.refusal(&symbols([ROWS, 0, 0, 0], &bundle[1..])).await, malformed, "a byte less");
    assert_eq!(
        setting.refusal(&symbols([ROWS, 0, 0, 0], &[&bundle[..], &[0]].concat())).await,
        malformed,
        "a byte more"
    );
    assert_eq!(setting.refusal(&symbols([ROWS - 1, 0, 0, 0], &bundle)).await, malformed, "inputs of other symbols");
    let mut damaged = bundle.clone();
    damaged[0] ^= 1;
    assert_eq!(setting.refusal(&symbols([ROWS, 0, 0, 0], &damaged)).await, malformed, "no bundle");
    assert_eq!(setting.refusal(&[0xff; 64]).await, malformed, "no frame");
    assert_eq!(setting.refusal(&[2, 0, 0, 0, b'{', b'}']).await, malformed, "no header");
    assert_eq!(setting.refusal(&[]).await, malformed);

    // Nothing of the body is sent: the length alone decides.
    let graph = setting.source.graph.clone();
    let largest = graph.resolve(&[graph.symbols[0].max]).unwrap();
    let most = assay_models::artifact::bundle_bytes(&largest, referee::graph::TensorKind::Input);
    let most = most as usize + MAX_HEADER_BYTES + 4;
    let base = &setting.running.artifacts;
    let mut socket = begin(base, most + 1, &[]).await;
    assert_eq!(refusal(answer(&mut socket).await), code(413, "N0807"));
    assert_eq!(record(&setting.rig).unwrap().receipts, 0);
    assert_eq!(setting.market.with(|world| world.receipts_signed.len()), 0);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_not_served_here_or_are_over_have_no_requests() {
    let setting = Setting::serving(config()).await;
    let base = &setting.running.artifacts;
    let unknown = Pubkey::new_unique().to_string();
    assert_eq!(refusal(post(base, &unknown, &request(1, 1, PRICE)).await), code(404, "N0802"));
    assert_eq!(refusal(post(base, "x", &request(1, 1, PRICE)).await), code(400, "N0801"));
    assert_eq!(refusal(exchange(base, "GET", "/v1/sessions/x", &[]).await), code(400, "N0801"));
    assert_eq!(exchange(base, "GET", &requests_path(&SESSION.to_string()), &[]).await.0, 405);
    setting.ask(1, 1).await;
    setting.end();
    // Until the driver has seen the end, the session is served, as many repeats a minute as there may be; then it is over
    // for requests, and soon not served.
    let mut seen = Vec::new();
    for _ in 0..30_000 {
        let (status, body) = setting.post(&request(2, 2, 2 * PRICE)).await;
        if ![200, 429].contains(&status) {
            let (status, code, _) = refusal((status, body));
            assert!([(410, "N0803"), (404, "N0802")].contains(&(status, code.as_str())), "{status} {code}");
            seen.push(status);
        }
        if status == 404 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    assert_eq!(seen.last(), Some(&404));
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_over_after_its_last_slot_whatever_its_driver_is_at() {
    let setting = Setting::serving(config()).await;
    let served_until = setting.session().ends_slot;
    // The driver sees nothing more; the board goes on.
    setting.market.unreachable(usize::MAX);
    setting.market.with(|world| world.slot = world.slot.max(served_until));
    until("the end", || setting.rig.shared.board.slot() > served_until).await;
    let refused = setting.refusal(&request(1, 1, PRICE)).await;
    assert!([code(410, "N0803"), code(404, "N0802")].contains(&refused), "{refused:?}");
    assert_eq!(setting.market.with(|world| world.receipts_signed.len()), 0);
    setting.market.unreachable(0);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_are_paid_for_apart_and_bounded() {
    let setting = Setting::serving(limited(|sessions| sessions.requests_per_session = 2)).await;
    setting.rig.hold_runs(true);
    let ask = |sequence: u64, amount: u64| {
        let base = setting.running.artifacts.clone();
        tokio::spawn(async move {
            loop {
                let answer = post(&base, &SESSION.to_string(), &request(sequence, sequence, amount)).await;
                // Below, one that is refused in any case has a place for a moment.
                if answer.0 != 429 {
                    return answer;
                }
            }
        })
    };
    let first = ask(1, PRICE);
    until("the first runs", || setting.rig.held_runs() == 1).await;
    assert_eq!(setting.refusal(&request(1, 1, PRICE)).await, code(409, "N0813"), "the same is computed");
    assert_eq!(setting.refusal(&request(2, 2, PRICE)).await, (402, "N0810".to_owned(), Some(2 * PRICE)));
    let second = ask(2, 2 * PRICE);
    let (_, report) = setting.report().await;
    assert_eq!(report.unwrap().receipts, 0);
    let mut full = (0, String::new(), None);
    for _ in 0..30_000 {
        full = setting.refusal(&request(3, 3, PRICE)).await;
        if full.1 != "N0810" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    // The second came in and waits for its turn: there is no place for a third.
    assert_eq!(full, code(429, "N0805"));
    setting.rig.hold_runs(false);
    assert_eq!((reply(first.await.unwrap()).receipt.sequence, reply(second.await.unwrap()).receipt.sequence), (1, 2));
    setting.ask(3, 3).await;
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_slowly_holds_a_place_of_its_own_session_and_not_for_long() {
    let setting = Setting::serving(limited(|sessions| {
        sessions.requests_per_session = 1;
        sessions.request_seconds = 1;
    }))
    .await;
    let base = setting.running.artifacts.clone();
    // Without a voucher that the session's key signed, there is no place to hold.
    let stranger = signed_voucher(&Keypair::new(), SESSION, GENESIS, PRICE);
    let whole = request_with(1, [ROWS, 0, 0, 0], stranger, &encode_bundle(&inputs(1)));
    let _strangers = begin(&base, whole.len(), &whole[..40]).await;
    // On a busy machine it may take longer than that second to send one.
    let ask = async |sequence: u64| loop {
        let answer = setting.post(&request(sequence, sequence, PRICE * sequence)).await;
        if answer.0 != 408 {
            break reply(answer);
        }
    };
    ask(1).await;
    let whole = request(2, 2, 2 * PRICE);
    let bundle = encode_bundle(&inputs(3));
    let malformed = request_with(3, [ROWS, 0, 0, 0], voucher(2 * PRICE), &bundle[1..]);
    let (mut slow, busy) = begin_and_hold(&setting, whole.len(), &whole[..whole.len() - 1], &malformed).await;
    assert_eq!(busy, code(429, "N0805"));
    assert_eq!(refusal(answer(&mut slow).await), code(408, "N0808"));
    ask(2).await;
    assert_eq!(record(&setting.rig).unwrap().receipts, 2);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_requests_at_a_time_and_so_many_repeats_a_minute() {
    let setting = Setting::serving(limited(|sessions| {
        sessions.requests_per_address = 1;
        sessions.repeats_per_minute = 2;
    }))
    .await;
    let whole = request(1, 1, PRICE);
    let (held, busy) = begin_and_hold(&setting, whole.len(), &whole[..40], &request(1, 1, 0)).await;
    assert_eq!(busy, code(429, "N0804"));
    drop(held);
    let mut first = None;
    for _ in 0..30_000 {
        let (status, body) = setting.post(&whole).await;
        if status == 200 {
            first = Some(reply((status, body)));
            break;
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let first = first.expect("the place is free again");
    for _ in 0..2 {
        assert_eq!(setting.ask(1, 1).await.receipt, first.receipt);
    }
    assert_eq!(setting.refusal(&whole).await, code(429, "N0804"), "each repeat costs a run");
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_keeps_as_much_as_it_may_or_was_convicted_takes_no_requests() {
    let bundle = encode_bundle(&inputs(1)).len() as u64;
    let setting = Setting::serving(limited(|sessions| sessions.most_kept_bytes = 2 * bundle)).await;
    setting.ask(1, 1).await;
    setting.ask(2, 2).await;
    assert_eq!(setting.refusal(&request(3, 3, 3 * PRICE)).await, code(503, "N0817"));
    setting.rig.shared.alarm.convict(Conviction { job: None, fault: "x".to_owned() });
    assert_eq!(setting.refusal(&request(4, 4, 4 * PRICE)).await, code(503, "N0816"));
    let (_, report) = setting.report().await;
    assert!(!report.unwrap().serving);
    setting.rig.cancel.cancel();
    let _ = setting.running.service.await.unwrap();
}
