use crate::refused_mints::{REFUSED, mint_with};
use anchor_lang::InstructionData;
use anchor_lang::error::ErrorCode;
use assay::accounts::InitializeNetwork;
use assay::events::NetworkInitialized;
use assay::instructions::InitializeNetworkArgs;
use assay::state::{Change, Parameters};
use assay::{AssayError, address};
use program_tests::calls::GENESIS_HASH;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::program::program_bytes;
use program_tests::scheduling_calls::at_stake;
use program_tests::terms::parameters;
use program_tests::{Call, World};
use solana_sdk::instruction::InstructionError;
use solana_sdk::pubkey::Pubkey;

fn ready() -> (World, Call<InitializeNetwork>) {
    let world = World::uninitialised();
    let call = world.initialize_network(parameters());
    (world, call)
}

/// Deploys the same program a second time, with `authority` as its upgrade authority; its program data.
fn deploy_elsewhere(world: &mut World, authority: Pubkey) -> Pubkey {
    let program = world.key("another program");
    world.svm.add_program(program, program_bytes()).unwrap();
    let loader = world.svm.get_account(&program).unwrap().owner;
    let address = Pubkey::find_program_address(&[program.as_ref()], &loader).0;
    let mut data = world.svm.get_account(&address).unwrap();
    data.data[12] = 1;
    data.data[13..45].copy_from_slice(authority.as_ref());
    world.svm.set_account(address, data).unwrap();
    address
}

#[test]
fn creates_the_network_and_its_vault() {
    let (mut world, call) = ready();
    // Lamports that somebody sent ahead do not stop it.
    world.svm.airdrop(&address::NETWORK, 5_000_000).unwrap();
    world.svm.airdrop(&address::stake_vault(), 5_000_000).unwrap();
    let event: NetworkInitialized = world.accepts(&call).event();
    let network = world.network();
    assert_eq!((network.authority, network.pending_authority), (world.authority, Pubkey::default()));
    assert_eq!((network.stake_mint, network.stake_vault), (world.stake_mint.address, address::stake_vault()));
    assert_eq!(network.parameters, parameters());
    assert_eq!(world.tokens(network.stake_vault), 0);
    assert_eq!((network.genesis_hash, network.development), (GENESIS_HASH, true));
    let NetworkInitialized { authority, stake_mint, genesis_hash, development, parameters, .. } = event;
    assert_eq!((authority, stake_mint, parameters), (network.authority, network.stake_mint, network.parameters));
    assert_eq!((genesis_hash, development), (network.genesis_hash, network.development));
    let governed = (network.guardian, network.timelock_slots, network.fee_burn_bps);
    assert_eq!(governed, (Pubkey::default(), 0, 0));
    assert_eq!((event.guardian, event.timelock_slots, event.fee_burn_bps), governed);
    assert_eq!((network.paused_until_slot, network.pause_allowed_slot, network.proposals), (0, 0, 0));
}

