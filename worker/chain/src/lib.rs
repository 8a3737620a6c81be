//! Assay's chain client: everything that the node, the client and the command line need of Solana.
//!
//! From the bottom up, every module depending only on those before it:
//!
//! * [`error`], [`failure`], [`program_error`]: what can go wrong, with stable codes;
//! * [`clusters`]: the public clusters, by the hash of their first block;
//! * [`endpoint`], [`solana_config`], [`keys`], [`key_source`]: where the chain is and who signs, as the Solana CLI has it;
//! * [`traffic`], [`endpoints`]: several endpoints that stand in for one another, and what goes over them;
//! * [`chain`], [`accounts`], [`instructions`]: reading the chain and the program's accounts, building its instructions;
//! * [`governance`]: what is proposed, how to carry it out, how a fee leaves a job;
//! * [`delegation`]: stake that others lend to nodes;
//! * [`health`]: whether an endpoint is fit to be relied on;
//! * [`fees`]: what transactions pay for priority;
//! * [`sender`]: transactions that land at most once, with promises that survive a crash;
//! * [`offline`]: transactions that are signed on a machine without a network;
//! * [`receipts`]: what transactions did and cost, read back from the chain;
//! * [`watcher`]: the changes of jobs and nodes, none missed when a socket drops;
//! * [`follower`]: every account of the market, for whoever keeps its history;
//! * [`deploy`], [`migrations`]: bringing program and network into being and up to date.

pub mod accounts;
mod backoff;
pub mod chain;
pub mod clusters;
pub mod delegation;
pub mod deploy;
pub mod endpoint;
pub mod endpoints;
pub mod error;
pub mod failure;
pub mod fees;
pub mod follower;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod governance;
pub mod health;
pub mod instructions;
pub mod key_source;
pub mod keys;
pub mod migrations;
pub mod offline;
pub mod program_error;
pub mod receipts;
pub mod sender;
pub mod solana_config;
mod subscription;
pub mod traffic;
pub mod watcher;

pub use chain::Chain;
pub use endpoint::Endpoint;
pub use endpoints::{EndpointCondition, EndpointOptions, EndpointReport, EndpointSettings};
pub use error::{ChainError, Result};
pub use failure::TransactionFailure;
pub use fees::{FeeRule, FeeSettings, PriorityFee, Urgency};
pub use follower::{Follower, FollowerEvent, FollowerOptions};
pub use key_source::KeySource;
pub use keys::{read_keypair, read_or_create_keypair, write_keypair};
pub use receipts::Receipt;
pub use sender::{Landed, Outcome, SendOptions, Sender, SignedTransaction, read_transaction};
pub use solana_config::SolanaConfig;
pub use traffic::{Paid, Traffic};
pub use watcher::{Watcher, WatcherEvent, WatcherOptions};
