//! Sending an artifact from a store to a server.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Client, Response, StatusCode};
use tokio::time::{timeout, timeout_at};
use tokio_util::io::ReaderStream;
use url::Url;

use super::failure::{Failure, refused_by_server};
use super::guard::{guarded_client, header_text};
use super::retry::RetrySchedule;
use super::source::http_url;
use crate::error::{Result, StoreError, is_transient_status, quoted};
use crate::id::ArtifactId;
use crate::local::{CHUNK_BYTES, LocalStore};
use crate::token::UploadToken;
use crate::uri::ARTIFACTS_PATH;

/// What an [`Uploader`] may do, and how patient it is.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// Whether loopback and private addresses may be sent to. Link-local and metadata addresses are refused either way.
    pub allow_private: bool,
    /// The server's token, where it wants one. Over `http` it is sent only where private addresses are allowed.
    pub token: Option<UploadToken>,
    /// After how many failed attempts an upload gives up.
    pub max_attempts: u32,
    /// The wait after the first failed attempt; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait between attempts.
    pub max_wait: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long the server may take for an answer that needs no work.
    pub answer_timeout: Duration,
    /// How long an upload may take in all, waits included.
    pub deadline: Duration,
}

impl Default for UploadOptions {
    /// Public addresses only, no token; 6 attempts with waits from 250 ms to 10 s; 15 minutes in all.
    fn default() -> Self {
        Self {
            allow_private: false,
            token: None,
            max_attempts: 6,
            first_wait: Duration::from_millis(250),
            max_wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
        }
    }
}

/// What an upload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The server had the artifact; nothing was sent.
    AlreadyThere,
    /// The server took the artifact and checked its hash.
    Sent,
}

/// Sends artifacts to servers. Cloning is cheap; clones share their connections.
#[derive(Clone, Debug)]
pub struct Uploader {
    client: Client,
    options: UploadOptions,
}

impl Uploader {
    /// An uploader with these options.
    ///
    /// # Errors
    /// [`StoreError::ClientSetup`].
    pub fn new(options: UploadOptions) -> Result<Self> {
        let client = guarded_client(options.allow_private, options.connect_timeout)?;
        Ok(Self { client, options })
    }

    /// Sends artifact `id` from `store` to the server whose base address is `base`, unless it is there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where `store` does not hold it; refusals of the address as in [`Fetcher::fetch`];
    /// [`StoreError::BadOption`] where the token would be sent unencrypted to a public address;
    /// [`StoreError::HttpStatus`] with the server's reason, [`StoreError::Unreachable`], [`StoreError::DeadlinePassed`].
    ///
    /// [`Fetcher::fetch`]: crate::Fetcher::fetch
    pub async fn upload(&self, base: &str, id: &ArtifactId, store: &LocalStore) -> Result<UploadOutcome> {
        let uri = format!("{}{ARTIFACTS_PATH}{id}", base.trim_end_matches('/'));
        let url = http_url(&uri, self.options.allow_private)?;
        if self.options.token.is_some() && url.scheme() == "http" && !self.options.allow_private {
            return Err(StoreError::BadOption {
                reason: "the upload token would be sent unencrypted to a public address",
                fix: "https, or allow private addresses if the server is in a network of one's own",
            });
        }
        let deadline = tokio::time::Instant::now() + self.options.deadline;
        let sending = timeout_at(deadline, self.send(&uri, &url, id, store));
        let passed = |_| StoreError::DeadlinePassed { uri: quoted(&uri), limit: self.options.deadline };
        sending.await.map_err(passed)?
    }

    async fn send(&self, uri: &str, url: &Url, id: &ArtifactId, store: &LocalStore) -> Result<UploadOutcome> {
        let options = &self.options;
        let mut schedule = RetrySchedule::new(options.max_attempts, options.first_wait, options.max_wait);
        loop {
            match self.attempt(uri, url, id, store).await? {
                Ok(outcome) => return Ok(outcome),
                Err(failure) => failure.wait(&mut schedule, uri, 0, 0).await?,
            }
        }
    }

    /// Asks whether the artifact is there and sends it if not. An error is one that another attempt would meet again.
    async fn attempt(
        &self,
        uri: &str,
        url: &Url,
        id: &ArtifactId,
        store: &LocalStore,
    ) -> Result<std::result::Result<UploadOutcome, Failure>> {
        let reader = store.reader(id).await?;
        let length_bytes = reader.length_bytes();
        let patience = self.options.connect_timeout + self.options.answer_timeout;
        match timeout(patience, self.client.head(url.clone()).send()).await {
            Ok(Ok(answer)) if holds(&answer, length_bytes) => return Ok(Ok(UploadOutcome::AlreadyThere)),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Failure::of_request(&error).map(Err),
            Err(_) => return Ok(Err(Failure::Unreachable(format!("no answer within {} s", patience.as_secs_f64())))),
        }
        let body = Body::wrap_stream(ReaderStream::with_capacity(reader.into_whole(), CHUNK_BYTES));
        let mut request = self
            .client
            .put(url.clone())
            .header(CONTENT_LENGTH, length_bytes)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(body);
        if let Some(token) = &self.options.token {
            request = request.header(AUTHORIZATION, token.header_value());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Failure::of_request(&error).map(Err),
        };
        let status = answer.status();
        if status.is_success() {
            Ok(Ok(UploadOutcome::Sent))
        } else if is_transient_status(status.as_u16()) {
            Ok(Err(Failure::of_status(answer, self.options.answer_timeout).await))
        } else {
            Err(refused_by_server(uri, answer, self.options.answer_timeout).await)
        }
    }
}

fn holds(answer: &Response, length_bytes: u64) -> bool {
    let declared = header_text(answer.headers(), CONTENT_LENGTH.as_str()).and_then(|value| value.parse().ok());
    answer.status() == StatusCode::OK && declared == Some(length_bytes)
}
