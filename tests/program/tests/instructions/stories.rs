//! What no single instruction shows: whole lives of jobs, and attacks that take several steps.

use assay::instructions::CreditRole;
use assay::state_machine::JobState;
use assay::{AssayError, address};
use program_tests::World;
use program_tests::terms::{parameters, terms};
use program_tests::tokens::associated;
use program_tests::world::{POCKET, STAKE};

/// A Token-2022 mint with a metadata pointer goes the whole way, and so does one of SPL Token.
#[test]
fn a_job_lives_in_either_token_program() {
    let mut world = World::new();
    let (node, client) = (world.node, world.client);
    for mint in [world.mint_2022, world.mint] {
        let lamports = world.lamports(client);
        let job = world.post(client, &mint, terms());
        let counter_rent = if job.id == 0 { world.lamports(address::client(&client)) } else { 0 };
        world.claim(&job);
        world.commit(&job);
        world.finalise(&job);
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
        let fee = 1_001 * 250 / 10_000;
        assert_eq!(world.balance(node.owner, &mint), 1_001 - fee);
        assert_eq!(world.balance(client, &mint), POCKET - 1_001);
        assert_eq!(world.tokens(address::fee_vault(&mint.address)), fee);
        world.governs(world.fee_withdrawal(&mint, fee));
        assert_eq!(world.balance(world.authority, &mint), POCKET + fee);
        assert_eq!(world.lamports(client), lamports - counter_rent, "all rent but the counter's is back");
    }
}

/// Frozen accounts of both payees stop neither the settlement nor the freeing of the bond.
#[test]
fn frozen_accounts_stop_no_settlement() {
    let mut world = World::new();
    let mint = world.mint;
    let job = world.committed();
    world.freeze(&mint, associated(job.client, &mint));
    world.freeze(&mint, associated(world.node.owner, &mint));
    world.finalise(&job);
    let state = world.read_node(&world.node);
    assert_eq!((state.locked, state.open_jobs), (0, 0));
    world.accepts(&world.sweep_fee(&job));
}

/// Even a frozen vault holds up only the tokens of its own job.
#[test]
fn a_frozen_vault_holds_up_only_its_own_job() {
    let mut world = World::new();
    let mint = world.mint;
    let (frozen, free) = (world.committed(), world.committed());
    world.freeze(&mint, frozen.vault);
    world.finalise(&frozen);
    world.finalise(&free);
    let pay = world.withdraw_credit(world.payer(), &frozen, CreditRole::Node);
    world.refuses(&pay, program_tests::outcome::TOKEN_ACCOUNT_FROZEN);
    assert!(world.read_job(&frozen).credits.node > 0, "still owed");
    world.pay_out(&free);
    world.accepts(&world.close_job(&free));
    world.accepts(&world.request_withdrawal(&world.node, STAKE));
}

/// Claim and cancel in one slot: whichever lands first wins, and the other changes nothing.
#[test]
fn a_cancel_and_a_claim_cannot_both_win() {
    let mut world = World::new();
    let (node, job) = (world.node, world.posted());
    let (claim, cancel) = (world.claim_job(&node, &job), world.cancel_job(&job));
    let mut branch = world.clone();
    branch.accepts(&cancel);
    branch.refuses(&claim, AssayError::IllegalTransition);
    assert_eq!((branch.read_job(&job).state, branch.read_node(&node).locked), (JobState::Cancelled, 0));
    world.accepts(&claim);
    world.refuses(&cancel, AssayError::IllegalTransition);
    assert_eq!((world.read_job(&job).state, world.read_node(&node).locked), (JobState::Claimed, terms().bond));
}

/// A node that is removed and registered again meets neither its old claims nor their bonds.
#[test]
fn a_revived_node_owes_nothing_and_is_owed_what_it_earned() {
    let mut world = World::new();
    let (node, job) = (world.node, world.settled());
    world.accepts(&world.request_withdrawal(&node, STAKE));
    world.advance(parameters().unbonding_slots + 100);
    world.accepts(&world.withdraw_stake(&node));
    world.accepts(&world.deregister_node(&node));
    world.accepts(&world.register_node(&node, 0, ""));
    let state = world.read_node(&node);
    assert_eq!((state.jobs_settled, state.locked, state.open_jobs), (0, 0, 0));
    world.refuses(&world.finalise_job(&node, &job), AssayError::IllegalTransition);
    world.pay_out(&job);
    assert!(world.balance(node.owner, &job.mint) > 0);
}

/// Tokens sent to the stake vault belong to nobody and change no account.
#[test]
fn donations_to_the_stake_vault_change_nothing() {
    let mut world = World::new();
    let (node, stake_mint) = (world.node, world.stake_mint);
    let job = world.missed();
    world.mint_to(&stake_mint, address::stake_vault(), 1_000_000);
    world.pay_out(&job);
    let stake = world.read_node(&node).stake;
    world.refuses(&world.request_withdrawal(&node, stake + 1), AssayError::InsufficientFreeStake);
    world.accepts(&world.request_withdrawal(&node, stake));
    world.advance(parameters().unbonding_slots + 100);
    world.accepts(&world.withdraw_stake(&node));
    assert_eq!(world.tokens(address::stake_vault()), STAKE + 1_000_000, "the other node's stake and the donation");
}

/// Forged events: nobody but the program can sign for its event authority.
#[test]
fn events_cannot_be_forged() {
    let mut world = World::new();
    let mut data = anchor_lang::event::EVENT_IX_TAG_LE.to_vec();
    data.extend([0; 40]);
    let forged = solana_sdk::instruction::Instruction {
        program_id: assay::ID,
        accounts: vec![solana_sdk::instruction::AccountMeta::new_readonly(address::EVENT_AUTHORITY, false)],
        data,
    };
    let refusal = world.transact(&[forged]).expect_err("a forged event");
    assert_eq!(refusal.why, anchor_lang::error::ErrorCode::ConstraintSigner.into());
}

/// At the end of time deadlines do not fit 64 bits: nothing new begins, and what is open still comes to its end.
#[test]
fn slots_near_the_end_of_time_overflow_nothing() {
    let mut world = World::new();
    let (node, mint) = (world.node, world.mint);
    let (posted, claimed) = (world.posted(), world.claimed());
    world.warp_to(u64::MAX);
    let next = world.job_at(world.client, 2, &mint);
    let post = world.post_job(&next, assay::instructions::PostJobArgs { job_id: 2, ..terms() });
    world.refuses(&post, AssayError::ArithmeticOverflow);
    world.refuses(&world.request_withdrawal(&node, 1), AssayError::ArithmeticOverflow);
    world.accepts(&world.expire_job(&posted));
    world.accepts(&world.expire_claim(&node, &claimed));
    for job in [posted, claimed] {
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }

    // Time for a claim, but not for the run, or not for the window after it.
    let mut world = World::new();
    world.warp_to(u64::MAX - terms().claim_slots);
    let job = world.posted();
    for left in [terms().run_slots + terms().window_slots - 1, terms().run_slots - 1] {
        world.warp_to(u64::MAX - left);
        world.refuses(&world.claim_job(&node, &job), AssayError::ArithmeticOverflow);
    }
    world.accepts(&world.cancel_job(&job));
}
