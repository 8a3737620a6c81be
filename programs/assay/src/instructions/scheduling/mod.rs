//! Instructions about who may claim: the register of weights, what nodes say of themselves, signs of life, the seed of a job,
//! and what a conviction costs in company.

mod announce_maintenance;
mod charge_correlation;
mod create_stake_register;
mod heartbeat;
mod seal_seed;
mod set_profile;
mod weigh_node;

pub use announce_maintenance::*;
pub use charge_correlation::*;
pub use create_stake_register::*;
pub use heartbeat::*;
pub use seal_seed::*;
pub use set_profile::*;
pub use weigh_node::*;
