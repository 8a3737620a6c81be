//! Weighted sums of rows of bytes: `sums[digit][column] += weight[row][digit] * byte[row][column]`.
//!
//! All that checking by random vectors costs is spent here: every byte is read once and multiplied by each digit of its
//! row's weight.

use crate::cpu::{Available, Job};

/// Digits of a weight.
pub(super) const DIGITS: usize = 9;
/// Rows of one call.
pub(super) const ROWS: usize = 128;
/// Columns that are summed at a time.
pub(super) const BLOCK: usize = 32;
/// Rows after which 32-bit sums must be taken out: 255 * 128 * 65,536 is below 2^31.
pub(super) const ROWS_BEFORE_WRAP: usize = 65_536;

/// The digits of four rows: one word a digit, the first row in its lowest byte.
pub(super) type Words = [u32; DIGITS];

/// Rows and their weights.
pub(super) struct Weighing<'a> {
    /// At most [`ROWS`], each with at least `columns` bytes.
    pub(super) rows: &'a [&'a [u8]],
    /// One for each four rows; digits of rows that are not there are 0.
    pub(super) words: &'a [Words],
    /// Flips bits of each byte before it counts, in columns modulo 4: makes signed bytes unsigned, 128 too great.
    pub(super) flip: [u8; 4],
    /// Bytes of each row.
    pub(super) columns: usize,
    /// `DIGITS` rows of `stride(columns)` sums.
    pub(super) sums: &'a mut [i32],
}

/// Sums between the rows of `sums`.
pub(super) const fn stride(columns: usize) -> usize {
    columns.next_multiple_of(BLOCK)
}

/// Adds the rows to the sums.
pub(super) fn weigh(isa: Available, weighing: Weighing<'_>) {
    let Weighing { rows, words, columns, sums, .. } = &weighing;
    assert!(rows.iter().all(|row| row.len() >= *columns) && words.len() * 4 >= rows.len());
    assert!(sums.len() >= DIGITS * stride(*columns));
    #[cfg(target_arch = "x86_64")]
    if isa.get() == crate::Isa::Avx512Vnni {
        // SAFETY: `isa` proves the instructions; the slices are as long as was asserted.
        unsafe { vnni::weigh(weighing) };
        return;
    }
    isa.run(Plain(weighing));
}

/// For any processor.
struct Plain<'a>(Weighing<'a>);

impl Job for Plain<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Weighing { rows, words, flip, columns, sums } = self.0;
        let stride = stride(columns);
        let flip: [u8; BLOCK] = std::array::from_fn(|column| flip[column % 4]);
        for first in (0..columns).step_by(BLOCK) {
            let length = BLOCK.min(columns - first);
            let mut block = [[0i32; BLOCK]; DIGITS];
            for (index, row) in rows.iter().enumerate() {
                let mut bytes = [0u8; BLOCK];
                bytes[..length].copy_from_slice(&row[first..first + length]);
                let values: [i32; BLOCK] = std::array::from_fn(|column| i32::from(bytes[column] ^ flip[column]));
                for (sums, word) in block.iter_mut().zip(&words[index / 4]) {
                    let digit = i32::from((word >> (8 * (index % 4))) as u8 as i8);
                    for (sum, value) in sums.iter_mut().zip(&values) {
                        *sum += digit * value;
                    }
                }
            }
            for (digit, block) in block.iter().enumerate() {
                let sums = &mut sums[digit * stride + first..][..BLOCK];
                sums.iter_mut().zip(block).for_each(|(sum, add)| *sum += add);
            }
        }
    }
}

/// AVX-512 with VNNI: four rows are interleaved so that one `vpdpbusd` multiplies them by one digit each and adds.
#[cfg(target_arch = "x86_64")]
mod vnni {
    use super::{BLOCK, DIGITS, Weighing, stride};
    use std::arch::x86_64::*;

