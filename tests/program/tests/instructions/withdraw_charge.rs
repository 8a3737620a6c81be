use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::WithdrawCharge;
use assay::address;
use assay::events::ChargeWithdrawn;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::STAKE;
use program_tests::{Job, World};

const CHARGE: u64 = 3_001 * 500 / 10_000;

fn ready() -> (World, Job) {
    let mut world = World::new();
    let job = world.missed();
    (world, job)
}

#[test]
fn pays_the_charge_to_the_client() {
    let (mut world, job) = ready();
    let vault = world.tokens(address::stake_vault());
    assert_eq!(vault, 2 * STAKE);
    let event: ChargeWithdrawn = world.accepts(&world.withdraw_charge(job.client, &job)).event();
    let ChargeWithdrawn { job: address, payee, amount, destination } = event;
    assert_eq!((address, payee, amount), (job.address, job.client, CHARGE));
    assert_eq!(destination, associated(job.client, &world.stake_mint));
    assert_eq!(world.balance(job.client, &world.stake_mint), CHARGE);
    assert_eq!(world.tokens(address::stake_vault()), vault - CHARGE);
    assert_eq!(world.read_job(&job).charge_credit, 0);
}

#[test]
fn once_and_only_after_a_miss() {
    let (mut world, job) = ready();
    let call = world.withdraw_charge(world.payer(), &job);
    world.accepts(&call);
    world.refuses(&call, AssayError::NothingOwed);
    for job in [world.settled(), world.cancelled(), world.posted(), world.claimed()] {
        world.refuses(&world.withdraw_charge(job.client, &job), AssayError::NothingOwed);
    }
}

#[test]
fn strangers_help_but_never_redirect() {
    let (mut world, job) = ready();
    let stake_mint = world.stake_mint;
    let second = world.create_token_account("second account", job.client, &stake_mint);
    let owners = associated(world.node.owner, &stake_mint);
    for caller in [world.mallory, world.node.owner] {
        let call = world.withdraw_charge(caller, &job);
        for elsewhere in [second, owners, associated(world.mallory, &stake_mint)] {
            world.refuses(&call.with(|a| a.destination = elsewhere), AssayError::DestinationNotCanonical);
        }
        world.clone().accepts(&call);
    }
    let call = world.withdraw_charge(job.client, &job);
    world.refuses(&call.with(|a| a.destination = address::stake_vault()), AssayError::DestinationIsVault);
    world.accepts(&call.with(|a| a.destination = second));
    assert_eq!(world.tokens(second), CHARGE);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let stake_mint = world.stake_mint;
    let settled = world.settled();
    let call = world.withdraw_charge(job.client, &job);
    let right = call.accounts;
    let strangers = associated(world.mallory, &stake_mint);
    let table = [
        (
            "a stranger who names its own account",
            WithdrawCharge { authority: world.mallory, destination: strangers, ..right },
            AssayError::DestinationNotCanonical.into(),
        ),
        (
            "another account of the program as network",
            WithdrawCharge { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("a job without a charge", WithdrawCharge { job: settled.address, ..right }, AssayError::NothingOwed.into()),
        (
            "a node as job",
            WithdrawCharge { job: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another mint", WithdrawCharge { stake_mint: job.mint.address, ..right }, AssayError::WrongMint.into()),
        ("a job's vault", WithdrawCharge { stake_vault: settled.vault, ..right }, AssayError::WrongVault.into()),
        ("a stranger's account", WithdrawCharge { stake_vault: strangers, ..right }, AssayError::WrongVault.into()),
        (
            "an account of another mint",
            WithdrawCharge { destination: associated(job.client, &job.mint), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            WithdrawCharge { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
