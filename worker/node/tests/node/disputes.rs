//! Challenged results: what is demanded is answered, whatever dies in between, and nothing stays behind.

use crate::court::{Asked, graph};
use crate::crash::run_child;
use crate::rig::{Rig, STAKE, Source, config, cpu, until, world};
use crate::service::{see, start};
use crate::world::{TestMarket, World};
use anchor_lang::AnchorDeserialize;
use assay::state::DemandTree;
use assay::state_machine::JobState;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, Keep, TensorSet};
use assay_node::config::{Disputes, NodeConfig};
use assay_node::failpoint;
use assay_node::journal::{Journal, Outcome, Purpose, Stage};
use assay_node::status;
use solana_sdk::pubkey::Pubkey;
use std::path::Path;

pub(crate) const JOB: Pubkey = Pubkey::new_from_array([3; 32]);

/// Everything that an honest run gives.
pub(crate) fn replay(source: &Source) -> TensorSet {
    let model = cpu().load(source.resolved.clone().into(), &source.params).unwrap();
    model.run(&source.inputs, Keep::Everything).unwrap().tensors
}

/// One demand of each kind: the boundary, the root of each segment, its tree, and every tensor that an op produces.
pub(crate) fn everything(world: &World, tensors: &TensorSet) -> Vec<Asked> {
    let (graph, hasher) = (graph(), Hasher::default());
    let ask = |tree, slot, bound| Asked { tree, slot, bound };
    let mut asked = vec![ask(DemandTree::Boundary, 0, world.job(&JOB).unwrap().boundary_root)];
    for segment in 0..graph.segments.len() as u16 {
        let root = hasher.segment_root(&graph, segment, tensors).unwrap();
        asked.push(ask(DemandTree::SegmentRoot, segment, [0; 32]));
        asked.push(ask(DemandTree::Segment, segment, root));
        for slot in graph.segment_slots(segment) {
            let hash = hasher.hashes(&graph, tensors, &[slot]).unwrap()[0];
            asked.push(ask(DemandTree::Tensor, slot, hash));
        }
    }
    asked
}

pub(crate) async fn committed(market: &TestMarket) {
    until("commit", || market.with(|world| world.job(&JOB).unwrap().state == JobState::Committed)).await;
}

/// From now on the windows of jobs end so many slots after their commitments: what has to be done within a window is done
/// before that, in one that is longer than any test.
pub(crate) fn set_windows(world: &mut World, jobs: &[Pubkey], window_slots: u64) {
    for address in jobs {
        let mut job = world.job(address).unwrap();
        job.window_slots = window_slots;
        world.put_job(address, &job);
    }
}

