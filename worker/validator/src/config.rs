//! The validator's settings: a TOML file, every key with a default that is safe.

use assay_chain::{Endpoint, EndpointSettings, FeeSettings};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What a validator does of its own accord.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Reads only: lists jobs, windows and disputes, and says what wants attention. Needs no key.
    Watch,
    /// Replays jobs and challenges what is wrong.
    #[default]
    Audit,
    /// As `audit`, and answers demands for openings whose data it computed itself.
    Defend,
}

impl Mode {
    /// Whether jobs are replayed and wrong results challenged.
    pub fn audits(self) -> bool {
        self >= Self::Audit
    }

    /// Whether demands of others are answered.
    pub fn defends(self) -> bool {
        self >= Self::Defend
    }
}

/// Which jobs are replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// Share of the committed jobs, in hundredths of a percent. Which ones cannot be foreseen from outside.
    pub rate_bps: u16,
    /// Roots (hex) of the graphs that are replayed; empty: all.
    pub graphs: Vec<String>,
    /// Most operations of a replay: a product of a contraction and an instruction of a program count as one each.
    pub max_operations: u64,
    /// Replays at a time.
    pub concurrent_replays: usize,
    /// Whether the signed trace of every segment is asked for and compared as well: the inside of a right result can be a lie. It costs the
    /// node a replay of its own.
    pub traces: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            rate_bps: 10_000,
            graphs: Vec::new(),
            max_operations: 1_000_000_000_000,
            concurrent_replays: 1,
            traces: true,
        }
    }
}

/// What disputes may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Most base units of the stake mint that lie in bonds at one time.
    pub max_bonds: u64,
    /// Most lamports of fees that are spent in one day, of 216,000 slots. What a dispute may cost is reserved before its bond is.
    pub max_fees_lamports_per_day: u64,
    /// Most lamports of fees for one dispute, opening fees included; rent is not counted, it comes back.
    pub max_fees_lamports_per_dispute: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_bonds: 1_000_000_000,
            max_fees_lamports_per_day: 100_000_000,
            max_fees_lamports_per_dispute: 10_000_000,
        }
    }
}

/// Bounds on what a job may ask of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most bytes of one artifact.
    pub max_artifact_bytes: u64,
    /// Most bytes that all tensors of a job may take.
    pub max_memory_bytes: u64,
    /// Seconds within which one artifact must have arrived.
    pub fetch_seconds: u64,
    /// Seconds within which a node must have served a segment's trace before it counts as withheld.
    pub trace_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_artifact_bytes: 1 << 30, max_memory_bytes: 4 << 30, fetch_seconds: 60, trace_seconds: 30 }
    }
}

/// How long artifacts stay in the validator's own store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Seconds for which artifacts stay that were fetched for a replay. Those of a dispute stay until it is over.
    pub unused_seconds: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { unused_seconds: 3_600 }
    }
}

/// All settings of a validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidatorConfig {
    /// What it does.
    pub mode: Mode,
    /// Address on which status is served; loopback unless told otherwise.
    pub status_listen: SocketAddr,
    /// CPU threads of a replay; 0 takes every core.
    pub threads: usize,
    /// Whether artifacts may be fetched from loopback and private addresses. Strangers choose those addresses.
    pub allow_private_addresses: bool,
    /// Slots that must be left of a challenge window for a new challenge: what comes later might not land in time.
    pub window_margin_slots: u64,
    /// Further RPC endpoints, in the forms that --url takes, for when the first does not answer; the websocket of one
    /// follows after a space where it has another address. Name at least one, of another provider.
    pub further_endpoints: Vec<String>,
    /// Which jobs are replayed.
    pub selection: Selection,
    /// What disputes may cost.
    pub budget: Budget,
    /// Bounds on jobs.
    pub limits: Limits,
    /// When an RPC endpoint is left for another one.
    pub endpoints: EndpointSettings,
    /// What is paid for priority.
    pub fees: FeeSettings,
    /// How long artifacts stay.
    pub retention: Retention,
}

impl Default for ValidatorConfig {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            status_listen: SocketAddr::from(([127, 0, 0, 1], 8921)),
            threads: 0,
            allow_private_addresses: false,
            window_margin_slots: 2,
            further_endpoints: Vec::new(),
            selection: Selection::default(),
            budget: Budget::default(),
            limits: Limits::default(),
            endpoints: EndpointSettings::default(),
            fees: FeeSettings::default(),
            retention: Retention::default(),
        }
    }
}

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("V0001 cannot read {path}: {source}; give the path of a TOML file")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("V0002 {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, key and what is expected.
        reason: String,
    },
    /// A value is out of its bounds.
    #[error("V0003 {key} is {value}; {rule}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
}

/// What is wrong with a settings file, and on which line; neither the line nor a text in it is repeated: it may have a key of a
/// provider's in it.
fn reason_of(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    let said = error.message();
    let said = match (said.split_once('"'), said.rsplit_once('"')) {
        (Some((front, _)), Some((_, rest))) if said.matches('"').count() > 1 => format!("{front}\"…\"{rest}"),
        _ => said.to_owned(),
    };
    format!("line {line}: {said}; `assay validator init` writes a file with all keys")
}

