//! The lamports that the operator key has to hold so that every open job can be defended.
//!
//! Each open job has an entry: what its defence can still cost. A job is claimed only if the balance covers all entries and
//! its own; while the balance does not cover those that are there, the alarm stands.

use super::cost::rent_lamports;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Bytes of a token account with the extensions that associated accounts have.
const TOKEN_ACCOUNT_BYTES: usize = 170;
/// Transactions of a job beside its disputes: claim, commit, finalise, withdraw, and one to spare.
const TRANSACTIONS_OF_A_JOB: u64 = 5;

/// What the operator key has, and what it should have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Funds {
    /// What the operator key holds, as last seen; nothing before the first look.
    pub balance_lamports: Option<u64>,
    /// What it has to hold for the jobs that are open.
    pub needed_lamports: u64,
    /// What it lacks of that. While it lacks anything, an honest result may not be defended to the end.
    pub lacking_lamports: u64,
    /// Jobs that would be claimed if the key held more, with what they lack.
    pub held_back: Vec<HeldBack>,
}

/// A job that is not claimed because its defence could not be paid for at present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The job, base58.
    pub job: String,
    /// Why.
    pub refusal: Refusal,
}

/// Why a job cannot be taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What the operator key holds.
    pub balance_lamports: u64,
    /// What the defence of the job can cost.
    pub job_lamports: u64,
    /// What the jobs that are open need.
    pub others_lamports: u64,
}

impl Shortage {
    /// What has to be sent to the operator key.
    pub fn lacking_lamports(&self) -> u64 {
        self.others_lamports.saturating_add(self.job_lamports).saturating_sub(self.balance_lamports)
    }

    /// The same for people.
    pub fn refusal(&self, operator: &Pubkey) -> Refusal {
        let Self { balance_lamports, job_lamports, others_lamports } = self;
        Refusal::new(
            "N0218",
            format!(
                "defending the job can take {job_lamports} lamports, the open jobs {others_lamports}; the operator key has {balance_lamports}"
            ),
            format!("send {} lamports or more to {operator}", self.lacking_lamports()),
        )
    }
}

/// Entries of one node.
#[derive(Debug)]
pub struct Reserve {
    state: Mutex<State>,
    /// Rings when an entry changed.
    changed: watch::Sender<()>,
    /// When those who wait for lamports last looked, and what they saw.
    shared_look: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

#[derive(Debug, Default)]
struct State {
    jobs: BTreeMap<Pubkey, u64>,
    held_back: BTreeMap<Pubkey, Refusal>,
    balance_lamports: Option<u64>,
    /// Whether the alarm stands.
    is_short: bool,
}

impl Default for Reserve {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(()), shared_look: tokio::sync::Mutex::default() }
    }
}

/// What a look at the balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The alarm stands as before, or is as silent as before.
    Nothing,
    /// From now on lamports are lacking.
    Short,
    /// From now on nothing is lacking.
    Covered,
}

impl Reserve {
    /// What an operator key without any open job has to hold: an account that pays fees has its own rent, and a payment
    /// may be the first in its mint.
    pub fn base_lamports() -> u64 {
        rent_lamports(0).saturating_add(rent_lamports(TOKEN_ACCOUNT_BYTES))
    }

    /// What an open job needs beside its openings.
    pub fn upkeep_lamports(fee_lamports: u64) -> u64 {
        fee_lamports.saturating_mul(TRANSACTIONS_OF_A_JOB)
    }

    /// Notes what an open job needs.
    pub fn set(&self, job: &Pubkey, lamports: u64) {
        let before = self.lock().jobs.insert(*job, lamports);
        if before != Some(lamports) {
            self.changed.send_replace(());
        }
    }

    /// Notes that an open job needs so much at least.
    pub fn raise(&self, job: &Pubkey, lamports: u64) {
        let is_more = {
            let mut state = self.lock();
            let entry = state.jobs.entry(*job).or_default();
            let is_more = *entry < lamports;
            *entry = lamports.max(*entry);
            is_more
        };
        if is_more {
            self.changed.send_replace(());
        }
    }

