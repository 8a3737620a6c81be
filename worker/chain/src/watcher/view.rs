//! What a watcher has told its receiver so far, as hashes; pure.

use crate::chain::RawAccount;
use solana_sdk::pubkey::Pubkey;
use std::collections::{HashMap, HashSet};

/// Hash of an account's data.
type Digest = [u8; 32];

/// The accounts of one kind that the receiver knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    accounts: HashMap<Pubkey, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    slot: u64,
    digest: Digest,
}

/// What an observation adds to what was known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// New or different data.
    Changed(Pubkey, RawAccount),
    /// Known before, gone now.
    Closed(Pubkey),
}

/// Everything that the receiver knows.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) jobs: Known,
    pub(super) sessions: Known,
    pub(super) nodes: Known,
    /// Latest slot that was announced.
    pub(super) announced_slot: u64,
    /// Latest slot at which anything was read: no later read may be from before it.
    pub(super) read_slot: u64,
}

impl View {
    /// Notes that something was read at `slot`.
    pub(super) fn read_at(&mut self, slot: u64) {
        self.read_slot = self.read_slot.max(slot);
    }

    /// Whether `slot` is later than every one announced before; it then counts as announced.
    pub(super) fn announce(&mut self, slot: u64) -> bool {
        let later = slot > self.announced_slot;
        self.announced_slot = self.announced_slot.max(slot);
        later
    }
}

impl Known {
    /// One account as it was at `slot`; nothing if that is no news.
    pub(super) fn observe(&mut self, slot: u64, address: Pubkey, account: Option<RawAccount>) -> Option<Difference> {
        let seen = self.accounts.get(&address).copied();
        if seen.is_some_and(|seen| seen.slot > slot) {
            return None;
        }
        let Some(account) = account else {
            return self.accounts.remove(&address).map(|_| Difference::Closed(address));
        };
        let digest = solana_sha256_hasher::hash(&account.data).to_bytes();
        self.accounts.insert(address, Seen { slot, digest });
        let is_news = seen.is_none_or(|seen| seen.digest != digest);
        is_news.then_some(Difference::Changed(address, account))
    }

    /// All accounts as they were together at `slot`; what is not among them is closed.
    pub(super) fn observe_all(&mut self, slot: u64, accounts: Vec<(Pubkey, RawAccount)>) -> Vec<Difference> {
        let present: HashSet<_> = accounts.iter().map(|(address, _)| *address).collect();
        let absent: Vec<_> = self.accounts.keys().copied().filter(|address| !present.contains(address)).collect();
        let observations = accounts.into_iter().map(|(address, account)| (address, Some(account)));
        let closings = absent.into_iter().map(|address| (address, None));
        observations.chain(closings).filter_map(|(address, account)| self.observe(slot, address, account)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(byte: u8) -> RawAccount {
        RawAccount { owner: assay::ID, lamports: 1, data: vec![byte], executable: false }
    }

    fn address(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    #[test]
    fn the_same_data_is_told_once_and_different_data_again() {
        let mut known = Known::default();
        assert_eq!(known.observe(5, address(1), Some(account(1))), Some(Difference::Changed(address(1), account(1))));
        assert_eq!(known.observe(5, address(1), Some(account(1))), None);
        assert_eq!(known.observe(9, address(1), Some(account(1))), None);
        assert_eq!(known.observe(9, address(1), Some(account(2))), Some(Difference::Changed(address(1), account(2))));
    }

    #[test]
    fn an_observation_from_before_the_last_one_is_ignored() {
        let mut known = Known::default();
        known.observe(9, address(1), Some(account(2)));
        assert_eq!(known.observe(8, address(1), Some(account(1))), None);
        assert_eq!(known.observe(8, address(1), None), None);
        assert_eq!(known.observe_all(8, vec![]), []);
        assert_eq!(known.observe(9, address(1), Some(account(2))), None);
    }

    #[test]
    fn closing_is_told_once() {
        let mut known = Known::default();
        known.observe(1, address(1), Some(account(1)));
        assert_eq!(known.observe(2, address(1), None), Some(Difference::Closed(address(1))));
        assert_eq!(known.observe(3, address(1), None), None);
        assert_eq!(known.observe(3, address(2), None), None, "never known");
    }

    #[test]
    fn a_snapshot_tells_exactly_the_differences() {
        let mut known = Known::default();
        known.observe_all(1, vec![(address(1), account(1)), (address(2), account(2)), (address(3), account(3))]);
        let differences =
            known.observe_all(2, vec![(address(1), account(1)), (address(2), account(9)), (address(4), account(4))]);
        assert_eq!(
            differences,
            [
                Difference::Changed(address(2), account(9)),
                Difference::Changed(address(4), account(4)),
                Difference::Closed(address(3)),
            ]
        );
    }

    #[test]
    fn slots_are_announced_upwards_only() {
        let mut view = View::default();
        assert!(view.announce(3));
        assert!(!view.announce(3));
        assert!(!view.announce(2));
        assert!(view.announce(4));
        view.read_at(7);
        view.read_at(5);
        assert_eq!(view.read_slot, 7);
    }
}
