//! Asks all endpoints for their slots from time to time: so that one that falls behind is left, and one that is well again is used.

use super::pool::Pool;
use futures_util::future::join_all;
use serde_json::{Value, json};
use solana_client::rpc_request::RpcRequest;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How long an endpoint may take to tell its slot.
const PATIENCE: Duration = Duration::from_secs(4);

impl Pool {
    /// Compares the endpoints until it is dropped. One alone is compared with nothing.
    pub(crate) async fn keep_level(&self) {
        if self.count() < 2 {
            return std::future::pending().await;
        }
        let mut round = tokio::time::interval(self.options().check_interval.max(Duration::from_millis(10)));
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            round.tick().await;
            self.compare().await;
        }
    }

    /// Asks all endpoints for their slots once.
    pub(crate) async fn compare(&self) {
        let slots = join_all((0..self.count()).map(|number| async move {
            let parameters = json!([{ "commitment": "confirmed" }]);
            let asked = self.ask(number, RpcRequest::GetSlot, parameters);
            let answer = tokio::time::timeout(PATIENCE, asked).await;
            (number, answer.ok().and_then(Result::ok).as_ref().and_then(Value::as_u64))
        }));
        self.note_together(&slots.await);
        // Whoever is used from now on is found before anybody asks.
        self.choose(&[]);
    }
}
