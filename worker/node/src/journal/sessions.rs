//! Sessions of this node: how far each has come, and what its client has promised to pay.
//!
//! Receipts change the record of their session in the transaction in which they are written; whoever else changes it does so
//! through [`Journal::change_session`], so that neither undoes the other.

use super::{Addressed, InFlight, Journal, JournalError, REMOVED_SESSIONS, add_removed};
use crate::refusal::Refusal;
use crate::totals::SessionTotals;
use assay_journal::{Listed, RecordError, RecordTable};
use redb::TableDefinition;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

pub(super) const SESSIONS: RecordTable = TableDefinition::new("sessions");

/// What a transaction of the node does in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionPurpose {
    /// Takes the session and locks the bond.
    Accept,
    /// Records the greatest voucher.
    Record,
    /// Settles the session.
    Finalise,
    /// Takes the payment out of the vault.
    Withdraw,
}

/// How far a session has come, as the node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum SessionStage {
    /// Graph and params are whole and within limits, the model is loaded; nothing is promised yet.
    Admitted,
    /// The node serves the session and its bond is locked.
    Accepted,
    /// Over: nothing is left to do.
    Finished(SessionOutcome),
}

/// How a session ended for this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum SessionOutcome {
    /// Paid into the payee's account.
    Paid {
        /// Base units of the payment mint.
        amount: u64,
    },
    /// Settled, but the payment stays in the session's vault; the withdraw authority can take it to any account.
    Credited {
        /// Base units of the payment mint.
        amount: u64,
        /// Why it was not moved.
        reason: String,
    },
    /// Nobody accepted in time, or the client took it back; nothing was at risk.
    Lost {
        /// What was seen.
        reason: String,
    },
    /// Refused before any bond was at risk.
    Skipped(Refusal),
    /// A receipt was proved wrong, or what it rests on was withheld: bond, payment and a share of the stake are gone.
    Convicted,
}

/// The greatest voucher that the node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldVoucher {
    /// For all requests together, in base units of the payment mint.
    pub amount: u64,
    /// The voucher key's signature.
    #[serde(with = "hex::serde")]
    pub signature: [u8; 64],
}

/// Everything the node remembers of one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Address of the session, base58.
    pub session: String,
    /// How far it has come.
    #[serde(flatten)]
    pub stage: SessionStage,
    /// Signed and not yet known to have landed or died.
    pub in_flight: Option<InFlight<SessionPurpose>>,
    /// Slot of the first sight.
    pub first_slot: u64,
    /// Slot of the last change.
    pub last_slot: u64,
    /// Price of a request, in base units of the payment mint.
    pub price: u64,
    /// Receipts that were signed, or may have been.
    pub receipts: u64,
    /// The greatest sequence among them.
    pub greatest_sequence: Option<u64>,
    /// Bytes of inputs that are kept for disputes over them.
    pub kept_bytes: u64,
    /// What the client has promised to pay.
    pub voucher: Option<HeldVoucher>,
    /// Slot at which a voucher was last recorded on-chain; 0 before the first.
    pub recorded_slot: u64,
    /// What the node is owed after the protocol's fee, once known.
    pub payment: Option<u64>,
    /// Mint of the payment, base58, once known.
    #[serde(default)]
    pub mint: Option<String>,
    /// What openings of a result can cost this node.
    pub defence: Option<crate::defence::cost::DefenceCost>,
}

impl SessionRecord {
    /// A record of a session that was just admitted.
    pub fn new(session: &Pubkey, price: u64, slot: u64) -> Self {
        Self {
            session: session.to_string(),
            stage: SessionStage::Admitted,
            in_flight: None,
            first_slot: slot,
            last_slot: slot,
            price,
            receipts: 0,
            greatest_sequence: None,
            kept_bytes: 0,
            voucher: None,
            recorded_slot: 0,
            payment: None,
            mint: None,
            defence: None,
        }
    }

