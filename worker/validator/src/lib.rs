//! The validator service: replays results, challenges those that are wrong, answers openings for others.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`], [`budget`] | settings; what disputes may cost |
//! | [`journal`] | what was found, sealed and spent, on disk before the chain hears of it |
//! | [`equivocation`] | signed roots of segments that were seen, and two of one segment |
//! | [`evidence`] | a job replayed, what the node says, what is wrong, and its proof |
//! | [`docket`], [`reading`] | the accounts of one dispute at one slot; the same over RPC |
//! | [`rules`] | which moves are legal: a pure function, asked before any fee is paid |
//! | [`steps`] | what to do next: a pure function |
//! | [`act`] | moves as instructions, as few transactions as they fit into |
//! | [`driver`] | one job from first sight to its end |
//! | [`duties`] | seeds, draws, attestations and fees of paid audits |
//! | `vigil` | wakes the driver of a job when a root of one of its segments is recorded |
//! | `tidying` | what the store keeps, and for how long |
//! | `defender` | answers and posted roots for nodes whose results are right |
//! | [`board`], [`service`], [`status`], [`start`] | all of it under one roof |
//! | [`meter`], [`metrics`], [`readiness`] | what is timed; numbers for Prometheus; whether it takes disputes on, or why not |
//! | [`watching`] | mode `watch`: open results, challenges, clocks and alerts |
//! | [`failpoint`] | where tests make the process die |
//!
//! # What an operator can rely on
//!
//! * Nothing is challenged that cannot be proved: a proof is built and judged here, by the very code that runs on-chain,
//!   before a bond is at risk. Where a node withholds what a proof needs, the replay itself says that the committed root is
//!   wrong, and the openings are forced.
//! * The salt of a challenge is on disk before the challenge is on the chain, and every transaction is on disk, signed,
//!   before it is sent: a validator that is killed goes on where it was.
//! * Bonds and fees stay within the budget. What a dispute may cost is reserved before it begins.
//! * The chain is the truth: every step is decided from accounts that were just read.

pub mod act;
pub mod board;
pub mod budget;
pub mod config;
mod defender;
pub mod docket;
pub mod driver;
pub mod duties;
pub mod equivocation;
pub mod evidence;
pub mod failpoint;
pub mod journal;
pub mod meter;
pub mod metrics;
pub mod readiness;
pub mod reading;
pub mod rules;
pub mod service;
pub mod start;
pub mod status;
pub mod steps;
mod tidying;
mod vigil;
pub mod watching;
