//! A validator's hash chain: one seed an epoch, all fixed by a single hash that was committed before the first of them counts.

use super::Epoch;
use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;
use referee::commit::{sha256, Hash};

/// How many epochs after its commitment a chain counts.
pub const MATURITY_EPOCHS: u64 = 2;

/// How far a seed may lie from the last one that was shown: so many hashes are computed at most.
pub const MAXIMUM_STEPS: u64 = 64;

const STEP_DOMAIN: &[u8] = b"assay/seed/1";

/// What `seed` becomes after `steps` steps: the seed of an epoch so many epochs earlier.
pub fn seed_after(seed: Hash, steps: u64) -> Hash {
    (0..steps).fold(seed, |seed, _| sha256(&[STEP_DOMAIN, &seed]))
}

/// A chain and how far it was shown. The seed of an epoch, taken so many steps as lie between, gives the last seed shown; so
/// whoever knows one knows all earlier ones and no later one.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedChain {
    /// The last seed that was shown; before the first, the committed end of the chain.
    pub shown: [u8; 32],
    /// Its epoch.
    pub shown_epoch: u64,
    /// The first epoch for whose jobs the chain counts.
    pub first_epoch: u64,
    /// The length of epochs by which the chain counts; 0 says that there is no chain.
    pub epoch_slots: u32,
}

