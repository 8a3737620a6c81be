//! Seeds of every address that the program derives, and the addresses themselves for clients.
//!
//! On-chain, stored bumps are used; deriving is for those who build instructions.

use anchor_lang::{derive_program_address, prelude::Pubkey};

/// Seed of the one [`Network`](crate::state::Network).
pub const NETWORK_SEED: &[u8] = b"network";
/// Seed of the token account that holds all stake.
pub const STAKE_VAULT_SEED: &[u8] = b"stake_vault";
/// First seed of a [`PaymentMint`](crate::state::PaymentMint); the mint follows.
pub const PAYMENT_MINT_SEED: &[u8] = b"payment_mint";
/// First seed of the token account that holds the fees of a mint; the mint follows.
pub const FEE_VAULT_SEED: &[u8] = b"fee_vault";
/// First seed of a [`Client`](crate::state::Client); the client's key follows.
pub const CLIENT_SEED: &[u8] = b"client";
/// First seed of a [`Node`](crate::state::Node); the withdraw authority and the index (u16 LE) follow.
pub const NODE_SEED: &[u8] = b"node";
/// First seed of a [`Job`](crate::state::Job); the client's key and the job id (u64 LE) follow.
pub const JOB_SEED: &[u8] = b"job";
/// First seed of the token account that holds the escrow of a job or a session; the job or the session follows.
pub const VAULT_SEED: &[u8] = b"vault";
/// First seed of a [`Challenge`](crate::state::Challenge); job and challenger follow.
pub const CHALLENGE_SEED: &[u8] = b"challenge";
/// First seed of a [`Buffer`](crate::state::Buffer); its owner and number (u64 LE) follow.
pub const BUFFER_SEED: &[u8] = b"buffer";
/// First seed of a [`SegmentClaim`](crate::state::SegmentClaim); job, segment (u16 LE) and author follow: the job's operator
/// for a signed root, the poster for an unsigned one.
pub const SEGMENT_CLAIM_SEED: &[u8] = b"segment_claim";
/// First seed of a [`Demand`](crate::state::Demand); the job and the parts of its [`DemandKey`](crate::state::DemandKey)
/// follow.
pub const DEMAND_SEED: &[u8] = b"demand";
/// First seed of a [`Validator`](crate::state::Validator); its authority follows.
pub const VALIDATOR_SEED: &[u8] = b"validator";
/// First seed of an [`Attestation`](crate::state::Attestation); the job and the validator follow.
pub const ATTESTATION_SEED: &[u8] = b"attestation";
/// First seed of a [`Session`](crate::state::Session); the client's key and the session id (u64 LE) follow.
pub const SESSION_SEED: &[u8] = b"session";
/// First seed of a [`Job`](crate::state::Job) that is a receipt called in; the session and the receipt's
/// [`hash`](crate::session::Receipt::hash) follow.
pub const RECEIPT_SEED: &[u8] = b"receipt";
/// First seed of a [`Budget`](crate::state::Budget); its owner and the index (u16 LE) follow.
pub const BUDGET_SEED: &[u8] = b"budget";
/// First seed of a [`Proposal`](crate::state::Proposal); its number (u64 LE) follows.
pub const PROPOSAL_SEED: &[u8] = b"proposal";
/// Seed of the one [`RewardPool`](crate::state::RewardPool).
pub const REWARD_POOL_SEED: &[u8] = b"reward_pool";
/// Seed of the token account that holds the reward pool.
pub const REWARD_VAULT_SEED: &[u8] = b"reward_vault";
/// First seed of a [`DelegationPool`](crate::state::DelegationPool); the node follows.
pub const DELEGATION_POOL_SEED: &[u8] = b"delegations";
/// First seed of a [`Delegation`](crate::state::Delegation); the pool and the owner follow.
pub const DELEGATION_SEED: &[u8] = b"delegation";
/// First seed of the token account that holds a pool's rewards in a mint; the pool and the mint follow.
pub const DELEGATION_REWARDS_SEED: &[u8] = b"rewards";

/// Seed of the one [`StakeRegister`](crate::state::StakeRegister).
pub const STAKE_REGISTER_SEED: &[u8] = b"stake_register";

/// Address of the network.
pub const NETWORK: Pubkey =
    Pubkey::new_from_array(derive_program_address(&[NETWORK_SEED], &crate::ID_CONST.to_bytes()).0);

/// Address of the register of stake.
pub const STAKE_REGISTER: Pubkey =
    Pubkey::new_from_array(derive_program_address(&[STAKE_REGISTER_SEED], &crate::ID_CONST.to_bytes()).0);

/// Address of the network.
pub fn network() -> Pubkey {
    NETWORK
}

/// Address of the stake vault.
pub fn stake_vault() -> Pubkey {
    derive(&[STAKE_VAULT_SEED])
}

