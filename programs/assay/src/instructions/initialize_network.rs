use crate::address::{NETWORK_SEED, STAKE_VAULT_SEED};
use crate::error::AssayError;
use crate::events::NetworkInitialized;
use crate::governance::check_timelock;
use crate::state::{Network, Parameters};
use crate::token_policy::check_stake_mint;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `initialize_network`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct InitializeNetworkArgs {
    /// The first parameters.
    pub parameters: Parameters,
    /// Genesis hash of the cluster. Nodes compare it with their own before they join.
    pub genesis_hash: [u8; 32],
    /// Whether dispute clocks may be short. Never changes afterwards.
    pub development: bool,
    /// Who may veto changes and pause new work; the zero key says nobody.
    pub guardian: Pubkey,
    /// How long a change waits from its proposal to its execution.
    pub timelock_slots: u64,
    /// The share of a job's fee that burns.
    pub fee_burn_bps: u16,
}

/// Creates the network. Called once.
///
/// Who: the program's upgrade authority, which becomes the network's authority; nobody can get in between deployment and
/// this call. An immutable program can no longer be initialised.
///
/// 1. Creates the network with the given parameters.
/// 2. Creates the stake vault for a mint that nobody can freeze.
#[event_cpi]
#[derive(Accounts)]
pub struct InitializeNetwork<'info> {
    /// Pays, and becomes the network's authority.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The network to create.
    #[account(init, payer = authority, space = Network::SPACE, seeds = [NETWORK_SEED], bump)]
    pub network: Box<Account<'info, Network>>,
    /// What nodes will stake.
    #[account(mint::token_program = token_program)]
    pub stake_mint: Box<InterfaceAccount<'info, Mint>>,
    /// The vault to create.
    #[account(
        init,
        payer = authority,
        seeds = [STAKE_VAULT_SEED],
        bump,
        token::mint = stake_mint,
        token::authority = network,
        token::token_program = token_program,
    )]
    pub stake_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// This program, which names its program data.
    #[account(constraint = assay_program.programdata_address()? == Some(program_data.key()) @ AssayError::NotUpgradeAuthority)]
    pub assay_program: Program<'info, crate::program::Assay>,
    /// The program data, which names the upgrade authority.
    #[account(constraint = program_data.upgrade_authority_address == Some(authority.key()) @ AssayError::NotUpgradeAuthority)]
    pub program_data: Box<Account<'info, ProgramData>>,
    /// Owner of the stake mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the accounts.
    pub system_program: Program<'info, System>,
}

impl InitializeNetwork<'_> {
    fn validate(&self, args: &InitializeNetworkArgs) -> Result<()> {
        args.parameters.validate(args.development)?;
        check_timelock(args.timelock_slots, args.development)?;
        Network::check_fee_burn(args.fee_burn_bps)?;
        let mint: &AccountInfo<'_> = self.stake_mint.as_ref().as_ref();
        check_stake_mint(&mint.try_borrow_data()?)?;
        Ok(())
    }

    /// See [`InitializeNetwork`].
    pub fn handle(ctx: Context<'_, Self>, args: InitializeNetworkArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let accounts = &mut *ctx.accounts;
        accounts.network.set_inner(Network {
            version: Network::VERSION,
            bump: ctx.bumps.network,
            authority: accounts.authority.key(),
            pending_authority: Pubkey::default(),
            stake_mint: accounts.stake_mint.key(),
            stake_vault: accounts.stake_vault.key(),
            genesis_hash: args.genesis_hash,
            development: args.development,
            parameters: args.parameters,
            validator_stake: 0,
            guardian: args.guardian,
            timelock_slots: args.timelock_slots,
            paused_until_slot: 0,
            pause_allowed_slot: 0,
            proposals: 0,
            fee_burn_bps: args.fee_burn_bps,
        });
        accounts.network.invariant()?;
        emit_cpi!(NetworkInitialized {
            authority: ctx.accounts.network.authority,
            stake_mint: ctx.accounts.network.stake_mint,
            genesis_hash: args.genesis_hash,
            development: args.development,
            parameters: args.parameters,
            guardian: args.guardian,
            timelock_slots: args.timelock_slots,
            fee_burn_bps: args.fee_burn_bps,
        });
        Ok(())
    }
}
