use crate::error::AssayError;
use crate::events::SessionCreditWithdrawn;
use crate::instructions::CreditRole;
use crate::state::Session;
use crate::vault::{check_destination, Route};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};

/// Arguments of `withdraw_session_credit`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct WithdrawSessionCreditArgs {
    /// Whose credit.
    pub role: CreditRole,
    /// Bump of the payee's associated token account, for helpers: without it the program searches.
    pub associated_bump: Option<u8>,
}

/// Pays a credit out of a session's vault, whole.
///
/// Who: the payee, to any account of the mint but the vault; or anyone, to the payee's associated token account. Neither
/// payee can be held up by the other's account.
///
/// 1. Clears the credit.
/// 2. Moves it from the vault to the destination.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawSessionCredit<'info> {
    /// The payee, or anyone who helps.
    pub authority: Signer<'info>,
    /// The session; signs for its vault.
    #[account(mut)]
    pub session: Box<Account<'info, Session>>,
    /// The vault of the session.
    #[account(mut, address = session.vault @ AssayError::WrongVault)]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The payment mint of the session.
    #[account(address = session.payment_mint @ AssayError::WrongMint, mint::token_program = token_program)]
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Receives the credit.
    // `dup` leaves it to `check_destination` to refuse the vault, with an error that says so.
    #[account(mut, dup, token::mint = mint, token::token_program = token_program)]
    pub destination: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the mint.
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> WithdrawSessionCredit<'info> {
    fn validate(&self, args: WithdrawSessionCreditArgs) -> Result<()> {
        require!(self.amount(args.role) > 0, AssayError::NothingOwed);
        check_destination(self.authority.key, &self.payee(args.role), args.associated_bump, &self.route())
    }

    fn payee(&self, role: CreditRole) -> Pubkey {
        match role {
            CreditRole::Node => self.session.payee,
            CreditRole::Client => self.session.client,
        }
    }

    fn amount(&self, role: CreditRole) -> u64 {
        match role {
            CreditRole::Node => self.session.credits.node,
            CreditRole::Client => self.session.credits.client,
        }
    }

    fn route(&self) -> Route<'_, 'info> {
        Route {
            token_program: &self.token_program,
            mint: &self.mint,
            from: &self.vault,
            to: &self.destination,
            authority: self.session.to_account_info(),
        }
    }

    /// See [`WithdrawSessionCredit`].
    pub fn handle(ctx: Context<'info, Self>, args: WithdrawSessionCreditArgs) -> Result<()> {
        ctx.accounts.validate(args)?;
        let accounts = &mut *ctx.accounts;
        let amount = accounts.amount(args.role);
        // The vault must cover all that is owed, not only this credit.
        require_gte!(accounts.vault.amount, accounts.session.liabilities()?.0, AssayError::VaultShort);
        match args.role {
            CreditRole::Node => accounts.session.credits.node = 0,
            CreditRole::Client => accounts.session.credits.client = 0,
        }
        accounts.session.with_signer_seeds(|seeds| accounts.route().pay(amount, seeds))?;
        accounts.session.invariant()?;
        emit_cpi!(SessionCreditWithdrawn {
            session: ctx.accounts.session.key(),
            payee: ctx.accounts.payee(args.role),
            amount,
            destination: ctx.accounts.destination.key(),
        });
        Ok(())
    }
}
