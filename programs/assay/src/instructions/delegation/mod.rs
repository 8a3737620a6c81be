//! Instructions about stake that others lend to a node: the pool, the delegations, slashes, and the delegators' share of fees.
//!
//! What an owner delegated leaves by the owner's signature alone: no key of the node, nor that it is there at all, is needed. What
//! has unbonded, and what was earned, anybody can pay out to the owner's own account.

mod add_reward_mint;
mod close_delegation;
mod close_delegation_pool;
mod collect_delegation_reward;
mod delegate;
mod open_delegation_pool;
mod remove_reward_mint;
mod set_commission;
mod settle_delegation_slash;
mod undelegate;
mod withdraw_delegation;
mod withdraw_delegation_reward;

pub use add_reward_mint::*;
pub use close_delegation::*;
pub use close_delegation_pool::*;
pub use collect_delegation_reward::*;
pub use delegate::*;
pub use open_delegation_pool::*;
pub use remove_reward_mint::*;
pub use set_commission::*;
pub use settle_delegation_slash::*;
pub use undelegate::*;
pub use withdraw_delegation::*;
pub use withdraw_delegation_reward::*;
