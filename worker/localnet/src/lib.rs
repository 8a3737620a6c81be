//! A Solana endpoint inside this process: JSON-RPC and websocket on loopback, blocks by the clock, no network.
//!
//! [`Localnet`] is the bare chain. [`Town`] is what people want of it: mints, funded keys, and (by the migrations) the
//! program deployed through real loader transactions and the network initialised.

mod endpoint;
mod error;
mod town;

pub use endpoint::{Localnet, LocalnetOptions};
pub use error::LocalnetError;
pub use town::{Funding, Town, create_mint, fund, mint_to};
