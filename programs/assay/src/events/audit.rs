//! Events of validators, audits and delivery.

use anchor_lang::prelude::*;

/// A validator registered.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorRegistered {
    /// The validator.
    pub validator: Pubkey,
    /// Its cold key.
    pub authority: Pubkey,
    /// Its hot key.
    pub auditor: Pubkey,
}

/// A validator changed its hot key.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorUpdated {
    /// The validator.
    pub validator: Pubkey,
    /// Its hot key from now on.
    pub auditor: Pubkey,
}

/// A validator was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorDeregistered {
    /// The validator.
    pub validator: Pubkey,
    /// Who received the rent.
    pub authority: Pubkey,
}

/// Stake was added to a validator.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorStaked {
    /// The validator.
    pub validator: Pubkey,
    /// Base units of the stake mint that were added.
    pub amount: u64,
    /// The validator's active stake now.
    pub stake: u64,
    /// That of all validators now.
    pub validator_stake: u64,
}

/// Stake of a validator began to unbond.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorWithdrawalRequested {
    /// The validator.
    pub validator: Pubkey,
    /// Base units of the stake mint that unbond.
    pub amount: u64,
    /// First slot at which they can be withdrawn.
    pub release_slot: u64,
    /// The validator's active stake now.
    pub stake: u64,
    /// That of all validators now.
    pub validator_stake: u64,
}

/// Released stake of a validator left the vault.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorStakeWithdrawn {
    /// The validator.
    pub validator: Pubkey,
    /// Base units of the stake mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// A validator committed to a chain of seeds.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCommitted {
    /// The validator.
    pub validator: Pubkey,
    /// The end of the chain.
    pub end: [u8; 32],
    /// The first epoch for whose jobs it counts.
    pub first_epoch: u64,
    /// Length of the epochs by which it counts.
    pub epoch_slots: u32,
}

/// A validator showed a seed without attesting.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedRevealed {
    /// The validator.
    pub validator: Pubkey,
    /// The epoch of the seed.
    pub epoch: u64,
    /// The seed.
    pub seed: [u8; 32],
}

/// A drawn validator attested a result.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The job.
    pub job: Pubkey,
    /// The validator.
    pub validator: Pubkey,
    /// What it attested.
    pub commitment: [u8; 32],
    /// The seed by which it was drawn.
    pub seed: [u8; 32],
    /// What it locked, in base units of the stake mint.
    pub bond: u64,
    /// Attestations of the job so far.
    pub attestations: u16,
}

/// What an attestation had at risk was freed or taken.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationSettled {
    /// The job.
    pub job: Pubkey,
    /// The validator.
    pub validator: Pubkey,
    /// Whether the result stood.
    pub upheld: bool,
    /// The bond, freed or taken, in base units of the stake mint.
    pub bond: u64,
    /// Owed to the validator, in base units of the payment mint.
    pub fee: u64,
}

/// The fee of an attestation was paid.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationCollected {
    /// The job.
    pub job: Pubkey,
    /// The validator.
    pub validator: Pubkey,
    /// Who was owed.
    pub payee: Pubkey,
    /// Base units of the payment mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// The client accepted a result before its window closed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultAccepted {
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
    /// Owed to those who delegate to the node, together, in base units of the payment mint.
    pub delegators_credit: u64,
}

/// Somebody filed that the output of a job is not to be had.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnavailableFiled {
    /// The job.
    pub job: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// Who filed.
    pub challenger: Pubkey,
    /// What it locked, in base units of the stake mint.
    pub bond: u64,
}
