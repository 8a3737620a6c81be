//! Why a request that pays for itself, or should, has no answer, by stable codes. What is refused after a payment was taken is
//! refused by the codes of sessions.
//!
//! | code | status | meaning |
//! |---|---|---|
//! | N0821 | 404 | this node offers no such model |
//! | N0822 | 402 | a payment is required; the offer says which |
//! | N0823 | 400 | the header is not a payment of x402, version 2, in this scheme |
//! | N0824 | 402 | what the payment accepts is not offered (any more) |
//! | N0825 | 402 | the payment is not what it says it accepts; it was not sent |
//! | N0826 | 429 | too many payments of this address a minute; nothing was sent |
//! | N0827 | 503 | the node could not accept a session at present; nothing was sent |
//! | N0828 | 402 | the chain refused the transaction; nothing was paid |
//! | N0829 | 402 | the transaction's blockhash is too old, or of another chain; nothing was paid by it |
//! | N0830 | 503 | the payment is not confirmed yet, or the session not accepted: send the same again |
//! | N0831 | 409 | the session was opened, and the node does not accept it: take the balance back |
//! | N0832 | 410 | the session that the payment opened is over |
//! | N0833 | 409 | another payment that opens the same session is under way |
//! | N0834 | 404 | the node serves no such session of this model |

use crate::refusal::Refusal;
use crate::sessions::refused::refusal;
use assay_session::RefusalReply;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// When to send the same again, in seconds.
const RETRY_SECONDS: u64 = 1;
/// The same where a place, stake or lamports have to become free first.
const RETRY_LATER_SECONDS: u64 = 30;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PaymentRefused {
    NotOffered,
    Required,
    Malformed { error_reason: &'static str, reason: String },
    OtherOffer,
    OtherPayment(String),
    TooMany(Duration),
    Unable(String),
    Failed { code: String, reason: String },
    Expired,
    Pending,
    NotAccepted(Refusal),
    Over,
    UnderWay,
    UnknownSession,
}

impl PaymentRefused {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotOffered | Self::UnknownSession => StatusCode::NOT_FOUND,
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::Required | Self::OtherOffer | Self::OtherPayment(_) | Self::Failed { .. } | Self::Expired => {
                StatusCode::PAYMENT_REQUIRED
            }
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unable(_) | Self::Pending => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAccepted(_) | Self::UnderWay => StatusCode::CONFLICT,
            Self::Over => StatusCode::GONE,
        }
    }

    /// Whether the offer belongs into the answer.
    pub(super) fn wants_payment(&self) -> bool {
        self.status() == StatusCode::PAYMENT_REQUIRED
    }

    /// What x402 calls it, where a payment was sent; the names that x402 has not are of this scheme.
    pub(super) fn error_reason(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotOffered | Self::Required => return None,
            Self::Malformed { error_reason, .. } => error_reason,
            Self::OtherOffer => "invalid_payment_requirements",
            Self::OtherPayment(_) => "invalid_payload",
            Self::TooMany(_) => "assay_session_too_many_payments",
            Self::Unable(_) => "assay_session_unavailable",
            Self::Failed { .. } | Self::Expired => "invalid_transaction_state",
            Self::Pending => "settlement_pending",
            Self::NotAccepted(_) => "assay_session_not_accepted",
            Self::Over => "assay_session_over",
            Self::UnderWay => "assay_session_under_way",
            Self::UnknownSession => "assay_session_unknown",
        })
    }

    /// The code, and what is wrong with what to do about it.
    pub(super) fn words(&self) -> (&'static str, String) {
        match self {
            Self::NotOffered => ("N0821", "this node offers no such model; GET /v1/models lists what it offers".into()),
            Self::Required => {
                ("N0822", "a payment is required: send the same request with a PAYMENT-SIGNATURE header".into())
            }
            Self::Malformed { reason, .. } => ("N0823", format!("the PAYMENT-SIGNATURE header is malformed: {reason}")),
            Self::OtherOffer => {
                ("N0824", "what the payment accepts is not what is offered; accept what the header offers now".into())
            }
            Self::OtherPayment(reason) => {
                ("N0825", format!("the payment is not what it accepts, and was not sent: {reason}; sign it anew"))
            }
            Self::TooMany(_) => {
                ("N0826", "too many payments of this address; nothing was sent; send it again later".into())
            }
            Self::Unable(reason) => (
                "N0827",
                format!("the node could accept no session at present ({reason}); nothing was sent; use another node, or try later"),
            ),
            Self::Failed { code, reason } => {
                ("N0828", format!("the chain refused the transaction, and nothing was paid: {code} {reason}"))
            }
            Self::Expired => (
                "N0829",
                "the transaction's blockhash is too old, or of another chain: sign the same with a new one".into(),
            ),
            Self::Pending => (
                "N0830",
                "the payment is not confirmed, or its session not accepted yet: send the same again; what nobody accepts can be cancelled".into(),
            ),
            Self::NotAccepted(refusal) => (
                "N0831",
                format!("the session is open and this node does not accept it: {refusal}; cancel it to have the balance back"),
            ),
            Self::Over => ("N0832", "the session that the payment opened is over; pay for another one".into()),
            Self::UnderWay => (
                "N0833",
                "another payment that opens the same session is under way; send that one again".into(),
            ),
            Self::UnknownSession => {
                ("N0834", "this node serves no such session of this model; pay for another one".into())
            }
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_secs().saturating_add(1)),
            Self::Unable(_) => Some(RETRY_LATER_SECONDS),
            Self::Pending => Some(RETRY_SECONDS),
            _ => None,
        }
    }
}

impl IntoResponse for PaymentRefused {
    fn into_response(self) -> Response {
        let (code, words) = self.words();
        let reply = RefusalReply { code: code.to_owned(), message: format!("{code} {words}"), owed: None };
        refusal(self.status(), reply, self.retry_after_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_a_status_that_says_what_helps() {
        let refusal = Refusal::new("N0219", "x", "y");
        let all = [
            (PaymentRefused::NotOffered, 404),
            (PaymentRefused::Required, 402),
            (PaymentRefused::Malformed { error_reason: "invalid_payload", reason: "x".into() }, 400),
            (PaymentRefused::OtherOffer, 402),
            (PaymentRefused::OtherPayment("x".into()), 402),
            (PaymentRefused::TooMany(Duration::ZERO), 429),
            (PaymentRefused::Unable("x".into()), 503),
            (PaymentRefused::Failed { code: "P6000".into(), reason: "x".into() }, 402),
            (PaymentRefused::Expired, 402),
            (PaymentRefused::Pending, 503),
            (PaymentRefused::NotAccepted(refusal), 409),
            (PaymentRefused::Over, 410),
            (PaymentRefused::UnderWay, 409),
            (PaymentRefused::UnknownSession, 404),
        ];
        let codes: HashSet<&str> = all.iter().map(|(refused, _)| refused.words().0).collect();
        assert_eq!(codes.len(), all.len());
        for (refused, status) in all {
            assert_eq!(refused.status().as_u16(), status, "{refused:?}");
            assert_eq!(refused.wants_payment(), status == 402, "{refused:?}");
            let pauses = refused.retry_after_seconds().is_some();
            assert_eq!(pauses, matches!(status, 429 | 503), "{refused:?}");
        }
    }
}
