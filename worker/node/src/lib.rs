//! The node service: takes jobs, computes them, commits to the results, and is paid.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`], [`settings`] | what can be set; the settings of a running node, which can change |
//! | [`refusal`] | why a job is not taken |
//! | [`prepare`] | all that is checked before a bond is at risk |
//! | [`adapters`] | what computes, by the settings |
//! | [`engine`] | loaded models, queues, self-checks, fallback between adapters |
//! | [`schedule`] | which promised run comes when, and what fits into memory beside it: pure |
//! | `price` | what a job has to pay, and whose graphs are taken |
//! | [`estimate`] | how long a run will take |
//! | [`publish`] | results into the store |
//! | [`mirror`] | results once more into a bucket of the operator's |
//! | [`retention`] | which artifacts stay in it, and for how long |
//! | [`segments`] | the inside of committed results, signed, for whoever disputes them |
//! | [`sessions`] | models kept warm for one client each, whose requests are answered off-chain |
//! | [`journal`], [`totals`] | promises, on disk before the chain hears of them; sums over them |
//! | [`steps`] | what to do next: a pure function |
//! | [`turn`] | when a job may be claimed: another, of the program's own rules |
//! | [`market`], [`rpc`] | what the service needs of the chain; the same over RPC |
//! | [`breaker`] | when the node stops claiming by itself, and when it goes on |
//! | [`board`], [`slot_clock`] | what the watcher saw, and bells that wake drivers |
//! | [`driver`] | one job from first sight to its end |
//! | `drivers`, `candidates` | which of them are at work, and who takes over from one that dies |
//! | [`presence`] | heartbeats, and what the node says of itself |
//! | [`defence`] | answering challenges, and lamports for it |
//! | [`leaving`] | how a node leaves for good, and what holds it |
//! | [`service`] | all of it under one roof, with draining |
//! | [`status`], [`metrics`] | what a running node says of itself; the same as numbers for Prometheus |
//! | [`meter`] | what is counted and timed meanwhile |
//! | [`readiness`] | whether it takes jobs, or exactly why not |
//! | [`doctor`], [`identity`] | whether the node is fit to run; whether it is this node that answers at an address |
//! | [`benchmark`] | how fast this machine is, and what it may promise |
//! | [`start`] | from settings to a running service |
//! | [`failpoint`] | where tests make the process die |
//! | `fault` | wrong results and silence on purpose, in development builds alone |
//!
//! # What an operator can rely on
//!
//! * Nothing is claimed before every artifact of the job is here, hashed and checked, the model is loaded, and the run is
//!   thought to end before its deadline, behind and before what is promised already, without making any of that late.
//! * Nothing is claimed for whose model, run and result there is no memory beside what is promised; all of it is held from
//!   then on until the result is stored.
//! * A transaction is written to the journal before it is sent. It is signed anew only after the chain has refused it or
//!   its blockhash has expired, so that no promise is made twice.
//! * A result is on disk before the commitment to it is signed; a restart commits to it without computing again.
//! * Deadlines are compared with the slot of the very answer that showed the job, so that an endpoint that lags or
//!   announces wrong slots makes the node wait, and never makes it give up a claim.
//! * Nothing is claimed while the breaker is open, and what was promised is kept all the same.
//! * Nothing is claimed that the operator key's lamports could not defend beside what is open.
//! * A receipt is in the journal, with its inputs and the client's promise to pay, before it is signed, and no second one
//!   of its sequence ever is.
//! * The chain is the truth: a job that is this node's on-chain is worked on whatever the journal says.
//! * Passing trouble (network, disk, locked stake) is waited out until nobody can claim the job any more; everything
//!   else ends in a record with a stable code.

pub mod adapters;
pub mod benchmark;
pub mod board;
pub mod breaker;
mod candidates;
pub mod config;
pub mod defence;
pub mod doctor;
pub mod driver;
mod drivers;
pub mod engine;
pub mod estimate;
pub mod failpoint;
#[cfg(debug_assertions)]
pub mod fault;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod identity;
pub mod journal;
pub mod leaving;
pub mod market;
pub mod meter;
pub mod metrics;
pub mod mirror;
pub mod prepare;
pub mod presence;
mod price;
pub mod publish;
mod rate;
pub mod readiness;
pub mod refusal;
pub mod retention;
mod roots;
pub mod rpc;
pub mod schedule;
pub mod segments;
pub mod service;
pub mod sessions;
pub mod settings;
pub mod slot_clock;
pub mod start;
pub mod status;
pub mod steps;
pub mod totals;
pub mod turn;
pub mod urgency;
