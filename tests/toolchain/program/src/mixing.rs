//! Where the operands come from and where the results go.

use std::fmt;

/// Folds results into one number (FNV-1a over their bytes).
#[derive(Debug)]
pub(crate) struct Mixer(u64);

impl Mixer {
    /// An empty mixer; the seed keeps the sections' results of different seeds apart.
    pub(crate) fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ seed)
    }

    /// Adds a byte.
    pub(crate) fn byte(&mut self, value: u8) {
        self.0 = (self.0 ^ u64::from(value)).wrapping_mul(0x100_0000_01b3);
    }

    /// Adds 64 bits.
    pub(crate) fn add(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.byte(byte);
        }
    }

    /// Adds 128 bits.
    pub(crate) fn add_wide(&mut self, value: u128) {
        self.add(value as u64);
        self.add((value >> 64) as u64);
    }

    /// The number.
    pub(crate) fn result(self) -> u64 {
        self.0
    }
}

impl fmt::Write for Mixer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.byte(byte);
        }
        Ok(())
    }
}

/// A source of operands: random, a quarter of them extreme.
#[derive(Debug)]
pub(crate) struct Values(u64);

impl Values {
    /// The values of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next 64 bits: 0, all ones, the sign bit, a power of two or one less, few low or few zero bits, or anything.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let random = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        match self.0 >> 59 {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << 63,
            3 => random >> 40,
            4 => random >> 56,
            5 => !(random >> 48),
            6 => 1 << (random & 63),
            7 => (1u64 << (random & 63)).wrapping_sub(1),
            _ => random,
        }
    }

    /// The next 128 bits: an end of the signed or unsigned range, zero-extended, sign-extended, or both halves filled.
    pub(crate) fn next_wide(&mut self) -> u128 {
        const ENDS: [u128; 8] = [
            0,
            1,
            u128::MAX,
            u128::MAX - 1,
            i128::MAX as u128,
            i128::MIN as u128,
            i128::MIN as u128 + 1,
            u64::MAX as u128,
        ];
        match self.next() & 7 {
            0 => ENDS[(self.next() & 7) as usize],
            1 | 2 => u128::from(self.next()),
            3 | 4 => i128::from(self.next() as i64) as u128,
            _ => (u128::from(self.next()) << 64) | u128::from(self.next()),
        }
    }
}
