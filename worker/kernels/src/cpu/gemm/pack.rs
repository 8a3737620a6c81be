//! Packing operands through their views.

use super::format::{Encoding, Format};
use super::plan::{Plan, Side};
use crate::cpu::access::{AXES, Point};
use crate::cpu::aligned::Words;
use crate::cpu::isa::{Available, Job};
use crate::cpu::output::Output;
use crate::cpu::parallel::Pool;
use crate::cpu::scratch::Scratch;
use crate::cpu::sweep::Segment;
use referee::graph::Dtype;
use std::sync::Mutex;

/// The right side of a product in panels, with the sums of its columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedRight {
    words: Words,
    /// Sum of each column's values modulo 2^32; columns beyond the last are 0.
    column_sums: Vec<i32>,
    /// Each batch has its own panels.
    batched: bool,
}

/// Sizes of a packed right side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RightShape {
    pub(crate) batches: usize,
    pub(crate) panels: usize,
    /// Words of a panel.
    pub(crate) panel_words: usize,
}

impl RightShape {
    pub(crate) fn new(plan: &Plan, format: &Format) -> Self {
        Self {
            batches: if plan.right.batched { plan.batches.points() } else { 1 },
            panels: plan.columns.points().div_ceil(format.columns),
            panel_words: format.groups(plan.depth) * format.columns,
        }
    }

    /// Bytes that the packed side takes.
    pub(crate) fn bytes(&self, format: &Format) -> usize {
        4 * self.batches * self.panels * (self.panel_words + format.columns)
    }
}

impl PackedRight {
    /// Packs all columns of all batches.
    pub(crate) fn pack(
        &mut self,
        plan: &Plan,
        format: &Format,
        isa: Available,
        data: &[u8],
        pool: &Pool,
        scratches: &[Mutex<Scratch>],
    ) {
        let shape = RightShape::new(plan, format);
        let panels = shape.batches * shape.panels;
        self.batched = shape.batches > 1;
        let (words, sums) = self.reserve(format, &shape, panels);
        let worthwhile = panels * shape.panel_words > 16 << 10;
        pool.for_each(panels, worthwhile, |panel, thread| {
            // SAFETY: each task has a panel of its own.
            let words = unsafe { words.part(panel * shape.panel_words, shape.panel_words) };
            // SAFETY: as above.
            let sums = unsafe { sums.part(panel * format.columns, format.columns) };
            let mut scratch = lock(&scratches[thread]);
            let (batch, panel) = (panel / shape.panels, panel % shape.panels);
            let (words, sums) = (bytemuck::cast_slice_mut(words), bytemuck::cast_slice_mut(sums));
            isa.run(PackPanel { plan, format, isa, data, batch, panel, words, sums, scratch: &mut scratch });
        });
    }

    /// Packs all columns of one batch, on this thread.
    pub(crate) fn pack_batch(
        &mut self,
        plan: &Plan,
        format: &Format,
        isa: Available,
        data: &[u8],
        batch: usize,
        scratch: &mut Scratch,
    ) {
        let shape = RightShape::new(plan, format);
        self.batched = false;
        let (words, sums) = self.reserve(format, &shape, shape.panels);
        for panel in 0..shape.panels {
            // SAFETY: each turn has a panel of its own.
            let words = unsafe { words.part(panel * shape.panel_words, shape.panel_words) };
            // SAFETY: as above.
            let sums = unsafe { sums.part(panel * format.columns, format.columns) };
            let (words, sums) = (bytemuck::cast_slice_mut(words), bytemuck::cast_slice_mut(sums));
            isa.run(PackPanel { plan, format, isa, data, batch, panel, words, sums, scratch });
        }
    }

    /// Room for so many panels and the sums of their columns.
    fn reserve(&mut self, format: &Format, shape: &RightShape, panels: usize) -> (Output<'_>, Output<'_>) {
        self.words.reserve(panels * shape.panel_words);
        if self.column_sums.len() < panels * format.columns {
            self.column_sums.resize(panels * format.columns, 0);
        }
        let words = Output::new(bytemuck::cast_slice_mut(self.words.as_mut_slice()), Dtype::I32);
        (words, Output::new(bytemuck::cast_slice_mut(&mut self.column_sums), Dtype::I32))
    }

    /// The panel of a batch.
    pub(crate) fn panel(&self, shape: &RightShape, batch: usize, panel: usize) -> &[u32] {
        let batch = if self.batched { batch } else { 0 };
        &self.words.as_slice()[(batch * shape.panels + panel) * shape.panel_words..][..shape.panel_words]
    }

