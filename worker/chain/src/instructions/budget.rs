//! The instructions of budgets: an owner's vault out of which an agent posts jobs within limits.

use super::{TokenMint, build};
use assay::address;
use assay::budget::BudgetLimits;
use assay::instruction as data;
use assay::{CreateBudgetArgs, PostJobArgs, SetBudgetArgs, WithdrawBudgetArgs, accounts};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

const SYSTEM: Pubkey = solana_system_interface::program::ID;

/// Creates a budget of the signer, empty: send tokens to the associated account of its address, lamports to the address.
///
/// The zero key as `agent` lets nobody but the owner post.
pub fn create_budget(
    owner: &Pubkey,
    index: u16,
    payment_mint: &Pubkey,
    agent: &Pubkey,
    limits: BudgetLimits,
) -> Instruction {
    let budget = address::budget(owner, index);
    build(
        accounts::CreateBudget {
            owner: *owner,
            payment_mint: address::payment_mint(payment_mint),
            budget,
            client_account: address::client(&budget),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CreateBudget { args: CreateBudgetArgs { index, agent: *agent, limits } },
    )
}

/// Changes agent or limits; what is not given stays.
pub fn set_budget(owner: &Pubkey, budget: &Pubkey, args: SetBudgetArgs) -> Instruction {
    build(
        accounts::SetBudget {
            owner: *owner,
            budget: *budget,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::SetBudget { args },
    )
}

/// Takes the agent's power away; the limits stay.
pub fn revoke_budget(owner: &Pubkey, budget: &Pubkey) -> Instruction {
    set_budget(owner, budget, SetBudgetArgs { agent: Some(Pubkey::default()), limits: None })
}

/// Takes tokens of a mint out of the budget's associated token account to `destination`, and lamports to the signer.
pub fn withdraw_budget(
    owner: &Pubkey,
    budget: &Pubkey,
    mint: TokenMint,
    destination: &Pubkey,
    args: WithdrawBudgetArgs,
) -> Instruction {
    build(
        accounts::WithdrawBudget {
            owner: *owner,
            budget: *budget,
            mint: mint.address,
            source: mint.associated_account(budget),
            destination: *destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawBudget { args },
    )
}

/// Removes a budget without open jobs, and its associated token account; what that holds goes to `destination`, all lamports to
/// the signer.
pub fn close_budget(owner: &Pubkey, budget: &Pubkey, mint: TokenMint, destination: &Pubkey) -> Instruction {
    build(
        accounts::CloseBudget {
            owner: *owner,
            budget: *budget,
            client_account: address::client(budget),
            payment_mint: mint.address,
            vault: mint.associated_account(budget),
            destination: *destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseBudget {},
    )
}

/// Posts a job out of a budget; the signer is its agent or its owner.
pub fn post_budget_job(authority: &Pubkey, budget: &Pubkey, mint: TokenMint, args: PostJobArgs) -> Instruction {
    let job = address::job(budget, args.job_id);
    build(
        accounts::PostBudgetJob {
            authority: *authority,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            budget: *budget,
            client_account: address::client(budget),
            job,
            vault: address::vault(&job),
            source: mint.associated_account(budget),
            token_program: mint.token_program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::PostBudgetJob { args },
    )
}

/// Takes an unclaimed job of a budget back; the signer is its agent or its owner.
pub fn cancel_budget_job(authority: &Pubkey, budget: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::CancelBudgetJob {
            authority: *authority,
            budget: *budget,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CancelBudgetJob {},
    )
}

/// Accepts a result of a budget's job early; the signer is its agent or its owner.
pub fn accept_budget_result(authority: &Pubkey, budget: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::AcceptBudgetResult {
            authority: *authority,
            budget: *budget,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AcceptBudgetResult {},
    )
}
