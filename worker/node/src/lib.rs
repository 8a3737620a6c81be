//! The node service: takes jobs, computes them, commits to the results, and is paid.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | settings |
//! | [`refusal`] | why a job is not taken |
//! | [`prepare`] | all that is checked before a bond is at risk |
//! | [`engine`] | loaded models, self-checks, fallback between backends |
//! | [`publish`] | results into the store |
//! | [`journal`] | promises, on disk before the chain hears of them |
//! | [`steps`] | what to do next: a pure function |
//! | [`market`] | what the service needs of the chain |
//! | [`driver`] | one job from first sight to its end |
//! | [`service`] | all of it under one roof, with draining |
//! | [`status`] | what a running node says of itself |

pub mod board;
pub mod config;
pub mod driver;
pub mod engine;
mod failpoint;
pub mod journal;
pub mod market;
pub mod prepare;
pub mod publish;
pub mod refusal;
pub mod rpc;
pub mod service;
pub mod start;
pub mod status;
pub mod steps;
