//! Working memory of one thread, kept from run to run.

use super::aligned::Words;
use super::gemm::Line;
use super::lanes::{LANES, Registers};
use super::strip::StripMemory;
use super::sweep::Segment;

/// What a thread needs beside operands and outputs.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Registers of a batch of points.
    pub(crate) registers: Box<Registers>,
    /// Pieces of a batch.
    pub(crate) segments: Vec<Segment>,
    /// Presets of an epilogue.
    pub(crate) pairs: [Vec<i64>; 2],
    /// Packed rows of a matrix product.
    pub(crate) left: Words,
    /// Its sums before the epilogue.
    pub(crate) sums: Vec<i32>,
    /// What its rows have in common with the epilogue.
    pub(crate) lines: Vec<Line>,
    /// One row or column of its operands.
    pub(crate) bytes: Vec<u8>,
    /// Columns that are being packed.
    pub(crate) columns: Words,
    /// What lies between ops that run together.
    pub(crate) strip: StripMemory,
}

impl Scratch {
    /// Bytes of what has a fixed size.
    pub(crate) const BYTES: usize = size_of::<Registers>() + 2 * size_of::<[i64; LANES]>();
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            registers: Registers::new(),
            segments: Vec::new(),
            pairs: [vec![0; LANES], vec![0; LANES]],
            left: Words::default(),
            sums: Vec::new(),
            lines: Vec::new(),
            bytes: Vec::new(),
            columns: Words::default(),
            strip: StripMemory::default(),
        }
    }
}
