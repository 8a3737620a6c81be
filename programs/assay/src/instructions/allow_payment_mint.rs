use crate::address::{FEE_VAULT_SEED, NETWORK, PAYMENT_MINT_SEED};
use crate::error::AssayError;
use crate::events::PaymentMintAllowed;
use crate::market::BondRate;
use crate::state::{Network, PaymentMint};
use crate::token_policy::check_payment_mint;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `allow_payment_mint`: the bond rate.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AllowPaymentMintArgs {
    /// Base units of the stake mint ...
    pub bond_numerator: u64,
    /// ... that so many base units of this mint are worth when bonds are sized.
    pub bond_denominator: u64,
}

/// Allows a mint for payments. Once a mint.
///
/// Who: the network's authority.
///
/// 1. Checks the mint's extensions; records it, enabled, with its bond rate and whether its issuer can freeze.
/// 2. Creates its fee vault.
#[event_cpi]
#[derive(Accounts)]
pub struct AllowPaymentMint<'info> {
    /// The network's authority; pays.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The network; will sign for the fee vault.
    #[account(
        address = NETWORK,
        has_one = authority @ AssayError::NotNetworkAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The mint.
    #[account(mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The record to create.
    #[account(
        init,
        payer = authority,
        space = PaymentMint::SPACE,
        seeds = [PAYMENT_MINT_SEED, mint.key().as_ref()],
        bump,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The fee vault to create.
    #[account(
        init,
        payer = authority,
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

impl AllowPaymentMint<'_> {
    fn validate(&self, args: &AllowPaymentMintArgs) -> Result<()> {
        BondRate { numerator: args.bond_numerator, denominator: args.bond_denominator }.validate()?;
        let mint: &AccountInfo<'_> = self.mint.as_ref().as_ref();
        check_payment_mint(&mint.try_borrow_data()?)?;
        Ok(())
    }

    /// See [`AllowPaymentMint`].
    pub fn handle(ctx: Context<'_, Self>, args: AllowPaymentMintArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
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
            bond_numerator: args.bond_numerator,
            bond_denominator: args.bond_denominator,
        });
        accounts.payment_mint.invariant()?;
        let record = &ctx.accounts.payment_mint;
        emit_cpi!(PaymentMintAllowed {
            mint: record.mint,
            freezable: record.freezable,
            bond_numerator: record.bond_numerator,
            bond_denominator: record.bond_denominator,
        });
        Ok(())
    }
}
