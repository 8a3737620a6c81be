//! The history of the market: follows the program's accounts into an embedded database and serves it, read only.
//!
//! From the bottom up, every module depending only on those before it:
//!
//! * [`error`]: what can go wrong, with stable codes;
//! * [`shape`]: what is kept and served, in one place;
//! * [`fold`]: two states of an account to the records of what happened between them, pure;
//! * [`history`]: the database: states, records, lists and totals, changed together or not at all;
//! * `server`: HTTP and server-sent events;
//! * [`service`]: all of it under one roof.
//!
//! Accounts are the truth: nothing is taken from logs or transactions, so that a gap is healed by reading accounts again. What an
//! account says of its past (when a job was posted, claimed and committed) is recorded as of then, however late it is seen; what it
//! does not say is recorded as of the slot at which it was seen, and marked so.

pub mod error;
pub mod fold;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod history;
mod server;
pub mod service;
pub mod shape;

pub use error::IndexError;
pub use history::History;
pub use service::{Index, IndexOptions};
