//! Lamports for the defence: no job is claimed that could not be defended, what is claimed can be, and people are told when
//! lamports are lacking.

use crate::court::graph;
use crate::disputes::{JOB, committed, everything, replay, set_windows};
use crate::rig::{Rig, Source, config, until, world};
use crate::service::{get, see, start};
use crate::world::{MOST_FEE_LAMPORTS, TestMarket};
use assay::state_machine::JobState;
use assay_node::config::{Disputes, NodeConfig};
use assay_node::defence::cost::DefenceCost;
use assay_node::defence::exposure::Exposure;
use assay_node::defence::reserve::Reserve;
use assay_node::journal::{Outcome, Stage};
use assay_node::status;
use solana_sdk::pubkey::Pubkey;

const OTHER: Pubkey = Pubkey::new_from_array([4; 32]);

fn cost() -> DefenceCost {
    DefenceCost::of(&graph(), MOST_FEE_LAMPORTS)
}

/// What one job of these tests needs, whose window is open.
fn needed_by_a_job(reserved_challenges: u32) -> u64 {
    let exposure = Exposure { is_challengeable: true, ..Exposure::default() };
    exposure.needed_lamports(&cost(), reserved_challenges) + Reserve::upkeep_lamports(MOST_FEE_LAMPORTS)
}

fn enough_for(jobs: u64) -> u64 {
    Reserve::base_lamports() + jobs * needed_by_a_job(1)
}

