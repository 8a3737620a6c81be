use crate::refused_mints::{REFUSED, mint_with};
use anchor_lang::error::ErrorCode;
use assay::AssayError::{self, *};
use assay::accounts::ProposeChange;
use assay::address;
use assay::events::ChangeProposed;
use assay::fairness::reputation::ReputationRules;
use assay::fairness::sortition::OpeningRules;
use assay::fairness::standing::StandingRules;
use assay::governance::EXECUTION_SLOTS;
use assay::market::BondRate;
use assay::state::{AuditParameters, Change, Parameters, SchedulingParameters};
use program_tests::World;
use program_tests::governance_calls::{MintTerms, allowance};
use program_tests::scheduling_calls::at_stake;
use program_tests::terms::parameters;
use program_tests::tokens::associated;
use solana_sdk::pubkey::Pubkey;

/// The longest dispute: to reveal, and both clocks, each extended by half.
const DISPUTE: u64 = (20 + 200 + 150) * 3 / 2;

fn of(parameters: Parameters) -> Change {
    Change::Parameters { parameters }
}

/// A proposal changes nothing; it says when it can be carried out, and the next one has the next number.
#[test]
fn records_a_change_and_changes_nothing_yet() {
    let mut world = World::new();
    world.governs(Change::Timelock { timelock_slots: 1_000 });
    let before = world.network();
    let changed = Parameters { minimum_stake: 7, ..parameters() };
    let event: ChangeProposed = world.accepts(&world.propose(of(changed))).event();
    let (number, now) = (before.proposals, world.slot());
    let proposal = world.read_proposal(number);
    assert_eq!((proposal.number, proposal.proposer, proposal.change), (number, world.authority, of(changed)));
    assert_eq!((proposal.proposed_slot, proposal.eta_slot), (now, now + 1_000));
    assert_eq!(proposal.last_slot, now + 1_000 + EXECUTION_SLOTS);
    assert_eq!((event.number, event.proposer, event.change), (number, world.authority, of(changed)));
    assert_eq!((event.eta_slot, event.last_slot), (proposal.eta_slot, proposal.last_slot));
    let network = world.network();
    assert_eq!((network.parameters, network.proposals), (before.parameters, number + 1));
    assert_eq!(world.proposed(of(changed)), number + 1);
}

