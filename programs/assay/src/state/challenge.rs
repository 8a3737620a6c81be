//! A challenge: somebody with a bond who says that a result is wrong.

use super::versioned::versioned_account;
use super::{check_invariant, check_version};
use crate::dispute::penalty::ClaimTimes;
use crate::dispute::{claim_key, seal, ChallengeEvent, ChallengeState, Clocks, Target, TargetKind};
use crate::error::{AssayError, Checked};
use crate::market::Deadline;
use crate::state::DisputeTerms;
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// One challenge of one job by one key. `bond` and `earned` are base units of the stake mint and lie in the stake vault.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Where the challenge is in its life.
    pub state: ChallengeState,
    /// The challenged job.
    pub job: Pubkey,
    /// Who challenges, pays and is paid.
    pub challenger: Pubkey,
    /// Hash over challenger, job, target, own hash and salt.
    pub sealed: [u8; 32],
    /// What is said to be wrong; means something once it is revealed.
    pub target: Target,
    /// The hash that the challenger computed there; zero before the reveal.
    pub own_hash: [u8; 32],
    /// What the challenger has at stake and gets back unless it loses.
    pub bond: u64,
    /// What the challenger earned: its share of the bounty, and halves of the bonds of roots that it refuted.
    pub earned: u64,
    /// When it was committed.
    pub committed_slot: u64,
    /// When it was revealed; 0 before.
    pub revealed_slot: u64,
    /// Whose move it is, and what each side has used up.
    pub clocks: Clocks,
    /// Whether the time to reveal was extended because the chain skipped slots.
    pub reveal_extended: bool,
    /// Whether its share of the bounty is in `earned`.
    pub settled: bool,
}

versioned_account!(Challenge, [119, 250, 161, 121, 119, 81, 22, 208]);

impl Challenge {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);
    /// Offset of `state` in the account's data, for filters.
    pub const STATE_OFFSET: usize = 10;
    /// Offset of `job` in the account's data, for filters.
    pub const JOB_OFFSET: usize = 11;
    /// Offset of `challenger` in the account's data, for filters.
    pub const CHALLENGER_OFFSET: usize = 43;

    /// Until when it can be revealed.
    pub fn reveal_deadline(&self, terms: &DisputeTerms) -> Checked<Deadline> {
        let length = crate::dispute::clocks::allowance(terms.reveal_slots, self.reveal_extended);
        Deadline::new(Slot(self.committed_slot), length)
    }

    /// Until when it can be proved after the job was convicted through another challenge.
    pub fn proof_deadline(&self, terms: &DisputeTerms, convicted: Slot) -> Checked<Deadline> {
        use crate::dispute::clocks::allowance;
        let reveal = allowance(terms.reveal_slots, true);
        Deadline::new(convicted, reveal.plus(allowance(terms.challenger_clock_slots, true))?)
    }

    /// Opens the seal and starts the clocks.
    ///
    /// `IllegalChallengeTransition`, `RevealTooEarly`, `RevealTooLate`, `SealMismatch`.
    pub fn reveal(
        &mut self,
        target: Target,
        own_hash: [u8; 32],
        salt: &[u8; 32],
        terms: &DisputeTerms,
        now: Slot,
    ) -> Checked {
        let state = self.state.after(ChallengeEvent::Reveal)?;
        if now.0 <= self.committed_slot {
            return Err(AssayError::RevealTooEarly);
        }
        if self.reveal_deadline(terms)?.has_passed(now) {
            return Err(AssayError::RevealTooLate);
        }
        if seal(&self.challenger, &self.job, target, &own_hash, salt) != self.sealed {
            return Err(AssayError::SealMismatch);
        }
        self.target = target;
        self.own_hash = own_hash;
        self.revealed_slot = now.0;
        self.clocks = Clocks::started(now, false);
        self.state = state;
        Ok(())
    }

    /// What it claims, as other challenges of the same claim would have it.
    pub fn claim_key(&self) -> [u8; 32] {
        claim_key(self.target, &self.own_hash)
    }

    /// `IllegalChallengeTransition` unless it is revealed and has not ended.
    pub fn check_revealed(&self) -> Checked {
        self.state.after(ChallengeEvent::Win).map(|_| ())
    }

    /// When it was committed and revealed. A filing that the output is unavailable was never sealed: it counts as later than
    /// any challenge, so it shares in no bounty and takes nobody's.
    pub fn times(&self) -> ClaimTimes {
        if self.target.kind == TargetKind::Output {
            return ClaimTimes { committed_slot: u64::MAX, revealed_slot: u64::MAX };
        }
        ClaimTimes { committed_slot: self.committed_slot, revealed_slot: self.revealed_slot }
    }

    /// Ends the challenge by `event` with its bond lost, and returns the bond.
    pub fn lose(&mut self, event: ChallengeEvent) -> Checked<TokenAmount> {
        let state = self.state.after(event)?;
        if state != ChallengeState::Lost {
            return Err(AssayError::IllegalChallengeTransition);
        }
        self.state = state;
        Ok(TokenAmount(core::mem::take(&mut self.bond)))
    }

    /// Ends the challenge by `event` with its bond to be paid back.
    pub fn keep(&mut self, event: ChallengeEvent) -> Checked {
        let state = self.state.after(event)?;
        if state == ChallengeState::Lost || !state.is_end() {
            return Err(AssayError::IllegalChallengeTransition);
        }
        self.state = state;
        Ok(())
    }

    /// Adds to what the challenger is owed.
    pub fn earn(&mut self, amount: TokenAmount) -> Checked {
        self.earned = TokenAmount(self.earned).plus(amount)?.0;
        Ok(())
    }

    /// `ChallengeNotPayable` unless it has ended and, if it won, its share is known.
    pub fn check_payable(&self) -> Checked {
        let payable = match self.state {
            ChallengeState::Sealed | ChallengeState::Revealed => false,
            ChallengeState::Lost | ChallengeState::Moot => true,
            ChallengeState::Won => self.settled,
        };
        if payable {
            Ok(())
        } else {
            Err(AssayError::ChallengeNotPayable)
        }
    }

    /// What the stake vault owes to the challenger.
    pub fn owed(&self) -> Checked<TokenAmount> {
        TokenAmount(self.bond).plus(TokenAmount(self.earned))
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let bonded = (self.bond > 0) != (self.state == ChallengeState::Lost);
        let revealed = match self.state {
            ChallengeState::Sealed => self.revealed_slot == 0,
            ChallengeState::Revealed | ChallengeState::Won => self.revealed_slot > 0,
            ChallengeState::Lost | ChallengeState::Moot => true,
        };
        check_invariant(bonded && revealed && (!self.settled || self.state == ChallengeState::Won))
    }
}

#[cfg(test)]
mod tests;
