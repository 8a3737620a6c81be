//! What auditing needs of kernels: runs of parts of a graph, the sums of contractions without their epilogues, and checks
//! of such sums that cost less than computing them.
//!
//! Nothing here is on the path that is committed to.

mod advice;
mod bilinear;
mod checker;
mod excerpt;
mod field;
mod secret;
mod weigh;

pub use advice::{Advice, advice, epilogues};
pub use checker::{Checker, Coverage};
pub use excerpt::{Excerpt, ExcerptBuilder, LoadedExcerpt};
pub use secret::Secret;