    /// # Safety
    /// The processor has AVX-512 F, BW, VL and VNNI. Rows are at least `columns` long, there is a word for each four of
    /// them, and `sums` has `DIGITS` rows of `stride(columns)`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    pub(super) unsafe fn weigh(weighing: Weighing<'_>) {
        let Weighing { rows, words, flip, columns, sums } = weighing;
        let stride = stride(columns);
        let flip = _mm256_set1_epi32(i32::from_le_bytes(flip));
        // Where the interleaving put each column; see `interleave`.
        let position = |column: i32| (column % 16 / 8) * 16 + (column % 8 / 4) * 8 + (column / 16) * 4 + column % 4;
        let order = |first: i32| {
            let order: [i32; 16] = std::array::from_fn(|at| position(first + at as i32));
            // SAFETY: the array has 64 bytes.
            unsafe { _mm512_loadu_si512(order.as_ptr().cast()) }
        };
        let orders = [order(0), order(16)];
        for first in (0..columns).step_by(BLOCK) {
            let length = BLOCK.min(columns - first);
            let mask = if length == BLOCK { u32::MAX } else { (1 << length) - 1 };
            let mut block = [[_mm512_setzero_si512(); 2]; DIGITS];
            for (quad, words) in rows.chunks(4).zip(words) {
                let load = |row: usize| match quad.get(row) {
                    // SAFETY: the row has `columns` bytes, of which the mask lets none beyond the last be read.
                    Some(row) => unsafe { _mm256_maskz_loadu_epi8(mask, row.as_ptr().add(first).cast()) },
                    None => _mm256_setzero_si256(),
                };
                let rows = [load(0), load(1), load(2), load(3)].map(|row| _mm256_xor_si256(row, flip));
                let interleaved = interleave(rows);
                for (sums, word) in block.iter_mut().zip(words) {
                    let digits = _mm512_set1_epi32(*word as i32);
                    sums[0] = _mm512_dpbusd_epi32(sums[0], interleaved[0], digits);
                    sums[1] = _mm512_dpbusd_epi32(sums[1], interleaved[1], digits);
                }
            }
            for (digit, block) in block.iter().enumerate() {
                for (half, order) in orders.iter().enumerate() {
                    let add = _mm512_permutex2var_epi32(block[0], *order, block[1]);
                    // SAFETY: the row of sums has `stride` values, a multiple of the block.
                    unsafe {
                        let at = sums.as_mut_ptr().add(digit * stride + first + 16 * half);
                        let sum = _mm512_add_epi32(_mm512_loadu_si512(at.cast()), add);
                        _mm512_storeu_si512(at.cast(), sum);
                    }
                }
            }
        }
    }

    /// Each word holds one column of the four rows. Unpacking works within halves of 16 columns: the first result has
    /// columns 0..4, 16..20, 4..8, 20..24, the second 8..12, 24..28, 12..16, 28..32.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    fn interleave(rows: [__m256i; 4]) -> [__m512i; 2] {
        let [a, b, c, d] = rows;
        let low = [_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d)];
        let high = [_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d)];
        let join = |[ab, cd]: [__m256i; 2]| {
            let first = _mm512_castsi256_si512(_mm256_unpacklo_epi16(ab, cd));
            _mm512_inserti64x4::<1>(first, _mm256_unpackhi_epi16(ab, cd))
        };
        [join(low), join(high)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn every_instruction_set_gives_the_definition() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 33) as u32
        };
        for (count, columns) in [(1, 1), (2, 31), (3, 32), (4, 33), (5, 63), (7, 64), (100, 100), (128, 200), (0, 5)] {
            let data: Vec<Vec<u8>> = (0..count).map(|_| (0..columns).map(|_| next() as u8).collect()).collect();
            let rows: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
            for flip in [[0; 4], [0x80; 4], [0, 0, 0, 0x80]] {
                let mut words = vec![[0u32; DIGITS]; usize::div_ceil(count, 4)];
                let weights: Vec<[i8; DIGITS]> = (0..count).map(|_| std::array::from_fn(|_| next() as i8)).collect();
                for (row, weight) in weights.iter().enumerate() {
                    for (digit, value) in weight.iter().enumerate() {
                        words[row / 4][digit] |= u32::from(*value as u8) << (8 * (row % 4));
                    }
                }
                let mut expected = vec![3i32; DIGITS * stride(columns)];
                for (row, weight) in rows.iter().zip(&weights) {
                    for (digit, value) in weight.iter().enumerate() {
                        for (column, byte) in row.iter().enumerate() {
                            let byte = byte ^ flip[column % 4];
                            expected[digit * stride(columns) + column] += i32::from(*value) * i32::from(byte);
                        }
                    }
                }
                for isa in Isa::available() {
                    let mut sums = vec![3i32; DIGITS * stride(columns)];
                    let isa = Available::new(isa).unwrap();
                    weigh(isa, Weighing { rows: &rows, words: &words, flip, columns, sums: &mut sums });
                    for digit in 0..DIGITS {
                        let row = digit * stride(columns)..digit * stride(columns) + columns;
                        assert_eq!(sums[row.clone()], expected[row], "{isa:?} {count} x {columns}");
                    }
                }
            }
        }
    }
}
