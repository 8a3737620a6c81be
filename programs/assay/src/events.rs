//! What the program announces. Every event is emitted by a call of the program to itself, so no log limit truncates it.
//!
//! Events are for watchers; the accounts are the truth, and everything can be rebuilt from them alone.

use crate::dispute::{ChallengeState, Target};
use crate::fairness::endings::Reason;
use crate::fairness::reputation::Score;
use crate::state::{DemandKey, Fault, Parameters};
use anchor_lang::prelude::*;

mod audit;
mod budget;
mod delegation;
mod governance;
mod scheduling;
mod session;

pub use audit::*;
pub use budget::*;
pub use delegation::*;
pub use governance::*;
pub use scheduling::*;
pub use session::*;

/// The network was created.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInitialized {
    /// Who governs it.
    pub authority: Pubkey,
    /// What nodes stake.
    pub stake_mint: Pubkey,
    /// Genesis hash of the cluster.
    pub genesis_hash: [u8; 32],
    /// Whether dispute clocks may be short.
    pub development: bool,
    /// The first parameters.
    pub parameters: Parameters,
    /// Who may veto changes and pause new work; the zero key says nobody.
    pub guardian: Pubkey,
    /// How long a change waits from its proposal to its execution.
    pub timelock_slots: u64,
    /// The share of a job's fee that burns.
    pub fee_burn_bps: u16,
}

/// The authority proposed its successor.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityProposed {
    /// The present authority.
    pub authority: Pubkey,
    /// Who may accept; the zero key withdraws a proposal.
    pub pending_authority: Pubkey,
}

/// The proposed key became the authority.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityAccepted {
    /// Who governed before.
    pub previous_authority: Pubkey,
    /// Who governs now.
    pub authority: Pubkey,
}

/// A node registered.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRegistered {
    /// The node.
    pub node: Pubkey,
    /// Its cold key.
    pub withdraw_authority: Pubkey,
    /// Its hot key.
    pub operator: Pubkey,
    /// Its number among the nodes of the cold key.
    pub index: u16,
}

/// A node changed its operator or endpoint.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUpdated {
    /// The node.
    pub node: Pubkey,
    /// Its hot key from now on.
    pub operator: Pubkey,
}

/// A node was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDeregistered {
    /// The node.
    pub node: Pubkey,
    /// Who received the rent.
    pub withdraw_authority: Pubkey,
}

/// Stake was added.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staked {
    /// The node.
    pub node: Pubkey,
    /// Base units of the stake mint that were added.
    pub amount: u64,
    /// The node's active stake now.
    pub stake: u64,
}

/// Stake began to unbond.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalRequested {
    /// The node.
    pub node: Pubkey,
    /// Base units of the stake mint that unbond.
    pub amount: u64,
    /// First slot at which they can be withdrawn.
    pub release_slot: u64,
    /// The node's active stake now.
    pub stake: u64,
}

/// Unbonding stake became active again.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalCancelled {
    /// The node.
    pub node: Pubkey,
    /// Base units of the stake mint that returned.
    pub amount: u64,
    /// The node's active stake now.
    pub stake: u64,
}

/// Released stake left the vault.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeWithdrawn {
    /// The node.
    pub node: Pubkey,
    /// Base units of the stake mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// A job was posted and its maximum price escrowed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPosted {
    /// The job.
    pub job: Pubkey,
    /// Who posted it.
    pub client: Pubkey,
    /// The client's number for it.
    pub job_id: u64,
    /// The mint of the price.
    pub payment_mint: Pubkey,
    /// The graph to run.
    pub graph_root: [u8; 32],
    /// Price until the hold ends, in base units of the payment mint.
    pub price_min: u64,
    /// Price at the end of the ramp, in base units of the payment mint.
    pub price_max: u64,
    /// What the claiming node locks, in base units of the stake mint.
    pub bond: u64,
    /// Escrowed for audits, in base units of the payment mint.
    pub audit_pot: u64,
    /// Last slot at which it can be claimed.
    pub last_claim_slot: u64,
}

/// A node claimed a job.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobClaimed {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// The price that the claim fixed, in base units of the payment mint.
    pub price: u64,
    /// What the node locked, in base units of the stake mint.
    pub bond: u64,
    /// Last slot at which it can commit.
    pub last_run_slot: u64,
    /// The share of what the node earns that is its delegators'.
    pub delegators_bps: u16,
}

