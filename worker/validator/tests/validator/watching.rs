//! Mode `watch` over the model of the program: what it lists, and that each alert comes once.

use crate::case::{COMMITTED_SLOT, Case, WINDOW_SLOTS, case};
use crate::world::World;
use assay::state::Job;
use assay_validator::rules::Move;
use assay_validator::watching::{Alert, RunningTime, Side, Watch};
use solana_sdk::pubkey::Pubkey;

const ME: Pubkey = Pubkey::new_from_array([1; 32]);

fn look(watch: &mut Watch, world: &World) -> Vec<String> {
    let docket = world.docket.clone();
    let jobs: Vec<(Pubkey, Job)> = docket.job.iter().map(|job| (docket.address, job.clone())).collect();
    let alerts = watch.observe(docket.slot, &jobs, &[docket]);
    alerts.into_iter().map(|Alert { code, .. }| code).collect()
}

fn clock(watch: &Watch) -> Option<RunningTime> {
    watch.market().challenges[0].clock
}

fn challenged(case: &Case) -> (World, Move) {
    let (target, own_hash, salt) = (case.target(), case.own_hash, [5; 32]);
    let mut world = World::new(case);
    world.apply(&ME, &Move::Commit { target, own_hash, salt }).unwrap();
    (world, Move::Reveal { target, own_hash, salt })
}

#[test]
fn a_dispute_is_listed_from_its_beginning_to_the_conviction_and_told_once() {
    let case = case();
    let mut watch = Watch::default();
    assert!(look(&mut watch, &World::new(case)).is_empty(), "an open window is no alert");
    assert_eq!(watch.market().jobs[0].last_slot, COMMITTED_SLOT + WINDOW_SLOTS);

    let (mut world, reveal) = challenged(case);
    assert_eq!(look(&mut watch, &world), ["V0801"]);
    assert!(look(&mut watch, &world).is_empty(), "told once");
    assert_eq!(watch.market().challenges[0].target, None, "sealed");
    assert_eq!(clock(&watch), Some(RunningTime { side: Side::Challenger, left_slots: 10, length_slots: 10 }));

    world.docket.slot += 9;
    assert_eq!(look(&mut watch, &world), ["V0802"], "1 of 10 slots to reveal");
    assert!(look(&mut watch, &world).is_empty(), "told once");
    world.apply(&ME, &reveal).unwrap();
    assert!(look(&mut watch, &world).is_empty());
    assert_eq!(clock(&watch), Some(RunningTime { side: Side::Challenger, left_slots: 60, length_slots: 60 }));
    assert!(watch.market().challenges[0].target.is_some(), "revealed");

    world.apply(&ME, &Move::DemandRoot { segment: 0, slot: 0, witness: None }).unwrap();
    world.docket.slot += 22;
    assert!(look(&mut watch, &world).is_empty(), "8 of 30 are more than a quarter");
    world.docket.slot += 1;
    assert_eq!(look(&mut watch, &world), ["V0802"]);
    assert_eq!(clock(&watch), Some(RunningTime { side: Side::Defender, left_slots: 7, length_slots: 30 }));

    world.apply(&ME, &Move::Prove { proof: case.proof.clone(), segment: case.segment }).unwrap();
    assert_eq!(look(&mut watch, &world), ["V0803"]);
    assert!(look(&mut watch, &world).is_empty(), "told once");
    assert!(watch.market().jobs.is_empty(), "no longer open to challenges");
    assert_eq!(clock(&watch), None);
    let codes: Vec<_> = watch.market().alerts.iter().map(|alert| alert.code.as_str()).collect();
    assert_eq!(codes, ["V0801", "V0802", "V0802", "V0803"]);
}