    /// Takes a job on if `balance_lamports` covers it and all that is open.
    ///
    /// # Errors
    /// What is lacking; nothing is taken on then.
    pub fn take_on(&self, job: &Pubkey, lamports: u64, balance_lamports: u64) -> Result<(), Shortage> {
        {
            let mut state = self.lock();
            state.check(job, lamports, balance_lamports)?;
            state.jobs.insert(*job, lamports);
            state.held_back.remove(job);
        }
        self.changed.send_replace(());
        Ok(())
    }

    /// Whether [`Reserve::take_on`] would take the job on.
    ///
    /// # Errors
    /// What is lacking.
    pub fn covers(&self, job: &Pubkey, lamports: u64, balance_lamports: u64) -> Result<(), Shortage> {
        self.lock().check(job, lamports, balance_lamports)
    }

    /// Notes that a job is not claimed for now.
    pub fn hold_back(&self, job: &Pubkey, refusal: Refusal) {
        self.lock().held_back.insert(*job, refusal);
    }

    /// A job is not this node's, or needs nothing any more.
    pub fn free(&self, job: &Pubkey) {
        if self.lock().jobs.remove(job).is_some() {
            self.changed.send_replace(());
        }
    }

    /// Forgets a job altogether.
    pub fn release(&self, job: &Pubkey) {
        self.lock().held_back.remove(job);
        self.free(job);
    }

    /// The balance as one of those who wait for lamports saw it within `fresh_for`; if none did, `look` sees it for all of them.
    ///
    /// # Errors
    /// Those of `look`.
    pub(crate) async fn shared_look<E>(
        &self,
        fresh_for: Duration,
        look: impl Future<Output = Result<u64, E>>,
    ) -> Result<u64, E> {
        let mut last = self.shared_look.lock().await;
        if let Some((at, balance_lamports)) = *last
            && at.elapsed() < fresh_for
        {
            return Ok(balance_lamports);
        }
        let balance_lamports = look.await?;
        *last = Some((Instant::now(), balance_lamports));
        Ok(balance_lamports)
    }

    /// Compares a balance with what is needed.
    pub fn look(&self, balance_lamports: u64) -> Turned {
        let mut state = self.lock();
        state.balance_lamports = Some(balance_lamports);
        let is_short = balance_lamports < state.needed();
        match (std::mem::replace(&mut state.is_short, is_short), is_short) {
            (false, true) => Turned::Short,
            (true, false) => Turned::Covered,
            _ => Turned::Nothing,
        }
    }

    /// How things are.
    pub fn funds(&self) -> Funds {
        let state = self.lock();
        let needed_lamports = state.needed();
        let held_back =
            |(job, refusal): (&Pubkey, &Refusal)| HeldBack { job: job.to_string(), refusal: refusal.clone() };
        Funds {
            balance_lamports: state.balance_lamports,
            needed_lamports,
            lacking_lamports: state.balance_lamports.map_or(0, |balance| needed_lamports.saturating_sub(balance)),
            held_back: state.held_back.iter().map(held_back).collect(),
        }
    }

