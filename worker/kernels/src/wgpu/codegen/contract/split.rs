//! The output axes of a contraction as batches of matrices.

use super::contraction::{Contraction, points_of};

/// The output axes by the factor that they step through.
///
/// Columns are the innermost output axes, so that neighbouring columns are neighbours in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Axes of both factors, and those of the column factor that are not innermost.
    pub batch_axes: Vec<usize>,
    pub row_axes: Vec<usize>,
    pub column_axes: Vec<usize>,
    /// The factor that columns step through: 0 or 1.
    pub column_factor: usize,
    /// Points of the batch axes.
    pub batches: u32,
    /// Points of the row axes.
    pub rows: u32,
    /// Points of the column axes.
    pub columns: u32,
}

impl Split {
    /// The split of a contraction whose innermost output axis steps through one factor only.
    pub(super) fn new(contraction: &Contraction<'_>) -> Option<Self> {
        let lowered = &contraction.lowered;
        let axes = lowered.outputs.len();
        let uses = |factor: usize, axis: usize| contraction.factor_uses(factor, axis);
        let last = axes.checked_sub(1)?;
        let column_factor = match (uses(0, last), uses(1, last)) {
            (true, true) => return None,
            (true, false) => 0,
            (false, _) => 1,
        };
        let row_factor = 1 - column_factor;
        let first_column = (0..axes).rev().take_while(|axis| !uses(row_factor, *axis)).last()?;
        let column_axes: Vec<usize> = (first_column..axes).collect();
        let (batch_axes, row_axes): (Vec<usize>, Vec<usize>) =
            (0..first_column).partition(|axis| uses(column_factor, *axis));
        let [batches, rows, columns] = [&batch_axes, &row_axes, &column_axes].map(|axes| points_of(lowered, axes));
        Some(Self { batch_axes, row_axes, column_axes, column_factor, batches, rows, columns })
    }
}
