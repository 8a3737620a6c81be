use crate::execute_network_change::rewrite;
use anchor_lang::error::ErrorCode;
use assay::accounts::ExecuteMintChange;
use assay::events::ChangeExecuted;
use assay::state::{Change, PaymentMint};
use assay::{AssayError, address};
use program_tests::World;
use program_tests::governance_calls::MintTerms;
use program_tests::terms::{parameters, terms};

fn rate(bond_numerator: u64, bond_denominator: u64) -> MintTerms {
    MintTerms { enabled: true, bond_numerator, bond_denominator }
}

#[test]
fn changes_the_record_of_one_mint() {
    let mut world = World::new();
    let mint = world.mint;
    let change = MintTerms { enabled: false, bond_numerator: 5, bond_denominator: 7 }.of(&mint);
    let number = world.proposed(change);
    let event: ChangeExecuted = world.accepts(&world.execute_mint_change(number, &mint)).event();
    assert_eq!((event.number, event.change), (number, change));
    let record: PaymentMint = world.read(address::payment_mint(&mint.address));
    assert_eq!((record.enabled, record.bond_numerator, record.bond_denominator), (false, 5, 7));
    let other: PaymentMint = world.read(address::payment_mint(&world.mint_2022.address));
    assert_eq!((other.enabled, other.bond_numerator, other.bond_denominator), (true, 1, 1));
    assert!(!world.exists(address::proposal(number)));
}

/// Switching a mint off stops new jobs; those that exist go on to their end and pay out.
#[test]
fn disabling_strands_no_job() {
    let mut world = World::new();
    let mint = world.mint;
    let (posted, claimed) = (world.posted(), world.claimed());
    world.governs(MintTerms { enabled: false, ..rate(1, 1) }.of(&mint));
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
    world.governs(rate(1, 1).of(&mint));
    world.accepts(&post);
}

#[test]
fn only_in_its_time_only_its_kind_and_only_within_bounds() {
    let mut world = World::new();
    let mint = world.mint;
    world.governs(Change::Timelock { timelock_slots: 10 });
    let number = world.proposed(rate(2, 1).of(&mint));
    let other = world.proposed(Change::Parameters { parameters: parameters() });
    world.refuses(&world.execute_mint_change(number, &mint), AssayError::TimelockRunning);
    world.advance(10);
    world.refuses(&world.execute_mint_change(other, &mint), AssayError::WrongChange);
    rewrite(&mut world, number, |proposal| proposal.change = rate(0, 1).of(&mint));
    world.refuses(&world.execute_mint_change(number, &mint), AssayError::BondRateOutOfBounds);
}

#[test]
fn refuses_wrong_accounts() {
    let mut world = World::new();
    let mint = world.mint;
    let number = world.proposed(rate(1, 1).of(&mint));
    let call = world.execute_mint_change(number, &mint);
    let right = call.accounts;
    let table = [
        (
            "another account of the program as network",
            ExecuteMintChange { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as proposal",
            ExecuteMintChange { proposal: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "the rent to a stranger",
            ExecuteMintChange { proposer: world.mallory, ..right },
            AssayError::WrongProposer.into(),
        ),
        (
            "another mint's record",
            ExecuteMintChange { payment_mint: address::payment_mint(&world.mint_2022.address), ..right },
            AssayError::WrongMint.into(),
        ),
        (
            "a mint that was never allowed",
            ExecuteMintChange { payment_mint: address::payment_mint(&world.stake_mint.address), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
