//! The accounts of the program: what they hold, what may change together, and what must always be true of them.
//!
//! Every account starts with its discriminator (8 bytes), `version` and `bump`, and holds its own bump so that nothing is
//! searched on-chain. `invariant()` is called at the end of each handler that wrote the account.

mod attestation;
mod audit_parameters;
mod budget;
mod buffer;
mod challenge;
mod client;
mod delegation;
mod delegation_pool;
mod demand;
mod job;
mod job_audit;
mod network;
mod node;
mod parameters;
mod payment_mint;
mod scheduling_parameters;
mod segment_claim;
mod session;
mod stake_register;
mod validator;
mod versioned;

mod first_layout;
mod proposal;
mod reward_pool;

pub use attestation::Attestation;
pub use audit_parameters::{audit_limits, AuditParameters};
pub use budget::Budget;
pub use buffer::Buffer;
pub use challenge::Challenge;
pub use client::Client;
pub use delegation::Delegation;
pub use delegation_pool::{DelegationPool, RewardPlace, RewardTarget, REWARD_PLACES};
pub use demand::{Demand, DemandKey, DemandState, DemandTree, TreeFacts};
pub use job::{CommittedResult, Credits, DisputeRecord, DisputeTerms, Fault, Job, JobNode};
pub use job_audit::JobAudit;
pub use network::Network;
pub use node::{Conviction, Life, Node, NodeDelegation, Profile};
pub use parameters::{limits, DisputeParameters, Parameters};
pub use payment_mint::PaymentMint;
pub use scheduling_parameters::{scheduling_limits, SchedulingParameters};
pub use segment_claim::SegmentClaim;
pub use session::{Session, SessionCredits};
pub use stake_register::StakeRegister;
pub use validator::Validator;

pub use first_layout::{FirstJob, FirstNetwork, FirstNode};
pub use proposal::{Change, Proposal};
pub use reward_pool::RewardPool;

use crate::error::{AssayError, Checked};

/// `UnsupportedAccountVersion` unless `found` is the version that this program writes.
fn check_version(found: u8, written: u8) -> Checked {
    if found == written {
        Ok(())
    } else {
        Err(AssayError::UnsupportedAccountVersion)
    }
}

/// `InvariantBroken` unless `holds`.
fn check_invariant(holds: bool) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(AssayError::InvariantBroken)
    }
}
