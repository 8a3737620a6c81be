//! Why a request of a session has no reply, by stable codes.
//!
//! | code | status | meaning |
//! |---|---|---|
//! | N0801 | 400 | the path is not one of a session |
//! | N0802 | 404 | this node serves no such session |
//! | N0803 | 410 | the session is over |
//! | N0804 | 429 | too many requests of this address at a time, or too many repeated ones a minute |
//! | N0805 | 429 | too many requests of this session at a time |
//! | N0806 | 400 | the request is malformed |
//! | N0807 | 413 | the request is larger than any of this session |
//! | N0808 | 408 | the request did not arrive in time |
//! | N0809 | 403 | the voucher is not signed by the session's voucher key |
//! | N0810 | 402 | the voucher does not cover this request; `owed` says what would |
//! | N0811 | 410 | the session's balance is used up |
//! | N0812 | 409 | the sequence was used with other symbols or inputs |
//! | N0813 | 409 | a request with this sequence is computed at present |
//! | N0814 | 503 | the node cannot compute at present |
//! | N0815 | 500 | computed again, the request has another result; nothing is signed |
//! | N0816 | 503 | the node is shutting down, or was convicted |
//! | N0817 | 503 | the node keeps as many inputs as it may |

use super::ledger::NotBegun;
use crate::journal::JournalError;
use assay_session::RefusalReply;
use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// When to ask again for what passes.
const RETRY_SECONDS: u64 = 1;

/// Why a request has no reply. Nothing of what others sent is repeated in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Path,
    Unknown,
    Over,
    AddressBusy(Duration),
    SessionBusy,
    Malformed(String),
    TooLarge(u64),
    TooSlow,
    Voucher,
    Owed(u64),
    Exhausted,
    OtherInputs,
    AtWork,
    Unavailable(String),
    OtherResult,
    Closing,
    Full,
}

impl From<NotBegun> for Refused {
    fn from(reason: NotBegun) -> Self {
        match reason {
            NotBegun::Owed(amount) => Self::Owed(amount),
            NotBegun::AtWork => Self::AtWork,
        }
    }
}

impl From<JournalError> for Refused {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Path | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Over | Self::Exhausted => StatusCode::GONE,
            Self::AddressBusy(_) | Self::SessionBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Voucher => StatusCode::FORBIDDEN,
            Self::Owed(_) => StatusCode::PAYMENT_REQUIRED,
            Self::OtherInputs | Self::AtWork => StatusCode::CONFLICT,
            Self::OtherResult => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::Closing | Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code, and what is wrong with what to do about it.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Path => ("N0801", "the path is /v1/sessions/{address of the session}[/requests]".into()),
            Self::Unknown => (
                "N0802",
                "this node serves no such session; ask the node that the session names, once it has accepted".into(),
            ),
            Self::Over => ("N0803", "the session is over; open another one".into()),
            Self::AddressBusy(_) => ("N0804", "too many requests of this address; ask again later".into()),
            Self::SessionBusy => ("N0805", "too many requests of this session at a time; ask again later".into()),
            Self::Malformed(reason) => ("N0806", format!("the request is malformed: {reason}")),
            Self::TooLarge(most) => {
                ("N0807", format!("a request of this session has at most {most} bytes, and says how many; send less"))
            }
            Self::TooSlow => ("N0808", "the request did not arrive in time; send it faster".into()),
            Self::Voucher => (
                "N0809",
                "the voucher is not signed by the session's voucher key for this session; sign it anew".into(),
            ),
            Self::Owed(amount) => {
                ("N0810", format!("the voucher does not cover this request; sign one of {amount} or more"))
            }
            Self::Exhausted => {
                ("N0811", "the session's balance does not cover this voucher; open another session".into())
            }
            Self::OtherInputs => {
                ("N0812", "the sequence was used with other symbols or inputs; take the next one".into())
            }
            Self::AtWork => ("N0813", "a request with this sequence is computed at present; ask again".into()),
            // What went wrong inside is nothing for strangers.
            Self::Unavailable(_) => {
                ("N0814", "the node cannot compute at present; ask again, or use another node".into())
            }
            Self::OtherResult => {
                ("N0815", "computed again, the request has another result: nothing is signed; use another node".into())
            }
            Self::Closing => ("N0816", "the node takes no requests at present; ask again later".into()),
            Self::Full => {
                ("N0817", "the node keeps as many inputs as it may; ask again later, or use another node".into())
            }
        }
    }

    /// The same as one text, which begins with the code.
    pub(super) fn message(&self) -> String {
        let (code, words) = self.words();
        format!("{code} {words}")
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::AddressBusy(wait) => Some(wait.as_secs().saturating_add(1)),
            Self::SessionBusy | Self::AtWork | Self::Unavailable(_) | Self::Closing => Some(RETRY_SECONDS),
            _ => None,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, _) = self.words();
        if let Self::Unavailable(reason) = &self {
            tracing::warn!(code, reason, "a request of a session cannot be answered");
        }
        let owed = if let Self::Owed(amount) = self { Some(amount) } else { None };
        let reply = RefusalReply { code: code.to_owned(), message: self.message(), owed };
        refusal(self.status(), reply, self.retry_after_seconds())
    }
}

/// A refusal as a response, which nobody may keep.
pub(super) fn refusal(status: StatusCode, reply: RefusalReply, retry_after_seconds: Option<u64>) -> Response {
    let mut response = (status, [(CACHE_CONTROL, "no-store")], Json(reply)).into_response();
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_a_status_that_says_what_helps() {
        let all = [
            (Refused::Path, 400),
            (Refused::Unknown, 404),
            (Refused::Over, 410),
            (Refused::AddressBusy(Duration::ZERO), 429),
            (Refused::SessionBusy, 429),
            (Refused::Malformed("x".into()), 400),
            (Refused::TooLarge(1), 413),
            (Refused::TooSlow, 408),
            (Refused::Voucher, 403),
            (Refused::Owed(1), 402),
            (Refused::Exhausted, 410),
            (Refused::OtherInputs, 409),
            (Refused::AtWork, 409),
            (Refused::Unavailable("x".into()), 503),
            (Refused::OtherResult, 500),
            (Refused::Closing, 503),
            (Refused::Full, 503),
        ];
        let mut codes: Vec<&str> = all.iter().map(|(refused, _)| refused.words().0).collect();
        for (refused, status) in &all {
            assert_eq!(refused.status().as_u16(), *status, "{refused:?}");
        }
        codes.dedup();
        assert_eq!(codes.len(), all.len());
        assert!(!Refused::Unavailable("secret".into()).words().1.contains("secret"));
    }
}
