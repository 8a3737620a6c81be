//! SHA-256 of 8 messages at once with AVX2: each register holds one word of all of them.

use super::Blocks;
use super::constants::ROUND;
use std::arch::x86_64::*;

/// One compression. `state` holds 8 words of 8 lanes.
#[target_feature(enable = "avx2")]
pub(super) fn compress(state: &mut [u32; 64], blocks: &Blocks<'_, 8>) {
    let mut words = [_mm256_setzero_si256(); 16];
    for half in 0..2 {
        let mut rows = [_mm256_setzero_si256(); 8];
        for (row, block) in rows.iter_mut().zip(blocks) {
            // SAFETY: a block has 64 bytes, of which 32 are read from byte 0 or 32; the load has no alignment to keep.
            *row = unsafe { _mm256_loadu_si256(block.as_ptr().add(32 * half).cast()) };
        }
        words[8 * half..8 * half + 8].copy_from_slice(&transpose(rows));
    }
    let mut registers = [_mm256_setzero_si256(); 8];
    for (register, lanes) in registers.iter_mut().zip(state.as_chunks::<8>().0) {
        // SAFETY: `lanes` has 8 words of 4 bytes.
        *register = unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = registers;
    macro_rules! rotate {
        ($x:expr, $n:literal) => {
            _mm256_or_si256(_mm256_srli_epi32::<$n>($x), _mm256_slli_epi32::<{ 32 - $n }>($x))
        };
    }
    macro_rules! xor3 {
        ($x:expr, $y:expr, $z:expr) => {
            _mm256_xor_si256(_mm256_xor_si256($x, $y), $z)
        };
    }
    macro_rules! add {
        ($x:expr, $y:expr) => {
            _mm256_add_epi32($x, $y)
        };
    }
    macro_rules! round {
        ($index:expr) => {{
            let keyed = add!(words[$index & 15], _mm256_set1_epi32(ROUND[$index] as i32));
            let sum = xor3!(rotate!(e, 6), rotate!(e, 11), rotate!(e, 25));
            let choice = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
            let first = add!(add!(h, keyed), add!(sum, choice));
            let sum = xor3!(rotate!(a, 2), rotate!(a, 13), rotate!(a, 22));
            let majority = _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
            h = g;
            g = f;
            f = e;
            e = add!(d, first);
            d = c;
            c = b;
            b = a;
            a = add!(first, add!(sum, majority));
        }};
    }
    for index in 0..16 {
        round!(index);
    }
    for sixteen in 1..4 {
        for index in 0..16 {
            let (early, late) = (words[(index + 1) & 15], words[(index + 14) & 15]);
            let small = xor3!(rotate!(early, 7), rotate!(early, 18), _mm256_srli_epi32::<3>(early));
            let great = xor3!(rotate!(late, 17), rotate!(late, 19), _mm256_srli_epi32::<10>(late));
            words[index] = add!(add!(words[index], small), add!(words[(index + 9) & 15], great));
            round!(sixteen * 16 + index);
        }
    }
    let worked = [a, b, c, d, e, f, g, h];
    for ((lanes, before), after) in state.as_chunks_mut::<8>().0.iter_mut().zip(registers).zip(worked) {
        // SAFETY: `lanes` has 8 words of 4 bytes.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), add!(before, after)) };
    }
}

/// From 8 words of a message a register to a word of all messages a register, in the byte order of SHA-256.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let swap = _mm256_broadcastsi128_si256(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    let rows = rows.map(|row| _mm256_shuffle_epi8(row, swap));
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = pairs;
    for i in 0..2 {
        fours[4 * i] = _mm256_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 1] = _mm256_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 2] = _mm256_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        fours[4 * i + 3] = _mm256_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    let mut words = fours;
    for i in 0..4 {
        words[i] = _mm256_permute2x128_si256::<0x20>(fours[i], fours[i + 4]);
        words[i + 4] = _mm256_permute2x128_si256::<0x31>(fours[i], fours[i + 4]);
    }
    words
}
