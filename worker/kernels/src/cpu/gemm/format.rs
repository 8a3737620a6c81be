//! How operands are packed for a micro kernel.
//!
//! A *word* is 32 bits: the values of one row or column at a few neighbouring depths (a *group*). A micro kernel
//! multiplies a tile of rows by a panel of columns: for each group it adds the dot product of each row's word and each
//! column's word to a sum. All arithmetic is modulo 2^32, so the result is exact whatever the order.

use super::scalar;
use crate::cpu::isa::{Available, Isa};
use referee::graph::Dtype;

/// How values become words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Four bytes, each exclusive-ored with `flip`.
    Bytes { flip: u8 },
    /// Two 16-bit values, extended by sign or by zero.
    Pairs { signed: bool },
}

/// One call of a micro kernel.
pub(crate) struct Tile<'a> {
    /// `rows` rows of `groups` words, `left_stride` words apart.
    pub(crate) left: &'a [u32],
    pub(crate) left_stride: usize,
    /// `groups` times one word for each column of the panel.
    pub(crate) right: &'a [u32],
    pub(crate) groups: usize,
    /// What each column's sums start as.
    pub(crate) initial: &'a [i32],
    /// Sums: `rows` rows of a panel's columns, `sums_stride` apart.
    pub(crate) sums: &'a mut [i32],
    pub(crate) sums_stride: usize,
    /// At most [`Format::rows`].
    pub(crate) rows: usize,
}

impl Tile<'_> {
    /// Panics unless all that a kernel with this many columns touches lies within the slices.
    #[inline]
    pub(crate) fn check(&self, columns: usize) {
        assert!(self.rows >= 1 && self.groups >= 1);
        assert!(self.left.len() >= (self.rows - 1) * self.left_stride + self.groups);
        assert!(self.right.len() >= self.groups * columns);
        assert!(self.initial.len() >= columns);
        assert!(self.sums.len() >= (self.rows - 1) * self.sums_stride + columns);
    }
}

/// A micro kernel with the packing that it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Depths in a word.
    pub(crate) group: usize,
    /// Most rows of a tile.
    pub(crate) rows: usize,
    /// Columns of a panel.
    pub(crate) columns: usize,
    pub(crate) left: Encoding,
    pub(crate) right: Encoding,
    /// A left value is its stored value minus this: each sum starts at minus this times the sum of its column.
    pub(crate) left_offset: i32,
    /// The kernel; see [`Format::run`].
    tile: unsafe fn(Tile<'_>),
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const RAW: Encoding = Encoding::Bytes { flip: 0 };

impl Format {
    /// The format for a product of these element types, of which neither or one is unsigned.
    pub(crate) fn new(isa: Available, left: Dtype, right: Dtype) -> Self {
        let pairs = Self {
            group: 2,
            rows: scalar::ROWS,
            columns: scalar::COLUMNS,
            left: Encoding::Pairs { signed: left != Dtype::U8 },
            right: Encoding::Pairs { signed: right != Dtype::U8 },
            left_offset: 0,
            tile: scalar::tile,
        };
        match isa.get() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => {
                let base = Self {
                    group: 4,
                    rows: 12,
                    columns: 32,
                    left: RAW,
                    right: RAW,
                    left_offset: 0,
                    tile: super::vnni::unsigned_left,
                };
                match (left, right) {
                    (Dtype::U8, _) => base,
                    (_, Dtype::U8) => Self { tile: super::vnni::unsigned_right, ..base },
                    // a + 128 is unsigned
                    _ => Self { left: Encoding::Bytes { flip: 0x80 }, left_offset: 128, ..base },
                }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Self { rows: 6, columns: 16, tile: super::avx2::tile, ..pairs },
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot if right != Dtype::U8 => {
                let base = Self {
                    group: 4,
                    rows: 8,
                    columns: 8,
                    left: RAW,
                    right: RAW,
                    left_offset: 0,
                    tile: super::neon::tile,
                };
                match left {
                    // a - 128 is signed
                    Dtype::U8 => Self { left: Encoding::Bytes { flip: 0x80 }, left_offset: -128, ..base },
                    _ => base,
                }
            }
            _ => pairs,
        }
    }

    /// Multiplies one tile.
    #[inline]
    pub(crate) fn run(&self, tile: Tile<'_>) {
        // SAFETY: `new` names a kernel only for an instruction set that the processor has.
        unsafe { (self.tile)(tile) }
    }

    /// Words of a row or column of this depth; a depth of 0 does not occur.
    pub(crate) fn groups(&self, depth: usize) -> usize {
        depth.div_ceil(self.group)
    }
}

impl Encoding {
    /// Packs one row or column; what is left of the last word is 0, which is also what the other side has there
    /// unless it flips: one side alone may flip, so every product beyond the depth is 0.
    #[inline(always)]
    pub(crate) fn encode(self, values: &[u8], words: &mut [u32]) {
        match self {
            Self::Bytes { flip } => {
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(words);
                let (used, rest) = bytes.split_at_mut(values.len());
                for (byte, value) in used.iter_mut().zip(values) {
                    *byte = value ^ flip;
                }
                rest.fill(0);
            }
            Self::Pairs { signed } => {
                let pairs: &mut [i16] = bytemuck::cast_slice_mut(words);
                let (used, rest) = pairs.split_at_mut(values.len());
                for (pair, value) in used.iter_mut().zip(values) {
                    *pair = if signed { i16::from(*value as i8) } else { i16::from(*value) };
                }
                rest.fill(0);
            }
        }
    }
}
