//! Looking many values up in a table of bytes, 16 bits or 32.

use super::isa::Available;
use super::lanes::LineSum;
use referee::graph::Dtype;

/// A table whose entries are as they are stored.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    entries: Vec<u8>,
    dtype: Dtype,
    /// Bytes of an entry.
    size: usize,
    /// Index of the last entry.
    last: i32,
    /// Entries are bytes, so few that they fit vector registers, and the processor permutes bytes.
    permuted: bool,
}

/// Entries that one permutation chooses from.
pub(super) const BLOCK: usize = 128;
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
        Self { entries, dtype, size, last: count as i32 - 1, permuted }
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len()
    }

    /// Stores the entries of a whole line where that is quick: the places of bytes are 16-bit values and a number, and perhaps
    /// bytes mask it. Where a mask is 0, `other` is stored instead.
    #[inline(always)]
    pub(crate) fn look_up_line(
        &self,
        index: &LineSum<'_>,
        mask: Option<(&LineSum<'_>, &[u8])>,
        out: &mut [u8],
    ) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.permuted && self.last <= i32::from(i16::MAX) {
            let Some((row, constant)) = index.one_row(Dtype::I16) else { return false };
            let mask = match mask {
                Some((mask, [other])) => match mask.one_row(Dtype::U8).or_else(|| mask.one_row(Dtype::I8)) {
                    Some((mask, 0)) => Some((mask, *other)),
                    _ => return false,
                },
                Some(_) => return false,
                None => None,
            };
            // the place is `last` where the row holds this
            let Ok(greatest) = i16::try_from(i64::from(self.last) - i64::from(constant)) else { return false };
            // SAFETY: `permuted` says that the processor has the instructions, and the entries are whole blocks.
            unsafe { super::table_avx512::permute_line(&self.entries, self.last as i16, greatest, row, mask, out) };
            return true;
        }
        let _ = (index, mask, out);
        false
    }

    /// Stores the entries of `index`, at most [`STRIP`] of them, each clamped into the table.
    #[inline(always)]
    pub(crate) fn look_up(&self, index: &mut [i32; STRIP], count: usize, out: &mut [u8]) {
        for index in index.iter_mut() {
            *index = (*index).max(0).min(self.last);
        }
        self.look_up_within(index, count, out);
    }

    /// As [`look_up`](Self::look_up) for places that lie in the table.
    #[inline(always)]
    pub(crate) fn look_up_within(&self, index: &[i32; STRIP], count: usize, out: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if self.permuted && count == STRIP {
            // SAFETY: `permuted` says that the processor has the instructions, and the entries are whole blocks.
            unsafe { super::table_avx512::permute(&self.entries, index, out) };
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

impl Table {
    /// Replaces places that lie in the table by their entries.
    #[inline(always)]
    pub(crate) fn entries_at(&self, places: &mut [i32]) {
        let bytes = &self.entries;
        match self.dtype {
            Dtype::I8 => replace(bytes.as_chunks::<1>().0, places, |[byte]| i32::from(byte as i8)),
            Dtype::U8 => replace(bytes.as_chunks::<1>().0, places, |[byte]| i32::from(byte)),
            Dtype::I16 => replace(bytes.as_chunks::<2>().0, places, |bytes| i32::from(i16::from_le_bytes(bytes))),
            Dtype::I32 => replace(bytes.as_chunks::<4>().0, places, i32::from_le_bytes),
        }
    }
}

#[inline(always)]
fn replace<const BYTES: usize>(entries: &[[u8; BYTES]], places: &mut [i32], value: impl Fn([u8; BYTES]) -> i32) {
    for place in places {
        *place = value(entries[*place as usize]);
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
