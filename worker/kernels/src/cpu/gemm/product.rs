//! Running a product: blocks of rows on threads, panels of columns through the cache, the epilogue while sums are hot.

use super::format::{Format, Tile};
use super::pack::{PackedRight, RightShape, lock, pack_rows};
use super::plan::Plan;
use super::requantise::{Requantise, Row};
use crate::TensorSet;
use crate::cpu::access::AXES;
use crate::cpu::isa::Available;
use crate::cpu::lanes::{Pointwise, Presets};
use crate::cpu::output::Output;
use crate::cpu::parallel::Pool;
use crate::cpu::scratch::Scratch;
use referee::graph::{ResolvedGraph, ResolvedOp, TensorKind};
use std::sync::Mutex;

/// Bytes of packed rows that stay in the second-level cache.
const LEFT_BYTES: usize = 192 << 10;
/// Most rows of a block.
const MOST_ROWS: usize = 96;
/// Columns whose sums are kept before the epilogue runs on them.
const BLOCK_COLUMNS: usize = 256;
/// Multiplications below which waking a thread costs more than it saves.
const WORTHWHILE: usize = 400_000;

/// A contraction as a product of matrices, with its epilogue.
#[derive(Debug)]
pub(crate) struct Product {
    plan: Plan,
    format: Format,
    shape: RightShape,
    /// The right side, if it is a param.
    packed: Option<PackedRight>,
    requantise: Option<Requantise>,
    epilogue: Pointwise,
}

/// What a run of a product works with.
pub(crate) struct ProductRun<'a> {
    pub(crate) isa: Available,
    pub(crate) pool: &'a Pool,
    pub(crate) scratches: &'a [Mutex<Scratch>],
    pub(crate) operands: &'a [&'a [u8]],
    pub(crate) outputs: &'a [Output<'a>],
    /// Where the right side is packed if it is no param.
    pub(crate) packed: &'a mut PackedRight,
}

/// How the output is cut into tasks.
struct Grid {
    batches: usize,
    /// Blocks of rows in a batch.
    row_blocks: usize,
    /// Rows of a block.
    rows: usize,
    /// Groups of panels, each a task of its own: more than one only where there are few rows.
    column_blocks: usize,
    /// Panels of a group.
    panels: usize,
}

impl Product {
    /// Plans and packs the contraction `op`; `None` if it is no product worth it.
    pub(crate) fn new(
        graph: &ResolvedGraph,
        op: &ResolvedOp,
        params: &TensorSet,
        epilogue: Pointwise,
        isa: Available,
        pool: &Pool,
        scratches: &[Mutex<Scratch>],
    ) -> Option<Self> {
        let is_param = |operand: usize| {
            let slot = usize::from(op.operands[operand].slot);
            graph.tensors.get(slot).is_some_and(|tensor| tensor.kind == TensorKind::Param)
        };
        let plan = Plan::new(op, is_param)?;
        let format = Format::new(isa, plan.left.access.dtype(), plan.right.access.dtype());
        let shape = RightShape::new(&plan, &format);
        let packed = if is_param(plan.right.operand) {
            let data = params.get(&plan.right.access.slot())?;
            let mut packed = PackedRight::default();
            packed.pack(&plan, &format, isa, data, pool, scratches);
            Some(packed)
        } else {
            None
        };
        let requantise = Requantise::new(graph, op, params, &plan, isa);
        Some(Self { plan, format, shape, packed, requantise, epilogue })
    }

    /// Whether the epilogue is the common one.
    #[cfg(test)]
    pub(crate) fn is_requantised(&self) -> bool {
        self.requantise.is_some()
    }

    /// Bytes of params that were packed.
    pub(crate) fn param_bytes(&self) -> usize {
        self.packed.as_ref().map_or(0, PackedRight::bytes)
    }

    /// Bytes that the right side takes in each run.
    pub(crate) fn packed_bytes(&self) -> usize {
        if self.packed.is_some() { 0 } else { self.shape.bytes(&self.format) }
    }

    /// Bytes of scratch of a thread.
    pub(crate) fn scratch_bytes(&self, threads: usize) -> usize {
        let grid = self.grid(threads);
        let columns = 4 * self.format.groups(self.plan.depth) * self.format.columns;
        4 * grid.rows * self.left_stride() + 4 * grid.rows * self.sums_stride() + columns + self.plan.depth
    }

    /// Computes the op.
    pub(crate) fn run(&self, run: ProductRun<'_>) {
        let ProductRun { isa, pool, scratches, operands, outputs, packed } = run;
        let right = match &self.packed {
            Some(packed) => packed,
            None => {
                packed.pack(&self.plan, &self.format, isa, operands[self.plan.right.operand], pool, scratches);
                packed
            }
        };
        let grid = self.grid(pool.threads());
        let tasks = grid.batches * grid.row_blocks * grid.column_blocks;
        let worthwhile = self.plan.multiplications() > WORTHWHILE;
        pool.for_each(tasks, worthwhile, |task, thread| {
            let mut scratch = lock(&scratches[thread]);
            let (rest, column_block) = (task / grid.column_blocks, task % grid.column_blocks);
            let (batch, row_block) = (rest / grid.row_blocks, rest % grid.row_blocks);
            let first_row = row_block * grid.rows;
            let rows = grid.rows.min(self.plan.rows.points() - first_row);
            let first_panel = column_block * grid.panels;
            let panels = grid.panels.min(self.shape.panels - first_panel);
            let block = Block { batch, first_row, rows, first_panel, panels };
            self.run_block(&block, isa, right, operands, outputs, &mut scratch);
        });
    }

