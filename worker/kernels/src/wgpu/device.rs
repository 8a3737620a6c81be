//! An opened device: its limits, its compiled pipelines, and its failures as errors.

use super::adapter::{Adapter, AdapterInfo, AdapterKind};
use super::codegen::{Binding, Kernel};
use crate::KernelError;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What kernels need of a device; every portable adapter has it.
const STORAGE_BUFFERS: u32 = 8;
const THREADS_PER_WORKGROUP: u32 = 256;
const SHARED_BYTES: u32 = 16 * 1024;
const GROUPS_PER_DIMENSION: u32 = 65_535;

/// Mesa's software adapter counts the turns of all loops of a thread together and silently leaves every loop once this
/// many are done (`LP_MAX_TGSI_LOOP_ITERATIONS`), with wrong results. Nothing else is known to do so.
const SOFTWARE_ITERATIONS: u64 = 65_535;

/// A compiled kernel.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// An opened device.
pub(super) struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The adapter that it was opened on.
    pub adapter: AdapterInfo,
    /// The same, for people.
    pub description: String,
    /// Longest wait for a run.
    pub timeout: Duration,
    /// Turns of all loops of one thread after which the device stops looping.
    pub max_iterations: Option<u64>,
    limits: wgpu::Limits,
    /// By the hash of the module's source.
    pipelines: Mutex<HashMap<[u8; 32], Arc<Pipeline>>>,
    /// Why the device is gone for good.
    lost: Arc<Mutex<Option<String>>>,
    /// The first error that no scope caught.
    uncaught: Arc<Mutex<Option<String>>>,
    /// For drills.
    #[cfg(debug_assertions)]
    pub doom: crate::doom::Doom,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("description", &self.description).finish_non_exhaustive()
    }
}

impl Device {
    /// Opens the adapter, with its own 64-bit integers if `native_integers` and it has them.
    pub(super) fn open(adapter: &Adapter, native_integers: bool, timeout: Duration) -> Result<Self, KernelError> {
        let description = adapter.info.to_string();
        let offered = adapter.adapter.limits();
        let required = required_limits(&offered, &description)?;
        let native = wgpu::Features::SHADER_INT64;
        let required_features =
            if native_integers { adapter.adapter.features() & native } else { wgpu::Features::empty() };
        let descriptor =
            wgpu::DeviceDescriptor { required_features, required_limits: required.clone(), ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.adapter.request_device(&descriptor))
            .map_err(|error| KernelError::Device { device: description.clone(), reason: error.to_string() })?;
        let (lost, uncaught) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let lost_by_callback = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            let text = format!("the device is lost ({reason:?}): {message}");
            lock(&lost_by_callback).get_or_insert(text);
        });
        let uncaught_by_handler = Arc::clone(&uncaught);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&uncaught_by_handler).get_or_insert(error.to_string());
        }));
        Ok(Self {
            device,
            queue,
            adapter: adapter.info.clone(),
            description,
            timeout,
            max_iterations: (adapter.info.kind == AdapterKind::Software).then_some(SOFTWARE_ITERATIONS),
            limits: required,
            pipelines: Mutex::new(HashMap::new()),
            lost,
            uncaught,
            #[cfg(debug_assertions)]
            doom: crate::doom::Doom::default(),
        })
    }

    /// Whether generated code may use the device's own 64-bit integers.
    pub(super) fn has_native_integers(&self) -> bool {
        self.device.features().contains(wgpu::Features::SHADER_INT64)
    }

    /// Most bytes of one buffer that a kernel binds.
    pub(super) fn max_buffer_bytes(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }

    /// An error of this device.
    pub(super) fn error(&self, reason: impl Into<String>) -> KernelError {
        KernelError::Device { device: self.description.clone(), reason: reason.into() }
    }

    /// Runs `work` and turns whatever the device reports meanwhile into an error.
    pub(super) fn guarded<T>(&self, work: impl FnOnce() -> Result<T, KernelError>) -> Result<T, KernelError> {
        self.check()?;
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let result = work();
        let caught = [
            pollster::block_on(validation.pop()),
            pollster::block_on(internal.pop()),
            pollster::block_on(memory.pop()),
        ];
        self.check()?;
        match caught.into_iter().flatten().next() {
            Some(wgpu::Error::OutOfMemory { .. }) => Err(self.error("it is out of memory")),
            Some(error) => Err(self.error(error.to_string())),
            None => result,
        }
    }

    /// Whether the device is gone for good.
    pub(super) fn is_lost(&self) -> bool {
        lock(&self.lost).is_some()
    }

    /// Whether the device still works.
    fn check(&self) -> Result<(), KernelError> {
        if let Some(reason) = lock(&self.lost).clone() {
            return Err(self.error(reason));
        }
        match lock(&self.uncaught).take() {
            Some(reason) => Err(self.error(reason)),
            None => Ok(()),
        }
    }

    /// The pipeline of a kernel; equal modules are compiled once.
    pub(super) fn pipeline(&self, kernel: &Kernel) -> Arc<Pipeline> {
        let hash: [u8; 32] = Sha256::digest(kernel.source.as_bytes()).into();
        if let Some(pipeline) = lock(&self.pipelines).get(&hash) {
            return Arc::clone(pipeline);
        }
        let pipeline = Arc::new(self.compile(kernel));
        Arc::clone(lock(&self.pipelines).entry(hash).or_insert(pipeline))
    }

    fn compile(&self, kernel: &Kernel) -> Pipeline {
        let source = wgpu::ShaderSource::Wgsl(Cow::Borrowed(&kernel.source));
        let descriptor = wgpu::ShaderModuleDescriptor { label: None, source };
        // SAFETY: only the check for endless loops is left out, and every loop of a generated module counts to a
        // constant. Accesses, divisions and all else stay checked.
        let module = unsafe {
            let checks =
                wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
            self.device.create_shader_module_trusted(descriptor, checks)
        };
        let entry = |(binding, access): (usize, &Binding)| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only: matches!(access, Binding::Read(_)) },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = kernel.bindings.iter().enumerate().map(entry).collect();
        let layout =
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                // Every kernel writes the shared words that it reads.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        Pipeline { pipeline, layout }
    }

    /// Modules compiled so far.
    #[cfg(test)]
    pub(super) fn compiled(&self) -> usize {
        lock(&self.pipelines).len()
    }

    /// Waits until a submission is done and its buffers are mapped.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), KernelError> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(self.timeout) };
        self.device.poll(wait).map(|_| ()).map_err(|error| self.error(why_not_done(&error, self.timeout)))
    }

    /// Writes bytes at the start of a buffer that has room for whole words.
    pub(super) fn write(&self, buffer: &wgpu::Buffer, bytes: &[u8]) {
        let (whole, rest) = bytes.split_at(bytes.len() & !3);
        if !whole.is_empty() {
            self.queue.write_buffer(buffer, 0, whole);
        }
        if !rest.is_empty() {
            let mut word = [0u8; 4];
            word[..rest.len()].copy_from_slice(rest);
            self.queue.write_buffer(buffer, whole.len() as u64, &word);
        }
    }
}

