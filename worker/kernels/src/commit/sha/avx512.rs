//! SHA-256 of 16 messages at once with AVX-512: each register holds one word of all of them.

use super::Blocks;
use super::constants::ROUND;
use std::arch::x86_64::*;

/// One compression. `state` holds 8 words of 16 lanes.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn compress(state: &mut [u32; 128], blocks: &Blocks<'_, 16>) {
    let swap = _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    let mut words = [_mm512_setzero_si512(); 16];
    for (word, block) in words.iter_mut().zip(blocks) {
        // SAFETY: a block has 64 bytes; the load has no alignment to keep.
        let loaded = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        *word = _mm512_shuffle_epi8(loaded, swap);
    }
    transpose(&mut words);

    let mut registers = [_mm512_setzero_si512(); 8];
    for (register, lanes) in registers.iter_mut().zip(state.as_chunks::<16>().0) {
        // SAFETY: `lanes` has 16 words of 4 bytes.
        *register = unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = registers;
    macro_rules! xor3 {
        ($x:expr, $y:expr, $z:expr) => {
            _mm512_ternarylogic_epi32::<0x96>($x, $y, $z)
        };
    }
    macro_rules! add {
        ($x:expr, $y:expr) => {
            _mm512_add_epi32($x, $y)
        };
    }
    macro_rules! round {
        ($index:expr) => {{
            let keyed = add!(words[$index & 15], _mm512_set1_epi32(ROUND[$index] as i32));
            let sum = xor3!(_mm512_ror_epi32::<6>(e), _mm512_ror_epi32::<11>(e), _mm512_ror_epi32::<25>(e));
            let choice = _mm512_ternarylogic_epi32::<0xCA>(e, f, g);
            let first = add!(add!(h, keyed), add!(sum, choice));
            let sum = xor3!(_mm512_ror_epi32::<2>(a), _mm512_ror_epi32::<13>(a), _mm512_ror_epi32::<22>(a));
            let majority = _mm512_ternarylogic_epi32::<0xE8>(a, b, c);
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
            let small =
                xor3!(_mm512_ror_epi32::<7>(early), _mm512_ror_epi32::<18>(early), _mm512_srli_epi32::<3>(early));
            let great =
                xor3!(_mm512_ror_epi32::<17>(late), _mm512_ror_epi32::<19>(late), _mm512_srli_epi32::<10>(late));
            words[index] = add!(add!(words[index], small), add!(words[(index + 9) & 15], great));
            round!(sixteen * 16 + index);
        }
    }
    let worked = [a, b, c, d, e, f, g, h];
    for ((lanes, before), after) in state.as_chunks_mut::<16>().0.iter_mut().zip(registers).zip(worked) {
        // SAFETY: `lanes` has 16 words of 4 bytes.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), add!(before, after)) };
    }
}

/// From a message a register to a word of all messages a register.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(rows: &mut [__m512i; 16]) {
    let mut pairs = [_mm512_setzero_si512(); 16];
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = pairs;
    for i in 0..4 {
        fours[4 * i] = _mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 1] = _mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 2] = _mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        fours[4 * i + 3] = _mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    for i in 0..4 {
        let low = _mm512_shuffle_i32x4::<0x88>(fours[i], fours[i + 4]);
        let high = _mm512_shuffle_i32x4::<0xdd>(fours[i], fours[i + 4]);
        let low_rest = _mm512_shuffle_i32x4::<0x88>(fours[i + 8], fours[i + 12]);
        let high_rest = _mm512_shuffle_i32x4::<0xdd>(fours[i + 8], fours[i + 12]);
        rows[i] = _mm512_shuffle_i32x4::<0x88>(low, low_rest);
        rows[i + 8] = _mm512_shuffle_i32x4::<0xdd>(low, low_rest);
        rows[i + 4] = _mm512_shuffle_i32x4::<0x88>(high, high_rest);
        rows[i + 12] = _mm512_shuffle_i32x4::<0xdd>(high, high_rest);
    }
}
