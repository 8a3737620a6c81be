//! What fuzz targets reach of parsers that are nobody else's to call.

use crate::history::JobQuery;
use crate::server::query;
use axum::http::Uri;
use solana_sdk::pubkey::Pubkey;

/// What a query asks of the jobs.
pub fn jobs(uri: &Uri) -> Option<JobQuery> {
    query::jobs(uri).ok()
}

/// What a query asks of the nodes: after which one, and how many.
pub fn nodes(uri: &Uri) -> Option<(Option<Pubkey>, usize)> {
    query::nodes(uri).ok()
}

/// After which record a history is asked for.
pub fn after(uri: &Uri) -> Option<Option<u64>> {
    query::after(uri).ok()
}

/// Of how many hours the totals are asked for.
pub fn hours(uri: &Uri) -> Option<usize> {
    query::hours(uri).ok()
}
