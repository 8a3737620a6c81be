//! Whether a graph has the place that a fault names.

use super::{Fault, FaultError, FaultKind};
use crate::subject::Subject;
use referee::graph::{ResolvedGraph, ResolvedTensor, Slot, TensorKind};

/// Refuses a fault whose place the graph does not have: it would change nothing, whatever the inputs are.
///
/// # Errors
/// [`FaultError::Nowhere`].
pub(super) fn check(subject: &Subject, fault: &Fault) -> Result<(), FaultError> {
    let graph = &subject.resolved;
    let refuse = |reason: String| Err(FaultError::Nowhere { fault: *fault, reason });
    if let Some(op) = fault.op.filter(|op| usize::from(*op) >= graph.ops.len()) {
        return refuse(format!("op {op} of a graph of {} ops", graph.ops.len()));
    }
    let Some(slot) = fault.tensor else { return Ok(()) };
    let Some(tensor) = graph.tensors.get(usize::from(slot)) else {
        return refuse(format!("tensor {slot} of a graph of {} tensors", graph.tensors.len()));
    };
    if let Some(reason) = misplaced(graph, fault, slot, tensor) {
        return refuse(format!("tensor {slot} {reason}"));
    }
    if let Some(element) = fault.element.filter(|element| *element >= tensor.elements()) {
        return refuse(format!("element {element} of {} of tensor {slot}", tensor.elements()));
    }
    if let Some(bit) = fault.bit.filter(|bit| u32::from(*bit) >= 8 * tensor.dtype.bytes()) {
        return refuse(format!("bit {bit} of an element of tensor {slot}, which is {}", tensor.dtype.name()));
    }
    Ok(())
}

/// What is wrong with the tensor, for a fault of this kind.
fn misplaced(graph: &ResolvedGraph, fault: &Fault, slot: Slot, tensor: &ResolvedTensor) -> Option<String> {
    let param = matches!(fault.kind, FaultKind::Weight | FaultKind::Table);
    match (param, tensor.kind) {
        (true, TensorKind::Param) => None,
        (true, _) => Some("is no param".to_owned()),
        (false, TensorKind::Temp) => {
            let (producer, _) = tensor.producer?;
            if let Some(op) = fault.op.filter(|op| *op != producer) {
                return Some(format!("is made by op {producer}, not by op {op}"));
            }
            let outside = fault.kind == FaultKind::Boundary && graph.boundary_position(slot).is_none();
            outside.then(|| "is not in the boundary".to_owned())
        }
        (false, _) => Some("is given, not computed".to_owned()),
    }
}
