//! `open_receipt`, `amend_receipt`, `finalise_receipt`, `close_receipt`.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{AmendReceipt, CloseReceipt, FinaliseReceipt, OpenReceipt};
use assay::address;
use assay::events::{ReceiptAmended, ReceiptClosed, ReceiptOpened, ReceiptStood};
use assay::market::OutputDescriptor;
use assay::session::Receipt;
use assay::state::{Credits, Job};
use assay::state_machine::JobState;
use program_tests::outcome::ACCOUNT_IN_USE;
use program_tests::session_calls::INPUTS_URI;
use program_tests::terms::parameters;
use program_tests::trial::signature_check;
use program_tests::world::FIRST_SLOT;
use program_tests::{Call, Session, Why, World, session_terms};
use referee::commit::commitment;
use solana_sdk::account::Account;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

const FEE: u64 = 7_000;

fn ready() -> (World, Session, Receipt) {
    let mut world = World::new();
    let session = world.active();
    let receipt = world.receipt(&session, 1);
    (world, session, receipt)
}

fn refuses(world: &mut World, what: &str, instructions: &[Instruction], why: impl Into<Why>) {
    let refusal = world.transact(instructions).expect_err(what);
    assert_eq!(refusal.why, why.into(), "{what}: {:#?}", refusal.logs);
}

/// The signature check and the call, by the session's client.
fn opening(world: &World, session: &Session, receipt: &Receipt) -> [Instruction; 2] {
    [world.signed_receipt(session, receipt), world.open_receipt(session, receipt, session.client).instruction()]
}

#[test]
fn a_receipt_becomes_a_job_with_a_result() {
    let (mut world, session, receipt) = ready();
    world.advance(5);
    let caller = world.mallory;
    world.svm.airdrop(&session.node.operator, 10_000_000).unwrap();
    let (purse, operators) = (world.lamports(caller), world.lamports(session.node.operator));
    let check = world.signed_receipt(&session, &receipt);
    let open = world.open_receipt(&session, &receipt, caller);
    let event: ReceiptOpened = world.must(&[check, open.instruction()]).event();
    let job = world.receipt_job(&session, &receipt, caller);
    let state = world.read_job(&job);
    let expected = Job {
        version: Job::VERSION,
        bump: state.bump,
        state: JobState::Committed,
        client: caller,
        job_id: 1,
        payment_mint: session.mint.address,
        node: session.node.address,
        operator: session.node.operator,
        payee: session.node.owner,
        graph_root: session_terms().graph_root,
        params_root: session_terms().params_root,
        inputs_root: receipt.inputs_root,
        ir_version: session_terms().ir_version,
        symbols: receipt.symbols,
        output: receipt.output,
        window_slots: session_terms().window_slots,
        bond: session_terms().bond,
        protocol_fee_bps: 250,
        posted_slot: FIRST_SLOT + 5,
        claimed_slot: FIRST_SLOT + 5,
        committed_slot: FIRST_SLOT + 5,
        commitment: commitment(&job.address.to_bytes(), &session.node.address.to_bytes(), &receipt.boundary_root),
        boundary_root: receipt.boundary_root,
        output_root: receipt.output_root,
        result_manifest: [7; 32],
        dispute: world.read_session(&session).dispute,
        session: session.address,
        graph_uri: session_terms().graph_uri,
        params_uri: session_terms().params_uri,
        inputs_uri: INPUTS_URI.into(),
        ..Job::default()
    };
    assert_eq!(state, expected);
    assert_eq!((event.session, event.job, event.node), (session.address, job.address, session.node.address));
    assert_eq!((event.caller, event.sequence, event.commitment), (caller, 1, state.commitment));
    assert_eq!((event.boundary_root, event.last_challenge_slot), (receipt.boundary_root, FIRST_SLOT + 35));
    let counted = world.read_session(&session);
    assert_eq!((counted.open_receipts, counted.receipts_opened), (1, 1));
    assert_eq!(world.lamports(session.node.operator), operators + FEE, "the fee of an opening");
    assert_eq!(world.lamports(caller), purse - FEE - world.lamports(job.address));
}

