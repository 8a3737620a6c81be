//! Lies are found, whatever is wrong and wherever; honest results are not.
#![cfg(any(debug_assertions, feature = "fault-injection"))]

mod bench;
mod descents;
mod faults;
mod freivalds;
mod honest;
