//! Who may claim a job, and from when on: the draw, the filter, and that claims do not wait for each other.

use assay::AssayError;
use assay::audit::Epoch;
use assay::fairness::filter::JobFilter;
use assay::fairness::reputation::Score;
use assay::fairness::sortition::{SeedRecord, Ticket};
use assay::instructions::PostJobArgs;
use assay::state::Profile;
use program_tests::terms::terms;
use program_tests::world::STAKE;
use program_tests::{Job, Node, World};
use solana_sdk::instruction::Instruction;
use std::collections::HashSet;

/// Terms whose price holds until all may claim.
fn patient() -> PostJobArgs {
    PostJobArgs { ramp_hold_slots: 14, ..terms() }
}

fn posted(world: &mut World, args: PostJobArgs) -> Job {
    let (client, mint) = (world.client, world.mint);
    world.post(client, &mint, args)
}

/// The slot that the node's ticket gives by the pure function, which a worker waits for.
fn first_slot(world: &World, job: &Job, node: &Node) -> u64 {
    let state = world.read_job(job);
    let SeedRecord::Sealed(seed) = state.seed else { panic!("no seed") };
    let ticket = Ticket::new(&seed, &job.address, &node.address);
    let sortition = state.sortition;
    let network = world.network();
    let weight = world.read_node(node).claimable_weight(Epoch(sortition.epoch), &network.parameters).unwrap();
    sortition.first_slot(ticket, weight).unwrap().0
}

#[test]
fn the_post_pins_rules_and_weights() {
    let mut world = World::with_draw();
    let job = posted(&mut world, patient());
    let state = world.read_job(&job);
    assert_eq!(state.sortition.rules, world.network().parameters.scheduling.opening);
    assert_eq!((state.sortition.seed_slot, state.sortition.epoch), (world.slot() + 2, world.slot() / 50 - 1));
    assert_eq!((state.sortition.total_weight, state.seed), (STAKE, SeedRecord::Open));
    // Stake that comes after the post, or in its epoch, counts for nobody.
    world.accepts(&world.stake(&world.node, world.node.owner, STAKE));
    let late = posted(&mut world, patient());
    assert_eq!(world.read_job(&late).sortition.total_weight, STAKE);
}

/// The program agrees with the pure function about every node and every slot, over jobs that draw them differently.
#[test]
fn a_node_claims_from_the_slot_that_its_ticket_gives() {
    let mut world = World::with_draw();
    let mut firsts = HashSet::new();
    for _ in 0..12 {
        let job = posted(&mut world, patient());
        let seed_slot = world.read_job(&job).sortition.seed_slot;
        let nodes = [world.node, world.other_node];
        for node in nodes {
            world.refuses(&world.claim_job(&node, &job), AssayError::SortitionNotOpen);
        }
        world.warp_to(seed_slot + 1);
        world.refuses(&world.claim_job(&nodes[0], &job), AssayError::SeedNotSealed);
        world.seal(&job);
        for node in nodes {
            let first = first_slot(&world, &job, &node);
            firsts.insert(first - seed_slot);
            for slot in seed_slot + 1..=seed_slot + 13 {
                let mut branch = world.clone();
                branch.warp_to(slot);
                let claim = branch.claim_job(&node, &job);
                match slot < first {
                    true => branch.refuses(&claim, AssayError::NotDrawnYet),
                    false => drop(branch.accepts(&claim)),
                }
            }
        }
    }
    assert!(firsts.len() >= 2 && firsts.iter().all(|first| [1, 4, 7, 10, 13].contains(first)), "{firsts:?}");
}

/// A seed that nobody sealed delays nothing for ever.
#[test]
fn all_may_claim_in_the_end() {
    let mut world = World::with_draw();
    let job = posted(&mut world, patient());
    let seed_slot = world.read_job(&job).sortition.seed_slot;
    world.warp_to(seed_slot + 12);
    world.refuses(&world.claim_job(&world.node, &job), AssayError::SeedNotSealed);
    world.warp_to(seed_slot + 13);
    world.accepts(&world.claim_job(&world.node, &job));
}

/// A node whose stake left after the snapshot claims with what it has, and one that came after it with nothing.
#[test]
fn stake_moved_for_a_job_comes_too_late() {
    let mut world = World::with_draw();
    let newcomer = world.registered_node("newcomer", STAKE * 9);
    let job = posted(&mut world, patient());
    world.seal(&job);
    let epoch = Epoch(world.read_job(&job).sortition.epoch);
    let parameters = world.network().parameters;
    let weight = |world: &World, node: &Node| world.read_node(node).claimable_weight(epoch, &parameters).unwrap();
    assert_eq!((weight(&world, &newcomer), weight(&world, &world.node)), (0, STAKE / 2));
    world.refuses(&world.claim_job(&newcomer, &job), AssayError::NotDrawnYet);
    world.accepts(&world.request_withdrawal(&world.node, STAKE / 2));
    assert_eq!(weight(&world, &world.node), STAKE / 4);
}

