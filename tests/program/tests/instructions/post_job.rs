use anchor_lang::error::ErrorCode;
use assay::AssayError::{self, *};
use assay::accounts::PostJob;
use assay::address;
use assay::events::JobPosted;
use assay::fairness::sortition::Sortition;
use assay::instructions::PostJobArgs;
use assay::market::OutputDescriptor;
use assay::state::{Client, Credits, DisputeTerms, JobAudit};
use assay::state_machine::JobState;
use program_tests::audits::{ATTESTATION_BOND, VALIDATOR_STAKE, audited_terms};
use program_tests::governance_calls::MintTerms;
use program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS;
use program_tests::terms::{output_descriptor, parameters, terms};
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::{FIRST_SLOT, POCKET};
use program_tests::{Call, Job, World};
use solana_sdk::instruction::InstructionError;
use solana_sdk::pubkey::Pubkey;

/// The client's first job in the SPL Token mint, not yet posted.
fn ready() -> (World, Job) {
    let world = World::new();
    let job = world.job_at(world.client, 0, &world.mint);
    (world, job)
}

#[test]
fn records_the_terms_and_escrows_the_maximum_price() {
    let (mut world, job) = ready();
    // Lamports that somebody sent ahead do not stop it.
    for address in [job.address, job.vault, address::client(&job.client)] {
        world.svm.airdrop(&address, 1_000_000).unwrap();
    }
    let event: JobPosted = world.accepts(&world.post_job(&job, terms())).event();
    let args = terms();
    assert_eq!((event.job, event.client, event.job_id), (job.address, job.client, 0));
    assert_eq!((event.payment_mint, event.graph_root), (job.mint.address, args.graph_root));
    assert_eq!((event.price_min, event.price_max, event.bond), (args.price_min, args.price_max, args.bond));
    assert_eq!(event.last_claim_slot, FIRST_SLOT + args.claim_slots);

    let state = world.read_job(&job);
    let expected = assay::state::Job {
        version: assay::state::Job::VERSION,
        bump: state.bump,
        state: JobState::Posted,
        client: job.client,
        job_id: 0,
        payment_mint: job.mint.address,
        vault: job.vault,
        graph_root: args.graph_root,
        params_root: args.params_root,
        inputs_root: args.inputs_root,
        ir_version: args.ir_version,
        symbols: args.symbols,
        output: args.output,
        price_min: args.price_min,
        price_max: args.price_max,
        ramp_hold_slots: args.ramp_hold_slots,
        ramp_slots: args.ramp_slots,
        claim_slots: args.claim_slots,
        run_slots: args.run_slots,
        window_slots: args.window_slots,
        minimum_stake: args.minimum_stake,
        bond: args.bond,
        protocol_fee_bps: parameters().protocol_fee_bps,
        miss_charge_bps: parameters().miss_charge_bps,
        late_price_bps: parameters().scheduling.late_price_bps,
        sortition: Sortition {
            rules: parameters().scheduling.opening,
            seed_slot: FIRST_SLOT,
            epoch: FIRST_SLOT / 50 - 1,
            total_weight: 0,
        },
        bond_numerator: 1,
        bond_denominator: 1,
        posted_slot: FIRST_SLOT,
        credits: Credits::default(),
        dispute: DisputeTerms {
            challenge_bond: 301,
            reveal_slots: 20,
            challenger_clock_slots: 200,
            defender_clock_slots: 150,
            slash_bps: 2_500,
            bounty_bps: 5_000,
            opening_fee_lamports: 7_000,
        },
        audit: JobAudit {
            attestation_bond: 1,
            beacon: state.audit.beacon,
            epoch_slots: parameters().audit.epoch_slots,
            audits_per_job: parameters().audit.audits_per_job,
            ..JobAudit::default()
        },
        graph_uri: args.graph_uri,
        params_uri: args.params_uri,
        inputs_uri: args.inputs_uri,
        store_uri: args.store_uri,
        ..Default::default()
    };
    assert_eq!(state, expected);
    assert_eq!(world.tokens(job.vault), args.price_max);
    assert_eq!(world.balance(job.client, &job.mint), POCKET - args.price_max);
    let counter: Client = world.read(address::client(&job.client));
    assert_eq!((counter.client, counter.next_job_id, counter.open_jobs), (job.client, 1, 1));
}

