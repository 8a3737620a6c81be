//! What is proposed, how to carry it out, and how a fee leaves a job.

use crate::accounts::{kind_filter, versioned_filter};
use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::instructions::{self, TokenMint};
use anchor_lang::Discriminator;
use assay::address;
use assay::state::{Change, FirstJob, FirstNetwork, FirstNode, Job, Network, Node, Proposal, RewardPool};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use std::fmt;

/// Whether the network has to be migrated before this client can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkLayout {
    /// There is no network.
    Absent,
    /// It has the layout of this client.
    Current,
    /// It has an earlier one, from which [`instructions::migrate_network`] leads to today's.
    Outdated,
    /// It has one that this client does not know: a later one.
    Unknown,
}

/// Accounts in an earlier layout: nobody can do anything about them until they are migrated, while the deadlines of jobs run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutdatedAccounts {
    /// Addresses of nodes.
    pub nodes: Vec<Pubkey>,
    /// Addresses of jobs.
    pub jobs: Vec<Pubkey>,
}

impl OutdatedAccounts {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.jobs.is_empty()
    }

    /// Whether one of them is this.
    pub fn contains(&self, address: &Pubkey) -> bool {
        self.nodes.contains(address) || self.jobs.contains(address)
    }
}

impl fmt::Display for OutdatedAccounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} nodes and {} jobs", self.nodes.len(), self.jobs.len())
    }
}

impl Chain {
    /// In which layout the network is. `C0131` where another program owns the account.
    pub async fn network_layout(&self) -> Result<NetworkLayout> {
        let address = address::network();
        let account = self.account(&address).await?.filter(|account| !account.data.is_empty());
        let Some(account) = account else { return Ok(NetworkLayout::Absent) };
        if account.owner != assay::ID {
            let (what, owner, expected) = ("network", account.owner, assay::ID);
            return Err(ChainError::AccountOwner { what, address, owner, expected });
        }
        let version = account.data.strip_prefix(Network::DISCRIMINATOR).and_then(|rest| rest.first());
        Ok(match version {
            Some(&Network::VERSION) => NetworkLayout::Current,
            Some(&FirstNetwork::VERSION) => NetworkLayout::Outdated,
            _ => NetworkLayout::Unknown,
        })
    }

    /// All nodes and jobs in an earlier layout, from which [`instructions::migrate_node`] and [`instructions::migrate_job`] lead
    /// to today's.
    pub async fn outdated_accounts(&self) -> Result<OutdatedAccounts> {
        let nodes = self.program_accounts(&assay::ID, &[versioned_filter::<Node>(FirstNode::VERSION)], 0).await?;
        let jobs = self.program_accounts(&assay::ID, &[versioned_filter::<Job>(FirstJob::VERSION)], 0).await?;
        let addresses = |found: Vec<(Pubkey, _)>| found.into_iter().map(|(address, _)| address).collect();
        Ok(OutdatedAccounts { nodes: addresses(nodes.value), jobs: addresses(jobs.value) })
    }

    /// A proposal by its number. `C0130` where there is none: it was never made, or is carried out or dismissed.
    pub async fn proposal(&self, number: u64) -> Result<Proposal> {
        self.fetch(&address::proposal(number)).await
    }

    /// All proposals that are neither carried out nor dismissed, in the order of their numbers.
    pub async fn proposals(&self) -> Result<Vec<Proposal>> {
        let found = self.list::<Proposal>(&[kind_filter::<Proposal>()], 0).await?;
        let mut proposals: Vec<Proposal> = found.value.into_iter().map(|(_, proposal)| proposal).collect();
        proposals.sort_by_key(|proposal| proposal.number);
        Ok(proposals)
    }

    /// The mint that a change is about, if its execution needs it.
    pub async fn mint_of(&self, change: &Change) -> Result<Option<TokenMint>> {
        match change {
            Change::AllowPaymentMint { mint, .. } | Change::WithdrawFees { mint, .. } => {
                self.token_mint(mint).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The instruction that carries a proposal out, paid by `payer`.
    pub async fn execution(
        &self,
        payer: &Pubkey,
        number: u64,
        proposer: &Pubkey,
        change: Change,
    ) -> Result<Instruction> {
        let mint = self.mint_of(&change).await?;
        instructions::execute_proposal(payer, number, proposer, change, mint)
            .ok_or(ChainError::AccountMissing { what: "mint", address: address::proposal(number) })
    }

    /// The reward pool; nothing where nobody has created it.
    pub async fn find_reward_pool(&self) -> Result<Option<RewardPool>> {
        self.find(&address::reward_pool()).await
    }

    /// The instructions that take the fee out of a job that has ended: to the treasury, or, in the stake mint, a part of it burns
    /// and the node is rewarded. `payer` pays for the reward pool where there is none yet.
    pub async fn fee_instructions(
        &self,
        payer: &Pubkey,
        job_address: &Pubkey,
        job: &Job,
        mint: TokenMint,
    ) -> Result<Vec<Instruction>> {
        if self.network().await?.stake_mint != job.payment_mint {
            return Ok(vec![instructions::sweep_fee(job_address, mint)]);
        }
        let create = match self.find_reward_pool().await? {
            Some(_) => None,
            None => Some(instructions::create_reward_pool(payer, mint)),
        };
        Ok(create.into_iter().chain([instructions::burn_fee(job_address, mint)]).collect())
    }
}
