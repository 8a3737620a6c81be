//! Tables of bytes in vector registers, for AVX-512 with VBMI.

use super::table::{BLOCK, STRIP};
use std::arch::x86_64::*;

/// The entries at 64 places, given as their low seven bits and the rest.
///
/// For each block of 128 entries a permutation by the low bits, kept where the rest names the block.
///
/// # Safety
/// `entries` is a whole number of blocks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn entries_at(entries: &[u8], low: __m512i, block_of: __m512i) -> __m512i {
    let mut found = _mm512_setzero_si512();
    for (number, block) in entries.chunks_exact(BLOCK).enumerate() {
        // SAFETY: a block is two vectors.
        let halves = unsafe {
            let first = block.as_ptr();
            [_mm512_loadu_si512(first.cast()), _mm512_loadu_si512(first.add(STRIP).cast())]
        };
        let here = _mm512_cmpeq_epi8_mask(block_of, _mm512_set1_epi8(number as i8));
        let chosen = _mm512_maskz_permutex2var_epi8(here, halves[0], low, halves[1]);
        found = _mm512_or_si512(found, chosen);
    }
    found
}

/// Stores the entries of `index`; 0 for what lies outside.
///
/// # Safety
/// The processor has AVX-512 F, BW and VBMI; `entries` is a whole number of blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn permute(entries: &[u8], index: &[i32; STRIP], out: &mut [u8]) {
    let out = &mut out[..STRIP];
    let quarter = |at: usize| {
        // SAFETY: 16 values from `16 * at` on lie within the 64.
        unsafe { _mm512_loadu_si512(index.as_ptr().add(16 * at).cast()) }
    };
    let bytes = |parts: [__m128i; 4]| {
        let low = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(parts[0]), parts[1]);
        _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(low, parts[2]), parts[3])
    };
    let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
    let low = bytes(quarters.map(|quarter| _mm512_cvtepi32_epi8(quarter)));
    let block_of = bytes(quarters.map(|quarter| _mm512_cvtepi32_epi8(_mm512_srli_epi32::<7>(quarter))));
    // SAFETY: as the caller vouches.
    let found = unsafe { entries_at(entries, low, block_of) };
    // SAFETY: `out` has 64 bytes.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), found) };
}

/// Stores for each 16-bit value of a row the entry at `last + value - greatest`, clamped to `0..=last`, or `other` where the
/// mask is 0.
///
/// # Safety
/// The processor has AVX-512 F, BW and VBMI; `entries` is a whole number of blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn permute_line(
    entries: &[u8],
    last: i16,
    greatest: i16,
    row: &[u8],
    mask: Option<(&[u8], u8)>,
    out: &mut [u8],
) {
    let count = out.len();
    assert!(row.len() == 2 * count && mask.is_none_or(|(mask, _)| mask.len() == count));
    let (greatest, last) = (_mm512_set1_epi16(greatest), _mm512_set1_epi16(last));
    let zero = _mm512_setzero_si512();
    // What saturates lies beyond the table on the same side as the exact place, and is clamped to the same entry.
    let place = |values: __m512i| {
        let place = _mm512_adds_epi16(_mm512_subs_epi16(values, greatest), last);
        _mm512_min_epi16(_mm512_max_epi16(place, zero), last)
    };
    let bytes = |halves: [__m512i; 2]| {
        let [low, high] = halves.map(|half| _mm512_cvtepi16_epi8(half));
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    };
    for at in (0..count).step_by(STRIP) {
        let used = u64::MAX >> (STRIP - (count - at).min(STRIP));
        let first = row.as_ptr().wrapping_add(2 * at);
        // SAFETY: masked elements are not touched; all others lie within the slices, see the assertion.
        let values = unsafe {
            [
                _mm512_maskz_loadu_epi16(used as u32, first.cast()),
                _mm512_maskz_loadu_epi16((used >> 32) as u32, first.wrapping_add(STRIP).cast()),
            ]
        };
        let places = values.map(place);
        let block_of = bytes(places.map(|places| _mm512_srli_epi16::<7>(places)));
        // SAFETY: as the caller vouches.
        let mut found = unsafe { entries_at(entries, bytes(places), block_of) };
        if let Some((mask, other)) = mask {
            // SAFETY: as above.
            let mask = unsafe { _mm512_maskz_loadu_epi8(used, mask.as_ptr().wrapping_add(at).cast()) };
            let stays = _mm512_test_epi8_mask(mask, mask);
            found = _mm512_mask_blend_epi8(stays, _mm512_set1_epi8(other as i8), found);
        }
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_epi8(out.as_mut_ptr().wrapping_add(at).cast(), used, found) };
    }
}