fn state(market: &TestMarket, job: &Pubkey) -> JobState {
    market.with(|world| world.job(job).unwrap().state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_could_not_be_defended_is_claimed_only_after_a_top_up() {
    let source = Source::start().await;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &source.job().await));
    market.with(|world| world.lamports = enough_for(1) - 1);
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    until("held back", || !rig.shared.reserve.funds().held_back.is_empty()).await;
    // It looks again and again, and leaves its place to others meanwhile.
    let calls = market.calls();
    until("looked again", || market.calls() > calls + 4).await;
    assert_eq!((state(&market, &JOB), rig.free_places()), (JobState::Posted, 1));
    let shown = status::of(&rig.shared).unwrap().funds;
    let refusal = &shown.held_back[0].refusal;
    assert_eq!((shown.held_back[0].job.as_str(), refusal.code.as_str()), (JOB.to_string().as_str(), "N0218"));
    assert!(refusal.remedy.starts_with("send 1 lamports or more to "), "{refusal}");

    market.with(|world| world.lamports += 1);
    until("delivered", || !matches!(state(&market, &JOB), JobState::Posted | JobState::Claimed)).await;
    assert!(rig.shared.reserve.funds().held_back.is_empty());
    driver.await.unwrap().unwrap();
    assert!(matches!(rig.record(&JOB).unwrap().stage, Stage::Finished(Outcome::Paid { .. })));
    assert_eq!(rig.shared.reserve.funds().needed_lamports, Reserve::base_lamports(), "nothing is open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_nobody_topped_up_for_is_skipped_by_its_code() {
    let source = Source::start().await;
    for others_take_it in [false, true] {
        let job = source.job().await;
        let folder = tempfile::tempdir().unwrap();
        let market = TestMarket::new(world(&JOB, &job));
        market.with(|world| world.lamports = enough_for(1) - 1);
        let rig = Rig::new(folder.path(), &market, config());
        let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
        until("held back", || !rig.shared.reserve.funds().held_back.is_empty()).await;
        market.with(|world| {
            if others_take_it {
                let mut job = world.job(&JOB).unwrap();
                (job.state, job.node, job.claimed_slot) = (JobState::Claimed, Pubkey::new_unique(), world.slot);
                world.put_job(&JOB, &job);
            } else {
                world.slot += job.claim_slots;
            }
        });
        driver.await.unwrap().unwrap();
        let stage = rig.record(&JOB).unwrap().stage;
        assert!(matches!(&stage, Stage::Finished(Outcome::Skipped(refusal)) if refusal.code == "N0218"), "{stage:?}");
        assert!(rig.shared.reserve.funds().held_back.is_empty(), "it is over");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_lamports_for_one_job_the_second_waits_for_the_end_of_the_first() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    market.with(|world| {
        world.lamports = enough_for(2) - 1;
        world.put_job(&OTHER, &job);
    });
    let rig = Rig::new(folder.path(), &market, NodeConfig { concurrent_jobs: 2, ..config() });
    let drivers = [&JOB, &OTHER].map(|job| tokio::spawn(rig.driver(job).run(rig.cancel.clone())));
    // Both are ready at about the same time: only one is taken on.
    until("one is held back", || !rig.shared.reserve.funds().held_back.is_empty()).await;
    market.with(|world| set_windows(world, &[JOB, OTHER], 400));
    until("both are paid", || {
        let posted = [JOB, OTHER].map(|job| state(&market, &job) == JobState::Posted);
        let settled = [JOB, OTHER].map(|job| state(&market, &job) == JobState::Settled);
        // As long as the first is open, the second is not claimed.
        assert!(posted.contains(&true) || settled.contains(&true));
        settled == [true, true]
    })
    .await;
    for driver in drivers {
        driver.await.unwrap().unwrap();
    }
}

/// The whole point: with exactly what the rule asks for, everything that one job can be made to open is opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_claimed_can_be_defended_to_the_last_opening() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    // None is out of time before all is answered, and looked at.
    job.dispute.challenger_clock_slots = 1_500;
    // Nothing comes in before it is paid out.
    job.dispute.opening_fee_lamports = 0;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let before = enough_for(1);
    market.with(|world| world.lamports = before);
    let rig = Rig::new(folder.path(), &market, config());
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    let demands = market.with(|world| {
        let asked = everything(world, &replay(&source));
        assert_eq!(cost().challenge_lamports, cost().everything_lamports, "one challenge can demand all there is");
        (50..)
            .zip(&asked)
            .map(|(who, one)| {
                let challenge = world.challenge(&JOB, who);
                world.ask(&challenge, *one)
            })
            .collect::<Vec<_>>()
    });
    until("all is answered", || market.with(|world| demands.iter().all(|demand| world.is_answered(demand)))).await;
    until("its rents are known", || status::of(&rig.shared).unwrap().disputes.rent_lamports > 0).await;
    market.with(|world| set_windows(world, &[JOB], 1_500));
    assert_eq!(rig.shared.reserve.funds().held_back, vec![]);
    driver.await.unwrap().unwrap();
    let record = rig.record(&JOB).unwrap();
    assert_eq!(record.stage, Stage::Finished(Outcome::Paid { amount: 975 }));
    // Every rent came back; fees did not.
    market.with(|world| {
        let transactions = world.court.transactions + world.landed.len() as u64;
        assert_eq!(world.lamports + transactions * crate::world::FEE_LAMPORTS, before);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_told_while_open_jobs_are_not_covered() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    job.dispute.challenger_clock_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::new(folder.path(), &market, config());
    let running = start(&rig).await;
    see(&running, &market, JOB).await;
    committed(&market).await;
    let funds = || status::of(&rig.shared).unwrap().funds;
    until("the job is counted", || funds().needed_lamports == enough_for(1)).await;
    assert_eq!(funds().lacking_lamports, 0);

    // Somebody moves lamports away: the key holds too little for what is open.
    market.with(|world| world.lamports = enough_for(1) - 70);
    until("alarm", || funds().lacking_lamports == 70).await;
    let metrics = get(&running.status, "/v1/metrics").await;
    assert!(metrics.contains("\nassay_node_defence_lacking_lamports 70\n"), "{metrics}");
    assert!(get(&running.status, "/v1/status").await.contains("\"lacking_lamports\":70"));

    // A challenge and what it can demand count at once, another job's window or not.
    market.with(|world| {
        for who in [50, 51] {
            world.challenge(&JOB, who);
        }
    });
    see(&running, &market, JOB).await;
    let everything = cost().everything_lamports;
    let upkeep = Reserve::upkeep_lamports(MOST_FEE_LAMPORTS);
    let of_both = Reserve::base_lamports() + everything + 2 * MOST_FEE_LAMPORTS + upkeep;
    until("both count", || funds().needed_lamports == of_both).await;

    market.with(|world| world.lamports = of_both);
    until("covered again", || funds().lacking_lamports == 0).await;
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_again_counts_its_open_jobs_before_it_claims_another() {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let disputes = Disputes { reserved_challenges: 2, ..Disputes::default() };
    let rig = Rig::new(folder.path(), &market, NodeConfig { disputes: disputes.clone(), ..config() });
    let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
    committed(&market).await;
    rig.cancel.cancel();
    driver.await.unwrap().unwrap();
    assert_eq!(rig.record(&JOB).unwrap().defence, Some(cost()));
    rig.crash().await;

    let again = Rig::new(folder.path(), &market, NodeConfig { disputes, ..config() });
    again.shared.adopt_reserve().unwrap();
    let needed = || again.shared.reserve.funds().needed_lamports;
    assert_eq!(needed(), Reserve::base_lamports() + needed_by_a_job(2));
    // Where the cap of the fees was raised since, it counts with the higher one.
    let mut record = again.record(&JOB).unwrap();
    let lower = DefenceCost::of(&graph(), MOST_FEE_LAMPORTS / 2);
    record.defence = Some(lower);
    again.shared.journal.put(&JOB, &record).unwrap();
    again.shared.reserve.release(&JOB);
    again.shared.raise_reserve().unwrap();
    assert!(needed() >= Reserve::base_lamports() + needed_by_a_job(2), "{}", needed());
    // What an earlier version took on counts as the dearest of all graphs.
    let mut record = again.record(&JOB).unwrap();
    record.defence = None;
    again.shared.journal.put(&JOB, &record).unwrap();
    again.shared.adopt_reserve().unwrap();
    let upkeep = Reserve::upkeep_lamports(MOST_FEE_LAMPORTS);
    let any = 2 * DefenceCost::of_any_graph(MOST_FEE_LAMPORTS).challenge_lamports;
    assert_eq!(needed(), Reserve::base_lamports() + any + 2 * MOST_FEE_LAMPORTS + upkeep);
}
