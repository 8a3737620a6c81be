//! int8 matrix products on every backend beside rten-gemm: the same matrices, weights packed ahead on both sides, the
//! same number of threads.

use crate::gemm_graph::{GemmGraph, SUMS, square};
use crate::report::{Report, round};
use crate::timing::{by_turns, bytes};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Isa, Keep, WgpuBackend, WgpuOptions};
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, QuantParams};
use rten_tensor::NdTensorView;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SIZES: [usize; 3] = [512, 1024, 2048];

/// Runs the benchmark.
pub(crate) fn run(report: &mut Report) -> Result<(), Box<dyn std::error::Error>> {
    let executor = GemmExecutor::<u8, i8, i32>::default();
    let kernel = executor.kernel_name().to_owned();
    report.heading(
        &format!("int8 matrix products, 10^9 operations a second (rten-gemm runs {kernel})"),
        " size  backend             threads      ours      rten     ratio",
    );
    let adapter = match WgpuBackend::open(WgpuOptions::default()) {
        Ok(backend) => Some(backend),
        Err(error) => {
            report.line(format!("       wgpu: {error}"));
            None
        }
    };
    let mut rows = Vec::new();
    for size in SIZES {
        let left = bytes(size * size, 1);
        let right = bytes(size * size, 2);
        let graph = square(size as u32, &left, &right)?;
        let contest = Contest::new(size, &left, &right, &graph, &executor);
        for threads in [1, 2] {
            for isa in Isa::available() {
                rows.push(contest.cpu(report, isa, threads)?);
            }
        }
        if let Some(backend) = &adapter {
            rows.push(contest.wgpu(report, backend)?);
        }
    }
    let best = rows.iter().filter(|row| row["isa"] == Isa::detect().name()).filter_map(|row| row["ratio"].as_f64());
    let least = best.fold(f64::INFINITY, f64::min);
    report.line(format!("least ratio with {}: {least:.2} (target 0.90)", Isa::detect()));
    report.set("gemm", json!({ "rten_kernel": kernel, "least_ratio": round(least, 3), "rows": rows }));
    Ok(())
}

/// One size, with rten's side prepared.
struct Contest<'a> {
    size: usize,
    graph: &'a GemmGraph,
    executor: &'a GemmExecutor<u8, i8, i32>,
    /// The left side as rten takes it: unsigned, with zero point 128.
    shifted: Vec<u8>,
    right: Vec<i8>,
    zero_points: Vec<u8>,
}

impl<'a> Contest<'a> {
    fn new(
        size: usize,
        left: &[u8],
        right: &[u8],
        graph: &'a GemmGraph,
        executor: &'a GemmExecutor<u8, i8, i32>,
    ) -> Self {
        let shifted = left.iter().map(|value| value ^ 0x80).collect();
        let right = right.iter().map(|value| *value as i8).collect();
        Self { size, graph, executor, shifted, right, zero_points: vec![128; size] }
    }

    /// Operations of one product, in units of 10^9.
    fn operations(&self) -> f64 {
        2.0 * (self.size as f64).powi(3) / 1e9
    }

    fn cpu(&self, report: &Report, isa: Isa, threads: usize) -> Result<Value, Box<dyn std::error::Error>> {
        let backend = CpuBackend::new(CpuOptions { threads, isa: Some(isa) })?;
        let model = backend.load(Arc::new(self.graph.graph.clone()), &self.graph.params)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let left = NdTensorView::from_data([self.size, self.size], &self.shifted[..]);
        let right = NdTensorView::from_data([self.size, self.size], &self.right[..]).transposed();
        let packed = self.executor.prepack_b(right);
        let mut product = vec![0i32; self.size * self.size];
        let theirs = |product: &mut [i32]| {
            let options =
                GemmOptions { a_quant: Some(QuantParams { zero_point: &self.zero_points[..] }), ..Default::default() };
            let (left, right) = (GemmInputA::Unpacked(left), GemmInputB::Packed(&packed));
            pool.install(|| self.executor.gemm(product, left, right, options))
        };

        // both sides must give the same product
        theirs(&mut product).map_err(|error| format!("rten-gemm: {error:?}"))?;
        let expected: Vec<u8> = product.iter().flat_map(|value| value.to_le_bytes()).collect();
        let ours = model.run(&self.graph.inputs, Keep::Everything)?;
        if !self.executor.may_saturate() && ours.tensors.get(&SUMS).map(|bytes| &bytes[..]) != Some(&expected[..]) {
            return Err(format!("{isa}: the product of size {} differs from rten-gemm's", self.size).into());
        }

        let mut failure = None;
        let mut run_ours = || {
            if let Err(error) = model.run(&self.graph.inputs, Keep::Boundary) {
                failure = Some(error);
            }
        };
        let mut run_theirs = || {
            let _ = theirs(&mut product);
        };
        let budget = Duration::from_millis(if isa == Isa::Scalar { 500 } else { 1500 });
        let rounds = if isa == Isa::Scalar { 1 } else { 5 };
        let [ours, theirs] = by_turns(budget, rounds, [&mut run_ours, &mut run_theirs]);
        if let Some(error) = failure {
            return Err(error.into());
        }
        let (ours, theirs) = (self.operations() / ours, self.operations() / theirs);
        let size = self.size;
        report.line(format!(
            "{size:5}  {:18} {threads:8} {ours:9.1} {theirs:9.1} {:9.2}",
            format!("cpu {isa}"),
            ours / theirs
        ));
        Ok(json!({
            "size": size, "backend": "cpu", "isa": isa.name(), "threads": threads,
            "gops": round(ours, 1), "rten_gops": round(theirs, 1), "ratio": round(ours / theirs, 3),
        }))
    }

    /// On a graphics adapter.
    fn wgpu(&self, report: &Report, backend: &WgpuBackend) -> Result<Value, Box<dyn std::error::Error>> {
        let model = backend.load(Arc::new(self.graph.graph.clone()), &self.graph.params)?;
        let mut failure = None;
        let mut run = || {
            if let Err(error) = model.run(&self.graph.inputs, Keep::Boundary) {
                failure = Some(error);
            }
        };
        let [seconds] = by_turns(Duration::from_millis(500), 2, [&mut run]);
        if let Some(error) = failure {
            return Err(error.into());
        }
        let (size, rate, adapter) = (self.size, self.operations() / seconds, backend.description());
        report.line(format!("{size:5}  wgpu {rate:41.1}            {adapter}"));
        Ok(json!({ "size": size, "backend": "wgpu", "adapter": adapter, "gops": round(rate, 1) }))
    }
}
