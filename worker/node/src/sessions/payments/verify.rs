//! Whether a payment is what was offered, to the byte: a pure function. Nothing is asked of the chain for one that is not.
//!
//! A payment is one transaction of the client's alone: at most two instructions about its compute budget, then the program's
//! `open_session` with the offered terms, out of the client's own token account, and nothing else. So whatever lands opens the
//! session that was offered and moves what was asked for into its vault, and this node's account is only read.

use super::offer::Terms;
use assay::address;
use assay::session::Voucher;
use assay_chain::instructions::{self, read_open_session};
use assay_chain::read_transaction;
use assay_session::SignedVoucher;
use assay_session::x402::OpenPayload;
use assay_store::{ArtifactId, ArtifactUri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_sdk::message::Message;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use solana_sdk::transaction::Transaction;
use std::collections::HashSet;

/// Most compute units that a payment may ask for: opening a session takes a tenth of it.
const MOST_COMPUTE_UNITS: u32 = 400_000;
/// Most micro-lamports a compute unit: the client pays them, but nobody means to pay more.
const MOST_COMPUTE_UNIT_PRICE: u64 = 5_000_000;
/// First bytes of the two instructions of the compute budget that are understood.
const SET_UNIT_LIMIT: u8 = 2;
const SET_UNIT_PRICE: u8 = 3;

/// A payment that is what was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) transaction: Transaction,
    pub(super) client: Pubkey,
    /// Address of the session that it opens.
    pub(super) session: Pubkey,
    pub(super) voucher: SignedVoucher,
    pub(super) sequence: u64,
}

impl Opening {
    /// The signature by which the chain knows the transaction.
    pub(super) fn signature(&self) -> Signature {
        self.transaction.signatures.first().copied().unwrap_or_default()
    }
}

/// Checks a payment against the terms that it says it accepts.
///
/// # Errors
/// The first difference, in words.
pub(super) fn verified(payload: &OpenPayload, terms: &Terms) -> Result<Opening, String> {
    let wire = STANDARD.decode(&payload.transaction).map_err(|error| format!("the transaction: {error}"))?;
    let transaction = read_transaction(&wire).map_err(|error| error.to_string())?;
    let message = &transaction.message;
    if transaction.signatures.len() != 1 {
        return Err(format!("it has {} signatures, and the client's is the only one", transaction.signatures.len()));
    }
    let client = *message.account_keys.first().ok_or("it has no accounts")?;
    let (opening, budget) = message.instructions.split_last().ok_or("it has no instruction")?;
    check_budget(message, budget)?;
    let program = message.account_keys.get(usize::from(opening.program_id_index));
    if program != Some(&assay::ID) {
        return Err(format!("its last instruction is not one of {}", assay::ID));
    }
    let given = read_open_session(&opening.data).ok_or("its last instruction does not open a session")?;
    let (session_id, voucher_key) = (given.session_id, given.voucher_key);
    let wanted = terms.arguments(&given);
    for (what, given, wanted) in [
        ("price", given.price, wanted.price),
        ("balance", given.balance, wanted.balance),
        ("bond", given.bond, wanted.bond),
        ("accept_slots", given.accept_slots, wanted.accept_slots),
        ("session_slots", given.session_slots, wanted.session_slots),
        ("window_slots", given.window_slots, wanted.window_slots),
        ("ir_version", given.ir_version.into(), wanted.ir_version.into()),
    ] {
        if given != wanted {
            return Err(format!("its {what} is {given}, offered is {wanted}"));
        }
    }
    for (what, given, wanted) in
        [("graph root", given.graph_root, wanted.graph_root), ("params root", given.params_root, wanted.params_root)]
    {
        if given != wanted {
            return Err(format!("its {what} is {}, offered is {}", hex::encode(given), hex::encode(wanted)));
        }
    }
    check_uri("graph", &given.graph_uri, terms.graph)?;
    check_uri("params", &given.params_uri, terms.params)?;
    let source = terms.mint.associated_account(&client);
    let wanted = instructions::open_session(&client, &terms.node, terms.mint, &source, wanted);
    // Whatever has no comparison of its own above.
    if opening.data != wanted.data {
        return Err("it has terms that are not the offered ones".to_owned());
    }
    let accounts: Vec<Pubkey> =
        opening.accounts.iter().filter_map(|index| message.account_keys.get(usize::from(*index)).copied()).collect();
    let expected: Vec<Pubkey> = wanted.accounts.iter().map(|account| account.pubkey).collect();
    if accounts != expected {
        let place = accounts.iter().zip(&expected).position(|(given, expected)| given != expected);
        let place = place.unwrap_or(accounts.len().min(expected.len()));
        let said = |accounts: &[Pubkey]| accounts.get(place).map_or("none".to_owned(), ToString::to_string);
        return Err(format!("its account {place} is {}, it has to be {}", said(&accounts), said(&expected)));
    }
    let mut used: HashSet<&Pubkey> = expected.iter().collect();
    used.extend([&assay::ID, &solana_sdk_ids::compute_budget::ID]);
    if let Some(other) = message.account_keys.iter().find(|key| !used.contains(key)) {
        return Err(format!("it names {other}, which it has no use for"));
    }
    let session = address::session(&client, session_id);
    let voucher = SignedVoucher::from(payload.voucher);
    check_voucher(&voucher, &voucher_key, session, terms)?;
    Ok(Opening { client, session, voucher, sequence: payload.sequence, transaction })
}

