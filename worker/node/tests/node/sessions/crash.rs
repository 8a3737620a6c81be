//! Whatever dies, whenever: no promise is made twice, no receipt of a sequence is signed that differs, nothing owed is lost.

use super::*;
use crate::crash::run_child;
use crate::rig::{STAKE, config};
use crate::world::VALID_SLOTS;
use assay_node::failpoint;
use assay_node::journal::{Journal, SessionOutcome, SessionPurpose, SessionStage};

/// The tests that live a session, or the defence of a receipt, in a process of their own.
const CHILD: &str = "sessions::crash::child";

/// What a child process does: serves the session that lies in its folder, asks it twice (as a client does that was never
/// answered), and ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests, in a process that may die"]
async fn child() {
    let folder = std::env::var("ASSAY_TEST_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let market = TestMarket::in_file(folder.join("world"));
    let rig = Rig::new(folder, &market, config());
    let running = start(&rig).await;
    see(&running, &market).await;
    let state = market.with(|world| world.session(&SESSION).unwrap().state);
    let is_ended = market.with(|world| {
        let session = world.session(&SESSION).unwrap();
        session.accepted_slot > 0 && session.ends_slot < session.accepted_slot + session.session_slots
    });
    if matches!(state, SessionState::Offered | SessionState::Active) && !is_ended {
        served(&running).await;
        for sequence in 1..=2 {
            let request = request(sequence, sequence, PRICE * sequence);
            reply(post(&running.artifacts, &SESSION.to_string(), &request).await);
        }
        market.with(|world| {
            let mut session = world.session(&SESSION).unwrap();
            session.ends_slot = session.ends_slot.min(world.slot);
            world.put_session(&SESSION, &session);
            TestMarket::save(world, &folder.join("world"));
        });
    }
    finished(&rig).await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
    market.with(|world| TestMarket::save(world, &folder.join("world")));
}

fn assert_all_is_well(world: &World, folder: &Path, what: &str) {
    for purpose in [SessionPurpose::Accept, SessionPurpose::Record, SessionPurpose::Finalise, SessionPurpose::Withdraw]
    {
        let sent = world.sent_in_sessions(purpose);
        assert!(!sent.is_empty(), "{what}: {purpose:?} was never sent");
        let in_turn = sent.windows(2).all(|pair| pair[1].last_slot - VALID_SLOTS > pair[0].last_slot);
        assert!(in_turn, "{what}: versions of {purpose:?} that could both land: {sent:?}");
    }
    let mut signed = world.receipts_signed.clone();
    signed.sort();
    signed.dedup();
    assert_eq!(signed.len(), 2, "{what}: one receipt a sequence");
    assert_eq!((world.node().locked, world.node().stake, world.paid), (0, STAKE, 78), "{what}");
    let journal = Journal::open(&folder.join("journal.redb")).unwrap();
    let record = journal.session(&SESSION).unwrap().unwrap();
    assert_eq!(record.stage, SessionStage::Finished(SessionOutcome::Paid { amount: 78 }), "{what}");
    assert_eq!((record.receipts, record.promised()), (2, 2 * PRICE), "{what}");
}

/// Kills a real process at every failpoint of a session, then starts it again.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_failpoint_of_a_session_goes_on_where_it_was() {
    use std::os::unix::process::ExitStatusExt;
    let source = Source::start().await;
    let session = offer(&source).await;
    for place in failpoint::SESSION_NAMES {
        let folder = tempfile::tempdir().unwrap();
        TestMarket::save(&world_with(&session), &folder.path().join("world"));
        let status = run_child(CHILD, folder.path(), Some(place)).await;
        assert!(status.signal().is_some(), "{place} was not reached: {status}");
        assert!(run_child(CHILD, folder.path(), None).await.success(), "{place}");
        assert_all_is_well(&world_of(folder.path()), folder.path(), place);
    }
}

/// What a child process does with a receipt that was called in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests, in a process that may die"]
async fn adopting_child() {
    let folder = std::env::var("ASSAY_TEST_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let market = TestMarket::in_file(folder.join("world"));
    let address = market.with(|world| Pubkey::new_from_array(*world.jobs.keys().next().unwrap()));
    let rig = Rig::new(folder, &market, config());
    rig.drive(&address).await;
    market.with(|world| TestMarket::save(world, &folder.join("world")));
}

/// The failpoints of a receipt that is called in.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_it_adopts_a_receipt_adopts_it_when_it_starts() {
    use assay_node::journal::{Outcome, Stage};
    use std::os::unix::process::ExitStatusExt;
    const CHILD: &str = "sessions::crash::adopting_child";
    for place in failpoint::RECEIPT_NAMES {
        let setting = Setting::serving(config()).await;
        let called = setting.ask(1, 1).await;
        let address = setting.market.with(|world| world.call_in(&called.header.receipt));
        let (_source, market, folder) = setting.stop().await;
        market.with(|world| TestMarket::save(world, &folder.path().join("world")));
        let status = run_child(CHILD, folder.path(), Some(place)).await;
        assert!(status.signal().is_some(), "{place} was not reached: {status}");
        assert!(run_child(CHILD, folder.path(), None).await.success(), "{place}");
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let stage = journal.get(&address).unwrap().unwrap().stage;
        assert_eq!(stage, Stage::Finished(Outcome::Stood), "{place}");
        assert_eq!(world_of(folder.path()).session(&SESSION).unwrap().open_receipts, 0, "{place}");
    }
}
