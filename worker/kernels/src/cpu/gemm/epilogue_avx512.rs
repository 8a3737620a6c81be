//! The common epilogue for AVX-512: 16 sums at a time, their products in two halves of 64 bits.

use super::epilogue::{self, Strip, TILE_COLUMNS};
use super::requantise::Requantise;
use referee::graph::Dtype;
use std::arch::x86_64::*;

/// Sums of a vector.
const LANES: usize = 16;

/// The numbers of a requantisation on all lanes.
struct Rule {
    narrow: bool,
    half: __m512i,
    shift: __m128i,
    /// In 32 bits where the rule is narrow, else in 64.
    offset: __m512i,
    low: __m512i,
    high: __m512i,
}

impl Rule {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(rule: epilogue::Rule, narrow: bool) -> Self {
        let lanes = |value: i64| if narrow { _mm512_set1_epi32(value as i32) } else { _mm512_set1_epi64(value) };
        Self {
            narrow,
            half: _mm512_set1_epi64(rule.half),
            shift: _mm_cvtsi64_si128(i64::from(rule.shift)),
            offset: lanes(rule.offset),
            low: lanes(rule.low),
            high: lanes(rule.high),
        }
    }

    /// What 16 sums become: even and odd lanes are multiplied apart, as products have 64 bits.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn values(&self, sums: __m512i, factors: __m512i, residual: Option<[__m512i; 2]>) -> __m512i {
        let odd = |lanes: __m512i| _mm512_srli_epi64::<32>(lanes);
        let mut products = [_mm512_mul_epi32(sums, factors), _mm512_mul_epi32(odd(sums), odd(factors))];
        if let Some([values, factor]) = residual {
            products[0] = _mm512_add_epi64(products[0], _mm512_mul_epi32(values, factor));
            products[1] = _mm512_add_epi64(products[1], _mm512_mul_epi32(odd(values), factor));
        }
        let mut halves = products;
        for half in &mut halves {
            *half = _mm512_sra_epi64(_mm512_add_epi64(*half, self.half), self.shift);
            if !self.narrow {
                *half = _mm512_max_epi64(_mm512_add_epi64(*half, self.offset), self.low);
                *half = _mm512_min_epi64(*half, self.high);
            }
        }
        // the low halves of odd lanes go where they came from
        let whole = _mm512_mask_shuffle_epi32::<0b10_10_00_00>(halves[0], 0xaaaa, halves[1]);
        if self.narrow {
            _mm512_min_epi32(_mm512_max_epi32(_mm512_add_epi32(whole, self.offset), self.low), self.high)
        } else {
            whole
        }
    }
}

/// Stores strips.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn store<'a>(requantise: &Requantise, strips: impl Iterator<Item = Strip<'a>>) {
    let rule = Rule::new(requantise.rule(), requantise.narrow);
    // entries fit 32 bits when they are scaled, see `Requantise::new`
    let second_rule = requantise.second_rule().map(|rule| Rule::new(rule, true));
    let first_entry = _mm512_set1_epi32(requantise.low as i32);
    let addend = requantise.residual.as_ref();
    let addend = addend.map(|addend| (addend.operand.access.dtype(), _mm512_set1_epi32(addend.factor)));
    let mut entries = [0i32; TILE_COLUMNS];
    let size = requantise.dtype.bytes() as usize;
    for Strip { sums, line, factors, second_factors, residual, out } in strips {
        let count = sums.len();
        assert!(count <= TILE_COLUMNS && out.len() == count * size);
        assert!([factors, second_factors].into_iter().flatten().all(|factors| factors.len() == count));
        assert!(addend.is_none_or(|(dtype, _)| residual.len() == count * dtype.bytes() as usize));
        let (bias, factor) = (_mm512_set1_epi32(line.bias), _mm512_set1_epi32(line.factor));
        for at in (0..count).step_by(LANES) {
            let used = (u32::MAX >> (32 - (count - at).min(LANES))) as u16;
            // SAFETY: masked lanes are not touched, and all others lie within the slices, see the assertions.
            unsafe {
                let sums = _mm512_add_epi32(_mm512_maskz_loadu_epi32(used, sums.as_ptr().add(at)), bias);
                let factors = match factors {
                    Some(factors) => _mm512_maskz_loadu_epi32(used, factors.as_ptr().add(at)),
                    None => factor,
                };
                #[allow(clippy::manual_map, reason = "a closure might not be inlined, and would lack the instructions")]
                let residual = match addend {
                    Some((dtype, factor)) => Some([elements(residual.as_ptr(), at, dtype, used), factor]),
                    None => None,
                };
                let values = rule.values(sums, factors, residual);
                if requantise.table.is_some() {
                    let entries = entries.as_mut_ptr().add(at);
                    _mm512_mask_storeu_epi32(entries, used, _mm512_sub_epi32(values, first_entry));
                    continue;
                }
                store_values(out.as_mut_ptr().add(at * size), size, used, values);
            }
        }
        let Some(table) = &requantise.table else { continue };
        let Some((rule, factors)) = second_rule.as_ref().zip(second_factors) else {
            table.look_up_within(&entries, count, out);
            continue;
        };
        table.entries_at(&mut entries[..count]);
        for at in (0..count).step_by(LANES) {
            let used = (u32::MAX >> (32 - (count - at).min(LANES))) as u16;
            // SAFETY: as above.
            unsafe {
                let entries = _mm512_maskz_loadu_epi32(used, entries.as_ptr().add(at));
                let factors = _mm512_maskz_loadu_epi32(used, factors.as_ptr().add(at));
                store_values(out.as_mut_ptr().add(at * size), size, used, rule.values(entries, factors, None));
            }
        }
    }
}

/// Elements from number `first` on, 0 where `used` is not set.
///
/// # Safety
/// From `bytes` on there are as many elements as `first` and the highest bit of `used` say.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn elements(bytes: *const u8, first: usize, dtype: Dtype, used: u16) -> __m512i {
    // SAFETY: as the caller vouches.
    unsafe {
        match dtype {
            Dtype::I8 => _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(used, bytes.add(first).cast())),
            Dtype::U8 => _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(used, bytes.add(first).cast())),
            _ => _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(used, bytes.add(2 * first).cast())),
        }
    }
}

/// Stores the low bytes of some lanes.
///
/// # Safety
/// `out` has room for as many elements of `size` bytes as `used` has bits up to its highest.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store_values(out: *mut u8, size: usize, used: u16, values: __m512i) {
    // SAFETY: as the caller vouches.
    unsafe {
        match size {
            1 => _mm_mask_storeu_epi8(out.cast(), used, _mm512_cvtepi32_epi8(values)),
            2 => _mm256_mask_storeu_epi16(out.cast(), used, _mm512_cvtepi32_epi16(values)),
            _ => _mm512_mask_storeu_epi32(out.cast(), used, values),
        }
    }
}
