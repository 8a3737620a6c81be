//! The audit of one job: its pot, what was pinned for the draw, and how many attested.

use super::{Attestation, Validator};
use crate::audit::{split_pot, Draw, Epoch, PotSplit};
use crate::error::{AssayError, Checked};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Terms and record of a job's audit. Pot and cap are base units of the payment mint, bond and stake of the stake mint.
///
/// Everything down to `audits_per_job` is pinned when the job is posted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobAudit {
    /// Escrowed beside the price, for validators that attest; 0: nobody is asked.
    pub pot: u64,
    /// Most that one attestation earns.
    pub cap: u64,
    /// What an attestation locks.
    pub attestation_bond: u64,
    /// Stake of all validators when the job was posted.
    pub validator_stake: u64,
    /// The newest slot hash when the job was posted: unknown when any chain that counts was committed.
    pub beacon: [u8; 32],
    /// Length of epochs.
    pub epoch_slots: u32,
    /// Auditors that are drawn on average.
    pub audits_per_job: u16,

    /// Attestations that were made.
    pub attestations: u16,
    /// Attestations whose accounts are still open.
    pub open_attestations: u16,
    /// What each attestation earned; written when the job settles.
    pub fee: u64,
}

impl JobAudit {
    /// Checks a client's terms. Windows must leave a whole epoch after the one in which the result was committed, because
    /// only then can anyone attest in time.
    ///
    /// `AuditTermsInvalid` or `WindowTooShortForAudit`.
    pub fn check_terms(pot: u64, cap: u64, window_slots: u64, epoch_slots: u32) -> Checked {
        if pot == 0 && cap == 0 {
            return Ok(());
        }
        if cap == 0 || cap > pot {
            return Err(AssayError::AuditTermsInvalid);
        }
        if window_slots < u64::from(epoch_slots).saturating_mul(2) {
            return Err(AssayError::WindowTooShortForAudit);
        }
        Ok(())
    }

    /// Checks that `validator` is drawn for the job at `job`, posted and committed at these slots, by the seed of the epoch in
    /// which the result was committed; the validator's chain remembers the seed.
    ///
    /// `NoAuditPot`, the errors of [`SeedChain`](crate::audit::SeedChain), or `NotDrawn`. The draw is given, for the segment.
    pub fn check_drawn(
        &self,
        job: &Pubkey,
        posted: Slot,
        committed: Slot,
        validator: &mut Validator,
        seed: [u8; 32],
        now: Slot,
    ) -> Checked<Draw> {
        if self.pot == 0 {
            return Err(AssayError::NoAuditPot);
        }
        let epoch = |slot| Epoch::of(slot, self.epoch_slots);
        validator.chain.check_counts_for(epoch(posted)?, self.epoch_slots)?;
        validator.chain.show(epoch(committed)?, seed, epoch(now)?)?;
        let draw = Draw::new(&seed, &self.beacon, job);
        if !draw.selects(validator.weight_for(posted)?.0, self.validator_stake, self.audits_per_job) {
            return Err(AssayError::NotDrawn);
        }
        Ok(draw)
    }

