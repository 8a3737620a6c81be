//! What an audit costs, measured against computing a result again.

use crate::error::CliError;
use assay_audit::ClaimedBoundary;
use assay_audit::depth::{output, segment};
use assay_client::Work;
use assay_kernels::commit::Hasher;
use assay_kernels::{Backend, CpuBackend, CpuOptions};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often each thing is measured; the fastest counts, because nothing makes a computation faster than it is.
const ROUNDS: u32 = 5;

/// The share of a whole replay, hashing included, that the audit of one drawn segment takes: the mean over all segments. On one
/// thread of this machine's CPU.
pub(super) fn share_of_replay(work: &Work) -> Result<f64, CliError> {
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None })?;
    let (graph, hasher) = (&work.resolved, Hasher::default());
    let model = backend.load(Arc::clone(graph), &work.params)?;
    let own = output(graph, &hasher, &*model, &work.inputs)?;
    let claimed = ClaimedBoundary::from_tensors(graph, &hasher, own.tensors, &own.boundary.root)?;
    let whole = fastest(|| Ok(output(graph, &hasher, &*model, &work.inputs).map(|_| ())?))?;
    let mut parts = Duration::ZERO;
    let segments = u16::try_from(graph.segments.len()).unwrap_or(u16::MAX);
    for index in 0..segments {
        parts += fastest(|| Ok(segment(graph, &hasher, &*model, &work.inputs, &claimed, index).map(|_| ())?))?;
    }
    let share = parts.as_secs_f64() / f64::from(segments.max(1)) / whole.as_secs_f64().max(f64::MIN_POSITIVE);
    Ok((share * 1000.0).round() / 1000.0)
}

fn fastest(mut run: impl FnMut() -> Result<(), CliError>) -> Result<Duration, CliError> {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        run()?;
        least = least.min(started.elapsed());
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_models::mlp;

    #[test]
    fn one_segment_costs_less_than_all() {
        let shape = mlp::Shape { inputs: 256, hidden: vec![256, 256, 256], outputs: 64, max_batch: 64 };
        let model = mlp::model(&shape, 7).unwrap();
        let inputs = mlp::inputs(&shape, 64, 1);
        let work = Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &[64]).unwrap();
        assert!(work.resolved.segments.len() >= 4);
        let share = share_of_replay(&work).unwrap();
        assert!(share > 0.0 && share < 1.0, "{share}");
    }
}
