//! The scheme: a payment opens a session, whose vault holds what was paid, and vouchers spend it.

use super::decimal;
use crate::request::SignedVoucher;
use serde::{Deserialize, Serialize};

/// The name of the scheme.
pub const SCHEME: &str = "assay-session";

/// Characters of a genesis hash that name a chain of Solana.
const REFERENCE_CHARACTERS: usize = 32;

/// The CAIP-2 name of the chain with this genesis hash, base58.
pub fn network_of(genesis_hash: &str) -> String {
    let reference: String = genesis_hash.chars().take(REFERENCE_CHARACTERS).collect();
    format!("solana:{reference}")
}

/// What an offer says besides, as `extra`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum Step {
    /// A session is to be opened: `amount` is what it escrows.
    Open(OpenTerms),
    /// A session is there: `amount` is what this request adds to what was promised.
    Voucher(VoucherTerms),
}

/// The terms of a session, as the arguments of the program's `open_session` have them. Addresses and the genesis hash are base58,
/// roots are hex, amounts base units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenTerms {
    /// The program whose escrow is meant.
    pub program: String,
    /// The genesis hash of the chain, whole.
    pub genesis_hash: String,
    /// Who signs receipts for the node.
    pub operator: String,
    /// Where the node is registered to be reached.
    pub endpoint: String,
    /// What the operator calls the model, for people.
    pub model: String,
    /// Root of the graph.
    pub graph_root: String,
    /// Root of the params.
    pub params_root: String,
    /// Version of the graph language.
    pub ir_version: u16,
    /// Where the graph can be fetched.
    pub graph_uri: String,
    /// Where the params can be fetched.
    pub params_uri: String,
    /// What one request costs, in base units of the asset.
    #[serde(with = "decimal")]
    pub price: u64,
    /// What the node locks, in base units of the stake mint.
    #[serde(with = "decimal")]
    pub bond: u64,
    /// Slots in which the node can accept.
    pub accept_slots: u64,
    /// Slots of serving, from the acceptance.
    pub session_slots: u64,
    /// Slots for vouchers and receipts after the end, and for challenges of a receipt.
    pub window_slots: u64,
}

/// What a session that is there is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoucherTerms {
    /// The program whose escrow is meant, base58.
    pub program: String,
    /// Address of the session, base58.
    pub session: String,
    /// The least amount of a voucher with which the request would be answered, in base units of the asset.
    #[serde(with = "decimal")]
    pub owed: u64,
}

/// The payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum SessionPayload {
    /// Opens a session and pays for its first request.
    Open(OpenPayload),
    /// Pays for a request of a session that is there.
    Voucher(VoucherPayload),
}

/// A payment that opens a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenPayload {
    /// The transaction that opens the session, signed by the client, base64.
    pub transaction: String,
    /// The client's number for the request.
    pub sequence: u64,
    /// What the client promises to pay, by the voucher key that the transaction names.
    pub voucher: PaymentVoucher,
}

/// A payment out of a session that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VoucherPayload {
    /// Address of the session, base58.
    pub session: String,
    /// The client's number for the request.
    pub sequence: u64,
    /// What the client promises to pay so far.
    pub voucher: PaymentVoucher,
}

/// A [`SignedVoucher`] in a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentVoucher {
    /// For all requests so far together, in base units of the asset.
    #[serde(with = "decimal")]
    pub amount: u64,
    /// Ed25519 signature of the session's voucher key over the program's message about this amount, in hex.
    #[serde(with = "hex::serde")]
    pub signature: [u8; 64],
}

impl From<SignedVoucher> for PaymentVoucher {
    fn from(voucher: SignedVoucher) -> Self {
        Self { amount: voucher.amount, signature: voucher.signature }
    }
}

impl From<PaymentVoucher> for SignedVoucher {
    fn from(voucher: PaymentVoucher) -> Self {
        Self { amount: voucher.amount, signature: voucher.signature }
    }
}

/// What the answer to a payment says of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettledSession {
    /// Its address, base58.
    pub session: String,
    /// What one request costs, in base units of the asset.
    #[serde(with = "decimal")]
    pub price: u64,
    /// What it escrows, in base units of the asset.
    #[serde(with = "decimal")]
    pub balance: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_chain_is_the_one_that_others_give_it() {
        let mainnet = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
        assert_eq!(network_of(mainnet), "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp");
    }

    #[test]
    fn steps_are_told_apart_by_name() {
        let voucher = PaymentVoucher { amount: u64::MAX, signature: [0xab; 64] };
        let payload = SessionPayload::Open(OpenPayload { transaction: "AA==".into(), sequence: 1, voucher });
        let text = serde_json::to_string(&payload).unwrap();
        let expected = format!(
            r#"{{"step":"open","transaction":"AA==","sequence":1,"voucher":{{"amount":"18446744073709551615","signature":"{}"}}}}"#,
            "ab".repeat(64)
        );
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<SessionPayload>(&text).unwrap(), payload);
        for wrong in [
            text.replace("open", "close"),
            text.replace("\"sequence\"", "\"session\":\"x\",\"sequence\""),
            text.replace("\"18446744073709551615\"", "5"),
        ] {
            assert!(serde_json::from_str::<SessionPayload>(&wrong).is_err(), "{wrong}");
        }
        let owed = Step::Voucher(VoucherTerms { program: "p".into(), session: "s".into(), owed: 30 });
        let text = serde_json::to_string(&owed).unwrap();
        assert_eq!(text, r#"{"step":"voucher","program":"p","session":"s","owed":"30"}"#);
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), owed);
    }
}