    /// Counts an attestation that is made.
    pub fn open(&mut self) -> Checked {
        self.attestations = self.attestations.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        self.open_attestations = self.open_attestations.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Counts an attestation whose account closes.
    pub fn close(&mut self) -> Checked {
        self.open_attestations = self.open_attestations.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        Ok(())
    }

    /// Shares the pot out when the result stood.
    pub fn settle(&mut self) -> Checked<PotSplit> {
        let split = split_pot(TokenAmount(self.pot), TokenAmount(self.cap), self.attestations)?;
        self.fee = split.each.0;
        Ok(split)
    }

    /// `WrongAttestation` unless the attestation is one of this job by this validator.
    pub fn check_attestation(attestation: &Attestation, job: &Pubkey, validator: &Pubkey) -> Checked {
        if attestation.job != *job || attestation.validator != *validator {
            return Err(AssayError::WrongAttestation);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{seed_after, SeedChain};

    const JOB: Pubkey = Pubkey::new_from_array([9; 32]);
    const SECRET: [u8; 32] = [7; 32];

    fn audit() -> JobAudit {
        JobAudit { pot: 100, cap: 40, validator_stake: 100, epoch_slots: 50, audits_per_job: 1, ..JobAudit::default() }
    }

    /// All the stake there is, and a chain of 40 seeds from epoch 12 on.
    fn validator() -> Validator {
        let chain = SeedChain::commit(seed_after(SECRET, 40), Epoch(10), 50).unwrap();
        Validator { stake: 100, chain, ..Validator::default() }
    }

    fn seed(epoch: u64) -> [u8; 32] {
        seed_after(SECRET, 40 - (epoch - 11))
    }

    #[test]
    fn terms_are_both_given_or_both_not_and_leave_an_epoch_to_attest() {
        assert_eq!(JobAudit::check_terms(0, 0, 1, 50), Ok(()), "no audit at all");
        for (pot, cap) in [(1, 0), (0, 1), (5, 6), (0, u64::MAX)] {
            assert_eq!(JobAudit::check_terms(pot, cap, 1_000, 50), Err(AssayError::AuditTermsInvalid), "{pot} {cap}");
        }
        assert_eq!(JobAudit::check_terms(6, 6, 99, 50), Err(AssayError::WindowTooShortForAudit));
        assert_eq!(JobAudit::check_terms(6, 6, 100, 50), Ok(()));
        assert_eq!(JobAudit::check_terms(u64::MAX, 1, u64::MAX, u32::MAX), Ok(()));
    }

    #[test]
    fn the_seed_is_that_of_the_epoch_of_the_commit_and_the_chain_older_than_the_job() {
        let (posted, committed, later) = (Slot(12 * 50), Slot(14 * 50 + 49), Slot(15 * 50));
        let check =
            |epoch, posted, now| audit().check_drawn(&JOB, posted, committed, &mut validator(), seed(epoch), now);
        check(14, posted, later).unwrap();
        for other in [12, 13, 15] {
            assert_eq!(check(other, posted, later), Err(AssayError::WrongSeed), "of epoch {other}");
        }
        assert_eq!(check(14, posted, Slot(later.0 - 1)), Err(AssayError::EpochNotOver));
        assert_eq!(check(14, Slot(posted.0 - 1), later), Err(AssayError::ChainTooYoung));
    }

    #[test]
    fn without_a_pot_or_weight_or_luck_nobody_is_drawn() {
        let (posted, committed, later) = (Slot(600), Slot(700), Slot(10_000));
        let check = |audit: JobAudit, mut validator: Validator| {
            audit.check_drawn(&JOB, posted, committed, &mut validator, seed(14), later).map(|_| ())
        };
        assert_eq!(check(audit(), validator()), Ok(()));
        assert_eq!(check(JobAudit { pot: 0, ..audit() }, validator()), Err(AssayError::NoAuditPot));
        assert_eq!(check(JobAudit { validator_stake: 0, ..audit() }, validator()), Err(AssayError::NotDrawn));
        assert_eq!(check(audit(), Validator { stake: 0, ..validator() }), Err(AssayError::NotDrawn));
        let late = Validator { recent_stake: 100, recent_slot: 600, ..validator() };
        assert_eq!(check(audit(), late), Err(AssayError::NotDrawn), "staked when the job was there");
        assert_eq!(check(JobAudit { validator_stake: u64::MAX, ..audit() }, validator()), Err(AssayError::NotDrawn));
    }

    #[test]
    fn attestations_are_counted_up_and_down() {
        let mut audit = audit();
        for _ in 0..3 {
            audit.open().unwrap();
        }
        let split = audit.settle().unwrap();
        assert_eq!((audit.fee, split.audits.0, split.client.0), (33, 99, 1));
        for left in [2, 1, 0] {
            audit.close().unwrap();
            assert_eq!((audit.attestations, audit.open_attestations), (3, left));
        }
        assert_eq!(audit.close(), Err(AssayError::InvariantBroken));
    }
}
