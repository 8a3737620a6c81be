//! Contract: sums of products of 8-bit elements, four at a time, then the epilogue.
//!
//! Operands are read as words of four elements along the reduction. An unsigned operand is shifted to signed by flipping
//! its top bits, which subtracts 128 from each element; 128 times the sum of the other side's elements puts that back.

mod contraction;
mod direct;
mod split;
mod tile;

use super::{CodegenError, Job, Kernel, Strategy};
use contraction::Contraction;
use split::Split;

/// Reductions of at least so many words are shared by a workgroup where tiles do not fit.
const LONG: u32 = 64;
/// Rows and columns from which on tiles pay: each word that is read serves so many sums.
const TILED: u32 = 4;
/// Outputs from which on tiles pay.
const TILED_OUTPUTS: u64 = 64;
/// Words of the reduction from which on tiles pay.
const TILED_WORDS: u32 = 4;

/// A kernel that fits.
#[derive(Clone, Copy)]
enum Choice<'a> {
    Tiles(&'a Split),
    Threads,
    Workgroups,
}

pub(super) fn kernel(job: &Job<'_>) -> Result<Kernel, CodegenError> {
    let contraction = Contraction::new(job)?;
    let split = Split::new(&contraction);
    let tiles_pay = |split: &Split| {
        let outputs = u64::from(split.rows) * u64::from(split.columns);
        let reuse = split.rows.min(split.columns) >= TILED;
        reuse && outputs >= TILED_OUTPUTS && contraction.words() >= TILED_WORDS
    };
    let long = contraction.words() >= LONG;
    let choice = match (job.options.strategy, &split) {
        (Strategy::Tiles, Some(split)) => Choice::Tiles(split),
        (Strategy::Automatic, Some(split)) if tiles_pay(split) => Choice::Tiles(split),
        (Strategy::Threads, _) => Choice::Threads,
        (Strategy::Automatic | Strategy::Tiles, _) if !long => Choice::Threads,
        _ => Choice::Workgroups,
    };
    let generate = |choice: Choice<'_>| match choice {
        Choice::Tiles(split) => tile::kernel(&contraction, split),
        Choice::Threads => direct::by_threads(&contraction),
        Choice::Workgroups => direct::by_workgroups(&contraction),
    };
    // A workgroup's threads share the reduction, so that their loops are the shortest.
    job.first_within([choice, Choice::Workgroups].map(|choice| move |_: &Job<'_>| generate(choice)))
}
