//! The bytes of a proof.

use super::plan::{Reads, strips};
use super::{BuildError, Evidence, GraphTree, Nodes, Unknown, siblings};
use crate::commit::{DescriptorKind, EMPTY_NODES, Hash, TreeShape, siblings_of};
use crate::graph::{Descriptor, ResolvedGraph, Slot};
use crate::proof::{KIND_ELEMENT, KIND_MISMATCH, MAX_PROOF_BYTES, Source};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// The section of descriptors: the header, these tensors, these programs and an op.
pub(super) fn descriptors(
    bytes: &mut Vec<u8>,
    graph: &GraphTree,
    tensors: &[Slot],
    programs: &[u16],
    op: Option<u16>,
) -> Result<(), BuildError> {
    let wanted = |descriptor: &Descriptor| {
        let index = descriptor.index as u16;
        match descriptor.kind {
            DescriptorKind::Header => true,
            DescriptorKind::Tensor => tensors.contains(&index),
            DescriptorKind::Program => programs.contains(&index),
            DescriptorKind::Op => op == Some(index),
        }
    };
    let opened: Vec<(u32, &Descriptor)> =
        (0u32..).zip(&graph.descriptors).filter(|(_, descriptor)| wanted(descriptor)).collect();
    let expected = 1 + distinct(tensors) + distinct(programs) + usize::from(op.is_some());
    if opened.len() != expected {
        return Err(BuildError::NoTensor { slot: tensors.first().copied().unwrap_or(u16::MAX) });
    }
    bytes.push(opened.len() as u8);
    for (_, descriptor) in &opened {
        bytes.push(descriptor.kind as u8);
        bytes.extend_from_slice(&(descriptor.index as u16).to_le_bytes());
        bytes.extend_from_slice(&(descriptor.bytes.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&descriptor.bytes);
    }
    let positions: Vec<u32> = opened.iter().map(|(position, _)| *position).collect();
    let shape = TreeShape::list(graph.descriptors.len() as u32);
    let wanted = siblings_of(&positions, &shape, 0, shape.depth());
    let hashes = wanted.into_iter().map(|(level, index)| graph.tree.node(level, index).ok_or(BuildError::Malformed));
    list_u16(bytes, &hashes.collect::<Result<Vec<Hash>, _>>()?);
    Ok(())
}

fn distinct<T: Ord>(items: &[T]) -> usize {
    items.iter().collect::<BTreeSet<_>>().len()
}

fn list_u16(bytes: &mut Vec<u8>, hashes: &[Hash]) {
    bytes.extend_from_slice(&(hashes.len() as u16).to_le_bytes());
    bytes.extend_from_slice(hashes.as_flattened());
}

/// An element proof that opens what was read.
pub(super) fn element(evidence: &Evidence<'_>, reads: &Reads<'_>) -> Result<Vec<u8>, BuildError> {
    let op = evidence.resolved.ops.get(usize::from(reads.op)).ok_or(BuildError::Malformed)?;
    let tensors: Vec<Slot> = reads.tensors.keys().map(|(_, slot)| *slot).collect();
    let programs: Vec<u16> = op.prologue.into_iter().chain([op.program]).collect();
    let mut bytes = alloc::vec![KIND_ELEMENT];
    descriptors(&mut bytes, evidence.graph, &tensors, &programs, Some(reads.op))?;
    bytes.extend_from_slice(&reads.op.to_le_bytes());
    bytes.push(reads.output);
    bytes.extend_from_slice(&reads.element.to_le_bytes());
    bytes.push(reads.claimed as u8);
    lists(&mut bytes, evidence, reads)?;
    all_strips(&mut bytes, evidence.resolved, reads)?;
    finished(bytes)
}

fn finished(bytes: Vec<u8>) -> Result<Vec<u8>, BuildError> {
    if bytes.len() > MAX_PROOF_BYTES { Err(BuildError::TooLong { bytes: bytes.len() }) } else { Ok(bytes) }
}

fn lists(bytes: &mut Vec<u8>, evidence: &Evidence<'_>, reads: &Reads<'_>) -> Result<(), BuildError> {
    let sources: BTreeSet<Source> = reads.tensors.keys().map(|(source, _)| *source).collect();
    bytes.push(sources.len() as u8);
    for source in sources {
        let of_source = reads.tensors.iter().filter(|((of, _), _)| *of == source);
        let mut members = Vec::new();
        for ((_, slot), (leaves, _)) in of_source {
            let (position, shape) =
                evidence.place(source, *slot).ok_or(BuildError::NotThere { slot: *slot, source })?;
            let depth = layout(evidence.resolved, *slot)?.depth();
            let unknown = Unknown::Node { source, slot: Some(*slot), level: depth, index: 0 };
            let root = leaves.node(depth, 0).ok_or(BuildError::Unknown(unknown))?;
            members.push((position, *slot, root, shape));
        }
        members.sort_unstable_by_key(|(position, ..)| *position);
        bytes.push(source as u8);
        bytes.push(members.len() as u8);
        for (_, slot, root, _) in &members {
            bytes.extend_from_slice(&slot.to_le_bytes());
            bytes.extend_from_slice(root);
        }
        let positions: Vec<u32> = members.iter().map(|(position, ..)| *position).collect();
        let (Some(nodes), Some((.., shape))) = (evidence.list(source), members.first()) else {
            let unknown = Unknown::Node { source, slot: None, level: 0, index: 0 };
            return Err(BuildError::Unknown(unknown));
        };
        list_u16(bytes, &siblings(nodes, &positions, shape, source, None)?);
    }
    Ok(())
}

fn layout(resolved: &ResolvedGraph, slot: Slot) -> Result<&crate::commit::TensorLayout, BuildError> {
    resolved.tensors.get(usize::from(slot)).map(|tensor| &tensor.layout).ok_or(BuildError::NoTensor { slot })
}

fn all_strips(bytes: &mut Vec<u8>, resolved: &ResolvedGraph, reads: &Reads<'_>) -> Result<(), BuildError> {
    let at = bytes.len();
    bytes.push(0);
    let mut count = 0usize;
    for ((source, slot), (leaves, positions)) in &reads.tensors {
        let layout = layout(resolved, *slot)?;
        let shape = layout.shape();
        for span in strips(layout, positions) {
            count += 1;
            let range = span.range(layout).ok_or(BuildError::Malformed)?;
            bytes.push(*source as u8);
            bytes.extend_from_slice(&slot.to_le_bytes());
            bytes.extend_from_slice(&span.first.to_le_bytes());
            bytes.extend_from_slice(&((span.last - span.first + 1) as u16).to_le_bytes());
            bytes.extend_from_slice(&((range.end - range.start) as u32).to_le_bytes());
            let opened = span.positions(layout);
            for position in &opened {
                let unknown = Unknown::Leaf { source: *source, slot: *slot, position: *position };
                bytes.extend_from_slice(leaves.leaf(*position).ok_or(BuildError::Unknown(unknown))?);
            }
            let siblings = siblings(*leaves, &opened, &shape, *source, Some(*slot))?;
            bytes.push(siblings.len() as u8);
            bytes.extend_from_slice(siblings.as_flattened());
        }
    }
    let place = bytes.get_mut(at).ok_or(BuildError::Malformed)?;
    *place = u8::try_from(count).map_err(|_| BuildError::TooLong { bytes: usize::MAX })?;
    Ok(())
}

/// A mismatch proof: the tensor's hash and path of static length in the boundary, then in the segment.
pub(super) fn mismatch(evidence: &Evidence<'_>, slot: Slot) -> Result<Vec<u8>, BuildError> {
    let mut bytes = alloc::vec![KIND_MISMATCH];
    descriptors(&mut bytes, evidence.graph, &[slot], &[], None)?;
    bytes.extend_from_slice(&slot.to_le_bytes());
    for source in [Source::Boundary, Source::Segment] {
        let (position, shape) = evidence.place(source, slot).ok_or(BuildError::NotThere { slot, source })?;
        let unknown = |level, index| BuildError::Unknown(Unknown::Node { source, slot: None, level, index });
        let nodes = evidence.list(source).ok_or(unknown(0, position))?;
        bytes.extend_from_slice(&nodes.node(0, position).ok_or(unknown(0, position))?);
        for level in 0..shape.depth() {
            let index = position >> level ^ 1;
            let padding = shape.is_padding(level, index).then(|| EMPTY_NODES.get(usize::from(level)).copied());
            let sibling = padding.flatten().or_else(|| nodes.node(level, index));
            bytes.extend_from_slice(&sibling.ok_or(unknown(level, index))?);
        }
    }
    finished(bytes)
}
