use crate::address::{DELEGATION_SEED, NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::Delegated;
use crate::state::{Delegation, DelegationPool, Network, Node, StakeRegister};
use crate::units::{BasisPoints, Slot, TokenAmount};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `delegate`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelegateArgs {
    /// Base units of the stake mint.
    pub amount: u64,
}

/// Delegates stake to a node.
///
/// Who: the owner, from an account of its own; it alone takes out what is left of it. Up to the multiple of the node's own stake
/// that the network allows, and not to a node that was convicted.
///
/// 1. Creates the delegation, unless the owner has one to this node; the owner pays the rent and gets it back.
/// 2. Settles what the shares have earned, adds shares for `amount`, and weighs the node anew.
/// 3. Moves the tokens into the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct Delegate<'info> {
    /// Who delegates; pays.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The network.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The node.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// The pool of the node.
    #[account(mut, has_one = node @ AssayError::WrongNode)]
    pub pool: Box<Account<'info, DelegationPool>>,
    /// The delegation.
    #[account(
        init_if_needed,
        payer = owner,
        space = Delegation::SPACE,
        seeds = [DELEGATION_SEED, pool.key().as_ref(), owner.key().as_ref()],
        bump,
    )]
    pub delegation: Box<Account<'info, Delegation>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the tokens come from.
    #[account(mut, token::mint = stake_mint, token::authority = owner, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl<'info> Delegate<'info> {
    fn introduce(&mut self, bump: u8) -> Result<()> {
        if self.delegation.is_new() {
            self.delegation.version = Delegation::VERSION;
            self.delegation.bump = bump;
            self.delegation.pool = self.pool.key();
            self.delegation.owner = self.owner.key();
            self.pool.open_delegation()?;
        }
        Ok(())
    }

    /// See [`Delegate`].
    pub fn handle(ctx: Context<'info, Self>, args: DelegateArgs) -> Result<()> {
        let bump = ctx.bumps.delegation;
        let accounts = &mut *ctx.accounts;
        accounts.introduce(bump)?;
        let (now, parameters) = (Slot(Clock::get()?.slot), &accounts.network.parameters);
        let multiple = BasisPoints(parameters.scheduling.delegation_multiple_bps);
        let (pool, node) = (&mut accounts.pool, &mut accounts.node);
        pool.delegate(&mut accounts.delegation, node, TokenAmount(args.amount), multiple)?;
        node.weigh(&mut accounts.stake_register, now, parameters)?;
        Route {
            token_program: &accounts.token_program,
            mint: &accounts.stake_mint,
            from: &accounts.source,
            to: &accounts.stake_vault,
            authority: accounts.owner.to_account_info(),
        }
        .deposit(args.amount)?;
        accounts.node.invariant()?;
        accounts.pool.invariant()?;
        accounts.delegation.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(Delegated {
            node: ctx.accounts.node.key(),
            owner: ctx.accounts.owner.key(),
            amount: args.amount,
            shares: ctx.accounts.delegation.held.shares,
            delegated_stake: ctx.accounts.node.delegation.stake,
        });
        Ok(())
    }
}
