//! What computes, by the settings.

use crate::config::{AdapterBackend, AdapterSettings, BackendChoice, NodeConfig, adapter_names};
use crate::engine::{AdapterMemory, Executor};
use assay_kernels::{AdapterKind, Backend, CpuBackend, CpuOptions, KernelError, WgpuBackend, WgpuOptions};
use std::sync::Arc;

/// The adapters in order of preference. The CPU always is among them, if only as a fallback, so that a job survives a lost device.
///
/// # Errors
/// An adapter that was asked for is not there, or computes wrongly.
pub fn executors(config: &NodeConfig) -> Result<Vec<Executor>, KernelError> {
    let mut executors = Vec::new();
    for (name, settings) in adapter_names(&config.adapters).into_iter().zip(&config.adapters) {
        executors.push(executor(name, settings)?);
    }
    let has_cpu = config.adapters.iter().any(|adapter| adapter.backend == AdapterBackend::Cpu);
    if executors.is_empty() && config.backend != BackendChoice::Cpu {
        let settings = AdapterSettings {
            backend: AdapterBackend::Wgpu,
            adapter: config.adapter.clone(),
            ..AdapterSettings::default()
        };
        match executor(AdapterBackend::Wgpu.name().to_owned(), &settings) {
            Ok(wgpu) => executors.push(wgpu),
            Err(error) if config.backend == BackendChoice::Wgpu => return Err(error),
            Err(error) => tracing::warn!(%error, "no usable adapter: the CPU computes"),
        }
    }
    if !has_cpu {
        let settings = AdapterSettings { threads: config.threads, ..AdapterSettings::default() };
        let is_fallback = !executors.is_empty();
        executors.push(Executor { is_fallback, ..executor(AdapterBackend::Cpu.name().to_owned(), &settings)? });
    }
    Ok(executors)
}

fn executor(name: String, settings: &AdapterSettings) -> Result<Executor, KernelError> {
    let (backend, memory): (Arc<dyn Backend>, _) = match settings.backend {
        AdapterBackend::Cpu => {
            let options = CpuOptions { threads: settings.threads, ..CpuOptions::default() };
            (Arc::new(CpuBackend::new(options)?), AdapterMemory::Processor)
        }
        AdapterBackend::Wgpu => {
            let options = WgpuOptions { adapter: settings.adapter.clone(), ..WgpuOptions::default() };
            let wgpu = WgpuBackend::open(options)?;
            let memory = match wgpu.adapter().kind {
                AdapterKind::Discrete | AdapterKind::Virtual => AdapterMemory::Own,
                AdapterKind::Integrated | AdapterKind::Other | AdapterKind::Software => AdapterMemory::Shared,
            };
            (Arc::new(wgpu), memory)
        }
    };
    let memory_bytes = (settings.memory_bytes > 0).then_some(settings.memory_bytes);
    Ok(Executor { name, backend, is_fallback: false, memory_bytes, memory })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(threads: usize, memory_bytes: u64) -> AdapterSettings {
        AdapterSettings { threads, memory_bytes, ..AdapterSettings::default() }
    }

    #[test]
    fn without_a_list_the_processor_computes_alone_where_the_settings_say_so() {
        let config = NodeConfig { backend: BackendChoice::Cpu, threads: 1, ..NodeConfig::default() };
        let [one] = executors(&config).unwrap().try_into().unwrap();
        assert_eq!((one.name.as_str(), one.is_fallback, one.memory_bytes), ("cpu", false, None));
        assert_eq!(one.memory, AdapterMemory::Processor);
    }

    #[test]
    fn those_that_are_listed_are_alike_and_each_has_its_threads_and_bound() {
        let adapters = vec![cpu(1, 1 << 30), cpu(2, 0)];
        let listed = executors(&NodeConfig { adapters, ..NodeConfig::default() }).unwrap();
        let facts: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.is_fallback, one.memory_bytes)).collect();
        assert_eq!(facts, [("cpu", false, Some(1 << 30)), ("cpu-2", false, None)]);
        let threads = |one: &Executor| one.backend.description();
        assert!(threads(&listed[0]).ends_with("1 thread") && threads(&listed[1]).ends_with("2 threads"));
    }

    #[test]
    fn a_gpu_that_is_asked_for_and_not_there_is_an_error() {
        let named = AdapterSettings {
            backend: AdapterBackend::Wgpu,
            adapter: Some("no adapter has this name".to_owned()),
            ..AdapterSettings::default()
        };
        let error = executors(&NodeConfig { adapters: vec![named], ..NodeConfig::default() }).unwrap_err();
        assert!(matches!(error, KernelError::NoAdapter { .. }), "{error}");
    }
}
