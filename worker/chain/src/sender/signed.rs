//! A signed transaction and its form on disk.

use super::LAMPORTS_PER_SIGNATURE;
use crate::error::{ChainError, Result};
use crate::fees::cost_lamports;
use solana_sdk::{pubkey::Pubkey, signature::Signature, transaction::Transaction};

/// First byte of the stored form.
const FORMAT: u8 = 1;
/// Bytes before the transaction in the stored form: the format, the last valid block height.
const HEADER_BYTES: usize = 9;

/// A transaction with all its signatures, and until when it can land. To send it again is to send these very bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    pub(super) transaction: Transaction,
    pub(super) last_valid_block_height: u64,
}

impl SignedTransaction {
    /// A transaction whose signatures were verified.
    pub(crate) fn of_parts(transaction: Transaction, last_valid_block_height: u64) -> Self {
        Self { transaction, last_valid_block_height }
    }

    /// The signature by which the chain knows the transaction.
    pub fn signature(&self) -> Signature {
        self.transaction.signatures.first().copied().unwrap_or_default()
    }

    /// The last block height at which it can land.
    pub fn last_valid_block_height(&self) -> u64 {
        self.last_valid_block_height
    }

    /// What it costs if it lands, whether it succeeds or not: a fee for each signature, those included that the ed25519
    /// program verifies for it, and what it offers for priority.
    pub fn fee_lamports(&self) -> u64 {
        self.base_fee_lamports().saturating_add(self.priority_fee_lamports())
    }

    /// The part of that for signatures.
    pub fn base_fee_lamports(&self) -> u64 {
        let own = self.transaction.signatures.len() as u64;
        let verified = self.instructions().map(|(program, data)| match data {
            [count, ..] if program == solana_sdk_ids::ed25519_program::ID => u64::from(*count),
            _ => 0,
        });
        own.saturating_add(verified.sum()).saturating_mul(LAMPORTS_PER_SIGNATURE)
    }

    /// The part of that for priority.
    pub fn priority_fee_lamports(&self) -> u64 {
        let (mut units, mut micro_lamports_per_unit) = (0u32, 0u64);
        for (program, data) in self.instructions() {
            match data {
                [2, limit @ ..] if program == solana_sdk_ids::compute_budget::ID => {
                    units = limit.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                }
                [3, price @ ..] if program == solana_sdk_ids::compute_budget::ID => {
                    micro_lamports_per_unit = price.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                }
                _ => {}
            }
        }
        cost_lamports(micro_lamports_per_unit, units)
    }

    /// Programs and data of its instructions, in order.
    fn instructions(&self) -> impl Iterator<Item = (Pubkey, &[u8])> {
        self.programs().into_iter().zip(self.transaction.message.instructions.iter().map(|one| one.data.as_slice()))
    }

    /// The programs of its instructions, in order.
    pub(super) fn programs(&self) -> Vec<Pubkey> {
        let message = &self.transaction.message;
        let program = |index: u8| message.account_keys.get(usize::from(index)).copied().unwrap_or_default();
        message.instructions.iter().map(|instruction| program(instruction.program_id_index)).collect()
    }

    /// The form in which it is sent, and in which others can send it.
    ///
    /// # Errors
    /// `C0125`: it cannot be written, which no transaction that was signed here is.
    pub fn wire(&self) -> Result<Vec<u8>> {
        bincode::serialize(&self.transaction).map_err(|error| stored_invalid(&error.to_string()))
    }

    /// What to store before it is sent: a format byte, the last valid block height (little endian), the wire form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.last_valid_block_height.to_le_bytes());
        bytes.extend_from_slice(&self.wire()?);
        Ok(bytes)
    }

    /// Reads what [`SignedTransaction::to_bytes`] wrote. `C0125` for anything else, among it bytes whose signatures do
    /// not fit the message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((header, wire)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(stored_invalid("they are too short"));
        };
        let [format, height @ ..] = *header;
        if format != FORMAT {
            return Err(stored_invalid("they have another format"));
        }
        let transaction: Transaction =
            bincode::deserialize(wire).map_err(|error| stored_invalid(&error.to_string()))?;
        // Without this a transaction of no signatures would verify: each of none is right.
        let required = usize::from(transaction.message.header.num_required_signatures);
        if transaction.signatures.is_empty() || transaction.signatures.len() != required {
            return Err(stored_invalid("signatures are missing"));
        }
        transaction.verify().map_err(|error| stored_invalid(&error.to_string()))?;
        Ok(Self { transaction, last_valid_block_height: u64::from_le_bytes(height) })
    }
}

fn stored_invalid(reason: &str) -> ChainError {
    ChainError::StoredTransactionInvalid { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::{hash::Hash, signature::Keypair, signer::Signer};

    fn signed() -> SignedTransaction {
        let payer = Keypair::new();
        let transfer = solana_system_interface::instruction::transfer(&payer.pubkey(), &Pubkey::new_unique(), 1);
        let transaction =
            Transaction::new_signed_with_payer(&[transfer], Some(&payer.pubkey()), &[&payer], Hash::new_unique());
        SignedTransaction { transaction, last_valid_block_height: 0x0102_0304_0506_0708 }
    }

    #[test]
    fn the_stored_form_leads_back_to_the_same_transaction() {
        let signed = signed();
        assert_eq!(SignedTransaction::from_bytes(&signed.to_bytes().unwrap()).unwrap(), signed);
        assert_eq!(signed.programs(), [solana_system_interface::program::ID]);
    }

    #[test]
    fn the_fee_counts_signatures_and_priority() {
        use solana_compute_budget_interface::ComputeBudgetInstruction;
        assert_eq!(signed().fee_lamports(), 5_000);
        let payer = Keypair::new();
        let verify = solana_sdk::instruction::Instruction {
            program_id: solana_sdk_ids::ed25519_program::ID,
            accounts: vec![],
            data: vec![1, 0],
        };
        let instructions = [
            ComputeBudgetInstruction::set_compute_unit_limit(20_001),
            ComputeBudgetInstruction::set_compute_unit_price(1_000),
            verify,
        ];
        let transaction =
            Transaction::new_signed_with_payer(&instructions, Some(&payer.pubkey()), &[&payer], Hash::new_unique());
        let signed = SignedTransaction { transaction, last_valid_block_height: 1 };
        assert_eq!(signed.fee_lamports(), 2 * 5_000 + 21, "rounded up");
    }

    #[test]
    fn a_transaction_that_nobody_signed_is_none() {
        let unsigned = SignedTransaction { transaction: Transaction::default(), last_valid_block_height: 1 };
        let error = SignedTransaction::from_bytes(&unsigned.to_bytes().unwrap()).unwrap_err();
        assert_eq!(error.code(), "C0125");
        let mut stripped = signed();
        stripped.transaction.signatures.clear();
        assert!(SignedTransaction::from_bytes(&stripped.to_bytes().unwrap()).is_err());
    }

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let bytes = signed().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert_eq!(SignedTransaction::from_bytes(&bytes[..length]).unwrap_err().code(), "C0125", "{length}");
        }
        for position in (0..bytes.len()).filter(|position| !(1..HEADER_BYTES).contains(position)) {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            assert!(SignedTransaction::from_bytes(&damaged).is_err(), "byte {position}");
        }
    }
}
