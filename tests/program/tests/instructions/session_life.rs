//! `accept_session`, `cancel_session`, `expire_session`, `end_session`, `finalise_session`, `withdraw_session_credit`,
//! `close_session`.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{
    AcceptSession, CancelSession, CloseSession, EndSession, ExpireSession, FinaliseSession, WithdrawSessionCredit,
};
use assay::address;
use assay::events::{
    SessionAccepted, SessionCancelled, SessionClosed, SessionCreditWithdrawn, SessionEnded, SessionExpired,
    SessionSettled,
};
use assay::instructions::{CreditRole, OpenSessionArgs};
use assay::session::SessionState;
use assay::state::{Client, Parameters, SessionCredits};
use program_tests::terms::{parameters, terms};
use program_tests::tokens::{TOKEN_2022, associated};
use program_tests::world::{FIRST_SLOT, POCKET, STAKE};
use program_tests::{Session, World, session_terms};

const LONGEST_DISPUTE: u64 = (20 + 200 + 150) * 3 / 2;

#[test]
fn accepting_pins_the_node_and_locks_the_bond() {
    let mut world = World::new();
    let (node, session) = (world.node, world.offered());
    world.advance(20);
    let event: SessionAccepted = world.accepts(&world.accept_session(&session)).event();
    let ends_slot = FIRST_SLOT + 20 + 200;
    let expected = SessionAccepted {
        session: session.address,
        node: node.address,
        operator: node.operator,
        bond: 3_001,
        ends_slot,
    };
    assert_eq!(event, expected);
    let state = world.read_session(&session);
    assert_eq!((state.state, state.accepted_slot, state.ends_slot), (SessionState::Active, FIRST_SLOT + 20, ends_slot));
    assert_eq!((state.node, state.operator, state.payee), (node.address, node.operator, node.owner));
    let state = world.read_node(&node);
    assert_eq!((state.stake, state.locked, state.open_jobs), (STAKE, 3_001, 1));
    assert_eq!(state.last_obligation_slot, ends_slot + 30 + 30 + LONGEST_DISPUTE, "called in at the last moment");
    world.refuses(&world.accept_session(&session), AssayError::IllegalSessionTransition);
}

/// One deadline decides both sides: the last slot of accepting is not one of expiring.
#[test]
fn an_offer_is_accepted_in_time_or_expires() {
    let mut world = World::new();
    let session = world.offered();
    let (accept, expire) = (world.accept_session(&session), world.expire_session(&session));
    world.warp_to(FIRST_SLOT + 100);
    world.refuses(&expire, AssayError::AcceptDeadlineNotPassed);
    world.clone().accepts(&accept);
    world.warp_to(FIRST_SLOT + 101);
    world.refuses(&accept, AssayError::AcceptDeadlinePassed);
    let event: SessionExpired = world.accepts(&expire).event();
    assert_eq!(event, SessionExpired { session: session.address, client_credit: 2_003 });
    world.refuses(&expire, AssayError::IllegalSessionTransition);
    world.refuses(&accept, AssayError::IllegalSessionTransition);
    assert_eq!(world.read_session(&session).state, SessionState::Expired);
}

#[test]
fn the_client_takes_an_offer_back_but_no_session() {
    let mut world = World::new();
    let (offered, active) = (world.offered(), world.active());
    let event: SessionCancelled = world.accepts(&world.cancel_session(&offered)).event();
    assert_eq!(event, SessionCancelled { session: offered.address, client_credit: 2_003 });
    world.refuses(&world.cancel_session(&offered), AssayError::IllegalSessionTransition);
    world.refuses(&world.cancel_session(&active), AssayError::IllegalSessionTransition);
    world.refuses(&world.accept_session(&offered), AssayError::IllegalSessionTransition);
    world.advance(10_000);
    world.refuses(&world.expire_session(&active), AssayError::IllegalSessionTransition);
}

/// What a node needs to claim a job it needs to accept a session.
#[test]
fn the_node_needs_what_a_claim_needs() {
    let mut world = World::new();
    let session = world.offered();
    let accept = world.accept_session(&session);
    let mut poor = world.clone();
    poor.changes_parameters(Parameters { minimum_stake: STAKE + 1, ..parameters() });
    poor.refuses(&accept, AssayError::StakeBelowNetworkMinimum);
    let mut busy = world.clone();
    for _ in 0..3 {
        busy.claimed();
    }
    busy.refuses(&accept, AssayError::TooManyOpenJobs);
    let mut bound = world.clone();
    bound.accepts(&bound.request_withdrawal(&bound.node, STAKE - 12_000));
    bound.clone().accepts(&accept);
    let large = OpenSessionArgs { bond: 9_001, ..session_terms() };
    let large = bound.open(bound.client, &bound.mint.clone(), large);
    bound.refuses(&bound.accept_session(&large), AssayError::InsufficientFreeStake);
    // Sessions count among the open jobs.
    for _ in 0..3 {
        world.active();
    }
    let job = world.posted();
    world.refuses(&world.claim_job(&world.node, &job), AssayError::TooManyOpenJobs);
}

