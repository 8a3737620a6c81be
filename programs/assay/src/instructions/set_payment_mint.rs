use crate::address::NETWORK;
use crate::error::AssayError;
use crate::events::PaymentMintChanged;
use crate::state::{Network, PaymentMint};
use anchor_lang::prelude::*;

/// Arguments of `set_payment_mint`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SetPaymentMintArgs {
    /// Whether new jobs may be posted in the mint.
    pub enabled: bool,
    /// Base units of the stake mint ...
    pub bond_numerator: u64,
    /// ... that so many base units of this mint are worth when bonds are sized.
    pub bond_denominator: u64,
}

/// Switches a payment mint on or off for new jobs and sets its bond rate.
///
/// Who: the network's authority.
///
/// 1. Writes both. Jobs that were posted go on and pay out as before.
#[event_cpi]
#[derive(Accounts)]
pub struct SetPaymentMint<'info> {
    /// The network's authority.
    pub authority: Signer<'info>,
    /// The network.
    #[account(
        address = NETWORK,
        has_one = authority @ AssayError::NotNetworkAuthority,
    )]
    pub network: Box<Account<'info, Network>>,
    /// The record of the mint.
    #[account(mut)]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
}

impl SetPaymentMint<'_> {
    /// See [`SetPaymentMint`].
    pub fn handle(ctx: Context<'_, Self>, args: SetPaymentMintArgs) -> Result<()> {
        let record = &mut ctx.accounts.payment_mint;
        record.enabled = args.enabled;
        record.bond_numerator = args.bond_numerator;
        record.bond_denominator = args.bond_denominator;
        // Checks the rate.
        record.invariant()?;
        emit_cpi!(PaymentMintChanged {
            mint: ctx.accounts.payment_mint.mint,
            enabled: args.enabled,
            bond_numerator: args.bond_numerator,
            bond_denominator: args.bond_denominator,
        });
        Ok(())
    }
}
