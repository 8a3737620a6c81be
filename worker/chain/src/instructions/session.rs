//! The instructions of sessions, and of receipts that are called in.

use super::{TokenMint, build, dispute::verify_signature};
use anchor_lang::{AnchorDeserialize, Discriminator};
use assay::address;
use assay::dispute::signature::INSTRUCTIONS_SYSVAR;
use assay::instruction as data;
use assay::session::{Receipt, Voucher};
use assay::state::{Job, Session};
use assay::{
    AmendReceiptArgs, CreditRole, OpenReceiptArgs, OpenSessionArgs, RecordVoucherArgs, WithdrawSessionCreditArgs,
    accounts,
};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use spl_associated_token_account_interface::address::get_associated_token_address_and_bump_seed;

const SYSTEM: Pubkey = solana_system_interface::program::ID;

/// Opens a session with `node` and escrows its balance out of `source`, a token account of the client.
pub fn open_session(
    client: &Pubkey,
    node: &Pubkey,
    mint: TokenMint,
    source: &Pubkey,
    args: OpenSessionArgs,
) -> Instruction {
    let session = address::session(client, args.session_id);
    build(
        accounts::OpenSession {
            client: *client,
            network: address::network(),
            node: *node,
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            client_account: address::client(client),
            session,
            vault: address::vault(&session),
            source: *source,
            token_program: mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::OpenSession { args },
    )
}

/// The arguments of an instruction that opens a session, out of its data; `None` for the data of anything else.
pub fn read_open_session(data: &[u8]) -> Option<OpenSessionArgs> {
    let arguments = data.strip_prefix(data::OpenSession::DISCRIMINATOR)?;
    OpenSessionArgs::try_from_slice(arguments).ok()
}

/// Takes an offer back that the node has not accepted.
pub fn cancel_session(client: &Pubkey, session: &Pubkey) -> Instruction {
    build(
        accounts::CancelSession {
            client: *client,
            session: *session,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CancelSession {},
    )
}

/// Ends an offer that was not accepted in time. Nobody needs to sign but the fee payer.
pub fn expire_session(session: &Pubkey) -> Instruction {
    build(
        accounts::ExpireSession { session: *session, event_authority: address::EVENT_AUTHORITY, program: assay::ID },
        data::ExpireSession {},
    )
}

/// Accepts a session for the node that it is offered to.
pub fn accept_session(operator: &Pubkey, node: &Pubkey, session: &Pubkey) -> Instruction {
    build(
        accounts::AcceptSession {
            operator: *operator,
            network: address::network(),
            node: *node,
            session: *session,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AcceptSession {},
    )
}

/// Ends the serving of a session early; `party` is its client or its operator.
pub fn end_session(party: &Pubkey, session: &Pubkey) -> Instruction {
    build(
        accounts::EndSession {
            party: *party,
            session: *session,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::EndSession {},
    )
}

/// Records a voucher: the check of the signature by the session's `voucher_key`, and the instruction that relies on it. Both must
/// stay together, in this order. Nobody needs to sign but the fee payer.
pub fn record_voucher(voucher_key: &Pubkey, voucher: &Voucher, signature: &[u8; 64]) -> [Instruction; 2] {
    let record = build(
        accounts::RecordVoucher {
            network: address::network(),
            session: voucher.session,
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RecordVoucher { args: RecordVoucherArgs { amount: voucher.amount } },
    );
    [verify_signature(voucher_key, &voucher.message(), signature), record]
}

/// Where a validator finds what belongs to a receipt: hints, which are checked against the roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptHints {
    /// SHA-256 of the manifest of the result.
    pub result_manifest: [u8; 32],
    /// Where the inputs can be fetched.
    pub inputs_uri: String,
}

/// Calls a receipt in: the check of the signature by the session's `operator`, and the instruction that relies on it. Both must
/// stay together, in this order. `caller` pays the rent and the fee of an opening.
pub fn open_receipt(
    caller: &Pubkey,
    operator: &Pubkey,
    receipt: &Receipt,
    signature: &[u8; 64],
    hints: ReceiptHints,
) -> [Instruction; 2] {
    let receipt_hash = receipt.hash();
    let ReceiptHints { result_manifest, inputs_uri } = hints;
    let open = build(
        accounts::OpenReceipt {
            caller: *caller,
            network: address::network(),
            session: receipt.session,
            operator: *operator,
            job: address::receipt(&receipt.session, &receipt_hash),
            instructions: INSTRUCTIONS_SYSVAR,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::OpenReceipt { args: OpenReceiptArgs { receipt_hash, result_manifest, inputs_uri } },
    );
    [verify_signature(operator, &receipt.message(), signature), open]
}

/// Says where inputs and result of a receipt are that somebody else has called in; `client` is the session's.
pub fn amend_receipt(client: &Pubkey, session: &Pubkey, job: &Pubkey, hints: ReceiptHints) -> Instruction {
    let ReceiptHints { result_manifest, inputs_uri } = hints;
    build(
        accounts::AmendReceipt {
            client: *client,
            session: *session,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AmendReceipt { args: AmendReceiptArgs { result_manifest, inputs_uri } },
    )
}

/// Ends a receipt that was called in and stood. Nobody needs to sign but the fee payer.
pub fn finalise_receipt(session: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::FinaliseReceipt {
            session: *session,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::FinaliseReceipt {},
    )
}

/// Closes a receipt that has ended; its rent returns to who called it in. Nobody needs to sign but the fee payer.
pub fn close_receipt(job_address: &Pubkey, job: &Job) -> Instruction {
    build(
        accounts::CloseReceipt {
            job: *job_address,
            client: job.client,
            session: job.session,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseReceipt {},
    )
}

/// Settles a session whose time is over. Nobody needs to sign but the fee payer.
pub fn finalise_session(node: &Pubkey, session: &Pubkey) -> Instruction {
    build(
        accounts::FinaliseSession {
            node: *node,
            session: *session,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::FinaliseSession {},
    )
}

/// Pays a credit of a session to `destination`: any token account if the payee signs as `authority`, the payee's associated
/// token account if anyone else does.
pub fn withdraw_session_credit(
    authority: &Pubkey,
    session: &Pubkey,
    mint: TokenMint,
    role: CreditRole,
    destination: &Pubkey,
) -> Instruction {
    withdraw(authority, session, mint, *destination, WithdrawSessionCreditArgs { role, associated_bump: None })
}

/// Pays a credit of a session to the payee's associated token account, which must exist; anyone may sign as `helper`. The bump
/// of that account travels along, so that the program need not search for it.
pub fn help_withdraw_session_credit(
    helper: &Pubkey,
    session: &Pubkey,
    mint: TokenMint,
    role: CreditRole,
    payee: &Pubkey,
) -> Instruction {
    let program = spl_associated_token_account_interface::program::ID;
    let (destination, bump) =
        get_associated_token_address_and_bump_seed(payee, &mint.address, &program, &mint.token_program);
    withdraw(helper, session, mint, destination, WithdrawSessionCreditArgs { role, associated_bump: Some(bump) })
}

fn withdraw(
    authority: &Pubkey,
    session: &Pubkey,
    mint: TokenMint,
    destination: Pubkey,
    args: WithdrawSessionCreditArgs,
) -> Instruction {
    build(
        accounts::WithdrawSessionCredit {
            authority: *authority,
            session: *session,
            vault: address::vault(session),
            mint: mint.address,
            destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawSessionCredit { args },
    )
}

/// Closes a session that owes nothing; its fee goes to the fee vault, its rent to the client. Nobody needs to sign but the fee
/// payer.
pub fn close_session(session_address: &Pubkey, session: &Session, mint: TokenMint) -> Instruction {
    build(
        accounts::CloseSession {
            session: *session_address,
            vault: address::vault(session_address),
            client: session.client,
            client_account: address::client(&session.client),
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            fee_vault: address::fee_vault(&mint.address),
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseSession {},
    )
}
