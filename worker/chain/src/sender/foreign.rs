//! Transactions that somebody else signed, sent for them.

use super::deliver::Delivery;
use super::prepare::MAXIMUM_TRANSACTION_BYTES;
use super::{Outcome, Sender, SignedTransaction};
use crate::error::{ChainError, Result};
use solana_commitment_config::CommitmentConfig;
use solana_sdk::sanitize::Sanitize;
use solana_sdk::transaction::Transaction;

/// Blocks for which a blockhash is good, at most: a stranger's transaction is not sent for longer.
const BLOCKHASH_BLOCKS: u64 = 150;

/// Reads the wire form of a legacy transaction, whole: every signature that it needs is there and right, and nothing comes after it.
///
/// # Errors
/// `C0127`: the bytes are none. `C0126`: they are more than fit a packet.
pub fn read_transaction(wire: &[u8]) -> Result<Transaction> {
    let invalid = |reason: &str| ChainError::ForeignTransactionInvalid { reason: reason.to_owned() };
    if wire.len() > MAXIMUM_TRANSACTION_BYTES {
        return Err(ChainError::TransactionTooLarge { bytes: wire.len() });
    }
    let transaction: Transaction = bincode::deserialize(wire).map_err(|error| invalid(&error.to_string()))?;
    // The reader stops where the transaction ends, and takes numbers in longer forms than it writes.
    if bincode::serialize(&transaction).map_err(|error| invalid(&error.to_string()))? != wire {
        return Err(invalid("it is not in the form in which transactions are written, or bytes come after it"));
    }
    let required = usize::from(transaction.message.header.num_required_signatures);
    if transaction.signatures.is_empty() || transaction.signatures.len() != required {
        return Err(invalid("signatures are missing"));
    }
    transaction.sanitize().map_err(|error| invalid(&error.to_string()))?;
    transaction.verify().map_err(|error| invalid(&error.to_string()))?;
    Ok(transaction)
}

impl Sender {
    /// Sends a transaction that somebody else signed and waits for its outcome; whoever signed it may send it as well, and it lands
    /// once all the same. It is run before it is passed on, so that what would fail is `Outcome::Failed` and costs nobody a
    /// fee; one whose blockhash is not known (any more) is looked for and not sent.
    ///
    /// `C0122` when the endpoint stays unreachable for longer than the sender's patience: the outcome is open.
    pub async fn deliver_foreign(&self, transaction: &Transaction) -> Result<Outcome> {
        let tip = self.chain().tip().await?;
        let blockhash = &transaction.message.recent_blockhash;
        let rpc = self.chain().rpc();
        let is_known = rpc.is_blockhash_valid(blockhash, CommitmentConfig::confirmed()).await;
        let is_known = is_known.map_err(|error| self.chain().error(error))?;
        let last_valid_block_height = if is_known { tip.block_height.saturating_add(BLOCKHASH_BLOCKS) } else { 0 };
        let signed = SignedTransaction { transaction: transaction.clone(), last_valid_block_height };
        self.run(Delivery::new(&signed, !is_known)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::{hash::Hash, pubkey::Pubkey, signature::Keypair, signer::Signer};

    fn signed() -> Transaction {
        let payer = Keypair::new();
        let transfer = solana_system_interface::instruction::transfer(&payer.pubkey(), &Pubkey::new_unique(), 1);
        Transaction::new_signed_with_payer(&[transfer], Some(&payer.pubkey()), &[&payer], Hash::new_unique())
    }

    fn code(wire: &[u8]) -> &'static str {
        read_transaction(wire).unwrap_err().code()
    }

    #[test]
    fn a_transaction_is_read_whole_or_not_at_all() {
        let transaction = signed();
        let wire = bincode::serialize(&transaction).unwrap();
        assert_eq!(read_transaction(&wire).unwrap(), transaction);
        for length in 0..wire.len() {
            assert_eq!(code(&wire[..length]), "C0127", "{length}");
        }
        assert_eq!(code(&[&wire[..], &[0]].concat()), "C0127", "bytes after it");
        assert_eq!(code(&[0; MAXIMUM_TRANSACTION_BYTES + 1]), "C0126");
    }

    #[test]
    fn what_is_not_signed_by_all_or_names_accounts_that_are_not_there_is_refused() {
        let wire = |transaction: &Transaction| bincode::serialize(transaction).unwrap();
        assert_eq!(code(&wire(&Transaction::default())), "C0127", "each of no signatures is right");
        let mut other = signed();
        other.message.recent_blockhash = Hash::new_unique();
        assert_eq!(code(&wire(&other)), "C0127", "signed was something else");
        let mut unsigned = signed();
        unsigned.signatures.clear();
        assert_eq!(code(&wire(&unsigned)), "C0127");
        let payer = Keypair::new();
        let mut lost = signed();
        lost.message.account_keys[0] = payer.pubkey();
        lost.message.instructions[0].accounts[1] = 9;
        lost.signatures[0] = payer.sign_message(&lost.message_data());
        assert_eq!(code(&wire(&lost)), "C0127", "an account that is not there");
    }
}
