//! One download over HTTP: attempts, each resuming where the one before broke off.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, LOCATION, RANGE};
use reqwest::{Client, Response, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::failure::{Failure, refused_by_server};
use super::fetch::{FetchOptions, FetchSource, Fetched, Progress, ProgressSink};
use super::guard::{chain_of, header_text, redirect_target};
use super::retry::RetrySchedule;
use crate::error::{Result, StoreError, is_transient_status, quoted};
use crate::id::ArtifactId;
use crate::local::{LocalStore, ObjectWriter, Resumed, WritePump};
use crate::pace::Pace;
use crate::range::content_range;

/// How often a download looks whether another one of the same artifact has ended.
const BUSY_POLL: Duration = Duration::from_millis(50);

/// Everything one download needs.
pub(super) struct Download<'a> {
    pub(super) client: &'a Client,
    pub(super) options: &'a FetchOptions,
    pub(super) uri: &'a str,
    pub(super) url: Url,
    pub(super) expected: ArtifactId,
    pub(super) max_bytes: u64,
    pub(super) store: &'a LocalStore,
    pub(super) progress: ProgressSink<'a>,
    pub(super) deadline: Instant,
}

/// How an attempt ended that nothing forbids to repeat.
enum Ended {
    /// The source says that this is all.
    Whole,
    /// There should be more.
    Early(Failure),
}