#[test]
fn each_bound_of_parameters_has_its_error() {
    let mut world = World::new();
    let valid = parameters();
    let table: [(Parameters, AssayError); 14] = [
        (Parameters { minimum_stake: 0, ..valid }, MinimumStakeOutOfBounds),
        (Parameters { minimum_stake: 10u64.pow(18) + 1, ..valid }, MinimumStakeOutOfBounds),
        (Parameters { protocol_fee_bps: 1_001, ..valid }, ProtocolFeeOutOfBounds),
        (Parameters { miss_charge_bps: 2_001, ..valid }, MissChargeOutOfBounds),
        (Parameters { minimum_bond_bps: 100_001, ..valid }, MinimumBondOutOfBounds),
        (Parameters { maximum_claim_slots: 0, ..valid }, MaximumClaimSlotsOutOfBounds),
        (Parameters { maximum_claim_slots: u64::MAX, ..valid }, MaximumClaimSlotsOutOfBounds),
        (Parameters { maximum_run_slots: u64::MAX, ..valid }, MaximumRunSlotsOutOfBounds),
        (Parameters { minimum_window_slots: 0, ..valid }, WindowLimitsOutOfBounds),
        (Parameters { minimum_window_slots: 301, ..valid }, WindowLimitsOutOfBounds),
        (Parameters { maximum_open_jobs_per_node: 0, ..valid }, MaximumOpenJobsOutOfBounds),
        (Parameters { maximum_open_jobs_per_node: 1_025, ..valid }, MaximumOpenJobsOutOfBounds),
        (Parameters { unbonding_slots: 400 + 300 + DISPUTE + 64 + 63, ..valid }, UnbondingSlotsOutOfBounds),
        (Parameters { unbonding_slots: u64::MAX, ..valid }, UnbondingSlotsOutOfBounds),
    ];
    for (parameters, error) in table {
        world.refuses(&world.propose(of(parameters)), error);
    }
    let audits = [
        (AuditParameters { epoch_slots: 1, ..valid.audit }, EpochSlotsOutOfBounds),
        (AuditParameters { audits_per_job: 17, ..valid.audit }, AuditsPerJobOutOfBounds),
        (AuditParameters { attestation_bond_bps: 19_999, ..valid.audit }, AttestationBondOutOfBounds),
        (AuditParameters { minimum_validator_stake: 0, ..valid.audit }, MinimumValidatorStakeOutOfBounds),
    ];
    for (audit, error) in audits {
        world.refuses(&world.propose(of(Parameters { audit, ..valid })), error);
    }
    let opening = OpeningRules { delay_slots: 1, ..valid.scheduling.opening };
    let reputation = ReputationRules { outage_bps: 50_000, ..valid.scheduling.reputation };
    let standing = StandingRules { repeat_bps: 101, ..valid.scheduling.standing };
    let of_scheduling = [
        (SchedulingParameters { epoch_slots: 1, ..valid.scheduling }, SchedulingEpochOutOfBounds),
        (SchedulingParameters { epoch_slots: 51, ..valid.scheduling }, SchedulingLengthsFixed),
        (SchedulingParameters { correlation_window_slots: 127, ..valid.scheduling }, SchedulingLengthsFixed),
        (SchedulingParameters { correlation_window_slots: 15, ..valid.scheduling }, CorrelationWindowOutOfBounds),
        (SchedulingParameters { stake_per_job: 0, ..valid.scheduling }, StakePerJobOutOfBounds),
        (SchedulingParameters { late_price_bps: 10_001, ..valid.scheduling }, LatePriceOutOfBounds),
        (SchedulingParameters { absent_epochs: 0, ..valid.scheduling }, AbsentEpochsOutOfBounds),
        (SchedulingParameters { delegation_multiple_bps: 100_001, ..valid.scheduling }, DelegationMultipleOutOfBounds),
        (SchedulingParameters { opening, ..valid.scheduling }, OpeningRulesOutOfBounds),
        (SchedulingParameters { reputation, ..valid.scheduling }, ReputationRulesOutOfBounds),
        (SchedulingParameters { standing, ..valid.scheduling }, StandingRulesOutOfBounds),
    ];
    for (scheduling, error) in of_scheduling {
        world.refuses(&world.propose(of(Parameters { scheduling, ..valid })), error);
    }
    assert_eq!(world.network().parameters, valid);
    world.accepts(&world.propose(of(Parameters { unbonding_slots: 400 + 300 + DISPUTE + 64 + 64, ..valid })));
}

#[test]
fn every_other_change_is_bounded_too() {
    let mut world = World::new();
    let mint = world.mint;
    let unknown = world.create_mint("yet another mint", false);
    for (numerator, denominator) in [(0, 1), (1, 0), (BondRate::MAXIMUM_TERM + 1, 1), (1, BondRate::MAXIMUM_TERM + 1)] {
        let terms = MintTerms { enabled: true, bond_numerator: numerator, bond_denominator: denominator };
        world.refuses(&world.propose(terms.of(&mint)), BondRateOutOfBounds);
        world.refuses(&world.propose(allowance(&unknown, numerator, denominator)), BondRateOutOfBounds);
    }
    world.accepts(&world.propose(allowance(&unknown, BondRate::MAXIMUM_TERM, BondRate::MAXIMUM_TERM)));
    world.refuses(&world.propose(world.fee_withdrawal(&mint, 0)), AmountZero);
    let into_itself =
        Change::WithdrawFees { mint: mint.address, destination: address::fee_vault(&mint.address), amount: 1 };
    world.refuses(&world.propose(into_itself), DestinationIsVault);
    world.refuses(&world.propose(Change::Timelock { timelock_slots: 6_480_001 }), TimelockOutOfBounds);
    world.accepts(&world.propose(Change::Timelock { timelock_slots: 6_480_000 }));
    world.refuses(&world.propose(Change::FeeBurn { fee_burn_bps: 10_001 }), FeeBurnOutOfBounds);
    world.accepts(&world.propose(Change::FeeBurn { fee_burn_bps: 10_000 }));
}

