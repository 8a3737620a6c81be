//! The rules of the market as pure functions: no accounts, no clock, no IO.
//!
//! Amounts, slots and shares are the newtypes of [`crate::units`]; every function is total and checked.

mod bond;
mod deadline;
mod output;
mod price;
mod settlement;
mod text;
pub mod unbonding;

pub use bond::{minimum_bond, BondRate};
pub use deadline::Deadline;
pub use output::OutputDescriptor;
pub use price::PriceRamp;
pub use settlement::{settle, Split};
pub use text::{is_endpoint, is_uri, MAXIMUM_ENDPOINT_BYTES, MAXIMUM_URI_BYTES};
pub use unbonding::{Unbonding, WithdrawalQueue, WITHDRAWAL_PLACES};
