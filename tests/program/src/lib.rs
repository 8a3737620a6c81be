//! A chain in the process with the compiled program on it, for tests that speak to the program as its users do.
//!
//! * [`program`]: finds the compiled program; without it nothing runs, and the panic says what to build;
//! * [`outcome`]: what a transaction did, or why it was refused, with events read back;
//! * [`tokens`]: mints and token accounts of both token programs;
//! * [`world`]: a network with clients, nodes and mints, and typed calls of every instruction;
//! * [`calls`]: the accounts of every instruction, as a well-behaved caller passes them;
//! * [`audits`]: validators, their chains of seeds, and the calls that they make;
//! * [`budgets`]: budgets out of which agents post;
//! * [`chain`]: sends them, and replaces each account by wrong ones;
//! * [`delegation_calls`]: delegated stake;
//! * [`dispute_calls`]: the same for disputes;
//! * [`first_layout`]: the market that the first program left on a chain;
//! * [`governance_calls`]: proposals and how they are carried out, pauses, migrations, fees that burn;
//! * [`filings`]: filings that an output is unavailable;
//! * [`scheduling_calls`]: who may claim, and the calls that decide it;
//! * [`session_calls`]: sessions, their vouchers and receipts;
//! * [`trial`]: a job with a real graph, results that are wrong in chosen places, and what challengers do about it;
//! * [`terms`]: jobs as they are posted, and results as they are committed.

// What goes wrong in a test panics with its reason.
#![allow(clippy::missing_panics_doc)]

pub mod audits;
pub mod budgets;
pub mod calls;
pub mod chain;
pub mod delegation_calls;
pub mod dispute_calls;
pub mod filings;
pub mod first_layout;
pub mod governance_calls;
pub mod outcome;
pub mod program;
pub mod scheduling_calls;
pub mod session_calls;
pub mod terms;
pub mod tokens;
pub mod trial;
pub mod world;

pub use calls::Call;
pub use outcome::{Outcome, Refusal, Why};
pub use session_calls::{Session, session_terms};
pub use terms::ComputedResult;
pub use tokens::Mint;
pub use trial::{Case, Trial};
pub use world::{Job, Node, World};
