//! Instructions of validators and of delivery.

mod accept_result;
mod attest;
mod collect_attestation;
mod commit_chain;
mod deregister_validator;
mod end_filing;
mod file_unavailable;
mod register_validator;
mod request_validator_withdrawal;
mod reveal_seed;
mod settle_attestation;
mod stake_validator;
mod update_validator;
mod withdraw_validator_stake;

pub(super) use accept_result::accept;
pub use accept_result::*;
pub use attest::*;
pub use collect_attestation::*;
pub use commit_chain::*;
pub use deregister_validator::*;
pub use end_filing::*;
pub use file_unavailable::*;
pub use register_validator::*;
pub use request_validator_withdrawal::*;
pub use reveal_seed::*;
pub use settle_attestation::*;
pub use stake_validator::*;
pub use update_validator::*;
pub use withdraw_validator_stake::*;
