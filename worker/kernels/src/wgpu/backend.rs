//! The backend: an opened adapter that has passed its self-test.

use super::adapter::{self, Adapter, AdapterInfo};
use super::codegen::{CodegenOptions, Strategy, WideKind};
use super::device::{Device, lock};
use super::model::WgpuModel;
use crate::conformance::{Level, VerifyError, vectors, verify};
use crate::{Backend, KernelError, Model, TensorSet};
use referee::graph::ResolvedGraph;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// How a backend is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WgpuOptions {
    /// Part of the adapter's name, in any case; the fastest kind of adapter without one.
    pub adapter: Option<String>,
    /// Use the adapter's own 64-bit integers if it has them and passes the self-test with them.
    pub native_integers: bool,
    /// Which kernels are taken; anything but automatic is for measuring and testing.
    pub strategy: Strategy,
    /// Longest wait for a run; a device that hangs is an error after it.
    pub timeout: Duration,
}

impl Default for WgpuOptions {
    fn default() -> Self {
        Self { adapter: None, native_integers: true, strategy: Strategy::Automatic, timeout: Duration::from_secs(600) }
    }
}

/// A wgpu device that computes graphs.
#[derive(Debug)]
pub struct WgpuBackend {
    /// Another one after it was lost.
    device: Mutex<Arc<Device>>,
    adapter: AdapterInfo,
    /// The adapter, for people.
    description: String,
    codegen: CodegenOptions,
    /// How the device is opened again when it was lost; not at all without.
    options: Option<WgpuOptions>,
}

/// The first vector on which a device differed, by its description and how kernels are generated.
type TestResults = HashMap<(String, CodegenOptions), Option<String>>;

/// Self-tests that ran in this process: a driver does not change under a running process.
static TESTED: LazyLock<Mutex<TestResults>> = LazyLock::new(Mutex::default);

impl WgpuBackend {
    /// All adapters that a driver offers, the fastest kinds first; none without a driver.
    pub fn adapters() -> Vec<AdapterInfo> {
        adapter::enumerate().into_iter().map(|adapter| adapter.info).collect()
    }

    /// Opens an adapter and runs the conformance vectors of the self-test on it.
    ///
    /// # Errors
    /// No such adapter; a device that fails; a device that computes anything but what the reference does.
    pub fn open(options: WgpuOptions) -> Result<Self, KernelError> {
        let adapter = adapter::choose(options.adapter.as_deref())?;
        let device = Arc::new(Device::open(&adapter, options.native_integers, options.timeout)?);
        let of = |wide| {
            let codegen = CodegenOptions::new(wide, options.strategy);
            Self { options: Some(options.clone()), ..Self::new(&device, codegen) }
        };
        if device.has_native_integers() {
            let native = of(WideKind::Native);
            match native.tested() {
                Ok(()) => return Ok(native),
                Err(error) => {
                    tracing::warn!(%error, "64-bit integers of the adapter are not used");
                }
            }
        }
        let paired = of(WideKind::Pair);
        paired.tested()?;
        Ok(paired)
    }

    /// The adapter that was opened; of the kind `Software` if there is no GPU.
    pub fn adapter(&self) -> &AdapterInfo {
        &self.adapter
    }

    /// A backend on an opened device, not yet tested, which is not opened again when it is lost.
    pub(super) fn new(device: &Arc<Device>, codegen: CodegenOptions) -> Self {
        let (adapter, description) = (device.adapter.clone(), device.description.clone());
        Self { device: Mutex::new(Arc::clone(device)), adapter, description, codegen, options: None }
    }

    /// The device; opened anew if it was lost, as after a driver was reset. What comes back has to pass the self-test again.
    fn working(&self) -> Result<Arc<Device>, KernelError> {
        let mut device = lock(&self.device);
        let (true, Some(options)) = (device.is_lost(), &self.options) else { return Ok(Arc::clone(&device)) };
        let is_ours = |adapter: &Adapter| adapter.info == self.adapter;
        let adapter = adapter::enumerate().into_iter().find(is_ours);
        let adapter = adapter.ok_or_else(|| device.error("the device is lost, and its adapter is gone"))?;
        let fresh = Arc::new(Device::open(&adapter, options.native_integers, options.timeout)?);
        let retested = Self::new(&fresh, self.codegen);
        if let Some(vector) = retested.self_test()? {
            return Err(KernelError::Quarantined { device: self.description.clone(), vector });
        }
        tracing::warn!(device = %self.description, "the device was lost and is opened again");
        *device = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// Fails if the device differs from the reference; runs the vectors once a process.
    pub(super) fn tested(&self) -> Result<(), KernelError> {
        let key = (self.description.clone(), self.codegen);
        let known = lock(&TESTED).get(&key).cloned();
        let failed = match known {
            Some(result) => result,
            None => {
                let result = self.self_test()?;
                lock(&TESTED).insert(key, result.clone());
                result
            }
        };
        match failed {
            None => Ok(()),
            Some(vector) => Err(KernelError::Quarantined { device: self.description.clone(), vector }),
        }
    }

    /// The first vector on which the device differs from the reference.
    fn self_test(&self) -> Result<Option<String>, KernelError> {
        match verify(self, &vectors(Level::SelfTest)) {
            Ok(()) => Ok(None),
            Err(VerifyError::Kernel { error, .. }) => Err(error),
            Err(error @ VerifyError::Mismatch(_)) => {
                tracing::error!(device = %self.description, %error, "the self-test failed");
                Ok(Some(error.vector().to_owned()))
            }
            Err(error) => {
                let reason = format!("the self-test cannot run: {error}");
                Err(KernelError::Device { device: self.description.clone(), reason })
            }
        }
    }
}

impl Backend for WgpuBackend {
    fn name(&self) -> &'static str {
        "wgpu"
    }

    fn description(&self) -> String {
        let integers = match self.codegen.wide {
            WideKind::Native => "native 64-bit integers",
            WideKind::Pair => "paired 32-bit integers",
        };
        format!("{}, {integers}", self.description)
    }

    fn load(&self, graph: Arc<ResolvedGraph>, params: &TensorSet) -> Result<Box<dyn Model>, KernelError> {
        Ok(Box::new(WgpuModel::load(self.working()?, graph, params, self.codegen)?))
    }

    #[cfg(debug_assertions)]
    fn lose_in_next_run(&self) {
        lock(&self.device).doom.set();
    }
}
