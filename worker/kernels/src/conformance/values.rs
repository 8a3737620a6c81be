//! Deterministic values: a generator with a fixed seed, and the extremes at which kernels go wrong.

use referee::graph::Dtype;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound`; `bound` is at least 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Uniform in `low..=high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low.wrapping_add(self.below((high.wrapping_sub(low) as u64).wrapping_add(1).max(1)) as i64)
    }

    /// True once in `n` times.
    pub(super) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Values of 64 bits at which instructions and their 32-bit emulations go wrong.
pub(super) const EXTREMES: [i64; 32] = [
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    -7,
    31,
    32,
    33,
    63,
    64,
    65,
    -63,
    -64,
    127,
    -128,
    255,
    32_767,
    -32_768,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64 - 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    0x7fff_ffff_0000_0000,
    0x1234_5678_9abc_def0,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

/// Row-major little-endian bytes of `values`, each saturated to `dtype`.
pub(super) fn encode(dtype: Dtype, values: &[i64]) -> Vec<u8> {
    let size = dtype.bytes() as usize;
    values.iter().flat_map(|value| dtype.saturate(*value).to_le_bytes().into_iter().take(size)).collect()
}

/// `count` values of `dtype`: uniform over its range, every fourth at one of its ends or near 0.
pub(super) fn mixed(random: &mut Random, dtype: Dtype, count: usize) -> Vec<i64> {
    let (low, high) = dtype.range();
    let near = [low, high, low + 1, high - 1, 0, 1, -1];
    (0..count)
        .map(|_| if random.once_in(4) { dtype.saturate(random.pick(&near)) } else { random.between(low, high) })
        .collect()
}