/// Address of the record of a payment mint.
pub fn payment_mint(mint: &Pubkey) -> Pubkey {
    derive(&[PAYMENT_MINT_SEED, mint.as_ref()])
}

/// Address of the fee vault of a payment mint.
pub fn fee_vault(mint: &Pubkey) -> Pubkey {
    derive(&[FEE_VAULT_SEED, mint.as_ref()])
}

/// Address of the account that counts a client's jobs.
pub fn client(client: &Pubkey) -> Pubkey {
    derive(&[CLIENT_SEED, client.as_ref()])
}

/// Address of a node.
pub fn node(withdraw_authority: &Pubkey, index: u16) -> Pubkey {
    derive(&[NODE_SEED, withdraw_authority.as_ref(), &index.to_le_bytes()])
}

/// Address of a job.
pub fn job(client: &Pubkey, job_id: u64) -> Pubkey {
    derive(&[JOB_SEED, client.as_ref(), &job_id.to_le_bytes()])
}

/// Address of the vault of a job or a session.
pub fn vault(owner: &Pubkey) -> Pubkey {
    derive(&[VAULT_SEED, owner.as_ref()])
}

/// Address of a challenge.
pub fn challenge(job: &Pubkey, challenger: &Pubkey) -> Pubkey {
    derive(&[CHALLENGE_SEED, job.as_ref(), challenger.as_ref()])
}

/// Address of a buffer.
pub fn buffer(owner: &Pubkey, id: u64) -> Pubkey {
    derive(&[BUFFER_SEED, owner.as_ref(), &id.to_le_bytes()])
}

/// Address of a segment root; `author` is the job's operator for a signed one, else the poster.
pub fn segment_claim(job: &Pubkey, segment: u16, author: &Pubkey) -> Pubkey {
    derive(&[SEGMENT_CLAIM_SEED, job.as_ref(), &segment.to_le_bytes(), author.as_ref()])
}

/// Address of a demand.
pub fn demand(job: &Pubkey, key: &crate::state::DemandKey) -> Pubkey {
    let (slot, index) = (key.slot.to_le_bytes(), key.index.to_le_bytes());
    derive(&[DEMAND_SEED, job.as_ref(), &key.origin, &[key.tree as u8], &slot, &[key.height], &index])
}

/// Address of the validator of a key.
pub fn validator(authority: &Pubkey) -> Pubkey {
    derive(&[VALIDATOR_SEED, authority.as_ref()])
}

/// Address of the attestation of a job by a validator.
pub fn attestation(job: &Pubkey, validator: &Pubkey) -> Pubkey {
    derive(&[ATTESTATION_SEED, job.as_ref(), validator.as_ref()])
}

/// Address of a session.
pub fn session(client: &Pubkey, session_id: u64) -> Pubkey {
    derive(&[SESSION_SEED, client.as_ref(), &session_id.to_le_bytes()])
}

/// Address of the job that a receipt becomes when it is called in; `hash` is that of its message.
pub fn receipt(session: &Pubkey, hash: &[u8; 32]) -> Pubkey {
    derive(&[RECEIPT_SEED, session.as_ref(), hash])
}

/// Address of a budget.
pub fn budget(owner: &Pubkey, index: u16) -> Pubkey {
    derive(&[BUDGET_SEED, owner.as_ref(), &index.to_le_bytes()])
}

/// Address of a proposal.
pub fn proposal(number: u64) -> Pubkey {
    derive(&[PROPOSAL_SEED, &number.to_le_bytes()])
}

/// Address of the reward pool.
pub fn reward_pool() -> Pubkey {
    derive(&[REWARD_POOL_SEED])
}

/// Address of the token account that holds the reward pool.
pub fn reward_vault() -> Pubkey {
    derive(&[REWARD_VAULT_SEED])
}

/// Address of the pool of what is delegated to a node.
pub fn delegation_pool(node: &Pubkey) -> Pubkey {
    derive(&[DELEGATION_POOL_SEED, node.as_ref()])
}

/// Address of what an owner delegates to the node of a pool.
pub fn delegation(pool: &Pubkey, owner: &Pubkey) -> Pubkey {
    derive(&[DELEGATION_SEED, pool.as_ref(), owner.as_ref()])
}

/// Address of the token account that holds a pool's rewards in a mint.
pub fn delegation_rewards(pool: &Pubkey, mint: &Pubkey) -> Pubkey {
    derive(&[DELEGATION_REWARDS_SEED, pool.as_ref(), mint.as_ref()])
}

/// Address that signs the program's own events, an account of every instruction that emits one.
pub const EVENT_AUTHORITY: Pubkey = crate::EVENT_AUTHORITY_AND_BUMP.0;

fn derive(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &crate::ID).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_network_are_the_derived_ones() {
        assert_eq!(NETWORK, derive(&[NETWORK_SEED]));
        assert_eq!(STAKE_REGISTER, derive(&[STAKE_REGISTER_SEED]));
    }
}
