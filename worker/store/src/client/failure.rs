//! Why one attempt failed that may be made again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use reqwest::Response;

use super::guard::{chain_of, header_text, refusal_behind, refusal_reason};
use super::retry::RetrySchedule;
use crate::error::{Result, StoreError, quoted};

/// Why one attempt failed that may be made again.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection, or no answer.
    Unreachable(String),
    /// The connection was lost, or fell silent, within the body.
    Broken(String),
    /// A status that may pass.
    Status { status: u16, reason: String, wished_wait: Option<Duration> },
}

impl Failure {
    /// Sorts an error of the HTTP library.
    ///
    /// # Errors
    /// [`StoreError::AddressRefused`] where the resolver refused: trying again would not change that.
    pub(super) fn of_request(error: &reqwest::Error) -> Result<Self> {
        match refusal_behind(error) {
            Some(refusal) => Err(refusal),
            None => Ok(Self::Unreachable(chain_of(error))),
        }
    }

    /// A status that may pass, with what the server says about it; reading that takes at most `patience`.
    pub(super) async fn of_status(response: Response, patience: Duration) -> Self {
        let status = response.status().as_u16();
        let seconds = header_text(response.headers(), "retry-after").and_then(|value| value.trim().parse().ok());
        let reason = reason_within(response, patience).await;
        Self::Status { status, reason, wished_wait: seconds.map(Duration::from_secs) }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// This failure as an error, where `schedule` says that it was the last attempt.
    pub(super) async fn wait(
        self,
        schedule: &mut RetrySchedule,
        uri: &str,
        received_bytes: u64,
        gained_bytes: u64,
    ) -> Result<()> {
        let wished = match &self {
            Self::Status { wished_wait, .. } => *wished_wait,
            Self::Unreachable(_) | Self::Broken(_) => None,
        };
        let jitter = RandomState::new().hash_one(schedule.failures());
        match schedule.after_failure(gained_bytes, wished, jitter) {
            Some(wait) => {
                tracing::debug!(uri, failure = ?self, ?wait, "will try again");
                tokio::time::sleep(wait).await;
                Ok(())
            }
            None => Err(self.into_error(uri, received_bytes, schedule.failures())),
        }
    }

    fn into_error(self, uri: &str, received_bytes: u64, attempts: u32) -> StoreError {
        let uri = quoted(uri);
        match self {
            Self::Unreachable(reason) => StoreError::Unreachable { uri, attempts, reason },
            Self::Broken(reason) => StoreError::Incomplete { uri, received_bytes, attempts, reason },
            Self::Status { status, reason, .. } => StoreError::HttpStatus { uri, status, reason },
        }
    }
}

/// A status that will not pass, as an error; reading what the server says about it takes at most `patience`.
pub(super) async fn refused_by_server(uri: &str, response: Response, patience: Duration) -> StoreError {
    let status = response.status().as_u16();
    let reason = reason_within(response, patience).await;
    StoreError::HttpStatus { uri: quoted(uri), status, reason }
}

async fn reason_within(response: Response, patience: Duration) -> String {
    tokio::time::timeout(patience, refusal_reason(response)).await.unwrap_or_default()
}
