//! What auditing needs of kernels: runs of parts of a graph, and the sums of contractions without their epilogues.
//!
//! Nothing here is on the path that is committed to.

mod advice;
mod excerpt;

pub use advice::{Advice, advice, epilogues};
pub use excerpt::{Excerpt, ExcerptBuilder};
