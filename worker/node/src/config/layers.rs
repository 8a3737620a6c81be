//! File, environment and flags: each overrides the one before it, and every value remembers where it came from.

use super::keys::{Bounds, KEYS, Key, advice, check, find, leaves, shown, table_of};
use super::{ConfigError, NodeConfig};
use assay_chain::keys::looks_secret;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Begins the name of every variable.
pub const VARIABLE_PREFIX: &str = "ASSAY_NODE_";
/// Variables with that beginning that are no settings.
const OTHER_VARIABLES: [&str; 1] = ["ASSAY_NODE_FOLDER"];

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The settings file.
    File,
    /// A variable of the environment.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl Origin {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// What speaks for the settings, so that they can be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// The file.
    pub path: PathBuf,
    /// Variables of the environment with [`VARIABLE_PREFIX`], by name.
    pub variables: BTreeMap<String, String>,
    /// Paths and values of flags, later ones before earlier ones.
    pub flags: Vec<(String, String)>,
}

/// Settings, and where each of them comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub config: NodeConfig,
    /// By path.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// One key as it is at present.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: &'static Key,
    /// Its value; nothing where it has none.
    pub value: Option<Value>,
    /// Where that comes from.
    pub origin: Origin,
}

/// The variable of a key: `ASSAY_NODE_LIMITS_FETCH_SECONDS`.
pub fn variable_of(key: &Key) -> String {
    format!("{VARIABLE_PREFIX}{}", key.path.replace('.', "_").to_uppercase())
}

impl Layers {
    /// A file alone.
    pub fn of_file(path: &Path) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// A file and the variables of this process.
    pub fn of_process(path: &Path) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX) && !OTHER_VARIABLES.contains(&name.as_str()))
            .collect();
        Self { variables, ..Self::of_file(path) }
    }

    /// The same with flags, each `path=value`.
    ///
    /// # Errors
    /// A flag without `=` (`N0004`).
    pub fn with_flags<'a>(mut self, flags: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        for flag in flags {
            let Some((path, value)) = flag.split_once('=') else {
                let key = if looks_secret(flag) { "(a secret key)".to_owned() } else { flag.to_owned() };
                return Err(ConfigError::UnknownKey {
                    place: "--set".to_owned(),
                    advice: "give it as section.key=value".to_owned(),
                    key,
                });
            };
            self.flags.push((path.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(self)
    }

    /// Reads the file, puts the others over it, and checks everything.
    ///
    /// # Errors
    /// The file cannot be read or is no TOML; a key that there is not; a value that is not allowed.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let text = std::fs::read_to_string(&self.path)
            .map_err(|source| ConfigError::Read { path: self.path.clone(), source })?;
        self.load_text(&text)
    }

    /// Where a running node answers, although the settings may be wrong in other places; nothing where that cannot be told.
    pub fn status_listen(&self) -> Option<SocketAddr> {
        const PATH: &str = "status_listen";
        let table: Table = std::fs::read_to_string(&self.path).ok()?.parse().ok()?;
        let of_flags = self.flags.iter().rev().find(|(path, _)| path == PATH).map(|(_, value)| value.clone());
        let of_variables = || self.variables.get(&variable_of(find(PATH)?)).cloned();
        let given = of_flags.or_else(of_variables).or_else(|| table.get(PATH)?.as_str().map(str::to_owned));
        match given {
            Some(text) => text.parse().ok(),
            None => Some(NodeConfig::default().status_listen),
        }
    }

    /// The same with the text of the file given.
    ///
    /// # Errors
    /// As [`Layers::load`].
    pub fn load_text(&self, text: &str) -> Result<Loaded, ConfigError> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| self.syntax_error(text, &error))?;
        let mut origins: BTreeMap<&'static str, Origin> = KEYS.iter().map(|key| (key.path, Origin::Default)).collect();
        for (path, value) in leaves(&table) {
            let place = || format!("{}, line {}", self.path.display(), line_of(text, &path));
            let key = known(&path, &place)?;
            check(&path, value)?;
            origins.insert(key.path, Origin::File);
        }
        for (name, value) in &self.variables {
            let by_name = KEYS.iter().find(|key| variable_of(key) == *name);
            let key = by_name.ok_or_else(|| unknown_variable(name))?;
            put(&mut table, key, name, value)?;
            origins.insert(key.path, Origin::Environment);
        }
        for (path, value) in &self.flags {
            let key = known(path, &|| "--set".to_owned())?;
            put(&mut table, key, &format!("--set {path}"), value)?;
            origins.insert(key.path, Origin::Flag);
        }
        let config = table.try_into().map_err(|error: toml::de::Error| self.parse_error(&error))?;
        Ok(Loaded { config, origins })
    }

    /// Where the text is no TOML, without the line itself: there may be a key in it.
    fn syntax_error(&self, text: &str, error: &toml::de::Error) -> ConfigError {
        let reason = syntax_reason(text, error.message(), error.span());
        ConfigError::Parse { path: self.path.clone(), reason }
    }

    fn parse_error(&self, error: &toml::de::Error) -> ConfigError {
        ConfigError::Parse { path: self.path.clone(), reason: error.to_string() }
    }
}

