//! A loaded graph: compiled kernels, uploaded params, and the runs that are ready to be used again.

use super::codegen::{Binding, CodegenError, CodegenOptions, Kernel, Packing, Read, kernel};
use super::device::{Device, Pipeline, lock};
use super::plan::{Plan, buffer_bytes};
use super::readback::{Readback, readback_parts, words};
use crate::{Execution, Keep, KernelError, Model, TensorSet};
use referee::graph::{ResolvedGraph, Slot, TensorKind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

/// Points of all kernels in one submission: a long run yields to the system's watchdog now and then.
const POINTS_PER_SUBMISSION: u64 = 1 << 36;
/// Bytes of params that wait for the device at a time.
const UPLOAD_BYTES: u64 = 64 << 20;
/// Bytes of a mappable buffer, unless one tensor needs more.
const READBACK_BYTES: u64 = 256 << 20;
/// Runs whose buffers are kept for the next ones.
const IDLE_RUNS: usize = 2;

/// One op, compiled.
struct Step {
    pipeline: Arc<Pipeline>,
    bindings: Vec<Binding>,
    outputs: Vec<Slot>,
    grid: [u32; 2],
    work: u64,
}

/// Buffers and bind groups of one run.
struct Run {
    buffers: Vec<wgpu::Buffer>,
    groups: Vec<wgpu::BindGroup>,
    readbacks: Vec<Readback>,
}

/// A graph with its params on a device.
pub(super) struct WgpuModel {
    device: Arc<Device>,
    graph: Arc<ResolvedGraph>,
    steps: Vec<Step>,
    params: BTreeMap<Slot, wgpu::Buffer>,
    packed: Vec<(Packing, wgpu::Buffer)>,
    boundary: Plan,
    idle: Mutex<Vec<Run>>,
}

impl WgpuModel {
    pub(super) fn load(
        device: Arc<Device>,
        graph: Arc<ResolvedGraph>,
        params: &TensorSet,
        options: CodegenOptions,
    ) -> Result<Self, KernelError> {
        let options = CodegenOptions { max_iterations: device.max_iterations, ..options };
        check_sizes(&graph, graph.slots_of(TensorKind::Param), params)?;
        check_limits(&graph, &device)?;
        let kernels: Vec<Kernel> = graph
            .ops
            .iter()
            .map(|op| kernel(&graph, op, options))
            .collect::<Result<_, _>>()
            .map_err(|error| refused(error, &device))?;
        let boundary = Plan::new(&graph, Keep::Boundary)?;
        device.guarded(|| {
            let mut uploads = Uploads { device: &device, waiting: 0 };
            let mut model = Self {
                device: Arc::clone(&device),
                graph: Arc::clone(&graph),
                steps: Vec::new(),
                params: BTreeMap::new(),
                packed: Vec::new(),
                boundary: boundary.clone(),
                idle: Mutex::new(Vec::new()),
            };
            for (kernel, op) in kernels.into_iter().zip(&graph.ops) {
                let pipeline = device.pipeline(&kernel);
                for binding in &kernel.bindings {
                    model.upload(binding, params, &mut uploads)?;
                }
                let Kernel { bindings, grid, work, .. } = kernel;
                model.steps.push(Step { pipeline, bindings, outputs: op.outputs.clone(), grid, work });
            }
            uploads.flush();
            Ok(model)
        })
    }

    /// Uploads the param that a binding reads, in the form that it is read in, once.
    fn upload(&mut self, binding: &Binding, params: &TensorSet, uploads: &mut Uploads<'_>) -> Result<(), KernelError> {
        let Binding::Read(read) = binding else { return Ok(()) };
        match read {
            Read::Tensor(slot) if !self.params.contains_key(slot) => {
                if let Some(bytes) = params.get(slot).filter(|_| self.is_param(*slot)) {
                    self.params.insert(*slot, uploads.buffer(bytes));
                }
            }
            Read::Packed(packing) if self.packed_buffer(packing).is_none() => {
                let slot = packing.slot();
                let bytes = params.get(&slot).ok_or(KernelError::Missing { slot })?;
                within(self.device.max_buffer_bytes(), packing.bytes(), &self.device)?;
                self.packed.push((packing.clone(), uploads.buffer(&packing.pack(bytes))));
            }
            _ => {}
        }
        Ok(())
    }

    fn is_param(&self, slot: Slot) -> bool {
        self.graph.tensors.get(usize::from(slot)).is_some_and(|tensor| tensor.kind == TensorKind::Param)
    }

    fn packed_buffer(&self, packing: &Packing) -> Option<&wgpu::Buffer> {
        self.packed.iter().find(|(known, _)| known == packing).map(|(_, buffer)| buffer)
    }

    fn tensor_bytes(&self, slot: Slot) -> usize {
        self.graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes())
    }

    /// Allocates the buffers of a run.
    fn allocate(&self, plan: &Plan) -> Result<Run, KernelError> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let buffers: Vec<wgpu::Buffer> = plan.buffers.iter().map(|size| self.buffer(*size, usage)).collect();
        let groups = self.steps[plan.ops.clone()]
            .iter()
            .map(|step| self.bind(step, plan, &buffers))
            .collect::<Result<_, _>>()?;
        Ok(Run { buffers, groups, readbacks: self.readbacks(plan) })
    }

    fn buffer(&self, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        })
    }

    fn bind(&self, step: &Step, plan: &Plan, buffers: &[wgpu::Buffer]) -> Result<wgpu::BindGroup, KernelError> {
        let placed = |slot: Slot| plan.places.get(&slot).and_then(|place| buffers.get(*place));
        let mut entries = Vec::with_capacity(step.bindings.len());
        for (binding, source) in (0u32..).zip(&step.bindings) {
            let buffer = match source {
                Binding::Read(Read::Tensor(slot)) => self.params.get(slot).or_else(|| placed(*slot)),
                Binding::Read(Read::Packed(packing)) => self.packed_buffer(packing),
                Binding::Write(output) => step.outputs.get(*output).and_then(|slot| placed(*slot)),
            };
            let buffer = buffer.ok_or_else(|| self.device.error("a kernel's tensor has no buffer"))?;
            entries.push(wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        }
        Ok(self.device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &step.pipeline.layout,
            entries: &entries,
        }))
    }

    /// Mappable buffers for the kept tensors, each within the device's limit.
    fn readbacks(&self, plan: &Plan) -> Vec<Readback> {
        let sizes = plan.kept.iter().map(|slot| (*slot, self.tensor_bytes(*slot)));
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        readback_parts(sizes, self.device.max_buffer_bytes().min(READBACK_BYTES))
            .into_iter()
            .map(|parts| {
                let bytes = parts.last().map_or(0, |part| part.offset + words(part.bytes));
                Readback { buffer: self.buffer(bytes, usage), bytes, parts }
            })
            .collect()
    }

    /// Submits the plan's ops and the copies of what is kept.
    fn submit(&self, plan: &Plan, run: &Run) -> wgpu::SubmissionIndex {
        let encoder = || self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut commands = encoder();
        let mut steps = self.steps[plan.ops.clone()].iter().zip(&run.groups).peekable();
        while steps.peek().is_some() {
            let mut points = 0u64;
            let mut pass = commands.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            while let Some((step, group)) = steps.next_if(|_| points < POINTS_PER_SUBMISSION) {
                pass.set_pipeline(&step.pipeline.pipeline);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(step.grid[0], step.grid[1], 1);
                points = points.saturating_add(step.work);
            }
            drop(pass);
            if steps.peek().is_some() {
                let full = std::mem::replace(&mut commands, encoder());
                self.device.queue.submit([full.finish()]);
            }
        }
        for readback in &run.readbacks {
            for part in &readback.parts {
                if let Some(source) = plan.places.get(&part.slot).and_then(|place| run.buffers.get(*place)) {
                    commands.copy_buffer_to_buffer(source, 0, &readback.buffer, part.offset, words(part.bytes));
                }
            }
        }
        self.device.queue.submit([commands.finish()])
    }

    /// Waits for the submission and copies the kept tensors out of the mapped buffers.
    fn read(&self, run: &Run, submission: wgpu::SubmissionIndex) -> Result<TensorSet, KernelError> {
        let (sender, mapped) = mpsc::channel();
        for readback in &run.readbacks {
            let sender = sender.clone();
            readback.buffer.map_async(wgpu::MapMode::Read, 0..readback.bytes, move |result| {
                // The receiver is gone only if the wait failed, which is the error that is reported.
                let _ = sender.send(result);
            });
        }
        self.device.wait(submission)?;
        drop(sender);
        let results: Vec<_> = mapped.iter().take(run.readbacks.len()).collect();
        if results.len() < run.readbacks.len() || results.iter().any(Result::is_err) {
            return Err(self.device.error("results could not be read back"));
        }
        let mut tensors = TensorSet::new();
        for readback in &run.readbacks {
            let view = readback
                .buffer
                .get_mapped_range(0..readback.bytes)
                .map_err(|error| self.device.error(error.to_string()))?;
            for part in &readback.parts {
                let from = part.offset as usize;
                let bytes = view.get(from..from + part.bytes);
                tensors.insert(part.slot, bytes.ok_or_else(|| self.device.error("a result is cut short"))?.into());
            }
            drop(view);
            readback.buffer.unmap();
        }
        Ok(tensors)
    }
}

