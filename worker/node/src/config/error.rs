//! Why settings are refused.

use std::path::PathBuf;

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("N0001 cannot read {path}: {source}; give the path of a TOML file")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("N0002 {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, key and what is expected.
        reason: String,
    },
    /// A value is out of its bounds.
    #[error("N0003 {key} is {value}; {rule}")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What is allowed.
        rule: String,
    },
    /// There is no such key.
    #[error("N0004 {place}: there is no key {key}; {advice}")]
    UnknownKey {
        /// The file and line, the flag, or the environment.
        place: String,
        /// What was given.
        key: String,
        /// The nearest key that there is.
        advice: String,
    },
    /// A value looks like a secret key: it is not repeated.
    #[error(
        "N0005 the value of {key} looks like a secret key, or has credentials in it; settings hold none: take it out, give the file of the key to the \
         command that needs it, and make another key if anybody may have seen this one"
    )]
    Secret {
        /// Where it was given.
        key: String,
    },
}

impl ConfigError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "N0001",
            Self::Parse { .. } => "N0002",
            Self::Value { .. } => "N0003",
            Self::UnknownKey { .. } => "N0004",
            Self::Secret { .. } => "N0005",
        }
    }
}
