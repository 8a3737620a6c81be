//! Looking many values up in a table of bytes, 16 bits or 32.

use super::isa::Available;
use referee::graph::Dtype;

/// A table whose entries are as they are stored.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    entries: Vec<u8>,
    /// Bytes of an entry.
    size: usize,
    /// Index of the last entry.
    last: i32,
    /// Entries are bytes, so few that they fit vector registers, and the processor permutes bytes.
    permuted: bool,
}

/// Entries that one permutation chooses from.
const BLOCK: usize = 128;
/// More blocks than this are slower than one load for each value.
const MOST_BLOCKS: usize = 12;
/// Values that are looked up at once.
pub(crate) const STRIP: usize = 64;

impl Table {
    /// The entries of `values` as `dtype` stores them; there is at least one.
    pub(crate) fn new(values: impl Iterator<Item = i64>, dtype: Dtype, isa: Available) -> Self {
        let size = dtype.bytes() as usize;
        let entry = |value: i64| dtype.saturate(value).to_le_bytes().into_iter().take(size);
        let mut entries: Vec<u8> = values.flat_map(entry).collect();
        let count = entries.len() / size;
        let blocks = count.div_ceil(BLOCK);
        let permuted = size == 1 && blocks <= MOST_BLOCKS && permutes(isa);
        if permuted {
            entries.resize(blocks * BLOCK, 0);
        }
        Self { entries, size, last: count as i32 - 1, permuted }
    }

    /// Stores the entries of `index`, at most [`STRIP`] of them, each clamped into the table.
    #[inline(always)]
    pub(crate) fn look_up(&self, index: &mut [i32; STRIP], count: usize, out: &mut [u8]) {
        for index in index.iter_mut() {
            *index = (*index).max(0).min(self.last);
        }
        #[cfg(target_arch = "x86_64")]
        if self.permuted && count == STRIP {
            // SAFETY: `permuted` says that the processor has the instructions, and the entries are whole blocks.
            unsafe { permute(&self.entries, index, out) };
            return;
        }
        let index = &index[..count];
        match self.size {
            1 => copy::<1>(&self.entries, index, out),
            2 => copy::<2>(&self.entries, index, out),
            _ => copy::<4>(&self.entries, index, out),
        }
    }
}

#[inline(always)]
fn copy<const BYTES: usize>(entries: &[u8], index: &[i32], out: &mut [u8]) {
    let entries = entries.as_chunks::<BYTES>().0;
    for (out, index) in out.as_chunks_mut::<BYTES>().0.iter_mut().zip(index) {
        *out = entries[*index as usize];
    }
}

#[cfg(target_arch = "x86_64")]
fn permutes(isa: Available) -> bool {
    isa.get() == super::isa::Isa::Avx512Vnni && is_x86_feature_detected!("avx512vbmi")
}

#[cfg(not(target_arch = "x86_64"))]
fn permutes(_: Available) -> bool {
    false
}

/// For each block of 128 entries, a permutation by the low seven bits, kept where the high bits name the block.
///
/// # Safety
/// The processor has AVX-512 F, BW and VBMI; `entries` is a whole number of blocks, and every index lies within it.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn permute(entries: &[u8], index: &[i32; STRIP], out: &mut [u8]) {
    use std::arch::x86_64::*;
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
    let mut found = _mm512_setzero_si512();
    for (number, block) in entries.chunks_exact(BLOCK).enumerate() {
        // SAFETY: a block is two vectors.
        let halves = unsafe {
            let first = block.as_ptr();
            [_mm512_loadu_si512(first.cast()), _mm512_loadu_si512(first.add(64).cast())]
        };
        let here = _mm512_cmpeq_epi8_mask(block_of, _mm512_set1_epi8(number as i8));
        found = _mm512_mask_mov_epi8(found, here, _mm512_permutex2var_epi8(halves[0], low, halves[1]));
    }
    // SAFETY: `out` has 64 bytes.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), found) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::isa::Isa;

    #[test]
    fn every_entry_is_found_and_what_lies_outside_is_clamped() {
        for isa in Isa::available().into_iter().filter_map(Available::new) {
            for (count, dtype) in [
                (1, Dtype::I8),
                (2, Dtype::U8),
                (127, Dtype::I8),
                (128, Dtype::U8),
                (129, Dtype::I8),
                (799, Dtype::U8),
                (1536, Dtype::I8),
                (1537, Dtype::I8),
                (300, Dtype::I16),
                (300, Dtype::I32),
            ] {
                let value = |index: i32| i64::from(index) * 7919 % 251 - 100;
                let table = Table::new((0..count).map(value), dtype, isa);
                let wanted: Vec<i32> = (-3..count + 3).chain([i32::MIN, i32::MAX]).collect();
                for chunk in wanted.chunks(STRIP).chain(wanted.chunks(5)) {
                    let mut index = [0; STRIP];
                    index[..chunk.len()].copy_from_slice(chunk);
                    let size = dtype.bytes() as usize;
                    let mut out = vec![0; chunk.len() * size];
                    table.look_up(&mut index, chunk.len(), &mut out);
                    for (at, index) in chunk.iter().enumerate() {
                        let expected = dtype.saturate(value((*index).clamp(0, count - 1)));
                        assert_eq!(dtype.read(&out, at), Some(expected), "{isa:?} {count} {dtype:?} {index}");
                    }
                }
            }
        }
    }
}
