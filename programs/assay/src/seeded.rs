//! One configuration for all property tests: the same cases in every run, no files written.

use proptest::test_runner::{Config, RngSeed};

/// 512 cases from a fixed seed.
pub(crate) fn cases() -> Config {
    Config { cases: 512, rng_seed: RngSeed::Fixed(0x00a5_5a11), failure_persistence: None, ..Config::default() }
}
