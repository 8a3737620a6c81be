//! Instructions of governance. Whoever signs is the first parameter unless said otherwise.

use super::{TokenMint, build};
use assay::address;
use assay::instruction as data;
use assay::state::{Change, Proposal};
use assay::{PauseNewWorkArgs, ProposeChangeArgs, accounts};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

/// Proposes a change; `number` is what the network counts next (its `proposals`).
pub fn propose_change(authority: &Pubkey, number: u64, change: Change) -> Instruction {
    build(
        accounts::ProposeChange {
            authority: *authority,
            network: address::network(),
            proposal: address::proposal(number),
            mint: change.new_mint(),
            payment_mint: change.recorded_mint().map(|mint| address::payment_mint(&mint)),
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ProposeChange { args: ProposeChangeArgs { change } },
    )
}

/// Carries a proposed change out; `payer` signs, and pays where the change allows a mint. `mint` is the one that the change is
/// about, and `None` where it is about none: [`Chain::mint_of`](crate::Chain::mint_of) finds it.
///
/// Nothing where the change is about a mint and none is given.
pub fn execute_proposal(
    payer: &Pubkey,
    number: u64,
    proposer: &Pubkey,
    change: Change,
    mint: Option<TokenMint>,
) -> Option<Instruction> {
    let (network, proposal, proposer) = (address::network(), address::proposal(number), *proposer);
    let (event_authority, program) = (address::EVENT_AUTHORITY, assay::ID);
    Some(match (change, mint) {
        (Change::AllowPaymentMint { .. }, Some(mint)) => build(
            accounts::ExecuteMintAllowance {
                payer: *payer,
                network,
                proposal,
                proposer,
                mint: mint.address,
                payment_mint: address::payment_mint(&mint.address),
                fee_vault: address::fee_vault(&mint.address),
                token_program: mint.token_program,
                system_program: solana_system_interface::program::ID,
                event_authority,
                program,
            },
            data::ExecuteMintAllowance {},
        ),
        (Change::SetPaymentMint { mint, .. }, _) => {
            let payment_mint = address::payment_mint(&mint);
            build(
                accounts::ExecuteMintChange { network, proposal, proposer, payment_mint, event_authority, program },
                data::ExecuteMintChange {},
            )
        }
        (Change::WithdrawFees { destination, .. }, Some(mint)) => build(
            accounts::ExecuteFeeWithdrawal {
                network,
                proposal,
                proposer,
                payment_mint: address::payment_mint(&mint.address),
                mint: mint.address,
                fee_vault: address::fee_vault(&mint.address),
                destination,
                token_program: mint.token_program,
                event_authority,
                program,
            },
            data::ExecuteFeeWithdrawal {},
        ),
        (Change::AllowPaymentMint { .. } | Change::WithdrawFees { .. }, None) => return None,
        (Change::Parameters { .. } | Change::Guardian { .. } | Change::Timelock { .. } | Change::FeeBurn { .. }, _) => {
            build(
                accounts::ExecuteNetworkChange { network, proposal, proposer, event_authority, program },
                data::ExecuteNetworkChange {},
            )
        }
    })
}

/// Vetoes a proposal.
pub fn veto_proposal(guardian: &Pubkey, proposal: &Proposal) -> Instruction {
    build(
        accounts::VetoProposal {
            guardian: *guardian,
            network: address::network(),
            proposal: address::proposal(proposal.number),
            proposer: proposal.proposer,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::VetoProposal {},
    )
}

/// Withdraws a proposal.
pub fn withdraw_proposal(authority: &Pubkey, proposal: &Proposal) -> Instruction {
    build(
        accounts::WithdrawProposal {
            authority: *authority,
            network: address::network(),
            proposal: address::proposal(proposal.number),
            proposer: proposal.proposer,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawProposal {},
    )
}

/// Removes a proposal that nobody carried out in time. Nobody needs to sign but the fee payer.
pub fn close_proposal(proposal: &Proposal) -> Instruction {
    build(
        accounts::CloseProposal {
            proposal: address::proposal(proposal.number),
            proposer: proposal.proposer,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseProposal {},
    )
}

/// Pauses new jobs and claims.
pub fn pause_new_work(guardian: &Pubkey, slots: u64) -> Instruction {
    build(
        accounts::PauseNewWork {
            guardian: *guardian,
            network: address::network(),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::PauseNewWork { args: PauseNewWorkArgs { slots } },
    )
}

/// Brings the network to the layout of this program.
pub fn migrate_network(payer: &Pubkey) -> Instruction {
    build(
        accounts::MigrateNetwork {
            payer: *payer,
            network: address::network(),
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::MigrateNetwork {},
    )
}

/// Brings a job to the layout of this program.
pub fn migrate_job(payer: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::MigrateJob {
            payer: *payer,
            job: *job,
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::MigrateJob {},
    )
}

/// Brings a node to the layout of this program.
pub fn migrate_node(payer: &Pubkey, node: &Pubkey) -> Instruction {
    build(
        accounts::MigrateNode {
            payer: *payer,
            network: address::network(),
            node: *node,
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::MigrateNode {},
    )
}

/// Creates the reward pool.
pub fn create_reward_pool(payer: &Pubkey, stake_mint: TokenMint) -> Instruction {
    build(
        accounts::CreateRewardPool {
            payer: *payer,
            network: address::network(),
            reward_pool: address::reward_pool(),
            stake_mint: stake_mint.address,
            reward_vault: address::reward_vault(),
            token_program: stake_mint.token_program,
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CreateRewardPool {},
    )
}

/// Takes the fee out of a job that was paid in the stake mint. Nobody needs to sign but the fee payer.
pub fn burn_fee(job: &Pubkey, stake_mint: TokenMint) -> Instruction {
    build(
        accounts::BurnFee {
            network: address::network(),
            reward_pool: address::reward_pool(),
            reward_vault: address::reward_vault(),
            job: *job,
            vault: address::vault(job),
            payment_mint: address::payment_mint(&stake_mint.address),
            mint: stake_mint.address,
            fee_vault: address::fee_vault(&stake_mint.address),
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::BurnFee {},
    )
}
