//! Transactions that are made on one machine, signed on another that has no network, and sent from the first.
//!
//! A file carries the transaction from one to the other. Whoever signs sees every instruction in words first: see [`explain()`]. With a
//! recent blockhash there is about a minute for all that; with a durable nonce as long as anybody likes.

pub mod explain;

pub use explain::{Explained, explain};

use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::sender::{MAXIMUM_TRANSACTION_BYTES, Outcome, Sender, SignedTransaction, wire_bytes};
use serde::{Deserialize, Serialize};
use solana_sdk::hash::Hash;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signature};
use solana_sdk::signer::Signer;
use solana_sdk::transaction::Transaction;
use std::path::Path;

/// The version of the file's form.
const FORM: u32 = 1;
/// A file with a transaction has some kilobytes.
const MOST_FILE_BYTES: u64 = 64 << 10;
/// Where the blockhash lies in a nonce account, behind version, state and authority; and the state in which it holds one.
const NONCE_STATE: std::ops::Range<usize> = 4..8;
const NONCE_AUTHORITY: std::ops::Range<usize> = 8..40;
const NONCE_HASH: std::ops::Range<usize> = 40..72;
/// Bytes of a nonce account.
pub const NONCE_ACCOUNT_BYTES: usize = 80;

/// By what a transaction is told from an older one of the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Lifetime {
    /// A recent blockhash.
    Blockhash {
        /// The last block height at which it can land.
        last_valid_block_height: u64,
    },
    /// A durable nonce: it can land until the nonce is advanced.
    Nonce,
}

/// A transaction on its way between machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Travelling {
    /// Genesis hash of the cluster that it is for.
    pub cluster: Hash,
    /// Until when it can land.
    pub lifetime: Lifetime,
    transaction: Transaction,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    form: u32,
    cluster: String,
    lifetime: Lifetime,
    /// Wire form in hex; signatures that are missing are zeros.
    transaction: String,
}

/// A nonce account as it is on-chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceState {
    /// Who may advance it.
    pub authority: Pubkey,
    /// What stands where a recent blockhash would.
    pub hash: Hash,
}

impl Chain {
    /// A nonce account. `C0130` when there is none, `C0132` when it is something else or not initialised.
    pub async fn nonce(&self, address: &Pubkey) -> Result<NonceState> {
        const WHAT: &str = "nonce account";
        let account =
            self.account(address).await?.ok_or(ChainError::AccountMissing { what: WHAT, address: *address })?;
        let malformed =
            |reason: &str| ChainError::AccountMalformed { what: WHAT, address: *address, reason: reason.to_owned() };
        if account.owner != solana_system_interface::program::ID || account.data.len() != NONCE_ACCOUNT_BYTES {
            return Err(malformed("the system program keeps none there"));
        }
        let part = |range: std::ops::Range<usize>| account.data.get(range).unwrap_or_default();
        if part(NONCE_STATE) != 1u32.to_le_bytes() {
            return Err(malformed("it is not initialised"));
        }
        let bytes = |range| <[u8; 32]>::try_from(part(range)).map_err(|_| malformed("it is too short"));
        Ok(NonceState {
            authority: Pubkey::new_from_array(bytes(NONCE_AUTHORITY)?),
            hash: Hash::new_from_array(bytes(NONCE_HASH)?),
        })
    }
}

impl Travelling {
    /// Makes a transaction that nobody has signed, with a recent blockhash or a durable nonce whose authority is `payer`. It is
    /// simulated first, so that nobody carries around what the program would refuse.
    ///
    /// `C0120` when a program would refuse, `C0126` when it does not fit a packet, `C0161` for the nonce of another authority.
    pub async fn make(
        sender: &Sender,
        instructions: &[Instruction],
        payer: &Pubkey,
        nonce: Option<&Pubkey>,
    ) -> Result<Self> {
        let chain = sender.chain();
        let cluster = chain.genesis_hash().await?;
        sender.simulate(instructions, payer).await?;
        let (instructions, hash, lifetime) = match nonce {
            None => {
                let recent = chain.recent_blockhash().await?;
                let last_valid_block_height = recent.last_valid_block_height;
                (instructions.to_vec(), recent.hash, Lifetime::Blockhash { last_valid_block_height })
            }
            Some(address) => {
                let nonce = chain.nonce(address).await?;
                if nonce.authority != *payer {
                    return Err(ChainError::NotSigner {
                        signer: *payer,
                        reason: format!("the nonce account {address} is {}'s to advance", nonce.authority),
                    });
                }
                let advance = solana_system_interface::instruction::advance_nonce_account(address, payer);
                (std::iter::once(advance).chain(instructions.iter().cloned()).collect(), nonce.hash, Lifetime::Nonce)
            }
        };
        let mut transaction = Transaction::new_with_payer(&instructions, Some(payer));
        transaction.message.recent_blockhash = hash;
        let bytes = wire_bytes(&transaction)?;
        if bytes > MAXIMUM_TRANSACTION_BYTES {
            return Err(ChainError::TransactionTooLarge { bytes });
        }
        Ok(Self { cluster, lifetime, transaction })
    }

