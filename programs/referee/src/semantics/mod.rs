//! The scalar reference. This is the definition of every op; every other executor is compared with it.

mod contract;
mod dot;
mod element;
mod locate;
mod machine;
mod run;

pub use element::{EvaluateError, Fetch, evaluate, evaluate_output};
pub(crate) use element::{Work, evaluate_work, point_at};
pub use machine::{divide_unsigned, round_shift, square_root};
pub use run::{Run, RunError, Trace, run};
