//! What auditing costs beside computing: contractions checked by random weights, and the depths of an audit.

use crate::gemm_graph::{SUMS, product};
use crate::report::{Report, round};
use crate::timing::{by_turns, bytes};
use crate::transformer::Transformer;
use assay_audit::depth::{Freivalds, Verdict, output, segment};
use assay_audit::{ClaimedBoundary, ClaimedSegment, Subject};
use assay_kernels::audit::{Advice, Coverage, Secret, advice};
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, TensorSet};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

type Failure = Box<dyn std::error::Error>;

/// Rows, columns and depth of the products.
const SIZES: [[u32; 3]; 7] = [
    [512, 384, 384],
    [512, 1536, 384],
    [512, 384, 1536],
    [512, 512, 512],
    [1024, 1024, 1024],
    [512, 2048, 2048],
    [2048, 2048, 2048],
];

/// Runs the benchmark.
pub(crate) fn run(report: &mut Report) -> Result<(), Failure> {
    report.heading(
        "checking a contraction by random weights (chance of a miss below 2^-71), the right side a param",
        " rows columns depth  threads  compute us  check us  share %",
    );
    let mut contractions = Vec::new();
    for size in SIZES {
        for threads in [1, 2] {
            contractions.push(contraction(report, size, threads)?);
        }
    }
    report.heading(
        "auditing a transformer (6 layers, hidden 384, 12 heads, 1,536 inner, 128 tokens), one layer a segment",
        " batch  threads  job ms  layer ms  output %  segment %  freivalds %: contractions  rest  hashes  | of the layer: contractions  all",
    );
    let mut depths = Vec::new();
    for batch in [1, 4] {
        for threads in [1, 2] {
            depths.push(transformer(report, batch, threads)?);
        }
    }
    report.set("audit", json!({ "contractions": contractions, "depths": depths }));
    Ok(())
}

fn contraction(report: &Report, size: [u32; 3], threads: usize) -> Result<Value, Failure> {
    let [rows, columns, depth] = size;
    let (left, right) = (bytes((rows * depth) as usize, 1), bytes((columns * depth) as usize, 2));
    let graph = product(size, &left, &right)?;
    let resolved = Arc::new(graph.graph);
    let backend = CpuBackend::new(CpuOptions { threads, isa: None })?;
    let model = backend.load(Arc::clone(&resolved), &graph.params)?;
    let sums = model.run(&graph.inputs, Keep::Everything)?.tensors.remove(&SUMS).ok_or("no sums")?;
    let checker = assay_kernels::audit::Checker::new(&resolved, &graph.params, &Secret::new([1; 32]), Coverage::Every)?;
    let check = || backend.install(|| checker.check(&resolved, 0, [&left, &right], &sums));
    if !check()? {
        return Err("an honest product is refused".into());
    }
    let mut failure = None;
    let mut compute = || {
        if let Err(error) = model.run(&graph.inputs, Keep::Boundary) {
            failure = Some(error);
        }
    };
    let mut checking = || {
        black_box(check()).ok();
    };
    let [compute, checking] = by_turns(Duration::from_millis(700), 5, [&mut compute, &mut checking]);
    if let Some(error) = failure {
        return Err(error.into());
    }
    let share = 100.0 * checking / compute;
    report.line(format!(
        "{rows:5} {columns:7} {depth:5} {threads:8} {:11.1} {:9.1} {share:8.2}",
        compute * 1e6,
        checking * 1e6
    ));
    Ok(json!({
        "rows": rows, "columns": columns, "depth": depth, "threads": threads, "compute_us": round(compute * 1e6, 1),
        "check_us": round(checking * 1e6, 1), "share_percent": round(share, 2),
    }))
}

/// The third layer of a job whose trace is honest.
const LAYER: u16 = 2;

