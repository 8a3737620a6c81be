use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::RecordVoucher;
use assay::events::VoucherRecorded;
use assay::session::Voucher;
use program_tests::calls::GENESIS_HASH;
use program_tests::trial::signature_check;
use program_tests::world::FIRST_SLOT;
use program_tests::{Call, Session, Why, World};
use solana_sdk::instruction::Instruction;

fn ready() -> (World, Session) {
    let mut world = World::new();
    let session = world.active();
    (world, session)
}

fn refuses(world: &mut World, what: &str, instructions: &[Instruction], why: impl Into<Why>) {
    let refusal = world.transact(instructions).expect_err(what);
    assert_eq!(refusal.why, why.into(), "{what}: {:#?}", refusal.logs);
}

#[test]
fn the_greatest_voucher_counts() {
    let (mut world, session) = ready();
    let event: VoucherRecorded = world.must(&world.voucher(&session, 700)).event();
    assert_eq!(event, VoucherRecorded { session: session.address, paid: 700 });
    for (amount, why) in [
        (0, AssayError::VoucherTooSmall),
        (699, AssayError::VoucherTooSmall),
        (700, AssayError::VoucherTooSmall),
        (2_004, AssayError::VoucherBeyondBalance),
        (u64::MAX, AssayError::VoucherBeyondBalance),
    ] {
        let voucher = world.voucher(&session, amount);
        refuses(&mut world, "a voucher", &voucher, why);
    }
    world.pay(&session, 2_003);
    assert_eq!(world.read_session(&session).paid, 2_003);
    assert_eq!(world.tokens(session.vault), 2_003, "no token moves");
}

/// Until the last slot of the window after the end, and then no more.
#[test]
fn vouchers_come_in_time() {
    let (mut world, session) = ready();
    let voucher = world.voucher(&session, 700);
    world.advance(5);
    world.accepts(&world.end_session(&session, session.client));
    world.warp_to(FIRST_SLOT + 35);
    world.clone().must(&voucher);
    world.warp_to(FIRST_SLOT + 36);
    refuses(&mut world, "too late", &voucher, AssayError::SessionTimeOver);
}

#[test]
fn only_an_active_session_takes_vouchers() {
    let mut world = World::new();
    let offered = world.offered();
    let voucher = world.voucher(&offered, 700);
    refuses(&mut world, "an offer", &voucher, AssayError::IllegalSessionTransition);
    let settled = world.settled_session(100);
    let voucher = world.voucher(&settled, 700);
    refuses(&mut world, "a settled session", &voucher, AssayError::IllegalSessionTransition);
}

/// Every way in which a signature can be over something else, or somewhere else.
#[test]
fn no_other_signature_passes() {
    let (mut world, session) = ready();
    let second = world.active();
    let [check, call] = world.voucher(&session, 700);
    let voucher = Voucher { genesis_hash: GENESIS_HASH, session: session.address, amount: 700 };
    let key = world.read_session(&session).voucher_key;
    let others = [
        ("another cluster", Voucher { genesis_hash: [0; 32], ..voucher }),
        ("another session", Voucher { session: second.address, ..voucher }),
        ("another amount", Voucher { amount: 701, ..voucher }),
    ];
    for (what, other) in others {
        let check = signature_check(world.keypair(key), &other.message());
        refuses(&mut world, what, &[check, call.clone()], AssayError::SignatureInvalid);
    }
    for (what, key) in [("the client's own key", session.client), ("the operator", session.node.operator)] {
        let check = signature_check(world.keypair(key), &voucher.message());
        refuses(&mut world, what, &[check, call.clone()], AssayError::SignatureInvalid);
    }
    refuses(&mut world, "none", std::slice::from_ref(&call), AssayError::SignatureMissing);
    refuses(&mut world, "after", &[call.clone(), check.clone()], AssayError::SignatureMissing);
    world.must(&[check, call]);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut world, session) = ready();
    let second = world.active();
    let copy = world.forge(session.address, program_tests::tokens::TOKEN);
    let [check, _] = world.voucher(&session, 700);
    let call = world.record_voucher(&session, 700);
    let right = call.accounts;
    let node = world.node.address;
    let table: [(&str, RecordVoucher, Why); 5] = [
        ("another session", RecordVoucher { session: second.address, ..right }, AssayError::SignatureInvalid.into()),
        ("a forged session", RecordVoucher { session: copy, ..right }, ErrorCode::AccountOwnedByWrongProgram.into()),
        ("a node", RecordVoucher { session: node, ..right }, ErrorCode::AccountDiscriminatorMismatch.into()),
        ("a node as network", RecordVoucher { network: node, ..right }, ErrorCode::AccountDiscriminatorMismatch.into()),
        ("a forged sysvar", RecordVoucher { instructions: node, ..right }, ErrorCode::ConstraintAddress.into()),
    ];
    for (what, accounts, why) in table {
        let wrong = Call { accounts, data: call.data.clone() }.instruction();
        refuses(&mut world, what, &[check.clone(), wrong], why);
    }
    world.must(&[check, call.instruction()]);
}