impl Download<'_> {
    /// Downloads and commits the artifact, unless another download does so first.
    pub(super) async fn run(self) -> Result<Fetched> {
        let Some(writer) = self.take_up().await? else {
            let held = self.store.stored(&self.expected).await?;
            let artifact = held.ok_or(StoreError::NotFound { id: self.expected })?;
            return Ok(Fetched { artifact, source: FetchSource::Held });
        };
        let mut pump = WritePump::new(writer, self.max_bytes);
        let outcome = self.fill(&mut pump).await;
        let resumed_bytes = pump.inherited_bytes();
        match outcome {
            Ok(()) => {
                let artifact = self.store.commit(pump.finish().await?, self.expected).await?;
                Ok(Fetched { artifact, source: FetchSource::Http { resumed_bytes } })
            }
            Err(error @ (StoreError::WrongHash { .. } | StoreError::TooLarge { .. })) => {
                pump.discard().await;
                Err(error)
            }
            Err(error) => {
                // What arrived is written and free to be resumed when this returns; the first error says more than a
                // second one.
                let _ = pump.finish().await;
                Err(error)
            }
        }
    }

    /// The unfinished download, once no other task or process is at it; `None` if another one finished it.
    async fn take_up(&self) -> Result<Option<ObjectWriter>> {
        loop {
            let resumed = self.store.resume(self.expected, self.max_bytes).await?;
            // Looked at after the lock was tried: whoever held it may have finished.
            if self.store.contains(&self.expected).await? {
                if let Resumed::Writer(writer) = resumed {
                    writer.discard();
                }
                return Ok(None);
            }
            if let Resumed::Writer(writer) = resumed {
                return Ok(Some(writer));
            }
            if Instant::now() >= self.deadline {
                return Err(self.deadline_passed());
            }
            tokio::time::sleep(BUSY_POLL).await;
        }
    }

    /// Makes attempts until what has arrived is the artifact.
    async fn fill(&self, pump: &mut WritePump) -> Result<()> {
        let options = self.options;
        let mut schedule = RetrySchedule::new(options.max_attempts, options.first_wait, options.max_wait);
        // A process that died between the last byte and the rename has left nothing to ask for.
        if pump.inherited_bytes() > 0 && pump.flush().await? == self.expected {
            return Ok(());
        }
        loop {
            let before_bytes = pump.received_bytes();
            let attempt = timeout_at(self.deadline, self.attempt(pump)).await;
            if let Ok(Err(error)) = attempt {
                return Err(error);
            }
            // Also after a broken attempt: servers that declare a wrong length still send the right bytes.
            let actual = pump.flush().await?;
            if actual == self.expected {
                return Ok(());
            }
            match attempt {
                Ok(Ok(Ended::Early(failure))) => {
                    let gained_bytes = pump.received_bytes().saturating_sub(before_bytes);
                    let wait = failure.wait(&mut schedule, self.uri, pump.received_bytes(), gained_bytes);
                    timeout_at(self.deadline, wait).await.map_err(|_| self.deadline_passed())??;
                }
                // The beginning came with an earlier fetch, perhaps from a hostile source: this one must not be blamed
                // for it, nor the artifact be out of reach for ever. Happens once, as nothing is inherited afterwards.
                Ok(Ok(Ended::Whole)) if pump.inherited_bytes() > 0 => pump.restart().await?,
                Ok(Ok(Ended::Whole)) => return Err(StoreError::WrongHash { expected: self.expected, actual }),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(self.deadline_passed()),
            }
        }
    }

    /// One request and its body. An error is one that another attempt would meet again.
    async fn attempt(&self, pump: &mut WritePump) -> Result<Ended> {
        let offset = pump.received_bytes();
        let response = match self.request(offset).await? {
            Ok(response) => response,
            Err(failure) => return Ok(Ended::Early(failure)),
        };
        let status = response.status();
        let total_bytes = match status {
            StatusCode::OK => {
                // The source does not know ranges and begins anew.
                if offset > 0 {
                    pump.restart().await?;
                }
                response.content_length()
            }
            StatusCode::PARTIAL_CONTENT if offset > 0 => {
                let range = header_text(response.headers(), CONTENT_RANGE.as_str()).and_then(content_range);
                match range {
                    Some(range) if range.start == offset => range.total,
                    _ => {
                        pump.restart().await?;
                        return Ok(Ended::Early(Failure::Broken("it sent another range than was asked".to_owned())));
                    }
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => {
                pump.restart().await?;
                return Ok(Ended::Early(Failure::Broken("it holds less than had arrived from elsewhere".to_owned())));
            }
            _ if is_transient_status(status.as_u16()) => {
                return Ok(Ended::Early(Failure::of_status(response, self.options.stall_timeout).await));
            }
            StatusCode::PARTIAL_CONTENT => return Err(self.protocol("it sent a part where the whole was asked")),
            _ => return Err(refused_by_server(self.uri, response, self.options.stall_timeout).await),
        };
        if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(self.protocol("it sent an encoding that was not asked for"));
        }
        if total_bytes.is_some_and(|total| total > self.max_bytes) {
            return Err(StoreError::TooLarge { limit_bytes: self.max_bytes, found_bytes: total_bytes });
        }
        self.receive(response, total_bytes, pump).await
    }

    /// Sends the request for everything from `offset` on, following redirects.
    async fn request(&self, offset: u64) -> Result<std::result::Result<Response, Failure>> {
        let patience = self.options.connect_timeout + self.options.stall_timeout;
        let mut url = self.url.clone();
        let mut redirects = 0;
        loop {
            let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            if offset > 0 {
                request = request.header(RANGE, format!("bytes={offset}-"));
            }
            let response = match timeout(patience, request.send()).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Failure::of_request(&error).map(Err),
                Err(_) => {
                    return Ok(Err(Failure::Unreachable(format!("no answer within {} s", patience.as_secs_f64()))));
                }
            };
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Ok(response));
            }
            if redirects == self.options.max_redirects {
                let reason = format!("more than {redirects} redirects");
                return Err(StoreError::RedirectRefused { uri: quoted(self.uri), reason });
            }
            redirects += 1;
            let location = header_text(response.headers(), LOCATION.as_str());
            url = redirect_target(&url, location, self.options.allow_private)?;
        }
    }

    /// Takes the body in, up to its end, a break, a silence or a rate that is too low.
    async fn receive(&self, mut response: Response, total_bytes: Option<u64>, pump: &mut WritePump) -> Result<Ended> {
        let FetchOptions { stall_timeout, grace, min_bytes_per_second, .. } = *self.options;
        let (pace, mut arrived_bytes) = (Pace::begin(stall_timeout, grace, min_bytes_per_second), 0);
        loop {
            let now = Instant::now();
            let next_by = pace.next_by(now, arrived_bytes);
            let chunk = match timeout_at(next_by, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Ok(Ended::Early(Failure::Broken(chain_of(&error)))),
                Err(_) if next_by >= now + stall_timeout => {
                    let reason = format!("silent for {} s", stall_timeout.as_secs_f64());
                    return Ok(Ended::Early(Failure::Broken(reason)));
                }
                Err(_) => {
                    let reason = format!("slower than {min_bytes_per_second} bytes a second");
                    return Ok(Ended::Early(Failure::Broken(reason)));
                }
            };
            arrived_bytes += chunk.len() as u64;
            pump.push(chunk).await?;
            (self.progress)(Progress { done_bytes: pump.received_bytes(), total_bytes });
        }
        match total_bytes {
            Some(total) if pump.received_bytes() < total => {
                Ok(Ended::Early(Failure::Broken("it sent less than it has".to_owned())))
            }
            _ => Ok(Ended::Whole),
        }
    }

    fn protocol(&self, reason: &str) -> StoreError {
        StoreError::Protocol { uri: quoted(self.uri), reason: reason.to_owned() }
    }

    fn deadline_passed(&self) -> StoreError {
        StoreError::DeadlinePassed { uri: quoted(self.uri), limit: self.options.deadline }
    }
}
