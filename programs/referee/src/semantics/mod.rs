//! The scalar reference. This is the definition of every op; every other executor is compared with it.

mod element;
mod machine;
mod run;

pub use element::{EvaluateError, Fetch, evaluate, evaluate_output};
pub use machine::{divide_unsigned, round_shift, square_root};
pub use run::{RunError, Trace, run};
