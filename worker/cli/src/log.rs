//! What is logged: on stderr, as text or JSON, by a filter that can be changed while a service runs.

use crate::error::CliError;
use assay_telemetry::readiness::Reason;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The filter in force.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    handle: Handle<EnvFilter, Registry>,
    filter: Arc<Mutex<String>>,
}

/// Our crates. What others log is theirs: addresses of requests, for one, which may have keys in them.
const OURS: [&str; 10] = [
    "assay",
    "assay_node",
    "assay_validator",
    "assay_index",
    "assay_mcp",
    "assay_chain",
    "assay_store",
    "assay_kernels",
    "assay_localnet",
    "assay_telemetry",
];

impl Log {
    /// Begins to log; `verbose` counts the `-v`, and `ASSAY_LOG` goes before it.
    pub(crate) fn begin(verbose: u8, format: LogFormat) -> Self {
        let asked = std::env::var("ASSAY_LOG").ok();
        let (filter, text) = asked
            .and_then(|text| Some((EnvFilter::try_new(&text).ok()?, text)))
            .unwrap_or_else(|| (EnvFilter::new(default_filter(verbose)), default_filter(verbose)));
        let (filter, handle) = reload::Layer::new(filter);
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match format {
            LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        // Tests of this crate may have one already.
        let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
        Self { handle, filter: Arc::new(Mutex::new(text)) }
    }

    /// The filter in force, in the language of `tracing`.
    pub(crate) fn filter(&self) -> String {
        self.filter.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs by another filter from now on; returns the one before.
    pub(crate) fn change(&self, filter: &str) -> Result<String, CliError> {
        let parsed = EnvFilter::builder().parse(filter).map_err(|error| {
            let advice = "a filter is like info, or warn,assay_node=debug";
            CliError::new("A0221", format!("{filter:?} is no filter for the log: {error}; {advice}"))
        })?;
        self.handle
            .reload(parsed)
            .map_err(|error| CliError::new("A0222", format!("the filter of the log cannot be changed: {error}")))?;
        let mut known = self.filter.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut known, filter.to_owned()))
    }
}

/// What a service's control socket answers who asks for its filter, or for another one.
pub(crate) fn answer(log: &Log, filter: Option<String>) -> Result<Value, Reason> {
    let Some(filter) = filter else { return Ok(json!({ "filter": log.filter() })) };
    match log.change(&filter) {
        Ok(before) => {
            tracing::warn!(filter, before, "the filter of the log was changed");
            Ok(json!({ "filter": filter, "before": before }))
        }
        Err(error) => Err(Reason::new(error.code(), error.sentence())),
    }
}

fn default_filter(verbose: u8) -> String {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let mut filter = OURS.iter().map(|target| format!("{target}={level}")).collect::<Vec<_>>().join(",");
    if verbose > 0 {
        // What it warns of is in the error that the command ends with.
        filter.push_str(&format!(",assay_client={level}"));
    }
    format!("error,{filter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_filters_are_filters_and_name_our_crates_alone() {
        for verbose in 0..3 {
            let text = default_filter(verbose);
            assert!(EnvFilter::try_new(&text).is_ok(), "{text}");
            assert!(text.starts_with("error,assay="), "others are heard of only when something fails: {text}");
        }
    }

    #[test]
    fn a_filter_is_changed_or_refused_by_code() {
        let (_layer, handle) = reload::Layer::<EnvFilter, Registry>::new(EnvFilter::new("info"));
        let log = Log { handle, filter: Arc::new(Mutex::new("info".to_owned())) };
        assert_eq!(log.change("warn,assay_node=debug").unwrap(), "info");
        assert_eq!(log.change("assay_node=loud").unwrap_err().code(), "A0221");
        assert_eq!(log.filter(), "warn,assay_node=debug", "what is refused changes nothing");
        assert_eq!(answer(&log, None).unwrap(), json!({ "filter": "warn,assay_node=debug" }));
        let changed = answer(&log, Some("info".to_owned())).unwrap();
        assert_eq!(changed, json!({ "filter": "info", "before": "warn,assay_node=debug" }));
        assert_eq!(answer(&log, Some("assay_node=loud".to_owned())).unwrap_err().code, "A0221");
    }
}
