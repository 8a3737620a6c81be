//! A payment as a client makes it, and what a node says of anything that is made of it.

use super::offer::Terms;
use super::verify::verified;
use assay::OpenSessionArgs;
use assay::address;
use assay::session::Voucher;
use assay_chain::instructions::{self, TokenMint, read_open_session};
use assay_session::SignedVoucher;
use assay_session::x402::OpenPayload;
use assay_store::ArtifactId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use solana_sdk::transaction::Transaction;

/// A payment that is what is offered, before anything is changed in it.
#[derive(Debug)]
pub struct Payment {
    terms: Terms,
    client: Keypair,
    voucher_key: Keypair,
    message: Vec<u8>,
}

/// What a node says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is not what was offered.
    Refused,
    /// It opens the session that was offered.
    Taken,
}

impl Payment {
    /// The same each time.
    ///
    /// # Panics
    /// Never: the terms are in their bounds.
    pub fn new() -> Self {
        let key = |byte: u8| Keypair::new_from_array([byte; 32]);
        let (client, voucher_key) = (key(1), key(2));
        let (graph, params) = (ArtifactId::of(b"graph"), ArtifactId::of(b"params"));
        let terms = Terms {
            node: Pubkey::new_from_array([7; 32]),
            mint: TokenMint::spl_token(Pubkey::new_from_array([8; 32])),
            graph_root: [1; 32],
            params_root: [2; 32],
            graph,
            params,
            price: 10,
            balance: 100,
            bond: 200,
            accept_slots: 500,
            session_slots: 5_000,
            window_slots: 50,
            genesis_hash: [9; 32],
        };
        let uri = |id: ArtifactId| format!("https://store.example/v1/artifacts/{id}");
        let chosen = OpenSessionArgs {
            session_id: 3,
            voucher_key: voucher_key.pubkey(),
            graph_uri: uri(graph),
            params_uri: uri(params),
            ..OpenSessionArgs::default()
        };
        let source = terms.mint.associated_account(&client.pubkey());
        let arguments = terms.arguments(&chosen);
        let open = instructions::open_session(&client.pubkey(), &terms.node, terms.mint, &source, arguments);
        let mut transaction = Transaction::new_with_payer(&[open], Some(&client.pubkey()));
        transaction.message.recent_blockhash = Hash::new_from_array([5; 32]);
        let message = transaction.message_data();
        let payment = Self { terms, client, voucher_key, message };
        assert_eq!(payment.judge(&payment.message, 10), Judged::Taken);
        payment
    }

    /// The message of the transaction, which a client signs.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// What a node says of a transaction with this message, signed by the client, and of a voucher of this amount.
    ///
    /// # Panics
    /// It is taken and does not open the session that was offered, for the client's money alone.
    pub fn judge(&self, message: &[u8], amount: u64) -> Judged {
        let signature = self.client.sign_message(message);
        let wire = [&[1][..], signature.as_ref(), message].concat();
        let session = address::session(&self.client.pubkey(), 3);
        let voucher = Voucher { genesis_hash: self.terms.genesis_hash, session, amount };
        let signature = self.voucher_key.sign_message(&voucher.message()).into();
        let voucher = SignedVoucher { amount, signature };
        let payload = OpenPayload { transaction: STANDARD.encode(wire), sequence: 1, voucher: voucher.into() };
        let Ok(opening) = verified(&payload, &self.terms) else { return Judged::Refused };
        let message = &opening.transaction.message;
        assert_eq!((opening.client, opening.session), (self.client.pubkey(), session));
        assert_eq!(message.account_keys.first(), Some(&self.client.pubkey()));
        assert_eq!(message.header.num_required_signatures, 1);
        assert!((self.terms.price..=self.terms.balance).contains(&amount));
        let data = message.instructions.last().map(|open| open.data.as_slice()).unwrap_or_default();
        let given = read_open_session(data).expect("the instruction that opens a session");
        assert_eq!(given, self.terms.arguments(&given), "other terms");
        assert_eq!((given.session_id, given.voucher_key), (3, self.voucher_key.pubkey()));
        // One for the units of the compute budget, one for their price, and the one that opens the session.
        assert!(message.instructions.len() <= 3, "{} instructions", message.instructions.len());
        Judged::Taken
    }
}

impl Default for Payment {
    fn default() -> Self {
        Self::new()
    }
}
