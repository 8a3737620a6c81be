use crate::address::{NETWORK, STAKE_REGISTER_SEED};
use crate::events::StakeRegisterCreated;
use crate::state::{Network, StakeRegister};
use anchor_lang::prelude::*;

/// Creates the register of what all nodes weigh. Called once, after the network is initialised; until then no node can stake
/// and no job be posted.
///
/// Who: anyone, who pays the rent. There is nothing to choose.
///
/// 1. Creates the register, empty.
#[event_cpi]
#[derive(Accounts)]
pub struct CreateStakeRegister<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The network, which exists.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The register to create.
    #[account(init, payer = payer, space = StakeRegister::SPACE, seeds = [STAKE_REGISTER_SEED], bump)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

impl CreateStakeRegister<'_> {
    /// See [`CreateStakeRegister`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let register = &mut ctx.accounts.stake_register;
        register.version = StakeRegister::VERSION;
        register.bump = ctx.bumps.stake_register;
        register.invariant()?;
        emit_cpi!(StakeRegisterCreated { stake_register: ctx.accounts.stake_register.key() });
        Ok(())
    }
}
