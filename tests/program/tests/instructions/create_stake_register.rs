use anchor_lang::error::ErrorCode;
use assay::accounts::CreateStakeRegister;
use assay::address;
use assay::events::StakeRegisterCreated;
use assay::state::StakeRegister;
use program_tests::World;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::terms::parameters;

fn without_register() -> World {
    let mut world = World::uninitialised();
    world.accepts(&world.initialize_network(parameters()));
    world
}

#[test]
fn anyone_creates_it_once_and_empty() {
    let mut world = without_register();
    let call = world.create_stake_register(world.mallory);
    let event: StakeRegisterCreated = world.accepts(&call).event();
    assert_eq!(event.stake_register, address::STAKE_REGISTER);
    let register = world.stake_register();
    assert_eq!(register, StakeRegister { version: 1, bump: register.bump, ..StakeRegister::default() });
    world.refuses(&call, ACCOUNT_IN_USE);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = without_register();
    let call = world.create_stake_register(world.mallory);
    let right = call.accounts;
    let other = world.key("another address");
    let poor = world.key("a poor key");
    let table = [
        (
            "a payer without lamports",
            CreateStakeRegister { payer: poor, ..right },
            program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS,
        ),
        (
            "a network that is none",
            CreateStakeRegister { network: address::stake_vault(), ..right },
            ErrorCode::AccountOwnedByWrongProgram.into(),
        ),
        ("another address", CreateStakeRegister { stake_register: other, ..right }, ErrorCode::ConstraintSeeds.into()),
    ];
    world.refuses_accounts(&call, table);
}