#[test]
fn each_term_has_its_bounds_and_its_error() {
    let (mut world, job) = ready();
    let output = |output: OutputDescriptor| PostJobArgs { output, ..terms() };
    let descriptor = output_descriptor();
    let table: Vec<(PostJobArgs, AssayError)> = vec![
        (PostJobArgs { ir_version: terms().ir_version + 1, ..terms() }, UnsupportedIrVersion),
        (output(OutputDescriptor { leaves: 0, ..descriptor }), OutputDescriptorInvalid),
        (output(OutputDescriptor { depth: 2, ..descriptor }), OutputDescriptorInvalid),
        (output(OutputDescriptor { depth: 5, ..descriptor }), OutputDescriptorInvalid),
        (output(OutputDescriptor { boundary_position: 5, ..descriptor }), OutputDescriptorInvalid),
        (output(OutputDescriptor { boundary_count: 0, ..descriptor }), OutputDescriptorInvalid),
        (PostJobArgs { claim_slots: 0, ..terms() }, ClaimSlotsOutOfBounds),
        (PostJobArgs { claim_slots: 501, ..terms() }, ClaimSlotsOutOfBounds),
        (PostJobArgs { claim_slots: u64::MAX, ..terms() }, ClaimSlotsOutOfBounds),
        (PostJobArgs { run_slots: 0, ..terms() }, RunSlotsOutOfBounds),
        (PostJobArgs { run_slots: 401, ..terms() }, RunSlotsOutOfBounds),
        (PostJobArgs { window_slots: 9, ..terms() }, WindowSlotsOutOfBounds),
        (PostJobArgs { window_slots: 301, ..terms() }, WindowSlotsOutOfBounds),
        (PostJobArgs { price_min: 0, price_max: 0, ..terms() }, PriceZero),
        (PostJobArgs { price_min: 2_004, ..terms() }, PriceRangeInverted),
        (PostJobArgs { ramp_hold_slots: 81, ..terms() }, RampBeyondClaimWindow),
        (PostJobArgs { ramp_hold_slots: u64::MAX, ..terms() }, RampBeyondClaimWindow),
        (PostJobArgs { bond: 2_002, ..terms() }, BondTooSmall),
        (PostJobArgs { bond: 0, ..terms() }, BondTooSmall),
        (PostJobArgs { job_id: 1, ..terms() }, JobIdMismatch),
        (PostJobArgs { audit_pot: 9, audit_cap: 0, window_slots: 40, ..terms() }, AuditTermsInvalid),
        (PostJobArgs { audit_pot: 0, audit_cap: 9, window_slots: 40, ..terms() }, AuditTermsInvalid),
        (PostJobArgs { audit_pot: 9, audit_cap: 10, window_slots: 40, ..terms() }, AuditTermsInvalid),
        (PostJobArgs { audit_pot: 9, audit_cap: 9, window_slots: 39, ..terms() }, WindowTooShortForAudit),
        (PostJobArgs { audit_pot: u64::MAX, audit_cap: 1, window_slots: 40, ..terms() }, ArithmeticOverflow),
        (
            PostJobArgs { audit_pot: u64::MAX - 3, audit_cap: u64::MAX / 9, window_slots: 40, ..terms() },
            ArithmeticOverflow,
        ),
    ];
    for (args, error) in table {
        // A wrong id is met at the address of that id.
        let job = world.job_at(job.client, args.job_id, &job.mint);
        world.refuses(&world.post_job(&job, args), error);
    }
    let exact = PostJobArgs {
        price_min: 2_003,
        bond: 2_003,
        ramp_hold_slots: 480,
        claim_slots: 500,
        run_slots: 400,
        window_slots: 10,
        ..terms()
    };
    world.accepts(&world.post_job(&job, exact));
}

