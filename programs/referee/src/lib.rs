//! The referee: what a result *is*, and how one element of it is judged.
//!
//! This crate is the specification that every executor of Assay must agree with bit for bit, and the
//! only code that a dispute runs on-chain. Its layers depend only on those above them:
//!
//! * [`commit`]: SHA-256 with domain tags, Merkle trees, the layout of a tensor in leaves, and the hashes that
//!   bind tensors into segments, boundaries and a result commitment;
//! * [`graph`]: the integer IR, its canonical byte encoding, its static checks, and its root;
//! * [`semantics`]: the scalar reference: the value of one element of one op, and a whole graph run;
//! * [`proof`]: fraud proofs, their verdict, and how they are built;
//! * [`opening`]: what a node that is bound to a hash can be made to show below it.
//!
//! It is `no_std` with `alloc`, does no IO, never panics on any input and holds no floating point number.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
// Nothing that comes from outside may make this crate panic: it runs on-chain and on hostile files.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]

extern crate alloc;

pub mod commit;
pub mod graph;
pub mod opening;
pub mod proof;
pub mod semantics;
