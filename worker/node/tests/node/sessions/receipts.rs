//! Receipts: one of a sequence, whatever happens, and defended like any result when they are called in.

use super::*;
use crate::court::Asked;
use crate::rig::{STAKE, config};
use crate::service::get;
use assay::state::DemandTree;
use assay::state_machine::JobState;
use assay_audit::fault::{Fault, FaultKind};
use assay_audit::segment_trace;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, Keep};
use assay_models::manifest::SegmentManifest;
use assay_node::journal::{HeldVoucher, Outcome, Promise, ReceiptRecord, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_has_the_same_receipt_and_costs_nothing_and_others_under_its_sequence_are_refused() {
    let setting = Setting::serving(config()).await;
    let first = setting.ask(1, 1).await;
    for amount in [PRICE, 0] {
        let again = reply(setting.post(&request(1, 1, amount)).await);
        assert_eq!((&again.receipt, &again.output), (&first.receipt, &first.output));
        assert_eq!(again.header.signature, first.header.signature);
    }
    let other = (409, "N0812".to_owned(), None);
    assert_eq!(setting.refusal(&request(1, 2, 9 * PRICE)).await, other, "other inputs");
    let bundle = encode_bundle(&mlp::inputs(&crate::rig::shape(), 1, 1));
    let symbols = request_with(1, [1, 0, 0, 0], voucher(9 * PRICE), &bundle);
    assert_eq!(setting.refusal(&symbols).await, other, "other symbols");
    let record = record(&setting.rig).unwrap();
    assert_eq!((record.receipts, record.greatest_sequence, record.promised()), (1, Some(1), PRICE));
    assert_eq!(setting.report().await.1.unwrap().owed, 2 * PRICE);
    let mut signed = setting.market.with(|world| world.receipts_signed.clone());
    signed.dedup();
    assert_eq!(signed, [first.header.receipt]);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_result_of_a_sequence_is_never_signed() {
    let setting = Setting::serving(config()).await;
    let honest = setting.ask(1, 1).await;
    // What the journal has of the second differs from what comes out now: memory flipped a bit, then or now.
    let receipt = Receipt { sequence: 2, boundary_root: [9; 32], ..honest.receipt };
    let promised = Promise {
        session: SESSION,
        sequence: 2,
        receipt: ReceiptRecord {
            message: receipt.message().to_vec(),
            symbols: receipt.symbols,
            inputs_root: receipt.inputs_root,
            boundary_root: receipt.boundary_root,
            output_root: receipt.output_root,
            backend: "cpu".to_owned(),
            slot: 1,
        },
        inputs: encode_bundle(&inputs(1)).into(),
        voucher: HeldVoucher { amount: 2 * PRICE, signature: [0; 64] },
    };
    setting.rig.shared.journal.promise_receipts(&[promised]).unwrap();
    let before = setting.market.with(|world| world.receipts_signed.len());
    for _ in 0..2 {
        assert_eq!(setting.refusal(&request(2, 1, 2 * PRICE)).await, (500, "N0815".to_owned(), None));
    }
    assert_eq!(setting.market.with(|world| world.receipts_signed.len()), before);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_is_not_the_pinned_one_signs_nothing() {
    let setting = Setting::serving(config()).await;
    setting.market.with(|world| world.operator = [77; 32]);
    assert_eq!(setting.refusal(&request(1, 1, PRICE)).await, (503, "N0814".to_owned(), None));
    assert_eq!(setting.market.with(|world| world.receipts_signed.len()), 0);
    setting.stop().await;
}

fn honest(source: &Source, seed: u64) -> TensorSet {
    let model = crate::rig::cpu().load(source.resolved.clone().into(), &source.params).unwrap();
    model.run(&inputs(seed), Keep::Everything).unwrap().tensors
}

async fn see_job(setting: &Setting, address: Pubkey) {
    let (job, slot) = setting.market.with(|world| (world.job(&address).unwrap(), world.slot));
    setting.running.sightings.send(Sighting::Job(address, Box::new(job), slot)).await.unwrap();
}

fn job_record(setting: &Setting, address: &Pubkey) -> Option<assay_node::journal::Record> {
    setting.rig.shared.journal.get(address).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_is_called_in_is_served_answered_for_and_outlasts_its_challengers() {
    // As long as the challenger has time, the receipt is disputed: longer than it takes to look at what is served.
    let setting = Setting::offered(config(), None, |session| session.dispute.challenger_clock_slots = 2_000).await;
    setting.served().await;
    setting.ask(1, 1).await;
    let called = setting.ask(2, 2).await;
    let needed = setting.rig.shared.reserve.funds().needed_lamports;
    let address = setting.market.with(|world| world.call_in(&called.header.receipt));
    // Somebody challenges before the node has looked at it.
    let tensors = honest(&setting.source, 2);
    let graph = setting.source.resolved.clone();
    let (demand, root) = setting.market.with(|world| {
        let challenge = world.challenge(&address, 50);
        let root = world.job(&address).unwrap().boundary_root;
        (world.ask(&challenge, Asked { tree: DemandTree::Boundary, slot: 0, bound: root }), root)
    });
    assert_eq!(root, called.receipt.boundary_root);
    see_job(&setting, address).await;
    until("it is adopted", || job_record(&setting, &address).is_some()).await;
    until("the demand is answered", || setting.market.with(|world| world.is_answered(&demand))).await;
    let record = job_record(&setting, &address).unwrap();
    let Stage::Committed(executed) = &record.stage else { panic!("{:?}", record.stage) };
    assert_eq!((executed.boundary_root, executed.output_root), (root, called.receipt.output_root));
    assert!(record.defence.is_some() && record.receipt.is_some());
    assert!(setting.rig.shared.reserve.funds().needed_lamports > needed, "the next one is reserved for as well");

    // The hints of whoever called it in lead nowhere; what the node serves is right all the same.
    for segment in 0..graph.segments.len() as u16 {
        let base = setting.running.artifacts.trim_start_matches("http://");
        let answer = get(base, &format!("/v1/segments/{address}/{segment}")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        let manifest = SegmentManifest::decode(body.as_bytes(), &graph, segment).unwrap();
        let expected = segment_trace(&graph, segment, &tensors, &Hasher::default()).unwrap();
        assert_eq!(manifest.root_hash().unwrap(), expected.root);
    }
    assert_eq!(
        setting.rig.shared.tidy(u64::MAX - 1).await.unwrap().artifacts,
        0,
        "it is held as long as the job lasts"
    );
    until("it stood", || {
        job_record(&setting, &address).is_some_and(|record| record.stage == Stage::Finished(Outcome::Stood))
    })
    .await;
    setting.market.with(|world| {
        assert_eq!(world.job(&address).unwrap().state, JobState::Settled);
        assert_eq!(world.session(&SESSION).unwrap().open_receipts, 0);
        assert_eq!((world.node().stake, world.node().open_jobs), (STAKE, 1), "the session's bond is still locked");
    });
    // The session goes on.
    setting.ask(3, 3).await;
    assert_eq!(setting.rig.shared.journal.totals().unwrap().stood, 1);
    setting.end();
    finished(&setting.rig).await;
    setting.market.with(|world| assert_eq!((world.paid, world.node().locked), (117, 0)));
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_called_in_while_the_node_is_off_and_adopted_when_it_starts() {
    let setting = Setting::serving(config()).await;
    let called = setting.ask(1, 1).await;
    let (source, market, folder) = setting.stop().await;
    let address = market.with(|world| world.call_in(&called.header.receipt));
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    let setting = Setting { source, market, rig, running, folder };
    see_job(&setting, address).await;
    until("it is adopted", || job_record(&setting, &address).is_some()).await;
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_told_to_lie_lies_in_its_receipts_and_stands_by_it() {
    let fault = NodeFault::execution(Fault::new(FaultKind::Element));
    // The window is longer than this test.
    let setting = Setting::offered(config(), Some(fault), |session| session.window_slots = 1_000_000).await;
    setting.served().await;
    let lie = setting.ask(1, 1).await;
    let tensors = honest(&setting.source, 1);
    let right = Hasher::default().boundary(&setting.source.resolved, &tensors).unwrap().root;
    assert_ne!(lie.receipt.boundary_root, right);
    assert_eq!(setting.ask(1, 1).await.receipt, lie.receipt, "told again, it is the same lie");
    let address = setting.market.with(|world| world.call_in(&lie.header.receipt));
    see_job(&setting, address).await;
    until("it is adopted", || job_record(&setting, &address).is_some()).await;
    let Stage::Committed(executed) = job_record(&setting, &address).unwrap().stage else { panic!() };
    assert_eq!(executed.boundary_root, lie.receipt.boundary_root);
    setting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conviction_ends_the_session_once_nothing_rests_on_its_inputs_any_more() {
    let setting = Setting::serving(config()).await;
    let called = setting.ask(1, 1).await;
    let bundle = encode_bundle(&inputs(1)).len() as u64;
    assert_eq!(record(&setting.rig).unwrap().kept_bytes, bundle);
    setting.market.with(|world| {
        world.call_in(&called.header.receipt);
        world.call_in(&Receipt { sequence: 9, ..called.receipt }.message());
        let mut session = world.session(&SESSION).unwrap();
        assert!(session.convict_receipt().unwrap());
        world.put_session(&SESSION, &session);
    });
    until("the alarm", || setting.rig.shared.alarm.conviction().is_some()).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(setting.rig.shared.journal.receipt_inputs(&SESSION, 1).unwrap().is_some(), "one is still open");
    setting.market.with(|world| {
        let mut session = world.session(&SESSION).unwrap();
        session.end_receipt().unwrap();
        world.put_session(&SESSION, &session);
    });
    let stage = finished(&setting.rig).await;
    assert_eq!(stage, assay_node::journal::SessionStage::Finished(assay_node::journal::SessionOutcome::Convicted));
    assert_eq!(setting.rig.shared.journal.receipt_inputs(&SESSION, 1).unwrap(), None);
    setting.rig.cancel.cancel();
    let _ = setting.running.service.await.unwrap();
}
