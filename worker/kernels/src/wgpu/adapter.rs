//! Which adapters there are, and which one is opened.

use crate::KernelError;
use std::fmt;

/// What kind of device an adapter is, the fastest kinds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A GPU with its own memory.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU lent to a virtual machine.
    Virtual,
    /// Unknown.
    Other,
    /// The processor itself: right, and slower than the cpu backend.
    Software,
}

/// An adapter that kernels could run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Name of the device.
    pub name: String,
    /// Driver and its version.
    pub driver: String,
    /// Programming interface: `vulkan`, `metal` or `dx12`.
    pub interface: String,
    /// Kind of device.
    pub kind: AdapterKind,
}

impl fmt::Display for AdapterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.interface, self.driver)
    }
}

impl AdapterInfo {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Other => AdapterKind::Other,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
        };
        let driver = [info.driver.as_str(), info.driver_info.as_str()].join(" ").trim().to_owned();
        Self { name: info.name, driver, interface: info.backend.to_string(), kind }
    }
}

/// An adapter that has been chosen.
pub(super) struct Adapter {
    pub info: AdapterInfo,
    pub adapter: wgpu::Adapter,
}

/// All adapters, the fastest kinds first.
pub(super) fn enumerate() -> Vec<Adapter> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    // A driver without a conformance certificate (Mesa's software adapter has none) still has to pass the self-test.
    descriptor.flags |= wgpu::InstanceFlags::ALLOW_UNDERLYING_NONCOMPLIANT_ADAPTER;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters: Vec<Adapter> = pollster::block_on(instance.enumerate_adapters(backends))
        .into_iter()
        .map(|adapter| Adapter { info: AdapterInfo::of(&adapter), adapter })
        .collect();
    adapters.sort_by_key(|adapter| adapter.info.kind);
    adapters
}

/// The first adapter whose name contains `wanted`, whatever its case; the first of all without a wish.
pub(super) fn choose(wanted: Option<&str>) -> Result<Adapter, KernelError> {
    let adapters = enumerate();
    let names: Vec<String> = adapters.iter().map(|adapter| adapter.info.name.clone()).collect();
    let matches = |adapter: &Adapter| {
        wanted.is_none_or(|wanted| adapter.info.name.to_lowercase().contains(&wanted.to_lowercase()))
    };
    adapters.into_iter().find(matches).ok_or_else(|| {
        let reason = match wanted {
            Some(wanted) if !names.is_empty() => {
                format!("no adapter is named like '{wanted}', only {}", names.join(", "))
            }
            _ => "no driver offers a Vulkan, Metal or DirectX 12 adapter".to_owned(),
        };
        KernelError::NoAdapter { reason }
    })
}
