//! Running a product: blocks of rows on threads, panels of columns through the cache, the epilogue while sums are hot.

use super::epilogue::{Line, Sums, TILE_COLUMNS};
use super::format::{Format, Tile};
use super::pack::{PackedRight, RightShape, lock, pack_rows};
use super::plan::Plan;
use super::requantise::Requantise;
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
    /// Plans and packs the contraction `op`; `None` if it is no product worth it. Rows, columns and batches are those of
    /// `planned`, which is `op` but for its views.
    pub(crate) fn new(
        graph: &ResolvedGraph,
        op: &ResolvedOp,
        planned: &ResolvedOp,
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
        let plan = Plan::new(planned, is_param)?.with_views_of(op);
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

    /// Bytes that were prepared of params.
    pub(crate) fn param_bytes(&self) -> usize {
        let requantise = self.requantise.as_ref().map_or(0, Requantise::prepared_bytes);
        self.packed.as_ref().map_or(0, PackedRight::bytes) + requantise
    }

    /// Whether an operand is read while the op runs.
    pub(crate) fn reads(&self, operand: usize) -> bool {
        let factor = operand == self.plan.left.operand || (operand == self.plan.right.operand && self.packed.is_none());
        let by_epilogue = match &self.requantise {
            Some(requantise) => requantise.reads(operand),
            None => self.epilogue.program().operands().iter().any(|read| usize::from(*read) == operand),
        };
        factor || by_epilogue
    }

    /// Bytes that the right side takes in each run.
    pub(crate) fn packed_bytes(&self) -> usize {
        if self.packed.is_some() { 0 } else { self.shape.bytes(&self.format) }
    }

    /// Bytes that the right side of one batch takes.
    pub(crate) fn packed_batch_bytes(&self) -> usize {
        self.packed_bytes() / self.shape.batches
    }

    /// Bytes of scratch of a thread.
    pub(crate) fn scratch_bytes(&self, threads: usize) -> usize {
        let grid = self.grid(threads);
        let columns = 4 * self.format.groups(self.plan.depth) * self.format.columns;
        let sums = match &self.requantise {
            Some(_) => 4 * self.format.rows * TILE_COLUMNS + grid.rows * size_of::<Line>(),
            None => 4 * grid.rows * self.sums_stride(),
        };
        4 * grid.rows * self.left_stride() + sums + columns + self.plan.depth
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

    /// Computes one batch on this thread.
    pub(crate) fn run_batch(
        &self,
        batch: usize,
        isa: Available,
        operands: &[&[u8]],
        outputs: &[Output<'_>],
        packed: &mut PackedRight,
        scratch: &mut Scratch,
    ) {
        let right = match &self.packed {
            Some(packed) => packed,
            None => {
                packed.pack_batch(&self.plan, &self.format, isa, operands[self.plan.right.operand], batch, scratch);
                packed
            }
        };
        let (grid, rows) = (self.grid(1), self.plan.rows.points());
        for first_row in (0..rows).step_by(grid.rows) {
            let rows = grid.rows.min(rows - first_row);
            let block = Block { batch, first_row, rows, first_panel: 0, panels: self.shape.panels };
            self.run_block(&block, isa, right, operands, outputs, scratch);
        }
    }

    /// The output axes that are batches, with their lengths; `None` if every batch would pack the same right side again.
    pub(crate) fn batch_axes(&self) -> Option<Vec<(usize, u32)>> {
        (self.packed.is_some() || self.plan.right.batched).then(|| self.plan.batches.axes())
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
        match &self.requantise {
            Some(requantise) => self.run_requantised(requantise, block, isa, right, operands, &outputs[0], scratch),
            None => self.run_interpreted(block, isa, right, operands, outputs, scratch),
        }
    }

    /// Multiplies a tile of rows by a few panels and requantises their sums before the next.
    fn run_requantised(
        &self,
        requantise: &Requantise,
        block: &Block,
        isa: Available,
        right: &PackedRight,
        operands: &[&[u8]],
        output: &Output<'_>,
        scratch: &mut Scratch,
    ) {
        let format = &self.format;
        let Scratch { left, sums, lines, .. } = scratch;
        requantise.lines(&self.plan, block.batch, (block.first_row, block.rows), operands, lines);
        if sums.len() < format.rows * TILE_COLUMNS {
            sums.resize(format.rows * TILE_COLUMNS, 0);
        }
        let column_sums = right.column_sums(&self.shape, format, block.batch);
        let panels_at_once = TILE_COLUMNS / format.columns;
        let end = block.first_panel + block.panels;
        for first_panel in (block.first_panel..end).step_by(panels_at_once) {
            let panels = panels_at_once.min(end - first_panel);
            let first = first_panel * format.columns;
            let mut initial = [0; TILE_COLUMNS];
            let initial = &mut initial[..panels * format.columns];
            self.initial(first, column_sums, requantise.bias(), initial);
            let columns = initial.len().min(self.plan.columns.points() - first);
            for row in (0..block.rows).step_by(format.rows) {
                let rows = format.rows.min(block.rows - row);
                for panel in 0..panels {
                    let column = panel * format.columns;
                    let words = right.panel(&self.shape, block.batch, first_panel + panel);
                    self.run_tile(
                        &left.as_slice()[row * self.left_stride()..],
                        rows,
                        words,
                        &initial[column..],
                        &mut sums[column..],
                        TILE_COLUMNS,
                    );
                }
                let sums = Sums { values: sums, first, columns };
                // SAFETY: tasks differ in batch, rows or columns, so no other has these elements.
                unsafe { requantise.store_tile(isa, sums, &lines[row..row + rows], operands, output) };
            }
        }
    }

    /// Multiplies all rows of a block by a block of columns, then runs the program of the op on them.
    fn run_interpreted(
        &self,
        block: &Block,
        isa: Available,
        right: &PackedRight,
        operands: &[&[u8]],
        outputs: &[Output<'_>],
        scratch: &mut Scratch,
    ) {
        let format = &self.format;
        let stride = self.sums_stride();
        if scratch.sums.len() < block.rows * stride {
            scratch.sums.resize(block.rows * stride, 0);
        }
        let column_sums = right.column_sums(&self.shape, format, block.batch);
        let panels_at_once = BLOCK_COLUMNS / format.columns;
        let end = block.first_panel + block.panels;
        for first_panel in (block.first_panel..end).step_by(panels_at_once) {
            let panels = panels_at_once.min(end - first_panel);
            for panel in first_panel..first_panel + panels {
                let mut initial = [0; MOST_COLUMNS];
                self.initial(panel * format.columns, column_sums, None, &mut initial[..format.columns]);
                let words = right.panel(&self.shape, block.batch, panel);
                let column = (panel - first_panel) * format.columns;
                for row in (0..block.rows).step_by(format.rows) {
                    let rows = format.rows.min(block.rows - row);
                    let left = &scratch.left.as_slice()[row * self.left_stride()..];
                    self.run_tile(left, rows, words, &initial, &mut scratch.sums[row * stride + column..], stride);
                }
            }
            self.finish(block, first_panel * format.columns, panels * format.columns, isa, operands, outputs, scratch);
        }
    }

    #[inline]
    fn run_tile(
        &self,
        left: &[u32],
        rows: usize,
        right: &[u32],
        initial: &[i32],
        sums: &mut [i32],
        sums_stride: usize,
    ) {
        let (left_stride, groups) = (self.left_stride(), self.format.groups(self.plan.depth));
        self.format.run(Tile { left, left_stride, right, groups, initial, sums, sums_stride, rows });
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
            let presets = Presets::Sums(&sums[row * stride..][..columns]);
            // SAFETY: tasks differ in batch, rows or columns, so no other has these elements.
            unsafe { self.epilogue.run(isa, operands, (first, columns), presets, outputs, scratch) };
        }
        scratch.sums = sums;
    }

    /// What the sums of columns from `first` on start as: the bias, and what makes up for an offset of the left side.
    #[inline]
    fn initial(&self, first: usize, column_sums: &[i32], bias: Option<&[i32]>, initial: &mut [i32]) {
        for (value, sum) in initial.iter_mut().zip(&column_sums[first..]) {
            *value = sum.wrapping_mul(self.format.left_offset).wrapping_neg();
        }
        if let Some(bias) = bias {
            initial.iter_mut().zip(&bias[first..]).for_each(|(value, bias)| *value = value.wrapping_add(*bias));
        }
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
