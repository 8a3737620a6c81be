//! Contractions as products of matrices.
//!
//! The output axes are split into *columns* (the innermost axes that only one operand follows), *rows* (axes that only
//! the other follows) and *batches* (the rest); the reduction axes are the depth. Both operands are packed through
//! their views, so that linear layers, attention heads and convolutions are all the same product: a window needs no
//! copy of the image beyond the rows that are being worked on.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod epilogue;
#[cfg(target_arch = "x86_64")]
mod epilogue_avx512;
mod format;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pack;
mod plan;
mod product;
mod recognise;
mod requantise;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod transpose_avx512;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub(crate) use epilogue::Line;
pub(crate) use pack::PackedRight;
pub(crate) use plan::batch_axes;
pub(crate) use product::{Product, ProductRun};