/// Before the one that counts: at most one limit and one price, within bounds.
fn check_budget(
    message: &Message,
    instructions: &[solana_sdk::message::compiled_instruction::CompiledInstruction],
) -> Result<(), String> {
    let (mut limits, mut prices) = (0, 0);
    for instruction in instructions {
        let program = message.account_keys.get(usize::from(instruction.program_id_index));
        if program != Some(&solana_sdk_ids::compute_budget::ID) || !instruction.accounts.is_empty() {
            return Err("it has an instruction besides those of its compute budget and the one that opens the session"
                .to_owned());
        }
        match instruction.data.split_first() {
            Some((&SET_UNIT_LIMIT, units)) => {
                limits += 1;
                let units = units.try_into().map(u32::from_le_bytes).ok();
                if units.is_none_or(|units| units > MOST_COMPUTE_UNITS) {
                    return Err(format!("it asks for more than {MOST_COMPUTE_UNITS} compute units"));
                }
            }
            Some((&SET_UNIT_PRICE, price)) => {
                prices += 1;
                let price = price.try_into().map(u64::from_le_bytes).ok();
                if price.is_none_or(|price| price > MOST_COMPUTE_UNIT_PRICE) {
                    return Err(format!("it pays more than {MOST_COMPUTE_UNIT_PRICE} micro-lamports a compute unit"));
                }
            }
            _ => return Err("it sets more of its compute budget than units and their price".to_owned()),
        }
    }
    if limits > 1 || prices > 1 {
        return Err("it sets its compute budget twice".to_owned());
    }
    Ok(())
}

/// Whoever opens the session may name another place, where those who replay find the same bytes.
fn check_uri(what: &str, uri: &str, artifact: ArtifactId) -> Result<(), String> {
    let named = ArtifactUri::parse(uri).map_err(|error| format!("the address of its {what}: {error}"))?.id();
    if named == artifact {
        Ok(())
    } else {
        Err(format!("the address of its {what} is that of {named}, not {artifact}"))
    }
}