/// A node committed to a result.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultCommitted {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// Hash over job, node and boundary root.
    pub commitment: [u8; 32],
    /// Root over the boundary tensors.
    pub boundary_root: [u8; 32],
    /// Root of the output tensor.
    pub output_root: [u8; 32],
    /// SHA-256 of the manifest that lists where the result's bytes are.
    pub result_manifest: [u8; 32],
    /// Last slot at which it can be challenged.
    pub last_challenge_slot: u64,
}

/// A result stood and the escrow was shared out.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSettled {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// Owed to the node, in base units of the payment mint.
    pub node_credit: u64,
    /// Owed to the client, in base units of the payment mint.
    pub client_credit: u64,
    /// Owed to the fee vault, in base units of the payment mint.
    pub fee_credit: u64,
    /// Owed to attestations together, in base units of the payment mint.
    pub audit_credit: u64,
    /// Owed to those who delegate to the node, together, in base units of the payment mint.
    pub delegators_credit: u64,
    /// Why it ended so: in time, late, or disputed.
    pub reason: Reason,
    /// How late the result was, as a share of the time that was left.
    pub late_bps: u32,
    /// The node's score before, fading included.
    pub score_before: Score,
    /// And after.
    pub score_after: Score,
}

/// The client took a job back.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCancelled {
    /// The job.
    pub job: Pubkey,
    /// Owed to the client, in base units of the payment mint.
    pub client_credit: u64,
}

/// Nobody claimed a job in time.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobExpired {
    /// The job.
    pub job: Pubkey,
    /// Owed to the client, in base units of the payment mint.
    pub client_credit: u64,
}

/// A node claimed a job and delivered no result in time.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMissed {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// Owed to the client, in base units of the payment mint.
    pub client_credit: u64,
    /// Taken from the node's stake and owed to the client, in base units of the stake mint.
    pub charge: u64,
    /// Taken from the node's stake and to be burned, in base units of the stake mint.
    pub burned: u64,
    /// Whether declared maintenance excuses it.
    pub reason: Reason,
    /// The node's score before, fading included.
    pub score_before: Score,
    /// And after.
    pub score_after: Score,
}

/// Node or client was paid out of a job's vault.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditWithdrawn {
    /// The job.
    pub job: Pubkey,
    /// Who was owed.
    pub payee: Pubkey,
    /// Base units of the payment mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// The client was paid the charge of a miss.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeWithdrawn {
    /// The job.
    pub job: Pubkey,
    /// Who was owed.
    pub payee: Pubkey,
    /// Base units of the stake mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// The fee of a job reached the fee vault.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeSwept {
    /// The job.
    pub job: Pubkey,
    /// The mint.
    pub mint: Pubkey,
    /// Base units of the mint.
    pub amount: u64,
}

/// A job and its vault were removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobClosed {
    /// The job.
    pub job: Pubkey,
    /// Who received all rent.
    pub client: Pubkey,
    /// Base units of the payment mint that nobody was owed and that went to the fee vault.
    pub surplus: u64,
}

/// Somebody challenged a result.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeCommitted {
    /// The job.
    pub job: Pubkey,
    /// The challenge.
    pub challenge: Pubkey,
    /// Who challenges.
    pub challenger: Pubkey,
    /// What it has at stake, in base units of the stake mint.
    pub bond: u64,
    /// Last slot at which it can be revealed.
    pub last_reveal_slot: u64,
}

/// A challenge said what is wrong.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeRevealed {
    /// The job.
    pub job: Pubkey,
    /// The challenge.
    pub challenge: Pubkey,
    /// What is said to be wrong.
    pub target: Target,
    /// The hash that the challenger computed there.
    pub own_hash: [u8; 32],
}

/// A signed segment root was recorded.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRootRecorded {
    /// The job.
    pub job: Pubkey,
    /// Number of the segment.
    pub segment: u16,
    /// The root.
    pub root: [u8; 32],
    /// The account that holds it.
    pub claim: Pubkey,
}

