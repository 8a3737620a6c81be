//! The rules of budgets as pure functions: what an agent may post, and how much of it in a period.
//!
//! A budget is a vault that its owner fills and out of which another key, the agent, posts jobs within limits. The rules know
//! neither accounts nor the clock; [`crate::state::Budget`] keeps what they need.

mod limits;
mod period;

pub use limits::{BudgetLimits, Request, MAXIMUM_LISTED};
pub use period::Period;
