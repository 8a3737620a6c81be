//! What a node says of a session to whoever asks.

use serde::{Deserialize, Serialize};

/// How a session stands with the node that serves it: what a client has to know to go on after it was restarted. Unsigned; the
/// chain says what counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Address of the session, base58.
    pub session: String,
    /// Whether requests are answered at present.
    pub serving: bool,
    /// Receipts that were signed.
    pub receipts: u64,
    /// The greatest sequence among them, if there is one.
    pub greatest_sequence: Option<u64>,
    /// The greatest amount of a voucher that the node holds, in base units of the payment mint.
    pub voucher_amount: u64,
    /// The least amount with which the next request would be answered, in base units of the payment mint.
    pub owed: u64,
    /// Last slot at which requests are answered.
    pub ends_slot: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_again() {
        let report = SessionReport {
            session: "s".into(),
            serving: true,
            receipts: 3,
            greatest_sequence: Some(9),
            voucher_amount: 30,
            owed: 40,
            ends_slot: 1_000,
        };
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<SessionReport>(&text).unwrap(), report);
    }
}