    /// Sums of the columns of a batch, panel after panel.
    pub(crate) fn column_sums(&self, shape: &RightShape, format: &Format, batch: usize) -> &[i32] {
        let batch = if self.batched { batch } else { 0 };
        &self.column_sums[batch * shape.panels * format.columns..][..shape.panels * format.columns]
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.words.bytes() + 4 * self.column_sums.len()
    }
}

struct PackPanel<'a, 's> {
    plan: &'a Plan,
    format: &'a Format,
    isa: Available,
    data: &'a [u8],
    batch: usize,
    panel: usize,
    words: &'a mut [u32],
    sums: &'a mut [i32],
    scratch: &'s mut Scratch,
}

impl Job for PackPanel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, format, isa, data, batch, panel, words, sums, scratch } = self;
        let groups = format.groups(plan.depth);
        let first = panel * format.columns;
        let used = (plan.columns.points() - first).min(format.columns);
        let Scratch { columns, bytes, segments, .. } = scratch;
        columns.reserve(groups * format.columns);
        let columns = &mut columns.as_mut_slice()[..groups * format.columns];
        columns[used * groups..].fill(0);
        sums.fill(0);
        let mut point = [0; AXES];
        plan.batches.locate(batch, &mut point);
        let signed = plan.right.access.dtype() != Dtype::U8;
        for (column, sum) in sums.iter_mut().enumerate().take(used) {
            plan.columns.locate(first + column, &mut point);
            let values = gather(&plan.right, data, &point, plan.depth, bytes, segments);
            for value in values {
                *sum = sum.wrapping_add(if signed { i32::from(*value as i8) } else { i32::from(*value) });
            }
            format.right.encode(values, &mut columns[column * groups..][..groups]);
        }
        transpose(isa, columns, groups, format.columns, words);
    }
}

/// From column by column to group by group.
#[inline(always)]
fn transpose(isa: Available, columns: &[u32], groups: usize, width: usize, words: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if isa.get() == crate::cpu::isa::Isa::Avx512Vnni && width.is_multiple_of(16) {
        // SAFETY: the processor has the instruction set, or there would be no such `Available`.
        unsafe { super::transpose_avx512::transpose(columns, groups, width, words) };
        return;
    }
    let _ = isa;
    for (group, words) in words.chunks_exact_mut(width).enumerate() {
        for (column, word) in words.iter_mut().enumerate() {
            *word = columns[column * groups + group];
        }
    }
}

/// Packs rows `first..first + count` of a batch, `stride` words apart.
pub(crate) fn pack_rows(
    plan: &Plan,
    encoding: Encoding,
    data: &[u8],
    batch: usize,
    (first, count): (usize, usize),
    stride: usize,
    isa: Available,
    scratch: &mut Scratch,
) {
    isa.run(PackRows { plan, encoding, data, batch, first, count, stride, scratch });
}

struct PackRows<'a, 's> {
    plan: &'a Plan,
    encoding: Encoding,
    data: &'a [u8],
    batch: usize,
    first: usize,
    count: usize,
    stride: usize,
    scratch: &'s mut Scratch,
}

impl Job for PackRows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, encoding, data, batch, first, count, stride, scratch } = self;
        let Scratch { left, bytes, segments, .. } = scratch;
        left.reserve(count * stride);
        let mut point = [0; AXES];
        plan.batches.locate(batch, &mut point);
        for (row, words) in left.as_mut_slice().chunks_exact_mut(stride).take(count).enumerate() {
            plan.rows.locate(first + row, &mut point);
            let values = gather(&plan.left, data, &point, plan.depth, bytes, segments);
            encoding.encode(values, words);
        }
    }
}

/// The values of one row or column: in place if they are neighbours in memory, else collected in `bytes`.
#[inline(always)]
fn gather<'b>(
    side: &Side,
    data: &'b [u8],
    point: &Point,
    depth: usize,
    bytes: &'b mut Vec<u8>,
    segments: &mut Vec<Segment>,
) -> &'b [u8] {
    let axis = side.depth.innermost();
    if let Some(slice) = side.access.straight(data, point, axis, depth, side.depth.innermost_length()) {
        return slice;
    }
    bytes.resize(depth, 0);
    side.depth.segments(point, 0, depth, segments);
    for segment in segments.iter() {
        let out = &mut bytes[segment.start..segment.start + segment.length];
        side.access.load_bytes(data, &segment.point, axis, out);
    }
    bytes
}

/// A lock that no two threads wait for: each has its own scratch.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