fn check_voucher(voucher: &SignedVoucher, voucher_key: &Pubkey, session: Pubkey, terms: &Terms) -> Result<(), String> {
    if voucher.amount < terms.price || voucher.amount > terms.balance {
        let (price, balance) = (terms.price, terms.balance);
        return Err(format!("its voucher is of {}, a first one is of {price} to {balance}", voucher.amount));
    }
    let message = Voucher { genesis_hash: terms.genesis_hash, session, amount: voucher.amount }.message();
    if Signature::from(voucher.signature).verify(voucher_key.as_ref(), &message) {
        return Ok(());
    }
    Err(format!("its voucher is not signed by {voucher_key} for session {session} on this chain"))
}

#[cfg(test)]
mod tests {
    use super::super::offer::tests::offer;
    use super::*;
    use assay::OpenSessionArgs;
    use assay_chain::instructions::TokenMint;
    use referee::graph::IR_VERSION;
    use solana_sdk::hash::Hash;
    use solana_sdk::instruction::{AccountMeta, Instruction};
    use solana_sdk::signature::Keypair;
    use solana_sdk::signer::Signer;

    /// What a client does, step by step, so that a test can do one of them differently.
    struct Payment {
        terms: Terms,
        client: Keypair,
        voucher_key: Keypair,
        arguments: OpenSessionArgs,
        amount: u64,
        /// The cluster and the session that the voucher names.
        of: ([u8; 32], Pubkey),
    }

    impl Payment {
        fn new() -> Self {
            let (terms, client, voucher_key) = (offer().terms, Keypair::new(), Keypair::new());
            let uri = |id| format!("https://other.example/v1/artifacts/{id}");
            let chosen = OpenSessionArgs {
                session_id: 3,
                voucher_key: voucher_key.pubkey(),
                graph_uri: uri(terms.graph),
                params_uri: uri(terms.params),
                ..OpenSessionArgs::default()
            };
            let arguments = terms.arguments(&chosen);
            assert_eq!(arguments.ir_version, IR_VERSION);
            let of = (terms.genesis_hash, address::session(&client.pubkey(), 3));
            Self { amount: terms.price, of, arguments, terms, client, voucher_key }
        }

        fn instruction(&self) -> Instruction {
            let (client, terms) = (self.client.pubkey(), &self.terms);
            let source = terms.mint.associated_account(&client);
            instructions::open_session(&client, &terms.node, terms.mint, &source, self.arguments.clone())
        }

        fn payload(&self, wire: &[u8]) -> OpenPayload {
            let (genesis_hash, session) = self.of;
            let message = Voucher { genesis_hash, session, amount: self.amount }.message();
            let signature = self.voucher_key.sign_message(&message).into();
            let voucher = SignedVoucher { amount: self.amount, signature }.into();
            OpenPayload { transaction: STANDARD.encode(wire), sequence: 1, voucher }
        }

        fn signed(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Transaction {
            let payer = signers.first().map(|signer| signer.pubkey());
            Transaction::new_signed_with_payer(instructions, payer.as_ref(), signers, Hash::new_unique())
        }

        fn of_instructions(&self, instructions: &[Instruction]) -> Result<Opening, String> {
            let transaction = self.signed(instructions, &[&self.client]);
            verified(&self.payload(&bincode::serialize(&transaction).unwrap()), &self.terms)
        }

        fn verified(&self) -> Result<Opening, String> {
            self.of_instructions(&[self.instruction()])
        }

        /// Refused with words that name the difference.
        fn is_refused(&self, words: &str) {
            let reason = self.verified().unwrap_err();
            assert!(reason.contains(words), "{words}: {reason}");
        }
    }

    fn budget(data: &[u8]) -> Instruction {
        Instruction { program_id: solana_sdk_ids::compute_budget::ID, accounts: vec![], data: data.to_vec() }
    }

    fn units(units: u32) -> Instruction {
        budget(&[&[SET_UNIT_LIMIT][..], &units.to_le_bytes()].concat())
    }

    fn unit_price(price: u64) -> Instruction {
        budget(&[&[SET_UNIT_PRICE][..], &price.to_le_bytes()].concat())
    }

