//! Instructions of governance: changes that wait for their time, a guardian's pause, migrations, and fees that burn.

mod burn_fee;
mod close_proposal;
mod create_reward_pool;
mod execute_fee_withdrawal;
mod execute_mint_allowance;
mod execute_mint_change;
mod execute_network_change;
mod migrate_job;
mod migrate_network;
mod migrate_node;
mod pause_new_work;
mod propose_change;
mod support;
mod veto_proposal;
mod withdraw_proposal;

pub use burn_fee::*;
pub use close_proposal::*;
pub use create_reward_pool::*;
pub use execute_fee_withdrawal::*;
pub use execute_mint_allowance::*;
pub use execute_mint_change::*;
pub use execute_network_change::*;
pub use migrate_job::*;
pub use migrate_network::*;
pub use migrate_node::*;
pub use pause_new_work::*;
pub use propose_change::*;
pub use veto_proposal::*;
pub use withdraw_proposal::*;
