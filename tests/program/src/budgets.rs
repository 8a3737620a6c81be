//! Budgets: an owner, an agent, a vault, and the calls that they make.

use crate::calls::{Call, SYSTEM};
use crate::terms::terms;
use crate::tokens::{Mint, associated};
use crate::world::{FIRST_SLOT, Job, POCKET, World};
use assay::budget::BudgetLimits;
use assay::instructions::{CreateBudgetArgs, FileUnavailableArgs, PostJobArgs, SetBudgetArgs, WithdrawBudgetArgs};
use assay::{accounts, address, instruction};
use solana_sdk::pubkey::Pubkey;

/// What the vault of a new budget holds, in base units of its mint.
pub const BUDGET_TOKENS: u64 = 1_000_000;
/// What a new budget holds for the rent of its jobs, beyond its own rent.
pub const BUDGET_LAMPORTS: u64 = 100_000_000;

/// A budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its account: the client of its jobs.
    pub address: Pubkey,
    /// Who funds it.
    pub owner: Pubkey,
    /// Who posts out of it.
    pub agent: Pubkey,
    /// What its jobs are paid in.
    pub mint: Mint,
    /// Its token account.
    pub vault: Pubkey,
}

/// Limits within which the jobs of [`terms`] can be posted, four in a period, three at a time.
pub fn limits() -> BudgetLimits {
    BudgetLimits {
        maximum_job_escrow: 3_003,
        maximum_period_escrow: 4 * terms().price_max,
        period_slots: 1_000,
        maximum_price: 2_003,
        maximum_open_jobs: 3,
        last_slot: FIRST_SLOT + 5_000,
        any_graph: true,
        graphs: vec![],
        any_node: true,
        nodes: vec![],
    }
}

impl World {
    /// A budget with number 0 of an owner named after it; nothing of it exists on-chain.
    pub fn unborn_budget(&mut self, name: &str) -> Budget {
        let owner = self.rich_key(&format!("{name} owner"));
        let agent = self.rich_key(&format!("{name} agent"));
        let (address, mint) = (address::budget(&owner, 0), self.mint);
        for mint in [mint, self.stake_mint] {
            self.fund(owner, &mint, POCKET);
        }
        self.fund(agent, &self.stake_mint.clone(), POCKET);
        Budget { address, owner, agent, mint, vault: associated(address, &mint) }
    }

    /// A budget with tokens and lamports.
    pub fn budget(&mut self, name: &str, limits: BudgetLimits) -> Budget {
        let budget = self.unborn_budget(name);
        let create = self.create_budget(&budget, limits);
        self.accepts(&create);
        self.fund(budget.address, &budget.mint, BUDGET_TOKENS);
        self.fund(budget.address, &self.stake_mint.clone(), 0);
        self.svm.airdrop(&budget.address, BUDGET_LAMPORTS).expect("an airdrop");
        budget
    }

    /// The agent posts a job; its id is filled in.
    pub fn post_from(&mut self, budget: &Budget, terms: PostJobArgs) -> Job {
        let (job, post) = self.next_budget_job(budget.agent, budget, terms);
        self.accepts(&post);
        job
    }

    /// The budget's next job, and the call by which `signer` posts it.
    pub fn next_budget_job(
        &self,
        signer: Pubkey,
        budget: &Budget,
        terms: PostJobArgs,
    ) -> (Job, Call<accounts::PostBudgetJob>) {
        let id = self.next_job_id(budget.address);
        let job = self.job_at(budget.address, id, &budget.mint);
        (job, self.post_budget_job(signer, budget, PostJobArgs { job_id: id, ..terms }))
    }

    /// Reads a budget.
    pub fn read_budget(&self, budget: &Budget) -> assay::state::Budget {
        self.read(budget.address)
    }

    /// By the owner.
    pub fn create_budget(&self, budget: &Budget, limits: BudgetLimits) -> Call<accounts::CreateBudget> {
        let accounts = accounts::CreateBudget {
            owner: budget.owner,
            payment_mint: address::payment_mint(&budget.mint.address),
            budget: budget.address,
            client_account: address::client(&budget.address),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = CreateBudgetArgs { index: 0, agent: budget.agent, limits };
        Call::new(accounts, instruction::CreateBudget { args })
    }

    /// By the owner.
    pub fn set_budget(&self, budget: &Budget, args: SetBudgetArgs) -> Call<accounts::SetBudget> {
        let accounts = accounts::SetBudget {
            owner: budget.owner,
            budget: budget.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::SetBudget { args })
    }

    /// By the owner: no agent any more.
    pub fn revoke(&self, budget: &Budget) -> Call<accounts::SetBudget> {
        self.set_budget(budget, SetBudgetArgs { agent: Some(Pubkey::default()), limits: None })
    }

    /// The owner sets the last slot of the agent.
    pub fn set_last_slot(&mut self, budget: &Budget, last_slot: u64) {
        let limits = BudgetLimits { last_slot, ..self.read_budget(budget).limits };
        let set = self.set_budget(budget, SetBudgetArgs { agent: None, limits: Some(limits) });
        self.accepts(&set);
    }

    /// By the owner, in a mint, to its associated token account.
    pub fn withdraw_budget(
        &self,
        budget: &Budget,
        mint: &Mint,
        args: WithdrawBudgetArgs,
    ) -> Call<accounts::WithdrawBudget> {
        let accounts = accounts::WithdrawBudget {
            owner: budget.owner,
            budget: budget.address,
            mint: mint.address,
            source: associated(budget.address, mint),
            destination: associated(budget.owner, mint),
            token_program: mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawBudget { args })
    }

    /// By the owner, to its associated token account.
    pub fn close_budget(&self, budget: &Budget) -> Call<accounts::CloseBudget> {
        let accounts = accounts::CloseBudget {
            owner: budget.owner,
            budget: budget.address,
            client_account: address::client(&budget.address),
            payment_mint: budget.mint.address,
            vault: budget.vault,
            destination: associated(budget.owner, &budget.mint),
            token_program: budget.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseBudget {})
    }

    /// By the agent or the owner.
    pub fn post_budget_job(
        &self,
        authority: Pubkey,
        budget: &Budget,
        args: PostJobArgs,
    ) -> Call<accounts::PostBudgetJob> {
        let job = address::job(&budget.address, args.job_id);
        let accounts = accounts::PostBudgetJob {
            authority,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            payment_mint: address::payment_mint(&budget.mint.address),
            mint: budget.mint.address,
            budget: budget.address,
            client_account: address::client(&budget.address),
            job,
            vault: address::vault(&job),
            source: budget.vault,
            token_program: budget.mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::PostBudgetJob { args })
    }

    /// By the agent or the owner.
    pub fn cancel_budget_job(&self, authority: Pubkey, job: &Job) -> Call<accounts::CancelBudgetJob> {
        let accounts = accounts::CancelBudgetJob {
            authority,
            budget: job.client,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CancelBudgetJob {})
    }

    /// By the agent or the owner.
    pub fn accept_budget_result(&self, authority: Pubkey, job: &Job) -> Call<accounts::AcceptBudgetResult> {
        let accounts = accounts::AcceptBudgetResult {
            authority,
            budget: job.client,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::AcceptBudgetResult {})
    }

    /// By the agent or the owner, with a bond of its own.
    pub fn file_for_budget(&self, challenger: Pubkey, job: &Job) -> Call<accounts::FileUnavailable> {
        let mut call = self.file_unavailable(job, challenger, None);
        call.accounts.budget = Some(job.client);
        Call::new(call.accounts, instruction::FileUnavailable { args: FileUnavailableArgs { seed: None } })
    }
}
