//! One instruction a file.
//!
//! Each file reads from top to bottom as the rule book: who may call, from which state, with which effects; the arguments;
//! the accounts, whose constraints prove that each is the one meant; `validate`, which checks permission, state and
//! deadlines and only reads; and `handle`: the transition, then tokens, then the invariant, then the event.
//!
//! How an account is proved to be the one meant: its owner and discriminator say that the program created it, which it does
//! only at the address that the seeds give, so the account is what it says; then `has_one`, `address` or `validate` ties it
//! to the others. The network has one constant address. Vaults are recorded by address when they are created. Nothing is
//! derived a second time: that costs 1,500 compute units an account and proves nothing more.

mod accept_authority;
mod audit;
mod budget;
mod cancel_job;
mod cancel_withdrawal;
mod claim_job;
mod close_job;
mod commit_result;
mod delegation;
mod deregister_node;
mod dispute;
mod expire_claim;
mod expire_job;
mod finalise_job;
mod governance;
mod initialize_network;
mod post_job;
mod propose_authority;
mod register_node;
mod request_withdrawal;
mod scheduling;
mod session;
mod stake;
mod sweep_fee;
mod update_node;
mod withdraw_charge;
mod withdraw_credit;
mod withdraw_stake;

pub use accept_authority::*;
pub use audit::*;
pub use budget::*;
pub use cancel_job::*;
pub use cancel_withdrawal::*;
pub use claim_job::*;
pub use close_job::*;
pub use commit_result::*;
pub use delegation::*;
pub use deregister_node::*;
pub use dispute::*;
pub use expire_claim::*;
pub use expire_job::*;
pub use finalise_job::*;
pub use governance::*;
pub use initialize_network::*;
pub use post_job::*;
pub use propose_authority::*;
pub use register_node::*;
pub use request_withdrawal::*;
pub use scheduling::*;
pub use session::*;
pub use stake::*;
pub use sweep_fee::*;
pub use update_node::*;
pub use withdraw_charge::*;
pub use withdraw_credit::*;
pub use withdraw_stake::*;
