//! Where there are no sockets of Unix, there is no door: services run all the same.

use super::{ControlError, Request, path_of};
use crate::readiness::Reason;
use serde_json::Value;
use std::io;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// A door that cannot be opened on this system.
#[derive(Debug)]
pub struct Door(());

impl Door {
    /// Opens the door of a data folder.
    ///
    /// # Errors
    /// Always, on this system.
    pub fn open(data_folder: &Path) -> Result<Self, ControlError> {
        Err(ControlError::Open { path: path_of(data_folder), source: io::ErrorKind::Unsupported.into() })
    }

    /// Does what is asked until `stop`.
    pub async fn serve<H>(self, _: H, stop: CancellationToken)
    where
        H: Fn(Request) -> Result<Value, Reason> + Clone + Send + Sync + 'static,
    {
        stop.cancelled().await;
    }
}

/// Asks the service of a data folder.
///
/// # Errors
/// Always, on this system.
pub async fn ask(data_folder: &Path, _: &Request) -> Result<Value, ControlError> {
    Err(ControlError::Closed { path: path_of(data_folder), source: io::ErrorKind::Unsupported.into() })
}