impl Model for WgpuModel {
    fn run(&self, inputs: &TensorSet, keep: Keep) -> Result<Execution, KernelError> {
        let started = Instant::now();
        let planned;
        let plan = match keep {
            Keep::Boundary => &self.boundary,
            _ => {
                planned = Plan::new(&self.graph, keep)?;
                &planned
            }
        };
        let mut asked = plan.uploads.clone();
        if !matches!(keep, Keep::Segment(_)) {
            // An input that no op reads is part of the job all the same.
            asked = self.graph.slots_of(TensorKind::Input);
        }
        check_sizes(&self.graph, asked, inputs)?;
        let tensors = self.device.guarded(|| {
            let ready = if keep == Keep::Boundary { lock(&self.idle).pop() } else { None };
            let run = match ready {
                Some(run) => run,
                None => self.allocate(plan)?,
            };
            for slot in &plan.uploads {
                let bytes = inputs.get(slot).ok_or(KernelError::Missing { slot: *slot })?;
                let buffer = plan.places.get(slot).and_then(|place| run.buffers.get(*place));
                self.device.write(buffer.ok_or(KernelError::Missing { slot: *slot })?, bytes);
            }
            let submission = self.submit(plan, &run);
            #[cfg(debug_assertions)]
            if self.device.doom.strikes() {
                // What was submitted is under way, and nobody reads it any more.
                self.device.device.destroy();
            }
            let tensors = self.read(&run, submission)?;
            let mut idle = lock(&self.idle);
            if keep == Keep::Boundary && idle.len() < IDLE_RUNS {
                idle.push(run);
            }
            Ok(tensors)
        })?;
        Ok(Execution { tensors, kernel_time: started.elapsed() })
    }

