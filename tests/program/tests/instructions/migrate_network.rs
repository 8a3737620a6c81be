//! The network as the first program wrote it, byte for byte (`fixtures/first-layout`), and the market around it.

use anchor_lang::error::ErrorCode;
use anchor_lang::{AccountDeserialize, AccountSerialize, Discriminator};
use assay::AssayError;
use assay::accounts::MigrateNetwork;
use assay::address;
use assay::events::NetworkMigrated;
use assay::state::{
    Attestation, Buffer, Challenge, Client, Demand, FirstNetwork, Job, Network, Node, Parameters, PaymentMint,
    SchedulingParameters, SegmentClaim, Validator,
};
use assay::state_machine::JobState;
use assay::units::Slots;
use program_tests::World;
use program_tests::calls::GENESIS_HASH;
use program_tests::first_layout::{Recorded, recorded};
use program_tests::terms::{parameters, terms};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;

/// The call, in the world in which it goes through.
pub(crate) fn call() -> (&'static str, World, Instruction) {
    let world = World::of_the_first_layout();
    let call = world.migrate_network();
    ("migrate_network", world, call.instruction())
}

fn data(world: &World) -> Vec<u8> {
    world.svm.get_account(&address::NETWORK).unwrap().data
}

fn patch_version(world: &mut World, version: u8) {
    let mut account = world.svm.get_account(&address::NETWORK).unwrap();
    account.data[8] = version;
    world.svm.set_account(address::NETWORK, account).unwrap();
}

/// Every field is where it belongs, and what is new is as for a network that never decided about it.
#[test]
fn keeps_every_field() {
    let mut world = World::of_the_first_layout();
    assert_eq!((data(&world).len(), data(&world)[8]), (FirstNetwork::SPACE, FirstNetwork::VERSION));
    let event: NetworkMigrated = world.accepts(&world.migrate_network()).event();
    assert_eq!((event.from_version, event.to_version), (1, Network::VERSION));
    let account = world.svm.get_account(&address::NETWORK).unwrap();
    assert_eq!(account.data.len(), Network::SPACE);
    assert_eq!(account.lamports, world.svm.minimum_balance_for_rent_exemption(Network::SPACE));
    let Network {
        version,
        bump,
        authority,
        pending_authority,
        stake_mint,
        stake_vault,
        genesis_hash,
        development,
        parameters: found,
        validator_stake,
        guardian,
        timelock_slots,
        paused_until_slot,
        pause_allowed_slot,
        proposals,
        fee_burn_bps,
    } = world.network();
    let derived = Pubkey::find_program_address(&[address::NETWORK_SEED], &assay::ID);
    assert_eq!((version, bump), (Network::VERSION, derived.1));
    assert_eq!((authority, pending_authority), (world.authority, world.other_client));
    assert_eq!((stake_mint, stake_vault), (world.stake_mint.address, address::stake_vault()));
    assert_eq!((genesis_hash, development), (GENESIS_HASH, true));
    // What the first program knew is kept; what it did not know begins with the first rules of scheduling.
    let unbonding_slots = parameters().unbonding_slots;
    let first = SchedulingParameters::first(Slots(unbonding_slots), true);
    assert_eq!(found, Parameters { scheduling: first, ..parameters() });
    // Two validators with 50,000 each, of which one has asked for 5,000 back.
    assert_eq!(validator_stake, 95_000);
    assert_eq!((guardian, timelock_slots, fee_burn_bps), (Pubkey::default(), 0, 0));
    assert_eq!((paused_until_slot, pause_allowed_slot, proposals), (0, 0, 0));
}

/// Before it is migrated nothing reads it as something that it is not, on-chain or off.
#[test]
fn an_old_network_is_refused_by_name() {
    let mut world = World::of_the_first_layout();
    for job in world.job_addresses() {
        world.accepts(&world.migrate_job(job));
    }
    world.refuses(&world.propose_authority(world.client), AssayError::UnsupportedAccountVersion);
    let read = Network::try_deserialize(&mut &data(&world)[..]).unwrap_err();
    assert!(read.to_string().contains("assay network migrate"), "{read}");
}

/// Once; another version, a network that was never there and data that are none are refused and stay as they are.
#[test]
fn only_what_the_first_program_wrote() {
    let mut world = World::migrated();
    let call = world.migrate_network();
    let before = data(&world);
    world.refuses(&call, AssayError::AccountNotOutdated);
    for version in [0, 2, 99] {
        patch_version(&mut world, version);
        world.refuses(&call, AssayError::UnsupportedAccountVersion);
    }
    patch_version(&mut world, Network::VERSION);
    assert_eq!(data(&world), before);
    // An account that is as long as today's but calls itself the first.
    let mut old = World::of_the_first_layout();
    let mut account = old.svm.get_account(&address::NETWORK).unwrap();
    account.data.truncate(FirstNetwork::SPACE - 1);
    old.svm.set_account(address::NETWORK, account).unwrap();
    old.refuses(&call, AssayError::UnsupportedAccountVersion);
    let mut nothing = World::uninitialised();
    nothing.refuses(&call, ErrorCode::ConstraintOwner);
}

