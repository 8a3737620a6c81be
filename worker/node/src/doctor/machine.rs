//! What the examination needs to know of the machine, behind a trait: tests make machines ill.

use crate::benchmark::{BenchmarkError, Measured, benchmark};
use crate::config::{AdapterBackend, BackendChoice, NodeConfig};
use assay_kernels::conformance::{Level, vectors, verify};
use assay_kernels::{AdapterInfo, AdapterKind, CpuBackend, CpuOptions, KernelError, WgpuBackend, WgpuOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Its permission bits; nothing on systems that have none.
    pub mode: Option<u32>,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// Memory as this process may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryFacts {
    /// All of it: the machine's, or less where a container has a limit.
    pub total_bytes: u64,
    /// What nothing else uses at present.
    pub available_bytes: u64,
}

/// One backend that the settings use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendFacts {
    /// Its short name.
    pub name: &'static str,
    /// What it runs on, if it opened and passed its self-test; else why not.
    pub state: Result<String, KernelError>,
    /// The adapter, where it has one.
    pub adapter: Option<AdapterInfo>,
}

impl BackendFacts {
    /// Whether it runs on the processor although it looks like a GPU.
    pub fn is_software(&self) -> bool {
        self.adapter.as_ref().is_some_and(|adapter| adapter.kind == AdapterKind::Software)
    }
}

/// The machine that the node is to run on. Every call may block.
pub trait Machine: Send + Sync + 'static {
    /// What is at `path`; nothing if there is nothing.
    ///
    /// # Errors
    /// What the system says.
    fn file(&self, path: &Path) -> io::Result<Option<FileFacts>>;

    /// Whether files can be made in `folder`.
    ///
    /// # Errors
    /// Why not.
    fn try_writing(&self, folder: &Path) -> io::Result<()>;

    /// Bytes that are free on the disk of `folder` for this user.
    ///
    /// # Errors
    /// What the system says.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// The memory; nothing where the system does not tell.
    fn memory(&self) -> Option<MemoryFacts>;

    /// Seconds since 1970 by the machine's clock.
    fn unix_seconds(&self) -> i64;

    /// Every backend that the settings use, opened and tested with the vectors.
    fn backends(&self, config: &NodeConfig) -> Vec<BackendFacts>;

    /// How fast the backend is that the settings choose first.
    ///
    /// # Errors
    /// [`BenchmarkError`]
    fn speed(&self, config: &NodeConfig) -> Result<Measured, BenchmarkError>;
}

/// The machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn file(&self, path: &Path) -> io::Result<Option<FileFacts>> {
        match std::fs::metadata(path) {
            Ok(metadata) => {
                #[cfg(unix)]
                let mode = Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777);
                #[cfg(not(unix))]
                let mode = None;
                Ok(Some(FileFacts { mode, is_folder: metadata.is_dir() }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn try_writing(&self, folder: &Path) -> io::Result<()> {
        let probe = folder.join(format!(".doctor-{}", std::process::id()));
        std::fs::write(&probe, b"x")?;
        std::fs::remove_file(&probe)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        #[cfg(unix)]
        {
            let facts = rustix::fs::statvfs(folder)?;
            Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
        }
        #[cfg(not(unix))]
        {
            let _ = folder;
            Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not tell"))
        }
    }

    fn memory(&self) -> Option<MemoryFacts> {
        let mut system = sysinfo::System::new().ok()?;
        system.refresh_memory();
        let machine = MemoryFacts { total_bytes: system.total_memory(), available_bytes: system.available_memory() };
        let within = match system.cgroup_limits() {
            Some(limits) if limits.total_memory < machine.total_bytes => MemoryFacts {
                total_bytes: limits.total_memory,
                available_bytes: limits.free_memory.min(machine.available_bytes),
            },
            _ => machine,
        };
        (within.total_bytes > 0).then_some(within)
    }

    fn unix_seconds(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn backends(&self, config: &NodeConfig) -> Vec<BackendFacts> {
        let listed = config.adapters.iter().map(|adapter| match adapter.backend {
            AdapterBackend::Wgpu => opened_wgpu(adapter.adapter.clone()),
            AdapterBackend::Cpu => opened_cpu(adapter.threads),
        });
        let mut facts: Vec<BackendFacts> = listed.collect();
        if config.adapters.is_empty() && config.backend != BackendChoice::Cpu {
            facts.push(opened_wgpu(config.adapter.clone()));
        }
        if facts.iter().all(|backend| backend.name != "cpu") {
            facts.push(opened_cpu(config.threads));
        }
        facts
    }

    fn speed(&self, config: &NodeConfig) -> Result<Measured, BenchmarkError> {
        benchmark(config)
    }
}

fn opened_wgpu(adapter: Option<String>) -> BackendFacts {
    match WgpuBackend::open(WgpuOptions { adapter, ..WgpuOptions::default() }) {
        Ok(wgpu) => {
            let adapter = wgpu.adapter().clone();
            BackendFacts { name: "wgpu", state: Ok(adapter.to_string()), adapter: Some(adapter) }
        }
        Err(error) => BackendFacts { name: "wgpu", state: Err(error), adapter: None },
    }
}

fn opened_cpu(threads: usize) -> BackendFacts {
    BackendFacts { name: "cpu", state: tested_cpu(threads), adapter: None }
}

/// The processor with the same vectors that a GPU has to pass: faulty memory and overclocked cores compute wrongly too.
fn tested_cpu(threads: usize) -> Result<String, KernelError> {
    use assay_kernels::Backend;

    let cpu = CpuBackend::new(CpuOptions { threads, ..CpuOptions::default() })?;
    match verify(&cpu, &vectors(Level::SelfTest)) {
        Ok(()) => Ok(cpu.description()),
        Err(error) => Err(KernelError::Quarantined { device: cpu.description(), vector: error.vector().to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_knows_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(ThisMachine.file(&path).unwrap(), None);
        std::fs::write(&path, "x").unwrap();
        let facts = ThisMachine.file(&path).unwrap().unwrap();
        assert!(!facts.is_folder && facts.mode.is_none_or(|mode| mode & 0o400 != 0), "{facts:?}");
        assert!(ThisMachine.file(folder.path()).unwrap().unwrap().is_folder);
        ThisMachine.try_writing(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the trial leaves nothing");
        assert!(ThisMachine.try_writing(&folder.path().join("none")).is_err());
        assert!(ThisMachine.free_bytes(folder.path()).unwrap() > 0);
        let memory = ThisMachine.memory().unwrap();
        assert!(memory.available_bytes <= memory.total_bytes && memory.total_bytes > 1 << 20, "{memory:?}");
        assert!(ThisMachine.unix_seconds() > 1_700_000_000);
    }

    #[test]
    fn the_processor_passes_the_vectors_here() {
        let config = NodeConfig { backend: BackendChoice::Cpu, threads: 1, ..NodeConfig::default() };
        let [cpu] = ThisMachine.backends(&config).try_into().unwrap();
        assert!(cpu.name == "cpu" && cpu.state.is_ok() && !cpu.is_software(), "{cpu:?}");
    }
}
