//! Float graphs against their integer graphs: every operation, its error, and its proofs.

mod checks;
mod end_to_end;
mod models;
mod operations;
mod proofs;
mod sketch;
