use crate::address::{FEE_VAULT_SEED, NETWORK, PAYMENT_MINT_SEED};
use crate::error::AssayError;
use crate::events::ChangeExecuted;
use crate::state::{Change, Network, PaymentMint, Proposal};
use crate::token_policy::check_payment_mint;
use crate::units::Slot;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Allows a mint for payments. Once a mint.
///
/// Who: anyone, from the proposal's first slot to its last; who does it pays for the accounts.
///
/// 1. Checks the mint's extensions; records it, enabled, with its bond rate and whether its issuer can freeze.
/// 2. Creates its fee vault.
/// 3. Closes the proposal; its rent returns to the proposer.
#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteMintAllowance<'info> {
    /// Pays.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The network; will sign for the fee vault.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The proposal.
    #[account(mut, close = proposer, has_one = proposer @ AssayError::WrongProposer)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// CHECK: the key that the proposal names; it only receives lamports.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
    /// The mint.
    #[account(mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The record to create.
    #[account(
        init,
        payer = payer,
        space = PaymentMint::SPACE,
        seeds = [PAYMENT_MINT_SEED, mint.key().as_ref()],
        bump,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The fee vault to create.
    #[account(
        init,
        payer = payer,
        seeds = [FEE_VAULT_SEED, mint.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = network,
        token::token_program = token_program,
    )]
    pub fee_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the accounts.
    pub system_program: Program<'info, System>,
}

impl ExecuteMintAllowance<'_> {
    fn validate(&self, now: Slot) -> Result<(u64, u64)> {
        self.proposal.check_executable(&self.network, now)?;
        let Change::AllowPaymentMint { mint, bond_numerator, bond_denominator } = self.proposal.change else {
            return err!(AssayError::WrongChange);
        };
        require_keys_eq!(mint, self.mint.key(), AssayError::WrongMint);
        let mint: &AccountInfo<'_> = self.mint.as_ref().as_ref();
        check_payment_mint(&mint.try_borrow_data()?)?;
        Ok((bond_numerator, bond_denominator))
    }

    /// See [`ExecuteMintAllowance`].
    pub fn handle(ctx: Context<'_, Self>) -> Result<()> {
        let (bond_numerator, bond_denominator) = ctx.accounts.validate(Slot(Clock::get()?.slot))?;
        let accounts = &mut *ctx.accounts;
        accounts.payment_mint.set_inner(PaymentMint {
            version: PaymentMint::VERSION,
            bump: ctx.bumps.payment_mint,
            enabled: true,
            freezable: accounts.mint.freeze_authority.is_some(),
            decimals: accounts.mint.decimals,
            mint: accounts.mint.key(),
            token_program: accounts.token_program.key(),
            fee_vault: accounts.fee_vault.key(),
            bond_numerator,
            bond_denominator,
        });
        accounts.payment_mint.invariant()?;
        let Proposal { number, change, .. } = **ctx.accounts.proposal;
        emit_cpi!(ChangeExecuted { number, change });
        Ok(())
    }
}