/// Why a submission is not known to be done.
fn why_not_done(error: &wgpu::PollError, timeout: Duration) -> String {
    match error {
        wgpu::PollError::Timeout => format!("no answer within {} seconds", timeout.as_secs()),
        wgpu::PollError::WrongSubmissionIndex(..) => error.to_string(),
    }
}

fn required_limits(offered: &wgpu::Limits, device: &str) -> Result<wgpu::Limits, KernelError> {
    let needs = [
        ("storage buffers a kernel", STORAGE_BUFFERS, offered.max_storage_buffers_per_shader_stage),
        ("threads a workgroup", THREADS_PER_WORKGROUP, offered.max_compute_invocations_per_workgroup),
        ("threads a workgroup along x", THREADS_PER_WORKGROUP, offered.max_compute_workgroup_size_x),
        ("bytes of shared memory", SHARED_BYTES, offered.max_compute_workgroup_storage_size),
        ("workgroups a dimension", GROUPS_PER_DIMENSION, offered.max_compute_workgroups_per_dimension),
    ];
    for (what, needed, available) in needs {
        if needed > available {
            let reason = format!("{device} has {available} {what}, kernels need {needed}");
            return Err(KernelError::NoAdapter { reason });
        }
    }
    Ok(wgpu::Limits {
        max_storage_buffers_per_shader_stage: STORAGE_BUFFERS,
        max_compute_invocations_per_workgroup: THREADS_PER_WORKGROUP,
        max_compute_workgroup_size_x: THREADS_PER_WORKGROUP,
        max_compute_workgroup_storage_size: SHARED_BYTES,
        max_compute_workgroups_per_dimension: GROUPS_PER_DIMENSION,
        max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
        max_buffer_size: offered.max_buffer_size,
        ..wgpu::Limits::downlevel_defaults().or_worse_values_from(offered)
    })
}

/// The contents are whole values, so that a panic elsewhere leaves them usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_hangs_is_named_so() {
        let reason = why_not_done(&wgpu::PollError::Timeout, Duration::from_secs(90));
        assert_eq!(reason, "no answer within 90 seconds");
    }

    #[test]
    fn adapters_below_what_kernels_need_are_refused_with_the_numbers() {
        let enough = wgpu::Limits::default();
        assert!(required_limits(&enough, "a device").is_ok());
        let few = wgpu::Limits { max_storage_buffers_per_shader_stage: 4, ..enough.clone() };
        let small = wgpu::Limits { max_compute_workgroup_storage_size: 8192, ..enough };
        for (limits, expected) in [(few, "4 storage buffers a kernel, kernels need 8"), (small, "kernels need 16384")] {
            let Err(KernelError::NoAdapter { reason }) = required_limits(&limits, "a device") else {
                panic!("accepted: {expected}");
            };
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
