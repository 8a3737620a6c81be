//! What the stories are told with: a localnet and nodes as processes of their own, a client, servers that misbehave.
//!
//! All stories of one run share a localnet. Each has its own payment mint, which is the only one that its nodes accept,
//! so that stories told at the same time do not take each other's jobs.

mod binary;
mod node;
mod proxy;
mod server;
mod story;

pub use node::{NodeProcess, Placement};
pub use proxy::Proxy;
pub use server::{MisbehavingServer, Misbehaviour};
pub use story::{Accounts, Story};
