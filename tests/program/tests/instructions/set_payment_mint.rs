use anchor_lang::error::ErrorCode;
use assay::accounts::SetPaymentMint;
use assay::events::PaymentMintChanged;
use assay::instructions::SetPaymentMintArgs;
use assay::market::BondRate;
use assay::state::PaymentMint;
use assay::{AssayError, address};
use program_tests::World;
use program_tests::terms::terms;

fn rate(numerator: u64, denominator: u64) -> SetPaymentMintArgs {
    SetPaymentMintArgs { enabled: true, bond_numerator: numerator, bond_denominator: denominator }
}

#[test]
fn changes_the_record_of_one_mint() {
    let mut world = World::new();
    let args = SetPaymentMintArgs { enabled: false, bond_numerator: 5, bond_denominator: 7 };
    let event: PaymentMintChanged = world.accepts(&world.set_payment_mint(&world.mint, args)).event();
    assert_eq!((event.mint, event.enabled), (world.mint.address, false));
    assert_eq!((event.bond_numerator, event.bond_denominator), (5, 7));
    let record: PaymentMint = world.read(address::payment_mint(&world.mint.address));
    assert_eq!((record.enabled, record.bond_numerator, record.bond_denominator), (false, 5, 7));
    let other: PaymentMint = world.read(address::payment_mint(&world.mint_2022.address));
    assert_eq!((other.enabled, other.bond_numerator, other.bond_denominator), (true, 1, 1));
}

#[test]
fn bond_rates_are_bounded() {
    let mut world = World::new();
    for (numerator, denominator) in [(0, 1), (1, 0), (BondRate::MAXIMUM_TERM + 1, 1), (1, BondRate::MAXIMUM_TERM + 1)] {
        let call = world.set_payment_mint(&world.mint, rate(numerator, denominator));
        world.refuses(&call, AssayError::BondRateOutOfBounds);
    }
}

/// Switching a mint off stops new jobs; those that exist go on to their end and pay out.
#[test]
fn disabling_strands_no_job() {
    let mut world = World::new();
    let mint = world.mint;
    let (posted, claimed) = (world.posted(), world.claimed());
    let off = SetPaymentMintArgs { enabled: false, ..rate(1, 1) };
    world.accepts(&world.set_payment_mint(&mint, off));
    world.commit(&claimed);
    world.finalise(&claimed);
    world.accepts(&world.cancel_job(&posted));
    for job in [posted, claimed] {
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }
    let job = world.job_at(world.client, 2, &mint);
    let post = world.post_job(&job, assay::instructions::PostJobArgs { job_id: 2, ..terms() });
    world.refuses(&post, AssayError::PaymentMintDisabled);
    world.accepts(&world.set_payment_mint(&mint, rate(1, 1)));
    world.accepts(&post);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let call = world.set_payment_mint(&world.mint, rate(1, 1));
    let right = call.accounts;
    let table = [
        ("a stranger", SetPaymentMint { authority: world.mallory, ..right }, AssayError::NotNetworkAuthority.into()),
        (
            "another account of the program as network",
            SetPaymentMint { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as record",
            SetPaymentMint { payment_mint: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "a mint that was never allowed",
            SetPaymentMint { payment_mint: address::payment_mint(&world.stake_mint.address), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
