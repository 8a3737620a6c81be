//! From the files in `migrations/` to the chain: what should be, what is, and the difference.
//!
//! The files say what the deployed program and the network should look like, not what to do. They are read in the order
//! of their numbers, a later one overriding an earlier one. [`plan`] compares with the chain and changes nothing;
//! [`apply`] does what the plan says. Where everything is as it should be, the plan is empty, so running again is safe.

mod apply;
mod desired;
mod plan;

pub use apply::{Credentials, Step, apply, migrate_accounts};
pub use desired::{Desired, DesiredGovernance, DesiredMint, Variables};
pub use plan::{Action, Plan, plan};
