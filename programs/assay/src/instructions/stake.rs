use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::Staked;
use crate::state::{Network, Node, StakeRegister};
use crate::units::{Slot, TokenAmount};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `stake`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct StakeArgs {
    /// Base units of the stake mint.
    pub amount: u64,
}

/// Adds stake to a node.
///
/// Who: anyone, from an account of their own. What is staked belongs to the node's withdraw authority from then on.
///
/// 1. Adds `amount` to the node's active stake, and weighs the node anew.
/// 2. Moves the tokens into the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct Stake<'info> {
    /// Owns the source.
    pub funder: Signer<'info>,
    /// The network.
    #[account(
        address = NETWORK,
        has_one = stake_mint @ AssayError::WrongMint,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The node.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// What all nodes weigh.
    #[account(mut, address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The stake mint.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(
        mut,
        address = network.stake_vault @ AssayError::WrongVault,
    )]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the tokens come from.
    #[account(mut, token::mint = stake_mint, token::authority = funder, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> Stake<'info> {
    /// See [`Stake`].
    pub fn handle(ctx: Context<'info, Self>, args: StakeArgs) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        accounts.node.add_stake(TokenAmount(args.amount))?;
        let (now, parameters) = (Slot(Clock::get()?.slot), &accounts.network.parameters);
        accounts.node.weigh(&mut accounts.stake_register, now, parameters)?;
        Route {
            token_program: &accounts.token_program,
            mint: &accounts.stake_mint,
            from: &accounts.source,
            to: &accounts.stake_vault,
            authority: accounts.funder.to_account_info(),
        }
        .deposit(args.amount)?;
        accounts.node.invariant()?;
        accounts.stake_register.invariant()?;
        emit_cpi!(Staked { node: ctx.accounts.node.key(), amount: args.amount, stake: ctx.accounts.node.stake });
        Ok(())
    }
}
