//! Small documents from servers that others name: one request, under the same guard as artifacts.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, StatusCode};
use tokio::time::timeout;

use super::failure::Failure;
use super::fetch::Fetcher;
use super::guard::{chain_of, header_text};
use super::source::http_url;
use crate::error::{Result, StoreError, quoted};

/// What a server answered; the caller judges the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks to wait before the next request.
    pub retry_after: Option<Duration>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Document {
    /// Whether the status is 200.
    pub fn is_ok(&self) -> bool {
        self.status == StatusCode::OK.as_u16()
    }

    /// The text of a header; nothing if it is not there, or is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        header_text(&self.headers, name)
    }
}

impl Fetcher {
    /// One GET of a document of at most `max_bytes`, within `limit`. No redirect is followed and nothing is repeated:
    /// what the server answers is the answer.
    ///
    /// # Errors
    /// [`StoreError::UriMalformed`], [`StoreError::SchemeRefused`], [`StoreError::AddressRefused`],
    /// [`StoreError::Unreachable`], [`StoreError::TooLarge`], [`StoreError::DeadlinePassed`].
    pub async fn document(&self, uri: &str, max_bytes: u64, limit: Duration) -> Result<Document> {
        let url = http_url(uri, self.options().allow_private)?;
        self.answer(uri, self.client().get(url), max_bytes, limit).await
    }

    /// One POST of `body`, whose answer has at most `max_bytes`, within `limit`; as [`document`](Self::document).
    ///
    /// # Errors
    /// Those of [`document`](Self::document).
    pub async fn exchange(&self, uri: &str, body: Vec<u8>, max_bytes: u64, limit: Duration) -> Result<Document> {
        self.exchange_with(uri, &[], body, max_bytes, limit).await
    }

    /// As [`exchange`](Self::exchange), with further headers, each a name in small letters and a text of visible ASCII.
    ///
    /// # Errors
    /// Those of [`document`](Self::document); [`StoreError::Unreachable`], too, for a header that cannot be sent.
    pub async fn exchange_with(
        &self,
        uri: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        max_bytes: u64,
        limit: Duration,
    ) -> Result<Document> {
        let url = http_url(uri, self.options().allow_private)?;
        let request = self.client().post(url).header(CONTENT_TYPE, "application/octet-stream").body(body);
        let request = headers.iter().fold(request, |request, (name, text)| request.header(*name, *text));
        self.answer(uri, request, max_bytes, limit).await
    }

    async fn answer(&self, uri: &str, request: RequestBuilder, max_bytes: u64, limit: Duration) -> Result<Document> {
        let unreachable = |reason| StoreError::Unreachable { uri: quoted(uri), attempts: 1, reason };
        let answer = async {
            let mut response = match request.header(ACCEPT_ENCODING, "identity").send().await {
                Ok(response) => response,
                Err(error) => {
                    Failure::of_request(&error)?;
                    return Err(unreachable(chain_of(&error)));
                }
            };
            let seconds = header_text(response.headers(), "retry-after").and_then(|value| value.trim().parse().ok());
            let too_large = |found_bytes| StoreError::TooLarge { limit_bytes: max_bytes, found_bytes };
            if response.content_length().is_some_and(|bytes| bytes > max_bytes) {
                return Err(too_large(response.content_length()));
            }
            let headers = response.headers().clone();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(chain_of(&error)))? {
                if (body.len() + chunk.len()) as u64 > max_bytes {
                    return Err(too_large(None));
                }
                body.extend_from_slice(&chunk);
            }
            let status = response.status().as_u16();
            Ok(Document { status, retry_after: seconds.map(Duration::from_secs), headers, body })
        };
        let passed = |_| StoreError::DeadlinePassed { uri: quoted(uri), limit };
        timeout(limit, answer).await.map_err(passed)?
    }
}

#[cfg(test)]
mod tests {
    use super::super::fetch::FetchOptions;
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that gives every request the same answer; silence for an empty one.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 2_048];
                let _ = stream.read(&mut request).await;
                if answer.is_empty() {
                    tokio::time::sleep(2 * PATIENCE).await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        format!("http://{address}/v1/thing")
    }

    /// How long an answer that comes at once may take on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn get_within(limit: Duration, uri: &str, allow_private: bool, max_bytes: u64) -> Result<Document> {
        let fetcher = Fetcher::new(FetchOptions { allow_private, ..FetchOptions::default() }).unwrap();
        fetcher.document(uri, max_bytes, limit).await
    }

    async fn get(uri: &str, allow_private: bool, max_bytes: u64) -> Result<Document> {
        get_within(PATIENCE, uri, allow_private, max_bytes).await
    }

    #[tokio::test]
    async fn the_answer_is_given_as_it_is() {
        let uri = server("HTTP/1.1 202 Accepted\r\nretry-after: 3\r\ncontent-length: 5\r\n\r\nhello").await;
        let document = get(&uri, true, 5).await.unwrap();
        assert_eq!((document.status, document.retry_after), (202, Some(Duration::from_secs(3))));
        assert_eq!(document.body, b"hello");
        assert!(!document.is_ok());
    }

    #[tokio::test]
    async fn a_body_is_sent_whole_and_its_answer_bounded() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/v1/thing", listener.local_addr().unwrap());
        let sent = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"the body") {
                let mut part = [0; 512];
                let length = stream.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..length]);
            }
            stream
                .write_all(b"HTTP/1.1 402 Payment Required\r\nPAYMENT-REQUIRED: e30=\r\ncontent-length: 4\r\n\r\nmore")
                .await
                .unwrap();
            String::from_utf8(request).unwrap()
        });
        let fetcher = Fetcher::new(FetchOptions { allow_private: true, ..FetchOptions::default() }).unwrap();
        let headers = [("payment-signature", "AA==")];
        let answer = fetcher.exchange_with(&uri, &headers, b"the body".to_vec(), 4, PATIENCE).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (402, &b"more"[..]));
        assert_eq!((answer.header("payment-required"), answer.header("payment-response")), (Some("e30="), None));
        let request = sent.await.unwrap().to_lowercase();
        assert!(request.contains("payment-signature: aa=="), "{request}");
        assert!(request.starts_with("post /v1/thing ") && request.contains("content-length: 8"), "{request}");
        let again = fetcher.exchange(&uri, vec![], 3, PATIENCE).await;
        assert!(again.is_err(), "the server is gone");
    }

    #[tokio::test]
    async fn what_is_too_large_silent_private_or_elsewhere_is_refused() {
        let long = server("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello!").await;
        assert_eq!(get(&long, true, 5).await.unwrap_err().code(), "S0103");
        let endless = server("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nmore than five").await;
        assert_eq!(get(&endless, true, 5).await.unwrap_err().code(), "S0103");
        let silent = get_within(Duration::from_millis(500), &server("").await, true, 5).await;
        assert_eq!(silent.unwrap_err().code(), "S0304");
        assert_eq!(get(&long, false, 99).await.unwrap_err().code(), "S0205");
        assert_eq!(get("file:///etc/passwd", true, 99).await.unwrap_err().code(), "S0204");
        assert_eq!(get("http://127.0.0.1:9/", true, 99).await.unwrap_err().code(), "S0301");
        let moved = server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(get(&moved, true, 5).await.unwrap().status, 302);
    }
}
