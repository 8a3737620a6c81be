//! What a remote store's refusals mean, and what to do about them.

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::credentials::Missing;
use crate::error::{StoreError, quoted};
use crate::id::ArtifactId;

/// The address at which a machine of a cloud has its own credentials.
const MACHINE_ADDRESS: &str = "169.254.169.254";

/// A failure of an operation on artifact `id` of the store `shown`, after `attempts` attempts.
pub(super) fn explained(shown: &str, id: Option<&ArtifactId>, attempts: u32, error: &Error) -> StoreError {
    let uri = match id {
        Some(id) => format!("{shown}{}{id}", crate::uri::ARTIFACTS_PATH),
        None => shown.to_owned(),
    };
    let text = error.to_string();
    if let Some(missing) = cause::<Missing>(error) {
        return StoreError::NoCredentials { reason: missing.0.clone() };
    }
    if text.contains(MACHINE_ADDRESS) {
        let reason = "neither the environment nor the shared file has any, and this machine is none of a cloud's that has its own";
        return StoreError::NoCredentials { reason: reason.to_owned() };
    }
    let (code, said) = (element(&text, "Code"), element(&text, "Message"));
    let store = || shown.to_owned();
    let reason = || {
        quoted(match (said, code) {
            (Some(said), _) => said,
            (None, Some(code)) => code,
            (None, None) => "it gave no reason",
        })
    };
    match code.unwrap_or_default() {
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "AuthorizationHeaderMalformed"
        | "InvalidSecurity"
        | "NotSignedUp" => {
            return StoreError::CredentialsRefused { store: store(), reason: reason() };
        }
        "RequestTimeTooSkewed" | "RequestExpired" => return StoreError::ClockSkewed { store: store() },
        "NoSuchBucket" | "InvalidBucketName" => return StoreError::BucketMissing { store: store() },
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => {
            return StoreError::AccessDenied { store: store(), reason: reason() };
        }
        "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
            return StoreError::WrongRegion { store: store() };
        }
        _ => {}
    }
    match (error, id) {
        (Error::NotFound { .. }, Some(id)) => return StoreError::NotFound { id: *id },
        (Error::NotFound { .. }, None) => return StoreError::BucketMissing { store: store() },
        (Error::PermissionDenied { .. }, _) => return StoreError::AccessDenied { store: store(), reason: reason() },
        (Error::Unauthenticated { .. }, _) => {
            return StoreError::CredentialsRefused { store: store(), reason: reason() };
        }
        _ => {}
    }
    if let Some(error) = cause::<HttpError>(error) {
        let reason = match error.kind() {
            HttpErrorKind::Timeout => "it was silent for too long".to_owned(),
            _ => quoted(&innermost(error)),
        };
        return StoreError::Unreachable { uri: quoted(&uri), attempts, reason };
    }
    if text.contains("redirect without LOCATION") {
        return StoreError::WrongRegion { store: store() };
    }
    match status(&text) {
        Some(301 | 302 | 303 | 307 | 308) => StoreError::WrongRegion { store: store() },
        Some(status) => StoreError::HttpStatus { uri: quoted(&uri), status, reason: reason_or_nothing(said) },
        None => StoreError::RemoteFailed { store: store(), reason: quoted(&innermost(error)) },
    }
}

fn reason_or_nothing(said: Option<&str>) -> String {
    said.map(quoted).unwrap_or_default()
}

/// The first error of this kind among the causes.
fn cause<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    let mut next = Some(error as &(dyn std::error::Error + 'static));
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What the last cause says: those before it repeat it among addresses and counts of attempts.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().chars().filter(|character| !character.is_control()).collect()
}

/// The text of the first XML element of this name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = text.split_once(&open)?.1;
    Some(rest.split_once(&close)?.0)
}

/// The status that an error of the library speaks of.
fn status(text: &str) -> Option<u16> {
    let rest = text.split_once("status code: ")?.1;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    fn told(status: &str, code: &str) -> String {
        format!(
            "Error performing PUT https://s3.example/b in 1ms - Server returned non-2xx status code: {status}: <Error><Code>{code}</Code><Message>because of it</Message></Error>"
        )
    }

    #[test]
    fn the_stores_codes_become_ours() {
        for (status, theirs, ours) in [
            ("403 Forbidden", "InvalidAccessKeyId", "S0504"),
            ("403 Forbidden", "SignatureDoesNotMatch", "S0504"),
            ("400 Bad Request", "ExpiredToken", "S0504"),
            ("403 Forbidden", "AccessDenied", "S0505"),
            ("404 Not Found", "NoSuchBucket", "S0506"),
            ("403 Forbidden", "RequestTimeTooSkewed", "S0507"),
            ("301 Moved", "PermanentRedirect", "S0508"),
            ("503 Service Unavailable", "SlowDown", "S0302"),
        ] {
            let error = explained("s3://b", None, 3, &generic(&told(status, theirs)));
            assert_eq!(error.code(), ours, "{theirs}: {error}");
        }
    }

    #[test]
    fn what_has_no_code_is_told_by_kind_and_status() {
        let id = ArtifactId::of(b"a");
        let source = || "status".into();
        let missing = Error::NotFound { path: "x".into(), source: source() };
        assert_eq!(explained("s3://b", Some(&id), 1, &missing).code(), "S0101");
        assert_eq!(explained("s3://b", None, 1, &missing).code(), "S0506");
        let denied = Error::PermissionDenied { path: "x".into(), source: source() };
        assert_eq!(explained("s3://b", Some(&id), 1, &denied).code(), "S0505");
        let unknown = Error::Unauthenticated { path: "x".into(), source: source() };
        assert_eq!(explained("s3://b", Some(&id), 1, &unknown).code(), "S0504");
        let transport = HttpError::new(HttpErrorKind::Connect, std::io::Error::other("connection refused"));
        let error = explained("s3://b", Some(&id), 4, &Error::Generic { store: "S3", source: Box::new(transport) });
        assert!(error.is_transient() && error.to_string().contains("4 times in a row: connection refused"), "{error}");
        let busy = explained("s3://b", None, 1, &generic("Server returned non-2xx status code: 502 Bad Gateway: "));
        assert!(busy.code() == "S0302" && busy.is_transient(), "{busy}");
        assert_eq!(explained("s3://b", None, 1, &generic("nothing known")).code(), "S0509");
        let machine = generic("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error: x");
        assert_eq!(explained("s3://b", None, 1, &machine).code(), "S0503");
    }
}
