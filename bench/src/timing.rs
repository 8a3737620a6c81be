//! Measuring time.

use std::time::{Duration, Instant};

/// Seconds that one call takes.
pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

/// The least seconds of each contender, by turns for `budget` and at least `rounds` rounds after one to warm up.
/// Where that one alone took several times the budget, it is the measurement.
pub(crate) fn by_turns<const N: usize>(budget: Duration, rounds: usize, contenders: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    let mut contenders = contenders;
    let first = contenders.each_mut().map(|contender| seconds(&mut **contender));
    if first.iter().sum::<f64>() > 4.0 * budget.as_secs_f64() {
        return first;
    }
    let started = Instant::now();
    let mut round = 0;
    while round < rounds || started.elapsed() < budget {
        for (best, contender) in best.iter_mut().zip(&mut contenders) {
            *best = best.min(seconds(&mut **contender));
        }
        round += 1;
    }
    best
}

/// Reproducible bytes.
pub(crate) fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| next()).collect()
}