/// An operator that keeps nothing on its key, or makes it an account that is no purse, cannot stop anybody.
#[test]
fn no_operators_account_stops_a_call() {
    let (world, session, receipt) = ready();
    let operator = session.node.operator;
    assert_eq!(world.lamports(operator), 0, "too little to be paid the fee");
    let mut empty = world.clone();
    empty.call_in(&session, &receipt, session.client);
    assert_eq!(empty.lamports(operator), 0);
    let mut foreign = world.clone();
    let account = Account { lamports: 10_000_000, owner: program_tests::tokens::TOKEN, ..Account::default() };
    foreign.svm.set_account(operator, account).unwrap();
    foreign.call_in(&session, &receipt, session.client);
    assert_eq!(foreign.lamports(operator), 10_000_000);
    let mut nonce = world;
    let account = Account { lamports: 10_000_000, data: vec![0; 80], ..Account::default() };
    nonce.svm.set_account(operator, account).unwrap();
    nonce.call_in(&session, &receipt, session.client);
    assert_eq!(nonce.lamports(operator), 10_000_000);
}

/// Two receipts of one sequence have two addresses; one receipt has one, for ever.
#[test]
fn each_receipt_is_called_in_once() {
    let (mut world, session, receipt) = ready();
    let job = world.call_in(&session, &receipt, session.client);
    let again = opening(&world, &session, &receipt);
    refuses(&mut world, "twice", &again, ACCOUNT_IN_USE);
    let check = world.signed_receipt(&session, &receipt);
    let by_another = world.open_receipt(&session, &receipt, world.mallory).instruction();
    refuses(&mut world, "by somebody else", &[check, by_another], ACCOUNT_IN_USE);
    let other = Receipt { output_root: [9; 32], ..receipt };
    world.call_in(&session, &other, session.client);
    assert_eq!(world.read_session(&session).open_receipts, 2);
    world.advance(31);
    world.accepts(&world.finalise_receipt(&session, &job));
    world.refuses(&world.close_receipt(&session, &job), AssayError::SessionTimeLeft);
    refuses(&mut world, "after its end", &again, ACCOUNT_IN_USE);
}

#[test]
fn receipts_are_called_in_while_the_session_lasts_and_in_its_window() {
    let mut world = World::new();
    let offered = world.offered();
    let receipt = world.receipt(&offered, 1);
    let early = opening(&world, &offered, &receipt);
    refuses(&mut world, "an offer", &early, AssayError::WrongSession);
    world.accepts(&world.accept_session(&offered));
    world.warp_to(FIRST_SLOT + 230);
    world.clone().must(&early);
    world.warp_to(FIRST_SLOT + 231);
    refuses(&mut world, "too late", &early, AssayError::SessionTimeOver);
    world.end_and_finalise(&offered);
    refuses(&mut world, "settled", &early, AssayError::IllegalSessionTransition);
}

/// Every way in which a signature can be over something else, or somewhere else.
#[test]
fn no_other_signature_passes() {
    let (mut world, session, receipt) = ready();
    let second = world.active();
    let [check, call] = opening(&world, &session, &receipt);
    let others = [
        ("another cluster", Receipt { genesis_hash: [0; 32], ..receipt }, AssayError::ReceiptInvalid),
        ("another session", Receipt { session: second.address, ..receipt }, AssayError::WrongSession),
        (
            "an output that no tensor has",
            Receipt { output: OutputDescriptor { leaves: 0, ..receipt.output }, ..receipt },
            AssayError::OutputDescriptorInvalid,
        ),
    ];
    for (what, other, why) in others {
        let check = world.signed_receipt(&session, &other);
        let call = world.open_receipt(&session, &other, session.client).instruction();
        refuses(&mut world, what, &[check, call], why);
    }
    let other = world.signed_receipt(&session, &Receipt { sequence: 2, ..receipt });
    refuses(&mut world, "another receipt than the named one", &[other, call.clone()], AssayError::ReceiptInvalid);
    for (what, key) in [("the cold key", session.node.owner), ("the client", session.client)] {
        let check = signature_check(world.keypair(key), &receipt.message());
        refuses(&mut world, what, &[check, call.clone()], AssayError::SignatureInvalid);
    }
    refuses(&mut world, "none", std::slice::from_ref(&call), AssayError::SignatureMissing);
    refuses(&mut world, "after", &[call.clone(), check.clone()], AssayError::SignatureMissing);
    world.must(&[check, call]);
}