/// A network with something at stake has two days of warning before every change, and cannot do away with them.
#[test]
fn only_a_development_network_has_a_short_timelock() {
    let mut world = World::uninitialised();
    let long = at_stake(parameters());
    world.accepts(&world.initialize_network_as(long, false));
    assert_eq!(world.network().timelock_slots, 432_000);
    world.refuses(&world.propose(Change::Timelock { timelock_slots: 431_999 }), TimelockOutOfBounds);
    let number = world.proposed(Change::Timelock { timelock_slots: 432_000 });
    world.refuses(&world.execute_network_change(number), TimelockRunning);
    world.advance(432_000 - 1);
    world.refuses(&world.execute_network_change(number), TimelockRunning);
    world.advance(1);
    world.accepts(&world.execute_network_change(number));
}

/// Each extension that can change what a transfer does, or to whom an account belongs, is refused, and the log names it.
#[test]
fn refuses_extensions_by_name() {
    let mut world = World::new();
    for (extension, initialise) in REFUSED {
        let mint = mint_with(&mut world, extension, initialise);
        let call = world.propose(allowance(&mint, 1, 1));
        let refusal = world.transact(&[call.instruction()]).expect_err(&format!("{extension:?}"));
        assert_eq!(refusal.why, MintExtensionRefused.into(), "{extension:?}");
        let named = format!("refused mint extension: {extension:?}");
        assert!(refusal.logs.iter().any(|line| line.contains(&named)), "{extension:?}: {:#?}", refusal.logs);
    }
}

/// A proposal about a mint is checked against that mint and no other, and no other proposal brings one along.
#[test]
fn the_mint_must_be_the_one_that_the_change_is_about() {
    let mut world = World::new();
    let (mint, other) = (world.mint, world.mint_2022);
    let unknown = world.create_mint("yet another mint", false);
    let record = |mint: Pubkey| Some(address::payment_mint(&mint));
    let allow = world.propose(allowance(&unknown, 1, 1));
    let set = world.propose(MintTerms { enabled: true, bond_numerator: 1, bond_denominator: 1 }.of(&mint));
    let pay = world.propose(world.fee_withdrawal(&mint, 1));
    let parameters = world.propose(of(parameters()));
    for wrong in [
        allow.with(|a| a.mint = None),
        allow.with(|a| a.mint = Some(other.address)),
        allow.with(|a| a.payment_mint = record(mint.address)),
        set.with(|a| a.payment_mint = None),
        set.with(|a| a.payment_mint = record(other.address)),
        set.with(|a| a.mint = Some(mint.address)),
        pay.with(|a| a.payment_mint = None),
        pay.with(|a| a.payment_mint = record(other.address)),
        parameters.with(|a| a.mint = Some(mint.address)),
        parameters.with(|a| a.payment_mint = record(mint.address)),
    ] {
        world.refuses(&wrong, ChangeSubjectWrong);
    }
    let never_allowed = set.with(|a| a.payment_mint = record(unknown.address));
    world.refuses(&never_allowed, ErrorCode::AccountNotInitialized);
    for right in [allow, set, pay, parameters] {
        world.clone().accepts(&right);
    }
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let guardian = world.appointed_guardian();
    let unknown = world.create_mint("yet another mint", false);
    let call = world.propose(allowance(&unknown, 1, 1));
    let right = call.accounts;
    let mallory = world.mallory;
    let table = [
        ("a stranger", ProposeChange { authority: mallory, ..right }, NotNetworkAuthority.into()),
        ("the guardian", ProposeChange { authority: guardian, ..right }, NotNetworkAuthority.into()),
        (
            "another account of the program",
            ProposeChange { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the place of a later proposal",
            ProposeChange { proposal: address::proposal(world.network().proposals + 1), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "a token account as mint",
            ProposeChange { mint: Some(associated(mallory, &world.mint)), ..right },
            solana_sdk::instruction::InstructionError::InvalidAccountData.into(),
        ),
        (
            "another record",
            ProposeChange { payment_mint: Some(address::payment_mint(&world.mint.address)), ..right },
            ChangeSubjectWrong.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
