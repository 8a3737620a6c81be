//! The micro kernel for AVX-512 with VNNI: 12 rows by 32 columns of 4 bytes.
//!
//! `vpdpbusd` adds four products of unsigned by signed bytes to a 32-bit sum without saturating (`vpdpbusds` would).

use super::format::Tile;
use std::arch::x86_64::*;

const COLUMNS: usize = 32;

/// Unsigned rows, signed columns.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and VNNI.
pub(crate) unsafe fn unsigned_left(tile: Tile<'_>) {
    // SAFETY: as the caller vouches.
    unsafe { dispatch::<true>(tile) }
}

/// Signed rows, unsigned columns.
///
/// # Safety
/// As [`unsigned_left`].
pub(crate) unsafe fn unsigned_right(tile: Tile<'_>) {
    // SAFETY: as the caller vouches.
    unsafe { dispatch::<false>(tile) }
}

/// # Safety
/// As [`unsigned_left`].
unsafe fn dispatch<const UNSIGNED_LEFT: bool>(tile: Tile<'_>) {
    tile.check(COLUMNS);
    // SAFETY: the caller vouches for the processor; `check` has compared the slices with what the kernel reads and
    // writes for this many rows.
    unsafe {
        match tile.rows {
            1 => rows::<1, UNSIGNED_LEFT>(tile),
            2 => rows::<2, UNSIGNED_LEFT>(tile),
            3 => rows::<3, UNSIGNED_LEFT>(tile),
            4 => rows::<4, UNSIGNED_LEFT>(tile),
            5 => rows::<5, UNSIGNED_LEFT>(tile),
            6 => rows::<6, UNSIGNED_LEFT>(tile),
            7 => rows::<7, UNSIGNED_LEFT>(tile),
            8 => rows::<8, UNSIGNED_LEFT>(tile),
            9 => rows::<9, UNSIGNED_LEFT>(tile),
            10 => rows::<10, UNSIGNED_LEFT>(tile),
            11 => rows::<11, UNSIGNED_LEFT>(tile),
            _ => rows::<12, UNSIGNED_LEFT>(tile),
        }
    }
}

/// # Safety
/// `tile.rows` is at least `ROWS`, and `tile.check` holds.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn rows<const ROWS: usize, const UNSIGNED_LEFT: bool>(tile: Tile<'_>) {
    let (left, right) = (tile.left.as_ptr(), tile.right.as_ptr());
    // SAFETY: `initial` has 32 values.
    let initial = unsafe {
        let first = tile.initial.as_ptr();
        [_mm512_loadu_si512(first.cast()), _mm512_loadu_si512(first.add(16).cast())]
    };
    let mut sums = [initial; ROWS];
    for group in 0..tile.groups {
        // SAFETY: `right` has 32 words for each group.
        let panel = unsafe {
            let panel = right.add(COLUMNS * group);
            [_mm512_loadu_si512(panel.cast()), _mm512_loadu_si512(panel.add(16).cast())]
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row of `left` has a word for each group.
            let word = unsafe { _mm512_set1_epi32(*left.add(row * tile.left_stride + group) as i32) };
            for (sum, columns) in sums.iter_mut().zip(panel) {
                *sum = if UNSIGNED_LEFT {
                    _mm512_dpbusd_epi32(*sum, word, columns)
                } else {
                    _mm512_dpbusd_epi32(*sum, columns, word)
                };
            }
        }
    }
    for (row, row_sums) in sums.into_iter().enumerate() {
        // SAFETY: each row of `sums` has 32 values.
        unsafe {
            let out = tile.sums.as_mut_ptr().add(row * tile.sums_stride);
            _mm512_storeu_si512(out.cast(), row_sums[0]);
            _mm512_storeu_si512(out.add(16).cast(), row_sums[1]);
        }
    }
}