#[test]
fn a_replaced_operator_keeps_the_session_and_the_new_one_does_not_get_it() {
    let mut world = World::new();
    let session = world.active();
    let operator = world.rich_key("new operator");
    world.accepts(&world.update_node(&world.node, operator, ""));
    world.refuses(&world.end_session(&session, operator), AssayError::NotSessionParty);
    world.accepts(&world.end_session(&session, session.node.operator));
}

#[test]
fn either_party_ends_it_early_once_and_nobody_longer() {
    let mut world = World::new();
    let session = world.active();
    world.advance(10);
    for stranger in [world.mallory, world.node.owner] {
        world.refuses(&world.end_session(&session, stranger), AssayError::NotSessionParty);
    }
    let mut by_node = world.clone();
    by_node.accepts(&by_node.end_session(&session, session.node.operator));
    let event: SessionEnded = world.accepts(&world.end_session(&session, session.client)).event();
    let expected =
        SessionEnded { session: session.address, ends_slot: FIRST_SLOT + 10, last_closing_slot: FIRST_SLOT + 40 };
    assert_eq!(event, expected);
    world.advance(10);
    world.accepts(&world.end_session(&session, session.client));
    assert_eq!(world.read_session(&session).ends_slot, FIRST_SLOT + 10);
    let offered = world.offered();
    world.refuses(&world.end_session(&offered, offered.client), AssayError::IllegalSessionTransition);
    world.end_and_finalise(&session);
    world.refuses(&world.end_session(&session, session.client), AssayError::IllegalSessionTransition);
}

#[test]
fn the_greatest_voucher_settles_everything_once_the_time_is_over() {
    let mut world = World::new();
    let session = world.active();
    world.pay(&session, 400);
    world.pay(&session, 1_200);
    let finalise = world.finalise_session(&session);
    for early in [FIRST_SLOT, FIRST_SLOT + 200, FIRST_SLOT + 230] {
        world.warp_to(early);
        world.refuses(&finalise, AssayError::SessionTimeLeft);
    }
    world.warp_to(FIRST_SLOT + 231);
    let event: SessionSettled = world.accepts(&finalise).event();
    let expected = SessionSettled {
        session: session.address,
        node: world.node.address,
        paid: 1_200,
        node_credit: 1_170,
        client_credit: 803,
        fee_credit: 30,
    };
    assert_eq!(event, expected);
    let state = world.read_node(&world.node);
    assert_eq!((state.stake, state.locked, state.open_jobs, state.jobs_settled), (STAKE, 0, 0, 1));
    assert_eq!(world.tokens(session.vault), 2_003, "no token moves");
    world.refuses(&finalise, AssayError::IllegalSessionTransition);
}

#[test]
fn every_unit_of_the_balance_arrives() {
    for (paid, node, client, fee) in [(0, 0, 2_003, 0), (39, 39, 1_964, 0), (40, 39, 1_963, 1), (2_003, 1_953, 0, 50)] {
        let mut world = World::new();
        let session = world.active();
        if paid > 0 {
            world.pay(&session, paid);
        }
        world.end_and_finalise(&session);
        let fees = world.tokens(address::fee_vault(&session.mint.address));
        world.pay_out_session(&session);
        let event: SessionClosed = world.accepts(&world.close_session(&session)).event();
        let expected = SessionClosed { session: session.address, client: session.client, fee, surplus: 0 };
        assert_eq!(event, expected);
        assert_eq!(world.balance(session.node.owner, &session.mint), node);
        assert_eq!(world.balance(session.client, &session.mint), POCKET - 2_003 + client);
        assert_eq!(world.tokens(address::fee_vault(&session.mint.address)), fees + fee);
        assert_eq!(node + client + fee, 2_003);
    }
}

/// An offer that came to nothing returns everything, rent included.
#[test]
fn closing_returns_all_rent_to_the_client_and_counts_down() {
    let mut world = World::new();
    world.cancelled();
    let before = world.lamports(world.client);
    let session = world.offered();
    assert!(world.lamports(session.client) < before);
    world.accepts(&world.cancel_session(&session));
    world.refuses(&world.close_session(&session), AssayError::CreditsOutstanding);
    world.pay_out_session(&session);
    world.accepts(&world.close_session(&session));
    assert_eq!(world.lamports(session.client), before);
    assert!(!world.exists(session.address) && !world.exists(session.vault));
    let counter: Client = world.read(address::client(&session.client));
    assert_eq!((counter.next_job_id, counter.open_jobs), (2, 1));
}