    #[test]
    fn what_was_offered_is_taken_with_and_without_a_compute_budget() {
        let payment = Payment::new();
        let opening = payment.verified().unwrap();
        assert_eq!((opening.client, opening.session), (payment.client.pubkey(), payment.of.1));
        assert_eq!((opening.sequence, opening.voucher.amount), (1, payment.terms.price));
        assert_eq!(opening.signature(), opening.transaction.signatures[0]);
        let last = payment.instruction();
        let most = [units(MOST_COMPUTE_UNITS), unit_price(MOST_COMPUTE_UNIT_PRICE), last.clone()];
        payment.of_instructions(&most).unwrap();
        payment.of_instructions(&[unit_price(0), units(1), last]).unwrap();
    }

    #[test]
    fn every_other_term_is_refused_by_name() {
        type Change = fn(&mut OpenSessionArgs);
        let changes: [(Change, &str); 11] = [
            (|arguments| arguments.price -= 1, "price is 9"),
            (|arguments| arguments.balance -= 1, "balance is 99"),
            (|arguments| arguments.bond += 1, "bond is 201"),
            (|arguments| arguments.accept_slots += 1, "accept_slots is"),
            (|arguments| arguments.session_slots += 1, "session_slots is"),
            (|arguments| arguments.window_slots -= 1, "window_slots is"),
            (|arguments| arguments.ir_version += 1, "ir_version is"),
            (|arguments| arguments.graph_root[0] ^= 1, "graph root is"),
            (|arguments| arguments.params_root[0] ^= 1, "params root is"),
            (|arguments| arguments.graph_uri = arguments.params_uri.clone(), "address of its graph is that of"),
            (|arguments| arguments.params_uri = "https://x/v1/artifacts/x".into(), "address of its params"),
        ];
        for (change, words) in changes {
            let mut payment = Payment::new();
            change(&mut payment.arguments);
            payment.is_refused(words);
        }
    }

    #[test]
    fn another_node_mint_source_session_or_program_is_refused() {
        let payment = Payment::new();
        let with = |change: &dyn Fn(&mut Instruction)| {
            let mut instruction = payment.instruction();
            change(&mut instruction);
            payment.of_instructions(&[instruction]).unwrap_err()
        };
        let right = payment.instruction();
        for place in 1..right.accounts.len() {
            let reason = with(&|instruction| instruction.accounts[place].pubkey = Pubkey::new_unique());
            assert!(reason.contains("its account "), "{place}: {reason}");
        }
        let other = TokenMint { address: Pubkey::new_unique(), ..payment.terms.mint };
        let client = payment.client.pubkey();
        let elsewhere = instructions::open_session(
            &client,
            &payment.terms.node,
            other,
            &other.associated_account(&client),
            payment.arguments.clone(),
        );
        assert!(payment.of_instructions(&[elsewhere]).unwrap_err().contains("its account "), "another mint");
        let reason = with(&|instruction| instruction.program_id = Pubkey::new_unique());
        assert!(reason.contains("not one of"), "{reason}");
        let reason = with(&|instruction| instruction.data[0] ^= 1);
        assert!(reason.contains("does not open a session"), "another instruction of the program: {reason}");
        let reason = with(&|instruction| instruction.data.push(0));
        assert!(reason.contains("does not open a session"), "bytes after the arguments: {reason}");
        let reason = with(&|instruction| {
            instruction.accounts.push(AccountMeta::new_readonly(solana_sdk_ids::system_program::ID, false));
        });
        assert!(reason.contains("its account "), "one account more: {reason}");
    }

