//! The rules of a fair market as pure functions: no accounts, no clock, no IO. The program, the worker and the simulator
//! (`cargo xtask simulate`) run the same ones.
//!
//! * [`error`]: every way in which these rules refuse;
//! * [`weight`]: what a node weighs, and what it weighed at the end of an epoch;
//! * [`seed`]: the slot hash that decides about a job;
//! * [`sortition`]: who may claim a job, and from when on;
//! * [`filter`]: which nodes a client wants;
//! * [`reputation`]: what a node's work says about it;
//! * [`endings`]: every ending of a job, whose fault it was, and what follows;
//! * [`ladder`], [`maintenance`], [`standing`]: misses, jail, declared absence, and whether a node may claim at all;
//! * [`lateness`]: what a late result earns;
//! * [`correlation`]: what many convictions in a short time cost each of them;
//! * [`emission`]: what the reward pool adds to work;
//! * [`delegation`], [`loss`]: stake that others lend to a node, and what slashes take of it;
//! * [`commission`], [`reward_share`]: what the node keeps of their share, and what each of them has earned.
//!
//! All arithmetic is in integers and rounds as each function says; sums that do not fit are errors. Whatever a node reports
//! about itself (heartbeats, maintenance) changes its reputation and when it may claim again, never what it owes.

pub mod commission;
pub mod correlation;
pub mod delegation;
pub mod emission;
pub mod endings;
pub mod error;
pub mod filter;
pub mod ladder;
pub mod lateness;
pub mod loss;
pub mod maintenance;
mod ratio;
pub mod reputation;
pub mod reward_share;
pub mod seed;
pub mod sortition;
pub mod standing;
pub mod weight;

pub use error::{FairnessError, Ruled};
