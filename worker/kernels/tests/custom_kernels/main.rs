//! Compiled kernels against the same WGSL run as it stands.
//!
//! Random functions are compiled to bytecode, which the scalar reference and the CPU backend run, and put unchanged into a
//! compute shader, which naga and the driver run. All must agree on every input.

mod random;
#[path = "../wgpu_adapter/mod.rs"]
mod wgpu_adapter;

use assay_compiler::{Kernel, compile};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, TensorSet, WgpuBackend};
use random::{Random, program};
use referee::semantics::run;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Elements of one run.
const ELEMENTS: usize = 512;
/// Entries of the table that kernels index.
const TABLE: usize = 16;
/// Kernels of one shader.
const KERNELS: usize = 48;

const HEADER: &str = "//! axis x: 512
//! input a: i32 [x] at [x]
//! input b: i32 [x] at [x]
//! input c: i32 [x] at [x]
//! input t: i32 [16] at [?]
//! output r: i32
@group(0) @binding(3) var<storage, read> t: array<i32>;
";

/// Extremes and random values.
fn column(random: &mut Random, length: usize) -> Vec<i32> {
    const EXTREMES: [i32; 14] =
        [0, 1, -1, 2, -2, 31, 32, 33, 255, 65_536, i32::MAX, i32::MIN, i32::MAX - 1, i32::MIN + 1];
    let value = |at: usize, random: &mut Random| match at % 3 {
        0 => EXTREMES[random.below(EXTREMES.len())],
        1 => random.next() as i32,
        _ => random.next() as i32 >> random.below(31),
    };
    (0..length).map(|at| value(at, random)).collect()
}

fn bytes(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What the scalar reference and the backends, which must be equal, compute.
fn by_bytecode(kernel: &Kernel, inputs: &[Vec<i32>; 4], backends: &[&dyn Backend]) -> Vec<i32> {
    let model = kernel.model(&BTreeMap::new()).unwrap();
    let graph = Arc::new(model.resolve(&[]).unwrap());
    let given: Vec<Vec<u8>> = inputs.iter().map(|column| bytes(column)).collect();
    let slices: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
    let trace = run(&graph, &slices).unwrap();
    let slot = graph.outputs[0];
    let tensors: TensorSet = (0u16..).zip(given.iter().map(|bytes| Arc::from(bytes.as_slice()))).collect();
    for backend in backends {
        let executed =
            backend.load(Arc::clone(&graph), &TensorSet::new()).unwrap().run(&tensors, Keep::Boundary).unwrap();
        assert_eq!(executed.tensors[&slot][..], trace.tensors[usize::from(slot)][..], "{} differs", backend.name());
    }
    trace.tensors[usize::from(slot)].as_chunks::<4>().0.iter().map(|word| i32::from_le_bytes(*word)).collect()
}

/// All functions in one compute shader.
fn shader(sources: &[String]) -> String {
    let mut text = String::from(
        "@group(0) @binding(0) var<storage, read> in_a: array<i32>;
@group(0) @binding(1) var<storage, read> in_b: array<i32>;
@group(0) @binding(2) var<storage, read> in_c: array<i32>;
@group(0) @binding(3) var<storage, read> t: array<i32>;
@group(0) @binding(4) var<storage, read_write> result: array<i32>;
",
    );
    let mut calls = String::new();
    for (at, source) in sources.iter().enumerate() {
        let renamed =
            source.replace("fn element(", &format!("fn element_{at}(")).replace("helper(", &format!("helper_{at}("));
        text.push_str(&renamed);
        calls.push_str(&format!(
            "    result[i + {}u] = element_{at}(in_a[i], in_b[i], bitcast<u32>(in_c[i]));\n",
            at * ELEMENTS
        ));
    }
    text.push_str(&format!("@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{\n    let i = id.x;\n{calls}}}\n"));
    text
}

/// Runs a shader on the adapter of the given name.
fn by_driver(adapter_name: &str, source: &str, inputs: &[Vec<i32>; 4], words: usize) -> Vec<i32> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags |= wgpu::InstanceFlags::ALLOW_UNDERLYING_NONCOMPLIANT_ADAPTER;
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(backends));
    let adapter =
        adapters.into_iter().find(|adapter| adapter.get_info().name == adapter_name).expect("the adapter is there");
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(Cow::Borrowed(source)),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let buffer = |bytes: u64, usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false })
    };
    let mut buffers: Vec<wgpu::Buffer> = Vec::new();
    for column in inputs {
        let bytes = bytes(column);
        let filled = buffer(bytes.len() as u64, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST);
        queue.write_buffer(&filled, 0, &bytes);
        buffers.push(filled);
    }
    let size = 4 * words as u64;
    buffers.push(buffer(size, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC));
    let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
        .zip(&buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let layout = pipeline.get_bind_group_layout(0);
    let group =
        device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
    let read = buffer(size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(ELEMENTS as u32 / 64, 1, 1);
    }
    encoder.copy_buffer_to_buffer(&buffers[4], 0, &read, 0, size);
    queue.submit([encoder.finish()]);
    read.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.unwrap());
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let mapped = read.slice(..).get_mapped_range().unwrap();
    mapped.as_chunks::<4>().0.iter().map(|word| i32::from_le_bytes(*word)).collect()
}

