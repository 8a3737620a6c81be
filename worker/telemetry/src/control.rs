//! A door into a running service: a socket in its data folder, open to whoever may read that folder. One line of JSON in, one
//! out. Who may knock is decided by file modes: the socket lies in a folder that only its owner can enter.

use crate::readiness::Reason;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod socket;

#[cfg(not(unix))]
pub use elsewhere::{Door, ask};
#[cfg(unix)]
pub use socket::{Door, ask};

/// What can be asked of a running service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Log by another filter; without one, say which is in force.
    Log {
        /// A filter in the language of `tracing`.
        filter: Option<String>,
    },
    /// Take nothing new, and end when everything that was promised is over.
    Leave,
    /// Leave no more: take jobs again.
    Stay,
    /// Say how the breaker stands, after ending what an operator's word can end.
    Breaker {
        /// Names of the causes that are to be ended; none to look only.
        reset: Vec<String>,
    },
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(not(unix), allow(dead_code, reason = "there is nobody to answer"))]
enum Answer {
    Done(Value),
    Refused(Reason),
}

/// Why nothing came of a request.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The door cannot be opened.
    #[error("T0111 cannot open the control socket {path}: {source}; use a data folder of one's own with a short path")]
    Open {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody is behind the door.
    #[error("T0112 nothing answers at {path}: {source}; is the service running on this data folder, and is it yours?")]
    Closed {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What came back cannot be read.
    #[error("T0113 the answer of {path} is unreadable: {reason}; it may be of another version")]
    Unreadable {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The service does not do it.
    #[error("{} {}", .0.code, .0.words)]
    Refused(Reason),
}

/// Where the door of a data folder is.
pub fn path_of(data_folder: &Path) -> PathBuf {
    data_folder.join("control").join("socket")
}
