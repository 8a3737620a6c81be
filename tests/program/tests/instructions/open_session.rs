use anchor_lang::error::ErrorCode;
use assay::AssayError::*;
use assay::accounts::OpenSession;
use assay::events::SessionOpened;
use assay::instructions::OpenSessionArgs;
use assay::session::SessionState;
use assay::state::{Client, DisputeTerms, Session, SessionCredits};
use assay::units::TokenAmount;
use assay::{AssayError, address};
use program_tests::governance_calls::MintTerms;
use program_tests::outcome::TOKEN_INSUFFICIENT_FUNDS;
use program_tests::terms::{parameters, terms};
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::{FIRST_SLOT, POCKET};
use program_tests::{World, session_terms};
use solana_sdk::instruction::InstructionError;
use solana_sdk::pubkey::Pubkey;

/// The next session of the client, and its terms with the voucher key.
fn ready() -> (World, program_tests::Session, OpenSessionArgs) {
    let mut world = World::new();
    let session = world.session_at(world.client, 0, &world.mint);
    let voucher_key = world.voucher_key();
    (world, session, OpenSessionArgs { voucher_key, ..session_terms() })
}

#[test]
fn records_the_terms_and_escrows_the_balance() {
    let (mut world, session, args) = ready();
    let event: SessionOpened = world.accepts(&world.open_session(&session, args.clone())).event();
    assert_eq!((event.session, event.client, event.session_id), (session.address, session.client, 0));
    assert_eq!((event.node, event.payment_mint), (world.node.address, world.mint.address));
    assert_eq!((event.price, event.balance, event.bond), (100, 2_003, 3_001));
    assert_eq!(event.last_accept_slot, FIRST_SLOT + 100);
    let state = world.read_session(&session);
    let expected = Session {
        version: Session::VERSION,
        bump: state.bump,
        state: SessionState::Offered,
        client: session.client,
        session_id: 0,
        payment_mint: world.mint.address,
        node: world.node.address,
        operator: Pubkey::default(),
        payee: Pubkey::default(),
        vault: session.vault,
        graph_root: args.graph_root,
        params_root: args.params_root,
        ir_version: args.ir_version,
        voucher_key: args.voucher_key,
        price: args.price,
        balance: args.balance,
        accept_slots: args.accept_slots,
        session_slots: args.session_slots,
        window_slots: args.window_slots,
        bond: args.bond,
        protocol_fee_bps: 250,
        dispute: DisputeTerms::new(&parameters().dispute, TokenAmount(args.bond)).unwrap(),
        offered_slot: FIRST_SLOT,
        accepted_slot: 0,
        ends_slot: 0,
        paid: 0,
        credits: SessionCredits::default(),
        open_receipts: 0,
        receipts_opened: 0,
        graph_uri: args.graph_uri.clone(),
        params_uri: args.params_uri.clone(),
    };
    assert_eq!(state, expected);
    assert_eq!(world.svm.get_account(&session.address).unwrap().data.len(), Session::space(args.uri_bytes()));
    assert_eq!(world.tokens(session.vault), args.balance);
    assert_eq!(world.balance(session.client, &session.mint), POCKET - args.balance);
    let counter: Client = world.read(address::client(&session.client));
    assert_eq!((counter.next_job_id, counter.open_jobs), (1, 1));
}

