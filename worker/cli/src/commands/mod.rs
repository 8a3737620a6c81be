//! One file a command group.

pub(crate) mod demo;
pub(crate) mod job;
pub(crate) mod localnet;
pub(crate) mod measure;
pub(crate) mod model;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod store;

use crate::error::CliError;
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
