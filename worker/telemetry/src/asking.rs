//! What a running service says of itself, asked at its status address. That nobody listens there is told from a service that is
//! late, and both from a stranger.

use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::Duration;

/// Why nothing is known of a service that may run.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Somebody listens and does not answer in time.
    #[error(
        "T0121 what listens at {address} did not answer within {seconds} s: it runs and is busy; ask again, and see what its log says"
    )]
    Late {
        /// The status address.
        address: SocketAddr,
        /// How long the answer was waited for.
        seconds: u64,
    },
    /// What answers is no service of this kind, or of another version.
    #[error(
        "T0122 what answers at {address} says no status that can be read ({reason}); see which program listens there, and give status_listen another port if it is a stranger"
    )]
    Unreadable {
        /// The status address.
        address: SocketAddr,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// The status of the service at `address`; nothing where nobody listens. It is waited for as long as `patience`.
///
/// # Errors
/// Somebody listens and is late, or says something else.
pub async fn ask<S: DeserializeOwned>(address: SocketAddr, patience: Duration) -> Result<Option<S>, AskError> {
    let unreadable = |reason: String| AskError::Unreadable { address, reason };
    let failed = |error: reqwest::Error| match error.is_timeout() {
        true => AskError::Late { address, seconds: patience.as_secs() },
        false => unreadable(cause(&error)),
    };
    // What a proxy would say of its own loopback address is nothing about this one.
    let client = reqwest::Client::builder().no_proxy().timeout(patience).build().map_err(failed)?;
    let response = match client.get(format!("http://{address}/v1/status")).send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() && !error.is_timeout() => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !response.status().is_success() {
        return Err(unreadable(format!("HTTP {}", response.status())));
    }
    let body = response.bytes().await.map_err(failed)?;
    serde_json::from_slice(&body).map(Some).map_err(|error| unreadable(error.to_string()))
}

/// The innermost cause: the outer ones say only that something failed.
fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that says this to one request; nothing: it never answers.
    async fn server(answer: Option<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let _ = stream.read(&mut request).await.unwrap();
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
        });
        address
    }

    async fn asked(answer: Option<&'static str>, patience: Duration) -> Result<Option<Value>, AskError> {
        ask(server(answer).await, patience).await
    }

    /// More than any of these takes.
    const LONG: Duration = Duration::from_secs(120);

    #[tokio::test]
    async fn an_answer_is_read_and_nobody_is_nobody() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
        assert_eq!(asked(Some(answer), LONG).await.unwrap(), Some(serde_json::json!({ "a": 1 })));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let free = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(ask::<Value>(free, LONG).await.unwrap(), None);
    }

    #[tokio::test]
    async fn who_is_late_is_told_from_who_is_not_there_and_from_a_stranger() {
        let late = asked(None, Duration::from_millis(200)).await.unwrap_err();
        assert!(matches!(late, AskError::Late { .. }) && late.to_string().starts_with("T0121"), "{late}");
        for stranger in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
            "220 mail\r\n",
        ] {
            let error = asked(Some(stranger), LONG).await.unwrap_err();
            assert!(matches!(error, AskError::Unreadable { .. }) && error.to_string().starts_with("T0122"), "{error}");
        }
    }
}
