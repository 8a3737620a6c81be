//! Settings as a file that explains itself.

use super::keys::{KEYS, Key, leaves, table_of};
use super::layers::syntax_reason;
use super::{ConfigError, NodeConfig};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Value;

/// Columns of a comment.
const COLUMNS: usize = 100;

const HEAD: &str = "\
# Settings of an Assay node. Every key can be left out and has its default then.
# The variable ASSAY_NODE_<SECTION>_<KEY> and the flag --set section.key=value come before this file; `assay node config show`
# says where each value comes from. A running node takes up a change within seconds, or at once on SIGHUP, except of the keys that
# say \"after a restart\"; a file that cannot be used changes nothing and is an error in the log and in the status.
";

/// All keys with their meaning, unit, default and bounds, and these values.
pub(super) fn document(config: &NodeConfig) -> Result<String, ConfigError> {
    let table = table_of(config)?;
    let defaults = table_of(&NodeConfig::default())?;
    let by_path = |table| -> BTreeMap<String, Value> {
        leaves(table).into_iter().map(|(path, value)| (path, value.clone())).collect()
    };
    let (values, defaults) = (by_path(&table), by_path(&defaults));
    let (mut text, mut section) = (HEAD.to_owned(), "");
    for key in KEYS {
        let (of, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if of != section {
            text.push_str(&format!("\n[{of}]\n"));
            section = of;
        }
        text.push('\n');
        text.push_str(&comment(key, defaults.get(key.path)));
        match values.get(key.path) {
            Some(value) => text.push_str(&format!("{name} = {value}\n")),
            None => text.push_str(&format!("# {name} = \"\"\n")),
        }
    }
    Ok(text)
}

fn comment(key: &Key, default: Option<&Value>) -> String {
    let mut words = key.meaning.to_owned();
    if let Some(unit) = key.unit {
        words.push_str(&format!(" In {unit}."));
    }
    let default = default.map_or_else(|| "none".to_owned(), Value::to_string);
    let when = if key.is_live { "" } else { "; taken up after a restart" };
    words.push_str(&format!(" Default: {default}; {}{when}.", key.bounds.rule()));
    wrap(&words)
}

fn wrap(words: &str) -> String {
    let (mut text, mut line) = (String::new(), "#".to_owned());
    for word in words.split(' ') {
        if line.len() > 1 && line.len() + 1 + word.len() > COLUMNS {
            text.push_str(&line);
            text.push('\n');
            line = "#".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
    text
}

/// The text of a settings file with another value for one key; everything else, comments too, stays as somebody wrote it.
/// The value is not checked against the key's bounds.
///
/// # Errors
/// The text is no TOML, or the key's section is no table.
pub fn with_value(path: &Path, text: &str, key: &str, value: &Value) -> Result<String, ConfigError> {
    let failed = |reason: String| ConfigError::Parse { path: path.to_owned(), reason };
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| failed(syntax_reason(text, error.message(), error.span())))?;
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let table = if section.is_empty() {
        document.as_table_mut()
    } else {
        document
            .entry(section)
            .or_insert(toml_edit::table())
            .as_table_mut()
            .ok_or_else(|| failed(format!("{section} is no table")))?
    };
    let mut value: toml_edit::Value =
        value.to_string().parse().map_err(|error: toml_edit::TomlError| failed(error.to_string()))?;
    value.decor_mut().clear();
    match table.get_mut(name).and_then(toml_edit::Item::as_value_mut) {
        // What stands around the value, a comment behind it say, is the value's own.
        Some(present) => {
            *value.decor_mut() = present.decor().clone();
            *present = value;
        }
        None => {
            table.insert(name, toml_edit::Item::Value(value));
        }
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BackendChoice;

    #[test]
    fn a_document_is_the_settings_again_and_explains_every_key() {
        let mut config = NodeConfig {
            adapter: Some("NVIDIA \"H200\"".to_owned()),
            backend: BackendChoice::Wgpu,
            ..NodeConfig::default()
        };
        config.disputes.further_endpoints = vec!["d".to_owned(), "https://rpc.example/?key=1".to_owned()];
        config.prices.denied_graphs = vec!["ab".repeat(32)];
        for config in [config, NodeConfig::default()] {
            let text = document(&config).unwrap();
            assert_eq!(toml::from_str::<NodeConfig>(&text).unwrap(), config, "{text}");
            let flat = text.replace("\n# ", " ");
            for key in KEYS {
                let rule = key.bounds.rule();
                assert!(flat.contains(key.meaning) && flat.contains(&rule), "{}: {flat}", key.path);
            }
            assert!(text.lines().all(|line| !line.starts_with('#') || line.len() <= 130), "{text}");
        }
    }

    #[test]
    fn every_line_that_is_commented_out_is_a_key() {
        let text = document(&NodeConfig::default()).unwrap();
        let uncommented = text.replace("# adapter = \"\"", "adapter = \"\"");
        assert_ne!(uncommented, text);
        assert_eq!(toml::from_str::<NodeConfig>(&uncommented).unwrap().adapter.as_deref(), Some(""));
    }

    #[test]
    fn one_value_is_changed_and_everything_else_stays() {
        let path = Path::new("node.toml");
        let mine = "# mine\nthreads = 3 # three\n[profile] # said\nunits_per_slot = 1 # by hand\nregion = 2\n";
        let changed = with_value(path, mine, "profile.units_per_slot", &77.into()).unwrap();
        assert_eq!(changed, mine.replace("units_per_slot = 1 #", "units_per_slot = 77 #"));
        let added = with_value(path, "threads = 3\n", "profile.units_per_slot", &5.into()).unwrap();
        let config: NodeConfig = toml::from_str(&added).unwrap();
        assert_eq!((config.threads, config.profile.units_per_slot), (3, 5));
        let words =
            with_value(path, "# mine\nlisten = \"127.0.0.1:1\" # here\n", "listen", &"127.0.0.1:2".into()).unwrap();
        assert_eq!(words, "# mine\nlisten = \"127.0.0.1:2\" # here\n");
        assert_eq!(with_value(path, "[", "threads", &1.into()).unwrap_err().code(), "N0002");
        assert!(with_value(path, "profile = 1\n", "profile.units_per_slot", &1.into()).is_err());
    }
}