    /// The amount of the greatest voucher; 0 without one.
    pub fn promised(&self) -> u64 {
        self.voucher.map_or(0, |voucher| voucher.amount)
    }

    /// Whether a bond is locked for the session, or may be.
    pub fn may_be_bound(&self) -> bool {
        !self.is_finished() && (self.in_flight.is_some() || self.stage == SessionStage::Accepted)
    }

    /// Whether nothing is left to do.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, SessionStage::Finished(_))
    }
}

impl Listed for SessionRecord {
    type Sums = SessionTotals;

    fn last_slot(&self) -> u64 {
        self.last_slot
    }

    fn is_over(&self) -> bool {
        self.is_finished()
    }

    fn is_live(&self) -> bool {
        !self.is_finished() || self.in_flight.is_some()
    }

    fn add_to(&self, sums: &mut SessionTotals) {
        sums.add(self);
    }

    fn both(one: &SessionTotals, other: &SessionTotals) -> SessionTotals {
        one.plus(other)
    }
}

impl Journal {
    /// The record of a session.
    ///
    /// # Errors
    /// The database failed or the record is unreadable.
    pub fn session(&self, session: &Pubkey) -> Result<Option<SessionRecord>, JournalError> {
        self.record(self.sessions.get(&self.database, &session.to_bytes()))
    }

    /// All records of sessions, for a look that is not taken often: there may be a day's.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn sessions(&self) -> Result<Vec<Addressed<SessionRecord>>, JournalError> {
        self.addressed(self.sessions.all(&self.database))
    }

    /// The records of sessions that are not over.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn live_sessions(&self) -> Result<Vec<Addressed<SessionRecord>>, JournalError> {
        self.addressed(self.sessions.live(&self.database))
    }

    /// The records of [`Journal::live_sessions`], and the newest `most` of the others.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn newest_sessions(&self, most: usize) -> Result<Vec<Addressed<SessionRecord>>, JournalError> {
        self.addressed(self.sessions.newest(&self.database, most))
    }

    /// Reads, changes and durably writes the record of a session in a single transaction; returns what is there
    /// afterwards. `fresh` is what is changed where there is none.
    ///
    /// # Errors
    /// The database failed or the record is unreadable; nothing was changed then.
    pub fn change_session(
        &self,
        session: &Pubkey,
        fresh: impl FnOnce() -> SessionRecord,
        change: impl FnOnce(&mut SessionRecord),
    ) -> Result<SessionRecord, JournalError> {
        let key = session.to_bytes();
        self.record(self.sessions.change(&self.database, |sessions| -> Result<_, RecordError> {
            let mut record = sessions.get(&key)?.unwrap_or_else(fresh);
            change(&mut record);
            sessions.put(&key, &record)?;
            Ok(record)
        }))
    }

    /// Sums over all sessions, those whose records were removed included.
    ///
    /// # Errors
    /// The database failed or a record is unreadable.
    pub fn session_totals(&self) -> Result<SessionTotals, JournalError> {
        let kept = self.record(self.sessions.sums(&self.database))?;
        Ok(self.removed::<SessionTotals>(REMOVED_SESSIONS)?.plus(&kept))
    }

    /// Removes the records of sessions that were over before `slot`, but keeps the newest `keep` of them; how many were
    /// removed. Their sums stay in [`Journal::session_totals`].
    ///
    /// # Errors
    /// The database failed or a record is unreadable; nothing was changed then.
    pub fn prune_sessions(&self, slot: u64, keep: usize) -> Result<usize, JournalError> {
        self.record(self.sessions.prune(&self.database, slot, keep, |write, old| {
            let removed = SessionTotals::of(old.iter().map(|(_, record)| record));
            add_removed(write, REMOVED_SESSIONS, |known: &SessionTotals| known.plus(&removed))?;
            // What was signed while the session ended is not there any more for anybody.
            old.iter().try_for_each(|(session, _)| Self::remove_receipts(write, session))?;
            Ok(())
        }))
    }
}