#[test]
fn uris_are_visible_ascii_of_bounded_length() {
    let (mut world, job) = ready();
    let setters: [fn(&mut PostJobArgs, String); 4] = [
        |args, uri| args.graph_uri = uri,
        |args, uri| args.params_uri = uri,
        |args, uri| args.inputs_uri = uri,
        |args, uri| args.store_uri = uri,
    ];
    for (which, set) in setters.into_iter().enumerate() {
        for bad in ["a b", "line\nbreak", "\u{0}", "\u{7f}", "caf\u{e9}", &"a".repeat(129), ""] {
            let mut args = terms();
            set(&mut args, bad.into());
            let is_optional = which == 3 && bad.is_empty();
            if !is_optional {
                world.refuses(&world.post_job(&job, args), UriInvalid);
            }
        }
    }
    let longest = || "a".repeat(128);
    let args = PostJobArgs {
        graph_uri: longest(),
        params_uri: longest(),
        inputs_uri: longest(),
        store_uri: String::new(),
        ..terms()
    };
    world.accepts(&world.post_job(&job, args.clone()));
    assert_eq!(world.read_job(&job).graph_uri, args.graph_uri);
}

/// Rate and multiple size the bond, rounded up.
#[test]
fn the_bond_follows_the_mints_rate() {
    let (mut world, job) = ready();
    let rate = MintTerms { enabled: true, bond_numerator: 2, bond_denominator: 3 };
    world.governs(rate.of(&job.mint));
    let least = (2_003u64 * 2).div_ceil(3);
    world.refuses(&world.post_job(&job, PostJobArgs { bond: least - 1, ..terms() }), BondTooSmall);
    world.accepts(&world.post_job(&job, PostJobArgs { bond: least, ..terms() }));
}

#[test]
fn extreme_prices_are_refused_or_must_be_paid_in() {
    let (mut world, job) = ready();
    let priced = |price_max, bond| PostJobArgs { price_max, bond, ..terms() };
    world.refuses(&world.post_job(&job, priced(POCKET + 1, POCKET + 1)), TOKEN_INSUFFICIENT_FUNDS);
    world.refuses(&world.post_job(&job, priced(u64::MAX, u64::MAX)), TOKEN_INSUFFICIENT_FUNDS);
    let rate = MintTerms { enabled: true, bond_numerator: 2, bond_denominator: 1 };
    world.governs(rate.of(&job.mint));
    world.refuses(&world.post_job(&job, priced(u64::MAX, u64::MAX)), ArithmeticOverflow);
    // A bond that nobody can lock is the client's own loss of time.
    world.accepts(&world.post_job(&job, priced(POCKET, u64::MAX)));
    world.refuses(&world.claim_job(&world.node, &job), InsufficientFreeStake);
    world.accepts(&world.cancel_job(&job));
    world.pay_out(&job);
    assert_eq!(world.balance(job.client, &job.mint), POCKET);
}

/// An id is used once, also after its job was closed, also within one transaction.
#[test]
fn ids_are_never_used_twice() {
    let (mut world, job) = ready();
    let post = world.post_job(&job, terms());
    world.accepts(&post);
    world.refuses(&post, JobIdMismatch);
    world.accepts(&world.cancel_job(&job));
    world.pay_out(&job);
    let close = world.close_job(&job);
    let refusal = world.transact(&[close.instruction(), post.instruction()]).expect_err("a revived job");
    assert_eq!(refusal.why, JobIdMismatch.into());
    world.accepts(&close);
    world.refuses(&post, JobIdMismatch);
    let skipped = world.job_at(job.client, 2, &job.mint);
    world.refuses(&world.post_job(&skipped, PostJobArgs { job_id: 2, ..terms() }), JobIdMismatch);
    let next = world.posted();
    assert_eq!(next.id, 1);
}

