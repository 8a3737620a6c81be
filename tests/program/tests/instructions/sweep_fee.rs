use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::SweepFee;
use assay::address;
use assay::events::FeeSwept;
use assay::state::Parameters;
use program_tests::terms::{parameters, terms};
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::{Job, World};

const FEE: u64 = 1_001 * 250 / 10_000;

fn ready() -> (World, Job) {
    let mut world = World::new();
    let job = world.settled();
    (world, job)
}

#[test]
fn moves_the_fee_to_the_fee_vault() {
    let (mut world, job) = ready();
    let event: FeeSwept = world.accepts(&world.sweep_fee(&job)).event();
    assert_eq!((event.job, event.mint, event.amount), (job.address, job.mint.address, FEE));
    assert_eq!(world.tokens(address::fee_vault(&job.mint.address)), FEE);
    assert_eq!(world.tokens(job.vault), terms().price_max - FEE);
    let credits = world.read_job(&job).credits;
    assert_eq!((credits.fee, credits.node, credits.client), (0, 1_001 - FEE, 2_003 - 1_001));
}

#[test]
fn once_and_only_when_owed() {
    let (mut world, job) = ready();
    world.accepts(&world.sweep_fee(&job));
    world.refuses(&world.sweep_fee(&job), AssayError::NothingOwed);
    for job in [world.posted(), world.committed(), world.cancelled(), world.missed()] {
        world.refuses(&world.sweep_fee(&job), AssayError::NothingOwed);
    }
    world.changes_parameters(Parameters { protocol_fee_bps: 0, ..parameters() });
    let free = world.settled();
    world.refuses(&world.sweep_fee(&free), AssayError::NothingOwed);
    world.pay_out(&free);
    world.accepts(&world.close_job(&free));
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let second = world.settled();
    let other = world.mint_2022;
    let strangers = associated(world.mallory, &job.mint);
    let call = world.sweep_fee(&job);
    let right = call.accounts;
    let table = [
        (
            "another account of the program as network",
            SweepFee { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("another job", SweepFee { job: second.address, ..right }, AssayError::WrongVault.into()),
        ("another job's vault", SweepFee { vault: second.vault, ..right }, AssayError::WrongVault.into()),
        (
            "another mint's record",
            SweepFee { payment_mint: address::payment_mint(&other.address), ..right },
            AssayError::WrongMint.into(),
        ),
        (
            "another mint with its record and fee vault",
            SweepFee {
                payment_mint: address::payment_mint(&other.address),
                mint: other.address,
                fee_vault: address::fee_vault(&other.address),
                token_program: other.program,
                ..right
            },
            AssayError::WrongMint.into(),
        ),
        ("another mint", SweepFee { mint: other.address, ..right }, AssayError::WrongMint.into()),
        ("a stranger's account", SweepFee { fee_vault: strangers, ..right }, AssayError::WrongVault.into()),
        (
            "another mint's fee vault",
            SweepFee { fee_vault: address::fee_vault(&other.address), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the job's own vault",
            SweepFee { fee_vault: job.vault, ..right },
            ErrorCode::ConstraintDuplicateMutableAccount.into(),
        ),
        (
            "the other token program",
            SweepFee { token_program: TOKEN_2022, ..right },
            AssayError::WrongTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
