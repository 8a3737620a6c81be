//! One client: the counter that keeps ids of jobs and sessions from being used twice.

use super::{check_invariant, check_version};
use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// Counts a client's jobs and sessions, which share their ids. Never closed, so that an id, and with it an address, is never used
/// again.
#[account]
#[derive(InitSpace, Debug, Default)]
pub struct Client {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// The key that posts and pays.
    pub client: Pubkey,
    /// Id of the job or session that comes next.
    pub next_job_id: u64,
    /// Jobs and sessions that were begun and not yet closed.
    pub open_jobs: u32,
}

impl Client {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 1;
    /// Size of the account's data, discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE);

    /// Whether the account was just created and holds nothing yet.
    pub fn is_new(&self) -> bool {
        self.version == 0
    }

    /// Names the client of the account, with its bump, if it was just created.
    pub fn introduce(&mut self, client: Pubkey, bump: u8) {
        if self.is_new() {
            self.version = Self::VERSION;
            self.bump = bump;
            self.client = client;
        }
    }

    /// Counts a job, or a session, that `client` begins with `job_id`, in the account just created, if it was, with this bump.
    /// `JobIdMismatch` unless it is the next id.
    pub fn begin(&mut self, client: Pubkey, job_id: u64, bump: u8) -> Checked {
        self.introduce(client, bump);
        self.open_job(job_id)
    }

    /// Counts a job, or a session, that is begun with `job_id`. `JobIdMismatch` unless it is the next id.
    pub fn open_job(&mut self, job_id: u64) -> Checked {
        if job_id != self.next_job_id {
            return Err(AssayError::JobIdMismatch);
        }
        self.next_job_id = self.next_job_id.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        self.open_jobs = self.open_jobs.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Counts a job, or a session, that is closed.
    pub fn close_job(&mut self) -> Checked {
        self.open_jobs = self.open_jobs.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        Ok(())
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        check_invariant(self.client != Pubkey::default() && u64::from(self.open_jobs) <= self.next_job_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_and_survive_closing() {
        let mut client = Client { version: 1, client: Pubkey::new_from_array([1; 32]), ..Client::default() };
        client.open_job(0).unwrap();
        assert_eq!(client.open_job(0), Err(AssayError::JobIdMismatch));
        client.close_job().unwrap();
        assert_eq!(client.open_job(0), Err(AssayError::JobIdMismatch), "a closed job's id");
        assert_eq!(client.open_job(2), Err(AssayError::JobIdMismatch), "a skipped id");
        client.open_job(1).unwrap();
        assert_eq!((client.next_job_id, client.open_jobs), (2, 1));
        client.invariant().unwrap();
    }

    /// An account that exists keeps its client, and above all its ids.
    #[test]
    fn only_a_new_account_is_introduced() {
        let mut client = Client::default();
        client.introduce(Pubkey::new_from_array([1; 32]), 254);
        assert_eq!((client.version, client.bump, client.client), (1, 254, Pubkey::new_from_array([1; 32])));
        client.open_job(0).unwrap();
        client.introduce(Pubkey::new_from_array([2; 32]), 253);
        assert_eq!((client.bump, client.client, client.next_job_id), (254, Pubkey::new_from_array([1; 32]), 1));
    }

    #[test]
    fn counters_never_wrap() {
        let mut client = Client { next_job_id: u64::MAX, ..Client::default() };
        assert_eq!(client.open_job(u64::MAX), Err(AssayError::ArithmeticOverflow));
        let mut client = Client { open_jobs: u32::MAX, ..Client::default() };
        assert_eq!(client.open_job(0), Err(AssayError::ArithmeticOverflow));
        assert_eq!(Client::default().close_job(), Err(AssayError::InvariantBroken));
    }
}
