//! What a device may do wrong, provoked on a real one.

use super::adapter;
use super::backend::WgpuBackend;
#[cfg(debug_assertions)]
use super::backend::WgpuOptions;
use super::codegen::{CodegenOptions, Kernel, Strategy, WideKind};
use super::device::Device;
use crate::conformance::{Level, Vector, vectors};
use crate::{Backend, Keep, KernelError};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(600);

/// A device of its own for each test; `None`, and said so, without an adapter.
fn device() -> Option<Arc<Device>> {
    match adapter::choose(None) {
        Ok(adapter) => Some(Arc::new(Device::open(&adapter, false, TIMEOUT).unwrap())),
        Err(error) if std::env::var_os("ASSAY_REQUIRE_GPU").is_none() => {
            // Written past the test harness, which captures what the print macros write.
            let _ = writeln!(std::io::stderr(), "SKIPPED: no GPU adapter: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn options() -> CodegenOptions {
    CodegenOptions::new(WideKind::Pair, Strategy::Automatic)
}

fn vector(name: &str) -> Vector {
    vectors(Level::Full).into_iter().find(|vector| vector.name == name).unwrap()
}

#[test]
fn a_device_that_rounds_wrongly_is_quarantined() {
    let Some(device) = device() else { return };
    let truncating = WgpuBackend::new(&device, CodegenOptions { truncates: true, ..options() });
    // The second answer comes from memory and must be the same.
    for _ in 0..2 {
        let refused = truncating.tested();
        assert!(matches!(refused, Err(KernelError::Quarantined { .. })), "{refused:?}");
    }
    assert_eq!(WgpuBackend::new(&device, options()).tested(), Ok(()));
}

#[test]
fn a_lost_device_is_an_error_of_every_later_call() {
    let Some(device) = device() else { return };
    let backend = WgpuBackend::new(&device, options());
    let vector = vector("split reduction");
    let graph = Arc::new(vector.resolve().unwrap());
    let model = backend.load(Arc::clone(&graph), &vector.params).unwrap();
    assert!(model.run(&vector.inputs, Keep::Boundary).is_ok());
    device.device.destroy();
    for keep in [Keep::Boundary, Keep::Everything, Keep::Boundary] {
        let failed = model.run(&vector.inputs, keep);
        assert!(matches!(failed, Err(KernelError::Device { .. })), "{failed:?}");
    }
    let failed = backend.load(graph, &vector.params).err();
    assert!(matches!(failed, Some(KernelError::Device { .. })), "{failed:?}");
}

#[cfg(debug_assertions)]
#[test]
fn a_device_that_is_lost_in_the_middle_of_a_run_is_opened_again() {
    if device().is_none() {
        return;
    }
    let backend = WgpuBackend::open(WgpuOptions::default()).unwrap();
    let vector = vector("split reduction");
    let graph = Arc::new(vector.resolve().unwrap());
    let model = backend.load(Arc::clone(&graph), &vector.params).unwrap();
    let right = model.run(&vector.inputs, Keep::Boundary).unwrap().tensors;
    backend.lose_in_next_run();
    for _ in 0..2 {
        let failed = model.run(&vector.inputs, Keep::Boundary);
        assert!(matches!(failed, Err(KernelError::Device { .. })), "a model of a lost device is lost: {failed:?}");
    }
    let model = backend.load(graph, &vector.params).expect("the device is opened again");
    assert_eq!(model.run(&vector.inputs, Keep::Boundary).unwrap().tensors, right);
}

#[test]
fn a_module_that_the_driver_refuses_is_an_error() {
    let Some(device) = device() else { return };
    let source = "fn main() { not wgsl }".to_owned();
    let broken = Kernel { source, bindings: vec![], grid: [1, 1], work: 1, iterations: 0 };
    let refused = device.guarded(|| Ok(device.pipeline(&broken))).err();
    assert!(matches!(refused, Some(KernelError::Device { .. })), "{refused:?}");
}

#[test]
fn a_buffer_that_the_device_refuses_is_an_error() {
    let Some(device) = device() else { return };
    let refused = device.guarded(|| {
        let size = device.max_buffer_bytes().saturating_add(4);
        let usage = wgpu::BufferUsages::STORAGE;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let buffer = device.device.create_buffer(&descriptor);
        device.write(&buffer, &[1, 2, 3]);
        Ok(())
    });
    assert!(matches!(refused, Err(KernelError::Device { .. })), "{refused:?}");
    assert_eq!(device.guarded(|| Ok(7)), Ok(7), "the device still works");
}

#[test]
fn equal_modules_are_compiled_once_for_all_models() {
    let Some(device) = device() else { return };
    let backend = WgpuBackend::new(&device, options());
    let vector = vector("split reduction");
    let graph = Arc::new(vector.resolve().unwrap());
    backend.load(Arc::clone(&graph), &vector.params).unwrap();
    let compiled = device.compiled();
    assert!(compiled > 0 && compiled <= graph.ops.len());
    backend.load(graph, &vector.params).unwrap();
    assert_eq!(device.compiled(), compiled);
}
