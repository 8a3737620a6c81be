use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::CloseJob;
use assay::address;
use assay::events::JobClosed;
use assay::instructions::CreditRole;
use assay::state::Client;
use program_tests::terms::terms;
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::{Job, World};

fn paid_out() -> (World, Job) {
    let mut world = World::new();
    let job = world.settled();
    world.pay_out(&job);
    (world, job)
}

#[test]
fn returns_all_rent_to_the_client() {
    let mut world = World::new();
    world.posted();
    let before = world.lamports(world.client);
    let job = world.settled();
    assert!(world.lamports(world.client) < before);
    world.pay_out(&job);
    let event: JobClosed = world.accepts(&world.close_job(&job)).event();
    assert_eq!((event.job, event.client, event.surplus), (job.address, job.client, 0));
    assert_eq!(world.lamports(world.client), before, "the job cost its client no lamport");
    assert!(!world.exists(job.address) && !world.exists(job.vault));
    let counter: Client = world.read(address::client(&job.client));
    assert_eq!((counter.next_job_id, counter.open_jobs), (2, 1));
    world.refuses(&world.close_job(&job), ErrorCode::AccountNotInitialized);
}

#[test]
fn only_ended_jobs_that_owe_nothing() {
    let mut world = World::new();
    for job in [world.posted(), world.claimed(), world.committed()] {
        world.refuses(&world.close_job(&job), AssayError::JobNotEnded);
    }
    let missed = world.missed();
    world.accepts(&world.withdraw_credit(world.payer(), &missed, CreditRole::Client));
    world.refuses(&world.close_job(&missed), AssayError::CreditsOutstanding);
    world.accepts(&world.withdraw_charge(world.payer(), &missed));
    world.accepts(&world.close_job(&missed));

    let settled = world.settled();
    let payer = world.payer();
    let node = world.withdraw_credit(payer, &settled, CreditRole::Node).instruction();
    let client = world.withdraw_credit(payer, &settled, CreditRole::Client).instruction();
    let fee = world.sweep_fee(&settled).instruction();
    // Each of the three alone is enough to keep it open.
    for left_out in 0..3 {
        let mut branch = world.clone();
        for (at, instruction) in [&node, &client, &fee].into_iter().enumerate() {
            if at != left_out {
                branch.must(std::slice::from_ref(instruction));
            }
        }
        branch.refuses(&branch.close_job(&settled), AssayError::CreditsOutstanding);
    }
}

/// What somebody sent to the vault goes to the fee vault, whoever owns the mint, and lamports go with the rent.
#[test]
fn donations_keep_no_job_open() {
    let mut world = World::new();
    for mint in [world.mint, world.mint_2022] {
        let job = world.post(world.client, &mint, terms());
        world.mint_to(&mint, job.vault, 41);
        world.claim(&job);
        world.commit(&job);
        world.finalise(&job);
        world.pay_out(&job);
        world.mint_to(&mint, job.vault, 1);
        world.svm.airdrop(&job.vault, 1_000_000).unwrap();
        world.svm.airdrop(&job.address, 2_000_000).unwrap();
        let fees = world.tokens(address::fee_vault(&mint.address));
        let held = world.lamports(job.address) + world.lamports(job.vault);
        let before = world.lamports(job.client);
        let event: JobClosed = world.accepts(&world.close_job(&job)).event();
        assert_eq!(event.surplus, 42);
        assert_eq!(world.tokens(address::fee_vault(&mint.address)), fees + 42);
        assert_eq!(world.lamports(job.client), before + held);
        assert!(!world.exists(job.vault));
    }
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = paid_out();
    let second = world.settled();
    world.pay_out(&second);
    let mint = world.mint;
    let others = world.post(world.other_client, &mint, terms());
    let other = world.mint_2022;
    let strangers = associated(world.mallory, &job.mint);
    let call = world.close_job(&job);
    let right = call.accounts;
    let table = [
        ("another job", CloseJob { job: second.address, ..right }, AssayError::WrongVault.into()),
        ("another client's job", CloseJob { job: others.address, ..right }, AssayError::NotClient.into()),
        ("another job's vault", CloseJob { vault: second.vault, ..right }, AssayError::WrongVault.into()),
        ("rent to a stranger", CloseJob { client: world.mallory, ..right }, AssayError::NotClient.into()),
        ("rent to the vault", CloseJob { client: others.address, ..right }, AssayError::NotClient.into()),
        (
            "another client's counter",
            CloseJob { client_account: address::client(&others.client), ..right },
            AssayError::NotClient.into(),
        ),
        (
            "another mint's record",
            CloseJob { payment_mint: address::payment_mint(&other.address), ..right },
            AssayError::WrongMint.into(),
        ),
        ("another mint", CloseJob { mint: other.address, ..right }, AssayError::WrongMint.into()),
        ("surplus to a stranger", CloseJob { fee_vault: strangers, ..right }, AssayError::WrongVault.into()),
        (
            "another mint's fee vault",
            CloseJob { fee_vault: address::fee_vault(&other.address), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the other token program",
            CloseJob { token_program: TOKEN_2022, ..right },
            AssayError::WrongTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
