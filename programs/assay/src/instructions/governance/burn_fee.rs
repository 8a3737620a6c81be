use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::FeeBurned;
use crate::market::emission;
use crate::state::{Job, Network, PaymentMint, RewardPool};
use crate::state_machine::JobState;
use crate::units::TokenAmount;
use crate::vault::{self, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Takes the fee of a job that was paid in the stake mint: burns the network's share of it, moves the rest to the treasury, and
/// rewards the node out of the pool.
///
/// Who: anyone, once the job has ended.
///
/// Only fees in the stake mint burn and are rewarded. What a fee in another mint is worth would be a rate that governance sets for
/// sizing bonds; one that is too high would let whoever trades in that mint with itself empty the pool.
///
/// 1. Clears the fee; burns the share; moves the rest from the job's vault to the fee vault.
/// 2. If the job settled, moves the reward, at most what the pool holds, from the pool into the job's vault and adds it to the
///    node's credit.
#[event_cpi]
#[derive(Accounts)]
pub struct BurnFee<'info> {
    /// The network, for its stake mint and the share that burns.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The reward pool; signs for its vault.
    #[account(mut)]
    pub reward_pool: Box<Account<'info, RewardPool>>,
    /// The vault of the pool.
    #[account(mut, address = reward_pool.vault @ AssayError::WrongVault)]
    pub reward_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The job; signs for its vault.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The vault of the job.
    #[account(mut, address = job.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The record of the stake mint.
    #[account(
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The stake mint, in which the job was paid.
    #[account(
        mut,
        address = network.stake_mint @ AssayError::WrongMint,
        constraint = mint.key() == job.payment_mint @ AssayError::WrongMint,
    )]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The fee vault of the stake mint.
    #[account(mut, address = payment_mint.fee_vault @ AssayError::WrongVault)]
    pub fee_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

/// Where one fee goes.
struct Shares {
    burned: TokenAmount,
    kept: TokenAmount,
    reward: TokenAmount,
}

impl<'info> BurnFee<'info> {
    fn validate(&self) -> Result<()> {
        require!(self.job.state.is_end(), AssayError::JobNotEnded);
        require!(self.job.credits.fee > 0, AssayError::NothingOwed);
        // The vault must cover all that is owed, not only the fee.
        require_gte!(self.vault.amount, self.job.liabilities()?.0, AssayError::VaultShort);
        Ok(())
    }

    fn shares(&self) -> Result<Shares> {
        let fee = TokenAmount(self.job.credits.fee);
        let burned = fee.portion(self.network.fee_burn())?;
        let reward = match self.job.state {
            JobState::Settled => emission(TokenAmount(self.reward_pool.fees_burned), burned)?,
            _ => TokenAmount::ZERO,
        };
        Ok(Shares { burned, kept: fee.minus(burned)?, reward: reward.min(TokenAmount(self.reward_vault.amount)) })
    }

    fn move_tokens(&self, shares: &Shares) -> Result<()> {
        let (program, mint) = (&self.token_program, &self.mint);
        let job = || self.job.to_account_info();
        if shares.burned > TokenAmount::ZERO {
            self.job
                .with_signer_seeds(|seeds| vault::burn(program, mint, &self.vault, job(), shares.burned.0, seeds))?;
        }
        if shares.kept > TokenAmount::ZERO {
            let to_treasury =
                Route { token_program: program, mint, from: &self.vault, to: &self.fee_vault, authority: job() };
            self.job.with_signer_seeds(|seeds| to_treasury.pay(shares.kept.0, seeds))?;
        }
        if shares.reward > TokenAmount::ZERO {
            let authority = self.reward_pool.to_account_info();
            let to_job = Route { token_program: program, mint, from: &self.reward_vault, to: &self.vault, authority };
            self.reward_pool.with_signer_seeds(|seeds| to_job.pay(shares.reward.0, seeds))?;
        }
        Ok(())
    }

    /// See [`BurnFee`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let shares = accounts.shares()?;
        accounts.job.credits.fee = 0;
        accounts.job.credits.node = TokenAmount(accounts.job.credits.node).plus(shares.reward)?.0;
        accounts.reward_pool.count(shares.burned, shares.reward)?;
        accounts.move_tokens(&shares)?;
        accounts.job.invariant()?;
        accounts.reward_pool.invariant()?;
        emit_cpi!(FeeBurned {
            job: ctx.accounts.job.key(),
            burned: shares.burned.0,
            kept: shares.kept.0,
            reward: shares.reward.0,
            fees_burned: ctx.accounts.reward_pool.fees_burned,
        });
        Ok(())
    }
}
