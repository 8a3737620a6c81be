//! What committing costs beside computing: a transformer the size of MiniLM, one segment a layer.

use crate::report::{Report, round};
use crate::timing::{by_turns, seconds};
use crate::transformer::Transformer;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
use serde_json::json;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// Runs the benchmark.
pub(crate) fn run(report: &mut Report) -> Result<(), Box<dyn std::error::Error>> {
    report.heading(
        "committing to a transformer (6 layers, hidden 384, 12 heads, 1,536 inner, 128 tokens)",
        " batch  threads  giga-ops  job ms  giga-ops/s  boundary KiB  commit us  share %  every tensor %",
    );
    let hasher = Hasher::default();
    let mut rows = Vec::new();
    for batch in [1, 8] {
        let Transformer { graph, inputs, params, operations, .. } = Transformer::mini_lm(batch)?;
        let graph = Arc::new(graph);
        for threads in [1, 2] {
            let backend = CpuBackend::new(CpuOptions { threads, isa: None })?;
            let model = backend.load(Arc::clone(&graph), &params)?;
            let execution = model.run(&inputs, Keep::Boundary)?;
            let everything = model.run(&inputs, Keep::Everything)?;
            let mut failure = None;
            let mut job = || {
                if let Err(error) = model.run(&inputs, Keep::Boundary) {
                    failure = Some(error);
                }
            };
            let mut commit = || {
                black_box(backend.install(|| hasher.boundary(&graph, &execution.tensors))).ok();
            };
            let [job, commit] = by_turns(Duration::from_secs(2), 5, [&mut job, &mut commit]);
            if let Some(error) = failure {
                return Err(error.into());
            }
            let slots: Vec<u16> = everything.tensors.keys().copied().collect();
            let all = (0..3)
                .map(|_| {
                    seconds(|| {
                        black_box(backend.install(|| hasher.hashes(&graph, &everything.tensors, &slots))).ok();
                    })
                })
                .fold(f64::INFINITY, f64::min);
            let boundary: usize = execution.tensors.values().map(|bytes| bytes.len()).sum();
            let giga = operations as f64 / 1e9;
            let (share, all_share) = (100.0 * commit / (job + commit), 100.0 * all / (job + all));
            report.line(format!(
                " {batch:5} {threads:8} {giga:9.2} {:7.2} {:11.1} {:13.0} {:10.1} {share:8.2} {all_share:15.1}",
                job * 1e3,
                giga / job,
                boundary as f64 / 1024.0,
                commit * 1e6,
            ));
            rows.push(json!({
                "batch": batch, "threads": threads, "job_ms": round(job * 1e3, 3),
                "gops": round(giga / job, 1), "boundary_bytes": boundary, "commit_us": round(commit * 1e6, 1),
                "share_percent": round(share, 3), "every_tensor_share_percent": round(all_share, 2),
                "working_bytes": model.working_bytes(),
            }));
        }
    }
    report.set("commitment", json!({ "engine": format!("{:?}", hasher.engine()).to_lowercase(), "rows": rows }));
    Ok(())
}
