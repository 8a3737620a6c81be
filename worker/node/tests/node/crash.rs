//! Whatever dies, whenever: no promise is made twice, no bond is lost, no result is computed a third time.

use crate::rig::{PATIENCE, Rig, STAKE, Source, config, until, world};
use crate::world::{Freeze, TestMarket, VALID_SLOTS, World};
use anchor_lang::AnchorDeserialize;
use assay_node::config::NodeConfig;
use assay_node::failpoint;
use assay_node::journal::{Journal, Outcome, Purpose, Stage};
use solana_sdk::pubkey::Pubkey;
use std::path::Path;
use std::time::Duration;

const JOB: Pubkey = Pubkey::new_from_array([3; 32]);
/// The test that drives the job in a process of its own.
const CHILD: &str = "crash::child";

/// What must hold when a job is over, however often the node died on the way.
fn assert_all_is_well(world: &World, folder: &Path, what: &str) {
    for purpose in [Purpose::Claim, Purpose::Commit, Purpose::Finalise, Purpose::Withdraw] {
        let sent = world.sent(purpose);
        assert!(!sent.is_empty(), "{what}: {purpose:?} was never sent");
        // On a slow machine a version can expire before it is sent; the next one is signed only after that.
        let in_turn = sent.windows(2).all(|pair| pair[1].last_slot - VALID_SLOTS > pair[0].last_slot);
        assert!(in_turn, "{what}: versions of {purpose:?} that could both land: {sent:?}");
    }
    let mut results = world.signed.iter().filter_map(|tx| tx.result.as_ref()).collect::<Vec<_>>();
    results.dedup();
    assert_eq!(results.len(), 1, "{what}: one result is ever committed to");
    assert_eq!((world.node().locked, world.node().stake, world.paid), (0, STAKE, 975), "{what}");
    let runs = std::fs::read(folder.join("runs")).unwrap().len();
    assert!((1..=2).contains(&runs), "{what}: {runs} runs");
}

fn assert_paid(journal: &Journal, what: &str) {
    let stage = journal.get(&JOB).unwrap().unwrap().stage;
    assert_eq!(stage, Stage::Finished(Outcome::Paid { amount: 975 }), "{what}");
}

/// Freezes the node at every single call to the chain, before and after the call has its effect, drops it, and starts a
/// fresh one on the same journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_at_any_call_to_the_chain_goes_on_where_it_was() {
    let source = Source::start().await;
    let job = source.job().await;
    let mut last = None;
    for call in 1.. {
        let mut reached = false;
        for after in [false, true] {
            let what = format!("call {call}, after its effect: {after}");
            let folder = tempfile::tempdir().unwrap();
            let market = TestMarket::new(world(&JOB, &job));
            market.freeze(Some(Freeze { call, after }));
            let rig = Rig::new(folder.path(), &market, config());
            let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
            until("the call, or the end", || market.calls() >= call || driver.is_finished()).await;
            reached |= market.calls() >= call && !driver.is_finished();
            // Let it come to the frozen call for certain.
            tokio::time::sleep(Duration::from_millis(10)).await;
            driver.abort();
            let _ = driver.await;
            rig.crash().await;
            market.freeze(None);
            let rig = Rig::new(folder.path(), &market, config());
            rig.drive(&JOB).await;
            assert_paid(&rig.shared.journal, &what);
            market.with(|world| assert_all_is_well(world, folder.path(), &what));
        }
        last = Some(call);
        if !reached {
            break;
        }
    }
    assert!(last > Some(12), "a life has more calls than {last:?}");
}

/// What a child process does: drives the job that lies in its folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests, in a process that may die"]
async fn child() {
    let folder = std::env::var("ASSAY_TEST_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let market = TestMarket::in_file(folder.join("world"));
    Rig::new(folder, &market, config()).drive(&JOB).await;
    market.with(|world| TestMarket::save(world, &folder.join("world")));
}

/// Runs a test of this binary in a process of its own, which dies at the failpoint if one is named.
pub(crate) async fn run_child(test: &str, folder: &Path, failpoint: Option<&str>) -> std::process::ExitStatus {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored"]).env("ASSAY_TEST_FOLDER", folder);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    match failpoint {
        Some(place) => command.env("ASSAY_FAILPOINT", place),
        None => command.env_remove("ASSAY_FAILPOINT"),
    };
    tokio::time::timeout(2 * PATIENCE, command.status()).await.expect("the child is stuck").unwrap()
}

fn world_of(folder: &Path) -> World {
    World::deserialize(&mut std::fs::read(folder.join("world")).unwrap().as_slice()).unwrap()
}

/// Kills a real process at every failpoint, then starts it again.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_failpoint_goes_on_where_it_was() {
    use std::os::unix::process::ExitStatusExt;
    let source = Source::start().await;
    let job = source.job().await;
    let places = failpoint::NAMES.iter().filter(|place| !place.contains("expire"));
    for place in places {
        let folder = tempfile::tempdir().unwrap();
        TestMarket::save(&world(&JOB, &job), &folder.path().join("world"));
        let status = run_child(CHILD, folder.path(), Some(place)).await;
        assert!(status.signal().is_some(), "{place} was not reached: {status}");
        assert!(run_child(CHILD, folder.path(), None).await.success(), "{place}");
        assert_all_is_well(&world_of(folder.path()), folder.path(), place);
        assert_paid(&Journal::open(&folder.path().join("journal.redb")).unwrap(), place);
    }
}

/// The failpoints of a missed deadline: the charge is paid once, the rest of the bond is free.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_it_ends_a_missed_claim_pays_the_charge_once() {
    use std::os::unix::process::ExitStatusExt;
    let source = Source::start().await;
    let job = source.job().await;
    for place in failpoint::NAMES.iter().filter(|place| place.contains("expire")) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("world");
        TestMarket::save(&world(&JOB, &job), &file);
        assert!(run_child(CHILD, folder.path(), Some("after_claim_landed")).await.signal().is_some());
        // The machine was off for longer than the job allowed.
        let mut late = world_of(folder.path());
        late.slot += job.run_slots + 1;
        TestMarket::save(&late, &file);
        assert!(run_child(CHILD, folder.path(), Some(place)).await.signal().is_some(), "{place} was not reached");
        assert!(run_child(CHILD, folder.path(), None).await.success(), "{place}");
        let world = world_of(folder.path());
        assert_eq!((world.node().locked, world.node().stake, world.node().jobs_missed), (0, STAKE - 1, 1), "{place}");
        assert_eq!(world.sent(Purpose::Expire).len(), 1, "{place}");
        let stage = Journal::open(&folder.path().join("journal.redb")).unwrap().get(&JOB).unwrap().unwrap().stage;
        assert!(matches!(stage, Stage::Finished(Outcome::Missed { .. })), "{place}: {stage:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_the_journal_lost_is_delivered_all_the_same() {
    let source = Source::start().await;
    let job = source.job().await;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config());
    // It dies before it has computed anything.
    rig.hold_runs(true);
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    until("claim", || market.with(|world| !world.landed.is_empty())).await;
    driver.abort();
    let _ = driver.await;
    rig.hold_runs(false);
    rig.crash().await;
    std::fs::remove_file(folder.path().join("journal.redb")).unwrap();
    let rig =
        Rig::new(folder.path(), &market, NodeConfig { self_check: assay_node::config::SelfCheck::Always, ..config() });
    rig.drive(&JOB).await;
    assert_paid(&rig.shared.journal, "lost journal");
    market.with(|world| assert_eq!((world.node().locked, world.sent(Purpose::Claim).len()), (0, 1)));
}
