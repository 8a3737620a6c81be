use crate::address::{NETWORK, STAKE_REGISTER};
use crate::error::AssayError;
use crate::events::CorrelationCharged;
use crate::state::{Network, Node, StakeRegister};
use crate::units::Slot;
use crate::vault;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Charges a convicted node for the stake that was convicted around the same time.
///
/// Who: anyone, from half a correlation window after the conviction on, once. Until then, and until it was called, no stake of
/// the node leaves.
///
/// 1. Takes up to twice the base slash out of what no bond locks, unbonding included: by the share of the network's stake that
///    was convicted from half a window before to half a window after.
/// 2. Burns it out of the stake vault.
#[event_cpi]
#[derive(Accounts)]
pub struct ChargeCorrelation<'info> {
    /// The network; signs for the stake vault.
    #[account(address = NETWORK, has_one = stake_mint @ AssayError::WrongMint)]
    pub network: Box<Account<'info, Network>>,
    /// What was convicted lately.
    #[account(address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The convicted node.
    #[account(mut)]
    pub node: Box<Account<'info, Node>>,
    /// The stake mint.
    #[account(mut, mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The stake vault.
    #[account(mut, address = network.stake_vault @ AssayError::WrongVault)]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> ChargeCorrelation<'info> {
    /// See [`ChargeCorrelation`].
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        let accounts = &mut *ctx.accounts;
        let (now, rules) = (Slot(Clock::get()?.slot), &accounts.network.parameters.scheduling);
        let charged = accounts.node.charge_correlation(&accounts.stake_register, now, rules)?;
        if charged.0 > 0 {
            accounts.network.with_signer_seeds(|seeds| {
                vault::burn(
                    &accounts.token_program,
                    &accounts.stake_mint,
                    &accounts.stake_vault,
                    accounts.network.to_account_info(),
                    charged.0,
                    seeds,
                )
            })?;
        }
        accounts.node.invariant()?;
        emit_cpi!(CorrelationCharged { node: ctx.accounts.node.key(), burned: charged.0 });
        Ok(())
    }
}
