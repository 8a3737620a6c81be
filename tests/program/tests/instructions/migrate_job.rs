//! Jobs as the first program wrote them, byte for byte (`fixtures/first-layout`).

use anchor_lang::error::ErrorCode;
use anchor_lang::{AccountDeserialize, AccountSerialize};
use assay::AssayError;
use assay::accounts::MigrateJob;
use assay::address;
use assay::events::JobMigrated;
use assay::fairness::endings::{FaultSide, Reason};
use assay::fairness::sortition::SeedRecord;
use assay::state::{FirstJob, Job};
use assay::state_machine::JobState;
use program_tests::World;
use program_tests::terms::{output_descriptor, parameters, terms};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;

/// The call, in the world in which it goes through.
pub(crate) fn call() -> (&'static str, World, Instruction) {
    let (world, job) = ready();
    let call = world.migrate_job(job);
    ("migrate_job", world, call.instruction())
}

/// The network and the nodes are migrated, no job is.
fn ready() -> (World, Pubkey) {
    let mut world = World::of_the_first_layout();
    world.accepts(&world.migrate_network());
    for node in world.node_addresses() {
        world.accepts(&world.migrate_node(node));
    }
    let job = world.job_addresses()[0];
    (world, job)
}

fn data(world: &World, address: Pubkey) -> Vec<u8> {
    world.svm.get_account(&address).unwrap().data
}

fn patch(world: &mut World, address: Pubkey, change: impl FnOnce(&mut Vec<u8>)) {
    let mut account = world.svm.get_account(&address).unwrap();
    change(&mut account.data);
    world.svm.set_account(address, account).unwrap();
}

/// Jobs of every state that lasts: every byte is in its place, and what is new says that nobody is invited and that there is no
/// session.
#[test]
fn keeps_every_field_of_every_job() {
    let (mut world, _) = ready();
    let mut states = BTreeSet::new();
    for address in world.job_addresses() {
        let old = data(&world, address);
        let event: JobMigrated = world.accepts(&world.migrate_job(address)).event();
        assert_eq!((event.job, event.from_version, event.to_version), (address, 1, Job::VERSION));
        let new = data(&world, address);
        assert_eq!(new.len(), old.len() + FirstJob::ADDED_BYTES);
        assert_eq!(world.lamports(address), world.svm.minimum_balance_for_rent_exemption(new.len()));
        let job = world.read::<Job>(address);
        job.invariant().unwrap();
        assert_eq!((job.version, job.invited_node, job.session), (Job::VERSION, Pubkey::default(), Pubkey::default()));
        let mut written = Vec::new();
        job.try_serialize(&mut written).unwrap();
        let (used, room) = new.split_at(written.len());
        assert_eq!(used, written);
        assert_eq!(room, [0; 32], "a seed that is sealed has its place");
        // Without what is new it is what was there, but for the version.
        let strings: usize = [&job.graph_uri, &job.params_uri, &job.inputs_uri, &job.store_uri]
            .into_iter()
            .map(|uri| 4 + uri.len())
            .sum();
        let (record, strings) = written.split_at(written.len() - strings);
        let added = FirstJob::ADDED_BYTES - 32;
        let scheduling_bytes = added - 64 - 17 - 4 - 8;
        let (first, rest) = record.split_at(414);
        let (invited_node, rest) = rest.split_at(32);
        let (shares, rest) = rest.split_at(4);
        let (scheduling, rest) = rest.split_at(scheduling_bytes);
        let (credits, rest) = rest.split_at(610 - 418);
        let (delegators_credit, rest) = rest.split_at(8);
        let (dispute, rest) = rest.split_at(654 - 610);
        let (challenges_lost, rest) = rest.split_at(4);
        let (rest, session_and_record) = rest.split_at(800 - 654);
        assert_eq!((challenges_lost, delegators_credit), (&[0; 4][..], &[0; 8][..]));
        assert_eq!((invited_node, &session_and_record[..32]), (&[0; 32][..], &[0; 32][..]));
        assert!(scheduling.iter().all(|byte| *byte == 0), "all may claim at once, and nothing counts");
        let mut without = [first, shares, credits, dispute, rest, strings].concat();
        without[8] = FirstJob::VERSION;
        assert_eq!(without, old);
        let claimed = job.node != Pubkey::default();
        assert_eq!(job.expected_slots, if claimed { job.run_slots } else { 0 }, "no speed was promised");
        assert_eq!((job.late_bps, job.delegators_bps, job.seed), (0, 0, SeedRecord::Open));
        let (reason, side) = match job.state {
            JobState::Cancelled => (Reason::Cancelled, FaultSide::None),
            JobState::Settled => (Reason::Completed, FaultSide::None),
            JobState::Missed => (Reason::NoShow, FaultSide::Provider),
            _ => (Reason::Open, FaultSide::None),
        };
        assert_eq!((job.reason, job.fault_side), (reason, side));
        states.insert(format!("{:?}", job.state));
        // Beside the trial's, every job has the terms of all tests.
        if job.record.challenges_open == 0 {
            assert_eq!((job.output, job.bond, job.graph_root), (output_descriptor(), terms().bond, terms().graph_root));
            assert_eq!((job.price_min, job.price_max), (terms().price_min, terms().price_max));
            assert_eq!((job.protocol_fee_bps, job.miss_charge_bps), (250, 500));
            assert_eq!(job.dispute.slash_bps, parameters().dispute.slash_bps);
            assert_eq!((job.graph_uri, job.store_uri), (terms().graph_uri, terms().store_uri));
            assert_eq!(job.vault, address::vault(&address));
        }
    }
    let seven = ["Accepted", "Cancelled", "Claimed", "Committed", "Missed", "Posted", "Settled"];
    assert_eq!(states, seven.map(str::to_owned).into());
}

