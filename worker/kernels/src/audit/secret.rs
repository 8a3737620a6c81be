//! The random weights of an auditor.

use super::field::Residue;
use super::weigh::{DIGITS, Words};
use referee::commit::sha256;
use std::fmt;

/// What an auditor's random vectors come from. Whoever serves advice must not know it: draw it from the operating
/// system, keep it, and never send it anywhere.
///
/// It may serve many audits: an honest result passes whatever the secret is, and a lie is caught but for one chance in
/// 2^71, so that outcomes tell a liar nothing that it could use.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The weights of one side.
    pub(super) fn weights(&self, side: u8, rows: usize) -> Weights {
        let mut words = vec![[0u32; DIGITS]; rows.div_ceil(4)];
        let mut scalars = Vec::with_capacity(rows);
        let mut totals = Vec::with_capacity(rows + 1);
        let mut total = 0i128;
        totals.push(0);
        let mut stream = Stream { secret: &self.0, side, block: 0, bytes: [0; 32], used: 32 };
        for row in 0..rows {
            let mut scalar = 0i128;
            for (digit, word) in words[row / 4].iter_mut().enumerate() {
                let byte = stream.next();
                *word |= u32::from(byte) << (8 * (row % 4));
                scalar += i128::from(byte as i8) << (8 * digit);
            }
            scalars.push(Residue::of(scalar));
            total += scalar;
            totals.push(total);
        }
        Weights { words, scalars, totals }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Bytes of SHA-256 in counter mode.
struct Stream<'a> {
    secret: &'a [u8; 32],
    side: u8,
    block: u64,
    bytes: [u8; 32],
    used: usize,
}

impl Stream<'_> {
    fn next(&mut self) -> u8 {
        if self.used == self.bytes.len() {
            self.bytes = sha256(&[b"assay/freivalds/1", self.secret, &[self.side], &self.block.to_le_bytes()]);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.bytes[self.used - 1]
    }
}

/// A weight for each row: uniform over 2^72 neighbouring integers, in digits of 256 from -128 on.
#[derive(Debug)]
pub(super) struct Weights {
    words: Vec<Words>,
    scalars: Vec<Residue>,
    /// Sums of all weights before each row.
    totals: Vec<i128>,
}

impl Weights {
    /// The digits of rows `first..first + count`, of which the last may be followed by none; `first` is a multiple of 4.
    pub(super) fn words(&self, first: usize, count: usize) -> Vec<Words> {
        let mut words = self.words[first / 4..(first + count).div_ceil(4)].to_vec();
        if let Some(last) = words.last_mut()
            && !count.is_multiple_of(4)
        {
            let mask = (1u32 << (8 * (count % 4))) - 1;
            last.iter_mut().for_each(|word| *word &= mask);
        }
        words
    }

    /// The weight of a row.
    pub(super) fn scalar(&self, row: usize) -> Residue {
        self.scalars[row]
    }

    /// The sum of the weights of rows `first..end`.
    pub(super) fn total(&self, first: usize, end: usize) -> i128 {
        self.totals[end] - self.totals[first]
    }
}
