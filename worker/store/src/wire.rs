//! The bodies of answers that are not artifacts.

use serde::{Deserialize, Serialize};

use crate::id::ArtifactId;

/// Why a request was refused.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorReply {
    /// The stable code of the error.
    pub(crate) code: String,
    /// The whole message, code included.
    pub(crate) message: String,
}

/// What an upload became.
#[derive(Debug, Serialize)]
pub(crate) struct StoredReply {
    pub(crate) id: ArtifactId,
    pub(crate) bytes: u64,
}

/// The server is up.
#[derive(Debug, Serialize)]
pub(crate) struct HealthReply {
    pub(crate) status: &'static str,
}
