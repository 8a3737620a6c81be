//! Contract: sums of products of 8-bit elements, four at a time, then the epilogue.
//!
//! Operands are read as words of four elements along the reduction. An unsigned operand is shifted to signed by flipping
//! its top bits, which subtracts 128 from each element; 128 times the sum of the other side's elements puts that back.

mod direct;
mod operand;
mod tile;

use super::{CodegenError, Job, Kernel, Strategy};
use operand::Contraction;

/// Reductions of at least so many words are shared by a workgroup where tiles do not fit.
const LONG: u32 = 64;
/// Rows and columns from which on tiles pay.
const TILED: u32 = 8;
/// Words of the reduction from which on tiles pay.
const TILED_WORDS: u32 = 4;

pub(super) fn kernel(job: &Job<'_>) -> Result<Kernel, CodegenError> {
    let contraction = Contraction::new(job)?;
    let split = tile::Split::new(&contraction);
    match (job.options.strategy, split) {
        (Strategy::Tiles, Some(split)) => tile::kernel(&contraction, &split),
        (Strategy::Automatic, Some(split))
            if split.rows() >= TILED && split.columns() >= TILED && contraction.words() >= TILED_WORDS =>
        {
            tile::kernel(&contraction, &split)
        }
        (Strategy::Threads, _) => direct::by_threads(&contraction),
        (Strategy::Workgroups, _) => direct::by_workgroups(&contraction),
        _ if contraction.words() >= LONG => direct::by_workgroups(&contraction),
        _ => direct::by_threads(&contraction),
    }
}
