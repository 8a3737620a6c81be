//! Tensors of a proof, proved to be those of the pinned lists.

use super::descriptors::Descriptors;
use super::reader::Reader;
use super::{MAX_LIST_MEMBERS, Pinned, Rejection, Source, TensorFacts};
use crate::commit::{Hash, ListRole, Node, TensorLayout, TreeShape, join, list_root, segment_hash};
use crate::graph::{Slot, TensorKind};
use alloc::vec::Vec;

/// A tensor whose root is proved.
pub(super) struct Member<'a> {
    pub(super) source: Source,
    pub(super) slot: Slot,
    pub(super) layout: TensorLayout,
    /// Root of the tensor's tree.
    pub(super) root: &'a Hash,
}

/// Reads the section of lists: ascending by source, the members of each by their position.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    descriptors: &Descriptors<'a>,
    pinned: &Pinned,
) -> Result<Vec<Member<'a>>, Rejection> {
    let mut members = Vec::new();
    let mut last = None;
    for _ in 0..reader.count(Source::ALL.len())? {
        let source = source_of(reader.u8()?)?;
        if last.is_some_and(|last| last >= source) {
            return Err(Rejection::ListOrder);
        }
        last = Some(source);
        list(reader, descriptors, pinned, source, &mut members)?;
    }
    Ok(members)
}

pub(super) fn source_of(byte: u8) -> Result<Source, Rejection> {
    Source::ALL.get(usize::from(byte)).copied().ok_or(Rejection::UnknownSource)
}

fn list<'a>(
    reader: &mut Reader<'a>,
    descriptors: &Descriptors<'a>,
    pinned: &Pinned,
    source: Source,
    members: &mut Vec<Member<'a>>,
) -> Result<(), Rejection> {
    let count = reader.count(MAX_LIST_MEMBERS)?;
    let mut nodes: Vec<Node> = Vec::with_capacity(count);
    let mut length = None;
    members.reserve(count);
    for _ in 0..count {
        let slot = reader.u16()?;
        let root = reader.hash()?;
        let facts = descriptors.tensor(slot)?;
        let (position, tensors) = place(&facts, pinned, source)?;
        // A graph's tensors of one list all have the same count; placements under a root that nobody checked may not.
        if length.replace(tensors).is_some_and(|length| length != tensors) {
            return Err(Rejection::Malformed);
        }
        if nodes.last().is_some_and(|(last, _)| *last >= u32::from(position)) {
            return Err(Rejection::ListOrder);
        }
        nodes.push((u32::from(position), facts.layout.hash_of_root(root)));
        members.push(Member { source, slot, layout: facts.layout, root });
    }
    let siblings = usize::from(reader.u16()?);
    let mut siblings = reader.siblings(siblings)?;
    let length = u32::from(length.ok_or(Rejection::ListRoot)?);
    let shape = TreeShape::list(length);
    let (_, root) = join(&mut nodes, &shape, 0, shape.depth(), &mut siblings)
        .filter(|(index, _)| *index == 0 && siblings.is_empty())
        .ok_or(Rejection::ListRoot)?;
    let proved = match source {
        Source::Params => list_root(ListRole::Params, length, &root) == pinned.params_root,
        Source::Inputs => list_root(ListRole::Inputs, length, &root) == pinned.inputs_root,
        Source::Boundary => list_root(ListRole::Boundary, length, &root) == pinned.boundary_root,
        Source::Segment => {
            let segment = pinned.segment.ok_or(Rejection::SegmentMissing)?;
            segment_hash(u32::from(segment.index), length, &root) == segment.root
        }
    };
    if proved { Ok(()) } else { Err(Rejection::ListRoot) }
}

/// The tensor's position in the tree of a source, and how many tensors that has.
pub(super) fn place(facts: &TensorFacts, pinned: &Pinned, source: Source) -> Result<(u16, u16), Rejection> {
    let (kind, placement) = (facts.layout.kind, &facts.placement);
    let (position, count) = match (source, kind) {
        (Source::Params, TensorKind::Param) | (Source::Inputs, TensorKind::Input) => {
            (placement.position, placement.count)
        }
        (Source::Boundary, TensorKind::Temp) => {
            (placement.boundary_position().ok_or(Rejection::WrongSource)?, pinned.boundary_count)
        }
        (Source::Segment, TensorKind::Temp) => {
            let segment = pinned.segment.ok_or(Rejection::SegmentMissing)?;
            if placement.segment != segment.index {
                return Err(Rejection::WrongSource);
            }
            (placement.position, placement.count)
        }
        _ => return Err(Rejection::WrongSource),
    };
    if position < count { Ok((position, count)) } else { Err(Rejection::Malformed) }
}
