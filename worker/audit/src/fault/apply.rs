//! Runs a graph with a fault in it.

use super::wrong::{Wrong, candidates};
use super::{Fault, FaultError, FaultKind, place};
use crate::locate::first_difference;
use crate::subject::Subject;
use assay_kernels::audit::ExcerptBuilder;
use assay_kernels::{Backend, KernelError, TensorSet};
use referee::graph::{Slot, TensorKind};
use std::sync::Arc;

/// What a faulty run gave.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// All Temps as the boundary is committed to.
    pub committed: TensorSet,
    /// All Temps as the traces of segments are signed and served.
    pub inside: TensorSet,
    /// The op that is wrong.
    pub op: u16,
    /// The first of its outputs that is wrong.
    pub slot: Slot,
    /// The first wrong element there.
    pub element: u32,
}

/// Makes a fault in a right run; `honest` holds every Temp of it.
///
/// # Errors
/// The graph does not have the fault's place; the fault changes nothing anywhere; the backend fails; a Temp is missing.
pub fn apply(
    subject: &Subject,
    backend: &dyn Backend,
    honest: &TensorSet,
    fault: &Fault,
) -> Result<Faulty, FaultError> {
    place::check(subject, fault)?;
    match fault.kind {
        FaultKind::Boundary | FaultKind::Interior => told_twice(subject, honest, fault),
        _ => executed(subject, backend, honest, fault),
    }
}

fn executed(subject: &Subject, backend: &dyn Backend, honest: &TensorSet, fault: &Fault) -> Result<Faulty, FaultError> {
    for wrong in candidates(subject, fault) {
        let mut tensors = honest.clone();
        for (slot, bytes) in outputs(subject, backend, honest, &wrong)? {
            tensors.insert(slot, bytes);
        }
        let changed =
            wrong.op.outputs.iter().find_map(|slot| Some((*slot, difference(subject, honest, &tensors, *slot)?)));
        let Some((slot, element)) = changed else { continue };
        rerun_after(subject, backend, &mut tensors, wrong.index)?;
        return Ok(Faulty { committed: tensors.clone(), inside: tensors, op: wrong.index, slot, element });
    }
    Err(FaultError::NoEffect(*fault))
}

/// What the wrong op gives on the right operands.
fn outputs(
    subject: &Subject,
    backend: &dyn Backend,
    honest: &TensorSet,
    wrong: &Wrong,
) -> Result<TensorSet, KernelError> {
    let mut builder = ExcerptBuilder::new(&subject.resolved);
    builder.op_apart(&wrong.op, wrong.prologue.clone(), wrong.program.clone());
    let Some(excerpt) = builder.build() else { return Ok(TensorSet::new()) };
    let mut outputs = excerpt.run(backend, |slot| match &wrong.replaced {
        Some((replaced, bytes)) if *replaced == slot => Some(bytes),
        _ => honest.get(&slot).or_else(|| subject.given(slot).ok()),
    })?;
    if let Some((output, element, bit)) = wrong.flipped {
        let slot = wrong.op.outputs[output];
        if let Some(bytes) = outputs.get_mut(&slot) {
            *bytes = flip(subject, slot, bytes, element, bit);
        }
    }
    Ok(outputs)
}

/// Computes every op after `index` again on what is there now.
fn rerun_after(
    subject: &Subject,
    backend: &dyn Backend,
    tensors: &mut TensorSet,
    index: u16,
) -> Result<(), KernelError> {
    let mut builder = ExcerptBuilder::new(&subject.resolved);
    subject.resolved.ops.iter().skip(usize::from(index) + 1).for_each(|op| builder.op(op));
    let Some(excerpt) = builder.build() else { return Ok(()) };
    let rerun = excerpt.run(backend, |slot| tensors.get(&slot).or_else(|| subject.given(slot).ok()))?;
    tensors.extend(rerun);
    Ok(())
}

/// A bit flipped in the boundary or inside a segment, and not in the other.
fn told_twice(subject: &Subject, honest: &TensorSet, fault: &Fault) -> Result<Faulty, FaultError> {
    let graph = &subject.resolved;
    let in_boundary = fault.kind == FaultKind::Boundary;
    let temps = graph.slots_of(TensorKind::Temp);
    // The last of the boundary; the first that only a segment's trace holds, or else the first.
    let slot = fault.tensor.or_else(|| match in_boundary {
        true => graph.boundary.last().map(|entry| entry.slot),
        false => temps.iter().copied().find(|slot| graph.boundary_position(*slot).is_none()).or(temps.first().copied()),
    });
    let no_effect = || FaultError::NoEffect(*fault);
    let slot = slot.filter(|slot| !in_boundary || graph.boundary_position(*slot).is_some()).ok_or_else(no_effect)?;
    let tensor = graph.tensors.get(usize::from(slot)).ok_or_else(no_effect)?;
    let (op, _) = tensor.producer.ok_or_else(no_effect)?;
    let (element, bit) = (fault.element.unwrap_or(0), fault.bit.unwrap_or(0));
    if element >= tensor.elements() || u32::from(bit) >= 8 * tensor.dtype.bytes() {
        return Err(no_effect());
    }
    let bytes = honest.get(&slot).ok_or(KernelError::Missing { slot })?;
    let mut flipped = honest.clone();
    flipped.insert(slot, flip(subject, slot, bytes, element, bit));
    let (committed, inside) = if in_boundary { (flipped, honest.clone()) } else { (honest.clone(), flipped) };
    Ok(Faulty { committed, inside, op, slot, element })
}

fn difference(subject: &Subject, one: &TensorSet, other: &TensorSet, slot: Slot) -> Option<u32> {
    let dtype = subject.resolved.tensors.get(usize::from(slot))?.dtype;
    first_difference(dtype, one.get(&slot)?, other.get(&slot)?).map(|(element, _)| element)
}

/// The bytes with one bit flipped; element and bit are within them.
fn flip(subject: &Subject, slot: Slot, bytes: &[u8], element: u32, bit: u8) -> Arc<[u8]> {
    let size = subject.resolved.tensors.get(usize::from(slot)).map_or(1, |tensor| tensor.dtype.bytes());
    let mut bytes = bytes.to_vec();
    bytes[(element * size) as usize + usize::from(bit / 8)] ^= 1 << (bit % 8);
    bytes.into()
}