impl Loaded {
    /// Every key with its value and where that comes from, in the order of the table.
    ///
    /// # Errors
    /// Never for settings that are valid; the serialiser's error is passed on all the same.
    pub fn entries(&self) -> Result<Vec<Entry>, ConfigError> {
        let table = table_of(&self.config)?;
        let values: BTreeMap<String, Value> =
            leaves(&table).into_iter().map(|(path, value)| (path, value.clone())).collect();
        let entry = |key: &'static Key| {
            let origin = self.origins.get(key.path).copied().unwrap_or(Origin::Default);
            Entry { key, value: values.get(key.path).cloned(), origin }
        };
        Ok(KEYS.iter().map(entry).collect())
    }
}

fn known(path: &str, place: &dyn Fn() -> String) -> Result<&'static Key, ConfigError> {
    find(path).ok_or_else(|| ConfigError::UnknownKey { place: place(), key: path.to_owned(), advice: advice(path) })
}

fn unknown_variable(name: &str) -> ConfigError {
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    let nearest = KEYS.iter().map(variable_of).min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let advice = match nearest {
        Some(known) if strsim::damerau_levenshtein(&known, name) <= 1 + rest.len() / 4 => {
            format!("did you mean {known}?")
        }
        _ => "unset it; `assay node config show` lists the variables".to_owned(),
    };
    ConfigError::UnknownKey { place: "the environment".to_owned(), key: name.to_owned(), advice }
}

/// Puts a value into the table, over what is there.
fn put(table: &mut Table, key: &Key, given_as: &str, text: &str) -> Result<(), ConfigError> {
    if looks_secret(text) {
        return Err(ConfigError::Secret { key: given_as.to_owned() });
    }
    let wrong = || {
        // Of a list of endpoints, which may have keys in them, the hosts are shown.
        let value = match (key.bounds, key.bounds.parse(text)) {
            (Bounds::Endpoints, Some(value)) => shown(key, &value).to_string(),
            _ => text.to_owned(),
        };
        ConfigError::Value { key: given_as.to_owned(), value, rule: key.bounds.rule() }
    };
    let value = key.bounds.parse(text).ok_or_else(wrong)?;
    check(key.path, &value).map_err(|error| match error {
        ConfigError::Value { .. } => wrong(),
        other => other,
    })?;
    set(table, key.path, value);
    Ok(())
}

/// What is wrong with a text that is no TOML, and on which line, without the line itself: there may be a key in it.
pub(super) fn syntax_reason(text: &str, message: &str, span: Option<std::ops::Range<usize>>) -> String {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {message}", before.matches('\n').count().saturating_add(1))
}

/// Sets a value by its path. What stands where its section should be was refused before.
pub(super) fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, name)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                set(inner, name, value);
            }
        }
    }
}

