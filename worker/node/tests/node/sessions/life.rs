//! The life of one session.

use super::*;
use crate::rig::{RICH, STAKE, config};
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, Keep};
use assay_node::config::{Limits, Sessions};
use assay_node::journal::{SessionOutcome, SessionPurpose, SessionStage};
use assay_node::status;

/// What an honest run of these inputs gives: output, output root, boundary root.
fn honest(source: &Source, seed: u64) -> (Vec<u8>, [u8; 32], [u8; 32]) {
    let graph = &source.resolved;
    let model = crate::rig::cpu().load(graph.clone().into(), &source.params).unwrap();
    let tensors = model.run(&inputs(seed), Keep::Everything).unwrap().tensors;
    let slot = graph.outputs[0];
    let layout = &graph.tensors[usize::from(slot)].layout;
    let root = Hasher::default().tensor(slot, layout, &tensors[&slot]).unwrap().root;
    let boundary = Hasher::default().boundary(graph, &tensors).unwrap().root;
    (tensors[&slot].to_vec(), root, boundary)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_accepted_answered_recorded_settled_and_paid() {
    let setting = Setting::serving(config()).await;
    assert_eq!(setting.session().state, SessionState::Active);
    for sequence in 1..=3 {
        let reply = setting.ask(sequence, sequence).await;
        let (output, output_root, boundary_root) = honest(&setting.source, sequence);
        let inputs_root = Hasher::default().inputs_root(&setting.source.resolved, &inputs(sequence)).unwrap();
        let expected = Receipt {
            genesis_hash: GENESIS,
            session: SESSION,
            sequence,
            inputs_root,
            symbols: [ROWS, 0, 0, 0],
            output: setting.source.job().await.output,
            boundary_root,
            output_root,
            price: PRICE,
        };
        assert_eq!((reply.receipt, reply.output), (expected, output));
        let path = &reply.header.output_path;
        assert_eq!(expected.output.boundary_root(&output_root, path).unwrap(), boundary_root);
        assert_eq!(&reply.header.signature[..32], &expected.hash());
    }
    let (status, report) = setting.report().await;
    let report = report.unwrap();
    assert_eq!((status, report.serving, report.receipts, report.greatest_sequence), (200, true, 3, Some(3)));
    assert_eq!((report.voucher_amount, report.owed), (3 * PRICE, 4 * PRICE));
    assert_eq!(setting.market.with(|world| world.sent_in_sessions(SessionPurpose::Record).len()), 0, "not yet");

    setting.end();
    let stage = finished(&setting.rig).await;
    // 120 less 2.5 %.
    assert_eq!(stage, SessionStage::Finished(SessionOutcome::Paid { amount: 117 }));
    setting.market.with(|world| {
        assert_eq!((world.paid, world.node().locked, world.node().stake, world.node().open_jobs), (117, 0, STAKE, 0));
        for purpose in
            [SessionPurpose::Accept, SessionPurpose::Record, SessionPurpose::Finalise, SessionPurpose::Withdraw]
        {
            assert_eq!(world.sent_in_sessions(purpose).len(), 1, "{purpose:?}");
        }
    });
    let journal = &setting.rig.shared.journal;
    assert_eq!((journal.receipt(&SESSION, 1).unwrap(), journal.receipt_inputs(&SESSION, 1).unwrap()), (None, None));
    let status = status::of(&setting.rig.shared).unwrap();
    let totals = status.session_totals;
    assert_eq!((totals.settled, totals.receipts, totals.earned, totals.kept_bytes), (1, 3, 117, 0));
    assert_eq!(setting.post(&request(4, 4, 4 * PRICE)).await.0, 404, "it is served no more");
    assert_eq!(setting.rig.shared.tidy(u64::MAX).await.unwrap().artifacts, 0, "what is young stays a while");
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_stays_warm_whatever_else_is_loaded_and_is_loaded_before_anything_is_promised() {
    let setting = Setting::serving(NodeConfig { cached_models: 1, ..config() }).await;
    setting.ask(1, 1).await;
    let runs = || setting.rig.runs.load(std::sync::atomic::Ordering::SeqCst);
    let loads = setting.rig.loads();
    // Other symbols are another form; jobs of another model take the only place of models that nobody keeps.
    for (sequence, rows) in [(2, 1), (3, ROWS), (4, 2), (5, ROWS)] {
        let bundle = encode_bundle(&mlp::inputs(&crate::rig::shape(), rows, sequence));
        let request = request_with(sequence, [rows, 0, 0, 0], voucher(PRICE * sequence), &bundle);
        assert_eq!(reply(setting.post(&request).await).receipt.symbols, [rows, 0, 0, 0]);
    }
    assert_eq!(runs(), 5);
    assert_eq!(setting.rig.loads(), loads + 1, "two rows are new; least, greatest and three rows are there");
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_served_is_refused_by_code_before_any_bond_is_at_risk() {
    let skipped = async |config: NodeConfig, change: fn(&mut Session)| {
        let setting = Setting::offered(config, None, change).await;
        let stage = finished(&setting.rig).await;
        setting.market.with(|world| assert!(world.sent.is_empty() && world.node().locked == 0));
        setting.stop().await;
        match stage {
            SessionStage::Finished(SessionOutcome::Skipped(refusal)) => refusal.code,
            other => panic!("{other:?}"),
        }
    };
    let with = |sessions: Sessions| NodeConfig { sessions, ..config() };
    assert_eq!(skipped(with(Sessions { enabled: false, ..Sessions::default() }), |_| {}).await, "N0219");
    assert_eq!(skipped(with(Sessions { longest_slots: 9, ..Sessions::default() }), |_| {}).await, "N0220");
    assert_eq!(skipped(with(Sessions { least_price: PRICE + 1, ..Sessions::default() }), |_| {}).await, "N0221");
    let dear = Sessions { least_price_per_giga_operation: 1_000_000_000, ..Sessions::default() };
    assert_eq!(skipped(with(dear), |_| {}).await, "N0221");
    assert_eq!(skipped(with(Sessions { most_input_bytes: 100, ..Sessions::default() }), |_| {}).await, "N0222");
    let small = Limits { max_total_memory_bytes: 1 << 10, ..Limits::default() };
    assert_eq!(skipped(NodeConfig { limits: small, ..config() }, |_| {}).await, "N0205");
    assert_eq!(skipped(config(), |session| session.bond = 900).await, "N0208");
    assert_eq!(skipped(config(), |session| session.params_root = [9; 32]).await, "N0203");
    assert_eq!(skipped(config(), |session| session.graph_root = [9; 32]).await, "N0203");
    assert_eq!(skipped(config(), |session| session.ir_version += 1).await, "N0209");
    assert_eq!(skipped(config(), |session| session.params_uri = session.graph_uri.clone()).await, "N0202");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_is_accepted_whose_receipts_could_not_be_defended() {
    let source = Source::start().await;
    let mut world = world_with(&offer(&source).await);
    world.lamports = 1_000_000;
    let market = TestMarket::new(world);
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    see(&running, &market).await;
    until("it is held back", || !rig.shared.reserve.funds().held_back.is_empty()).await;
    assert_eq!(rig.shared.reserve.funds().held_back[0].refusal.code, "N0218");
    market.with(|world| assert!(world.sent.is_empty()));
    market.with(|world| world.lamports = RICH);
    served(&running).await;
    let needed = rig.shared.reserve.funds().needed_lamports;
    assert!(needed > 100_000_000, "the next receipt that is called in is reserved for: {needed}");
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_more_than_the_settings_allow_waits_for_a_place() {
    let sessions = Sessions { most_sessions: 1, ..Sessions::default() };
    let setting = Setting::serving(NodeConfig { sessions, ..config() }).await;
    let other = Pubkey::new_from_array([5; 32]);
    let offered = offer(&setting.source).await;
    setting.market.with(|world| world.put_session(&other, &Session { offered_slot: world.slot, ..offered.clone() }));
    let state = || setting.market.with(|world| world.session(&other).unwrap().state);
    let slot = setting.market.with(|world| world.slot);
    setting.running.sightings.send(Sighting::Session(other, Box::new(offered.clone()), slot)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(state(), SessionState::Offered);
    setting.end();
    until("the other one is accepted", || state() == SessionState::Active).await;
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ends_answers_what_it_computes_records_what_it_is_owed_and_goes_on_when_it_starts() {
    let setting = Setting::serving(config()).await;
    setting.ask(1, 1).await;
    setting.rig.hold_runs(true);
    let base = setting.running.artifacts.clone();
    let asking = tokio::spawn(async move { post(&base, &SESSION.to_string(), &request(2, 2, 2 * PRICE)).await });
    until("the run has begun", || setting.rig.held_runs() == 1).await;
    setting.rig.cancel.cancel();
    until("no more is taken", || setting.rig.shared.board.slot() > 0).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    setting.rig.hold_runs(false);
    let (source, market, folder) = setting.stop().await;
    assert_eq!(reply(asking.await.unwrap()).receipt.sequence, 2);
    market.with(|world| assert_eq!(world.session(&SESSION).unwrap().paid, 2 * PRICE));

    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    served(&running).await;
    let third = reply(post(&running.artifacts, &SESSION.to_string(), &request(3, 3, 3 * PRICE)).await);
    assert_eq!(third.receipt.sequence, 3);
    let too_small = refusal(post(&running.artifacts, &SESSION.to_string(), &request(4, 4, 3 * PRICE)).await);
    assert_eq!(too_small, (402, "N0810".to_owned(), Some(4 * PRICE)), "what was signed before counts");
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
    market.with(|world| assert_eq!(world.session(&SESSION).unwrap().paid, 3 * PRICE));
    drop(source);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vouchers_are_recorded_while_a_long_session_goes_on() {
    let sessions = Sessions { record_slots: 50, ..Sessions::default() };
    let setting = Setting::serving(NodeConfig { sessions, ..config() }).await;
    for sequence in 1..=2 {
        setting.ask(sequence, 1).await;
        until("it is recorded", || setting.session().paid == PRICE * sequence).await;
    }
    assert_eq!(setting.session().state, SessionState::Active);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_nobody_may_accept_any_more_or_that_names_another_node_is_left_alone() {
    for change in [
        (|session| session.accept_slots = 1) as fn(&mut Session),
        |session| session.node = Pubkey::new_from_array([1; 32]),
        |session| session.state = SessionState::Cancelled,
    ] {
        let setting = Setting::offered(config(), None, change).await;
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        assert_eq!(record(&setting.rig), None);
        setting.market.with(|world| assert!(world.sent.is_empty()));
        setting.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_ran_out_gives_its_place_back() {
    let source = Source::start().await;
    let offered = offer(&source).await;
    let mut world = world_with(&offered);
    world.lamports = 1_000_000;
    let market = TestMarket::new(world);
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions { most_sessions: 1, ..Sessions::default() };
    let rig = Rig::new(folder.path(), &market, NodeConfig { sessions, ..config() });
    let running = start(&rig).await;
    see(&running, &market).await;
    until("it is held back", || !rig.shared.reserve.funds().held_back.is_empty()).await;
    market.with(|world| world.slot += offered.accept_slots);
    let stage = finished(&rig).await;
    let SessionStage::Finished(SessionOutcome::Skipped(refusal)) = stage else { panic!("{stage:?}") };
    assert_eq!(refusal.code, "N0218", "why it was not taken in time");
    let other = Pubkey::new_from_array([5; 32]);
    let (fresh, slot) = market.with(|world| {
        world.lamports = RICH;
        let fresh = Session { offered_slot: world.slot, ..offered };
        world.put_session(&other, &fresh);
        (fresh, world.slot)
    });
    running.sightings.send(Sighting::Session(other, Box::new(fresh), slot)).await.unwrap();
    until("the other one is accepted", || {
        market.with(|world| world.session(&other).unwrap().state == SessionState::Active)
    })
    .await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}