/// What an operator signed that is no receipt of this program is none, whatever address is named for it.
#[test]
fn other_messages_are_no_receipts() {
    let (mut world, session, receipt) = ready();
    let message = receipt.message();
    let mut of_another_program = message;
    of_another_program[50] ^= 1;
    let mut of_another_kind = message;
    of_another_kind[..16].copy_from_slice(b"\xffassay/segment/1");
    for bytes in [&of_another_program[..], &of_another_kind[..], &message[..256], &[&message[..], &[0]].concat()[..]] {
        let hash = referee::commit::sha256(&[bytes]);
        let mut call = world.open_receipt(&session, &receipt, session.client);
        call.accounts.job = address::receipt(&session.address, &hash);
        call.data[8..40].copy_from_slice(&hash);
        let check = signature_check(world.keypair(session.node.operator), bytes);
        refuses(&mut world, "another message", &[check, call.instruction()], AssayError::ReceiptInvalid);
    }
}

#[test]
fn the_place_of_the_inputs_is_a_uri() {
    let (mut world, session, receipt) = ready();
    let check = world.signed_receipt(&session, &receipt);
    let long = "a".repeat(129);
    for uri in ["", "a b", long.as_str()] {
        let mut call = world.open_receipt(&session, &receipt, session.client);
        call.data.truncate(8 + 64);
        call.data.extend((uri.len() as u32).to_le_bytes());
        call.data.extend(uri.as_bytes());
        refuses(&mut world, "no URI", &[check.clone(), call.instruction()], AssayError::UriInvalid);
    }
}

#[test]
fn opening_refuses_wrong_accounts() {
    let (mut world, session, receipt) = ready();
    let second = world.active();
    let copy = world.forge(session.address, program_tests::tokens::TOKEN);
    let check = world.signed_receipt(&session, &receipt);
    let call = world.open_receipt(&session, &receipt, session.client);
    let right = call.accounts;
    let node = world.node.address;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let elsewhere = world.receipt_job(&second, &receipt, session.client).address;
    let table: [(&str, OpenReceipt, Why); 9] = [
        ("another session", OpenReceipt { session: second.address, ..right }, ErrorCode::ConstraintSeeds.into()),
        (
            "another session and its place",
            OpenReceipt { session: second.address, job: elsewhere, ..right },
            AssayError::WrongSession.into(),
        ),
        ("a forged session", OpenReceipt { session: copy, ..right }, ErrorCode::AccountOwnedByWrongProgram.into()),
        ("a node as session", OpenReceipt { session: node, ..right }, mismatch()),
        ("a node as network", OpenReceipt { network: node, ..right }, mismatch()),
        ("another operator", OpenReceipt { operator: world.mallory, ..right }, AssayError::WrongSession.into()),
        ("another place", OpenReceipt { job: elsewhere, ..right }, ErrorCode::ConstraintSeeds.into()),
        ("a forged sysvar", OpenReceipt { instructions: node, ..right }, ErrorCode::ConstraintAddress.into()),
        (
            "another system program",
            OpenReceipt { system_program: assay::ID, ..right },
            ErrorCode::InvalidProgramId.into(),
        ),
    ];
    for (what, accounts, why) in table {
        let wrong = Call { accounts, data: call.data.clone() }.instruction();
        refuses(&mut world, what, &[check.clone(), wrong], why);
    }
    world.must(&[check, call.instruction()]);
}