/// Somebody posted a segment root for a silent node.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRootPosted {
    /// The job.
    pub job: Pubkey,
    /// Number of the segment.
    pub segment: u16,
    /// The root.
    pub root: [u8; 32],
    /// The account that holds it.
    pub claim: Pubkey,
    /// Who stands for it.
    pub poster: Pubkey,
    /// What the poster has at stake, in base units of the stake mint.
    pub bond: u64,
}

/// A challenge demanded something and waits for the answer.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningDemanded {
    /// The job.
    pub job: Pubkey,
    /// The challenge that waits.
    pub challenge: Pubkey,
    /// The demand.
    pub demand: Pubkey,
    /// What is demanded.
    pub key: DemandKey,
    /// The posted root whose poster has to answer; the zero key if the node has to.
    pub claim: Pubkey,
}

/// A demand was answered.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningAnswered {
    /// The job.
    pub job: Pubkey,
    /// The demand.
    pub demand: Pubkey,
    /// The buffer that holds the answer.
    pub answer: Pubkey,
    /// What was paid for it.
    pub fee_lamports: u64,
}

/// What a proof did.
#[derive(AnchorSerialize, AnchorDeserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofOutcome {
    /// It convicted the job.
    Convicted,
    /// The job was convicted before; the claim is valid as well.
    ProvedToo,
    /// It refuted a root that somebody else than the node had posted.
    RootRefuted,
}

/// A fault was proved.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultProved {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// The challenge.
    pub challenge: Pubkey,
    /// What the proof did.
    pub outcome: ProofOutcome,
    /// What is wrong.
    pub fault: Fault,
    /// The tensor; of an equivocation the segment.
    pub slot: u16,
    /// The element's row-major index; 0 where the fault is of no element.
    pub element: u32,
    /// What valid challenges will share, in base units of the stake mint.
    pub bounty: u64,
    /// What is to be burned, in base units of the stake mint.
    pub burn_credit: u64,
    /// The node's score before, fading included.
    pub score_before: Score,
    /// And after.
    pub score_after: Score,
}

/// What timing a defender out did.
#[derive(AnchorSerialize, AnchorDeserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOutOutcome {
    /// It convicted the job of withholding.
    Convicted,
    /// It refuted a posted root.
    RootRefuted,
    /// The posted root had been refuted before: the challenge moves again.
    Resumed,
    /// The chain skipped slots: the clock was extended.
    Extended,
}

/// A challenge ended its wait for an answer.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderTimedOut {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// The challenge.
    pub challenge: Pubkey,
    /// The demand.
    pub demand: Pubkey,
    /// What it did.
    pub outcome: TimeOutOutcome,
    /// What valid challenges will share, in base units of the stake mint.
    pub bounty: u64,
    /// What is to be burned, in base units of the stake mint.
    pub burn_credit: u64,
    /// The node's score before, fading included.
    pub score_before: Score,
    /// And after.
    pub score_after: Score,
}

/// A challenge was timed out, withdrawn or resolved; or its time was extended, if its state is not an end.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeEnded {
    /// The job.
    pub job: Pubkey,
    /// The challenge.
    pub challenge: Pubkey,
    /// How it ended.
    pub state: ChallengeState,
}

/// The bounty of a conviction was shared out.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeSettled {
    /// The job.
    pub job: Pubkey,
    /// What was shared, in base units of the stake mint.
    pub bounty: u64,
    /// Challenges that were right.
    pub valid_claims: u16,
    /// What is to be burned, in base units of the stake mint.
    pub burn_credit: u64,
}

/// A challenge was paid out and removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeClosed {
    /// The job.
    pub job: Pubkey,
    /// The challenge.
    pub challenge: Pubkey,
    /// Who was owed, and received the rent.
    pub challenger: Pubkey,
    /// Base units of the stake mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// What was slashed or lost was burned.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashBurned {
    /// The job.
    pub job: Pubkey,
    /// Base units of the stake mint.
    pub amount: u64,
}

/// A demand was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandClosed {
    /// The job.
    pub job: Pubkey,
    /// The demand.
    pub demand: Pubkey,
}

/// A segment root was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentClaimClosed {
    /// The job.
    pub job: Pubkey,
    /// The account that held it.
    pub claim: Pubkey,
    /// Who stood for it.
    pub author: Pubkey,
    /// What was paid back, in base units of the stake mint.
    pub amount: u64,
}
