//! Paid audits: a validator account's seeds, draws, attestations and fees, looked after by themselves.
//!
//! The key that runs the validator acts as the *auditor* of a validator account that somebody registered and staked with it
//! (`assay validator register` and `stake`). Its seeds come from one secret that is on disk before the chain that ends in it
//! is committed. Only results that this machine replayed itself and found right are attested.

use crate::driver::{DriveError, Shared};
use crate::journal::{Audit, JournalError};
use assay::audit::{Epoch, MAXIMUM_STEPS, SeedChain, seed_after};
use assay::state::{Job, Validator};
use assay::state_machine::JobState;
use assay::units::Slot;
use assay_chain::instructions;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the duties are looked at: epochs are longer.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Seeds of one chain: what lies before them is computed each time anew, in a tenth of a second.
const CHAIN_LENGTH: u64 = 200_000;
/// Name of the secret in the journal.
const SEEDS_KEY: &str = "seeds";
/// Name of the sums in the journal.
const SUMS_KEY: &str = "duties";

/// The secret of a chain of seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Secret {
    #[serde(with = "hex::serde")]
    secret: [u8; 32],
}

/// What paid audits came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Results attested.
    pub attested: u64,
    /// Drawn, but not attested: not replayed here, too little stake, or too late.
    pub missed: u64,
    /// Fees collected, in base units of the jobs' payment mints.
    pub earned: u64,
    /// Attestations of results that were proved wrong.
    pub slashed: u64,
}

/// The seed of an epoch, where the chain on the chain is the one of this secret.
fn seed_of(secret: &[u8; 32], chain: &SeedChain, epoch: Epoch) -> Option<[u8; 32]> {
    let before_first = chain.first_epoch.checked_sub(1)?;
    let at = |epoch: u64| {
        let steps = CHAIN_LENGTH.checked_sub(epoch.checked_sub(before_first)?)?;
        Some(seed_after(*secret, steps))
    };
    let ours = chain.epoch_slots != 0 && at(chain.shown_epoch)? == chain.shown;
    if ours { at(epoch.0) } else { None }
}

/// Looks after the duties of one validator account.
pub(crate) struct Duties {
    shared: Arc<Shared>,
    /// Jobs that need no further look.
    decided: BTreeSet<Pubkey>,
}

