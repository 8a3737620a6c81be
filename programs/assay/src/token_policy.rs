//! Which mints the network accepts.
//!
//! A payment mint must move exactly the amount that is sent, to whomever it is sent, whenever it is sent; and its vaults
//! must be the program's alone. SPL Token mints do. Token-2022 mints do unless an extension changes it, so every extension
//! is refused but those that only describe the token.

use crate::error::AssayError;
use anchor_lang::prelude::*;
use anchor_spl::token_2022::spl_token_2022::{
    extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions},
    state::Mint as MintState,
};

/// The extensions that only describe a token.
pub const ALLOWED_MINT_EXTENSIONS: [ExtensionType; 2] = [ExtensionType::MetadataPointer, ExtensionType::TokenMetadata];

/// Checks a mint that jobs may be paid in; a freeze authority is allowed and recorded.
///
/// `MintExtensionRefused` (the log names the extension) or `MintExtensionsUnreadable`.
pub fn check_payment_mint(mint: &AccountInfo<'_>) -> Result<()> {
    let data = mint.try_borrow_data()?;
    check_extensions(&data)?;
    Ok(())
}

/// Checks the mint that nodes stake: as for payments, and nobody may be able to freeze it.
///
/// `StakeMintFreezable`, `MintExtensionRefused` or `MintExtensionsUnreadable`.
pub fn check_stake_mint(mint: &AccountInfo<'_>) -> Result<()> {
    let data = mint.try_borrow_data()?;
    let state = check_extensions(&data)?;
    require!(state.freeze_authority.is_none(), AssayError::StakeMintFreezable);
    Ok(())
}

/// Parses `data` and refuses every extension outside the list. Extensions are fixed before a mint is initialised, except
/// for those that describe it, so one check when the mint is allowed is enough.
fn check_extensions(data: &[u8]) -> core::result::Result<MintState, AssayError> {
    let state = StateWithExtensions::<MintState>::unpack(data).map_err(|_| AssayError::MintExtensionsUnreadable)?;
    let extensions = state.get_extension_types().map_err(|_| AssayError::MintExtensionsUnreadable)?;
    if let Some(refused) = extensions.iter().find(|extension| !ALLOWED_MINT_EXTENSIONS.contains(extension)) {
        msg!("refused mint extension: {:?}", refused);
        return Err(AssayError::MintExtensionRefused);
    }
    Ok(state.base)
}
