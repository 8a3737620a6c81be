//! The micro kernel for AVX2: 6 rows by 16 columns of 16-bit pairs.
//!
//! `vpmaddwd` multiplies pairs to 32 bits and adds two of them; with values of at most 255 by 128 it cannot saturate.
//! (`vpmaddubsw`, which takes bytes, saturates at 16 bits and is never used.)

use super::format::Tile;
use std::arch::x86_64::*;

const COLUMNS: usize = 16;

/// Any combination of signs: the packing has extended both sides.
///
/// # Safety
/// The processor has AVX2.
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
            _ => rows::<6>(tile),
        }
    }
}

/// # Safety
/// `tile.rows` is at least `ROWS`, and `tile.check` holds.
#[target_feature(enable = "avx2")]
unsafe fn rows<const ROWS: usize>(tile: Tile<'_>) {
    let (left, right) = (tile.left.as_ptr(), tile.right.as_ptr());
    // SAFETY: `initial` has 16 values.
    let initial = unsafe {
        let first = tile.initial.as_ptr();
        [_mm256_loadu_si256(first.cast()), _mm256_loadu_si256(first.add(8).cast())]
    };
    let mut sums = [initial; ROWS];
    for group in 0..tile.groups {
        // SAFETY: `right` has 16 words for each group.
        let panel = unsafe {
            let panel = right.add(COLUMNS * group);
            [_mm256_loadu_si256(panel.cast()), _mm256_loadu_si256(panel.add(8).cast())]
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: each row of `left` has a word for each group.
            let word = unsafe { _mm256_set1_epi32(*left.add(row * tile.left_stride + group) as i32) };
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(word, panel[0]));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(word, panel[1]));
        }
    }
    for (row, row_sums) in sums.into_iter().enumerate() {
        // SAFETY: each row of `sums` has 16 values.
        unsafe {
            let out = tile.sums.as_mut_ptr().add(row * tile.sums_stride);
            _mm256_storeu_si256(out.cast(), row_sums[0]);
            _mm256_storeu_si256(out.add(8).cast(), row_sums[1]);
        }
    }
}
