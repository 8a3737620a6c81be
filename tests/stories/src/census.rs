//! What is left on the chain of something that is over.

use crate::story::{PATIENCE, Story};
use anchor_lang::Discriminator;
use assay::state::{Client, Job, Network, Node, PaymentMint};
use solana_sdk::pubkey::Pubkey;
use std::time::{Duration, Instant};

/// An account of the program that names somebody or something of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Where it is.
    pub address: Pubkey,
    /// The first bytes of its data, which say what it is.
    pub discriminator: [u8; 8],
    /// What it holds.
    pub lamports: u64,
}

impl Story {
    /// Accounts of the program that name one of `keys` (jobs, challengers) and are not the standing accounts of somebody
    /// who takes part: those of the network, of nodes, clients and mints.
    pub async fn leftovers(&self, keys: &[Pubkey]) -> Vec<Leftover> {
        let standing = [Network::DISCRIMINATOR, Node::DISCRIMINATOR, Client::DISCRIMINATOR, PaymentMint::DISCRIMINATOR];
        let all = self.chain().program_accounts(&assay::ID, &[], 0).await.expect("the chain answers").value;
        all.into_iter()
            .filter(|(_, account)| !standing.iter().any(|kind| account.data.starts_with(kind)))
            .filter(|(address, account)| {
                let names = |key: &Pubkey| account.data.windows(32).any(|bytes| bytes == key.as_ref());
                keys.iter().any(|key| address == key || names(key))
            })
            .map(|(address, account)| Leftover {
                address,
                discriminator: account.data.first_chunk().copied().unwrap_or_default(),
                lamports: account.lamports,
            })
            .collect()
    }

    /// Waits until nothing is left that belongs to or was signed by `keys`, jobs aside: what their owner opened is closed.
    pub async fn leaves_nothing_of(&self, keys: &[Pubkey]) {
        let started = Instant::now();
        loop {
            let mut leftovers = self.leftovers(keys).await;
            leftovers.retain(|leftover| leftover.discriminator != *Job::DISCRIMINATOR);
            if leftovers.is_empty() {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "accounts are left behind: {leftovers:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until nothing is left of `keys`, and fails if something stays.
    pub async fn leaves_nothing(&self, keys: &[Pubkey]) {
        let started = Instant::now();
        loop {
            let leftovers = self.leftovers(keys).await;
            if leftovers.is_empty() {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "accounts are left behind: {leftovers:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
