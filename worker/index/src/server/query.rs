//! Reading what is asked for; pure.

use crate::error::RequestError;
use crate::fold::snake;
use crate::history::{JOB_STATES, JobQuery};
use assay::state_machine::JobState;
use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use solana_sdk::pubkey::Pubkey;

/// Rows of a page unless it is said, and at most.
const ROWS: usize = 50;
const MOST_PAGE_ROWS: usize = 200;
/// Hours of the totals unless it is said, and at most: 30 days.
const HOURS: usize = 24;
const MOST_HOURS: usize = 720;
/// Characters of a wrong value that are said back.
const SHOWN: usize = 64;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct JobParameters {
    state: Option<String>,
    client: Option<String>,
    node: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NodeParameters {
    after: Option<String>,
    limit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HistoryParameters {
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StatsParameters {
    hours: Option<String>,
}

/// `/v1/jobs?state=&client=&node=&before=&limit=`.
pub(crate) fn jobs(uri: &Uri) -> Result<JobQuery, RequestError> {
    let asked: JobParameters = read(uri)?;
    Ok(JobQuery {
        state: asked.state.as_deref().map(state).transpose()?,
        client: asked.client.as_deref().map(|text| address("client", text)).transpose()?,
        node: asked.node.as_deref().map(|text| address("node", text)).transpose()?,
        before: asked.before.as_deref().map(place).transpose()?,
        limit: number("limit", asked.limit.as_deref(), ROWS, MOST_PAGE_ROWS, "a number from 1 to 200")?,
    })
}

/// `/v1/nodes?after=&limit=`.
pub(crate) fn nodes(uri: &Uri) -> Result<(Option<Pubkey>, usize), RequestError> {
    let asked: NodeParameters = read(uri)?;
    let after = asked.after.as_deref().map(|text| address("after", text)).transpose()?;
    Ok((after, number("limit", asked.limit.as_deref(), ROWS, MOST_PAGE_ROWS, "a number from 1 to 200")?))
}

/// `?after=` of a history: the id of a record.
pub(crate) fn after(uri: &Uri) -> Result<Option<u64>, RequestError> {
    let asked: HistoryParameters = read(uri)?;
    asked.after.as_deref().map(|text| record_id("after", text)).transpose()
}

/// `/v1/stats?hours=`.
pub(crate) fn hours(uri: &Uri) -> Result<usize, RequestError> {
    let asked: StatsParameters = read(uri)?;
    number("hours", asked.hours.as_deref(), HOURS, MOST_HOURS, "a number from 1 to 720")
}

/// Nothing is asked for.
pub(super) fn nothing(uri: &Uri) -> Result<(), RequestError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    read::<Nothing>(uri).map(|_| ())
}

/// An address in a path or a query.
pub(super) fn address(parameter: &'static str, text: &str) -> Result<Pubkey, RequestError> {
    text.parse().map_err(|_| wrong(parameter, text, "an address in base58"))
}

/// The id of a record.
pub(super) fn record_id(parameter: &'static str, text: &str) -> Result<u64, RequestError> {
    text.parse().map_err(|_| wrong(parameter, text, "the id of a record"))
}

fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, RequestError> {
    Query::try_from_uri(uri).map(|Query(asked)| asked).map_err(|error| RequestError::Query(error.body_text()))
}

fn state(text: &str) -> Result<JobState, RequestError> {
    let found = JOB_STATES.into_iter().find(|state| snake(state) == text);
    found.ok_or_else(|| {
        wrong("state", text, "posted, claimed, committed, accepted, settled, cancelled, expired, missed or convicted")
    })
}

fn place(text: &str) -> Result<(u64, Pubkey), RequestError> {
    let read = text.split_once('-').and_then(|(slot, address)| Some((slot.parse().ok()?, address.parse().ok()?)));
    read.ok_or_else(|| wrong("before", text, "what `next` of the page before said"))
}

fn number(
    parameter: &'static str,
    text: Option<&str>,
    otherwise: usize,
    most: usize,
    expected: &'static str,
) -> Result<usize, RequestError> {
    let Some(text) = text else { return Ok(otherwise) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| wrong(parameter, text, expected))
}

fn wrong(parameter: &'static str, value: &str, expected: &'static str) -> RequestError {
    RequestError::Parameter { parameter, value: value.chars().take(SHOWN).collect(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(query: &str) -> Uri {
        format!("/v1/jobs?{query}").parse().unwrap()
    }

    #[test]
    fn every_parameter_is_read() {
        let key = Pubkey::new_from_array([7; 32]);
        let query = jobs(&uri(&format!("state=settled&client={key}&node={key}&before=5-{key}&limit=200"))).unwrap();
        let expected = JobQuery {
            state: Some(JobState::Settled),
            client: Some(key),
            node: Some(key),
            before: Some((5, key)),
            limit: 200,
        };
        assert_eq!(query, expected);
        assert_eq!(jobs(&uri("")).unwrap(), JobQuery { limit: 50, ..JobQuery::default() });
        assert_eq!(nodes(&uri(&format!("after={key}"))).unwrap(), (Some(key), 50));
        assert_eq!((hours(&uri("")).unwrap(), hours(&uri("hours=720")).unwrap()), (24, 720));
        assert_eq!(after(&uri("after=9")).unwrap(), Some(9));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (query, code) in [
            ("limit=0", "H0202"),
            ("limit=201", "H0202"),
            ("limit=-1", "H0202"),
            ("state=open", "H0202"),
            ("client=0", "H0202"),
            ("node=x", "H0202"),
            ("before=7", "H0202"),
            ("colour=red", "H0201"),
            ("limit=1&limit=2", "H0201"),
        ] {
            assert_eq!(jobs(&uri(query)).unwrap_err().code(), code, "{query}");
        }
        assert_eq!(hours(&uri("hours=721")).unwrap_err().code(), "H0202");
        assert_eq!(after(&uri("after=x")).unwrap_err().code(), "H0202");
        assert_eq!(nothing(&uri("x=1")).unwrap_err().code(), "H0201");
        let long = jobs(&uri(&format!("state={}", "x".repeat(400)))).unwrap_err().to_string();
        assert!(long.len() < 250, "{long}");
    }
}