    /// Every instruction in words. `C0160` for one that this program cannot explain to the last byte.
    pub fn explain(&self) -> Result<Vec<Explained>> {
        explain(&self.transaction.message)
    }

    /// Who has to sign, and whether they did.
    pub fn signers(&self) -> Vec<(Pubkey, bool)> {
        let keys = self.transaction.message.account_keys.iter();
        keys.zip(&self.transaction.signatures)
            .map(|(key, signature)| (*key, *signature != Signature::default()))
            .collect()
    }

    /// Adds a signature. `C0160` when an instruction cannot be explained, `C0161` when the key is none of the signers.
    pub fn sign(&mut self, keypair: &Keypair) -> Result<()> {
        self.explain()?;
        let signer = keypair.pubkey();
        let place = self.signers().iter().position(|(key, _)| *key == signer);
        let Some(signature) = place.and_then(|place| self.transaction.signatures.get_mut(place)) else {
            let wanted: Vec<String> = self.signers().iter().map(|(key, _)| key.to_string()).collect();
            return Err(ChainError::NotSigner {
                signer,
                reason: format!("the transaction is to be signed by {}", wanted.join(" and ")),
            });
        };
        *signature = keypair.sign_message(&self.transaction.message.serialize());
        Ok(())
    }

    /// Sends it and waits for the outcome. `C0123` when a signature is missing or wrong, `C0162` on another cluster.
    pub async fn send(&self, sender: &Sender) -> Result<Outcome> {
        let given = sender.chain().genesis_hash().await?;
        if given != self.cluster {
            return Err(ChainError::TransactionOfOtherCluster {
                endpoint: sender.chain().endpoint().shown(),
                given: given.to_string(),
                expected: self.cluster.to_string(),
            });
        }
        let missing: Vec<String> =
            self.signers().into_iter().filter(|(_, signed)| !signed).map(|(key, _)| key.to_string()).collect();
        if !missing.is_empty() {
            let reason = format!("{} did not sign: run `assay transaction sign` with that key", missing.join(" and "));
            return Err(ChainError::SigningFailed { reason });
        }
        self.transaction.verify().map_err(|_| ChainError::SigningFailed {
            reason: "a signature does not fit the transaction: make it anew".to_owned(),
        })?;
        let last_valid_block_height = match self.lifetime {
            Lifetime::Blockhash { last_valid_block_height } => last_valid_block_height,
            // It lands at once or never: how long that is tried for is as long as with a recent blockhash.
            Lifetime::Nonce => sender.chain().recent_blockhash().await?.last_valid_block_height,
        };
        sender.deliver(&SignedTransaction::of_parts(self.transaction.clone(), last_valid_block_height)).await
    }

    /// Reads a file. `C0125` for anything but what [`Travelling::write`] wrote.
    pub fn read(path: &Path) -> Result<Self> {
        let invalid = |reason: String| ChainError::StoredTransactionInvalid { reason };
        let length = std::fs::metadata(path).map(|file| file.len());
        let length = length.map_err(|error| invalid(format!("{} cannot be read: {error}", path.display())))?;
        if length > MOST_FILE_BYTES {
            return Err(invalid(format!("{} is too large to be one", path.display())));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| invalid(format!("{} cannot be read: {error}", path.display())))?;
        Self::from_text(&text)
    }