    /// Ears for changes of entries.
    pub fn listen(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Sums are whole at every moment at which a panic could happen.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn needed(&self) -> u64 {
        self.jobs.values().fold(Reserve::base_lamports(), |sum, lamports| sum.saturating_add(*lamports))
    }

    fn check(&self, job: &Pubkey, job_lamports: u64, balance_lamports: u64) -> Result<(), Shortage> {
        let known = self.jobs.get(job).copied().unwrap_or(0);
        let shortage =
            Shortage { balance_lamports, job_lamports, others_lamports: self.needed().saturating_sub(known) };
        if shortage.lacking_lamports() == 0 { Ok(()) } else { Err(shortage) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn job(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    #[tokio::test]
    async fn those_who_wait_for_lamports_look_once_for_all_of_them() {
        let (reserve, looks) = (Reserve::default(), std::cell::Cell::new(0u64));
        let look = async |fresh_for| {
            let look = async {
                tokio::task::yield_now().await;
                looks.set(looks.get() + 1);
                Ok::<u64, ()>(looks.get())
            };
            reserve.shared_look(fresh_for, look).await
        };
        let hour = Duration::from_secs(3_600);
        assert_eq!(futures_util::future::join_all([look(hour), look(hour), look(hour)]).await, [Ok(1); 3]);
        assert_eq!((look(Duration::ZERO).await, look(hour).await), (Ok(2), Ok(2)));
    }

    proptest! {
        /// However jobs come and go: what was taken on is covered by the balance that it was taken on with.
        #[test]
        fn what_is_taken_on_is_covered(
            moves in prop::collection::vec((0u8..6, prop_oneof![Just(u64::MAX), 0u64..2_000], any::<bool>()), 0..60),
            purse in 0u64..5_000,
        ) {
            let (reserve, balance) = (Reserve::default(), Reserve::base_lamports() + purse);
            let mut taken: BTreeMap<u8, u64> = BTreeMap::new();
            for (number, lamports, comes) in moves {
                if !comes {
                    reserve.release(&job(number));
                    taken.remove(&number);
                    continue;
                }
                let mut after = taken.clone();
                after.insert(number, lamports);
                let sum = after.values().fold(0u64, |sum, lamports| sum.saturating_add(*lamports));
                let result = reserve.take_on(&job(number), lamports, balance);
                prop_assert_eq!(result.is_ok(), sum <= purse);
                match result {
                    Ok(()) => taken = after,
                    Err(shortage) => {
                        // What it asks for is enough, and one lamport less is not.
                        let enough = balance.saturating_add(shortage.lacking_lamports());
                        prop_assert!(reserve.covers(&job(number), lamports, enough).is_ok() || enough == u64::MAX);
                        prop_assert!(reserve.covers(&job(number), lamports, enough - 1).is_err());
                    }
                }
                prop_assert_eq!(reserve.look(balance), Turned::Nothing);
            }
        }
    }

    #[test]
    fn the_alarm_turns_once_and_says_what_is_lacking() {
        let reserve = Reserve::default();
        assert_eq!(reserve.funds().lacking_lamports, 0, "nothing was seen yet");
        let base = Reserve::base_lamports();
        assert_eq!(reserve.look(base), Turned::Nothing);
        reserve.set(&job(1), 500);
        assert_eq!((reserve.look(base + 499), reserve.look(base + 400)), (Turned::Short, Turned::Nothing));
        let funds = reserve.funds();
        assert_eq!(
            (funds.balance_lamports, funds.needed_lamports, funds.lacking_lamports),
            (Some(base + 400), base + 500, 100)
        );
        assert_eq!(reserve.look(base + 500), Turned::Covered);
        reserve.set(&job(2), 1);
        assert_eq!(reserve.look(base + 500), Turned::Short);
        reserve.release(&job(1));
        assert_eq!(reserve.look(base + 500), Turned::Covered);
    }

    #[test]
    fn what_a_job_needs_is_raised_and_never_lowered_by_that() {
        let reserve = Reserve::default();
        let needed = || reserve.funds().needed_lamports - Reserve::base_lamports();
        reserve.raise(&job(1), 100);
        assert_eq!(needed(), 100);
        let mut rings = reserve.listen();
        reserve.raise(&job(1), 99);
        assert!(needed() == 100 && !rings.has_changed().unwrap());
        reserve.raise(&job(1), 101);
        assert!(needed() == 101 && rings.has_changed().unwrap());
        rings.mark_unchanged();
    }

    #[test]
    fn a_job_that_is_held_back_is_named_until_it_is_taken_on_or_gone() {
        let reserve = Reserve::default();
        let base = Reserve::base_lamports();
        let shortage = reserve.take_on(&job(1), 100, base + 99).unwrap_err();
        assert_eq!((shortage.lacking_lamports(), shortage.others_lamports), (1, base));
        let refusal = shortage.refusal(&job(9));
        assert!(refusal.code == "N0218" && refusal.remedy.contains(&job(9).to_string()), "{refusal}");
        reserve.hold_back(&job(1), refusal.clone());
        reserve.hold_back(&job(2), refusal);
        assert_eq!(reserve.funds().held_back.len(), 2);
        reserve.take_on(&job(1), 100, base + 100).unwrap();
        reserve.release(&job(2));
        assert_eq!((reserve.funds().held_back, reserve.funds().needed_lamports), (vec![], base + 100));
    }
}
