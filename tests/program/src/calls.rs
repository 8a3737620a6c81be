//! The accounts of every instruction, as a well-behaved caller passes them.

use crate::tokens::{associated, associated_with_bump};
use crate::world::{Job, Node, World, program_data};
use anchor_lang::{InstructionData, ToAccountMetas};
use assay::address;
use assay::governance::timelock_limits;
use assay::instructions::{
    CancelWithdrawalArgs, CommitResultArgs, CreditRole, InitializeNetworkArgs, PostJobArgs, ProposeAuthorityArgs,
    RegisterNodeArgs, RequestWithdrawalArgs, StakeArgs, UpdateNodeArgs, WithdrawCreditArgs,
};
use assay::state::Parameters;
use assay::{accounts, instruction};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// Genesis hash of the cluster that the tests run on.
pub const GENESIS_HASH: [u8; 32] = [0x6e; 32];

/// The system program.
pub const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);

/// An instruction whose accounts still have their names.
#[derive(Clone, Debug)]
pub struct Call<A> {
    /// The accounts.
    pub accounts: A,
    /// Discriminator and arguments.
    pub data: Vec<u8>,
}

impl<A: ToAccountMetas> Call<A> {
    pub(crate) fn new(accounts: A, arguments: impl InstructionData) -> Self {
        Self { accounts, data: arguments.data() }
    }

    /// As the chain takes it.
    pub fn instruction(&self) -> Instruction {
        Instruction { program_id: assay::ID, accounts: self.accounts.to_account_metas(None), data: self.data.clone() }
    }
}

impl<A: Copy> Call<A> {
    /// The call with some accounts changed.
    pub fn with(&self, change: impl FnOnce(&mut A)) -> Self {
        let mut accounts = self.accounts;
        change(&mut accounts);
        Self { accounts, data: self.data.clone() }
    }
}

impl World {
    /// By the upgrade authority.
    pub fn initialize_network(&self, parameters: Parameters) -> Call<accounts::InitializeNetwork> {
        self.initialize_network_as(parameters, true)
    }

