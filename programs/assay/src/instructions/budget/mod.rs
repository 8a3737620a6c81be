//! Instructions of budgets. Funding is a plain transfer of tokens to the budget's associated token account, and of lamports to
//! the budget.

mod accept_budget_result;
mod cancel_budget_job;
mod close_budget;
mod create_budget;
mod post_budget_job;
mod set_budget;
mod withdraw_budget;

pub use accept_budget_result::*;
pub use cancel_budget_job::*;
pub use close_budget::*;
pub use create_budget::*;
pub use post_budget_job::*;
pub use set_budget::*;
pub use withdraw_budget::*;
