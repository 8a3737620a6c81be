//! Every movement of tokens goes through here: into a vault, out of a vault, and the end of a vault.
//!
//! A vault is a token account at an address of the program whose owner is an account of the program (a job, or the network
//! for stake and fees), so tokens leave it only by these functions.

use crate::error::AssayError;
use anchor_lang::prelude::*;
use anchor_spl::associated_token::{self, get_associated_token_address_with_program_id};
use anchor_spl::token_interface::{
    self, close_account, transfer_checked, Burn, CloseAccount, Mint, TokenAccount, TokenInterface, TransferChecked,
};

/// The accounts of one transfer.
pub struct Route<'a, 'info> {
    /// Owner of the mint.
    pub token_program: &'a Interface<'info, TokenInterface>,
    /// The mint of both accounts.
    pub mint: &'a InterfaceAccount<'info, Mint>,
    /// Where the tokens leave.
    pub from: &'a InterfaceAccount<'info, TokenAccount>,
    /// Where the tokens arrive.
    pub to: &'a InterfaceAccount<'info, TokenAccount>,
    /// Owner of `from`.
    pub authority: AccountInfo<'info>,
}

impl<'info> Route<'_, 'info> {
    /// Moves `amount` with the signature that the transaction carries.
    pub fn deposit(&self, amount: u64) -> Result<()> {
        transfer_checked(CpiContext::new(self.token_program.key(), self.accounts()), amount, self.mint.decimals)
    }

    /// Moves `amount` out of a vault whose owner has the address of `seeds` (bump included).
    ///
    /// `VaultShort` if the vault holds less.
    pub fn pay(&self, amount: u64, seeds: &[&[u8]]) -> Result<()> {
        require_gte!(self.from.amount, amount, AssayError::VaultShort);
        transfer_checked(
            CpiContext::new_with_signer(self.token_program.key(), self.accounts(), &[seeds]),
            amount,
            self.mint.decimals,
        )
    }

    fn accounts(&self) -> TransferChecked<'info> {
        TransferChecked {
            from: self.from.to_account_info(),
            mint: self.mint.to_account_info(),
            to: self.to.to_account_info(),
            authority: self.authority.clone(),
        }
    }
}

/// Burns `amount` out of a vault whose owner has the address of `seeds` (bump included). `VaultShort` if it holds less.
pub fn burn<'info>(
    token_program: &Interface<'info, TokenInterface>,
    mint: &InterfaceAccount<'info, Mint>,
    vault: &InterfaceAccount<'info, TokenAccount>,
    owner: AccountInfo<'info>,
    amount: u64,
    seeds: &[&[u8]],
) -> Result<()> {
    require_gte!(vault.amount, amount, AssayError::VaultShort);
    let accounts = Burn { mint: mint.to_account_info(), from: vault.to_account_info(), authority: owner };
    token_interface::burn(CpiContext::new_with_signer(token_program.key(), accounts, &[seeds]), amount)
}

/// Closes an empty vault whose owner has the address of `seeds` (bump included); `rent_receiver` gets its lamports.
pub fn close<'info>(
    token_program: &Interface<'info, TokenInterface>,
    vault: &InterfaceAccount<'info, TokenAccount>,
    owner: AccountInfo<'info>,
    rent_receiver: AccountInfo<'info>,
    seeds: &[&[u8]],
) -> Result<()> {
    close_account(CpiContext::new_with_signer(
        token_program.key(),
        CloseAccount { account: vault.to_account_info(), destination: rent_receiver, authority: owner },
        &[seeds],
    ))
}

/// The one rule for who may be paid where: a payee that signs names any account; anybody else can only move a credit to
/// the payee's associated token account, so that a crank can help but never redirect.
///
/// `associated_bump` is the bump of that account, if the caller has found it: it spares the search, 1,500 compute units for
/// each bump below 255. Another bump gives an address at which no token account can be, because the associated token
/// program signs for none but the first.
///
/// `DestinationIsVault` or `DestinationNotCanonical`.
pub fn check_destination(
    signer: &Pubkey,
    payee: &Pubkey,
    associated_bump: Option<u8>,
    route: &Route<'_, '_>,
) -> Result<()> {
    require_keys_neq!(route.to.key(), route.from.key(), AssayError::DestinationIsVault);
    if signer == payee {
        return Ok(());
    }
    let (mint, program) = (route.mint.key(), route.token_program.key());
    let canonical = match associated_bump {
        Some(bump) => Pubkey::create_program_address(
            &[payee.as_ref(), program.as_ref(), mint.as_ref(), &[bump]],
            &associated_token::ID,
        )
        .map_err(|_| AssayError::DestinationNotCanonical)?,
        None => get_associated_token_address_with_program_id(payee, &mint, &program),
    };
    require_keys_eq!(route.to.key(), canonical, AssayError::DestinationNotCanonical);
    // Its owner can have given the account away.
    require_keys_eq!(route.to.owner, *payee, AssayError::DestinationNotCanonical);
    Ok(())
}