/// Compiles and compares `KERNELS` random kernels; gives how many instructions of loops were among them.
fn compare(seed: u64, backend: &WgpuBackend) -> usize {
    let adapter = backend.adapter().name.as_str();
    let cpu = CpuBackend::new(CpuOptions { threads: 1, ..CpuOptions::default() }).unwrap();
    let mut random = Random::new(seed);
    let inputs = [ELEMENTS, ELEMENTS, ELEMENTS, TABLE].map(|length| column(&mut random, length));
    let (mut sources, mut kernels, mut refused) = (Vec::new(), Vec::new(), 0);
    while kernels.len() < KERNELS {
        let source = program(&mut random);
        match compile(&format!("{HEADER}{source}")) {
            Ok(kernel) => {
                sources.push(source);
                kernels.push(kernel);
            }
            // Too long, too many constants, registers or steps: nothing else may be wrong with them.
            Err(error) if error.code.starts_with("K04") && error.code != "K0401" => refused += 1,
            Err(error) => panic!("{}", error.render("random.wgsl", &format!("{HEADER}{source}"))),
        }
        assert!(refused < 4 * KERNELS, "{refused} of the kernels are too large");
    }
    let expected = by_driver(adapter, &shader(&sources), &inputs, KERNELS * ELEMENTS);
    let mut loops = 0;
    for (at, (kernel, source)) in kernels.iter().zip(&sources).enumerate() {
        // The backend's own shaders take their time to be compiled: some will do.
        let backends: [&dyn Backend; 2] = [&cpu, backend];
        let values = by_bytecode(kernel, &inputs, if at % 8 == 0 { &backends } else { &backends[..1] });
        for (element, value) in values.iter().enumerate() {
            let driver = expected[at * ELEMENTS + element];
            let given = inputs[..3].iter().map(|column| column[element]).collect::<Vec<_>>();
            assert_eq!(*value, driver, "seed {seed}, kernel {at} of {given:?}: bytecode and {adapter}\n{source}");
        }
        loops +=
            kernel.program.code.iter().filter(|code| matches!(code, referee::graph::Instruction::Loop { .. })).count();
    }
    loops
}

#[test]
fn random_kernels_compute_what_the_driver_computes_from_their_source() {
    let Some(backend) = wgpu_adapter::open(wgpu_adapter::paired()) else { return };
    let seeds = std::env::var("ASSAY_RANDOM_SEEDS").map_or(4, |seeds| seeds.parse().unwrap());
    let loops: usize = (1..=seeds).map(|seed| compare(seed, &backend)).sum();
    assert!(loops > 10, "only {loops} loops of the machine");
}
