//! The rules of a fair market as pure functions: no accounts, no clock, no IO. The program, the worker and the simulator
//! (`cargo xtask simulate`) run the same ones.
//!
//! * [`error`]: every way in which these rules refuse;
//! * [`weight`]: what a node weighs, and what it weighed at the end of an epoch;
//! * [`seed`]: the slot hash that decides about a job;
//! * [`sortition`]: who may claim a job, and from when on;
//! * [`filter`]: which nodes a client wants;
//! * [`reputation`]: what a node's work says about it;
//!
//! All arithmetic is in integers and rounds as each function says; sums that do not fit are errors. Whatever a node reports
//! about itself (heartbeats, maintenance) changes its reputation and when it may claim again, never what it owes.

pub mod error;
pub mod filter;
mod ratio;
pub mod reputation;
pub mod seed;
pub mod sortition;
pub mod weight;

pub use error::{FairnessError, Ruled};