impl ValidatorConfig {
    /// Reads and validates a TOML file.
    ///
    /// # Errors
    /// The file is missing, has an unknown key or a value out of bounds.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.to_path_buf(), reason: reason_of(&text, &error) })?;
        config.validate()?;
        Ok(config)
    }

    /// The settings as a TOML file.
    ///
    /// # Errors
    /// Never for settings that are valid; the serialiser's error is passed on all the same.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self)
            .map_err(|error| ConfigError::Parse { path: PathBuf::new(), reason: error.to_string() })
    }

    /// Checks the bounds of every value.
    ///
    /// # Errors
    /// The first value out of its bounds.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (selection, limits) = (&self.selection, &self.limits);
        let (endpoints, fees) = (&self.endpoints, &self.fees);
        let bounds: [(&'static str, u64, u64, u64, &'static str); 12] = [
            ("threads", self.threads as u64, 0, 1024, "allowed are 0 (every core) to 1,024"),
            ("selection.rate_bps", u64::from(selection.rate_bps), 0, 10_000, "allowed are 0 to 10,000 (all)"),
            ("selection.concurrent_replays", selection.concurrent_replays as u64, 1, 64, "allowed are 1 to 64"),
            ("limits.max_artifact_bytes", limits.max_artifact_bytes, 1 << 10, 1 << 40, "allowed are 1 KiB to 1 TiB"),
            ("limits.max_memory_bytes", limits.max_memory_bytes, 1 << 20, 1 << 44, "allowed are 1 MiB to 16 TiB"),
            ("limits.fetch_seconds", limits.fetch_seconds, 1, 3600, "allowed are 1 to 3,600"),
            ("limits.trace_seconds", limits.trace_seconds, 1, 3600, "allowed are 1 to 3,600"),
            ("endpoints.most_lag_slots", endpoints.most_lag_slots, 1, u64::MAX, "allowed is 1 or more"),
            ("endpoints.return_seconds", endpoints.return_seconds, 1, 86_400, "allowed are 1 to 86,400"),
            ("endpoints.check_seconds", endpoints.check_seconds, 1, 3600, "allowed are 1 to 3,600"),
            ("fees.most_lamports", fees.most_lamports, 0, 1_000_000_000, "allowed are 0 to 1,000,000,000"),
            ("retention.unused_seconds", self.retention.unused_seconds, 60, u64::MAX, "allowed are 60 and more"),
        ];
        for (key, value, low, high, rule) in bounds {
            if !(low..=high).contains(&value) {
                return Err(ConfigError::Value { key, value: value.to_string(), rule });
            }
        }
        if self.budget.max_fees_lamports_per_dispute > self.budget.max_fees_lamports_per_day {
            return Err(ConfigError::Value {
                key: "budget.max_fees_lamports_per_dispute",
                value: self.budget.max_fees_lamports_per_dispute.to_string(),
                rule: "it is reserved out of max_fees_lamports_per_day and cannot be more",
            });
        }
        for given in &self.further_endpoints {
            if Endpoint::parse_listed(given).is_err() {
                return Err(ConfigError::Value {
                    key: "further_endpoints",
                    // It may have a key of the provider's in it.
                    value: "no endpoint".to_owned(),
                    rule: "give http(s):// addresses, or l, d, t, m",
                });
            }
        }
        for root in &selection.graphs {
            if hex::decode(root).map_or(true, |bytes| bytes.len() != 32) {
                return Err(ConfigError::Value {
                    key: "selection.graphs",
                    value: root.clone(),
                    rule: "give the 64 hexadecimal digits of a graph's root",
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_an_empty_file_gives_them() {
        let defaults: ValidatorConfig = toml::from_str("").unwrap();
        assert_eq!(defaults, ValidatorConfig::default());
        defaults.validate().unwrap();
    }

    #[test]
    fn settings_survive_being_written() {
        let mut config = ValidatorConfig { mode: Mode::Defend, ..ValidatorConfig::default() };
        config.budget.max_bonds = 5;
        assert_eq!(toml::from_str::<ValidatorConfig>(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_values_out_of_bounds_are_refused_by_name() {
        let unknown = toml::from_str::<ValidatorConfig>("mod = \"audit\"").unwrap_err().to_string();
        assert!(unknown.contains("mod"), "{unknown}");
        for text in [
            "threads = 5000",
            "[selection]\nrate_bps = 10001",
            "[selection]\ngraphs = [\"xyz\"]",
            "[selection]\nconcurrent_replays = 0",
            "[limits]\ntrace_seconds = 0",
            "[retention]\nunused_seconds = 59",
            "[budget]\nmax_fees_lamports_per_dispute = 100000001",
            "further_endpoints = [\"ftp://host\"]",
            "[endpoints]\nmost_lag_slots = 0",
            "[fees]\nmost_lamports = 1000000001",
        ] {
            let config: ValidatorConfig = toml::from_str(text).unwrap();
            assert!(matches!(config.validate(), Err(ConfigError::Value { .. })), "{text}");
        }
    }

    #[test]
    fn no_error_repeats_the_key_of_an_endpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("validator.toml");
        for text in [
            "threads = 1\nfurther_endpoints = \"https://host/SECRET\"",
            "threads = 1\nfurther_endpoints = [\"https://host/SECRET\" x",
            "threads = 1\nfurther_endpoints = \"a\\\"SECRET\"",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = ValidatorConfig::from_file(&path).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
            assert!(error.to_string().starts_with("V0002") && error.to_string().contains("line 2"), "{error}");
        }
        std::fs::write(&path, "further_endpoints = [\"https://host:99999/SECRET\"]").unwrap();
        let error = ValidatorConfig::from_file(&path).unwrap_err().to_string();
        assert!(error.starts_with("V0003") && !error.contains("SECRET"), "{error}");
    }

    #[test]
    fn each_mode_does_what_the_one_before_it_does() {
        let does = |mode: Mode| (mode.audits(), mode.defends());
        assert_eq!([Mode::Watch, Mode::Audit, Mode::Defend].map(does), [(false, false), (true, false), (true, true)]);
    }
}
