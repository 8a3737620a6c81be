//! A local chain inside this process: a real RPC and websocket endpoint, real programs, no download, ready in a second.
//!
//! * [`Localnet`] starts and stops it;
//! * [`faucet`] gives lamports and lets time pass, which only a local chain can;
//! * [`market`] makes it a market: program deployed by loader transactions, network initialised, mints, funded keys.

mod error;
pub mod faucet;
mod localnet;
pub mod market;

pub use error::{LocalnetError, Result};
pub use faucet::{fund, travel_to_slot};
pub use localnet::{Localnet, LocalnetOptions};
pub use market::{Market, MarketOptions, set_up_market};