    fn working_bytes(&self) -> u64 {
        let kept: u64 = self.boundary.kept.iter().map(|slot| words(self.tensor_bytes(*slot))).sum();
        self.boundary.total_bytes() + kept
    }

    fn param_bytes(&self) -> u64 {
        self.params.values().chain(self.packed.iter().map(|(_, buffer)| buffer)).map(wgpu::Buffer::size).sum()
    }
}

/// Uploads of params, a bounded number of bytes at a time.
struct Uploads<'a> {
    device: &'a Device,
    waiting: u64,
}

impl Uploads<'_> {
    fn buffer(&mut self, bytes: &[u8]) -> wgpu::Buffer {
        let size = buffer_bytes(bytes.len() as u64);
        let buffer = self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.device.write(&buffer, bytes);
        self.waiting += size;
        if self.waiting >= UPLOAD_BYTES {
            self.flush();
        }
        buffer
    }

    fn flush(&mut self) {
        self.device.queue.submit([]);
        self.waiting = 0;
    }
}

/// Every tensor of `slots` must be given, with the bytes that its shape asks for.
fn check_sizes(graph: &ResolvedGraph, slots: Vec<Slot>, given: &TensorSet) -> Result<(), KernelError> {
    for slot in slots {
        let expected = graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes());
        let given = given.get(&slot).ok_or(KernelError::Missing { slot })?.len();
        if given != expected {
            return Err(KernelError::Size { slot, expected, given });
        }
    }
    Ok(())
}

fn refused(error: CodegenError, device: &Device) -> KernelError {
    match error {
        CodegenError::Unchecked => device.error("the graph holds an op that its checks refuse"),
        CodegenError::Iterations { needed, available } => KernelError::Limit {
            limit: "the loop turns of one thread",
            device: device.description.clone(),
            needed,
            available,
        },
    }
}

/// Every tensor must fit one binding.
fn check_limits(graph: &ResolvedGraph, device: &Device) -> Result<(), KernelError> {
    graph.tensors.iter().try_for_each(|tensor| within(device.max_buffer_bytes(), tensor.bytes() as u64, device))
}

fn within(available: u64, bytes: u64, device: &Device) -> Result<(), KernelError> {
    let needed = buffer_bytes(bytes);
    if needed > available {
        let device = device.description.clone();
        return Err(KernelError::Limit { limit: "the bytes of one tensor", device, needed, available });
    }
    Ok(())
}
