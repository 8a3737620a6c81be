use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawValidatorStake;
use assay::address;
use assay::events::ValidatorStakeWithdrawn;
use program_tests::World;
use program_tests::audits::{VALIDATOR_STAKE, Validator};
use program_tests::terms::parameters;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::POCKET;

fn released() -> (World, Validator, Validator) {
    let (mut world, [validator, other]) = World::with_validators();
    world.accepts(&world.request_validator_withdrawal(&validator, 1_000));
    world.advance(parameters().unbonding_slots);
    (world, validator, other)
}

#[test]
fn not_a_slot_early_and_not_twice() {
    let (mut world, validator, _) = released();
    let call = world.withdraw_validator_stake(&validator);
    let now = world.slot();
    world.warp_to(now - 1);
    world.refuses(&call, AssayError::NothingReleased);
    world.warp_to(now);
    let event: ValidatorStakeWithdrawn = world.accepts(&call).event();
    let destination = associated(validator.authority, &world.stake_mint);
    assert_eq!(event, ValidatorStakeWithdrawn { validator: validator.address, amount: 1_000, destination });
    assert_eq!(world.balance(validator.authority, &world.stake_mint), POCKET - VALIDATOR_STAKE + 1_000);
    world.refuses(&call, AssayError::NothingReleased);
}

#[test]
fn all_stake_can_leave_and_the_validator_after_it() {
    let (mut world, [validator, _]) = World::with_validators();
    world.refuses(&world.deregister_validator(&validator), AssayError::ValidatorHasStake);
    world.accepts(&world.request_validator_withdrawal(&validator, VALIDATOR_STAKE));
    world.refuses(&world.deregister_validator(&validator), AssayError::ValidatorHasUnbonding);
    world.advance(parameters().unbonding_slots);
    world.accepts(&world.withdraw_validator_stake(&validator));
    world.accepts(&world.deregister_validator(&validator));
    assert!(!world.exists(validator.address));
    assert_eq!(world.balance(validator.authority, &world.stake_mint), POCKET);
    assert_eq!(world.network().validator_stake, VALIDATOR_STAKE);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, validator, other) = released();
    let call = world.withdraw_validator_stake(&validator);
    let right = call.accounts;
    let refused = || AssayError::NotValidatorAuthority.into();
    let vault = address::stake_vault();
    let table = [
        ("the auditor", WithdrawValidatorStake { authority: validator.auditor, ..right }, refused()),
        (
            "another account of the program as network",
            WithdrawValidatorStake { network: other.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another validator", WithdrawValidatorStake { validator: other.address, ..right }, refused()),
        (
            "another mint",
            WithdrawValidatorStake { stake_mint: world.mint.address, ..right },
            AssayError::WrongMint.into(),
        ),
        (
            "another vault",
            WithdrawValidatorStake { stake_vault: address::fee_vault(&world.mint.address), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the stake vault itself",
            WithdrawValidatorStake { destination: vault, ..right },
            AssayError::DestinationIsVault.into(),
        ),
        (
            "an account of another mint",
            WithdrawValidatorStake { destination: associated(validator.authority, &world.mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            WithdrawValidatorStake { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
