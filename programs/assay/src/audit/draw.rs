//! Which validators audit a job.

use anchor_lang::prelude::Pubkey;
use referee::commit::{sha256, Hash};

const DRAW_DOMAIN: &[u8] = b"assay/draw/1";

/// What a validator's seed gives for one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Decides whether the validator is drawn.
    number: u64,
    /// Picks the segment that it looks at most closely.
    segment_number: u64,
}

impl Draw {
    /// The draw of the validator with this seed. `beacon` and `job` are those of the job; nothing that its worker chose.
    pub fn new(seed: &Hash, beacon: &Hash, job: &Pubkey) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = sha256(&[DRAW_DOMAIN, seed, beacon, job.as_ref()]);
        Self {
            number: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            segment_number: u64::from_le_bytes([i, j, k, l, m, n, o, p]),
        }
    }

    /// Whether a validator of `weight` among `total` is drawn where `audits` auditors are wanted on average:
    /// `number < 2^64 * audits * weight / total`. Nobody is drawn out of nothing.
    pub fn selects(&self, weight: u64, total: u64, audits: u16) -> bool {
        let wanted = u128::from(weight).saturating_mul(u128::from(audits));
        if wanted >= u128::from(total) {
            return weight > 0 && total > 0;
        }
        // Both sides fit 128 bits: `wanted` is below `total`, which has 64.
        u128::from(self.number).saturating_mul(u128::from(total)) < wanted.saturating_mul(1 << 64)
    }

    /// The segment, of `segments`, that the validator looks at most closely; 0 where there are none.
    pub fn segment(&self, segments: u16) -> u16 {
        let picked = self.segment_number.checked_rem(u64::from(segments)).unwrap_or(0);
        u16::try_from(picked).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::seed_after;
    use proptest::prelude::*;

    const JOBS: u32 = 10_000;

    fn job(number: u32) -> Pubkey {
        Pubkey::new_from_array(sha256(&[b"job", &number.to_le_bytes()]))
    }

    fn beacon(number: u32) -> Hash {
        sha256(&[b"slot", &number.to_le_bytes()])
    }

    /// How often a draw with probability `p` happens in 10,000 jobs, give or take five standard deviations.
    fn is_plausible(count: u32, p: f64) -> bool {
        let (mean, deviation) = (f64::from(JOBS) * p, (f64::from(JOBS) * p * (1.0 - p)).sqrt());
        (f64::from(count) - mean).abs() <= 5.0 * deviation
    }

    #[test]
    fn over_10_000_jobs_everybody_is_drawn_by_stake() {
        let (weights, audits) = ([1u64, 9, 90, 400, 500], 2);
        let total: u64 = weights.iter().sum();
        let mut all = 0;
        for (validator, weight) in weights.into_iter().enumerate() {
            let secret = sha256(&[b"secret", &[validator as u8]]);
            // A hundred jobs an epoch.
            let count = (0..JOBS)
                .filter(|at| {
                    let seed = seed_after(secret, u64::from(at / 100));
                    Draw::new(&seed, &beacon(*at), &job(*at)).selects(weight, total, audits)
                })
                .count() as u32;
            let probability = (f64::from(audits) * weight as f64 / total as f64).min(1.0);
            assert!(is_plausible(count, probability), "{weight} of {total}: drawn {count} times");
            all += count;
        }
        // 0.2 %, 1.8 %, 18 %, 80 % and always: two on average.
        assert!((19_500..=20_500).contains(&all), "{all} audits of {JOBS} jobs");
    }

    #[test]
    fn over_10_000_jobs_every_segment_is_picked_alike() {
        let mut counts = [0u32; 7];
        for at in 0..JOBS {
            counts[usize::from(Draw::new(&[1; 32], &beacon(at), &job(at)).segment(7))] += 1;
        }
        assert!(counts.iter().all(|count| is_plausible(*count, 1.0 / 7.0)), "{counts:?}");
        assert_eq!(Draw::new(&[1; 32], &[2; 32], &job(0)).segment(0), 0);
        assert_eq!(Draw::new(&[1; 32], &[2; 32], &job(0)).segment(1), 0);
    }

    /// A validator that tries chains until one is drawn for jobs whose addresses it knows ahead gains nothing: the beacons
    /// come after the chain, and under them its best chain is drawn no more often than any other.
    #[test]
    fn a_chain_ground_for_known_addresses_is_drawn_like_any_other() {
        let drawn = |seed: &Hash, beacon: &dyn Fn(u32) -> Hash, jobs: u32| {
            (0..jobs).filter(|at| Draw::new(seed, &beacon(*at), &job(*at)).selects(1, 10, 1)).count() as u32
        };
        let guess = |_| [0; 32];
        let best = (0u32..2_000)
            .map(|attempt| sha256(&[b"attempt", &attempt.to_le_bytes()]))
            .max_by_key(|seed| drawn(seed, &guess, 40))
            .unwrap();
        let hoped = drawn(&best, &guess, 40);
        assert!(hoped >= 10, "grinding works without a beacon: {hoped} of 40 instead of 4");
        assert!(is_plausible(drawn(&best, &beacon, JOBS), 0.1));
        assert!(drawn(&best, &beacon, 40) < hoped);
    }

    #[test]
    fn thresholds_are_exact_at_the_edges() {
        let draw = |number| Draw { number, segment_number: 0 };
        for (weight, total, audits) in [(0, 100, 5), (0, 0, 1), (5, 100, 0), (5, 0, 1)] {
            assert!(!draw(0).selects(weight, total, audits), "{weight} of {total} for {audits}");
        }
        for (weight, total, audits) in [(100, 100, 1), (50, 100, 2), (u64::MAX, u64::MAX, u16::MAX), (200, 100, 1)] {
            assert!(draw(u64::MAX).selects(weight, total, audits), "{weight} of {total} for {audits}");
        }
        assert!(draw((1 << 63) - 1).selects(1, 2, 1) && !draw(1 << 63).selects(1, 2, 1));
        assert!(!draw(u64::MAX).selects(u64::MAX - 1, u64::MAX, 1));
        assert!(draw(0).selects(1, u64::MAX, 1) && draw(1).selects(1, u64::MAX, 1) && !draw(2).selects(1, u64::MAX, 1));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// More stake, or more auditors wanted, never draws less.
        #[test]
        fn weight_only_helps(number: u64, weight: u64, more: u64, total: u64, audits: u16) {
            let draw = Draw { number, segment_number: 0 };
            if draw.selects(weight, total, audits) {
                prop_assert!(draw.selects(weight.saturating_add(more), total, audits));
                prop_assert!(draw.selects(weight, total, audits.saturating_add(1)));
            }
        }

        #[test]
        fn agrees_with_the_fraction(number: u64, weight in 1u64..1_000_000, total in 1u64..1_000_000, audits in 1u16..16) {
            let exact = f64::from(audits) * weight as f64 / total as f64;
            let fraction = number as f64 / 2f64.powi(64);
            if (fraction - exact).abs() > 1e-9 {
                prop_assert_eq!(Draw { number, segment_number: 0 }.selects(weight, total, audits), fraction < exact);
            }
        }

        /// Seed, beacon and job all matter; nothing else goes in.
        #[test]
        fn every_input_matters(seed: [u8; 32], beacon: [u8; 32], job: [u8; 32], at in 0usize..32, bit in 0u8..8) {
            let draw = Draw::new(&seed, &beacon, &Pubkey::new_from_array(job));
            let flip = |mut bytes: [u8; 32]| { bytes[at] ^= 1 << bit; bytes };
            prop_assert_ne!(draw, Draw::new(&flip(seed), &beacon, &Pubkey::new_from_array(job)));
            prop_assert_ne!(draw, Draw::new(&seed, &flip(beacon), &Pubkey::new_from_array(job)));
            prop_assert_ne!(draw, Draw::new(&seed, &beacon, &Pubkey::new_from_array(flip(job))));
        }
    }
}
