//! Where a keypair comes from, in the forms of the Solana CLI: a file, stdin, a seed phrase that is asked for. Never the key itself.
//!
//! | form | where the key is |
//! |---|---|
//! | `PATH`, `file:PATH` | a file of 64 numbers as JSON |
//! | `-`, `stdin:` | the same on stdin |
//! | `ASK`, `prompt:` | a seed phrase that is asked for without being shown; `ASK` derives as old releases of the Solana CLI do, `prompt:` by the path m/44'/501' |
//! | `usb:…` | a hardware wallet: not supported, and said so |

use crate::error::{ChainError, Result};
use crate::keys::{keypair_of_json, looks_secret, read_keypair};
use bip39::Mnemonic;
use solana_sdk::signature::{Keypair, keypair_from_seed};
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::str::FromStr;

/// The most that is read of stdin: a keypair has some 200 bytes.
const MOST_STDIN_BYTES: u64 = 4_096;

/// Where a keypair comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// Stdin.
    Stdin,
    /// A seed phrase.
    Phrase(Derivation),
}

/// How a key follows from a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// The seed's first 32 bytes.
    Plain,
    /// BIP 44 with the path m/44'/501'.
    Path,
}

impl FromStr for KeySource {
    type Err = ChainError;

    /// `C0106` for a key itself, `C0107` for a form that is not supported.
    fn from_str(given: &str) -> Result<Self> {
        if looks_secret(given) {
            return Err(ChainError::KeyGivenOpenly { given_as: "the keypair".to_owned() });
        }
        let unsupported = |reason: &str| Err(ChainError::KeySourceUnsupported { reason: reason.to_owned() });
        match given.split_once(':') {
            _ if given == "-" => Ok(Self::Stdin),
            _ if given == "ASK" => Ok(Self::Phrase(Derivation::Plain)),
            Some(("stdin", "" | "//")) => Ok(Self::Stdin),
            Some(("prompt", "" | "//")) => Ok(Self::Phrase(Derivation::Path)),
            Some(("prompt", _)) => unsupported("prompt: with a derivation path of one's own"),
            Some(("usb", _)) => unsupported("usb: hardware wallets"),
            Some(("file", path)) => Ok(Self::File(path.trim_start_matches("//").into())),
            _ => Ok(Self::File(given.into())),
        }
    }
}

impl KeySource {
    /// The file, if it is one.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdin | Self::Phrase(_) => None,
        }
    }

    /// Reads the keypair. Files and stdin as [`read_keypair`]; a phrase is asked for on the terminal. No error repeats anything of
    /// what was read.
    pub fn read(&self) -> Result<Keypair> {
        match self {
            Self::File(path) => read_keypair(path),
            Self::Stdin => {
                let mut text = String::new();
                let read = std::io::stdin().take(MOST_STDIN_BYTES).read_to_string(&mut text);
                read.map_err(|error| ChainError::KeypairInaccessible {
                    path: "stdin".into(),
                    reason: error.kind().to_string(),
                })?;
                keypair_of_json("stdin".as_ref(), &text)
            }
            Self::Phrase(_) if !std::io::stdin().is_terminal() => Err(ChainError::KeypairInaccessible {
                path: "the terminal".into(),
                reason: "a seed phrase can only be typed at one".to_owned(),
            }),
            Self::Phrase(derivation) => {
                let asked = |question: &str| {
                    rpassword::prompt_password(question).map_err(|error| ChainError::KeypairInaccessible {
                        path: "the terminal".into(),
                        reason: error.kind().to_string(),
                    })
                };
                let phrase = asked("seed phrase: ")?;
                let passphrase = asked("passphrase, if it has one: ")?;
                keypair_of_phrase(&phrase, &passphrase, *derivation)
            }
        }
    }
}

/// The keypair of a seed phrase. `C0104` when its words or their checksum are wrong, without saying which.
pub fn keypair_of_phrase(phrase: &str, passphrase: &str, derivation: Derivation) -> Result<Keypair> {
    let invalid =
        |reason: &str| ChainError::KeypairInvalid { path: "the seed phrase".into(), reason: reason.to_owned() };
    let words = Mnemonic::parse(phrase.split_whitespace().collect::<Vec<_>>().join(" "))
        .map_err(|_| invalid("its words are not those of a BIP 39 phrase, or their checksum is wrong"))?;
    let seed = words.to_seed(passphrase);
    let derived = match derivation {
        Derivation::Plain => keypair_from_seed(&seed),
        Derivation::Path => solana_sdk::signer::keypair::keypair_from_seed_and_derivation_path(&seed, None),
    };
    derived.map_err(|_| invalid("no key can be derived from it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::signer::Signer;

    const PHRASE: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn the_forms_are_those_of_the_solana_cli() {
        let of = |given: &str| given.parse::<KeySource>().unwrap();
        assert_eq!(of("-"), KeySource::Stdin);
        assert_eq!(of("stdin:"), KeySource::Stdin);
        assert_eq!(of("ASK"), KeySource::Phrase(Derivation::Plain));
        assert_eq!(of("prompt://"), KeySource::Phrase(Derivation::Path));
        assert_eq!(of("file:///keys/id.json"), KeySource::File("/keys/id.json".into()));
        assert_eq!(of("keys/id.json"), KeySource::File("keys/id.json".into()));
        for unsupported in ["usb://ledger", "prompt:?key=0/0"] {
            assert_eq!(unsupported.parse::<KeySource>().unwrap_err().code(), "C0107", "{unsupported}");
        }
    }

    #[test]
    fn a_key_itself_is_refused_and_never_repeated() {
        let keypair = Keypair::new();
        for secret in [keypair.to_base58_string(), format!("{:?}", keypair.to_bytes()), PHRASE.to_owned()] {
            let error = secret.parse::<KeySource>().unwrap_err();
            assert_eq!(error.code(), "C0106");
            assert!(!format!("{error} {error:?}").contains(&secret));
        }
    }

    #[test]
    fn a_phrase_gives_the_key_that_the_solana_cli_derives() {
        // `solana-keygen pubkey ASK` and `prompt:` with the phrase of BIP 39's first vector.
        let key = |derivation| keypair_of_phrase(PHRASE, "", derivation).unwrap();
        let legacy = solana_sdk::signer::keypair::keypair_from_seed_phrase_and_passphrase(PHRASE, "").unwrap();
        assert_eq!(key(Derivation::Plain).pubkey(), legacy.pubkey());
        assert_ne!(key(Derivation::Path).pubkey(), legacy.pubkey());
        let spaced = format!("  {} ", PHRASE.replace(' ', "  "));
        assert_eq!(keypair_of_phrase(&spaced, "", Derivation::Plain).unwrap().pubkey(), legacy.pubkey());
        assert_ne!(keypair_of_phrase(PHRASE, "x", Derivation::Plain).unwrap().pubkey(), legacy.pubkey());
    }

    #[test]
    fn a_mistyped_phrase_is_refused_without_repeating_a_word() {
        for wrong in [PHRASE.replace("about", "abandon"), PHRASE.replace("about", "zzzabout"), String::new()] {
            let error = keypair_of_phrase(&wrong, "", Derivation::Plain).unwrap_err();
            assert_eq!(error.code(), "C0104");
            assert!(
                !format!("{error} {error:?}").contains("about") && !error.to_string().contains("abandon"),
                "{error}"
            );
        }
    }
}
