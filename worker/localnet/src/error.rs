//! Why a localnet does not start.

use assay_chain::ChainError;

/// Why a localnet does not start, or cannot be furnished.
#[derive(Debug, thiserror::Error)]
pub enum LocalnetError {
    /// No free port, or the given one is taken.
    #[error("L0101 cannot listen on 127.0.0.1:{port}: {reason}; choose another port")]
    Port {
        /// The port; 0 asked for a free one.
        port: u16,
        /// What the system said.
        reason: String,
    },
    /// The chain did not start.
    #[error("L0102 the local chain did not start: {reason}; another process may hold its ports")]
    Start {
        /// What it said.
        reason: String,
    },
    /// The chain refused something.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// An instruction could not be built.
    #[error("L0103 {0}")]
    Instruction(String),
}
