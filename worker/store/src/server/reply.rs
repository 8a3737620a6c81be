//! Answers that are not artifacts.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::error::StoreError;
use crate::id::ArtifactId;
use crate::wire::ErrorReply;

/// A request that failed, as its answer.
pub(super) struct Refusal(pub(super) StoreError);

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status_of(&self.0);
        let error = if status == StatusCode::INTERNAL_SERVER_ERROR {
            // Paths of this machine are nothing for strangers.
            tracing::error!(error = %self.0, "a request failed");
            StoreError::ServerFailed
        } else {
            self.0
        };
        let reply = ErrorReply { code: error.code().to_owned(), message: public_message(&error) };
        let mut response = (status, [(CACHE_CONTROL, "no-store")], Json(reply)).into_response();
        if let Some((name, value)) = extra_header(&error) {
            response.headers_mut().insert(name, value);
        }
        if matches!(error, StoreError::RangeOutside { .. }) {
            response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        response
    }
}

/// The artifact that a request's path names.
pub(super) fn requested_id(path: Result<Path<String>, PathRejection>) -> Result<ArtifactId, StoreError> {
    // Rejected where the path is not UTF-8.
    path.map_or_else(|rejection| Err(StoreError::bad_id(&rejection.body_text())), |Path(id)| id.parse())
}

fn status_of(error: &StoreError) -> StatusCode {
    match error {
        StoreError::NotFound { .. } | StoreError::NoSuchRoute => StatusCode::NOT_FOUND,
        StoreError::BadId { .. } | StoreError::SourceFailed { .. } => StatusCode::BAD_REQUEST,
        StoreError::Unauthorized => StatusCode::UNAUTHORIZED,
        StoreError::UploadsRefused | StoreError::OriginRefused { .. } => StatusCode::FORBIDDEN,
        StoreError::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        StoreError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
        StoreError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        StoreError::RangeOutside { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        StoreError::WrongHash { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        StoreError::Busy | StoreError::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        StoreError::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn public_message(error: &StoreError) -> String {
    match error {
        StoreError::DiskFull { .. } => format!("{}: the server's disk is full; use another store", error.code()),
        _ => error.to_string(),
    }
}

fn extra_header(error: &StoreError) -> Option<(HeaderName, HeaderValue)> {
    match error {
        StoreError::Unauthorized => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        StoreError::Busy => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
        StoreError::RangeOutside { length_bytes, .. } => {
            HeaderValue::try_from(format!("bytes */{length_bytes}")).ok().map(|value| (CONTENT_RANGE, value))
        }
        _ => None,
    }
}
