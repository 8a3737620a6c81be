//! What the breaker has to find again after a restart: one row, in a table of its own.

use super::{Journal, JournalError};
use crate::breaker::Machine;
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use solana_sdk::pubkey::Pubkey;

pub(super) const BREAKER: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("breaker");

impl Journal {
    /// The breaker as it was written last; a fresh one if it never was.
    ///
    /// # Errors
    /// The database failed or the row is unreadable.
    pub fn breaker(&self) -> Result<Machine, JournalError> {
        let bytes = self.wrap(|| {
            let read = self.database.begin_read()?;
            Ok(read.open_table(BREAKER)?.get(0)?.map(|value| value.value().to_vec()))
        })?;
        Ok(bytes.map(|bytes| self.decode(&Pubkey::default(), &bytes)).transpose()?.unwrap_or_default())
    }

    /// Writes the breaker durably, unless the row says the same already.
    ///
    /// # Errors
    /// The database failed; nothing was changed then.
    pub fn put_breaker(&self, machine: &Machine) -> Result<(), JournalError> {
        let bytes = serde_json::to_vec(machine).map_err(|error| self.unreadable(&Pubkey::default(), &error))?;
        self.wrap(|| {
            let write = self.database.begin_write()?;
            {
                let mut table = write.open_table(BREAKER)?;
                let is_known = table.get(0)?.is_some_and(|known| known.value() == bytes);
                if is_known {
                    return Ok(());
                }
                table.insert(0, bytes.as_slice())?;
            }
            write.commit()?;
            Ok(())
        })
    }
}
