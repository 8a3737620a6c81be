//! Settings for a machine: limits that it can hold, and a promise that it can keep. Pure.

use super::{BackendChoice, NodeConfig};
use crate::doctor::machine::{BackendFacts, MemoryFacts};

/// What is known of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its memory, if it tells.
    pub memory: Option<MemoryFacts>,
    /// Bytes free on the disk of the data folder, if that is known.
    pub free_bytes: Option<u64>,
    /// The backends.
    pub backends: Vec<BackendFacts>,
    /// What the node can promise to do in a slot; 0 if it was not measured.
    pub promised_units_per_slot: u64,
}

/// Changes what the machine decides; the rest of `config` stays.
///
/// Three quarters of the memory are for jobs, all together; half of the free disk for artifacts and an eighth for inputs of
/// sessions: the journal, results that wait for their clients and other programs need the rest.
pub fn suggest(mut config: NodeConfig, known: &Known) -> NodeConfig {
    let gpu = known.backends.iter().find(|backend| backend.name == "wgpu");
    config.backend = match gpu {
        Some(gpu) if gpu.state.is_ok() && !gpu.is_software() => BackendChoice::Wgpu,
        _ => BackendChoice::Cpu,
    };
    let jobs = u64::try_from(config.concurrent_jobs).unwrap_or(u64::MAX).max(1);
    if let Some(MemoryFacts { available_bytes, .. }) = known.memory {
        let each = (available_bytes / 4).saturating_mul(3) / jobs;
        config.limits.max_memory_bytes = whole_mib(each).clamp(1 << 20, 1 << 44);
    }
    if let Some(free) = known.free_bytes {
        // Three artifacts a job.
        let each = (free / 2) / jobs.saturating_mul(3);
        config.limits.max_artifact_bytes =
            whole_mib(each).min(config.limits.max_artifact_bytes).min(config.limits.max_memory_bytes).max(1 << 20);
        config.sessions.most_kept_bytes = whole_mib(free / 8).min(config.sessions.most_kept_bytes).max(1 << 20);
    }
    config.profile.units_per_slot = known.promised_units_per_slot;
    config
}

fn whole_mib(bytes: u64) -> u64 {
    bytes >> 20 << 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_kernels::{AdapterInfo, AdapterKind, KernelError};

    fn wgpu(kind: AdapterKind, works: bool) -> BackendFacts {
        let text = || "x".to_owned();
        let state = if works { Ok(text()) } else { Err(KernelError::NoAdapter { reason: text() }) };
        let adapter = Some(AdapterInfo { name: text(), driver: text(), interface: text(), kind });
        BackendFacts { name: "wgpu", state, adapter }
    }

    #[test]
    fn whatever_the_machine_the_settings_are_valid_and_fit() {
        for memory_bytes in [0, 1 << 20, 3 << 30, 1 << 40, u64::MAX] {
            for free_bytes in [0, 1 << 30, 1 << 36, u64::MAX] {
                let memory = Some(MemoryFacts { total_bytes: memory_bytes, available_bytes: memory_bytes });
                let known =
                    Known { memory, free_bytes: Some(free_bytes), promised_units_per_slot: 5, ..Known::default() };
                let config = suggest(NodeConfig::default(), &known);
                config.validate().unwrap();
                assert!(config.limits.max_memory_bytes * 2 <= memory_bytes.max(2 << 20), "{config:?}");
                assert_eq!(config.profile.units_per_slot, 5);
            }
        }
        let nothing = suggest(NodeConfig::default(), &Known::default());
        assert_eq!(nothing.limits, NodeConfig::default().limits);
    }

    #[test]
    fn a_gpu_is_used_if_it_is_one() {
        let chosen =
            |backend| suggest(NodeConfig::default(), &Known { backends: vec![backend], ..Known::default() }).backend;
        assert_eq!(chosen(wgpu(AdapterKind::Discrete, true)), BackendChoice::Wgpu);
        assert_eq!(chosen(wgpu(AdapterKind::Software, true)), BackendChoice::Cpu);
        assert_eq!(chosen(wgpu(AdapterKind::Discrete, false)), BackendChoice::Cpu);
    }
}
