//! The inputs that fuzzing begins with.

pub mod models;
pub mod seeds;
