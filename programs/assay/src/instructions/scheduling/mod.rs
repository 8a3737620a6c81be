//! Instructions about who may claim: the register of weights, what nodes say of themselves, and the seed of a job.

mod create_stake_register;
mod seal_seed;
mod set_profile;
mod weigh_node;

pub use create_stake_register::*;
pub use seal_seed::*;
pub use set_profile::*;
pub use weigh_node::*;
