//! The contract about metrics: `metrics.toml`. A service serves what stands there and nothing else, so dashboards, alert rules
//! and documentation are checked against one file.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The contract of this version.
const TEXT: &str = include_str!("../metrics.toml");

/// Whose metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// `assay node run`.
    Node,
    /// `assay validator run`.
    Validator,
}

impl Service {
    /// What the names of its metrics begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Node => "assay_node_",
            Self::Validator => "assay_validator_",
        }
    }
}

/// What a metric can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Only rises, except when the process or its journal begins anew.
    Counter,
    /// Rises and falls.
    Gauge,
    /// How often values fell into ranges, their number and their sum.
    Histogram,
}

impl Kind {
    /// Its name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its full name.
    pub name: String,
    /// What it can do.
    pub kind: Kind,
    /// What it counts or measures in: `seconds`, `lamports`, `jobs`.
    pub unit: String,
    /// Names of its labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// What it means: one sentence without a full stop at its end.
    pub meaning: String,
    /// When somebody should be told, in words.
    #[serde(default)]
    pub alert: Option<String>,
    /// Whether there are times at which it has no value and is not served.
    #[serde(default)]
    pub sometimes: bool,
}

/// All metrics of all services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// In the order of the file.
    #[serde(rename = "metric")]
    pub metrics: Vec<Metric>,
}

/// Why a contract is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// It is no TOML of this shape.
    #[error("T0101 the contract about metrics is unreadable: {0}; see worker/telemetry/metrics.toml")]
    Unreadable(String),
    /// A metric breaks a rule.
    #[error("T0102 metric {name}: {rule}")]
    Rule {
        /// Which.
        name: String,
        /// What is asked of all.
        rule: &'static str,
    },
}

impl Contract {
    /// The contract of this version.
    ///
    /// # Errors
    /// Never for the file that this crate was built with: a test reads it.
    pub fn of_this_version() -> Result<Self, ContractError> {
        Self::parse(TEXT)
    }

    /// Reads a contract and checks it against the rules of Prometheus for names.
    ///
    /// # Errors
    /// It is unreadable, or the first metric that breaks a rule.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let contract: Self = toml::from_str(text).map_err(|error| ContractError::Unreadable(error.to_string()))?;
        let mut names = BTreeSet::new();
        for metric in &contract.metrics {
            metric.check()?;
            if !names.insert(&metric.name) {
                return Err(metric.broken("it stands there twice"));
            }
        }
        Ok(contract)
    }

    /// The metrics of one service.
    pub fn of(&self, service: Service) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(move |metric| metric.name.starts_with(service.prefix()))
    }

    /// A metric by its full name.
    pub fn find(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }
}

impl Metric {
    fn broken(&self, rule: &'static str) -> ContractError {
        ContractError::Rule { name: self.name.clone(), rule }
    }

    fn check(&self) -> Result<(), ContractError> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let has_prefix = [Service::Node, Service::Validator].iter().any(|one| self.name.starts_with(one.prefix()));
        let rules = [
            (is_word(&self.name), "a name has small letters, digits and underscores"),
            (has_prefix, "a name begins with assay_node_ or assay_validator_"),
            ((self.kind == Kind::Counter) == self.name.ends_with("_total"), "counters, and only they, end with _total"),
            (self.labels.iter().all(|label| is_word(label)), "labels have small letters, digits and underscores"),
            (!self.labels.iter().any(|label| label == "le"), "the label le belongs to histograms"),
            (!self.unit.is_empty() && !self.meaning.is_empty(), "a metric has a unit and a meaning"),
            (!self.meaning.ends_with('.') && !self.meaning.contains('\n'), "a meaning is one line without a full stop"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(self.broken(rule)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_of_this_version_keeps_its_rules() {
        let contract = Contract::of_this_version().unwrap();
        for service in [Service::Node, Service::Validator] {
            assert!(contract.of(service).count() > 10, "{service:?}");
        }
        let count = contract.of(Service::Node).count() + contract.of(Service::Validator).count();
        assert_eq!(count, contract.metrics.len(), "each belongs to one service");
    }

    #[test]
    fn each_rule_is_enforced() {
        let one = |name: &str, kind: &str, rest: &str| {
            Contract::parse(&format!("[[metric]]\nname = \"{name}\"\nkind = \"{kind}\"\n{rest}"))
        };
        let good = "unit = \"jobs\"\nmeaning = \"Jobs\"";
        assert!(one("assay_node_jobs", "gauge", good).is_ok());
        for (name, kind, rest) in [
            ("assay_node_Jobs", "gauge", good),
            ("node_jobs", "gauge", good),
            ("assay_node_jobs", "counter", good),
            ("assay_node_jobs_total", "gauge", good),
            ("assay_node_jobs", "gauge", "unit = \"jobs\"\nmeaning = \"Jobs.\""),
            ("assay_node_jobs", "gauge", "unit = \"\"\nmeaning = \"Jobs\""),
            ("assay_node_jobs", "gauge", "labels = [\"A\"]\nunit = \"jobs\"\nmeaning = \"Jobs\""),
            ("assay_node_jobs", "histogram", "labels = [\"le\"]\nunit = \"jobs\"\nmeaning = \"Jobs\""),
        ] {
            let error = one(name, kind, rest).unwrap_err();
            assert!(matches!(error, ContractError::Rule { .. }), "{name} {kind}: {error}");
        }
        assert!(matches!(one("assay_node_jobs", "summary", good), Err(ContractError::Unreadable(_))));
        let twice = format!("[[metric]]\nname = \"assay_node_a\"\nkind = \"gauge\"\n{good}\n").repeat(2);
        assert!(matches!(Contract::parse(&twice), Err(ContractError::Rule { .. })));
    }
}
