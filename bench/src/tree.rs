//! Tensor trees by each SHA-256 engine, beside plain `sha2` over the same bytes; and leaves of 512 bytes beside 1 KiB.

use crate::report::{Report, round};
use crate::timing::{by_turns, bytes};
use assay_kernels::commit::{Engine, Hasher};
use referee::commit::TensorLayout;
use referee::graph::{Dtype, TensorKind};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Duration;

/// 4 MiB: a run is short enough to find the machine undisturbed now and then.
const ROWS: u32 = 2048;
const COLUMNS: u32 = 2048;

/// Runs the benchmark.
pub(crate) fn run(report: &mut Report) -> Result<(), Box<dyn std::error::Error>> {
    let layout = TensorLayout::new(0, Dtype::I8, TensorKind::Temp, &[ROWS, COLUMNS]);
    let data = bytes(layout.bytes() as usize, 3);
    let gigabytes = data.len() as f64 / 1e9;
    report.heading(
        "SHA-256 trees, 10^9 bytes of tensor a second",
        " engine    threads      tree   1 KiB leaves   plain sha2",
    );
    let mut rows = Vec::new();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        for engine in Engine::available() {
            let hasher = Hasher::new(engine);
            let mut tree = || {
                black_box(pool.install(|| hasher.tensor(0, &layout, &data))).ok();
            };
            let mut large_leaves = || {
                black_box(pool.install(|| hasher.tree_root(&data, 1024)));
            };
            let mut plain = || {
                black_box(Sha256::digest(&data));
            };
            let budget = Duration::from_millis(600);
            let [tree, large, plain] = by_turns(budget, 3, [&mut tree, &mut large_leaves, &mut plain]);
            let (tree, large, plain) = (gigabytes / tree, gigabytes / large, gigabytes / plain);
            let name = format!("{engine:?}").to_lowercase();
            report.line(format!(" {name:8} {threads:8} {tree:9.2} {large:14.2} {plain:12.2}"));
            rows.push(json!({
                "engine": name, "threads": threads, "gb_per_second": round(tree, 3),
                "gb_per_second_1_kib_leaves": round(large, 3), "sha2_gb_per_second": round(plain, 3),
            }));
        }
    }
    let engine = format!("{:?}", Engine::detect()).to_lowercase();
    report.set("tree", json!({ "engine": engine, "leaf_bytes": 512, "rows": rows }));
    Ok(())
}
