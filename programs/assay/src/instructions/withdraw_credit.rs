use crate::error::AssayError;
use crate::events::CreditWithdrawn;
use crate::state::Job;
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Whose credit is withdrawn.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditRole {
    /// The node's, owned by the job's `payee`.
    Node,
    /// The client's.
    Client,
}

/// Arguments of `withdraw_credit`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct WithdrawCreditArgs {
    /// Whose credit.
    pub role: CreditRole,
    /// Bump of the payee's associated token account, for helpers: without it the program searches.
    pub associated_bump: Option<u8>,
}

/// Pays a credit out of a job's vault, whole.
///
/// Who: the payee, to any account of the mint but the vault; or anyone, to the payee's associated token account. Neither
/// payee can be held up by the other's account.
///
/// 1. Clears the credit.
/// 2. Moves it from the vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawCredit<'info> {
    /// The payee, or anyone who helps.
    pub authority: Signer<'info>,
    /// The job; signs for its vault.
    #[account(mut)]
    pub job: Box<Account<'info, Job>>,
    /// The vault of the job.
    #[account(mut, address = job.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The payment mint of the job.
    #[account(address = job.payment_mint @ AssayError::WrongMint, mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Receives the credit.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawCredit<'info> {
    fn validate(&self, args: WithdrawCreditArgs) -> Result<()> {
        require!(self.amount(args.role) > 0, AssayError::NothingOwed);
        check_destination(self.authority.key, &self.payee(args.role), args.associated_bump, &self.route())
    }

    fn payee(&self, role: CreditRole) -> Pubkey {
        match role {
            CreditRole::Node => self.job.payee,
            CreditRole::Client => self.job.client,
        }
    }

    fn amount(&self, role: CreditRole) -> u64 {
        match role {
            CreditRole::Node => self.job.credits.node,
            CreditRole::Client => self.job.credits.client,
        }
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

    /// See [`WithdrawCredit`].
    pub fn handle(ctx: Context<'info, Self>, args: WithdrawCreditArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &mut *ctx.accounts;
        let amount = accounts.amount(args.role);
        // The vault must cover all that is owed, not only this credit.
        require_gte!(accounts.vault.amount, accounts.job.liabilities()?.0, AssayError::VaultShort);
        match args.role {
            CreditRole::Node => accounts.job.credits.node = 0,
            CreditRole::Client => accounts.job.credits.client = 0,
        }
        accounts.job.with_signer_seeds(|seeds| accounts.route().pay(amount, seeds))?;
        accounts.job.invariant()?;
        emit_cpi!(CreditWithdrawn {
            job: ctx.accounts.job.key(),
            payee: ctx.accounts.payee(args.role),
            amount,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