    /// Reads a file's text.
    pub(crate) fn from_text(text: &str) -> Result<Self> {
        let invalid = |reason: String| ChainError::StoredTransactionInvalid { reason };
        let form: Form = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        if form.form != FORM {
            return Err(invalid(format!("it has the form {}, this program knows {FORM}", form.form)));
        }
        let cluster = form.cluster.parse().map_err(|_| invalid("it names no cluster".to_owned()))?;
        let wire = hex::decode(&form.transaction).map_err(|error| invalid(error.to_string()))?;
        let transaction: Transaction = bincode::deserialize(&wire).map_err(|error| invalid(error.to_string()))?;
        let again = bincode::serialize(&transaction).map_err(|error| invalid(error.to_string()))?;
        if again != wire {
            return Err(invalid("bytes follow the transaction".to_owned()));
        }
        let required = usize::from(transaction.message.header.num_required_signatures);
        if required == 0
            || transaction.signatures.len() != required
            || transaction.message.account_keys.len() < required
        {
            return Err(invalid("it has another number of signatures than of signers".to_owned()));
        }
        Ok(Self { cluster, lifetime: form.lifetime, transaction })
    }

    /// Writes a file. `C0125` when it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let invalid = |reason: String| ChainError::StoredTransactionInvalid { reason };
        std::fs::write(path, self.to_text()?)
            .map_err(|error| invalid(format!("{} cannot be written: {error}", path.display())))
    }

    pub(crate) fn to_text(&self) -> Result<String> {
        let invalid = |reason: String| ChainError::StoredTransactionInvalid { reason };
        let wire = bincode::serialize(&self.transaction).map_err(|error| invalid(error.to_string()))?;
        let form = Form {
            form: FORM,
            cluster: self.cluster.to_string(),
            lifetime: self.lifetime,
            transaction: hex::encode(wire),
        };
        serde_json::to_string_pretty(&form).map_err(|error| invalid(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instructions::request_withdrawal;
    use solana_sdk::message::Message;

    fn travelling(key: &Keypair, instructions: &[Instruction]) -> Travelling {
        let message = Message::new_with_blockhash(instructions, Some(&key.pubkey()), &Hash::new_unique());
        Travelling {
            cluster: Hash::new_unique(),
            lifetime: Lifetime::Nonce,
            transaction: Transaction::new_unsigned(message),
        }
    }

    #[test]
    fn a_file_leads_back_to_the_same_transaction_signed_or_not() {
        let key = Keypair::new();
        let mut travelling = travelling(&key, &[request_withdrawal(&key.pubkey(), &Pubkey::new_unique(), 5)]);
        assert_eq!(Travelling::from_text(&travelling.to_text().unwrap()).unwrap(), travelling);
        assert_eq!(travelling.signers(), [(key.pubkey(), false)]);
        travelling.sign(&key).unwrap();
        let again = Travelling::from_text(&travelling.to_text().unwrap()).unwrap();
        assert_eq!((again.signers(), again.transaction.verify().is_ok()), (vec![(key.pubkey(), true)], true));
    }

    #[test]
    fn who_is_no_signer_does_not_sign() {
        let key = Keypair::new();
        let mut travelling = travelling(&key, &[request_withdrawal(&key.pubkey(), &Pubkey::new_unique(), 5)]);
        let error = travelling.sign(&Keypair::new()).unwrap_err();
        assert!(error.code() == "C0161" && error.to_string().contains(&key.pubkey().to_string()), "{error}");
        assert_eq!(travelling.signers(), [(key.pubkey(), false)]);
    }

    #[test]
    fn nothing_is_signed_that_cannot_be_explained() {
        let key = Keypair::new();
        let strange = Instruction::new_with_bytes(Pubkey::new_unique(), &[1], vec![]);
        let mut travelling = travelling(&key, &[request_withdrawal(&key.pubkey(), &Pubkey::new_unique(), 5), strange]);
        assert_eq!(travelling.sign(&key).unwrap_err().code(), "C0160");
        assert_eq!(travelling.signers(), [(key.pubkey(), false)]);
    }

    #[test]
    fn damaged_files_are_refused() {
        let key = Keypair::new();
        let travelling = travelling(&key, &[request_withdrawal(&key.pubkey(), &Pubkey::new_unique(), 5)]);
        let text = travelling.to_text().unwrap();
        let wire = hex::encode(bincode::serialize(&travelling.transaction).unwrap());
        for damaged in [
            String::new(),
            text.replace("\"form\": 1", "\"form\": 2"),
            text.replace("\"form\": 1", "\"form\": 1, \"more\": 1"),
            text.replace(&wire, &wire[2..]),
            text.replace(&wire, &format!("{wire}00")),
            text.replace(&wire, &format!("00{}", &wire[2 + 128..])),
            text.replace(&travelling.cluster.to_string(), "here"),
        ] {
            assert_ne!(damaged, text);
            assert_eq!(Travelling::from_text(&damaged).unwrap_err().code(), "C0125", "{damaged}");
        }
    }
}
