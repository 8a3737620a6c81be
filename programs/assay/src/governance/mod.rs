//! The rules of governance as pure functions: how long a change waits, and how long a guardian may hold up new work.

mod pause;
mod timelock;

pub use pause::{Pause, MAXIMUM_PAUSE_SLOTS, MINIMUM_COOL_DOWN_SLOTS};
pub use timelock::{check_timelock, timelock_limits, Schedule, EXECUTION_SLOTS};
