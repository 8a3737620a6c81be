//! A small generator of numbers (SplitMix64).

pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low) as u64 + 1) as i64
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A 64-bit number of any size: extremes, powers of two and their neighbours, small and arbitrary ones.
    pub fn word(&mut self) -> i64 {
        let power = 1i64.wrapping_shl(self.below(64) as u32);
        match self.below(6) {
            0 => *self.pick(&[0, 1, -1, i64::MIN, i64::MAX, i64::MIN + 1, 63, 64]),
            1 => power,
            2 => power.wrapping_sub(1),
            3 => power.wrapping_neg().wrapping_add(self.between(-1, 1)),
            4 => self.between(-300, 300),
            _ => self.next() as i64,
        }
    }
}
