//! What must hold at given symbol values so that the referee can judge every element within one proof.

use super::MAX_STEPS;
use super::rules::{COMPUTE, STEPS, UPLOAD_LONG, UPLOAD_STRIDED};
use crate::graph::cost::{MAX_COMPUTE_UNITS, MAX_UPLOAD_BYTES};
use crate::graph::error::{CheckError, Site};
use crate::graph::resolve::ResolvedGraph;
use alloc::format;

pub(in crate::graph) fn economy(graph: &ResolvedGraph) -> Result<(), CheckError> {
    for (index, op) in (0..).zip(&graph.ops) {
        let steps = graph.steps(op);
        if steps > u64::from(MAX_STEPS) {
            return Err(STEPS.broken(Site::Op(index), format!("{steps} steps, more than {MAX_STEPS}")));
        }
        let (cost, dearest) = graph.cost_with_dearest(op);
        if cost.upload_bytes > MAX_UPLOAD_BYTES {
            let reason = |share: &str| {
                format!(
                    "one element opens up to {} leaves, {} bytes with their paths, more than {MAX_UPLOAD_BYTES}{share}",
                    cost.leaves, cost.upload_bytes
                )
            };
            let Some(dearest) = dearest else { return Err(UPLOAD_LONG.broken(Site::Op(index), reason(""))) };
            let (site, share) = (Site::Operand(index, dearest.operand), format!("; {} here", dearest.leaves));
            let strided =
                op.operands.get(usize::from(dearest.operand)).is_some_and(|view| view.strided_axis(op).is_some());
            let rule = if strided { UPLOAD_STRIDED } else { UPLOAD_LONG };
            return Err(rule.broken(site, reason(&share)));
        }
        if cost.compute_units > MAX_COMPUTE_UNITS {
            let reason = format!("{} compute units, more than {MAX_COMPUTE_UNITS}", cost.compute_units);
            return Err(COMPUTE.broken(Site::Op(index), reason));
        }
    }
    Ok(())
}
