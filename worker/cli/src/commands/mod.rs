//! One file or folder a command group.

pub(crate) mod budget;
pub(crate) mod delegation;
pub(crate) mod demo;
pub(crate) mod dispute;
pub(crate) mod index;
pub(crate) mod job;
pub(crate) mod kernel;
pub(crate) mod localnet;
pub(crate) mod log;
pub(crate) mod mcp;
pub(crate) mod measure;
pub(crate) mod model;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod packaging;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod transaction;
pub(crate) mod validator;

use crate::error::CliError;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C and SIGTERM cancel.
pub(crate) fn cancelled_by_signals() -> Result<CancellationToken, CliError> {
    let cancel = CancellationToken::new();
    let child = cancel.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        child.cancel();
    });
    Ok(cancel)
}

/// Returns when a signal comes after the one that cancelled `cancel`: whoever repeats it does not want to wait.
pub(crate) async fn second_signal(cancel: &CancellationToken) {
    cancel.cancelled().await;
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Returns when this process has been handed to another parent.
pub(crate) async fn parent_exits() {
    #[cfg(unix)]
    {
        let parent = std::os::unix::process::parent_id();
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
}

/// Reads a file, naming it in the error.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|error| CliError::file("read", path, &error))
}

/// Writes a file, naming it in the error.
pub(crate) fn write_file(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|error| CliError::file("write", path, &error))
}
