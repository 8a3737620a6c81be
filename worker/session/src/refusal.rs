//! Why a request has no reply.

use serde::{Deserialize, Serialize};

/// The body of every refusal, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalReply {
    /// Stable code, `N08..`.
    pub code: String,
    /// What was wrong, and what to do; begins with the code.
    pub message: String,
    /// The least amount of a voucher with which the same request would be answered, in base units of the payment mint; given
    /// where the voucher was too small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_said_only_where_it_is_known() {
        let mut refusal = RefusalReply { code: "N0801".into(), message: "N0801 x".into(), owed: None };
        let text = serde_json::to_string(&refusal).unwrap();
        assert_eq!(text, r#"{"code":"N0801","message":"N0801 x"}"#);
        assert_eq!(serde_json::from_str::<RefusalReply>(&text).unwrap(), refusal);
        refusal.owed = Some(30);
        assert!(serde_json::to_string(&refusal).unwrap().ends_with(r#","owed":30}"#));
    }
}