/// Who migrates pays what the longer account needs, and nothing where it already has it.
#[test]
fn rent_is_topped_up_to_the_lamport() {
    let mut world = World::of_the_first_layout();
    let needed = world.svm.minimum_balance_for_rent_exemption(Network::SPACE);
    let held = world.lamports(address::NETWORK);
    assert!(held < needed);
    let payer = world.rich_key("somebody");
    let before = world.lamports(payer);
    let call = world.migrate_network().with(|a| a.payer = payer);
    world.clone().accepts(&call);
    let mut rich = world.clone();
    rich.svm.airdrop(&address::NETWORK, needed).unwrap();
    rich.accepts(&call);
    assert_eq!((rich.lamports(payer), rich.lamports(address::NETWORK)), (before, held + needed));
    world.accepts(&call);
    assert_eq!((world.lamports(payer), world.lamports(address::NETWORK)), (before - (needed - held), needed));
}

/// Every other account that the first program wrote is today's layout, to the byte, but for jobs and nodes, which are migrated.
#[test]
fn accounts_of_every_other_kind_are_read_and_written_as_they_were() {
    fn unchanged<T: AccountDeserialize + AccountSerialize>(data: &[u8]) {
        let account = T::try_deserialize(&mut &data[..]).expect("an account of today");
        let mut bytes = Vec::new();
        account.try_serialize(&mut bytes).unwrap();
        assert_eq!(bytes, data[..bytes.len()]);
        assert!(data[bytes.len()..].iter().all(|byte| *byte == 0), "room for a longer text");
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for Recorded { account, .. } in recorded().1.iter().filter(|recorded| recorded.account.owner == assay::ID) {
        let (data, kind): (&[u8], [u8; 8]) = (&account.data, account.data[..8].try_into().unwrap());
        let name = match &kind[..] {
            Attestation::DISCRIMINATOR => {
                unchanged::<Attestation>(data);
                "attestation"
            }
            // The bytes of a buffer follow its header.
            Buffer::DISCRIMINATOR => {
                unchanged::<Buffer>(&data[..Buffer::BYTES_OFFSET]);
                "buffer"
            }
            Challenge::DISCRIMINATOR => {
                unchanged::<Challenge>(data);
                "challenge"
            }
            Client::DISCRIMINATOR => {
                unchanged::<Client>(data);
                "client"
            }
            Demand::DISCRIMINATOR => {
                unchanged::<Demand>(data);
                "demand"
            }
            // See `migrate_job` and `migrate_node`.
            Job::DISCRIMINATOR => "job",
            Node::DISCRIMINATOR => "node",
            PaymentMint::DISCRIMINATOR => {
                unchanged::<PaymentMint>(data);
                "payment mint"
            }
            SegmentClaim::DISCRIMINATOR => {
                unchanged::<SegmentClaim>(data);
                "segment claim"
            }
            Validator::DISCRIMINATOR => {
                unchanged::<Validator>(data);
                "validator"
            }
            Network::DISCRIMINATOR => "network",
            other => panic!("an account of an unknown kind: {other:?}"),
        };
        *counts.entry(name).or_default() += 1;
    }
    assert_eq!(counts.len(), 11, "{counts:?}");
}

/// The market goes on after the migration: jobs of every state come to their end, are paid and close; new ones follow.
#[test]
fn what_was_open_comes_to_its_end() {
    let mut world = World::migrated();
    let claim = world.all_jobs().into_iter().find(|job| world.read_job(job).state == JobState::Claimed).unwrap();
    world.commit(&claim);
    world.advance(terms().claim_slots + 500);
    let mut ended = 0;
    for job in world.all_jobs() {
        let state = world.read_job(&job);
        if state.record.challenges_open > 0 {
            continue;
        }
        let node = if state.node == world.node.address { world.node } else { world.other_node };
        match state.state {
            JobState::Posted => drop(world.accepts(&world.expire_job(&job))),
            JobState::Committed | JobState::Accepted => drop(world.accepts(&world.finalise_job(&node, &job))),
            _ => {}
        }
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
        ended += 1;
    }
    assert!(ended >= 7, "{ended}");
    assert_eq!(world.all_jobs().len(), 1, "the one in dispute");
    let posted = world.posted();
    world.accepts(&world.claim_job(&world.other_node, &posted));
    world.advance(parameters().unbonding_slots);
    world.accepts(&world.withdraw_stake(&world.node));
    let parameters = world.network().parameters;
    world.changes_parameters(Parameters { minimum_stake: 7, ..parameters });
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::of_the_first_layout();
    let call = world.migrate_network();
    let right = call.accounts;
    let forged = world.forge(address::NETWORK, assay::ID);
    let table = [
        (
            "a payer without lamports",
            MigrateNetwork { payer: world.key("a poor key"), ..right },
            program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS,
        ),
        (
            "another account of the program",
            MigrateNetwork { network: world.node.address, ..right },
            ErrorCode::ConstraintAddress.into(),
        ),
        ("a copy of the network", MigrateNetwork { network: forged, ..right }, ErrorCode::ConstraintAddress.into()),
    ];
    world.refuses_accounts(&call, table);
}
