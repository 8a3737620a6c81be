//! Transposing words for AVX-512, blocks of 16 by 16 in registers.

use std::arch::x86_64::*;

/// Words of a side of a block.
const SIDE: usize = 16;

/// From `width` columns of `groups` words to `groups` rows of `width` words.
///
/// # Safety
/// The processor has AVX-512 F; `width` is a multiple of 16, and both slices hold `width * groups` words.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn transpose(columns: &[u32], groups: usize, width: usize, words: &mut [u32]) {
    assert!(width.is_multiple_of(SIDE) && columns.len() >= width * groups && words.len() >= width * groups);
    for first in (0..width).step_by(SIDE) {
        for group in (0..groups).step_by(SIDE) {
            let count = SIDE.min(groups - group);
            let used = (u32::MAX >> (32 - count)) as u16;
            // SAFETY: `used` groups of 16 columns lie within `columns`.
            let block = std::array::from_fn(|column| unsafe {
                _mm512_maskz_loadu_epi32(used, columns.as_ptr().add((first + column) * groups + group).cast())
            });
            for (row, lanes) in transpose_block(block).into_iter().enumerate().take(count) {
                // SAFETY: row `group + row` has `width` words, of which these are 16.
                unsafe { _mm512_storeu_si512(words.as_mut_ptr().add((group + row) * width + first).cast(), lanes) };
            }
        }
    }
}

/// Four steps: neighbours, pairs of neighbours, and quarters twice.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_block(rows: [__m512i; SIDE]) -> [__m512i; SIDE] {
    let mut pairs = rows;
    for at in (0..SIDE).step_by(2) {
        pairs[at] = _mm512_unpacklo_epi32(rows[at], rows[at + 1]);
        pairs[at + 1] = _mm512_unpackhi_epi32(rows[at], rows[at + 1]);
    }
    // quarter `q` of `fours[4 * i + j]` has words `4 * q + j` of rows `4 * i..4 * i + 4`
    let mut fours = pairs;
    for at in (0..SIDE).step_by(4) {
        fours[at] = _mm512_unpacklo_epi64(pairs[at], pairs[at + 2]);
        fours[at + 1] = _mm512_unpackhi_epi64(pairs[at], pairs[at + 2]);
        fours[at + 2] = _mm512_unpacklo_epi64(pairs[at + 1], pairs[at + 3]);
        fours[at + 3] = _mm512_unpackhi_epi64(pairs[at + 1], pairs[at + 3]);
    }
    let mut columns = fours;
    for j in 0..4 {
        let [a, b, c, d] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
        // quarters 0 and 2, then 1 and 3, of both
        let (even_low, odd_low) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (even_high, odd_high) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        columns[j] = _mm512_shuffle_i32x4::<0x88>(even_low, even_high);
        columns[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd_low, odd_high);
        columns[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even_low, even_high);
        columns[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd_low, odd_high);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::isa::Isa;

    #[test]
    fn words_go_where_rows_and_columns_change_places() {
        if !Isa::Avx512Vnni.is_available() {
            return;
        }
        for (width, groups) in [(16, 16), (32, 8), (32, 96), (16, 1), (32, 33)] {
            let columns: Vec<u32> = (0..width * groups).map(|at| (at as u32).wrapping_mul(0x9e37_79b9)).collect();
            let mut words = vec![0; columns.len()];
            // SAFETY: the processor has the instructions, and the sizes are those of the slices.
            unsafe { transpose(&columns, groups, width, &mut words) };
            for (at, word) in words.iter().enumerate() {
                assert_eq!(*word, columns[at % width * groups + at / width], "{width} x {groups}, word {at}");
            }
        }
    }
}
