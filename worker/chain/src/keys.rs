//! Keypair files in the format of the Solana CLI: a JSON array of 64 numbers, the secret key and then the public key.

use crate::error::{ChainError, Result};
use solana_sdk::{signature::Keypair, signer::Signer};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Secret key and public key.
const KEYPAIR_BYTES: usize = 64;

/// Reads a keypair. `C0103` when the file cannot be read, `C0104` when it holds something else, among it a public key
/// that does not belong to the secret key.
pub fn read_keypair(path: &Path) -> Result<Keypair> {
    let text = fs::read_to_string(path).map_err(|error| inaccessible(path, &error))?;
    keypair_of_json(path, &text)
}

/// The keypair of a text that was read from `path`. `C0104` when it holds none. The error says where and never what: a damaged
/// key is still most of a key.
pub(crate) fn keypair_of_json(path: &Path, text: &str) -> Result<Keypair> {
    let invalid = |reason: String| ChainError::KeypairInvalid { path: path.to_owned(), reason };
    let bytes: Vec<u8> = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        invalid(format!("it is no JSON array of numbers from 0 to 255 any more at line {line}, column {column}"))
    })?;
    let length = bytes.len();
    let whole: [u8; KEYPAIR_BYTES] = bytes.try_into().map_err(|_| invalid(format!("it has {length} numbers")))?;
    Keypair::try_from(&whole[..]).map_err(|_| invalid("the public key does not belong to the secret key".to_owned()))
}

/// Whether a text is, by all appearances, a secret key: 64 bytes in base58 or hex of which the second half is the public key of
/// the first; 32 or 64 numbers as JSON; or a seed phrase. Settings and flags hold none, so whoever gives one gave it by mistake.
pub fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    let is_keypair = |bytes: Vec<u8>| bytes.len() == KEYPAIR_BYTES && Keypair::try_from(&bytes[..]).is_ok();
    let is_list = || {
        let numbers: Option<Vec<u8>> = text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten();
        numbers.is_some_and(|numbers| [KEYPAIR_BYTES / 2, KEYPAIR_BYTES].contains(&numbers.len()))
    };
    let in_base58 = || (80..=90).contains(&text.len()) && bs58::decode(text).into_vec().is_ok_and(is_keypair);
    let in_hex = || text.len() == KEYPAIR_BYTES * 2 && hex::decode(text).is_ok_and(is_keypair);
    let is_phrase = || text.split_whitespace().count() >= 12 && bip39::Mnemonic::parse(text).is_ok();
    is_list() || in_base58() || in_hex() || is_phrase()
}

/// Writes a keypair for its owner's eyes only. `C0105` when the file exists: a key is never overwritten.
pub fn write_keypair(path: &Path, keypair: &Keypair) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| inaccessible(path, &error))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => ChainError::KeypairExists { path: path.to_owned() },
        _ => inaccessible(path, &error),
    })?;
    let text =
        serde_json::to_string(keypair.to_bytes().as_slice()).map_err(|error| inaccessible(path, &error.into()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| inaccessible(path, &error))
}

/// Reads the keypair at `path`, or makes one there if the file does not exist.
pub fn read_or_create_keypair(path: &Path) -> Result<Keypair> {
    if path.exists() {
        return read_keypair(path);
    }
    let keypair = Keypair::new();
    write_keypair(path, &keypair)?;
    tracing::info!(path = %path.display(), address = %keypair.pubkey(), "created a keypair");
    Ok(keypair)
}

fn inaccessible(path: &Path, error: &std::io::Error) -> ChainError {
    ChainError::KeypairInaccessible { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_keypair_is_read_back_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/key.json");
        let keypair = Keypair::new();
        write_keypair(&path, &keypair).unwrap();
        assert_eq!(read_keypair(&path).unwrap().to_bytes(), keypair.to_bytes());
        assert_eq!(write_keypair(&path, &Keypair::new()).unwrap_err().code(), "C0105");
        assert_eq!(read_or_create_keypair(&path).unwrap().to_bytes(), keypair.to_bytes());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_missing_keypair_is_created_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.json");
        let created = read_or_create_keypair(&path).unwrap();
        assert_eq!(read_or_create_keypair(&path).unwrap().to_bytes(), created.to_bytes());
    }

    #[test]
    fn a_secret_is_told_from_what_looks_like_one() {
        let keypair = Keypair::new();
        let bytes = keypair.to_bytes();
        let base58 = keypair.to_base58_string();
        let phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        let half = format!("{:?}", &bytes[..32]);
        for secret in [&base58, &hex::encode(bytes), &format!("{bytes:?}"), &half, phrase, &format!(" {base58}\n")] {
            assert!(looks_secret(secret));
        }
        let signature = keypair.sign_message(b"x").to_string();
        let address = keypair.pubkey().to_string();
        for public in [
            &signature,
            &address,
            &"ab".repeat(32),
            "[1,2,3]",
            "/keys/id.json",
            "",
            "twelve words of no phrase a b c d e f g",
        ] {
            assert!(!looks_secret(public), "{public}");
        }
    }

    #[test]
    fn no_error_repeats_anything_of_a_damaged_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let mut bytes = [201_u16; 64];
        bytes[7] = 999;
        let (long, wrong) = (format!("{:?}", [201_u8; 65]), format!("{:?}", [201_u8; 64]));
        let quoted = format!("\"{}\"", Keypair::new().to_base58_string());
        for damage in [&format!("{bytes:?}"), &long, &wrong, &quoted, &quoted[1..quoted.len() - 1]] {
            fs::write(&path, damage).unwrap();
            let error = read_keypair(&path).unwrap_err();
            let said = format!("{error} {error:?}");
            let leaks = said.contains("201") || said.contains("999") || said.contains(damage.trim_matches('"'));
            assert!(error.code() == "C0104" && !leaks, "{said}");
        }
    }

    #[test]
    fn each_damage_has_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        assert_eq!(read_keypair(&path).unwrap_err().code(), "C0103");
        let mut foreign = Keypair::new().to_bytes();
        foreign[32..].copy_from_slice(Keypair::new().pubkey().as_ref());
        let foreign = serde_json::to_string(foreign.as_slice()).unwrap();
        for damage in ["", "[1,2,3]", "[1,2,999]", "{}", "not json", &foreign] {
            fs::write(&path, damage).unwrap();
            assert_eq!(read_keypair(&path).unwrap_err().code(), "C0104", "{damage}");
        }
    }
}
