//! The instructions of delegated stake. All of a delegator's need its own signature alone.

use super::{TokenMint, build};
use assay::instruction as data;
use assay::{DelegateArgs, OpenDelegationPoolArgs, SetCommissionArgs, UndelegateArgs, accounts, address};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

const SYSTEM: Pubkey = solana_system_interface::program::ID;

/// Lets others delegate to a node; its withdraw authority signs and pays.
pub fn open_delegation_pool(withdraw_authority: &Pubkey, node: &Pubkey, commission_bps: u16) -> Instruction {
    build(
        accounts::OpenDelegationPool {
            withdraw_authority: *withdraw_authority,
            node: *node,
            pool: address::delegation_pool(node),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::OpenDelegationPool { args: OpenDelegationPoolArgs { commission_bps } },
    )
}

/// Decides what a node keeps of its delegators' share of fees; a raise waits for the network's unbonding time.
pub fn set_commission(withdraw_authority: &Pubkey, node: &Pubkey, commission_bps: u16) -> Instruction {
    build(
        accounts::SetCommission {
            withdraw_authority: *withdraw_authority,
            network: address::network(),
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::SetCommission { args: SetCommissionArgs { commission_bps } },
    )
}

/// Lets the pool of a node share rewards in one more mint; its withdraw authority signs and pays, or anyone if `job` is one of the
/// node that owes something to delegators in this mint.
pub fn add_reward_mint(payer: &Pubkey, node: &Pubkey, mint: TokenMint, job: Option<&Pubkey>) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::AddRewardMint {
            payer: *payer,
            node: *node,
            pool,
            job: job.copied(),
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            reward_vault: address::delegation_rewards(&pool, &mint.address),
            token_program: mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AddRewardMint {},
    )
}

/// Ends the sharing of rewards in a mint while nobody delegates; what rounding left goes to `destination`.
pub fn remove_reward_mint(
    withdraw_authority: &Pubkey,
    node: &Pubkey,
    mint: TokenMint,
    destination: &Pubkey,
) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::RemoveRewardMint {
            withdraw_authority: *withdraw_authority,
            node: *node,
            pool,
            mint: mint.address,
            reward_vault: address::delegation_rewards(&pool, &mint.address),
            destination: *destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RemoveRewardMint {},
    )
}

/// Delegates `amount` base units of the stake mint out of the signer's `source` to a node.
pub fn delegate(owner: &Pubkey, node: &Pubkey, stake_mint: TokenMint, source: &Pubkey, amount: u64) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::Delegate {
            owner: *owner,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            pool,
            delegation: address::delegation(&pool, owner),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            source: *source,
            token_program: stake_mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::Delegate { args: DelegateArgs { amount } },
    )
}

/// Starts to unbond shares of what the signer delegates to a node.
pub fn undelegate(owner: &Pubkey, node: &Pubkey, shares: u64) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::Undelegate {
            owner: *owner,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            pool,
            delegation: address::delegation(&pool, owner),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::Undelegate { args: UndelegateArgs { shares } },
    )
}

/// Pays out all that has unbonded of what the signer delegates to a node.
pub fn withdraw_delegation(owner: &Pubkey, node: &Pubkey, stake_mint: TokenMint, destination: &Pubkey) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::WithdrawDelegation {
            authority: *owner,
            network: address::network(),
            node: *node,
            pool,
            delegation: address::delegation(&pool, owner),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: *destination,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawDelegation {},
    )
}

/// Lets a slash of a node reach its pool; nobody has to sign.
pub fn settle_delegation_slash(node: &Pubkey, stake_mint: TokenMint) -> Instruction {
    build(
        accounts::SettleDelegationSlash {
            network: address::network(),
            node: *node,
            pool: address::delegation_pool(node),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::SettleDelegationSlash {},
    )
}

/// Moves the delegators' share of a job of `node` into its pool, which shares rewards in `mint` if `shared` says so; nobody has to
/// sign.
pub fn collect_delegation_reward(job: &Pubkey, node: &Pubkey, mint: TokenMint, shared: bool) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::CollectDelegationReward {
            job: *job,
            vault: address::vault(job),
            pool,
            reward_vault: shared.then(|| address::delegation_rewards(&pool, &mint.address)),
            mint: mint.address,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CollectDelegationReward {},
    )
}

/// Pays out all that the signer has earned in a mint by what it delegates to a node.
pub fn withdraw_delegation_reward(owner: &Pubkey, node: &Pubkey, mint: TokenMint, destination: &Pubkey) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::WithdrawDelegationReward {
            authority: *owner,
            pool,
            delegation: address::delegation(&pool, owner),
            mint: mint.address,
            reward_vault: address::delegation_rewards(&pool, &mint.address),
            destination: *destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawDelegationReward {},
    )
}

/// Removes what `owner` delegates to a node when nothing is left of it; nobody has to sign.
pub fn close_delegation(owner: &Pubkey, node: &Pubkey) -> Instruction {
    let pool = address::delegation_pool(node);
    build(
        accounts::CloseDelegation {
            owner: *owner,
            pool,
            delegation: address::delegation(&pool, owner),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseDelegation {},
    )
}

/// Ends delegation to a node when nobody delegates and no reward mint is left.
pub fn close_delegation_pool(withdraw_authority: &Pubkey, node: &Pubkey) -> Instruction {
    build(
        accounts::CloseDelegationPool {
            withdraw_authority: *withdraw_authority,
            node: *node,
            pool: address::delegation_pool(node),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseDelegationPool {},
    )
}
