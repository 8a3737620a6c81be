//! The rules of sessions as pure functions: no accounts, no clock, no IO.
//!
//! A session keeps a model warm on one node. Its requests are answered off-chain, each with a [`Receipt`] that the node's
//! operator signs; the client pays by cumulative [`Voucher`]s. One transaction settles any number of requests, and every
//! receipt is as slashable as the result of a job: whoever holds one can call it in.
//!
//! * [`message`]: what operators and clients sign, byte by byte;
//! * [`table`]: the life of a session as a table of states and events.

pub mod message;
pub mod table;

pub use message::{Receipt, Voucher, RECEIPT_MESSAGE_BYTES, VOUCHER_MESSAGE_BYTES};
pub use table::{SessionEvent, SessionState};
