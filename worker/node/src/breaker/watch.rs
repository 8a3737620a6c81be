//! Looks, from time to time, at what nobody tells the breaker: whether the RPC endpoints agree, and whether a backend differed.

use crate::driver::Shared;
use crate::journal::JournalError;
use crate::market::Market;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The shortest and the longest pause between two looks.
const LOOK_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(15));
/// Looks within the time for which endpoints have to disagree.
const LOOKS: u32 = 4;

impl<M: Market> Shared<M> {
    /// Asks all endpoints once, and compares what they say.
    async fn look_at_endpoints(&self) -> Result<(), JournalError> {
        let views = self.market.endpoint_views().await;
        let (settings, now) = (self.config.now(), self.breaker.uptime());
        let slot = self.board.slot();
        self.breaker.change(&self.journal, slot, &settings.breaker, |machine| {
            machine.saw_endpoints(&views, now, &settings.breaker);
        })
    }

    /// Notes which backends differed.
    pub(super) fn look_at_backends(&self) {
        let (settings, slot) = (self.config.now(), self.board.slot());
        let (differing, trusted) = self.engine.trust();
        let seen = self.breaker.change(&self.journal, slot, &settings.breaker, |machine| {
            machine.saw_backends(differing, trusted, &settings.breaker);
        });
        if let Err(error) = seen {
            tracing::error!(%error, "what the breaker saw cannot be written down");
        }
    }
}

/// Looks until `stop`.
pub(crate) async fn watch_breaker<M: Market>(
    shared: Arc<Shared<M>>,
    stop: CancellationToken,
) -> Result<(), JournalError> {
    let watching = async {
        loop {
            shared.look_at_backends();
            shared.look_at_endpoints().await?;
            let patience = Duration::from_secs(shared.config.now().breaker.disagreement_seconds);
            let pause = if patience.is_zero() { LOOK_PAUSE.1 } else { patience / LOOKS };
            tokio::time::sleep(pause.clamp(LOOK_PAUSE.0, LOOK_PAUSE.1)).await;
        }
    };
    stop.run_until_cancelled(watching).await.unwrap_or(Ok(()))
}