#[test]
fn the_sessions_client_says_where_the_inputs_are() {
    let (mut world, session, receipt) = ready();
    let job = world.call_in(&session, &receipt, world.mallory);
    let rent = world.lamports(job.address);
    let longest = format!("http://{}", "a".repeat(121));
    assert_eq!(longest.len(), 128);
    for uri in ["", "a b", &format!("{longest}a")] {
        world.refuses(&world.amend_receipt(&session, &job, uri), AssayError::UriInvalid);
    }
    let event: ReceiptAmended = world.accepts(&world.amend_receipt(&session, &job, &longest)).event();
    assert_eq!(event, ReceiptAmended { session: session.address, job: job.address, result_manifest: [8; 32] });
    let state = world.read_job(&job);
    assert_eq!((state.inputs_uri, state.result_manifest), (longest, [8; 32]));
    assert_eq!((state.inputs_root, state.client), (receipt.inputs_root, world.mallory), "nothing else");
    assert_eq!(world.lamports(job.address), rent);
    world.advance(31);
    world.accepts(&world.finalise_receipt(&session, &job));
    world.refuses(&world.amend_receipt(&session, &job, INPUTS_URI), AssayError::JobNotChallengeable);
}

#[test]
fn amending_refuses_wrong_accounts() {
    let (mut world, session, receipt) = ready();
    let job = world.call_in(&session, &receipt, world.mallory);
    let second = world.active();
    let ordinary = world.committed();
    let call = world.amend_receipt(&session, &job, INPUTS_URI);
    let right = call.accounts;
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let table = [
        ("who called it in", AmendReceipt { client: world.mallory, ..right }, AssayError::NotClient.into()),
        ("another session", AmendReceipt { session: second.address, ..right }, AssayError::WrongSession.into()),
        ("a node as session", AmendReceipt { session: world.node.address, ..right }, mismatch()),
        ("an ordinary job", AmendReceipt { job: ordinary.address, ..right }, AssayError::JobIsNoReceipt.into()),
        ("a node as job", AmendReceipt { job: world.node.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
}

#[test]
fn a_receipt_that_stood_ends_and_leaves_the_node_alone() {
    let (mut world, session, receipt) = ready();
    let job = world.call_in(&session, &receipt, session.client);
    let node = world.read_node(&world.node);
    let finalise = world.finalise_receipt(&session, &job);
    world.advance(30);
    world.refuses(&finalise, AssayError::ChallengeWindowOpen);
    world.advance(1);
    let event: ReceiptStood = world.accepts(&finalise).event();
    let expected = ReceiptStood { session: session.address, job: job.address, node: session.node.address };
    assert_eq!(event, expected);
    world.refuses(&finalise, AssayError::IllegalTransition);
    assert_eq!(world.read_node(&world.node), node, "the bond is the session's");
    let state = world.read_job(&job);
    assert_eq!((state.state, state.credits), (JobState::Settled, Credits::default()));
    assert_eq!(world.read_session(&session).open_receipts, 0);
}

/// A session waits for its receipts, however late they are called in, and no longer.
#[test]
fn a_session_ends_when_its_receipts_have() {
    let (mut world, session, receipt) = ready();
    world.pay(&session, 400);
    world.warp_to(FIRST_SLOT + 230);
    let job = world.call_in(&session, &receipt, session.client);
    world.warp_to(FIRST_SLOT + 231);
    world.refuses(&world.finalise_session(&session), AssayError::ReceiptsOpen);
    world.warp_to(FIRST_SLOT + 261);
    world.accepts(&world.finalise_receipt(&session, &job));
    world.end_and_finalise(&session);
    world.pay_out_session(&session);
    world.accepts(&world.close_session(&session));
    let (purse, rent) = (world.lamports(session.client), world.lamports(job.address));
    let event: ReceiptClosed = world.accepts(&world.close_receipt(&session, &job)).event();
    let expected = ReceiptClosed { session: session.address, job: job.address, caller: session.client };
    assert_eq!(event, expected);
    assert_eq!(world.lamports(session.client), purse + rent, "the rent goes to who called it in");
    assert!(!world.exists(job.address));
}

/// No instruction for ordinary jobs does anything to a receipt, and none for receipts to an ordinary job.
#[test]
fn receipts_and_jobs_are_not_confused() {
    let (mut world, session, receipt) = ready();
    let mut job = world.call_in(&session, &receipt, session.client);
    let ordinary = world.committed();
    world.refuses(&world.accept_result(&job), AssayError::JobIsReceipt);
    world.refuses(&world.file_unavailable(&job, session.client, None), AssayError::JobIsReceipt);
    world.refuses(&world.claim_job(&world.node, &job), AssayError::IllegalTransition);
    world.refuses(&world.cancel_job(&job), AssayError::IllegalTransition);
    world.advance(10_000);
    world.refuses(&world.expire_job(&job), AssayError::IllegalTransition);
    world.refuses(&world.expire_claim(&world.node, &job), AssayError::IllegalTransition);
    world.refuses(&world.finalise_job(&world.node, &job), AssayError::JobIsReceipt);
    world.refuses(&world.finalise_receipt(&session, &ordinary), AssayError::JobIsNoReceipt);
    world.accepts(&world.finalise_receipt(&session, &job));
    world.refuses(&world.finalise_job(&world.node, &job), AssayError::JobIsReceipt);
    job.vault = ordinary.vault;
    world.refuses(&world.close_job(&job), AssayError::WrongVault);
    world.accepts(&world.finalise_job(&world.node, &ordinary));
    world.pay_out(&ordinary);
    let close = world.close_receipt(&session, &ordinary);
    world.refuses(&close, AssayError::WrongSession);
    world.refuses(&close.with(|a| a.session = Pubkey::default()), AssayError::JobIsNoReceipt);
    world.accepts(&world.close_job(&ordinary));
}

#[test]
fn ending_a_receipt_refuses_wrong_accounts() {
    let (mut world, session, receipt) = ready();
    let job = world.call_in(&session, &receipt, session.client);
    let second = world.active();
    let ordinary = world.committed();
    world.advance(10_000);
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let call = world.finalise_receipt(&session, &job);
    let right = call.accounts;
    let table = [
        (
            "another session, to count it out",
            FinaliseReceipt { session: second.address, ..right },
            AssayError::WrongSession.into(),
        ),
        ("a node as session", FinaliseReceipt { session: world.node.address, ..right }, mismatch()),
        ("an ordinary job", FinaliseReceipt { job: ordinary.address, ..right }, AssayError::JobIsNoReceipt.into()),
        ("a node as job", FinaliseReceipt { job: world.node.address, ..right }, mismatch()),
    ];
    world.refuses_accounts(&call, table);
    let call = world.close_receipt(&session, &job);
    let right = call.accounts;
    let table = [
        ("rent to somebody else", CloseReceipt { client: world.mallory, ..right }, AssayError::NotClient.into()),
        ("another session", CloseReceipt { session: second.address, ..right }, AssayError::WrongSession.into()),
        ("no session", CloseReceipt { session: world.mallory, ..right }, AssayError::WrongSession.into()),
        ("a node as job", CloseReceipt { job: world.node.address, ..right }, mismatch()),
        ("an ordinary job", CloseReceipt { job: ordinary.address, ..right }, AssayError::WrongSession.into()),
    ];
    world.refuses_accounts(&call, table);
}

/// A receipt whose dispute is not over stays.
#[test]
fn only_an_ended_receipt_is_closed() {
    let (mut world, session, receipt) = ready();
    world.warp_to(FIRST_SLOT + 230);
    let job = world.call_in(&session, &receipt, session.client);
    world.advance(1);
    world.refuses(&world.close_receipt(&session, &job), AssayError::JobNotEnded);
}

/// The largest receipt, with the longest place for the inputs, fits one transaction with its signature.
#[test]
fn a_call_fits_one_transaction() {
    let (world, session, receipt) = ready();
    let check = world.signed_receipt(&session, &receipt);
    let mut call = world.open_receipt(&session, &receipt, session.client);
    call.data.truncate(8 + 64);
    call.data.extend(128u32.to_le_bytes());
    call.data.extend([b'a'; 128]);
    let instructions = [check, call.instruction()];
    let message = solana_sdk::message::Message::new(&instructions, Some(&session.client));
    let bytes = 1 + 64 + message.serialize().len();
    assert!(bytes <= 1_232, "{bytes} bytes");
    assert_eq!(parameters().dispute.opening_fee_lamports, FEE);
}