/// Before it is migrated nothing reads it as something that it is not, on-chain or off.
#[test]
fn an_old_job_is_refused_by_name() {
    let world = World::migrated();
    let posted = world.all_jobs().into_iter().find(|job| world.read_job(job).state == JobState::Posted).unwrap();
    let claim = world.claim_job(&world.other_node, &posted);
    let (mut old, _) = ready();
    old.refuses(&claim, AssayError::UnsupportedAccountVersion);
    let read = Job::try_deserialize(&mut &data(&old, posted.address)[..]).unwrap_err();
    assert!(read.to_string().contains("assay network migrate"), "{read}");
    old.accepts(&old.migrate_job(posted.address));
    old.accepts(&claim);
}

/// Once; another version, another kind of account and one that is cut off are refused and stay as they are.
#[test]
fn only_what_the_first_program_wrote() {
    let (mut world, job) = ready();
    let call = world.migrate_job(job);
    for version in [0, 2, 99] {
        let mut other = world.clone();
        patch(&mut other, job, |data| data[8] = version);
        other.refuses(&call, AssayError::UnsupportedAccountVersion);
    }
    for length in [9, 413, 414, 417, 799, 810] {
        let mut cut = world.clone();
        patch(&mut cut, job, |data| data.truncate(length));
        cut.refuses(&call, AssayError::UnsupportedAccountVersion);
    }
    let mut broken = world.clone();
    patch(&mut broken, job, |data| data[83..115].fill(7));
    patch(&mut broken, job, |data| data[10] = JobState::Posted as u8);
    broken.refuses(&call, AssayError::InvariantBroken);
    world.accepts(&call);
    let before = data(&world, job);
    world.refuses(&call, AssayError::AccountNotOutdated);
    assert_eq!(data(&world, job), before);
}

/// Who migrates pays what the longer account needs; the client gets it when the job is closed.
#[test]
fn rent_is_topped_up_to_the_lamport() {
    let (mut world, job) = ready();
    let needed = world.svm.minimum_balance_for_rent_exemption(data(&world, job).len() + FirstJob::ADDED_BYTES);
    let held = world.lamports(job);
    let before = world.lamports(world.mallory);
    world.accepts(&world.migrate_job(job));
    assert_eq!((world.lamports(job), world.lamports(world.mallory)), (needed, before - (needed - held)));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let call = world.migrate_job(job);
    let right = call.accounts;
    let table = [
        (
            "a payer without lamports",
            MigrateJob { payer: world.key("a poor key"), ..right },
            program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS,
        ),
        (
            "another account of the program",
            MigrateJob { job: world.node.address, ..right },
            AssayError::UnsupportedAccountVersion.into(),
        ),
        ("a token account", MigrateJob { job: address::stake_vault(), ..right }, ErrorCode::ConstraintOwner.into()),
    ];
    world.refuses_accounts(&call, table);
}