/// The pot is escrowed beside the price, and everything that the draw needs is pinned.
#[test]
fn an_audit_is_pinned_and_its_pot_escrowed() {
    let (mut world, _) = World::with_validators();
    world.set_newest_slot_hash([0xbe; 32]);
    let (client, mint) = (world.client, world.mint);
    let before = world.balance(client, &mint);
    let job = world.post(client, &mint, audited_terms());
    assert_eq!(world.tokens(job.vault), terms().price_max + 1_000);
    assert_eq!(world.balance(client, &mint), before - terms().price_max - 1_000);
    let expected = JobAudit {
        pot: 1_000,
        cap: 300,
        attestation_bond: ATTESTATION_BOND,
        validator_stake: 2 * VALIDATOR_STAKE,
        beacon: [0xbe; 32],
        epoch_slots: parameters().audit.epoch_slots,
        audits_per_job: parameters().audit.audits_per_job,
        ..JobAudit::default()
    };
    assert_eq!(world.read_job(&job).audit, expected);
    world.accepts(&world.cancel_job(&job));
    world.pay_out(&job);
    assert_eq!(world.balance(client, &mint), before, "the pot returns with the price");
    world.accepts(&world.close_job(&job));
}

/// An unclaimed and a missed job return the pot too.
#[test]
fn every_refund_includes_the_pot() {
    let (mut world, _) = World::with_validators();
    let (client, mint) = (world.client, world.mint);
    let before = world.balance(client, &mint);
    let [expired, missed] = [(); 2].map(|()| world.post(client, &mint, audited_terms()));
    world.claim(&missed);
    world.miss(&missed);
    world.advance(terms().claim_slots + 1);
    world.accepts(&world.expire_job(&expired));
    for job in [expired, missed] {
        assert_eq!(world.read_job(&job).credits.client, terms().price_max + 1_000);
        world.pay_out(&job);
        world.accepts(&world.close_job(&job));
    }
    assert_eq!(world.balance(client, &mint), before);
}

/// Clients count on their own.
#[test]
fn the_first_job_of_every_client_has_id_zero() {
    let (mut world, _) = ready();
    world.posted();
    let mint = world.mint_2022;
    let job = world.post(world.other_client, &mint, terms());
    assert_eq!(job.id, 0);
    assert_eq!(world.read_job(&job).client, world.other_client);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, job) = ready();
    let other = world.mint_2022;
    let others_job = world.post(world.other_client, &job.mint.clone(), terms());
    let call: Call<PostJob> = world.post_job(&job, terms());
    let right = call.accounts;
    let seeds = || ErrorCode::ConstraintSeeds.into();
    let table = [
        ("a client that owns none of it", PostJob { client: world.mallory, ..right }, seeds()),
        (
            "another account of the program as network",
            PostJob { network: others_job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another account of the program as register",
            PostJob { stake_register: others_job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "another mint's record",
            PostJob { payment_mint: address::payment_mint(&other.address), ..right },
            WrongMint.into(),
        ),
        (
            "a mint that was never allowed",
            PostJob { payment_mint: address::payment_mint(&world.stake_mint.address), ..right },
            ErrorCode::AccountNotInitialized.into(),
        ),
        ("another mint", PostJob { mint: world.stake_mint.address, ..right }, WrongMint.into()),
        (
            "another client's counter",
            PostJob { client_account: address::client(&world.other_client), ..right },
            seeds(),
        ),
        ("another client's job", PostJob { job: others_job.address, ..right }, seeds()),
        ("the address of another id", PostJob { job: address::job(&job.client, 1), ..right }, seeds()),
        ("another job's vault", PostJob { vault: others_job.vault, ..right }, seeds()),
        (
            "the client's own account as vault",
            PostJob { vault: associated(world.mallory, &job.mint), ..right },
            seeds(),
        ),
        (
            "somebody else's tokens",
            PostJob { source: associated(world.mallory, &job.mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        ("another job's escrow", PostJob { source: others_job.vault, ..right }, ErrorCode::ConstraintTokenOwner.into()),
        (
            "tokens of another mint",
            PostJob { source: associated(job.client, &other), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            PostJob { token_program: TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
    assert_ne!(world.read_job(&job).client, Pubkey::default());
}