#[test]
fn donations_keep_no_session_open() {
    let mut world = World::new();
    let session = world.settled_session(400);
    world.pay_out_session(&session);
    let mint = session.mint;
    world.mint_to(&mint, session.vault, 7);
    let event: SessionClosed = world.accepts(&world.close_session(&session)).event();
    assert_eq!((event.fee, event.surplus), (10, 7));
    assert_eq!(world.tokens(address::fee_vault(&mint.address)), 17);
}

#[test]
fn only_an_ended_session_that_owes_nothing_is_closed() {
    let mut world = World::new();
    let (offered, active) = (world.offered(), world.active());
    for session in [offered, active] {
        world.refuses(&world.close_session(&session), AssayError::SessionNotEnded);
    }
    world.pay(&active, 400);
    world.end_and_finalise(&active);
    for role in [CreditRole::Node, CreditRole::Client] {
        world.refuses(&world.close_session(&active), AssayError::CreditsOutstanding);
        world.accepts(&world.withdraw_session_credit(world.payer(), &active, role));
    }
    world.accepts(&world.close_session(&active));
}

#[test]
fn credits_are_paid_once_and_by_strangers_to_the_right_place_only() {
    let mut world = World::new();
    let session = world.settled_session(400);
    let mint = session.mint;
    for role in [CreditRole::Node, CreditRole::Client] {
        let (payee, amount) = match role {
            CreditRole::Node => (session.node.owner, 390),
            CreditRole::Client => (session.client, 1_603),
        };
        let call = world.withdraw_session_credit(world.mallory, &session, role);
        let own = associated(world.mallory, &mint);
        world.refuses(&call.with(|a| a.destination = own), AssayError::DestinationNotCanonical);
        world.refuses(&call.with(|a| a.destination = session.vault), AssayError::DestinationIsVault);
        let spare = world.create_token_account(&format!("spare {amount}"), payee, &mint);
        world.refuses(&call.with(|a| a.destination = spare), AssayError::DestinationNotCanonical);
        let named = call.with(|a| (a.authority, a.destination) = (payee, spare));
        let event: SessionCreditWithdrawn = world.clone().accepts(&named).event();
        assert_eq!((event.payee, event.amount, event.destination), (payee, amount, spare));
        let before = world.balance(payee, &mint);
        world.accepts(&call);
        assert_eq!(world.balance(payee, &mint), before + amount);
        world.refuses(&call, AssayError::NothingOwed);
    }
    let active = world.active();
    world.refuses(&world.withdraw_session_credit(active.client, &active, CreditRole::Client), AssayError::NothingOwed);
}

/// Whatever happens to one payee's account, the other is paid and the session settles.
#[test]
fn a_frozen_account_holds_up_nobody_else() {
    let mut world = World::new();
    let session = world.active();
    world.pay(&session, 400);
    world.freeze(&session.mint, associated(session.client, &session.mint));
    world.end_and_finalise(&session);
    world.accepts(&world.withdraw_session_credit(world.payer(), &session, CreditRole::Node));
    let refund = world.withdraw_session_credit(world.payer(), &session, CreditRole::Client);
    world.refuses(&refund, program_tests::outcome::TOKEN_ACCOUNT_FROZEN);
}

#[test]
fn opened_sessions_keep_their_terms() {
    let mut world = World::new();
    let session = world.active();
    world.pay(&session, 1_000);
    let mut changed = parameters();
    changed.protocol_fee_bps = 0;
    changed.dispute.slash_bps = 0;
    world.changes_parameters(changed);
    world.end_and_finalise(&session);
    assert_eq!(world.read_session(&session).credits, SessionCredits { node: 975, client: 1_003, fee: 25 });
    assert_eq!(world.read_session(&session).dispute.slash_bps, 2_500);
}

/// Two sessions on one node, one of each of two clients.
fn two() -> (World, Session, Session) {
    let mut world = World::new();
    let first = world.offered();
    let second = world.open(world.other_client, &world.mint.clone(), session_terms());
    (world, first, second)
}

fn mismatch() -> program_tests::Why {
    ErrorCode::AccountDiscriminatorMismatch.into()
}

