//! What became of a job and why, and why a node may claim it or not: by the program's own rules and codes.

mod job;
mod node;

pub use job::explain_job;
pub use node::{NodeExplanation, explain_node};

use assay::AssayError;
use assay_chain::program_error;

/// One thing that the program's state says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable code: of the program where it would refuse, else the name of what is the case.
    pub code: String,
    /// A sentence, or what completes one. Nothing in it was written by strangers: keys, numbers and words of the program.
    pub text: String,
}

fn refused(error: AssayError) -> Finding {
    Finding { code: program_error::code(error), text: error.to_string() }
}

fn found(code: &str, text: String) -> Finding {
    Finding { code: code.to_owned(), text }
}
