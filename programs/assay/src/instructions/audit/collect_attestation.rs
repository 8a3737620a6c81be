use crate::error::AssayError;
use crate::events::AttestationCollected;
use crate::state::{Attestation, Job};
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `collect_attestation`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CollectAttestationArgs {
    /// Bump of the payee's associated token account, for helpers: without it the program searches.
    pub associated_bump: Option<u8>,
}

/// Pays the fee of an attestation out of the job's vault, and closes the attestation.
///
/// Who: the validator's authority as it was when it attested, to any account of the mint but the vault; or anyone, to its
/// associated token account. The bond must have been freed before (`settle_attestation`), which nothing can hold up.
///
/// 1. Takes the fee from what the job owes to attestations, and counts the attestation out.
/// 2. Moves the fee from the vault to the destination.
/// 3. Closes the attestation; its rent goes to whoever paid it.
#[event_cpi]
#[derive(Accounts)]
pub struct CollectAttestation<'info> {
    /// The payee, or anyone who helps.
    pub authority: Signer<'info>,
    /// The job; signs for its vault.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The attestation.
    #[account(
        mut,
        close = payer,
        has_one = job @ AssayError::WrongAttestation,
        has_one = payer @ AssayError::WrongAttestation,
    )]
    pub attestation: Box<Account<'info, Attestation>>,
    /// CHECK: the key that the attestation names; it only receives lamports.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// The vault of the job.
    #[account(mut, address = job.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The payment mint of the job.
    #[account(address = job.payment_mint @ AssayError::WrongMint, mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Receives the fee.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> CollectAttestation<'info> {
    fn validate(&self, args: CollectAttestationArgs) -> Result<()> {
        require!(self.attestation.released, AssayError::BondOutstanding);
        check_destination(self.authority.key, &self.attestation.payee, args.associated_bump, &self.route())
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.vault,
            to: &self.destination,
            authority: self.job.to_account_info(),
        }
    }

    /// See [`CollectAttestation`].
    pub fn handle(ctx: Context<'info, Self>, args: CollectAttestationArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &mut *ctx.accounts;
        // The vault must cover all that is owed, not only this fee.
        require_gte!(accounts.vault.amount, accounts.job.liabilities()?.0, AssayError::VaultShort);
        let fee = accounts.job.collect_audit_fee()?;
        accounts.job.with_signer_seeds(|seeds| accounts.route().pay(fee.0, seeds))?;
        accounts.job.invariant()?;
        emit_cpi!(AttestationCollected {
            job: ctx.accounts.job.key(),
            validator: ctx.accounts.attestation.validator,
            payee: ctx.accounts.attestation.payee,
            amount: fee.0,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
