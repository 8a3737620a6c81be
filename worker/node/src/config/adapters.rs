//! The adapters that compute side by side.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What computes on an adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterBackend {
    /// The CPU kernels.
    #[default]
    Cpu,
    /// A GPU through wgpu.
    Wgpu,
}

impl AdapterBackend {
    /// The backend's short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
        }
    }
}

/// One adapter, with a queue, a memory bound and a measured speed of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdapterSettings {
    /// What it is called in status and metrics; the backend's name, with a number from the second one on, if it is not said.
    pub name: Option<String>,
    /// What computes.
    pub backend: AdapterBackend,
    /// Name, or part of it, of the GPU; the fastest kind without one.
    pub adapter: Option<String>,
    /// Threads of the CPU kernels; 0 takes every core.
    pub threads: usize,
    /// Bytes of its memory for models and runs; 0: as many as the machine's memory has for all.
    pub memory_bytes: u64,
}

/// The names of the adapters, in their order.
pub(crate) fn names(adapters: &[AdapterSettings]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, adapter) in adapters.iter().enumerate() {
        let backend = adapter.backend.name();
        let same = adapters.iter().take(at).filter(|other| other.backend == adapter.backend).count();
        let numbered = if same == 0 { backend.to_owned() } else { format!("{backend}-{}", same + 1) };
        names.push(adapter.name.clone().unwrap_or(numbered));
    }
    names
}

/// Checks what the node could not use. The bounds of single keys are in the table of all keys.
pub(super) fn check(adapters: &[AdapterSettings]) -> Result<(), ConfigError> {
    let refused = |key: &str, value: String, rule: &str| {
        let key = if key.is_empty() { "adapters".to_owned() } else { format!("adapters.{key}") };
        Err(ConfigError::Value { key, value, rule: rule.to_owned() })
    };
    for adapter in adapters {
        if adapter.threads > 1_024 {
            return refused("threads", adapter.threads.to_string(), "allowed are 0 to 1,024");
        }
        if adapter.backend == AdapterBackend::Cpu && adapter.adapter.is_some() {
            let given = adapter.adapter.clone().unwrap_or_default();
            return refused("adapter", given, "only adapters with backend = \"wgpu\" have one");
        }
        if adapter.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return refused("name", String::new(), "give it a name, or leave the key out");
        }
    }
    let names = names(adapters);
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() < names.len() {
        return refused("name", names.join(", "), "each adapter has a name of its own");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::NodeConfig;
    use super::*;

    fn config(text: &str) -> NodeConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn adapters_are_tables_and_have_names_of_their_own() {
        let config = config(
            "[[adapters]]\nbackend = \"wgpu\"\nadapter = \"H200\"\n[[adapters]]\nthreads = 2\n[[adapters]]\nname = \"rest\"\nmemory_bytes = 5\n[[adapters]]\n",
        );
        config.validate().unwrap();
        assert_eq!(names(&config.adapters), ["wgpu", "cpu", "rest", "cpu-3"]);
        let written = config.to_toml().unwrap();
        assert_eq!(toml::from_str::<NodeConfig>(&written).unwrap(), config, "{written}");
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        for (text, key) in [
            ("[[adapters]]\nthreads = 1025\n", "adapters.threads"),
            ("[[adapters]]\nadapter = \"H200\"\n", "adapters.adapter"),
            ("[[adapters]]\nname = \" \"\n", "adapters.name"),
            ("[[adapters]]\n[[adapters]]\nname = \"cpu\"\n", "adapters.name"),
        ] {
            let error = config(text).validate().unwrap_err();
            assert!(matches!(&error, ConfigError::Value { key: found, .. } if found == key), "{text}: {error}");
        }
        assert!(toml::from_str::<NodeConfig>("[[adapters]]\nbackend = \"auto\"\n").is_err());
        assert!(toml::from_str::<NodeConfig>("[[adapters]]\nthread = 1\n").is_err());
    }
}
