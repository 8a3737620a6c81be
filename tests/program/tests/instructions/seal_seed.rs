use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SealSeed;
use assay::events::SeedSealed;
use assay::fairness::sortition::SeedRecord;
use assay::instructions::PostJobArgs;
use program_tests::scheduling_calls::slot_hash;
use program_tests::terms::terms;
use program_tests::{Job, World};

/// A job whose price holds until all may claim.
fn patient(world: &mut World) -> Job {
    let (client, mint) = (world.client, world.mint);
    world.post(client, &mint, PostJobArgs { ramp_hold_slots: 14, ..terms() })
}

/// The hash is that of the first slot present at or after the one fixed at the post, whenever and by whomever it is sealed.
#[test]
fn records_the_first_slot_at_or_after_the_wanted_one() {
    let mut world = World::with_draw();
    let job = patient(&mut world);
    let wanted = world.read_job(&job).sortition.seed_slot;
    assert_eq!(wanted, world.slot() + 2);
    let call = world.seal_seed(&job);
    world.remember([wanted - 1, wanted - 2]);
    world.refuses(&call, AssayError::SeedNotYet);
    for (remembered, expected) in [
        (vec![wanted, wanted - 1], wanted),
        (vec![wanted + 7, wanted + 3, wanted - 1], wanted + 3),
        (vec![wanted + 7, wanted + 3, wanted], wanted),
    ] {
        let mut branch = world.clone();
        branch.remember(remembered);
        let event: SeedSealed = branch.accepts(&call).event();
        assert_eq!((event.job, event.seed), (job.address, Some(slot_hash(expected))));
        assert_eq!(branch.read_job(&job).seed, SeedRecord::Sealed(slot_hash(expected)));
        branch.refuses(&call, AssayError::SeedAlreadySealed);
    }
}

/// A chain that remembers 512 slots and none before the wanted one may have forgotten the right one: nobody may choose.
#[test]
fn what_the_chain_forgot_is_open_to_all() {
    let mut world = World::with_draw();
    let job = patient(&mut world);
    let wanted = world.read_job(&job).sortition.seed_slot;
    world.remember((wanted + 1..=wanted + 512).rev());
    let event: SeedSealed = world.accepts(&world.seal_seed(&job)).event();
    assert_eq!(event.seed, None);
    assert_eq!(world.read_job(&job).seed, SeedRecord::Forgotten);
    world.warp_to(wanted + 1);
    world.accepts(&world.claim_job(&world.other_node, &job));
}

#[test]
fn only_of_a_job_that_nobody_claimed() {
    let mut world = World::new();
    let claimed = world.claimed();
    let cancelled = world.cancelled();
    let slot = world.slot();
    world.remember([slot + 9, slot, slot - 1]);
    for job in [claimed, cancelled] {
        world.refuses(&world.seal_seed(&job), AssayError::IllegalTransition);
    }
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let job = world.posted();
    let slot = world.slot();
    world.remember([slot + 1, slot, slot - 1]);
    let call = world.seal_seed(&job);
    let right = call.accounts;
    let node = SealSeed { job: world.node.address, ..right };
    world.refuses_accounts(&call, [("a node as job", node, ErrorCode::AccountDiscriminatorMismatch.into())]);
}
