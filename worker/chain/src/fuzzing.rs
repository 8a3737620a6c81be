//! What fuzz targets reach of parsers that are nobody else's to call.

use crate::accounts::{Kind, decode};
use crate::chain::RawAccount;
use crate::error::Result;
use crate::offline::Travelling;
use anchor_lang::AccountSerialize;
use assay::state::{
    Attestation, Budget, Buffer, Challenge, Client, Demand, FirstJob, Job, Network, Node, PaymentMint, Proposal,
    RewardPool, SegmentClaim, Session, StakeRegister, Validator,
};
use solana_sdk::pubkey::Pubkey;

/// Reads the data of an account as every kind of the program's. What is read is written as the same bytes; gives how many kinds it was.
///
/// # Panics
/// An account that is read is written as other bytes.
pub fn read_as_every_kind(data: &[u8]) -> usize {
    fn read<T: Kind + AccountSerialize>(account: &RawAccount) -> usize {
        let Ok(value) = decode::<T>(&Pubkey::default(), account) else { return 0 };
        let mut written = Vec::new();
        value.try_serialize(&mut written).expect("what was read is written");
        assert!(account.data.starts_with(&written), "a second encoding of one {}", T::NAME);
        1
    }
    let account = RawAccount { owner: assay::ID, lamports: 1, data: data.to_vec(), executable: false };
    // One of an earlier layout becomes one of today's.
    if let Ok(migrated) = FirstJob::read(data) {
        let mut written = Vec::new();
        migrated.try_serialize(&mut written).expect("a job is written");
    }
    [
        read::<Attestation>,
        read::<Budget>,
        read::<Buffer>,
        read::<Challenge>,
        read::<Client>,
        read::<Demand>,
        read::<Job>,
        read::<Network>,
        read::<Node>,
        read::<PaymentMint>,
        read::<Proposal>,
        read::<RewardPool>,
        read::<SegmentClaim>,
        read::<Session>,
        read::<StakeRegister>,
        read::<Validator>,
    ]
    .iter()
    .map(|read| read(&account))
    .sum()
}

/// Reads the text of a file that carries a transaction.
///
/// # Errors
/// `C0125`.
pub fn travelling(text: &str) -> Result<Travelling> {
    Travelling::from_text(text)
}

/// Writes such a text.
///
/// # Errors
/// `C0125`.
pub fn text_of(travelling: &Travelling) -> Result<String> {
    travelling.to_text()
}
