//! The referee behind a C-like interface, so that a page can check a result itself.
//!
//! Compiled to WebAssembly by `cargo xtask wasm`; `app/packages/verifier` is its typed interface in TypeScript. It computes
//! nothing by rules of its own: graphs, semantics, trees and verdicts are the crate `referee`, bundles are `assay_models`.
//!
//! There are three functions, [`abi::assay_allocate`], [`abi::assay_call`] and [`abi::assay_free`]. A call has the number of an
//! [`Operation`] and the bytes of a request, and gives the bytes of a reply: a first byte 0 and the result, or a first byte 1 and an
//! error in UTF-8 that begins with its stable code. All integers are little endian; each operation says what its bytes are.
//! Nothing panics on any request: what is malformed is an error like any other.

pub mod abi;
mod checks;
mod describe;
mod element;
mod failure;
mod operation;
mod verifier;
mod wire;
mod work;

pub use failure::{CODES, Failure};
pub use operation::Operation;
pub use verifier::{MAX_OPEN_WORKS, Verifier};
pub use work::MAX_TENSOR_BYTES;