#[test]
fn each_term_has_its_bounds_and_its_error() {
    let (mut world, session, args) = ready();
    let cases: [(OpenSessionArgs, AssayError); 13] = [
        (OpenSessionArgs { ir_version: args.ir_version + 1, ..args.clone() }, UnsupportedIrVersion),
        (OpenSessionArgs { accept_slots: 0, ..args.clone() }, AcceptSlotsOutOfBounds),
        (OpenSessionArgs { accept_slots: 501, ..args.clone() }, AcceptSlotsOutOfBounds),
        (OpenSessionArgs { session_slots: 0, ..args.clone() }, SessionSlotsOutOfBounds),
        (OpenSessionArgs { session_slots: 401, ..args.clone() }, SessionSlotsOutOfBounds),
        (OpenSessionArgs { window_slots: 9, ..args.clone() }, WindowSlotsOutOfBounds),
        (OpenSessionArgs { window_slots: 301, ..args.clone() }, WindowSlotsOutOfBounds),
        (OpenSessionArgs { price: 0, ..args.clone() }, SessionPriceInvalid),
        (OpenSessionArgs { price: args.balance + 1, ..args.clone() }, SessionPriceInvalid),
        (OpenSessionArgs { bond: args.balance - 1, ..args.clone() }, BondTooSmall),
        (OpenSessionArgs { voucher_key: Pubkey::default(), ..args.clone() }, VoucherKeyInvalid),
        (OpenSessionArgs { graph_uri: String::new(), ..args.clone() }, UriInvalid),
        (OpenSessionArgs { params_uri: "a b".into(), ..args.clone() }, UriInvalid),
    ];
    for (args, error) in cases {
        world.refuses(&world.open_session(&session, args), error);
    }
    let most = OpenSessionArgs {
        accept_slots: 500,
        session_slots: 400,
        window_slots: 300,
        price: args.balance,
        bond: args.balance,
        ..args.clone()
    };
    world.clone().accepts(&world.open_session(&session, most));
    let least =
        OpenSessionArgs { accept_slots: 1, session_slots: 1, window_slots: 10, price: 1, balance: 1, bond: 1, ..args };
    world.accepts(&world.open_session(&session, least));
}

#[test]
fn extreme_balances_are_refused_or_must_be_paid_in() {
    let (mut world, session, args) = ready();
    let with = |balance| OpenSessionArgs { balance, bond: u64::MAX, ..args.clone() };
    world.refuses(&world.open_session(&session, with(POCKET + 1)), TOKEN_INSUFFICIENT_FUNDS);
    world.refuses(&world.open_session(&session, with(u64::MAX)), TOKEN_INSUFFICIENT_FUNDS);
    let mint = world.mint;
    let rate = MintTerms { enabled: true, bond_numerator: 2, bond_denominator: 1 };
    world.governs(rate.of(&mint));
    world.refuses(&world.open_session(&session, with(u64::MAX)), ArithmeticOverflow);
}

#[test]
fn a_disabled_mint_takes_no_new_sessions_and_strands_none() {
    let (mut world, _, args) = ready();
    let mint = world.mint;
    let session = world.settled_session(500);
    let off = MintTerms { enabled: false, bond_numerator: 1, bond_denominator: 1 };
    world.governs(off.of(&mint));
    let next = world.session_at(world.client, 1, &mint);
    world.refuses(&world.open_session(&next, OpenSessionArgs { session_id: 1, ..args }), PaymentMintDisabled);
    world.pay_out_session(&session);
    world.accepts(&world.close_session(&session));
}

/// Jobs and sessions share their ids; none is used twice.
#[test]
fn ids_are_shared_with_jobs_and_never_used_twice() {
    let (mut world, session, args) = ready();
    let open = world.open_session(&session, args.clone());
    world.accepts(&open);
    world.refuses(&open, JobIdMismatch);
    world.accepts(&world.cancel_session(&session));
    world.pay_out_session(&session);
    world.accepts(&world.close_session(&session));
    world.refuses(&open, JobIdMismatch);
    let job = world.job_at(session.client, 0, &session.mint);
    world.refuses(&world.post_job(&job, terms()), JobIdMismatch);
    assert_eq!(world.posted().id, 1);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, session, args) = ready();
    let (other, mallory) = (world.mint_2022, world.mallory);
    let job = world.post(world.other_client, &world.mint.clone(), terms());
    let call = world.open_session(&session, args);
    let right = call.accounts;
    let table = [
        ("another client", OpenSession { client: mallory, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "a node as network",
            OpenSession { network: world.node.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        ("a job as node", OpenSession { node: job.address, ..right }, ErrorCode::AccountDiscriminatorMismatch.into()),
        (
            "another mint's record",
            OpenSession { payment_mint: address::payment_mint(&other.address), ..right },
            WrongMint.into(),
        ),
        ("another mint", OpenSession { mint: world.stake_mint.address, ..right }, WrongMint.into()),
        (
            "another client's counter",
            OpenSession { client_account: address::client(&world.other_client), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "another place for the session",
            OpenSession { session: address::session(&session.client, 1), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "another place for the vault",
            OpenSession { vault: address::vault(&job.address), ..right },
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            "a source of somebody else",
            OpenSession { source: associated(mallory, &session.mint), ..right },
            ErrorCode::ConstraintTokenOwner.into(),
        ),
        (
            "the other token program",
            OpenSession { token_program: TOKEN_2022, ..right },
            InstructionError::IncorrectProgramId.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
