//! Which mints the network accepts.
//!
//! A payment mint must move exactly the amount that is sent, to whomever it is sent, whenever it is sent; and its vaults
//! must be the program's alone. SPL Token mints do. Token-2022 mints do unless an extension changes it, so every extension
//! is refused but those that only describe the token.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::msg;
use anchor_spl::token_2022::spl_token_2022::{
    extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions},
    state::Mint as MintState,
};

/// The extensions that only describe a token.
pub const ALLOWED_MINT_EXTENSIONS: [ExtensionType; 2] = [ExtensionType::MetadataPointer, ExtensionType::TokenMetadata];

/// Checks the account data of a mint that jobs may be paid in; a freeze authority is allowed and recorded.
///
/// `MintExtensionRefused` (the log names the extension) or `MintExtensionsUnreadable`.
pub fn check_payment_mint(data: &[u8]) -> Checked {
    check_extensions(data)?;
    Ok(())
}

/// Checks the account data of the mint that nodes stake: as for payments, and nobody may be able to freeze it.
///
/// `StakeMintFreezable`, `MintExtensionRefused` or `MintExtensionsUnreadable`.
pub fn check_stake_mint(data: &[u8]) -> Checked {
    if check_extensions(data)?.freeze_authority.is_some() {
        return Err(AssayError::StakeMintFreezable);
    }
    Ok(())
}

/// Parses `data` and refuses every extension outside the list. Extensions are fixed before a mint is initialised, except
/// for those that describe it, so one check when the mint is allowed is enough.
fn check_extensions(data: &[u8]) -> Checked<MintState> {
    let state = StateWithExtensions::<MintState>::unpack(data).map_err(|_| AssayError::MintExtensionsUnreadable)?;
    let extensions = state.get_extension_types().map_err(|_| AssayError::MintExtensionsUnreadable)?;
    if let Some(refused) = extensions.iter().find(|extension| !ALLOWED_MINT_EXTENSIONS.contains(extension)) {
        msg!("refused mint extension: {:?}", refused);
        return Err(AssayError::MintExtensionRefused);
    }
    Ok(state.base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::solana_program::program_pack::Pack;

    const ACCOUNT_TYPE_OFFSET: usize = 165;
    const ACCOUNT_TYPE_MINT: u8 = 1;

    fn mint(freezable: bool, extensions: &[(u16, usize)]) -> Vec<u8> {
        let freeze_authority = if freezable { Some([7; 32].into()) } else { None };
        let state = MintState { is_initialized: true, freeze_authority: freeze_authority.into(), ..Default::default() };
        let mut data = vec![0; MintState::LEN];
        state.pack_into_slice(&mut data);
        if !extensions.is_empty() {
            data.resize(ACCOUNT_TYPE_OFFSET, 0);
            data.push(ACCOUNT_TYPE_MINT);
        }
        for (kind, length) in extensions {
            data.extend(kind.to_le_bytes());
            data.extend(u16::try_from(*length).unwrap().to_le_bytes());
            data.extend(vec![0; *length]);
        }
        data
    }

    /// The numbers of all extensions that this program's version of Token-2022 knows.
    fn known_extensions() -> impl Iterator<Item = (u16, ExtensionType)> {
        (1..=u16::MAX).map_while(|number| Some((number, ExtensionType::try_from(number).ok()?)))
    }

    #[test]
    fn every_known_extension_is_refused_but_for_the_descriptive_two() {
        let mut allowed = Vec::new();
        for (number, extension) in known_extensions() {
            let data = mint(false, &[(number, 40)]);
            let result = check_payment_mint(&data);
            assert_eq!(check_stake_mint(&data), result);
            match result {
                Ok(()) => allowed.push(extension),
                Err(error) => assert_eq!(error, AssayError::MintExtensionRefused, "{extension:?}"),
            }
        }
        assert_eq!(allowed, ALLOWED_MINT_EXTENSIONS);
        assert!(known_extensions().count() >= 27, "up to PausableAccount");
    }

    #[test]
    fn an_allowed_extension_does_not_hide_a_refused_one() {
        let metadata_pointer = (u16::from(ExtensionType::MetadataPointer), 64);
        let delegate = (u16::from(ExtensionType::PermanentDelegate), 32);
        assert_eq!(check_payment_mint(&mint(false, &[metadata_pointer])), Ok(()));
        assert_eq!(
            check_payment_mint(&mint(false, &[metadata_pointer, delegate])),
            Err(AssayError::MintExtensionRefused)
        );
    }

    #[test]
    fn unknown_extensions_and_malformed_data_are_refused() {
        let unknown = known_extensions().map(|(number, _)| number).max().unwrap() + 1;
        let unreadable = Err(AssayError::MintExtensionsUnreadable);
        assert_eq!(check_payment_mint(&mint(false, &[(unknown, 8)])), unreadable);
        assert_eq!(check_payment_mint(&[]), unreadable);
        assert_eq!(check_payment_mint(&[0; MintState::LEN]), unreadable, "not initialised");
        let mut cut = mint(false, &[(u16::from(ExtensionType::MetadataPointer), 64)]);
        cut.truncate(cut.len() - 1);
        assert_eq!(check_payment_mint(&cut), unreadable);
        let mut account = mint(false, &[(u16::from(ExtensionType::MetadataPointer), 64)]);
        account[ACCOUNT_TYPE_OFFSET] = 2;
        assert_eq!(check_payment_mint(&account), unreadable, "a token account is no mint");
    }

    #[test]
    fn only_stake_must_not_be_freezable() {
        assert_eq!(check_payment_mint(&mint(true, &[])), Ok(()));
        assert_eq!(check_stake_mint(&mint(true, &[])), Err(AssayError::StakeMintFreezable));
        assert_eq!(check_stake_mint(&mint(false, &[])), Ok(()));
    }
}
