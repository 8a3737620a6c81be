//! The HTTP client of remote stores: the workspace's own, so that one TLS library and one set of roots serve everything.

use std::time::Duration;

use crate::client::bare_client;
use async_trait::async_trait;
use http_body_util::{BodyExt, Limited};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Method};

/// Most bytes of an answer that is not an artifact: an error, a list, a confirmation. A list of the largest page that S3
/// sends has less than 1 MiB; WebDAV lists everything at once, some 700 bytes for each artifact.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// What is sent more slowly is given up. Four parts are sent at a time: 128 KiB a second for all.
const MIN_BYTES_PER_SECOND: u64 = 32 << 10;

/// How long a store may take to put the parts of an upload together.
const ASSEMBLY: Duration = Duration::from_secs(5 * 60);

/// Makes clients with these time-outs.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) connect_timeout: Duration,
    pub(super) stall_timeout: Duration,
    /// Sent with each request, where the store knows nothing of signatures. Never shown.
    pub(super) authorization: Option<HeaderValue>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // The library asks for shorter ones where it looks for a machine's own credentials, which most machines have not.
        let asked = options.get_config_value(&ClientConfigKey::ConnectTimeout);
        let asked = asked.and_then(|text| humantime::parse_duration(&text).ok()).unwrap_or(self.connect_timeout);
        let connect_timeout = asked.min(self.connect_timeout);
        let failed = |error| object_store::Error::Generic { store: "HTTP client", source: Box::new(error) };
        Ok(HttpClient::new(Service {
            reading: bare_client(connect_timeout).read_timeout(self.stall_timeout).build().map_err(failed)?,
            writing: bare_client(connect_timeout).build().map_err(failed)?,
            stall_timeout: self.stall_timeout,
            authorization: self.authorization.clone(),
        }))
    }
}

#[derive(Debug)]
struct Service {
    /// For requests without a body: its time-out is for silence.
    reading: Client,
    /// For requests with a body, during which the store is silent: the time-out is for each request.
    writing: Client,
    stall_timeout: Duration,
    authorization: Option<HeaderValue>,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_download = request.method() == Method::GET && request.uri().query().is_none();
        let (mut parts, body) = request.into_parts();
        if let Some(authorization) = &self.authorization {
            parts.headers.insert(AUTHORIZATION, authorization.clone());
        }
        for secret in ["authorization", "x-amz-security-token", "x-aws-ec2-metadata-token"] {
            if let Some(value) = parts.headers.get_mut(secret) {
                value.set_sensitive(true);
            }
        }
        let length_bytes = body.content_length() as u64;
        let request = match length_bytes {
            0 => self.reading.request(parts.method, parts.uri.to_string()),
            _ => {
                let thinking = if parts.method == Method::POST { ASSEMBLY } else { self.stall_timeout };
                let sending = Duration::from_secs(length_bytes / MIN_BYTES_PER_SECOND);
                self.writing.request(parts.method, parts.uri.to_string()).timeout(thinking + sending)
            }
        };
        let request = request.headers(parts.headers).body(reqwest::Body::wrap(body));
        let answer = request.send().await.map_err(failure)?;
        let is_download = is_download && answer.status().is_success();
        let (parts, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
        let body = match is_download {
            true => HttpResponseBody::new(body.map_err(failure)),
            false => {
                let bounded = Limited::new(body, MAX_ANSWER_BYTES);
                HttpResponseBody::new(bounded.map_err(|error| match error.downcast::<reqwest::Error>() {
                    Ok(error) => failure(*error),
                    Err(error) => HttpError::new_boxed(HttpErrorKind::Decode, error),
                }))
            }
        };
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// Sorts an error of the HTTP library by what the retries do about it, without the address, which our own messages name.
fn failure(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_request() || error.is_body() || error.is_decode() {
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    };
    HttpError::new(kind, error.without_url())
}
