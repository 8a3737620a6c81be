//! Accounts that are only read in the layout that this program writes.

/// Makes a type that has a `VERSION` an account, as Anchor's `#[account]` does, but one whose readers, on-chain and off, look at
/// the version first: an older account is refused with `UnsupportedAccountVersion`, which says what to run, and never read as
/// something that it is not. The type derives `AnchorSerialize`, `AnchorDeserialize` and `Clone`; `discriminator` is what
/// `#[account]` would give it.
macro_rules! versioned_account {
    ($account:ident, $discriminator:expr) => {
        impl anchor_lang::Owner for $account {
            fn owner() -> anchor_lang::prelude::Pubkey {
                crate::ID
            }
        }

        impl anchor_lang::Discriminator for $account {
            const DISCRIMINATOR: &'static [u8] = &$discriminator;
        }

        impl anchor_lang::AccountSerialize for $account {
            fn try_serialize<W: std::io::Write>(&self, writer: &mut W) -> anchor_lang::Result<()> {
                use anchor_lang::{AnchorSerialize, Discriminator, Space};
                // On-chain each write into the account is a call of the runtime; so there is one, of everything.
                let mut bytes = Vec::with_capacity(Self::DISCRIMINATOR.len().saturating_add(Self::INIT_SPACE));
                bytes.extend_from_slice(Self::DISCRIMINATOR);
                self.serialize(&mut bytes)
                    .and_then(|()| writer.write_all(&bytes))
                    .map_err(|_| anchor_lang::error::ErrorCode::AccountDidNotSerialize.into())
            }
        }

        impl anchor_lang::AccountDeserialize for $account {
            fn try_deserialize(data: &mut &[u8]) -> anchor_lang::Result<Self> {
                use anchor_lang::Discriminator;
                let Some(rest) = data.strip_prefix(Self::DISCRIMINATOR) else {
                    return Err(match data.len() < Self::DISCRIMINATOR.len() {
                        true => anchor_lang::error::ErrorCode::AccountDiscriminatorNotFound.into(),
                        false => anchor_lang::error::ErrorCode::AccountDiscriminatorMismatch.into(),
                    });
                };
                if rest.first() != Some(&Self::VERSION) {
                    return Err(crate::error::AssayError::UnsupportedAccountVersion.into());
                }
                Self::try_deserialize_unchecked(data)
            }

            fn try_deserialize_unchecked(data: &mut &[u8]) -> anchor_lang::Result<Self> {
                use anchor_lang::{AnchorDeserialize, Discriminator};
                let unreadable = anchor_lang::error::ErrorCode::AccountDidNotDeserialize;
                let mut rest = data.get(Self::DISCRIMINATOR.len()..).ok_or(unreadable)?;
                Self::deserialize(&mut rest).map_err(|_| unreadable.into())
            }
        }
    };
}

pub(super) use versioned_account;
