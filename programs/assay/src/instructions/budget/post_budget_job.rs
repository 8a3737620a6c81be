use super::withdraw_budget::pay_lamports;
use crate::address::{CLIENT_SEED, JOB_SEED, NETWORK, STAKE_REGISTER, VAULT_SEED};
use crate::budget::Request;
use crate::error::AssayError;
use crate::instructions::post_job::{announce, PostJobArgs, Posting};
use crate::state::{Budget, Client, Job, Network, PaymentMint, StakeRegister};
use crate::units::{Slot, TokenAmount};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Posts a job out of a budget: the budget is its client.
///
/// Who: the budget's agent until its last slot, or its owner; within the limits, whoever it is. The terms are those of
/// `post_job`. The signer lays out the rent of job and vault and gets it back at once, out of the budget's lamports, to which
/// it returns when the job is closed. So it pays transaction fees alone, and posting and closing over and over costs the
/// budget nothing.
///
/// 1. Counts what the job escrows in the budget's period, and the job in the counter of its jobs.
/// 2. Creates the job and its vault, as `post_job` does.
/// 3. Moves `price_max` and `audit_pot` from the budget's token account into the vault.
/// 4. Pays the rent of both back to the signer.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: PostJobArgs)]
pub struct PostBudgetJob<'info> {
    /// The agent or the owner; lays the rent out.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The weight of all nodes, of which each one's is its share.
    #[account(address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The record of the payment mint.
    #[account(
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
        constraint = payment_mint.enabled @ AssayError::PaymentMintDisabled,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The payment mint.
    #[account(address = budget.payment_mint @ AssayError::WrongMint)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The budget; signs for its token account.
    #[account(mut)]
    pub budget: Box<Account<'info, Budget>>,
    /// The counter of the budget's jobs, which exists since the budget does.
    #[account(
        // Never needed; but so it is checked before the job is created, and a used id is named and not met as an account
        // that exists.
        init_if_needed,
        payer = authority,
        space = Client::SPACE,
        seeds = [CLIENT_SEED, budget.key().as_ref()],
        bump,
        constraint = client_account.next_job_id == args.job_id @ AssayError::JobIdMismatch,
    )]
    pub client_account: Box<Account<'info, Client>>,
    /// The job to create.
    #[account(
        init,
        payer = authority,
        space = Job::space(args.uri_bytes()),
        seeds = [JOB_SEED, budget.key().as_ref(), args.job_id.to_le_bytes().as_ref()],
        bump,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The vault to create.
    #[account(
        init,
        payer = authority,
        seeds = [VAULT_SEED, job.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = job,
        token::token_program = token_program,
    )]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the escrow comes from: a token account of the budget.
    #[account(mut, token::mint = mint, token::authority = budget, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the payment mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the accounts.
    pub system_program: Program<'info, System>,
}

impl<'info> PostBudgetJob<'info> {
    fn validate(&self, args: &PostJobArgs, now: Slot) -> Result<()> {
        self.network.check_takes_work(now)?;
        self.budget.check_actor(self.authority.key, now)?;
        args.validate(&self.network, &self.payment_mint)?;
        Ok(())
    }

    /// See [`PostBudgetJob`].
    pub fn handle(ctx: Context<'info, Self>, args: PostJobArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        ctx.accounts.validate(&args, now)?;
        let accounts = &mut *ctx.accounts;
        let escrow = TokenAmount(args.price_max).plus(TokenAmount(args.audit_pot))?;
        let request = Request {
            price_max: TokenAmount(args.price_max),
            escrow,
            graph_root: args.graph_root,
            invited_node: args.invited_node,
            open_jobs: accounts.client_account.open_jobs,
        };
        accounts.budget.book(&request, now)?;
        accounts.client_account.open_job(args.job_id)?;
        accounts.record_terms(args, ctx.bumps.job)?;
        accounts.budget.with_signer_seeds(|seeds| accounts.route().pay(escrow.0, seeds))?;
        accounts.vault.reload()?;
        require_gte!(accounts.vault.amount, accounts.job.escrow()?.0, AssayError::VaultShort);
        accounts.pay_rent_back()?;
        accounts.client_account.invariant()?;
        accounts.budget.invariant()?;
        accounts.job.invariant()?;
        emit_cpi!(announce(&ctx.accounts.job)?);
        Ok(())
    }

    fn record_terms(&mut self, args: PostJobArgs, bump: u8) -> Result<()> {
        let posting = Posting {
            client: self.budget.key(),
            mint: self.mint.key(),
            vault: self.vault.key(),
            bump,
            network: &self.network,
            payment_mint: &self.payment_mint,
            stake_register: &self.stake_register,
        };
        self.job.set_inner(posting.job(args)?);
        Ok(())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.source,
            to: &self.vault,
            authority: self.budget.to_account_info(),
        }
    }

    /// What was at the addresses before is not counted: it returns to the budget with the rest.
    fn pay_rent_back(&self) -> Result<()> {
        let rent = Rent::get()?;
        let job = TokenAmount(rent.minimum_balance(self.job.to_account_info().data_len()));
        let vault = TokenAmount(rent.minimum_balance(self.vault.to_account_info().data_len()));
        pay_lamports(&self.budget, self.authority.as_ref(), job.plus(vault)?.0)
    }
}
