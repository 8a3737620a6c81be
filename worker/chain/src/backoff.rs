//! Waiting longer after each failure.

use crate::error::Result;
use std::future::Future;
use std::time::Duration;

/// Delays that double from `first` up to `longest`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The delay to wait now; the one after it is twice as long.
    pub(crate) fn advance(&mut self) -> Duration {
        let delay = self.next;
        self.next = delay.saturating_mul(2).min(self.longest);
        delay
    }

    /// Begins again with the first delay.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Reads are tried this often before a transient error is reported.
const READ_ATTEMPTS: u32 = 5;

/// Repeats a call that changes nothing while its error is transient.
pub(crate) async fn retry_read<T, F>(call: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    retry(Backoff::new(Duration::from_millis(100), Duration::from_secs(2)), call).await
}

async fn retry<T, F>(mut backoff: Backoff, call: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 1..READ_ATTEMPTS {
        match call().await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "retrying a read");
                tokio::time::sleep(backoff.advance()).await;
            }
            result => return result,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ChainError;
    use std::cell::Cell;

    fn unreachable() -> ChainError {
        ChainError::Unreachable { endpoint: "e".into(), request: "r".into(), reason: "x".into() }
    }

    #[test]
    fn delays_double_up_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        let delays: Vec<_> = (0..4).map(|_| backoff.advance().as_millis()).collect();
        assert_eq!(delays, [100, 200, 350, 350]);
        backoff.reset();
        assert_eq!(backoff.advance().as_millis(), 100);
    }

    fn quick() -> Backoff {
        Backoff::new(Duration::from_millis(1), Duration::from_millis(1))
    }

    #[tokio::test]
    async fn a_transient_error_is_retried_and_finally_reported() {
        let calls = Cell::new(0);
        let succeeds_late = || {
            calls.set(calls.get() + 1);
            let result = if calls.get() < 3 { Err(unreachable()) } else { Ok(7) };
            async move { result }
        };
        assert_eq!(retry(quick(), succeeds_late).await.unwrap(), 7);
        calls.set(0);
        let never = || {
            calls.set(calls.get() + 1);
            async { Err::<(), _>(unreachable()) }
        };
        assert_eq!(retry(quick(), never).await.unwrap_err().code(), "C0110");
        assert_eq!(calls.get(), READ_ATTEMPTS);
    }

    #[tokio::test]
    async fn a_permanent_error_is_reported_at_once() {
        let calls = Cell::new(0);
        let refused = || {
            calls.set(calls.get() + 1);
            async { Err::<(), _>(ChainError::MainnetNotAllowed) }
        };
        assert_eq!(retry(quick(), refused).await.unwrap_err().code(), "C0151");
        assert_eq!(calls.get(), 1);
    }
}