#[test]
fn accepting_refuses_wrong_accounts() {
    let (mut world, session, _) = two();
    let (other, job) = (world.other_node, world.posted());
    let call = world.accept_session(&session);
    let right = call.accounts;
    let table = [
        ("the owner", AcceptSession { operator: session.node.owner, ..right }, AssayError::NotOperator.into()),
        ("a node as network", AcceptSession { network: other.address, ..right }, mismatch()),
        (
            "a node that it is not offered to",
            AcceptSession { operator: other.operator, node: other.address, ..right },
            AssayError::WrongNode.into(),
        ),
        ("another operator's node", AcceptSession { node: other.address, ..right }, AssayError::NotOperator.into()),
        ("a job as session", AcceptSession { session: job.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}

#[test]
fn ending_an_offer_refuses_wrong_accounts() {
    let (world, session, second) = two();
    let call = world.cancel_session(&session);
    let right = call.accounts;
    let table = [
        ("a stranger", CancelSession { client: world.mallory, ..right }, AssayError::NotClient.into()),
        ("another's session", CancelSession { session: second.address, ..right }, AssayError::NotClient.into()),
        ("a node as session", CancelSession { session: world.node.address, ..right }, mismatch()),
    ];
    world.clone().refuses_accounts(&call, table);
    let mut late = world;
    late.advance(101);
    let call = late.expire_session(&session);
    let right = call.accounts;
    let node = late.node.address;
    late.refuses_accounts(&call, [("a node as session", ExpireSession { session: node, ..right }, mismatch())]);
}

#[test]
fn ending_refuses_wrong_accounts() {
    let (mut world, session, second) = two();
    for each in [session, second] {
        world.accepts(&world.accept_session(&each));
    }
    let call = world.end_session(&session, session.client);
    let right = call.accounts;
    let table = [
        ("another client", EndSession { party: second.client, ..right }, AssayError::NotSessionParty.into()),
        ("another's session", EndSession { session: second.address, ..right }, AssayError::NotSessionParty.into()),
        ("a node as session", EndSession { session: world.node.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}

#[test]
fn finalising_refuses_wrong_accounts() {
    let mut world = World::new();
    let session = world.active();
    let other = world.other_node;
    world.warp_to(FIRST_SLOT + 231);
    let job = world.posted();
    world.accepts(&world.claim_job(&other, &job));
    let call = world.finalise_session(&session);
    let right = call.accounts;
    let table = [
        (
            "another node, to free its bond",
            FinaliseSession { node: other.address, ..right },
            AssayError::WrongNode.into(),
        ),
        ("a job as node", FinaliseSession { node: job.address, ..right }, mismatch()),
        ("a job as session", FinaliseSession { session: job.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}

#[test]
fn withdrawing_refuses_wrong_accounts() {
    let mut world = World::new();
    let session = world.settled_session(400);
    let second = world.settled_session(400);
    let (other, owner) = (world.mint_2022, world.node.owner);
    let call = world.withdraw_session_credit(owner, &session, CreditRole::Node);
    let right = call.accounts;
    let table = [
        (
            "a stranger who names its own account",
            WithdrawSessionCredit {
                authority: world.mallory,
                destination: associated(world.mallory, &session.mint),
                ..right
            },
            AssayError::DestinationNotCanonical.into(),
        ),
        ("another session", WithdrawSessionCredit { session: second.address, ..right }, AssayError::WrongVault.into()),
        ("a node as session", WithdrawSessionCredit { session: world.node.address, ..right }, mismatch()),
        ("another's vault", WithdrawSessionCredit { vault: second.vault, ..right }, AssayError::WrongVault.into()),
        ("another mint", WithdrawSessionCredit { mint: other.address, ..right }, AssayError::WrongMint.into()),
        (
            "an account of another mint",
            WithdrawSessionCredit { destination: associated(owner, &other), ..right },
            ErrorCode::ConstraintTokenMint.into(),
        ),
        (
            "the other token program",
            WithdrawSessionCredit { token_program: TOKEN_2022, ..right },
            ErrorCode::ConstraintMintTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}

#[test]
fn closing_refuses_wrong_accounts() {
    let mut world = World::new();
    let session = world.settled_session(400);
    world.pay_out_session(&session);
    let other = world.mint_2022;
    world.post(world.other_client, &other, terms());
    let stranger = world.other_client;
    let second = world.offered();
    let call = world.close_session(&session);
    let right = call.accounts;
    let table = [
        ("a node as session", CloseSession { session: world.node.address, ..right }, mismatch()),
        ("another's vault", CloseSession { vault: second.vault, ..right }, AssayError::WrongVault.into()),
        ("rent to somebody else", CloseSession { client: stranger, ..right }, AssayError::NotClient.into()),
        (
            "another client's counter",
            CloseSession { client_account: address::client(&stranger), ..right },
            AssayError::NotClient.into(),
        ),
        (
            "another mint's record",
            CloseSession { payment_mint: address::payment_mint(&other.address), ..right },
            AssayError::WrongMint.into(),
        ),
        ("another mint", CloseSession { mint: other.address, ..right }, AssayError::WrongMint.into()),
        (
            "another fee vault",
            CloseSession { fee_vault: address::fee_vault(&other.address), ..right },
            AssayError::WrongVault.into(),
        ),
        (
            "the other token program",
            CloseSession { token_program: TOKEN_2022, ..right },
            AssayError::WrongTokenProgram.into(),
        ),
    ];
    world.refuses_accounts(&call, table);
}
