use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RequestValidatorWithdrawal;
use assay::events::ValidatorWithdrawalRequested;
use assay::state::limits;
use program_tests::World;
use program_tests::audits::{ATTESTATION_BOND, VALIDATOR_STAKE};
use program_tests::terms::parameters;

#[test]
fn free_stake_unbonds_and_counts_no_more() {
    let (mut world, [validator, _]) = World::with_validators();
    let now = world.slot();
    let event: ValidatorWithdrawalRequested =
        world.accepts(&world.request_validator_withdrawal(&validator, 1_000)).event();
    let expected = ValidatorWithdrawalRequested {
        validator: validator.address,
        amount: 1_000,
        release_slot: now + parameters().unbonding_slots,
        stake: VALIDATOR_STAKE - 1_000,
        validator_stake: 2 * VALIDATOR_STAKE - 1_000,
    };
    assert_eq!(event, expected);
    let state = world.read_validator(&validator);
    assert_eq!((state.unbonding.amount, state.unbonding.release_slot), (1_000, expected.release_slot));
    assert_eq!(world.network().validator_stake, expected.validator_stake);
    world.refuses(&world.request_validator_withdrawal(&validator, 1), AssayError::WithdrawalQueueFull);
}

#[test]
fn only_free_stake_can_be_requested() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
    let free = VALIDATOR_STAKE - ATTESTATION_BOND;
    world.refuses(&world.request_validator_withdrawal(&validator, free + 1), AssayError::InsufficientFreeStake);
    world.refuses(&world.request_validator_withdrawal(&validator, 0), AssayError::AmountZero);
    world.refuses(&world.request_validator_withdrawal(&validator, u64::MAX), AssayError::InsufficientFreeStake);
    world.accepts(&world.request_validator_withdrawal(&validator, free));
}

/// However short unbonding is, stake stays until everything that the validator attested is beyond dispute.
#[test]
fn stake_outlasts_every_window_that_was_attested() {
    let (mut world, [validator, _]) = World::with_validators();
    let job = world.audited();
    world.accepts(&world.attest(&validator, &job));
    let mut state = world.read_validator(&validator);
    // Parameters never allow so short an unbonding, so the rule is asked directly.
    let (now, unbonding) = (assay::units::Slot(world.slot()), assay::units::Slots(1));
    let release = state.request_withdrawal(assay::units::TokenAmount(1), now, unbonding).unwrap();
    let last_dispute = world.read_job(&job).last_dispute().unwrap();
    assert_eq!(state.last_obligation_slot, last_dispute.0);
    assert_eq!(release.0, last_dispute.0 + limits::UNBONDING_MARGIN_SLOTS);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, [validator, other]) = World::with_validators();
    let call = world.request_validator_withdrawal(&validator, 1);
    let right = call.accounts;
    let refused = || AssayError::NotValidatorAuthority.into();
    let table = [
        ("the auditor", RequestValidatorWithdrawal { authority: validator.auditor, ..right }, refused()),
        ("a stranger", RequestValidatorWithdrawal { authority: world.mallory, ..right }, refused()),
        ("another validator", RequestValidatorWithdrawal { validator: other.address, ..right }, refused()),
        (
            "another account of the program as network",
            RequestValidatorWithdrawal { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
