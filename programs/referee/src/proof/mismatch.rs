//! The verdict on two hashes of one tensor.

use super::descriptors::Descriptors;
use super::lists::place;
use super::reader::Reader;
use super::{Fault, Finding, Pinned, Rejection, Source};
use crate::commit::{Hash, ListRole, depth_for, list_root, root_from_path, segment_hash};
use alloc::vec::Vec;

pub(super) fn judge(mut reader: Reader<'_>, pinned: &Pinned) -> Result<Finding, Rejection> {
    let descriptors = Descriptors::read(&mut reader, &pinned.graph_root, pinned.ir_version, &pinned.symbols)?;
    let segment = pinned.segment.ok_or(Rejection::SegmentMissing)?;
    let slot = reader.u16()?;
    let facts = descriptors.tensor(slot)?;
    let both = place(&facts, pinned, Source::Boundary).and_then(|b| Ok((b, place(&facts, pinned, Source::Segment)?)));
    let (in_boundary, in_segment) = both.map_err(|rejection| match rejection {
        Rejection::WrongSource => Rejection::NotCompared,
        other => other,
    })?;
    let (boundary, boundary_root) = hash_and_root(&mut reader, in_boundary)?;
    let (traced, segment_root) = hash_and_root(&mut reader, in_segment)?;
    reader.finish()?;

    let boundary_root = boundary_root.map(|root| list_root(ListRole::Boundary, u32::from(in_boundary.1), &root));
    if boundary_root != Some(pinned.boundary_root) {
        return Err(Rejection::BoundaryPath);
    }
    let traced_root = segment_root.map(|root| segment_hash(u32::from(segment.index), u32::from(in_segment.1), &root));
    if traced_root != Some(segment.root) {
        return Err(Rejection::SegmentPath);
    }
    if boundary == traced {
        return Err(Rejection::EqualHashes);
    }
    Ok(Finding { fault: Fault::Mismatch { slot, boundary: *boundary, segment: *traced }, uses_segment: true })
}

/// A hash, and the root that its path of static length leads to.
fn hash_and_root<'a>(
    reader: &mut Reader<'a>,
    (position, count): (u16, u16),
) -> Result<(&'a Hash, Option<Hash>), Rejection> {
    let hash = reader.hash()?;
    let mut path: Vec<Hash> = Vec::with_capacity(16);
    for _ in 0..depth_for(u32::from(count)) {
        path.push(*reader.hash()?);
    }
    Ok((hash, root_from_path(hash, u32::from(position), &path)))
}
