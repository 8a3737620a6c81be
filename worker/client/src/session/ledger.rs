//! What a client has asked for and promised to pay in one session; kept in a file, it survives a restart.
//!
//! The node says what it is owed, but only the client knows what it asked for: it never promises more than the price of that.

use crate::error::ClientError;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Requests that were ever asked; the next one has this number plus one.
    requests: u64,
    /// The greatest amount that was signed, in base units of the payment mint.
    promised: u64,
}

#[derive(Debug, Default)]
struct State {
    asked: Asked,
    /// Requests that were answered, as far as this process knows, and those that are under way.
    answered: u64,
    under_way: u64,
}

/// Counts requests and promises of one session.
#[derive(Debug)]
pub struct Ledger {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

impl Ledger {
    /// For a client that ends with its session.
    pub fn in_memory() -> Self {
        Self { file: None, state: Mutex::default() }
    }

    /// Goes on from what `file` says, or begins. `price` is what one request costs.
    ///
    /// # Errors
    /// [`ClientError::Ledger`]: the file cannot be read, or holds something else.
    pub fn open(file: &Path, price: u64) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Ledger { file: file.to_owned(), reason };
        let asked: Asked = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Asked::default(),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let answered = asked.promised.checked_div(price).unwrap_or(0);
        Ok(Self { file: Some(file.to_owned()), state: Mutex::new(State { asked, answered, under_way: 0 }) })
    }

    /// Requests that were ever asked.
    pub fn requests(&self) -> u64 {
        self.state().asked.requests
    }

    /// The greatest amount that was signed, in base units of the payment mint.
    pub fn promised(&self) -> u64 {
        self.state().asked.promised
    }

    /// Begins a request: its number, and the amount to promise with it. Both are on disk when this returns.
    pub(super) fn begin(&self, price: u64, balance: u64) -> Result<(u64, u64), ClientError> {
        let mut state = self.state();
        let owed = price.saturating_mul(state.answered.saturating_add(state.under_way).saturating_add(1));
        let amount = owed.max(state.asked.promised);
        if owed > balance {
            return Err(ClientError::Spent { balance });
        }
        let asked = Asked { requests: state.asked.requests.saturating_add(1), promised: amount };
        self.keep(asked)?;
        state.asked = asked;
        state.under_way = state.under_way.saturating_add(1);
        Ok((asked.requests, amount))
    }

    /// Raises the promise to what the node says it is owed; not beyond the price of all that was ever asked. Whether it was raised.
    pub(super) fn raise(&self, owed: u64, price: u64, balance: u64) -> Result<bool, ClientError> {
        let mut state = self.state();
        let most = price.saturating_mul(state.asked.requests).min(balance);
        if owed > most || owed <= state.asked.promised {
            return Ok(false);
        }
        let asked = Asked { promised: owed, ..state.asked };
        self.keep(asked)?;
        state.asked = asked;
        Ok(true)
    }

    /// Ends a request that was begun.
    pub(super) fn end(&self, answered: bool) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        state.answered = state.answered.saturating_add(u64::from(answered));
    }

    /// Written whole or not at all: a voucher that was sent is never forgotten.
    fn keep(&self, asked: Asked) -> Result<(), ClientError> {
        let Some(file) = &self.file else { return Ok(()) };
        let write = || -> std::io::Result<()> {
            let next = file.with_extension("next");
            let mut written = std::fs::File::create(&next)?;
            written.write_all(&serde_json::to_vec(&asked)?)?;
            written.sync_all()?;
            std::fs::rename(&next, file)
        };
        write().map_err(|error| ClientError::Ledger { file: file.clone(), reason: error.to_string() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_follow_what_is_asked_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.json");
        let ledger = Ledger::open(&file, 10).unwrap();
        assert_eq!(ledger.begin(10, 100).unwrap(), (1, 10));
        assert_eq!(ledger.begin(10, 100).unwrap(), (2, 20), "two at once");
        ledger.end(true);
        ledger.end(false);
        assert_eq!(ledger.begin(10, 100).unwrap(), (3, 20), "what was not answered is not paid for");
        drop(ledger);
        let again = Ledger::open(&file, 10).unwrap();
        assert_eq!((again.requests(), again.promised()), (3, 20));
        assert_eq!(again.begin(10, 100).unwrap(), (4, 30));
        std::fs::write(&file, "{}").unwrap();
        assert!(Ledger::open(&file, 10).unwrap_err().to_string().starts_with("J0210"));
    }

    /// A node that claims to be owed more than was ever asked of it gets nothing.
    #[test]
    fn a_promise_never_exceeds_what_was_asked() {
        let ledger = Ledger::in_memory();
        for _ in 0..3 {
            ledger.begin(10, 100).unwrap();
            ledger.end(false);
        }
        assert_eq!((ledger.requests(), ledger.promised()), (3, 10));
        assert!(!ledger.raise(31, 10, 100).unwrap(), "three requests cost 30");
        assert!(!ledger.raise(10, 10, 100).unwrap(), "promised already");
        assert!(ledger.raise(30, 10, 100).unwrap());
        assert_eq!(ledger.promised(), 30);
        let small = Ledger::in_memory();
        for _ in 0..2 {
            small.begin(10, 15).unwrap();
            small.end(false);
        }
        assert!(!small.raise(20, 10, 15).unwrap(), "beyond the balance");
    }

    #[test]
    fn a_balance_is_spent_to_its_end_and_no_further() {
        let ledger = Ledger::in_memory();
        for sequence in 1..=3 {
            assert_eq!(ledger.begin(10, 35).unwrap(), (sequence, sequence * 10));
            ledger.end(true);
        }
        assert!(ledger.begin(10, 35).unwrap_err().to_string().starts_with("J0208"));
        assert_eq!(ledger.requests(), 3);
    }
}