impl Duties {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, decided: BTreeSet::new() }
    }

    /// Works until `cancel`.
    ///
    /// # Errors
    /// The journal failed.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), JournalError> {
        while !cancel.is_cancelled() {
            match self.look().await {
                Ok(()) => {}
                Err(DriveError::Journal(error)) => return Err(error),
                Err(error) => tracing::warn!(%error, "paid audits go on after a pause"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = cancel.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), DriveError> {
        let me = self.shared.terms.me;
        let chain = self.shared.chain().clone();
        let Some((address, validator)) = chain.validators_of_auditor(&me).await?.into_iter().next() else {
            return Ok(());
        };
        let secret = self.secret()?;
        let parameters = chain.network().await?.parameters.audit;
        if validator.chain.epoch_slots != parameters.epoch_slots {
            let end = seed_after(secret, CHAIN_LENGTH);
            self.shared.send_within_budget(&[instructions::commit_chain(&me, &address, end)]).await?;
            tracing::info!(validator = %address, "committed to a chain of seeds; it counts from the epoch after next");
            return Ok(());
        }
        if seed_of(&secret, &validator.chain, Epoch(validator.chain.shown_epoch)).is_none() {
            tracing::warn!(validator = %address, "V0710 its chain of seeds is not the one of this data folder; it cannot attest");
            return Ok(());
        }
        let slot = chain.slot().await?;
        self.keep_up(&address, &validator, &secret, slot).await?;
        self.attest(&address, &validator, &secret, slot).await?;
        self.collect(&address).await
    }

    /// Shows a seed before the last one shown lies too far back for any later one to be checked.
    async fn keep_up(
        &self,
        address: &Pubkey,
        validator: &Validator,
        secret: &[u8; 32],
        slot: u64,
    ) -> Result<(), DriveError> {
        let Ok(now) = Epoch::of(Slot(slot), validator.chain.epoch_slots) else { return Ok(()) };
        let shown = validator.chain.shown_epoch;
        if now.0.saturating_sub(shown) <= MAXIMUM_STEPS / 2 || now.0 <= validator.chain.first_epoch {
            return Ok(());
        }
        let epoch = Epoch((now.0 - 1).min(shown + MAXIMUM_STEPS));
        let Some(seed) = seed_of(secret, &validator.chain, epoch) else { return Ok(()) };
        let me = self.shared.terms.me;
        self.shared.send_within_budget(&[instructions::reveal_seed(&me, address, epoch.0, seed)]).await
    }

    /// Attests what was drawn and found right.
    async fn attest(
        &mut self,
        address: &Pubkey,
        validator: &Validator,
        secret: &[u8; 32],
        slot: u64,
    ) -> Result<(), DriveError> {
        let me = self.shared.terms.me;
        let jobs: BTreeSet<Pubkey> = self.shared.journal.jobs().into_iter().collect();
        // What the journal has forgotten is not looked at again.
        self.decided.retain(|job| jobs.contains(job));
        let undecided: Vec<Pubkey> = jobs.difference(&self.decided).copied().collect();
        for job_address in undecided {
            let Some(record) = self.shared.journal.get(&job_address)? else { continue };
            if matches!(record.audit, Audit::Pending) {
                continue;
            }
            let Some(job) = self.shared.chain().find_job(&job_address).await? else {
                self.decided.insert(job_address);
                continue;
            };
            match decide(&job_address, &job, validator, secret, slot) {
                Decision::Wait => {}
                Decision::Never => {
                    self.decided.insert(job_address);
                }
                Decision::Drawn(seed) => {
                    self.decided.insert(job_address);
                    let known = self.shared.chain().find_attestation(&job_address, address).await?.is_some();
                    let right = matches!(record.audit, Audit::Agreed { .. });
                    let free = validator.free_stake().map_or(0, |free| free.0);
                    if known || matches!(record.audit, Audit::Wrong(_)) {
                        continue;
                    }
                    if !right || free < job.audit.attestation_bond {
                        self.count(|sums| sums.missed += 1)?;
                        tracing::warn!(job = %job_address, right, free, "drawn for an audit that is not attested");
                        continue;
                    }
                    self.decided.remove(&job_address);
                    let attest = instructions::attest(&me, address, &job_address, seed);
                    self.shared.send_within_budget(&[attest]).await?;
                    self.decided.insert(job_address);
                    self.count(|sums| sums.attested += 1)?;
                    tracing::info!(job = %job_address, bond = job.audit.attestation_bond, "attested");
                    // The account has changed: what is free of its stake is read anew before the next one.
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Frees bonds and collects fees of jobs that have ended.
    async fn collect(&self, address: &Pubkey) -> Result<(), DriveError> {
        let chain = self.shared.chain().clone();
        for attestation in chain.attestations_of_validator(address).await? {
            let Some(job) = chain.find_job(&attestation.job).await? else { continue };
            let mut steps = Vec::new();
            match job.state {
                JobState::Settled => {
                    if !attestation.released {
                        steps.push(instructions::settle_attestation(&attestation));
                    }
                    if job.audit.fee > 0 {
                        let mint = chain.token_mint(&job.payment_mint).await?;
                        steps.push(mint.create_associated_account(&self.shared.terms.me, &attestation.payee));
                        steps.push(instructions::help_collect_attestation(&self.shared.terms.me, &attestation, mint));
                    }
                }
                JobState::Convicted => steps.push(instructions::settle_attestation(&attestation)),
                _ => continue,
            }
            self.shared.send_within_budget(&steps).await?;
            if job.state == JobState::Settled {
                self.count(|sums| sums.earned = sums.earned.saturating_add(job.audit.fee))?;
            } else {
                self.count(|sums| sums.slashed += 1)?;
            }
        }
        Ok(())
    }

    fn secret(&self) -> Result<[u8; 32], JournalError> {
        let kept = self.shared.journal.single(SEEDS_KEY)?;
        if let Some(kept) = kept.and_then(|bytes| serde_json::from_slice::<Secret>(&bytes).ok()) {
            return Ok(kept.secret);
        }
        let secret: [u8; 32] = rand::random();
        self.shared.journal.put_single(SEEDS_KEY, &serde_json::to_vec(&Secret { secret }).unwrap_or_default())?;
        Ok(secret)
    }

    fn count(&self, change: impl FnOnce(&mut Sums)) -> Result<(), JournalError> {
        let mut sums = sums(&self.shared)?;
        change(&mut sums);
        self.shared.journal.put_single(SUMS_KEY, &serde_json::to_vec(&sums).unwrap_or_default())
    }
}

/// What paid audits came to so far.
pub(crate) fn sums(shared: &Shared) -> Result<Sums, JournalError> {
    let kept = shared.journal.single(SUMS_KEY)?;
    Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// Whether a job can be attested.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// Not yet: the epoch in which it was committed is not over.
    Wait,
    /// It was not drawn, has no pot, or its window is over.
    Never,
    /// It was drawn, by this seed.
    Drawn([u8; 32]),
}

fn decide(address: &Pubkey, job: &Job, validator: &Validator, secret: &[u8; 32], slot: u64) -> Decision {
    let last = job.committed_slot.saturating_add(job.window_slots);
    if job.audit.pot == 0 || !job.state.can_be_challenged() || slot > last {
        return Decision::Never;
    }
    let epoch = |slot| Epoch::of(Slot(slot), job.audit.epoch_slots);
    let (Ok(committed), Ok(now)) = (epoch(job.committed_slot), epoch(slot)) else { return Decision::Never };
    if now <= committed {
        return Decision::Wait;
    }
    let Some(seed) = seed_of(secret, &validator.chain, committed) else { return Decision::Never };
    let (posted, committed) = (Slot(job.posted_slot), Slot(job.committed_slot));
    let mut trial = validator.clone();
    match job.audit.check_drawn(address, posted, committed, &mut trial, seed, Slot(slot)) {
        Ok(_) => Decision::Drawn(seed),
        Err(_) => Decision::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_of_a_committed_chain_are_accepted_and_those_of_another_are_not_ours() {
        let secret = [7; 32];
        let chain = SeedChain::commit(seed_after(secret, CHAIN_LENGTH), Epoch(10), 50).unwrap();
        for epoch in [chain.first_epoch, chain.first_epoch + 1, chain.first_epoch + 40] {
            let mut shown = chain;
            let seed = seed_of(&secret, &chain, Epoch(epoch)).unwrap();
            shown.show(Epoch(epoch), seed, Epoch(epoch + 1)).unwrap();
            assert!(seed_of(&secret, &shown, Epoch(epoch + 1)).is_some(), "still ours once it was shown");
        }
        assert_eq!(seed_of(&[8; 32], &chain, Epoch(chain.first_epoch)), None);
        assert_eq!(seed_of(&secret, &SeedChain::default(), Epoch(5)), None);
    }
}
