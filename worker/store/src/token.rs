//! The secret that permits uploads.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::error::{Result, StoreError};

/// Shorter tokens could be guessed by trying.
const MIN_TOKEN_CHARS: usize = 16;

/// A bearer token that permits uploads. Never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadToken(String);

impl UploadToken {
    /// Takes a token of at least 16 visible ASCII characters.
    ///
    /// # Errors
    /// [`StoreError::BadOption`] for any other text.
    pub fn new(token: impl Into<String>) -> Result<Self> {
        let token = token.into();
        if token.len() < MIN_TOKEN_CHARS || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StoreError::BadOption {
                reason: "the upload token is too short or contains a space or an invisible character",
                fix: "at least 16 visible ASCII characters, best a random one",
            });
        }
        Ok(Self(token))
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header_value(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether `header` is the value of `Authorization` that carries this token.
    ///
    /// Hashes are compared, so the time taken says nothing about how much of a guess was right.
    pub(crate) fn admits(&self, header: &str) -> bool {
        let Some((scheme, offered)) = header.split_once(' ') else { return false };
        scheme.eq_ignore_ascii_case("bearer") && Sha256::digest(offered.trim()) == Sha256::digest(&self.0)
    }
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadToken(…)")
    }
}

impl FromStr for UploadToken {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "correct-horse-battery";

    #[test]
    fn only_the_token_is_admitted() {
        let token = UploadToken::new(SECRET).unwrap();
        assert!(token.admits(&token.header_value()));
        assert!(token.admits(&format!("bearer {SECRET}")));
        for header in [
            "",
            "Bearer",
            "Bearer ",
            SECRET,
            "Basic correct-horse-battery",
            "Bearer correct-horse-batterY",
            "Bearer correct-horse",
        ] {
            assert!(!token.admits(header), "{header:?}");
        }
    }

    #[test]
    fn weak_tokens_are_refused_and_none_is_shown() {
        for text in ["", "short", "fifteen-letters", "with a space in the middle", "línea-de-quince-más"] {
            assert_eq!(UploadToken::new(text).unwrap_err().code(), "S0408", "{text:?}");
        }
        assert!(!format!("{:?}", UploadToken::new(SECRET).unwrap()).contains("horse"));
    }
}