    /// By the upgrade authority, as a network of development or not.
    pub fn initialize_network_as(
        &self,
        parameters: Parameters,
        development: bool,
    ) -> Call<accounts::InitializeNetwork> {
        let accounts = accounts::InitializeNetwork {
            authority: self.authority,
            network: address::NETWORK,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            assay_program: assay::ID,
            program_data: program_data(),
            token_program: self.stake_mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = InitializeNetworkArgs {
            parameters,
            genesis_hash: GENESIS_HASH,
            development,
            guardian: Pubkey::default(),
            timelock_slots: if development { 0 } else { *timelock_limits::TIMELOCK_SLOTS.start() },
            fee_burn_bps: 0,
        };
        Call::new(accounts, instruction::InitializeNetwork { args })
    }

    /// By the authority.
    pub fn propose_authority(&self, pending_authority: Pubkey) -> Call<accounts::ProposeAuthority> {
        let accounts = accounts::ProposeAuthority {
            authority: self.authority,
            network: address::NETWORK,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ProposeAuthority { args: ProposeAuthorityArgs { pending_authority } })
    }

    /// By the proposed authority.
    pub fn accept_authority(&self, pending_authority: Pubkey) -> Call<accounts::AcceptAuthority> {
        let accounts = accounts::AcceptAuthority {
            pending_authority,
            network: address::NETWORK,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::AcceptAuthority {})
    }

    /// By the owner.
    pub fn register_node(&self, node: &Node, index: u16, endpoint: &str) -> Call<accounts::RegisterNode> {
        let accounts = accounts::RegisterNode {
            withdraw_authority: node.owner,
            network: address::NETWORK,
            node: node.address,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = RegisterNodeArgs { index, operator: node.operator, endpoint: endpoint.into() };
        Call::new(accounts, instruction::RegisterNode { args })
    }

    /// By the owner.
    pub fn update_node(&self, node: &Node, operator: Pubkey, endpoint: &str) -> Call<accounts::UpdateNode> {
        let accounts = accounts::UpdateNode {
            withdraw_authority: node.owner,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::UpdateNode { args: UpdateNodeArgs { operator, endpoint: endpoint.into() } })
    }

    /// From the funder's associated token account.
    pub fn stake(&self, node: &Node, funder: Pubkey, amount: u64) -> Call<accounts::Stake> {
        let accounts = accounts::Stake {
            funder,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            source: associated(funder, &self.stake_mint),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::Stake { args: StakeArgs { amount } })
    }

    /// By the owner.
    pub fn request_withdrawal(&self, node: &Node, amount: u64) -> Call<accounts::RequestWithdrawal> {
        let accounts = accounts::RequestWithdrawal {
            withdraw_authority: node.owner,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::RequestWithdrawal { args: RequestWithdrawalArgs { amount } })
    }

    /// By the owner.
    pub fn cancel_withdrawal(&self, node: &Node, index: u8) -> Call<accounts::CancelWithdrawal> {
        let accounts = accounts::CancelWithdrawal {
            withdraw_authority: node.owner,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CancelWithdrawal { args: CancelWithdrawalArgs { index } })
    }

    /// By the owner, to its associated token account.
    pub fn withdraw_stake(&self, node: &Node) -> Call<accounts::WithdrawStake> {
        let accounts = accounts::WithdrawStake {
            withdraw_authority: node.owner,
            network: address::NETWORK,
            node: node.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: associated(node.owner, &self.stake_mint),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawStake {})
    }

    /// By the owner.
    pub fn deregister_node(&self, node: &Node) -> Call<accounts::DeregisterNode> {
        let accounts = accounts::DeregisterNode {
            withdraw_authority: node.owner,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::DeregisterNode {})
    }

    /// By the client, from its associated token account.
    pub fn post_job(&self, job: &Job, args: PostJobArgs) -> Call<accounts::PostJob> {
        let accounts = accounts::PostJob {
            client: job.client,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            payment_mint: address::payment_mint(&job.mint.address),
            mint: job.mint.address,
            client_account: address::client(&job.client),
            job: job.address,
            vault: job.vault,
            source: associated(job.client, &job.mint),
            token_program: job.mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::PostJob { args })
    }

    /// By the operator.
    pub fn claim_job(&self, node: &Node, job: &Job) -> Call<accounts::ClaimJob> {
        let accounts = accounts::ClaimJob {
            operator: node.operator,
            network: address::NETWORK,
            node: node.address,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ClaimJob {})
    }

    /// By the operator.
    pub fn commit_result(&self, node: &Node, job: &Job, args: CommitResultArgs) -> Call<accounts::CommitResult> {
        let accounts = accounts::CommitResult {
            operator: node.operator,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CommitResult { args })
    }

    /// By nobody in particular.
    pub fn finalise_job(&self, node: &Node, job: &Job) -> Call<accounts::FinaliseJob> {
        let accounts = accounts::FinaliseJob {
            network: address::NETWORK,
            node: node.address,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::FinaliseJob {})
    }

    /// By the client.
    pub fn cancel_job(&self, job: &Job) -> Call<accounts::CancelJob> {
        let accounts = accounts::CancelJob {
            client: job.client,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CancelJob {})
    }

    /// By nobody in particular.
    pub fn expire_job(&self, job: &Job) -> Call<accounts::ExpireJob> {
        let accounts =
            accounts::ExpireJob { job: job.address, event_authority: address::EVENT_AUTHORITY, program: assay::ID };
        Call::new(accounts, instruction::ExpireJob {})
    }

    /// By nobody in particular.
    pub fn expire_claim(&self, node: &Node, job: &Job) -> Call<accounts::ExpireClaim> {
        let accounts = accounts::ExpireClaim {
            network: address::NETWORK,
            node: node.address,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ExpireClaim {})
    }

    /// By anyone, to the payee's associated token account, whose bump is given.
    pub fn withdraw_credit(&self, caller: Pubkey, job: &Job, role: CreditRole) -> Call<accounts::WithdrawCredit> {
        let payee = match role {
            CreditRole::Node => self.read_job(job).payee,
            CreditRole::Client => job.client,
        };
        let (destination, bump) = associated_with_bump(payee, &job.mint);
        self.withdraw_credit_with(caller, job, role, destination, Some(bump))
    }

    /// By anyone, to any token account; the program searches for the canonical one.
    pub fn withdraw_credit_to(
        &self,
        caller: Pubkey,
        job: &Job,
        role: CreditRole,
        destination: Pubkey,
    ) -> Call<accounts::WithdrawCredit> {
        self.withdraw_credit_with(caller, job, role, destination, None)
    }

    /// By anyone, to any token account, with any bump.
    pub fn withdraw_credit_with(
        &self,
        caller: Pubkey,
        job: &Job,
        role: CreditRole,
        destination: Pubkey,
        associated_bump: Option<u8>,
    ) -> Call<accounts::WithdrawCredit> {
        let accounts = accounts::WithdrawCredit {
            authority: caller,
            job: job.address,
            vault: job.vault,
            mint: job.mint.address,
            destination,
            token_program: job.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawCredit { args: WithdrawCreditArgs { role, associated_bump } })
    }

    /// By anyone, to the client's associated token account.
    pub fn withdraw_charge(&self, caller: Pubkey, job: &Job) -> Call<accounts::WithdrawCharge> {
        let accounts = accounts::WithdrawCharge {
            authority: caller,
            network: address::NETWORK,
            job: job.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            destination: associated(job.client, &self.stake_mint),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawCharge {})
    }

    /// By nobody in particular.
    pub fn sweep_fee(&self, job: &Job) -> Call<accounts::SweepFee> {
        let accounts = accounts::SweepFee {
            network: address::NETWORK,
            job: job.address,
            vault: job.vault,
            payment_mint: address::payment_mint(&job.mint.address),
            mint: job.mint.address,
            fee_vault: address::fee_vault(&job.mint.address),
            token_program: job.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::SweepFee {})
    }

    /// By nobody in particular.
    pub fn close_job(&self, job: &Job) -> Call<accounts::CloseJob> {
        let accounts = accounts::CloseJob {
            job: job.address,
            vault: job.vault,
            client: job.client,
            client_account: address::client(&job.client),
            payment_mint: address::payment_mint(&job.mint.address),
            mint: job.mint.address,
            fee_vault: address::fee_vault(&job.mint.address),
            token_program: job.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseJob {})
    }
}
