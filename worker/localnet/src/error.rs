//! What can go wrong with a local chain, with stable codes.

use assay_chain::ChainError;
use std::path::PathBuf;
use thiserror::Error;

/// Result of every call of this crate.
pub type Result<T> = std::result::Result<T, LocalnetError>;

/// Every error of this crate. [`LocalnetError::code`] is stable.
#[derive(Debug, Error)]
pub enum LocalnetError {
    /// An address cannot be listened on.
    #[error("{host}:{port} cannot be listened on ({reason}): choose another port, or 0 for a free one")]
    PortUnavailable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the system said.
        reason: String,
    },
    /// The chain did not start.
    #[error("the local chain did not start ({reason})")]
    NotStarted {
        /// Why.
        reason: String,
    },
    /// The slot time is out of its bounds.
    #[error("a slot of {given} ms is not possible: choose 10 to 10,000")]
    SlotTimeInvalid {
        /// What was given.
        given: u64,
    },
    /// Time did not travel.
    #[error(
        "the local chain did not travel to slot {slot} ({reason}): time only goes forward, and only on a local chain"
    )]
    TravelRefused {
        /// The slot.
        slot: u64,
        /// What the chain said.
        reason: String,
    },
    /// A file of the market cannot be used.
    #[error("{path} cannot be used ({reason})")]
    FileUnusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The chain client failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl LocalnetError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PortUnavailable { .. } => "C0201",
            Self::NotStarted { .. } => "C0202",
            Self::SlotTimeInvalid { .. } => "C0203",
            Self::TravelRefused { .. } => "C0204",
            Self::FileUnusable { .. } => "C0205",
            Self::Chain(error) => error.code(),
        }
    }
}
