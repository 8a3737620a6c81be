//! The messages of x402, version 2. What a scheme adds is kept as JSON: a client reads offers of schemes that it does not know, and
//! sends an offer back as it came.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of x402 that is spoken here.
pub const X402_VERSION: u32 = 2;

/// What is paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceInfo {
    /// Its address.
    pub url: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Media type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}

/// One way to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirements {
    /// The scheme.
    pub scheme: String,
    /// The chain, as CAIP-2 names it.
    pub network: String,
    /// What leaves the payer, in base units of the asset, as decimal text.
    pub amount: String,
    /// The mint.
    pub asset: String,
    /// Whom it is for.
    pub pay_to: String,
    /// How long the server may take over a payment before it answers, in seconds.
    pub max_timeout_seconds: u64,
    /// What the scheme says besides.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// The answer to a request that is not paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    /// [`X402_VERSION`].
    pub x402_version: u32,
    /// Why nothing was served, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is paid for.
    pub resource: ResourceInfo,
    /// Ways to pay, of which one is enough.
    pub accepts: Vec<PaymentRequirements>,
    /// Extensions of the protocol; none are spoken here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Value>,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayload {
    /// [`X402_VERSION`].
    pub x402_version: u32,
    /// What is paid for, as the offer had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceInfo>,
    /// The way that was chosen, as it was offered.
    pub accepted: PaymentRequirements,
    /// The payment itself; a [`SessionPayload`](super::SessionPayload) in this scheme.
    pub payload: Value,
    /// Extensions of the protocol; none are spoken here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Value>,
}

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettlementResponse {
    /// Whether it was taken.
    pub success: bool,
    /// Why it was not, as x402 or the scheme calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Signature of the transaction, base58; empty where there is none.
    pub transaction: String,
    /// The chain, as CAIP-2 names it.
    pub network: String,
    /// What left the payer, in base units, as decimal text; empty where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// What the scheme says besides; a [`SettledSession`](super::SettledSession) in this one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x402::{decode_payment, encode_payment};

    /// The offer of the specification's own example.
    const EXAMPLE: &str = r#"{
        "x402Version": 2, "error": "PAYMENT-SIGNATURE header is required",
        "resource": {"url": "https://api.example.com/premium-data", "description": "d", "mimeType": "application/json"},
        "accepts": [{"scheme": "exact", "network": "eip155:84532", "amount": "10000",
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
            "maxTimeoutSeconds": 60, "extra": {"name": "USDC", "version": "2"}}],
        "extensions": {}
    }"#;

    #[test]
    fn offers_of_other_schemes_are_read_and_written_as_they_came() {
        let read: PaymentRequired = serde_json::from_str(EXAMPLE).unwrap();
        assert_eq!((read.x402_version, read.accepts[0].scheme.as_str()), (2, "exact"));
        let (again, came): (Value, Value) =
            (serde_json::to_value(&read).unwrap(), serde_json::from_str(EXAMPLE).unwrap());
        assert_eq!(again, came);
        assert_eq!(decode_payment::<PaymentRequired>(&encode_payment(&read).unwrap()).unwrap(), read);
    }

    #[test]
    fn what_is_not_said_is_not_written_and_what_is_required_is() {
        let failed = SettlementResponse {
            success: false,
            error_reason: Some("insufficient_funds".into()),
            payer: None,
            transaction: String::new(),
            network: "solana:x".into(),
            amount: None,
            extra: Value::Null,
        };
        let text = r#"{"success":false,"errorReason":"insufficient_funds","transaction":"","network":"solana:x"}"#;
        assert_eq!(serde_json::to_string(&failed).unwrap(), text);
        assert_eq!(serde_json::from_str::<SettlementResponse>(text).unwrap(), failed);
    }
}
