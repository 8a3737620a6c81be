//! Custom kernels: a WGSL function over integers becomes the bytecode of a `Map`, so that every executor and the
//! on-chain referee run the same thing.
//!
//! # A kernel
//!
//! A file of WGSL with a header of `//!` lines. The function `element` computes one element of the output:
//!
//! ```
//! let source = "
//! //! axis y: 1..=1080
//! //! axis x: 640
//! //! output shade: u8
//!
//! // A chequered board of squares of 8 x 8.
//! fn element(y: u32, x: u32) -> u32 {
//!     return select(0u, 255u, ((y >> 3u) + (x >> 3u)) % 2u == 1u);
//! }
//! ";
//! let kernel = assay_compiler::compile(source).unwrap();
//! assert_eq!(kernel.interface.axes.len(), 2);
//! ```
//!
//! What a parameter of `element` is, its name says; its type is `i32`, `u32`, `i64` or `u64`:
//!
//! * the name of an axis: the coordinate on it; with `_length` behind it, the length of the axis, where a job chooses it;
//! * the name of an input or param: its value at the place that the header gives. A tensor of shape `[1]` read `at [0]` is
//!   a setting of the job. Here one row is blurred, and outside of it the value is 0:
//!
//! ```
//! let source = "
//! //! axis x: 1..=4096
//! //! input left: u8 [x] at [x - 1] or 0
//! //! input right: u8 [x] at [x + 1] or 0
//! //! input strength: i32 [1] at [0]
//! //! output blurred: u8
//!
//! fn element(left: i32, right: i32, strength: i32) -> i32 {
//!     return ((left + right) * strength) >> 8;
//! }
//! ";
//! assert!(assay_compiler::compile(source).is_ok());
//! ```
//!
//! A tensor that has `?` among its places is read at an index that the kernel computes, clamped into the shape (a
//! negative one reads the first element). It is a global array. With several outputs `element` returns a struct with a
//! field for each:
//!
//! ```
//! let source = "
//! //! axis x: 256
//! //! param curve: i16 [64] at [?]
//! //! input value: u8 [x] at [x]
//! //! output low: i16
//! //! output high: i16
//!
//! @group(0) @binding(0) var<storage, read> curve: array<i32>;
//!
//! struct Pair { low: i32, high: i32 }
//!
//! fn element(value: u32) -> Pair {
//!     let at = value >> 2u;
//!     return Pair(curve[at], curve[at + 1u]);
//! }
//! ";
//! assert!(assay_compiler::compile(source).is_ok());
//! ```
//!
//! # What it means
//!
//! Exactly what WGSL says, in 32 or 64 bits: sums, differences and products wrap; a shift count counts modulo the bits; `x / 0`
//! is `x` and `x % 0` is 0. An output is saturated to its element type, but that the bits of a `u32` are stored in
//! an `i32` as they are. Local variables, vectors, structs, arrays with constant indices, `if`, `switch`, `for`, `while`, helper
//! functions and early `return` are there; both arms of an `if` are always computed. A loop must be known to end: it counts
//! from a constant to a constant by a constant, and may be left earlier by `break`. Floats, textures, atomics and pointers
//! are not there.
//!
//! # What it becomes
//!
//! At most 128 instructions on 16 registers with 32 constants, at most 8,192 steps for one element. Short loops are
//! written out where there is room; others become loops of the machine. Errors ([`CompileError`]) say where in the source
//! something does not fit, and what to do.

mod error;
pub mod examples;
mod interface;
mod kernel;
mod lower;
mod machine;
mod nodes;

pub use error::{CompileError, Location};
pub use interface::{Axis, Interface, Length, Place, Source};
pub use kernel::{Kernel, compile};