    fn run_block(
        &self,
        block: &Block,
        isa: Available,
        right: &PackedRight,
        operands: &[&[u8]],
        outputs: &[Output<'_>],
        scratch: &mut Scratch,
    ) {
        let Self { plan, format, .. } = self;
        let left_stride = self.left_stride();
        let rows = (block.first_row, block.rows);
        pack_rows(plan, format.left, operands[plan.left.operand], block.batch, rows, left_stride, isa, scratch);
        let stride = self.sums_stride();
        if scratch.sums.len() < block.rows * stride {
            scratch.sums.resize(block.rows * stride, 0);
        }
        let groups = format.groups(plan.depth);
        let column_sums = right.column_sums(&self.shape, format, block.batch);
        let bias = self.requantise.as_ref().and_then(Requantise::bias);
        let panels_at_once = BLOCK_COLUMNS / format.columns;
        let end = block.first_panel + block.panels;
        for first_panel in (block.first_panel..end).step_by(panels_at_once) {
            let panels = panels_at_once.min(end - first_panel);
            for panel in first_panel..first_panel + panels {
                let initial = self.initial(panel, column_sums, bias);
                let words = right.panel(&self.shape, block.batch, panel);
                let column = (panel - first_panel) * format.columns;
                for row in (0..block.rows).step_by(format.rows) {
                    format.run(Tile {
                        left: &scratch.left.as_slice()[row * left_stride..],
                        left_stride,
                        right: words,
                        groups,
                        initial: &initial,
                        sums: &mut scratch.sums[row * stride + column..],
                        sums_stride: stride,
                        rows: format.rows.min(block.rows - row),
                    });
                }
            }
            self.finish(block, first_panel * format.columns, panels * format.columns, isa, operands, outputs, scratch);
        }
    }

    /// Runs the epilogue on the sums of a block of columns.
    fn finish(
        &self,
        block: &Block,
        first_column: usize,
        columns: usize,
        isa: Available,
        operands: &[&[u8]],
        outputs: &[Output<'_>],
        scratch: &mut Scratch,
    ) {
        let columns = columns.min(self.plan.columns.points() - first_column);
        let mut point = [0; AXES];
        let origin = self.plan.batches.locate(block.batch, &mut point) + first_column;
        let stride = self.sums_stride();
        let sums = std::mem::take(&mut scratch.sums);
        for row in 0..block.rows {
            let first = origin + self.plan.rows.locate(block.first_row + row, &mut point);
            let sums = &sums[row * stride..][..columns];
            match &self.requantise {
                Some(requantise) => {
                    // SAFETY: tasks differ in batch, rows or columns, so no other has these elements.
                    let out = unsafe { outputs[0].part(first, columns) };
                    requantise.run(isa, Row { sums, first: first_column, point, operands, out });
                }
                None => {
                    let presets = Presets::Sums(sums);
                    // SAFETY: as above.
                    unsafe { self.epilogue.run(isa, operands, (first, columns), presets, outputs, scratch) };
                }
            }
        }
        scratch.sums = sums;
    }

    /// What the sums of a panel start as: the bias, and what makes up for an offset of the left side.
    #[inline]
    fn initial(&self, panel: usize, column_sums: &[i32], bias: Option<&[i32]>) -> [i32; MOST_COLUMNS] {
        let mut initial = [0; MOST_COLUMNS];
        let first = panel * self.format.columns;
        let used = &mut initial[..self.format.columns];
        for (value, sum) in used.iter_mut().zip(&column_sums[first..]) {
            *value = sum.wrapping_mul(self.format.left_offset).wrapping_neg();
        }
        if let Some(bias) = bias {
            used.iter_mut().zip(&bias[first..]).for_each(|(value, bias)| *value = value.wrapping_add(*bias));
        }
        initial
    }

    /// Words between packed rows: a whole number of cache lines, and odd, so that rows do not share cache sets.
    fn left_stride(&self) -> usize {
        16 * (self.format.groups(self.plan.depth).div_ceil(16) | 1)
    }

    fn sums_stride(&self) -> usize {
        let columns = self.shape.panels * self.format.columns;
        columns.min(BLOCK_COLUMNS) + 16
    }

    fn grid(&self, threads: usize) -> Grid {
        let (batches, rows) = (self.plan.batches.points(), self.plan.rows.points());
        let tile = self.format.rows;
        let fitting = (LEFT_BYTES / (4 * self.left_stride())).min(MOST_ROWS) / tile * tile;
        let most = fitting.max(tile);
        // about four tasks a thread even out what threads get done
        let wanted = if threads > 1 { (4 * threads).div_ceil(batches) } else { 1 };
        let even = rows.div_ceil(wanted).div_ceil(tile) * tile;
        let rows_of_block = even.min(most);
        let row_blocks = rows.div_ceil(rows_of_block);
        let column_blocks = if threads > 1 && batches * row_blocks < 2 * threads {
            (4 * threads).div_ceil(batches * row_blocks).min(self.shape.panels)
        } else {
            1
        };
        let panels = self.shape.panels.div_ceil(column_blocks);
        let column_blocks = self.shape.panels.div_ceil(panels);
        Grid { batches, row_blocks, rows: rows_of_block, column_blocks, panels }
    }
}

/// Most columns of a panel of any format.
const MOST_COLUMNS: usize = 32;

struct Block {
    batch: usize,
    first_row: usize,
    rows: usize,
    first_panel: usize,
    panels: usize,
}