    #[test]
    fn nothing_else_is_in_the_transaction() {
        let payment = Payment::new();
        let open = payment.instruction();
        let refused = |instructions: &[Instruction], words: &str| {
            let reason = payment.of_instructions(instructions).unwrap_err();
            assert!(reason.contains(words), "{words}: {reason}");
        };
        let transfer =
            solana_system_interface::instruction::transfer(&payment.client.pubkey(), &Pubkey::new_unique(), 1);
        refused(&[transfer.clone(), open.clone()], "an instruction besides");
        refused(&[open.clone(), transfer.clone()], "an instruction besides");
        refused(&[transfer], "not one of");
        refused(&[units(MOST_COMPUTE_UNITS + 1), open.clone()], "compute units");
        refused(&[unit_price(MOST_COMPUTE_UNIT_PRICE + 1), open.clone()], "micro-lamports");
        refused(&[budget(&[SET_UNIT_LIMIT, 0, 0, 0, 0, 0]), open.clone()], "compute units");
        refused(&[units(1), units(1), open.clone()], "twice");
        refused(&[budget(&[1, 0, 0, 4, 0]), open.clone()], "more of its compute budget");
        refused(&[budget(&[]), open.clone()], "more of its compute budget");
        let mut named = units(1);
        named.accounts.push(AccountMeta::new(payment.terms.node, false));
        refused(&[named, open], "an instruction besides");
        refused(&[], "no instruction");
    }

    /// An account that no instruction uses could still be locked for writing by the transaction.
    #[test]
    fn an_account_that_is_not_needed_is_refused() {
        let payment = Payment::new();
        let mut transaction = payment.signed(&[payment.instruction()], &[&payment.client]);
        let stranger = Pubkey::new_unique();
        transaction.message.account_keys.push(stranger);
        transaction.message.header.num_readonly_unsigned_accounts += 1;
        transaction.signatures[0] = payment.client.sign_message(&transaction.message_data());
        let reason =
            verified(&payment.payload(&bincode::serialize(&transaction).unwrap()), &payment.terms).unwrap_err();
        assert!(reason.contains(&format!("it names {stranger}")), "{reason}");
    }

    /// The client pays, and signs alone: another fee payer would be somebody else's money.
    #[test]
    fn only_the_client_signs_and_pays() {
        let (payment, payer) = (Payment::new(), Keypair::new());
        let transaction = payment.signed(&[payment.instruction()], &[&payer, &payment.client]);
        let reason =
            verified(&payment.payload(&bincode::serialize(&transaction).unwrap()), &payment.terms).unwrap_err();
        assert!(reason.contains("2 signatures"), "{reason}");
        let mut unsigned = payment.signed(&[payment.instruction()], &[&payment.client]);
        unsigned.signatures[0] = Signature::default();
        let reason = verified(&payment.payload(&bincode::serialize(&unsigned).unwrap()), &payment.terms).unwrap_err();
        assert!(reason.contains("not a signed legacy transaction"), "{reason}");
    }

    #[test]
    fn a_voucher_is_for_this_session_on_this_chain_and_for_one_request_at_least() {
        let mut payment = Payment::new();
        payment.of.0 = [6; 32];
        payment.is_refused("not signed by");
        let mut payment = Payment::new();
        payment.of.1 = Pubkey::new_unique();
        payment.is_refused("not signed by");
        let mut payment = Payment::new();
        payment.voucher_key = Keypair::new();
        payment.is_refused("not signed by");
        for amount in [9, 101] {
            let payment = Payment { amount, ..Payment::new() };
            payment.is_refused("a first one is of 10 to 100");
        }
        Payment { amount: 100, ..Payment::new() }.verified().unwrap();
    }

    #[test]
    fn what_is_no_transaction_is_refused() {
        let payment = Payment::new();
        let voucher = payment.payload(&[]).voucher;
        for transaction in ["", "%", "AAAA"] {
            let payload = OpenPayload { transaction: transaction.to_owned(), sequence: 1, voucher };
            assert!(verified(&payload, &payment.terms).is_err(), "{transaction}");
        }
        let large = payment.payload(&[0; 1_300]);
        assert!(verified(&large, &payment.terms).unwrap_err().contains("1,232"));
    }
}