/// The line on which a key stands, counted from 1; of keys called alike, the first one's.
fn line_of(text: &str, path: &str) -> usize {
    let name = path.rsplit('.').next().unwrap_or(path);
    let is_key = |line: &str| {
        let given = line.split('=').next().unwrap_or_default().trim();
        line.contains('=') && given.rsplit('.').next().is_some_and(|last| last.trim_matches(['"', '\'', ' ']) == name)
    };
    text.lines().position(is_key).map_or(1, |index| index.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn layers(variables: &[(&str, &str)], flags: &[&str]) -> Layers {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let layers = Layers { variables, ..Layers::of_file(Path::new("node.toml")) };
        layers.with_flags(flags.iter().copied()).unwrap()
    }

    #[test]
    fn each_layer_overrides_the_one_before_and_is_remembered() {
        let text = "threads = 1\nconcurrent_jobs = 3\n[limits]\nfetch_seconds = 5\nmargin_slots = 6\n";
        let variables = [("ASSAY_NODE_THREADS", "2"), ("ASSAY_NODE_LIMITS_FETCH_SECONDS", "50")];
        let loaded = layers(&variables, &["threads=4", "threads=7"]).load_text(text).unwrap();
        let config = &loaded.config;
        assert_eq!((config.threads, config.limits.fetch_seconds, config.concurrent_jobs), (7, 50, 3));
        let origin = |path| loaded.origins[path];
        assert_eq!(
            [origin("threads"), origin("limits.fetch_seconds"), origin("limits.margin_slots"), origin("backend")],
            [Origin::Flag, Origin::Environment, Origin::File, Origin::Default]
        );
        let entries = loaded.entries().unwrap();
        let threads = entries.iter().find(|entry| entry.key.path == "threads").unwrap();
        assert_eq!((threads.value.clone(), threads.origin), (Some(Value::Integer(7)), Origin::Flag));
        assert_eq!(entries.len(), KEYS.len());
    }

    #[test]
    fn a_section_that_the_file_has_not_can_be_set_from_outside() {
        let variables = [("ASSAY_NODE_DISPUTES_FURTHER_ENDPOINTS", "d,https://x.example")];
        let config = layers(&variables, &["prices.margin_bps=1_000", "adapter=x=y"]).load_text("").unwrap().config;
        assert_eq!(config.disputes.further_endpoints, ["d", "https://x.example"]);
        assert_eq!((config.prices.margin_bps, config.adapter.as_deref()), (1_000, Some("x=y")));
    }

    #[test]
    fn unknown_keys_are_refused_wherever_they_are_with_the_nearest_one() {
        let refused = |layers: Layers, text: &str| {
            let error = layers.load_text(text).unwrap_err();
            assert_eq!(error.code(), "N0004", "{error}");
            error.to_string()
        };
        let said = refused(layers(&[], &[]), "threads = 1\n\n[limits]\nfetch_second = 5\n");
        assert!(said.contains("line 4") && said.contains("did you mean limits.fetch_seconds?"), "{said}");
        let said = refused(layers(&[("ASSAY_NODE_THREAD", "5")], &[]), "");
        assert!(said.contains("ASSAY_NODE_THREADS?"), "{said}");
        let said = refused(layers(&[], &["thread=5"]), "");
        assert!(said.contains("--set") && said.contains("threads?"), "{said}");
        let said = refused(layers(&[], &[]), "[limits.deep]\nkey = 1\n");
        assert!(said.contains("limits.deep.key"), "{said}");
        assert_eq!(Layers::default().with_flags(["threads"]).unwrap_err().code(), "N0004");
    }

    #[test]
    fn wrong_values_name_where_they_were_given() {
        let refused = |layers: Layers, text: &str| layers.load_text(text).unwrap_err();
        for (error, place) in [
            (refused(layers(&[("ASSAY_NODE_THREADS", "many")], &[]), ""), "ASSAY_NODE_THREADS is many"),
            (refused(layers(&[], &["limits.fetch_seconds=0"]), ""), "--set limits.fetch_seconds is 0"),
            (refused(layers(&[], &[]), "threads = \"1\""), "threads is \"1\""),
            (refused(layers(&[], &[]), "limits = 5"), "limits"),
        ] {
            assert!(["N0003", "N0004"].contains(&error.code()) && error.to_string().contains(place), "{error}");
        }
        assert_eq!(refused(layers(&[], &[]), "threads = ").code(), "N0002");
        let missing = Layers::of_file(Path::new("/nonexistent/node.toml")).load().unwrap_err();
        assert_eq!(missing.code(), "N0001");
    }

    #[test]
    fn a_value_that_looks_like_a_key_is_refused_without_being_repeated() {
        let keypair = solana_sdk::signature::Keypair::new();
        let base58 = keypair.to_base58_string();
        let json = format!("{:?}", keypair.to_bytes());
        for secret in [&base58, &json] {
            let quoted = format!("adapter = {secret:?}");
            let listed = format!("accepted_mints = [{secret:?}]");
            for error in [
                layers(&[("ASSAY_NODE_ADAPTER", secret)], &[]).load_text("").unwrap_err(),
                layers(&[("ASSAY_NODE_THREADS", secret)], &[]).load_text("").unwrap_err(),
                layers(&[], &[&format!("adapter={secret}")]).load_text("").unwrap_err(),
                layers(&[], &[]).load_text(&quoted).unwrap_err(),
                layers(&[], &[]).load_text(&listed).unwrap_err(),
                Layers::default().with_flags([secret.as_str()]).unwrap_err(),
            ] {
                assert!(["N0005", "N0004"].contains(&error.code()), "{}", error.code());
                assert!(!format!("{error} {error:?}").contains(secret.as_str()), "{}", error.code());
            }
        }
    }

    #[test]
    fn no_error_repeats_the_key_of_an_endpoint() {
        let refused = |layers: Layers, text: &str| layers.load_text(text).unwrap_err();
        let flag = "disputes.further_endpoints=https://host:99999/SECRET,https//host/SECRET";
        for (error, code) in [
            (refused(layers(&[], &[]), "[disputes]\nfurther_endpoints = [\"https://host/SECRET\" x"), "N0002"),
            (refused(layers(&[], &[]), "[disputes]\nfurther_endpoints = \"https://host/SECRET\""), "N0003"),
            (refused(layers(&[], &[]), "[disputes]\nfurther_endpoints = [\"https://host:99999/SECRET\", 5]"), "N0003"),
            (refused(layers(&[], &[flag]), ""), "N0003"),
            (refused(layers(&[("ASSAY_NODE_DISPUTES_FURTHER_ENDPOINTS", "ftp://host/SECRET")], &[]), ""), "N0003"),
        ] {
            assert_eq!(error.code(), code, "{error}");
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
            assert!(code == "N0003" || error.to_string().contains("line 2"), "{error}");
        }
    }

    #[test]
    fn a_running_node_is_found_although_its_file_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let address = |text: &str, flags: &[&str]| {
            std::fs::write(&path, text).unwrap();
            let layers = Layers::of_file(&path).with_flags(flags.iter().copied()).unwrap();
            layers.status_listen().map(|address| address.port())
        };
        assert_eq!(address("status_listen = \"127.0.0.1:5\"\nthreds = 1\n", &[]), Some(5));
        assert_eq!(address("threds = 1\n", &[]), Some(NodeConfig::default().status_listen.port()));
        assert_eq!(address("threds = 1\n", &["status_listen=127.0.0.1:6"]), Some(6));
        assert_eq!(address("threds = \n", &[]), None);
    }

    #[test]
    fn every_key_has_a_variable_of_its_own() {
        let names: BTreeSet<String> = KEYS.iter().map(variable_of).collect();
        assert_eq!(names.len(), KEYS.len());
        assert!(OTHER_VARIABLES.iter().all(|name| !names.contains(*name)));
        assert!(names.contains("ASSAY_NODE_SESSIONS_MOST_KEPT_BYTES"));
    }
}