/// Each wish of a client is refused by its own name, and a node that fulfils all claims.
#[test]
fn filters_are_checked_one_by_one() {
    let mut world = World::new();
    let node = world.node;
    let profile = Profile { capabilities: 0b011, units_per_slot: 1_000, price_floor: 0, region: 5 };
    world.accepts(&world.set_profile(&node, profile));
    let fulfilled = JobFilter { capabilities: 0b001, regions: 1 << 5, minimum_score: Score(0), minimum_tier: 10 };
    let cases = [
        (JobFilter { capabilities: 0b101, ..fulfilled }, AssayError::CapabilityMissing),
        (JobFilter { minimum_tier: 11, ..fulfilled }, AssayError::TierTooLow),
        (JobFilter { regions: 1 << 6, ..fulfilled }, AssayError::RegionExcluded),
        (JobFilter { minimum_score: Score(1), ..fulfilled }, AssayError::ScoreTooLow),
    ];
    for (filter, error) in cases {
        let job = posted(&mut world, PostJobArgs { filter: Some(filter), ..terms() });
        assert_eq!(world.read_job(&job).filter, filter);
        world.refuses(&world.claim_job(&node, &job), error);
    }
    let job = posted(&mut world, PostJobArgs { filter: Some(fulfilled), ..terms() });
    world.refuses(&world.claim_job(&world.other_node, &job), AssayError::CapabilityMissing);
    world.accepts(&world.claim_job(&node, &job));
}

/// Open jobs are limited by stake, whatever the network's own limit is.
#[test]
fn open_jobs_follow_stake() {
    let mut world = World::new();
    let small = world.registered_node("small", 29_999);
    let cheap = || PostJobArgs { minimum_stake: 0, price_min: 1, price_max: 1, bond: 1, ..terms() };
    let jobs: Vec<Job> = (0..3).map(|_| posted(&mut world, cheap())).collect();
    world.accepts(&world.claim_job(&small, &jobs[0]));
    world.accepts(&world.claim_job(&small, &jobs[1]));
    world.refuses(&world.claim_job(&small, &jobs[2]), AssayError::CapacityReached);
    world.accepts(&world.stake(&small, small.owner, 1));
    world.accepts(&world.claim_job(&small, &jobs[2]));
}

/// The price does not rise while only some may claim, and the claim window is not over before all may.
#[test]
fn the_price_holds_while_claims_open() {
    let mut world = World::with_draw();
    let next = world.job_at(world.client, world.next_job_id(world.client), &world.mint);
    let with = |args: PostJobArgs| world.post_job(&next, PostJobArgs { job_id: next.id, ..args });
    let calls = [
        (with(PostJobArgs { ramp_hold_slots: 13, ..terms() }), AssayError::RampHoldTooShort),
        (
            with(PostJobArgs { price_min: 2_003, ramp_hold_slots: 0, ramp_slots: 0, claim_slots: 13, ..terms() }),
            AssayError::ClaimSlotsOutOfBounds,
        ),
    ];
    let flat = with(PostJobArgs { price_min: 2_003, ramp_hold_slots: 0, ramp_slots: 0, claim_slots: 14, ..terms() });
    for (call, error) in calls {
        world.refuses(&call, error);
    }
    world.accepts(&flat);
}

fn writable(instruction: &Instruction) -> HashSet<solana_sdk::pubkey::Pubkey> {
    instruction.accounts.iter().filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect()
}

/// Claims of different jobs by different nodes lock no account for writing that both name: the chain runs them side by side in
/// one slot. The same holds for posts of different clients, commits, and settlements.
#[test]
fn claims_share_no_writable_account() {
    let mut world = World::new();
    let (node, other) = (world.node, world.other_node);
    let (first, second) = (world.posted(), world.post(world.other_client, &world.mint.clone(), terms()));
    let pairs = [
        [world.claim_job(&node, &first).instruction(), world.claim_job(&other, &second).instruction()],
        [world.seal_seed(&first).instruction(), world.seal_seed(&second).instruction()],
        [world.finalise_job(&node, &first).instruction(), world.finalise_job(&other, &second).instruction()],
        [world.expire_claim(&node, &first).instruction(), world.expire_claim(&other, &second).instruction()],
    ];
    for [one, two] in &pairs {
        let (written, also) = (writable(one), writable(two));
        assert!(!written.is_empty());
        let named: HashSet<_> = two.accounts.iter().map(|meta| meta.pubkey).collect();
        assert!(written.is_disjoint(&also) && written.is_disjoint(&named), "{written:?}");
    }
    let [claims, ..] = &pairs;
    assert_eq!(writable(&claims[0]), HashSet::from([node.address, first.address]));
    let slot = world.slot();
    for claim in claims {
        world.transact(std::slice::from_ref(claim)).expect("a claim");
    }
    assert_eq!([&first, &second].map(|job| world.read_job(job).claimed_slot), [slot; 2]);
}
