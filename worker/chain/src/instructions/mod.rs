//! Every instruction of the program as a function, with all addresses derived.
//!
//! Who signs what: the first parameter is the signer unless said otherwise. Amounts are base units.

mod audit;
mod budget;
mod delegation;
mod dispute;
mod governance;
mod scheduling;
mod session;

pub use audit::*;
pub use budget::*;
pub use delegation::*;
pub use dispute::*;
pub use governance::*;
pub use scheduling::*;
pub use session::*;

use anchor_lang::{InstructionData, ToAccountMetas};
use assay::address;
use assay::instruction as data;
use assay::state::Job;
use assay::{
    CancelWithdrawalArgs, CommitResultArgs, CreditRole, InitializeNetworkArgs, PostJobArgs, ProposeAuthorityArgs,
    RegisterNodeArgs, RequestWithdrawalArgs, StakeArgs, UpdateNodeArgs, WithdrawCreditArgs, accounts,
};
use solana_loader_v3_interface::get_program_data_address;
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use spl_associated_token_account_interface::address::{
    get_associated_token_address_and_bump_seed, get_associated_token_address_with_program_id,
};
use spl_token_interface::instruction::TokenInstruction;

/// A mint together with the token program that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMint {
    /// The mint.
    pub address: Pubkey,
    /// SPL Token or Token-2022.
    pub token_program: Pubkey,
}

impl TokenMint {
    /// A mint of the SPL Token program.
    pub fn spl_token(address: Pubkey) -> Self {
        Self { address, token_program: spl_token_interface::ID }
    }

    /// A mint of the Token-2022 program.
    pub fn token_2022(address: Pubkey) -> Self {
        Self { address, token_program: spl_token_2022_interface::ID }
    }

    /// The canonical token account of `owner` for this mint.
    pub fn associated_account(&self, owner: &Pubkey) -> Pubkey {
        get_associated_token_address_with_program_id(owner, &self.address, &self.token_program)
    }

    /// Creates the canonical token account of `owner` unless it exists; `payer` signs and pays.
    pub fn create_associated_account(&self, payer: &Pubkey, owner: &Pubkey) -> Instruction {
        spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent(
            payer,
            owner,
            &self.address,
            &self.token_program,
        )
    }
}

/// Moves tokens out of the signer's associated token account; `decimals` are the mint's.
pub fn transfer_tokens(
    owner: &Pubkey,
    mint: TokenMint,
    decimals: u8,
    destination: &Pubkey,
    amount: u64,
) -> Instruction {
    let accounts = vec![
        AccountMeta::new(mint.associated_account(owner), false),
        AccountMeta::new_readonly(mint.address, false),
        AccountMeta::new(*destination, false),
        AccountMeta::new_readonly(*owner, true),
    ];
    // Both token programs read it alike.
    let data = TokenInstruction::TransferChecked { amount, decimals }.pack();
    Instruction { program_id: mint.token_program, accounts, data }
}

fn build(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id: assay::ID, accounts: accounts.to_account_metas(None), data: data.data() }
}