fn transformer(report: &Report, batch: u32, threads: usize) -> Result<Value, Failure> {
    let Transformer { source, graph, inputs, params, .. } = Transformer::mini_lm(batch)?;
    let subject = Subject { graph: Arc::new(source), resolved: Arc::new(graph), params: Arc::new(params), inputs };
    let (graph, hasher) = (&subject.resolved, Hasher::default());
    let backend = CpuBackend::new(CpuOptions { threads, isa: None })?;
    let model = backend.load(Arc::clone(graph), &subject.params)?;
    let committed: TensorSet = model.run(&subject.inputs, Keep::Everything)?.tensors;
    let root = hasher.boundary(graph, &committed)?.root;
    let boundary = ClaimedBoundary::from_tensors(graph, &hasher, committed.clone(), &root)?;
    let trace_root = hasher.segment_root(graph, LAYER, &committed)?;
    let trace = ClaimedSegment::from_tensors(graph, &hasher, LAYER, committed.clone(), &trace_root)?;
    let given = |slot| committed.get(&slot).or_else(|| subject.given(slot).ok());
    let advice: Advice = advice(&backend, graph, LAYER, given)?;
    let auditor = Freivalds::new(&subject, &Secret::new([2; 32]), Coverage::Worthwhile)?;
    let checked = auditor.contractions().count() / graph.segments.len();
    let checker = auditor.segment(&backend, LAYER)?;
    let verdict = backend.install(|| checker.check(&hasher, &boundary, &trace, &advice))?;
    if verdict != Verdict::Passes {
        return Err(format!("an honest layer is suspected: {verdict:?}").into());
    }

    let mut layer_inputs = subject.inputs.clone();
    layer_inputs.extend(committed.iter().map(|(slot, bytes)| (*slot, Arc::clone(bytes))));
    let mut job = || drop(black_box(model.run(&subject.inputs, Keep::Boundary)));
    let mut layer = || drop(black_box(model.run(&layer_inputs, Keep::Segment(LAYER))));
    let mut by_output = || drop(black_box(backend.install(|| output(graph, &hasher, &*model, &subject.inputs))));
    let mut by_segment =
        || drop(black_box(backend.install(|| segment(graph, &hasher, &*model, &subject.inputs, &boundary, LAYER))));
    let mut contractions = || drop(black_box(backend.install(|| checker.wrong_advice(&committed, &advice))));
    let mut unhashed = || drop(black_box(backend.install(|| checker.judge(&committed, &advice, trace.slots()))));
    let mut whole = || drop(black_box(backend.install(|| checker.check(&hasher, &boundary, &trace, &advice))));
    let [job, layer, by_output, by_segment, contractions, unhashed, whole] = by_turns(
        Duration::from_secs(3),
        5,
        [&mut job, &mut layer, &mut by_output, &mut by_segment, &mut contractions, &mut unhashed, &mut whole],
    );
    let share = |seconds: f64| 100.0 * seconds / job;
    let of_layer = |seconds: f64| 100.0 * seconds / layer;
    report.line(format!(
        " {batch:5} {threads:8} {:7.2} {:9.2} {:9.1} {:10.1} {:26.2} {:5.2} {:7.2}  | {:26.2} {:5.1}",
        job * 1e3,
        layer * 1e3,
        share(by_output),
        share(by_segment),
        share(contractions),
        share(unhashed - contractions),
        share(whole - unhashed),
        of_layer(contractions),
        of_layer(whole),
    ));
    Ok(json!({
        "batch": batch, "threads": threads, "job_ms": round(job * 1e3, 3), "layer_ms": round(layer * 1e3, 3),
        "contractions_checked_a_layer": checked, "output_percent_of_job": round(share(by_output), 2),
        "segment_percent_of_job": round(share(by_segment), 2), "freivalds_percent_of_job": round(share(whole), 2),
        "freivalds_contractions_percent_of_job": round(share(contractions), 3),
        "freivalds_contractions_percent_of_layer": round(of_layer(contractions), 2),
        "freivalds_unhashed_percent_of_layer": round(of_layer(unhashed), 2),
        "freivalds_percent_of_layer": round(of_layer(whole), 2),
    }))
}
