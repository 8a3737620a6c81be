//! An encoder of MiniLM's size: milliseconds of one run beside ONNX Runtime, and what it keeps in memory.

use crate::peer::{PYTHON, Peer, Precision};
use crate::report::{Report, round};
use crate::timing::seconds;
use crate::transformer::{TOKENS, Transformer};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, Model, WgpuBackend, WgpuOptions};
use referee::graph::{ResolvedGraph, TensorKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

/// Texts of a run.
const BATCHES: [u32; 3] = [1, 8, 32];

/// Most memory of a model and one run beside its weights and the largest values that are alive at once.
const MOST_MEMORY: f64 = 1.3;

/// Runs the benchmark.
pub(crate) fn run(report: &mut Report) -> Result<(), Failure> {
    let shape = json!({
        "layers": 6, "hidden": 384, "heads": 12, "inner": 1536, "vocabulary": 30_522, "tokens": TOKENS,
    });
    let mut peer = Peer::start(&shape)?;
    match &peer {
        Some(peer) => report.line(format!("\npeer: ONNX Runtime {}", peer.version)),
        None => report.line(format!("\nno peer: {PYTHON} names no Python with onnx and onnxruntime")),
    }
    report.heading(
        "an encoder (6 layers, hidden 384, 12 heads, 1,536 inner, 128 tokens), ONNX Runtime by turns with it",
        " batch  threads  giga-ops       ms  giga-ops/s  ORT int8 ms  ORT float ms  int8 / ours  working MiB  of the least",
    );
    let mut rows = Vec::new();
    for batch in BATCHES {
        let transformer = Transformer::mini_lm(batch)?;
        let graph = Arc::new(transformer.graph.clone());
        for threads in [1, 2] {
            rows.push(cpu(report, &mut peer, &transformer, &graph, batch, threads)?);
        }
        if batch == 1 {
            rows.extend(wgpu(report, &transformer, &graph)?);
        }
    }
    let version = peer.as_ref().map(|peer| peer.version.clone());
    report.set("encoder", json!({ "onnxruntime": version, "rows": rows }));
    Ok(())
}

fn cpu(
    report: &Report,
    peer: &mut Option<Peer>,
    transformer: &Transformer,
    graph: &Arc<ResolvedGraph>,
    batch: u32,
    threads: usize,
) -> Result<Value, Failure> {
    let backend = CpuBackend::new(CpuOptions { threads, isa: None })?;
    let model = backend.load(Arc::clone(graph), &transformer.params)?;
    let job = |model: &dyn Model| -> Result<f64, Failure> {
        let mut outcome = None;
        let clock = seconds(|| outcome = Some(model.run(&transformer.inputs, Keep::Boundary)));
        outcome.ok_or("the run gave nothing")??;
        Ok(clock)
    };
    // one run of each to warm up
    job(&*model)?;
    if let Some(peer) = peer {
        for precision in [Precision::Int8, Precision::Float] {
            peer.seconds(precision, batch, threads)?;
        }
    }
    let [mut ours, mut int8, mut float] = [f64::INFINITY; 3];
    let (started, mut rounds) = (Instant::now(), 0);
    while rounds < 5 || started.elapsed() < Duration::from_secs(3) {
        ours = ours.min(job(&*model)?);
        if let Some(peer) = peer {
            int8 = int8.min(peer.seconds(Precision::Int8, batch, threads)?);
            float = float.min(peer.seconds(Precision::Float, batch, threads)?);
        }
        rounds += 1;
    }
    let giga = transformer.operations as f64 / 1e9;
    let (working, live) = (model.working_bytes(), greatest_live(graph));
    let memory = (model.param_bytes() + working) as f64 / (weights(graph) + live) as f64;
    if memory > MOST_MEMORY {
        return Err(format!("batch {batch} on {threads} threads takes {memory:.2} times the least memory").into());
    }
    let shown = |seconds: f64| if seconds.is_finite() { format!("{:.2}", seconds * 1e3) } else { "-".into() };
    let ratio = if int8.is_finite() { format!("{:.2}", int8 / ours) } else { "-".into() };
    report.line(format!(
        " {batch:5} {threads:8} {giga:9.2} {:8.2} {:11.1} {:>12} {:>13} {ratio:>12} {:12.2} {memory:13.2}",
        ours * 1e3,
        giga / ours,
        shown(int8),
        shown(float),
        working as f64 / f64::from(1 << 20),
    ));
    let milliseconds = |seconds: f64| seconds.is_finite().then(|| round(seconds * 1e3, 3));
    Ok(json!({
        "backend": "cpu", "batch": batch, "threads": threads, "ms": milliseconds(ours),
        "gops": round(giga / ours, 1), "onnxruntime_int8_ms": milliseconds(int8),
        "onnxruntime_float_ms": milliseconds(float), "working_bytes": working, "param_bytes": model.param_bytes(),
        "weight_bytes": weights(graph), "greatest_live_bytes": live, "memory_ratio": round(memory, 3),
    }))
}

/// On a graphics adapter, if there is one.
fn wgpu(report: &Report, transformer: &Transformer, graph: &Arc<ResolvedGraph>) -> Result<Option<Value>, Failure> {
    let backend = match WgpuBackend::open(WgpuOptions::default()) {
        Ok(backend) => backend,
        Err(error) => {
            report.line(format!("     1     wgpu: {error}"));
            return Ok(None);
        }
    };
    let model = backend.load(Arc::clone(graph), &transformer.params)?;
    model.run(&transformer.inputs, Keep::Boundary)?;
    let mut best = f64::INFINITY;
    for _ in 0..2 {
        let mut outcome = None;
        best = best.min(seconds(|| outcome = Some(model.run(&transformer.inputs, Keep::Boundary))));
        outcome.ok_or("the run gave nothing")??;
    }
    let (giga, adapter) = (transformer.operations as f64 / 1e9, backend.description());
    report.line(format!("     1     wgpu {giga:9.2} {:8.2} {:11.1}  {adapter}", best * 1e3, giga / best));
    Ok(Some(json!({
        "backend": "wgpu", "adapter": adapter, "batch": 1, "ms": round(best * 1e3, 2), "gops": round(giga / best, 1),
    })))
}

fn weights(graph: &ResolvedGraph) -> u64 {
    graph.slots_of(TensorKind::Param).iter().map(|slot| graph.tensors[usize::from(*slot)].bytes() as u64).sum()
}

/// Bytes of the Temps that are alive at once, at the op where they are most.
fn greatest_live(graph: &ResolvedGraph) -> u64 {
    let mut last_use = vec![0usize; graph.tensors.len()];
    for (index, op) in graph.ops.iter().enumerate() {
        op.operands.iter().for_each(|view| last_use[usize::from(view.slot)] = index);
    }
    for entry in &graph.boundary {
        last_use[usize::from(entry.slot)] = graph.ops.len();
    }
    let (mut live, mut most) = (0u64, 0u64);
    let mut ending = vec![0u64; graph.ops.len() + 1];
    for (index, op) in graph.ops.iter().enumerate() {
        for slot in &op.outputs {
            let bytes = graph.tensors[usize::from(*slot)].bytes() as u64;
            live += bytes;
            ending[last_use[usize::from(*slot)].max(index)] += bytes;
        }
        most = most.max(live);
        live -= ending[index];
    }
    most
}