/// Creates the network; `authority` is the program's upgrade authority and will govern. Only a development network may have short
/// dispute clocks and timelocks.
pub fn initialize_network(authority: &Pubkey, stake_mint: TokenMint, args: InitializeNetworkArgs) -> Instruction {
    build(
        accounts::InitializeNetwork {
            authority: *authority,
            network: address::network(),
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            assay_program: assay::ID,
            program_data: get_program_data_address(&assay::ID),
            token_program: stake_mint.token_program,
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::InitializeNetwork { args },
    )
}

/// Proposes who may accept the authority next; the zero key withdraws a proposal.
pub fn propose_authority(authority: &Pubkey, pending_authority: Pubkey) -> Instruction {
    build(
        accounts::ProposeAuthority {
            authority: *authority,
            network: address::network(),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ProposeAuthority { args: ProposeAuthorityArgs { pending_authority } },
    )
}

/// Accepts the authority that was proposed to the signer.
pub fn accept_authority(pending_authority: &Pubkey) -> Instruction {
    build(
        accounts::AcceptAuthority {
            pending_authority: *pending_authority,
            network: address::network(),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::AcceptAuthority {},
    )
}

/// Registers a node; the cold key signs and pays.
pub fn register_node(withdraw_authority: &Pubkey, index: u16, operator: &Pubkey, endpoint: &str) -> Instruction {
    build(
        accounts::RegisterNode {
            withdraw_authority: *withdraw_authority,
            network: address::network(),
            node: address::node(withdraw_authority, index),
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RegisterNode { args: RegisterNodeArgs { index, operator: *operator, endpoint: endpoint.to_owned() } },
    )
}

/// Changes a node's hot key and endpoint.
pub fn update_node(withdraw_authority: &Pubkey, node: &Pubkey, operator: &Pubkey, endpoint: &str) -> Instruction {
    build(
        accounts::UpdateNode {
            withdraw_authority: *withdraw_authority,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::UpdateNode { args: UpdateNodeArgs { operator: *operator, endpoint: endpoint.to_owned() } },
    )
}

/// Adds stake to a node out of `source`, a token account of the signer.
pub fn stake(funder: &Pubkey, node: &Pubkey, stake_mint: TokenMint, source: &Pubkey, amount: u64) -> Instruction {
    build(
        accounts::Stake {
            funder: *funder,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            source: *source,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::Stake { args: StakeArgs { amount } },
    )
}

/// Begins to withdraw free stake.
pub fn request_withdrawal(withdraw_authority: &Pubkey, node: &Pubkey, amount: u64) -> Instruction {
    build(
        accounts::RequestWithdrawal {
            withdraw_authority: *withdraw_authority,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::RequestWithdrawal { args: RequestWithdrawalArgs { amount } },
    )
}

/// Takes a withdrawal back into the stake; `index` is its place in the node's `unbonding`.
pub fn cancel_withdrawal(withdraw_authority: &Pubkey, node: &Pubkey, index: u8) -> Instruction {
    build(
        accounts::CancelWithdrawal {
            withdraw_authority: *withdraw_authority,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CancelWithdrawal { args: CancelWithdrawalArgs { index } },
    )
}

/// Pays out every released withdrawal to `destination`.
pub fn withdraw_stake(
    withdraw_authority: &Pubkey,
    node: &Pubkey,
    stake_mint: TokenMint,
    destination: &Pubkey,
) -> Instruction {
    build(
        accounts::WithdrawStake {
            withdraw_authority: *withdraw_authority,
            network: address::network(),
            node: *node,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: *destination,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawStake {},
    )
}

/// Removes an empty node; its rent returns to the signer.
pub fn deregister_node(withdraw_authority: &Pubkey, node: &Pubkey) -> Instruction {
    build(
        accounts::DeregisterNode {
            withdraw_authority: *withdraw_authority,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            node: *node,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::DeregisterNode {},
    )
}

/// Posts a job and escrows its maximum price out of `source`, a token account of the client.
pub fn post_job(client: &Pubkey, mint: TokenMint, source: &Pubkey, args: PostJobArgs) -> Instruction {
    let job = address::job(client, args.job_id);
    build(
        accounts::PostJob {
            client: *client,
            network: address::network(),
            stake_register: address::STAKE_REGISTER,
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            client_account: address::client(client),
            job,
            vault: address::vault(&job),
            source: *source,
            token_program: mint.token_program,
            system_program: solana_system_interface::program::ID,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::PostJob { args },
    )
}

/// Claims a posted job for a node.
pub fn claim_job(operator: &Pubkey, node: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::ClaimJob {
            operator: *operator,
            network: address::network(),
            node: *node,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ClaimJob {},
    )
}

/// Commits to the result of a claimed job.
pub fn commit_result(operator: &Pubkey, job: &Pubkey, args: CommitResultArgs) -> Instruction {
    build(
        accounts::CommitResult {
            operator: *operator,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CommitResult { args },
    )
}

/// Settles a job whose window closed; `node` is the one that claimed it. Nobody needs to sign but the fee payer.
pub fn finalise_job(node: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::FinaliseJob {
            network: address::network(),
            node: *node,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::FinaliseJob {},
    )
}

/// Takes an unclaimed job back.
pub fn cancel_job(client: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::CancelJob {
            client: *client,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CancelJob {},
    )
}

/// Ends a job that nobody claimed in time. Nobody needs to sign but the fee payer.
pub fn expire_job(job: &Pubkey) -> Instruction {
    build(
        accounts::ExpireJob { job: *job, event_authority: address::EVENT_AUTHORITY, program: assay::ID },
        data::ExpireJob {},
    )
}

/// Ends a claim whose result did not come in time. Nobody needs to sign but the fee payer.
pub fn expire_claim(node: &Pubkey, job: &Pubkey) -> Instruction {
    build(
        accounts::ExpireClaim {
            network: address::network(),
            node: *node,
            job: *job,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::ExpireClaim {},
    )
}

/// Pays a credit of a job to `destination`: any token account if the payee signs as `authority`, the payee's associated
/// token account if anyone else does.
pub fn withdraw_credit(
    authority: &Pubkey,
    job: &Pubkey,
    mint: TokenMint,
    role: CreditRole,
    destination: &Pubkey,
) -> Instruction {
    build(
        accounts::WithdrawCredit {
            authority: *authority,
            job: *job,
            vault: address::vault(job),
            mint: mint.address,
            destination: *destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawCredit { args: WithdrawCreditArgs { role, associated_bump: None } },
    )
}

/// Pays a credit of a job to the payee's associated token account, which must exist; anyone may sign as `helper`. The bump
/// of that account travels along, so that the program need not search for it.
pub fn help_withdraw_credit(
    helper: &Pubkey,
    job: &Pubkey,
    mint: TokenMint,
    role: CreditRole,
    payee: &Pubkey,
) -> Instruction {
    let program = spl_associated_token_account_interface::program::ID;
    let (destination, bump) =
        get_associated_token_address_and_bump_seed(payee, &mint.address, &program, &mint.token_program);
    build(
        accounts::WithdrawCredit {
            authority: *helper,
            job: *job,
            vault: address::vault(job),
            mint: mint.address,
            destination,
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawCredit { args: WithdrawCreditArgs { role, associated_bump: Some(bump) } },
    )
}

/// Pays the client what a missed claim cost the node; the destination rule is that of [`withdraw_credit`].
pub fn withdraw_charge(authority: &Pubkey, job: &Pubkey, stake_mint: TokenMint, destination: &Pubkey) -> Instruction {
    build(
        accounts::WithdrawCharge {
            authority: *authority,
            network: address::network(),
            job: *job,
            stake_mint: stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: *destination,
            token_program: stake_mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::WithdrawCharge {},
    )
}

/// Moves a job's protocol fee to the fee vault, unless it is in the stake mint: see [`burn_fee`]. Nobody needs to sign but the fee payer.
pub fn sweep_fee(job: &Pubkey, mint: TokenMint) -> Instruction {
    build(
        accounts::SweepFee {
            network: address::network(),
            job: *job,
            vault: address::vault(job),
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            fee_vault: address::fee_vault(&mint.address),
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::SweepFee {},
    )
}

/// Closes a job that owes nothing; its rent returns to the client. Nobody needs to sign but the fee payer.
pub fn close_job(job_address: &Pubkey, job: &Job, mint: TokenMint) -> Instruction {
    build(
        accounts::CloseJob {
            job: *job_address,
            vault: address::vault(job_address),
            client: job.client,
            client_account: address::client(&job.client),
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            fee_vault: address::fee_vault(&mint.address),
            token_program: mint.token_program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        },
        data::CloseJob {},
    )
}
