//! Tools for AI agents over the Model Context Protocol: quote, post, watch, fetch, verify and explain jobs, within a budget.
//!
//! The rules that everything here keeps:
//!
//! * *Off by default.* Without a [`Spending`] there are only tools that read. With one, an agent spends out of one budget, as its
//!   agent and never as its owner, on clusters that were named, within the budget's limits on-chain and those given here.
//! * *Stateless.* Between two calls nothing is remembered but what is on the chain and in the folders that were named. A quote's id
//!   holds the number that the job will have and a hash of all its terms: what was quoted is what is posted, once.
//! * *What strangers wrote is data.* Endpoints, addresses of artifacts and messages from elsewhere come back in fields called
//!   `untrusted_text`, bounded and without invisible characters, and never in a description or a sentence of ours.
//! * *A folder is a fence.* Files are named relative to the folder that was given; nothing outside it can be read or written.
//!
//! From the bottom up: [`error`] and [`untrusted`], what tools say when they refuse and how strangers are quoted; [`folder`] and
//! [`cluster`], the fences; `market`, `offer` and `view`, pure; `purse`, what may be spent; `scratch`, where strangers'
//! artifacts lie while they are read; `context`, what all calls share; `tools`,
//! one file each; `server`.

pub mod cluster;
mod context;
pub mod error;
pub mod folder;
mod market;
mod offer;
mod purse;
mod scratch;
mod server;
mod tools;
pub mod untrusted;
mod view;

pub use cluster::AllowedCluster;
pub use context::{Limits, Options};
pub use error::Refusal;
pub use purse::Spending;
pub use server::{AgentServer, serve_stdio};
