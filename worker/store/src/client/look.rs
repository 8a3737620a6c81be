//! Whether something is served at an address, without fetching it.

use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, LOCATION};
use tokio::time::timeout;

use super::failure::{Failure, refused_by_server};
use super::fetch::Fetcher;
use super::guard::{header_text, redirect_target};
use super::retry::RetrySchedule;
use super::source::http_url;
use crate::error::{Result, StoreError, is_transient_status, quoted};

impl Fetcher {
    /// The length of what is served at `uri`, by a `HEAD` request under the same guard as a fetch; `None` where the server
    /// does not say.
    ///
    /// # Errors
    /// Refusals of the address as in [`Fetcher::fetch`]; [`StoreError::HttpStatus`] where it is not served;
    /// [`StoreError::Unreachable`], [`StoreError::RedirectRefused`].
    pub async fn served_bytes(&self, uri: &str) -> Result<Option<u64>> {
        let options = self.options();
        let mut schedule = RetrySchedule::new(options.max_attempts, options.first_wait, options.max_wait);
        loop {
            match self.look(uri).await? {
                Ok(bytes) => return Ok(bytes),
                Err(failure) => failure.wait(&mut schedule, uri, 0, 0).await?,
            }
        }
    }

    async fn look(&self, uri: &str) -> Result<std::result::Result<Option<u64>, Failure>> {
        let options = self.options();
        let patience = options.connect_timeout + options.stall_timeout;
        let mut url = http_url(uri, options.allow_private)?;
        for _ in 0..=options.max_redirects {
            let request = self.client().head(url.clone()).header(ACCEPT_ENCODING, "identity");
            let answer = match timeout(patience, request.send()).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => return Failure::of_request(&error).map(Err),
                Err(_) => {
                    return Ok(Err(Failure::Unreachable(format!("no answer within {} s", patience.as_secs_f64()))));
                }
            };
            match answer.status().as_u16() {
                200 => {
                    let declared = header_text(answer.headers(), CONTENT_LENGTH.as_str());
                    return Ok(Ok(declared.and_then(|value| value.parse().ok())));
                }
                301 | 302 | 303 | 307 | 308 => {
                    let location = header_text(answer.headers(), LOCATION.as_str());
                    url = redirect_target(&url, location, options.allow_private)?;
                }
                status if is_transient_status(status) => {
                    return Ok(Err(Failure::of_status(answer, options.stall_timeout).await));
                }
                _ => return Err(refused_by_server(uri, answer, options.stall_timeout).await),
            }
        }
        let reason = format!("more than {} redirects", options.max_redirects);
        Err(StoreError::RedirectRefused { uri: quoted(uri), reason })
    }
}
