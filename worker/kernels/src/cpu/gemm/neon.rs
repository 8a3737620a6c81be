//! The micro kernel for aarch64 with the dot product extension: 8 rows by 8 columns of 4 signed bytes.
//!
//! It has passed every conformance vector under user-mode emulation; its speed on a processor is not yet measured.

use super::format::Tile;
use std::arch::aarch64::*;
use std::arch::asm;

const COLUMNS: usize = 8;

/// Signed rows, signed columns.
///
/// # Safety
/// The processor has the dot product extension.
pub(crate) unsafe fn tile(tile: Tile<'_>) {
    tile.check(COLUMNS);
    // SAFETY: the caller vouches for the processor; `check` has compared the slices with what the kernel reads and
    // writes for this many rows.
    unsafe {
        match tile.rows {
            1 => rows::<1>(tile),
            2 => rows::<2>(tile),
            3 => rows::<3>(tile),
            4 => rows::<4>(tile),
            5 => rows::<5>(tile),
            6 => rows::<6>(tile),
            7 => rows::<7>(tile),
            _ => rows::<8>(tile),
        }
    }
}

/// `sum + dot(left, right)` in each of four lanes of four bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(mut sum: int32x4_t, left: int8x16_t, right: int8x16_t) -> int32x4_t {
    // The intrinsic of this instruction is not stable yet.
    // SAFETY: `sdot` reads and writes these registers alone.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {left:v}.16b, {right:v}.16b",
            sum = inout(vreg) sum,
            left = in(vreg) left,
            right = in(vreg) right,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// # Safety
/// `tile.rows` is at least `ROWS`, and `tile.check` holds.
#[target_feature(enable = "neon,dotprod")]
unsafe fn rows<const ROWS: usize>(tile: Tile<'_>) {
    let (left, right) = (tile.left.as_ptr(), tile.right.as_ptr());
    // SAFETY: `initial` has 8 values.
    let initial = unsafe { [vld1q_s32(tile.initial.as_ptr()), vld1q_s32(tile.initial.as_ptr().add(4))] };
    let mut sums = [initial; ROWS];
    for group in 0..tile.groups {
        // SAFETY: `right` has 8 words for each group.
        let panel = unsafe {
            let panel = right.add(COLUMNS * group).cast::<i8>();
            [vld1q_s8(panel), vld1q_s8(panel.add(16))]
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row of `left` has a word for each group.
            let word = unsafe { vreinterpretq_s8_u32(vdupq_n_u32(*left.add(row * tile.left_stride + group))) };
            sums[0] = dot(sums[0], word, panel[0]);
            sums[1] = dot(sums[1], word, panel[1]);
        }
    }
    for (row, row_sums) in sums.into_iter().enumerate() {
        // SAFETY: each row of `sums` has 8 values.
        unsafe {
            let out = tile.sums.as_mut_ptr().add(row * tile.sums_stride);
            vst1q_s32(out, row_sums[0]);
            vst1q_s32(out.add(4), row_sums[1]);
        }
    }
}
