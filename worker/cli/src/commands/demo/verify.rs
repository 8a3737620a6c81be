//! The check at the end: every output against the scalar reference, bit for bit.

use crate::error::CliError;
use assay_client::Work;
use referee::semantics;

/// The output that the scalar reference gives. It is slow, and right by definition.
pub(super) fn reference_output(work: &Work) -> Result<Vec<u8>, CliError> {
    let empty: &[u8] = &[];
    let given: Vec<&[u8]> = (0..work.resolved.tensors.len())
        .map(|slot| {
            let slot = slot as u16;
            work.params.get(&slot).or_else(|| work.inputs.get(&slot)).map_or(empty, |bytes| bytes)
        })
        .collect();
    let trace = semantics::run(&work.resolved, &given)?;
    Ok(trace.tensors.get(usize::from(work.output_slot)).cloned().unwrap_or_default())
}