fn assert_nothing_is_left(world: &World, what: &str) {
    assert!(world.court.is_clean(), "{what}: {:?}", world.court);
    assert_eq!((world.node().locked, world.node().stake), (0, STAKE), "{what}");
    assert_eq!(world.job(&JOB).unwrap().record.challenges_open, 0, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_challengers_are_answered_and_outlasted_and_nothing_stays_behind() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    // None of them is out of time before all are answered.
    job.dispute.challenger_clock_slots = 1_500;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    let tensors = replay(&source);
    let demands = market.with(|world| {
        let asked = everything(world, &tensors);
        let mut demands: Vec<Pubkey> = Vec::new();
        for who in 0..10u8 {
            let challenge = world.challenge(&JOB, 50 + who);
            demands.push(world.ask(&challenge, asked[usize::from(who) % asked.len()]));
        }
        demands.sort_unstable();
        demands.dedup();
        set_windows(world, &[JOB], 400);
        demands
    });
    until("all is answered", || market.with(|world| demands.iter().all(|demand| world.is_answered(demand)))).await;
    let open = || status::of(&rig.shared).unwrap().disputes;
    assert_eq!((open().jobs, open().challenges, open().bonds_at_risk), (1, 10, 100));
    until("its rent is known", || open().rent_lamports > 0).await;
    driver.await.unwrap().unwrap();
    let record = rig.record(&JOB).unwrap();
    assert_eq!(record.stage, Stage::Finished(Outcome::Paid { amount: 975 }));
    market.with(|world| {
        assert_nothing_is_left(world, "ten challengers");
        let log = record.dispute.unwrap();
        let given = (world.court.answered.len() as u32, world.court.recorded.len() as u32);
        assert_eq!((log.answers, log.roots, log.timed_out, log.open), (given.0, given.1, 10, 0));
        assert_eq!((log.challenges.len(), log.cleaned, log.rent_lamports), (10, true, 0));
        assert_eq!(
            (u64::from(log.transactions), log.fees_lamports),
            (world.court.transactions, 5_000 * world.court.transactions)
        );
        assert_eq!(log.earned_lamports, 70_000 * demands.len() as u64);
        assert!(world.segments_signed.len() <= 2, "each root once: {:?}", world.segments_signed);
    });
    let totals = rig.shared.journal.totals().unwrap();
    assert_eq!((totals.challenges, totals.answers, totals.paid), (10, demands.len() as u64, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_demand_is_answered_one_after_the_other() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    job.dispute.challenger_clock_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    let asked = market.with(|world| everything(world, &replay(&source)));
    let challenge = market.with(|world| world.challenge(&JOB, 50));
    assert_eq!(asked.len(), 7);
    for one in asked {
        let demand = market.with(|world| world.ask(&challenge, one));
        until(&format!("{one:?}"), || market.with(|world| world.is_answered(&demand))).await;
    }
    // What is not so cannot be opened: nothing is paid for a try.
    let transactions = market.with(|world| world.court.transactions);
    market.with(|world| {
        world.ask(&challenge, Asked { tree: DemandTree::Tensor, slot: graph().outputs[0], bound: [7; 32] })
    });
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(market.with(|world| world.court.transactions), transactions);
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_does_not_answer_is_asked_until_it_does() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    let asked = market.with(|world| everything(world, &replay(&source)));
    let demand = market.with(|world| {
        let challenge = world.challenge(&JOB, 50);
        set_windows(world, &[JOB], 400);
        world.ask(&challenge, asked[0])
    });
    market.unreachable(4);
    until("answered", || market.with(|world| world.is_answered(&demand))).await;
    driver.await.unwrap().unwrap();
    market.with(|world| assert_nothing_is_left(world, "unreachable"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_is_claimed_while_an_answer_is_due_soon() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    job.dispute.challenger_clock_slots = 1_000_000;
    let other = Pubkey::new_from_array([4; 32]);
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let disputes = Disputes { low_clock_slots: 100_000, ..Disputes::default() };
    let rig = Rig::new(folder.path(), &market, NodeConfig { disputes, ..config() });
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    // Runs are held up: the root that is demanded cannot be computed yet.
    rig.hold_runs(true);
    let demand = market.with(|world| {
        world.put_job(&other, &job);
        let challenge = world.challenge(&JOB, 50);
        world.ask(&challenge, Asked { tree: DemandTree::SegmentRoot, slot: 0, bound: [0; 32] })
    });
    until("the root is being computed", || rig.held_runs() > 0).await;
    let second = tokio::spawn(rig.driver(&other).run(rig.cancel.clone()));
    until("admission", || rig.record(&other).is_some()).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    market.with(|world| assert_eq!(world.job(&other).unwrap().state, JobState::Posted));
    rig.hold_runs(false);
    until("answered", || market.with(|world| world.is_answered(&demand))).await;
    until("claimed", || market.with(|world| world.job(&other).unwrap().state != JobState::Posted)).await;
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_convicted_node_ends_what_it_promised_and_then_itself() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let (other, third) = (Pubkey::new_from_array([4; 32]), Pubkey::new_from_array([5; 32]));
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, NodeConfig { concurrent_jobs: 2, ..config() });
    let running = start(&rig).await;
    see(&running, &market, JOB).await;
    committed(&market).await;
    market.with(|world| world.put_job(&other, &job));
    see(&running, &market, other).await;
    until("commit", || market.with(|world| world.job(&other).unwrap().state == JobState::Committed)).await;
    market.with(|world| world.convict(&JOB, false));
    until("known", || rig.shared.alarm.conviction().is_some()).await;
    let shown = status::of(&rig.shared).unwrap().conviction.unwrap();
    assert_eq!((shown.job, shown.fault.contains("not opened in time")), (Some(JOB.to_string()), true));
    market.with(|world| world.put_job(&third, &job));
    see(&running, &market, third).await;
    market.with(|world| set_windows(world, &[other], 300));
    until("the other job is paid", || {
        matches!(rig.record(&other).unwrap().stage, Stage::Finished(Outcome::Paid { .. }))
    })
    .await;
    assert!(!running.service.is_finished(), "the dispute is not settled");
    market.with(|world| {
        let mut job = world.job(&JOB).unwrap();
        job.record.settled = true;
        world.put_job(&JOB, &job);
    });
    let error = running.service.await.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("N0503") && error.contains(&JOB.to_string()), "{error}");
    assert!(matches!(rig.record(&JOB).unwrap().stage, Stage::Finished(Outcome::Convicted { .. })));
    assert_eq!(rig.shared.journal.totals().unwrap().convicted, 1);
    market.with(|world| assert_eq!(world.job(&third).unwrap().state, JobState::Posted, "it claims no more"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_job_is_paid_at_once_and_its_bond_freed_after_the_window() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    market.with(|world| world.accept(&JOB));
    until("paid", || market.with(|world| world.paid == 975)).await;
    market.with(|world| assert_eq!((world.job(&JOB).unwrap().state, world.node().locked), (JobState::Accepted, 100)));
    market.with(|world| set_windows(world, &[JOB], 600));
    driver.await.unwrap().unwrap();
    assert_eq!(rig.record(&JOB).unwrap().stage, Stage::Finished(Outcome::Paid { amount: 975 }));
    market.with(|world| {
        assert_eq!((world.job(&JOB).unwrap().state, world.node().locked), (JobState::Settled, 0));
        assert_eq!(world.sent(Purpose::Withdraw).len(), 1);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_leave_no_time_to_answer_are_left_to_others() {
    let source = Source::start().await;
    for (change, code) in [(0, "N0215"), (1, "N0216")] {
        let mut job = source.job().await;
        let disputes = Disputes { least_clock_slots: 500, least_opening_fee_lamports: 70_001, ..Disputes::default() };
        if change == 0 {
            job.dispute.defender_clock_slots = 499;
            job.dispute.opening_fee_lamports = 80_000;
        } else {
            job.dispute.defender_clock_slots = 500;
        }
        let folder = tempfile::tempdir().unwrap();
        let market = TestMarket::new(world(&JOB, &job));
        let rig = Rig::new(folder.path(), &market, NodeConfig { disputes, ..config() });
        let stage = rig.drive(&JOB).await.unwrap().stage;
        assert!(matches!(&stage, Stage::Finished(Outcome::Skipped(refusal)) if refusal.code == code), "{stage:?}");
    }
}

/// What a child process does: drives the job in its folder, to its commitment only if the file `commit_only` is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests, in a process that may die"]
async fn child() {
    let folder = std::env::var("ASSAY_TEST_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let market = TestMarket::in_file(folder.join("world"));
    let rig = Rig::new(folder, &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    if folder.join("commit_only").exists() {
        until("commit", || matches!(rig.record(&JOB).map(|record| record.stage), Some(Stage::Committed(_)))).await;
        rig.cancel.cancel();
    }
    driver.await.unwrap().unwrap();
    market.with(|world| TestMarket::save(world, &folder.join("world")));
}

/// Kills a real process at every place of an answer, in the middle of uploads too, and starts it again.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_it_answers_goes_on_where_it_was() {
    use std::os::unix::process::ExitStatusExt;
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 4_000;
    let tensors = replay(&source);
    for place in failpoint::ANSWER_NAMES {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("world");
        let load = || World::deserialize(&mut std::fs::read(&file).unwrap().as_slice()).unwrap();
        TestMarket::save(&world(&JOB, &job), &file);
        std::fs::write(folder.path().join("commit_only"), b"").unwrap();
        assert!(run_child("disputes::child", folder.path(), None).await.success());
        std::fs::remove_file(folder.path().join("commit_only")).unwrap();
        let mut disputed = load();
        let asked = everything(&disputed, &tensors);
        for (who, one) in (50..).zip(&asked) {
            let challenge = disputed.challenge(&JOB, who);
            disputed.ask(&challenge, *one);
        }
        TestMarket::save(&disputed, &file);
        assert!(
            run_child("disputes::child", folder.path(), Some(place)).await.signal().is_some(),
            "{place} was not reached"
        );
        assert!(run_child("disputes::child", folder.path(), None).await.success(), "{place}");
        let over = load();
        assert_nothing_is_left(&over, place);
        assert_eq!((over.court.answered.len() + over.court.recorded.len(), over.paid), (asked.len(), 975), "{place}");
        let mut roots = over.segments_signed.clone();
        roots.dedup();
        assert!(roots.len() <= 2, "{place}: {roots:?}");
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let record = journal.get(&JOB).unwrap().unwrap();
        assert_eq!(record.stage, Stage::Finished(Outcome::Paid { amount: 975 }), "{place}");
        assert!(record.dispute.unwrap().cleaned, "{place}");
    }
}
