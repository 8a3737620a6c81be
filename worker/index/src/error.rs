//! What can go wrong, with codes that never change: `H01xx` for the index itself, `H02xx` for requests.

use std::path::PathBuf;

/// Why the index cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another process has it open.
    #[error("H0101 {path} is in use; another index runs on this folder: stop it, or give each its own --folder")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The database failed.
    #[error("H0102 index {path}: {source}; check the disk, then start again: what was written is kept")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What it said.
        source: Box<redb::Error>,
    },
    /// What is in it cannot be read.
    #[error(
        "H0103 index {path}: {what} is unreadable: {reason}; another version wrote it: start with an empty --folder"
    )]
    Unreadable {
        /// The database file.
        path: PathBuf,
        /// Which entry.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The folder holds the history of another chain.
    #[error(
        "H0104 {path} is the history of chain {kept}, and the endpoint serves {served}; give each chain its own --folder"
    )]
    OtherChain {
        /// The database file.
        path: PathBuf,
        /// Genesis hash of the kept one.
        kept: String,
        /// Genesis hash of the endpoint.
        served: String,
    },
    /// The endpoint is far behind what is kept: it lags, or it is a chain that was begun anew.
    #[error(
        "H0110 the endpoint is at slot {served}, and {path} has seen slot {kept}; wait until it has caught up, or start with an empty --folder if the chain was begun anew"
    )]
    EndpointBehind {
        /// The database file.
        path: PathBuf,
        /// The last slot that was seen.
        kept: u64,
        /// Where the endpoint is.
        served: u64,
    },
    /// The folder cannot be made.
    #[error("H0105 cannot create {path}: {source}; check the path and its permissions")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is taken or not ours.
    #[error("H0106 cannot listen on {address}: {source}; choose another --listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The follower ended although nobody asked it to.
    #[error("H0107 the follower of the chain ended; start the index again")]
    FollowerEnded,
    /// The server failed.
    #[error("H0108 the HTTP server failed: {0}; start the index again")]
    Server(#[from] assay_store::StoreError),
    /// The chain could not be asked.
    #[error(transparent)]
    Chain(#[from] assay_chain::ChainError),
    /// A task of this process broke off.
    #[error("H0109 a task of the index broke off: {0}; this is a defect")]
    Task(#[from] tokio::task::JoinError),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A parameter that the path does not take.
    #[error("H0201 the query is unreadable: {0}; see the table of paths in worker/index/README.md")]
    Query(String),
    /// A value of a parameter.
    #[error("H0202 {parameter}={value} is not {expected}")]
    Parameter {
        /// Which parameter.
        parameter: &'static str,
        /// What was given, shortened.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The query is too long.
    #[error("H0203 the query has {bytes} bytes; at most {most} are taken")]
    QueryTooLong {
        /// Its length.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// Nothing is known of this address.
    #[error("H0204 no {what} {address} was ever seen; the index knows what existed while it ran, and what exists now")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its address.
        address: String,
    },
    /// No such path.
    #[error("H0205 there is no such path; see the table of paths in worker/index/README.md")]
    NoSuchRoute,
    /// Only reading is offered.
    #[error("H0206 only GET, HEAD and OPTIONS are taken here")]
    MethodNotAllowed,
    /// Too many requests, or too many followers of events, are at work.
    #[error("H0207 too many {0} at a time; try again in a moment")]
    Busy(&'static str),
    /// The id is of another history.
    #[error(
        "H0208 event {asked} is after the last one, {last}: the index was made anew; begin again with /v1/snapshot"
    )]
    EventAhead {
        /// The id that was asked for.
        asked: u64,
        /// The last one.
        last: u64,
    },
    /// The index itself failed.
    #[error("H0209 the index could not be read; its log says why")]
    Internal,
}

impl RequestError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "H0201",
            Self::Parameter { .. } => "H0202",
            Self::QueryTooLong { .. } => "H0203",
            Self::Unknown { .. } => "H0204",
            Self::NoSuchRoute => "H0205",
            Self::MethodNotAllowed => "H0206",
            Self::Busy(_) => "H0207",
            Self::EventAhead { .. } => "H0208",
            Self::Internal => "H0209",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_begins_with_its_code() {
        let all = [
            RequestError::Query("x".into()),
            RequestError::Parameter { parameter: "limit", value: "x".into(), expected: "a number" },
            RequestError::QueryTooLong { bytes: 2, most: 1 },
            RequestError::Unknown { what: "job", address: "x".into() },
            RequestError::NoSuchRoute,
            RequestError::MethodNotAllowed,
            RequestError::Busy("requests"),
            RequestError::EventAhead { asked: 2, last: 1 },
            RequestError::Internal,
        ];
        for (place, error) in all.iter().enumerate() {
            assert_eq!(error.code(), format!("H02{:02}", place + 1));
            assert!(error.to_string().starts_with(error.code()), "{error}");
        }
    }
}