impl SeedChain {
    /// A chain that ends in `end` and was committed in `now`. `end` stands for the epoch before the first that counts.
    pub fn commit(end: Hash, now: Epoch, epoch_slots: u32) -> Checked<Self> {
        let first = now.plus(MATURITY_EPOCHS)?;
        let before = first.0.checked_sub(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(Self { shown: end, shown_epoch: before, first_epoch: first.0, epoch_slots })
    }

    /// Whether the chain may draw for a job that was posted in `posted` and counts epochs of `epoch_slots`.
    ///
    /// `ChainMissing`, `ChainOfOtherEpochs`, or `ChainTooYoung` when the chain was not fixed well before the job was posted.
    pub fn check_counts_for(&self, posted: Epoch, epoch_slots: u32) -> Checked {
        if self.epoch_slots == 0 {
            return Err(AssayError::ChainMissing);
        }
        if self.epoch_slots != epoch_slots {
            return Err(AssayError::ChainOfOtherEpochs);
        }
        if posted.0 < self.first_epoch {
            return Err(AssayError::ChainTooYoung);
        }
        Ok(())
    }

    /// Accepts `seed` as that of `epoch` and remembers the later of it and the last one shown.
    ///
    /// `ChainMissing`, `EpochNotOver` while `now` has not passed the epoch, `ChainTooYoung`, `SeedTooFar`, or `WrongSeed`.
    pub fn show(&mut self, epoch: Epoch, seed: Hash, now: Epoch) -> Checked {
        if self.epoch_slots == 0 {
            return Err(AssayError::ChainMissing);
        }
        if now <= epoch {
            return Err(AssayError::EpochNotOver);
        }
        if epoch.0 < self.first_epoch {
            return Err(AssayError::ChainTooYoung);
        }
        let steps = epoch.0.abs_diff(self.shown_epoch);
        if steps > MAXIMUM_STEPS {
            return Err(AssayError::SeedTooFar);
        }
        let is_later = epoch.0 > self.shown_epoch;
        let (from, to) = if is_later { (seed, self.shown) } else { (self.shown, seed) };
        if seed_after(from, steps) != to {
            return Err(AssayError::WrongSeed);
        }
        if is_later {
            (self.shown, self.shown_epoch) = (seed, epoch.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LENGTH: u64 = 200;
    const NOW: Epoch = Epoch(10);
    const LATER: Epoch = Epoch(u64::MAX);

    /// A chain of 200 seeds for the epochs from 12 on, and the seed of an epoch.
    fn chain(secret: Hash) -> (SeedChain, impl Fn(u64) -> Hash) {
        let chain = SeedChain::commit(seed_after(secret, LENGTH), NOW, 50).unwrap();
        (chain, move |epoch| seed_after(secret, LENGTH - (epoch - 11)))
    }

    #[test]
    fn a_chain_counts_two_epochs_after_it_was_committed() {
        let (chain, _) = chain([7; 32]);
        assert_eq!(chain.first_epoch, NOW.0 + MATURITY_EPOCHS);
        assert_eq!(chain.check_counts_for(Epoch(11), 50), Err(AssayError::ChainTooYoung));
        assert_eq!(chain.check_counts_for(Epoch(12), 50), Ok(()));
        assert_eq!(chain.check_counts_for(Epoch(12), 51), Err(AssayError::ChainOfOtherEpochs));
        assert_eq!(SeedChain::default().check_counts_for(Epoch(12), 0), Err(AssayError::ChainMissing));
    }

    #[test]
    fn there_is_one_seed_an_epoch_and_no_other_is_accepted() {
        let (chain, seed) = chain([7; 32]);
        for epoch in [12, 13, 40, 75] {
            let mut chain = chain;
            for other in [12, 13, 40, 75, 76].into_iter().filter(|other| *other != epoch) {
                assert_eq!(chain.show(Epoch(epoch), seed(other), LATER), Err(AssayError::WrongSeed));
            }
            assert_eq!(chain.show(Epoch(epoch), [0; 32], LATER), Err(AssayError::WrongSeed));
            assert_eq!(chain.show(Epoch(epoch), seed(epoch), LATER), Ok(()));
            assert_eq!((chain.shown_epoch, chain.shown), (epoch, seed(epoch)));
        }
    }

    #[test]
    fn a_seed_is_shown_only_when_its_epoch_is_over() {
        let (mut chain, seed) = chain([7; 32]);
        for now in [0, 19, 20] {
            assert_eq!(chain.show(Epoch(20), seed(20), Epoch(now)), Err(AssayError::EpochNotOver));
        }
        assert_eq!(chain.show(Epoch(20), seed(20), Epoch(21)), Ok(()));
    }

    #[test]
    fn earlier_seeds_follow_from_the_last_one_and_do_not_replace_it() {
        let (mut chain, seed) = chain([7; 32]);
        chain.show(Epoch(60), seed(60), LATER).unwrap();
        for epoch in [60, 59, 12] {
            chain.show(Epoch(epoch), seed(epoch), LATER).unwrap();
            assert_eq!((chain.shown_epoch, chain.shown), (60, seed(60)));
            assert_eq!(chain.show(Epoch(epoch), seed(epoch + 1), LATER), Err(AssayError::WrongSeed));
        }
        assert_eq!(chain.show(Epoch(11), seed(11), LATER), Err(AssayError::ChainTooYoung), "the end is no seed");
    }

    #[test]
    fn at_most_64_hashes_are_computed() {
        let (mut chain, seed) = chain([7; 32]);
        assert_eq!(chain.show(Epoch(76), seed(76), LATER), Err(AssayError::SeedTooFar), "65 from the end");
        assert_eq!(chain.show(Epoch(u64::MAX - 1), [0; 32], LATER), Err(AssayError::SeedTooFar));
        chain.show(Epoch(75), seed(75), LATER).unwrap();
        chain.show(Epoch(76), seed(76), LATER).unwrap();
        assert_eq!(chain.show(Epoch(12), seed(12), LATER), Ok(()), "64 back");
        chain.show(Epoch(77), seed(77), LATER).unwrap();
        assert_eq!(chain.show(Epoch(12), seed(12), LATER), Err(AssayError::SeedTooFar), "65 back");
    }

    #[test]
    fn without_a_chain_there_is_no_seed_and_the_last_epochs_do_not_overflow() {
        assert_eq!(SeedChain::default().show(Epoch(1), [0; 32], LATER), Err(AssayError::ChainMissing));
        assert_eq!(SeedChain::commit([0; 32], Epoch(u64::MAX - 1), 1), Err(AssayError::ArithmeticOverflow));
        SeedChain::commit([0; 32], Epoch(u64::MAX - 2), 1).unwrap();
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// In whatever order seeds are shown, each epoch has the one that was fixed when the chain was committed.
        #[test]
        fn the_order_of_showing_changes_nothing(secret: [u8; 32], epochs in prop::collection::vec(12u64..76, 1..8), lie: [u8; 32]) {
            let (mut chain, seed) = chain(secret);
            for epoch in epochs {
                prop_assert_eq!(chain.show(Epoch(epoch), lie, LATER), Err(AssayError::WrongSeed));
                let latest = chain.shown_epoch.max(epoch);
                prop_assert_eq!(chain.show(Epoch(epoch), seed(epoch), LATER), Ok(()));
                prop_assert_eq!((chain.shown_epoch, chain.shown), (latest, seed(latest)));
            }
        }
    }
}