#[test]
fn only_the_upgrade_authority_may_call() {
    let (mut world, call) = ready();
    let mallory = world.mallory;
    world.refuses(&call.with(|accounts| accounts.authority = mallory), AssayError::NotUpgradeAuthority);
    world.set_upgrade_authority(Some(mallory));
    world.refuses(&call, AssayError::NotUpgradeAuthority);
    world.set_upgrade_authority(None);
    world.refuses(&call, AssayError::NotUpgradeAuthority);
    world.set_upgrade_authority(Some(world.authority));
    world.accepts(&call);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, call) = ready();
    let right = call.accounts;
    let mallory = world.mallory;
    let elsewhere = deploy_elsewhere(&mut world, mallory);
    let funded = program_tests::tokens::associated(mallory, &world.stake_mint);
    let table = [
        (
            "the program data of the attacker's program",
            InitializeNetwork { authority: mallory, program_data: elsewhere, ..right },
            AssayError::NotUpgradeAuthority.into(),
        ),
        ("another network", InitializeNetwork { network: mallory, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("another vault", InitializeNetwork { stake_vault: funded, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "a token account as mint",
            InitializeNetwork { stake_mint: funded, ..right },
            InstructionError::InvalidAccountData.into(),
        ),
        (
            "the other token program",
            InitializeNetwork { token_program: program_tests::tokens::TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}

#[test]
fn happens_once() {
    let (mut world, call) = ready();
    world.accepts(&call);
    world.refuses(&call, ACCOUNT_IN_USE);
}

/// How it is governed from the first slot on, with the bounds of every later change.
#[test]
fn governance_is_bounded() {
    let (mut world, _) = ready();
    let guardian = world.mallory;
    let with = |world: &World, timelock_slots, fee_burn_bps| {
        let mut call = world.initialize_network(parameters());
        let args = InitializeNetworkArgs {
            parameters: parameters(),
            genesis_hash: GENESIS_HASH,
            development: true,
            guardian,
            timelock_slots,
            fee_burn_bps,
        };
        call.data = assay::instruction::InitializeNetwork { args }.data();
        call
    };
    let refused = [(6_480_001, 0, AssayError::TimelockOutOfBounds), (0, 10_001, AssayError::FeeBurnOutOfBounds)];
    for (timelock_slots, fee_burn_bps, error) in refused {
        let call = with(&world, timelock_slots, fee_burn_bps);
        world.refuses(&call, error);
    }
    let call = with(&world, 6_480_000, 10_000);
    world.accepts(&call);
    let network = world.network();
    assert_eq!((network.guardian, network.timelock_slots, network.fee_burn_bps), (guardian, 6_480_000, 10_000));
}

#[test]
fn parameters_are_bounded() {
    let (mut world, _) = ready();
    let call = world.initialize_network(Parameters { protocol_fee_bps: 1_001, ..parameters() });
    world.refuses(&call, AssayError::ProtocolFeeOutOfBounds);
}

/// Short dispute clocks are for networks of development, and no parameters can bring them to another one later.
#[test]
fn only_a_development_network_has_short_clocks() {
    let (mut world, _) = ready();
    let call = world.initialize_network_as(parameters(), false);
    world.refuses(&call, AssayError::RevealSlotsOutOfBounds);
    let mut long = parameters();
    long.dispute.reveal_slots = 150;
    world.refuses(&world.initialize_network_as(long, false), AssayError::DisputeClocksOutOfBounds);
    (long.dispute.challenger_clock_slots, long.dispute.defender_clock_slots) = (9_000, 9_000);
    // Nor may all claim at once, or convictions be forgotten within a day.
    world.refuses(&world.initialize_network_as(long, false), AssayError::OpeningRulesOutOfBounds);
    long.scheduling.opening = at_stake(long).scheduling.opening;
    world.refuses(&world.initialize_network_as(long, false), AssayError::CorrelationWindowOutOfBounds);
    let long = at_stake(long);
    world.accepts(&world.initialize_network_as(long, false));
    let shorter = Parameters { unbonding_slots: long.unbonding_slots - 1, ..long };
    let change = |parameters| Change::Parameters { parameters };
    world.refuses(&world.propose(change(shorter)), AssayError::UnbondingSlotsOutOfBounds);
    world.refuses(&world.propose(change(parameters())), AssayError::RevealSlotsOutOfBounds);
    assert!(!world.network().development);
}

#[test]
fn stake_is_a_mint_that_nobody_can_freeze_tax_or_take() {
    let (mut world, call) = ready();
    let freezable = world.create_mint("freezable", true);
    world.refuses(&call.with(|a| a.stake_mint = freezable.address), AssayError::StakeMintFreezable);
    for (extension, initialise) in REFUSED {
        let mint = mint_with(&mut world, extension, initialise);
        let call = call.with(|a| (a.stake_mint, a.token_program) = (mint.address, mint.program));
        let refusal = world.transact(&[call.instruction()]).expect_err(&format!("{extension:?}"));
        assert_eq!(refusal.why, AssayError::MintExtensionRefused.into(), "{extension:?}");
        let named = format!("refused mint extension: {extension:?}");
        assert!(refusal.logs.iter().any(|line| line.contains(&named)), "{extension:?}: {:#?}", refusal.logs);
    }
    let descriptive = world.create_mint_2022("descriptive");
    world.accepts(&call.with(|a| (a.stake_mint, a.token_program) = (descriptive.address, descriptive.program)));
    assert_eq!(world.network().stake_mint, descriptive.address);
}
