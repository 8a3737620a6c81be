use crate::every_call::every_call;
use anchor_lang::error::ErrorCode;
use assay::AssayError::{self, *};
use assay::accounts::PauseNewWork;
use assay::address;
use assay::events::NewWorkPaused;
use assay::instructions::PostJobArgs;
use assay::state::{Change, Network};
use program_tests::World;
use program_tests::terms::terms;
use std::collections::BTreeSet;

fn ready() -> (World, solana_sdk::pubkey::Pubkey) {
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    (world, guardian)
}

#[test]
fn refuses_new_work_until_it_ends_by_itself() {
    let (mut world, guardian) = ready();
    let posted = world.posted();
    let now = world.slot();
    let event: NewWorkPaused = world.accepts(&world.pause_new_work(guardian, 20)).event();
    let network = world.network();
    assert_eq!((network.paused_until_slot, network.pause_allowed_slot), (now + 20, now + 20 + 9_000));
    assert_eq!((event.guardian, event.paused_until_slot), (guardian, now + 20));
    assert_eq!(event.pause_allowed_slot, network.pause_allowed_slot);
    let next = world.job_at(world.client, 1, &world.mint);
    let post = world.post_job(&next, PostJobArgs { job_id: 1, ..terms() });
    let claim = world.claim_job(&world.node, &posted);
    for slot in [now, now + 19] {
        world.warp_to(slot);
        world.refuses(&post, WorkPaused);
        world.refuses(&claim, WorkPaused);
    }
    world.warp_to(now + 20);
    world.accepts(&post);
    world.accepts(&claim);
}

/// Whatever else anybody can do goes on under a pause: results, settlements, disputes, audits, withdrawals, governance.
#[test]
fn refuses_nothing_else() {
    let mut refused = BTreeSet::new();
    let mut count = 0;
    for call in every_call() {
        let mut world = call.world;
        // One that is not there, or in an earlier layout, cannot be paused.
        let Some(account) =
            world.svm.get_account(&address::NETWORK).filter(|account| account.data.len() == Network::SPACE)
        else {
            assert!(["initialize_network", "migrate_network"].contains(&call.name), "{}", call.name);
            continue;
        };
        let mut network = world.network();
        network.paused_until_slot = world.slot() + 1_000_000;
        // The guardian's own next pause is no part of this.
        network.pause_allowed_slot = match call.name {
            "pause_new_work" => world.slot(),
            _ => network.paused_until_slot,
        };
        if call.name == "pause_new_work" {
            network.paused_until_slot = world.slot();
        }
        let mut account = account;
        let mut bytes = Vec::new();
        anchor_lang::AccountSerialize::try_serialize(&network, &mut bytes).unwrap();
        account.data[..bytes.len()].copy_from_slice(&bytes);
        world.svm.set_account(address::NETWORK, account).unwrap();
        count += 1;
        if let Err(refusal) = world.transact(&[call.instruction]) {
            assert_eq!(refusal.why, WorkPaused.into(), "{}: {:#?}", call.name, refusal.logs);
            refused.insert(call.name);
        }
    }
    assert_eq!(refused, BTreeSet::from(["post_job", "post_budget_job", "open_session", "claim_job", "accept_session"]));
    assert!(count > 60, "only {count} instructions were tried");
}

#[test]
fn lengths_are_bounded_and_pauses_have_to_wait() {
    let (mut world, guardian) = ready();
    world.refuses(&world.pause_new_work(guardian, 0), PauseLengthOutOfBounds);
    world.refuses(&world.pause_new_work(guardian, 216_001), PauseLengthOutOfBounds);
    world.refuses(&world.pause_new_work(guardian, u64::MAX), PauseLengthOutOfBounds);
    world.accepts(&world.pause_new_work(guardian, 216_000));
    let next = world.network().pause_allowed_slot;
    assert_eq!(next, world.slot() + 2 * 216_000);
    for slot in [world.slot(), next - 1] {
        world.warp_to(slot);
        world.refuses(&world.pause_new_work(guardian, 1), PauseCoolingDown);
    }
    world.warp_to(next);
    world.accepts(&world.pause_new_work(guardian, 1));
}

/// A new guardian does not begin anew: two that take turns would pause for ever.
#[test]
fn another_guardian_waits_as_well() {
    let (mut world, guardian) = ready();
    world.accepts(&world.pause_new_work(guardian, 10_000));
    let successor = world.client;
    world.governs(Change::Guardian { guardian: successor });
    world.advance(10_000);
    world.refuses(&world.pause_new_work(guardian, 1), NotGuardian);
    world.refuses(&world.pause_new_work(successor, 1), PauseCoolingDown);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    world.refuses(&world.pause_new_work(world.mallory, 1), AssayError::NotGuardian);
    let guardian = world.appointed_guardian();
    let call = world.pause_new_work(guardian, 1);
    let right = call.accounts;
    let table = [
        ("a stranger", PauseNewWork { guardian: world.mallory, ..right }, NotGuardian.into()),
        ("the authority", PauseNewWork { guardian: world.authority, ..right }, NotGuardian.into()),
        (
            "another account of the program",
            PauseNewWork { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
