//! Keypair files in the format of the Solana CLI: a JSON array of 64 numbers, the secret key and then the public key.

use crate::error::{ChainError, Result};
use solana_sdk::{signature::Keypair, signer::Signer};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Reads a keypair. `C0103` when the file cannot be read, `C0104` when it holds something else, among it a public key
/// that does not belong to the secret key.
pub fn read_keypair(path: &Path) -> Result<Keypair> {
    let text = fs::read_to_string(path).map_err(|error| inaccessible(path, &error))?;
    let invalid = |reason: String| ChainError::KeypairInvalid { path: path.to_owned(), reason };
    let bytes: Vec<u8> = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    Keypair::try_from(bytes.as_slice()).map_err(|error| invalid(error.to_string()))
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
