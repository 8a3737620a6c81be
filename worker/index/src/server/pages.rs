//! Lists, single accounts and totals.

use super::{Shared, query};
use crate::error::RequestError;
use crate::shape::{AccountHistory, JobHistory, JobRow, NodeHistory, NodeRow, Page, Stats};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use std::sync::Arc;

type Answer<T> = Result<Json<T>, RequestError>;

pub(super) async fn jobs(State(shared): State<Arc<Shared>>, uri: Uri) -> Answer<Page<JobRow>> {
    let asked = query::jobs(&uri)?;
    shared.read(move |history| history.jobs(&asked)).await.map(Json)
}

pub(super) async fn job(State(shared): State<Arc<Shared>>, Path(text): Path<String>, uri: Uri) -> Answer<JobHistory> {
    let (address, after) = (query::address("address", &text)?, query::after(&uri)?.unwrap_or_default());
    let found = shared.read(move |history| history.job(&address, after)).await?;
    found.map(Json).ok_or(RequestError::Unknown { what: "job", address: address.to_string() })
}

pub(super) async fn nodes(State(shared): State<Arc<Shared>>, uri: Uri) -> Answer<Page<NodeRow>> {
    let (after, limit) = query::nodes(&uri)?;
    shared.read(move |history| history.nodes(after, limit)).await.map(Json)
}

pub(super) async fn node(State(shared): State<Arc<Shared>>, Path(text): Path<String>, uri: Uri) -> Answer<NodeHistory> {
    let (address, after) = (query::address("address", &text)?, query::after(&uri)?.unwrap_or_default());
    let found = shared.read(move |history| history.node(&address, after)).await?;
    found.map(Json).ok_or(RequestError::Unknown { what: "node", address: address.to_string() })
}

pub(super) async fn account(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
    uri: Uri,
) -> Answer<AccountHistory> {
    let (address, after) = (query::address("address", &text)?, query::after(&uri)?.unwrap_or_default());
    let found = shared.read(move |history| history.account_history(&address, after)).await?;
    found.map(Json).ok_or(RequestError::Unknown { what: "account", address: address.to_string() })
}

pub(super) async fn stats(State(shared): State<Arc<Shared>>, uri: Uri) -> Answer<Stats> {
    let hours = query::hours(&uri)?;
    shared.read(move |history| history.stats(hours)).await.map(Json)
}
