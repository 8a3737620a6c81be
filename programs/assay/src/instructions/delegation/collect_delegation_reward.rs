use crate::address::DELEGATION_POOL_SEED;
use crate::error::AssayError;
use crate::events::DelegationRewardCollected;
use crate::state::{DelegationPool, Job, RewardTarget};
use crate::units::TokenAmount;
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Moves the delegators' share of a job into the node's pool.
///
/// Who: anyone, once the result was accepted or the job settled.
///
/// 1. Clears what the job owes to delegators.
/// 2. Moves it from the job's vault into the pool's vault of the mint, for all who hold active shares.
///
/// Where nobody holds any, or the pool is closed, it becomes the node's credit in the same vault. Where the pool shares rewards in
/// four other mints it becomes the protocol's fee, and not the node's, which could fill the places to that end.
#[event_cpi]
#[derive(Accounts)]
pub struct CollectDelegationReward<'info> {
    /// The job; signs for its vault.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The vault of the job.
    #[account(mut, address = job.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// CHECK: the address of the pool of the job's node, where there may be none; read only if the program owns it.
    #[account(mut, seeds = [DELEGATION_POOL_SEED, job.node.as_ref()], bump)]
    pub pool: UncheckedAccount<'info>,
    /// The vault of the pool in this mint, if it has one.
    #[account(mut)]
    pub reward_vault: Option<Box<InterfaceAccount<'info, TokenAccount>>>,
    /// The payment mint of the job.
    #[account(address = job.payment_mint @ AssayError::WrongMint, mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> CollectDelegationReward<'info> {
    fn validate(&self) -> Result<()> {
        // The vault must cover all that is owed, not only this.
        require_gte!(self.vault.amount, self.job.liabilities()?.0, AssayError::VaultShort);
        Ok(())
    }

    fn find_pool(&self) -> Result<Option<Box<DelegationPool>>> {
        if *self.pool.owner != crate::ID {
            return Ok(None);
        }
        Ok(Some(Box::new(DelegationPool::try_deserialize(&mut &self.pool.try_borrow_data()?[..])?)))
    }

    /// Counts the reward in the pool and moves it there. `WrongVault`.
    fn reward(&self, pool: &mut DelegationPool, place: usize, amount: TokenAmount) -> Result<()> {
        let vault = self.reward_vault.as_ref().ok_or(AssayError::WrongVault)?;
        require_keys_eq!(vault.key(), pool.vault_of(&self.mint.key())?, AssayError::WrongVault);
        pool.reward(place, amount)?;
        pool.invariant()?;
        let mut data = self.pool.try_borrow_mut_data()?;
        pool.try_serialize(&mut &mut data[..])?;
        drop(data);
        let route = Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.vault,
            to: vault,
            authority: self.job.to_account_info(),
        };
        self.job.with_signer_seeds(|seeds| route.pay(amount.0, seeds))
    }

    /// See [`CollectDelegationReward`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let accounts = &mut *ctx.accounts;
        let amount = accounts.job.collect_for_delegators()?;
        let pool = accounts.find_pool()?;
        let target = match &pool {
            Some(pool) => pool.target(&accounts.mint.key())?,
            None => RewardTarget::Node,
        };
        let mut shared = DelegationRewardCollected {
            job: accounts.job.key(),
            node: accounts.job.node,
            mint: accounts.mint.key(),
            to_delegators: 0,
            to_node: 0,
            to_fee: 0,
        };
        let credits = &mut accounts.job.credits;
        match (target, pool) {
            (RewardTarget::Place(place), Some(mut pool)) => {
                accounts.reward(&mut pool, place, amount)?;
                shared.to_delegators = amount.0;
            }
            (RewardTarget::Fee, _) => {
                credits.fee = TokenAmount(credits.fee).plus(amount)?.0;
                shared.to_fee = amount.0;
            }
            _ => {
                credits.node = TokenAmount(credits.node).plus(amount)?.0;
                shared.to_node = amount.0;
            }
        }
        accounts.job.invariant()?;
        emit_cpi!(shared);
        Ok(())
    }
}
