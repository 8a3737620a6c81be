//! What fuzz targets reach of parsers that are nobody else's to call.

use std::net::IpAddr;

use axum::http::HeaderValue;
use url::Url;

use crate::client::{http_url, kind_of, redirect_target};
use crate::range::{RequestedRange, requested_range};
use crate::server::is_loopback_host;

/// Where a fetch of `uri` would go first, if anywhere.
pub fn first_address(uri: &str, allow_private: bool) -> Option<Url> {
    http_url(uri, allow_private).ok()
}

/// Where a redirect would lead, if anywhere.
pub fn redirected(from: &Url, location: &str, allow_private: bool) -> Option<Url> {
    redirect_target(from, Some(location), allow_private).ok()
}

/// Whether a request may go to an address that a name was resolved to.
pub fn may_be_reached(address: IpAddr, allow_private: bool) -> bool {
    kind_of(address).refusal(allow_private).is_none()
}

/// The part of an artifact that a `Range` header selects: start and length; `None` for all and for nothing of it.
pub fn selected(header: &str, total: u64) -> Option<(u64, u64)> {
    match requested_range(header, total) {
        RequestedRange::Part { start, length } => Some((start, length)),
        RequestedRange::Whole | RequestedRange::Unsatisfiable => None,
    }
}

/// Start, length and total of a `Content-Range` header.
pub fn content_range(header: &str) -> Option<(u64, u64, Option<u64>)> {
    crate::range::content_range(header).map(|range| (range.start, range.length, range.total))
}

/// Whether a `Host` header names this machine.
pub fn names_this_machine(host: &HeaderValue) -> bool {
    host.to_str().is_ok_and(is_loopback_host)
}

/// Whether a header `Authorization` carries the token.
pub fn admits(token: &crate::UploadToken, header: &str) -> bool {
    token.admits(header)
}
