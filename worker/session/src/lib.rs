//! What a client and the node of a session say to one another over HTTP.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/sessions/{session}/requests` | a frame: [`RequestHeader`], inputs bundle | a frame: [`ReplyHeader`], bytes of the output tensor |
//! | `GET /v1/sessions/{session}` | none | JSON: [`SessionReport`] |
//!
//! Strangers without a session learn what one costs, and pay, at `POST /v1/models/{graph root}/{params root}/requests`: [`x402`].
//!
//! A session is named by its address, base58. Every refusal is the JSON of a [`RefusalReply`], with a status that says whether
//! asking again can help: 402 wants a larger voucher, 429 and 503 a pause, everything else another request.
//!
//! Nothing of this binds anybody. What binds is in the messages that the program can read: the receipt, which the node's
//! operator signs, and the voucher, which the client's voucher key signs; `assay::session` has their bytes. A reply
//! carries the receipt as those bytes, so that what is checked, kept and called in is what was signed.

mod frame;
mod refusal;
mod reply;
mod report;
mod request;
pub mod x402;

pub use frame::{FrameError, LENGTH_BYTES, MAX_HEADER_BYTES, decode_header, encode_frame, header_bytes, split_frame};
pub use refusal::RefusalReply;
pub use reply::ReplyHeader;
pub use report::SessionReport;
pub use request::{RequestHeader, SignedVoucher};

/// Media type of a frame.
pub const FRAME_MEDIA_TYPE: &str = "application/octet-stream";

/// Where the requests of a session go, below the node's endpoint; `session` is its address, base58.
pub fn requests_path(session: &str) -> String {
    format!("/v1/sessions/{session}/requests")
}

/// Where a session's report is, below the node's endpoint; `session` is its address, base58.
pub fn report_path(session: &str) -> String {
    format!("/v1/sessions/{session}")
}
