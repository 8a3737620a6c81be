//! From models written in memory to float graphs: each operator and each fusion beside the `rten` executor, and files
//! that are not models.

mod architecture;
mod calibration;
mod fusions;
mod malformed;
mod operators;
mod support;
