//! What differs between two settings, and what of it a running node can take up.

use super::keys::{KEYS, Key, leaves, shown, table_of};
use super::layers::set;
use super::{ConfigError, NodeConfig};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Value;

/// One key whose value is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its path.
    pub key: String,
    /// The value before, as a file has it; of RPC endpoints only the hosts.
    pub before: String,
    /// The value after, likewise.
    pub after: String,
    /// Whether a running node takes it up.
    pub is_live: bool,
}

/// What a running node makes of new settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The settings from now on: the new values of what can be taken up, the old ones of the rest.
    pub config: NodeConfig,
    /// What is taken up.
    pub taken_up: Vec<Change>,
    /// What needs a restart.
    pub needs_restart: Vec<Change>,
}

/// What becomes of `running` settings when the file and what overrides it say `wanted`.
///
/// # Errors
/// Never for settings that are valid; the serialiser's error is passed on all the same.
pub fn revise(running: &NodeConfig, wanted: &NodeConfig) -> Result<Revision, ConfigError> {
    let (mut table, wanted) = (table_of(running)?, table_of(wanted)?);
    let by_path = |table| -> BTreeMap<String, Value> {
        leaves(table).into_iter().map(|(path, value)| (path, value.clone())).collect()
    };
    let (before, after) = (by_path(&table), by_path(&wanted));
    let told = |key: &Key, value: Option<&Value>| {
        value.map_or_else(|| "none".to_owned(), |value| shown(key, value).to_string())
    };
    let (mut taken_up, mut needs_restart) = (Vec::new(), Vec::new());
    for key in KEYS {
        let (old, new) = (before.get(key.path), after.get(key.path));
        if old == new {
            continue;
        }
        let change =
            Change { key: key.path.to_owned(), before: told(key, old), after: told(key, new), is_live: key.is_live };
        match (key.is_live, new) {
            (true, Some(value)) => {
                set(&mut table, key.path, value.clone());
                taken_up.push(change);
            }
            _ => needs_restart.push(change),
        }
    }
    let config = table.try_into().map_err(|error: toml::de::Error| ConfigError::Parse {
        path: PathBuf::from("settings"),
        reason: error.to_string(),
    })?;
    Ok(Revision { config, taken_up, needs_restart })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_taken_up_is_and_the_rest_stays_and_is_named() {
        let running = NodeConfig::default();
        let mut wanted = running.clone();
        wanted.price_floor = 9;
        wanted.sessions.least_price = 8;
        wanted.accepted_mints = vec!["So11111111111111111111111111111111111111112".to_owned()];
        wanted.threads = 7;
        wanted.adapter = Some("x".to_owned());
        let revision = revise(&running, &wanted).unwrap();
        let names = |changes: &[Change]| changes.iter().map(|change| change.key.clone()).collect::<Vec<_>>();
        assert_eq!(names(&revision.taken_up), ["price_floor", "accepted_mints", "sessions.least_price"]);
        assert_eq!(names(&revision.needs_restart), ["adapter", "threads"]);
        assert_eq!((revision.taken_up[0].before.as_str(), revision.taken_up[0].after.as_str()), ("1", "9"));
        let NodeConfig { threads, adapter, .. } = running.clone();
        assert_eq!(revision.config, NodeConfig { threads, adapter, ..wanted.clone() });
        let again = revise(&revision.config, &wanted).unwrap();
        assert!(again.taken_up.is_empty() && again.needs_restart.len() == 2);
        assert_eq!(revise(&running, &running).unwrap().config, running);
    }

    #[test]
    fn of_endpoints_only_the_hosts_are_told() {
        let running = NodeConfig::default();
        let mut wanted = running.clone();
        wanted.disputes.further_endpoints = vec!["https://one/SECRET wss://two/?k=SECRET".to_owned(), "d".to_owned()];
        let revision = revise(&running, &wanted).unwrap();
        assert_eq!(revision.needs_restart[0].after, r#"["https://one/… wss://two/…", "d"]"#);
        let back = revise(&wanted, &running).unwrap();
        assert_eq!(back.needs_restart[0].before, revision.needs_restart[0].after);
    }

    #[test]
    fn an_optional_value_can_go_away_only_with_a_restart() {
        let named = NodeConfig { adapter: Some("x".to_owned()), ..NodeConfig::default() };
        let revision = revise(&named, &NodeConfig::default()).unwrap();
        assert_eq!((revision.config, revision.needs_restart[0].after.as_str()), (named, "none"));
    }
}
