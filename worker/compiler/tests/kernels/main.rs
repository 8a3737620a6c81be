//! Compiled kernels, run by the scalar reference.

mod common;
mod errors;
mod examples;
mod flow;
mod operators;
