//! The Solana CLI's own configuration, so that its users need no second one.

use crate::endpoint::Endpoint;
use crate::error::{ChainError, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What the Solana CLI's configuration file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolanaConfig {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The keypair file.
    pub keypair_path: PathBuf,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    json_rpc_url: String,
    #[serde(default)]
    websocket_url: String,
    #[serde(default)]
    keypair_path: String,
}

impl SolanaConfig {
    /// Where the Solana CLI keeps its configuration; nothing if there is no home folder.
    pub fn default_path() -> Option<PathBuf> {
        Some(std::env::home_dir()?.join(".config/solana/cli/config.yml"))
    }

    /// Reads the file at the default path; what the Solana CLI itself assumes (mainnet, `~/.config/solana/id.json`)
    /// where there is none. `C0102` when it is there but cannot be used.
    pub fn load_default() -> Result<Self> {
        match Self::default_path() {
            Some(path) if path.exists() => Self::load(&path),
            _ => Ok(Self { endpoint: Endpoint::parse("m")?, keypair_path: default_keypair_path() }),
        }
    }

    /// Reads the file at `path`. `C0102` when it cannot be read, is not YAML, or names an impossible endpoint.
    pub fn load(path: &Path) -> Result<Self> {
        let unusable = |reason: String| ChainError::ConfigUnusable { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        let file: File = serde_yaml_ng::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        let rpc_url = if file.json_rpc_url.is_empty() { "m" } else { &file.json_rpc_url };
        let endpoint = Endpoint::parse_with_websocket(rpc_url, &file.websocket_url)
            .map_err(|error| unusable(error.to_string()))?;
        let keypair_path = match file.keypair_path.as_str() {
            "" => default_keypair_path(),
            given => expand_home(given),
        };
        Ok(Self { endpoint, keypair_path })
    }
}

/// Where the Solana CLI keeps its keypair unless told otherwise.
pub fn default_keypair_path() -> PathBuf {
    expand_home("~/.config/solana/id.json")
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<SolanaConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yml");
        std::fs::write(&path, text).unwrap();
        SolanaConfig::load(&path)
    }

    #[test]
    fn a_file_as_the_solana_cli_writes_it() {
        let config = load(
            "---\njson_rpc_url: http://localhost:8899\nwebsocket_url: ''\nkeypair_path: /keys/id.json\n\
             address_labels:\n  '11111111111111111111111111111111': System Program\ncommitment: confirmed\n",
        )
        .unwrap();
        assert_eq!(config.endpoint.rpc_url, "http://localhost:8899");
        assert_eq!(config.endpoint.websocket_url, "ws://localhost:8900/");
        assert_eq!(config.keypair_path, PathBuf::from("/keys/id.json"));
    }

    #[test]
    fn fields_left_out_are_those_of_the_solana_cli() {
        let config = load("commitment: confirmed\n").unwrap();
        assert_eq!(config.endpoint, Endpoint::parse("m").unwrap());
        assert_eq!(config.keypair_path, default_keypair_path());
    }

    #[test]
    fn an_explicit_websocket_is_kept() {
        let config = load("json_rpc_url: https://host\nwebsocket_url: wss://other\n").unwrap();
        assert_eq!(config.endpoint.websocket_url, "wss://other");
    }

    #[test]
    fn a_damaged_file_is_refused_by_code() {
        for damage in ["json_rpc_url: [", "json_rpc_url: nonsense", "websocket_url: http://x", "- a\n- b\n"] {
            assert_eq!(load(damage).unwrap_err().code(), "C0102", "{damage}");
        }
        assert_eq!(SolanaConfig::load(Path::new("/nonexistent/config.yml")).unwrap_err().code(), "C0102");
    }
}
