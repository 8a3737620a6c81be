//! Payment by `402`: how a stranger without a session learns what one costs, and pays for it with the request itself.
//!
//! | request | header | answer |
//! |---|---|---|
//! | `GET /v1/models` | none | JSON: [`ModelList`] |
//! | `POST /v1/models/{graph root}/{params root}/requests` | none | 402 with [`PAYMENT_REQUIRED`]: a [`PaymentRequired`] |
//! | the same | [`PAYMENT_SIGNATURE`]: a [`PaymentPayload`] | the frame of a reply, with [`PAYMENT_RESPONSE`]: a [`SettlementResponse`] |
//!
//! Messages and headers are those of x402, version 2; the scheme is this project's own, [`SCHEME`], and is written down in
//! `worker/session/X402.md`. The body of a request, a frame of [`WorkHeader`] and inputs, has nothing of a payment in it: whoever was
//! answered 402 sends the same request again with one header more.

mod decimal;
mod header;
mod message;
mod models;
mod scheme;

pub use header::{
    MAX_PAYMENT_BYTES, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, PaymentHeaderError, decode_payment,
    encode_payment,
};
pub use message::{
    PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo, SettlementResponse, X402_VERSION,
};
pub use models::{ListedModel, MODELS_PATH, ModelList, WorkHeader, model_path};
pub use scheme::{
    OpenPayload, OpenTerms, PaymentVoucher, SCHEME, SessionPayload, SettledSession, Step, VoucherPayload, VoucherTerms,
    network_of,
};
