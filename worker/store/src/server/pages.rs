//! Which web pages may read artifacts and upload them: what browsers ask before, and learn with, an answer (CORS).
//!
//! Anybody may read, so any page may. A page can make the browser of somebody on this machine send requests here, so uploads without a
//! token are taken from pages of this machine alone, or of the origins that the operator names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::reply::Refusal;
use super::upload::is_loopback_host;
use super::{ServerOptions, Shared, Uploads};
use crate::error::StoreError;

/// How long a browser may remember what it was allowed, in seconds.
const REMEMBERED_SECONDS: &str = "600";

/// The origin of a page, as browsers write it: `https://app.example` or `http://127.0.0.1:4173`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrigin(String);

impl FromStr for PageOrigin {
    type Err = StoreError;

    /// # Errors
    /// [`StoreError::BadOption`] for what no browser sends as the origin of a page.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = || StoreError::BadOption {
            reason: "the origin of a page is a scheme, a host and perhaps a port, without a path",
            fix: "such as https://app.example or http://127.0.0.1:4173",
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.authority());
        let host = host.filter(|host| !host.as_str().contains('@')).ok_or_else(wrong)?;
        // The parser gives an address without a path the path `/`.
        let whole = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
        if !whole || !matches!(scheme, "http" | "https") {
            return Err(wrong());
        }
        Ok(Self(format!("{scheme}://{}", host.as_str().to_ascii_lowercase())))
    }
}

impl fmt::Display for PageOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses what a page of an origin that may not upload has sent. What is sent by no page says no origin.
pub(super) fn permit_origin(options: &ServerOptions, headers: &HeaderMap) -> Result<(), StoreError> {
    match headers.get(ORIGIN) {
        Some(origin) if !may_upload(options, origin) => {
            let origin = String::from_utf8_lossy(origin.as_bytes()).chars().take(100).collect();
            Err(StoreError::OriginRefused { origin })
        }
        _ => Ok(()),
    }
}

/// Whether pages of this origin may upload, if they have whatever else an upload needs.
fn may_upload(options: &ServerOptions, origin: &HeaderValue) -> bool {
    let Ok(text) = origin.to_str() else { return false };
    if !options.upload_origins.is_empty() {
        return options.upload_origins.iter().any(|allowed| allowed.0.eq_ignore_ascii_case(text));
    }
    match options.uploads {
        Uploads::Refused => false,
        // Who has the token may use it on any page.
        Uploads::Token(_) => true,
        Uploads::Loopback => {
            let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
            host.is_some_and(is_loopback_host)
        }
    }
}

/// Answers what a browser asks before it sends a page's request.
pub(super) async fn preflight(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
    let (methods, allowed) = if asked == Some(b"PUT") {
        if matches!(shared.options.uploads, Uploads::Refused) {
            return Err(Refusal(StoreError::UploadsRefused));
        }
        permit_origin(&shared.options, &headers)?;
        ("GET, HEAD, PUT", "Authorization, Content-Type")
    } else {
        ("GET, HEAD", "Range, If-Range, If-None-Match")
    };
    let answer = [
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_ALLOW_HEADERS, allowed),
        (ACCESS_CONTROL_MAX_AGE, REMEMBERED_SECONDS),
    ];
    Ok((StatusCode::NO_CONTENT, answer).into_response())
}

/// Lets pages read the answers that are theirs: those to reads all, those to uploads of the origins that may upload.
pub(super) async fn answer_pages(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let asked = request.headers().get(ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
    let is_upload = *request.method() == Method::PUT || asked == Some(b"PUT");
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !is_upload {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag, Content-Range, Accept-Ranges"));
        return response;
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.filter(|origin| may_upload(&shared.options, origin)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for (text, origin) in [
            ("https://app.example", "https://app.example"),
            ("http://127.0.0.1:4173", "http://127.0.0.1:4173"),
            ("https://APP.example:8443", "https://app.example:8443"),
        ] {
            assert_eq!(text.parse::<PageOrigin>().unwrap().to_string(), origin);
        }
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "ftp://app.example",
            "https://app.example/",
            "https://app.example/x",
            "https://a@b",
        ] {
            assert_eq!(text.parse::<PageOrigin>().unwrap_err().code(), "S0408", "{text:?}");
        }
    }

    #[test]
    fn who_may_upload_follows_from_how_uploads_are_taken() {
        let token = Uploads::Token(crate::UploadToken::new("correct-horse-battery").unwrap());
        let options = |uploads: &Uploads, named: &[&str]| ServerOptions {
            uploads: uploads.clone(),
            upload_origins: named.iter().map(|origin| origin.parse().unwrap()).collect(),
            ..ServerOptions::default()
        };
        let may = |uploads: &Uploads, named: &[&str], origin: &'static str| {
            may_upload(&options(uploads, named), &HeaderValue::from_static(origin))
        };
        let (here, there) = ("http://localhost:4173", "https://app.example");
        assert!(may(&Uploads::Loopback, &[], here) && may(&Uploads::Loopback, &[], "http://[::1]:1"));
        assert!(!may(&Uploads::Loopback, &[], there) && !may(&Uploads::Loopback, &[], "null"));
        assert!(!may(&Uploads::Loopback, &[], "http://localhost.evil.example"));
        assert!(may(&Uploads::Loopback, &[there], there) && !may(&Uploads::Loopback, &[there], here));
        assert!(may(&token, &[], there) && may(&token, &[], here));
        assert!(!may(&token, &[there], here));
        assert!(!may(&Uploads::Refused, &[], here));
    }
}
