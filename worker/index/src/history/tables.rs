//! The tables of the database.

use assay::state_machine::JobState;
use assay_chain::chain::RawAccount;
use assay_chain::follower::{AccountKind, FollowedAccount};
use redb::{TableDefinition, WriteTransaction};
use solana_sdk::pubkey::Pubkey;

/// Things of which there is one.
pub(super) const SINGLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("single");
/// Kind, slot of the last change, slots of end and closing (0: not yet), bytes.
pub(super) const ACCOUNTS: TableDefinition<'_, &[u8; 32], (u8, u64, u64, u64, &[u8])> =
    TableDefinition::new("accounts");
/// Accounts that exist, by kind.
pub(super) const OPEN: TableDefinition<'_, (u8, &[u8; 32]), ()> = TableDefinition::new("open");
/// Records as JSON.
pub(super) const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// Which records are about an address.
pub(super) const TIMELINE: TableDefinition<'_, (&[u8; 32], u64), ()> = TableDefinition::new("timeline");
/// Lists of jobs, see [`list_key`].
pub(super) const LISTS: TableDefinition<'_, &[u8], ()> = TableDefinition::new("lists");
/// Jobs by the number of their state.
pub(super) const STATES: TableDefinition<'_, u8, u64> = TableDefinition::new("states");
/// Totals as JSON, by the beginning of their hour.
pub(super) const HOURS: TableDefinition<'_, i64, &[u8]> = TableDefinition::new("hours");
/// Readings of the chain's clock: slot, seconds since 1970.
pub(super) const CLOCK: TableDefinition<'_, u64, i64> = TableDefinition::new("clock");

/// Makes what is missing.
pub(super) fn create(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(SINGLE)?;
    write.open_table(ACCOUNTS)?;
    write.open_table(OPEN)?;
    write.open_table(RECORDS)?;
    write.open_table(TIMELINE)?;
    write.open_table(LISTS)?;
    write.open_table(STATES)?;
    write.open_table(HOURS)?;
    write.open_table(CLOCK)?;
    Ok(())
}

/// An account as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) kind: AccountKind,
    /// Slot of the last change.
    pub(super) slot: u64,
    pub(super) ended_slot: u64,
    pub(super) closed_slot: u64,
    pub(super) data: Vec<u8>,
}

impl Stored {
    /// Nothing where the number of the kind is none.
    pub(super) fn from_row((kind, slot, ended_slot, closed_slot, data): (u8, u64, u64, u64, &[u8])) -> Option<Self> {
        Some(Self { kind: AccountKind::from_number(kind)?, slot, ended_slot, closed_slot, data: data.to_vec() })
    }

    pub(super) fn row(&self) -> (u8, u64, u64, u64, &[u8]) {
        (self.kind as u8, self.slot, self.ended_slot, self.closed_slot, &self.data)
    }

    /// The account, read; nothing if this version does not know its layout.
    pub(super) fn read(&self, address: &Pubkey) -> Option<FollowedAccount> {
        let account = RawAccount { owner: assay::ID, lamports: 0, data: self.data.clone(), executable: false };
        match self.kind.decode(address, &account) {
            Ok(account) => Some(account),
            Err(error) => {
                tracing::warn!(%error, "an account cannot be read");
                None
            }
        }
    }
}

/// A list of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    All,
    OfClient(Pubkey),
    OfNode(Pubkey),
    InState(JobState),
}

impl List {
    pub(super) fn prefix(self) -> Vec<u8> {
        match self {
            Self::All => vec![0],
            Self::OfClient(client) => [&[1], client.as_ref()].concat(),
            Self::OfNode(node) => [&[2], node.as_ref()].concat(),
            Self::InState(state) => vec![3, state as u8],
        }
    }
}

/// The place of a job in a list: by the slot of its posting, then its address.
pub(super) fn list_key(list: List, posted_slot: u64, address: &Pubkey) -> Vec<u8> {
    let mut key = list.prefix();
    key.extend(posted_slot.to_be_bytes());
    key.extend(address.as_ref());
    key
}

/// Slot and address of a place in a list.
pub(super) fn place_of(key: &[u8]) -> Option<(u64, Pubkey)> {
    let (rest, address) = key.split_last_chunk::<32>()?;
    let (_, slot) = rest.split_last_chunk::<8>()?;
    Some((u64::from_be_bytes(*slot), Pubkey::new_from_array(*address)))
}
