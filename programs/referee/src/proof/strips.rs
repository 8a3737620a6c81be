//! Elements of tensors: strips of adjacent leaves with their paths.

use super::lists::{Member, source_of};
use super::reader::Reader;
use super::{MAX_STRIP_POSITIONS, Rejection, Source};
use crate::commit::{Node, TensorLayout, join, leaf_hash};
use crate::graph::{Dtype, Slot};
use crate::semantics::Fetch;
use alloc::vec::Vec;

/// A proved range of a tensor's bytes. Leaves cover a tensor in order, so that adjacent leaves hold adjacent bytes.
struct Strip<'a> {
    source: Source,
    slot: Slot,
    dtype: Dtype,
    /// The tensor's element at which the data begin.
    first: u32,
    data: &'a [u8],
}

impl<'a> Strip<'a> {
    /// The bytes of `count` elements from `element` on.
    #[inline]
    fn bytes(&self, element: u32, count: u32) -> Option<&'a [u8]> {
        let size = self.dtype.bytes() as usize;
        let start = (element.checked_sub(self.first)? as usize).checked_mul(size)?;
        self.data.get(start..)?.get(..(count as usize).checked_mul(size)?)
    }

    #[inline]
    fn value(&self, element: u32) -> Option<i64> {
        self.dtype.read(self.data, element.checked_sub(self.first)? as usize)
    }
}

/// All strips of a proof.
pub(super) struct Strips<'a> {
    /// By slot and first element.
    strips: Vec<Strip<'a>>,
    /// For slots by their lowest bits: the strip that was read last.
    last: [u8; 8],
}

impl<'a> Strips<'a> {
    /// Reads the section of strips: ascending by source, slot and position, none overlapping another.
    pub(super) fn read(reader: &mut Reader<'a>, members: &[Member<'a>]) -> Result<Self, Rejection> {
        let count = usize::from(reader.u8()?);
        let mut strips: Vec<Strip<'a>> = Vec::new();
        let mut nodes: Vec<Node> = Vec::new();
        let mut last = None;
        for _ in 0..count {
            let source = source_of(reader.u8()?)?;
            let slot = reader.u16()?;
            let first = reader.u32()?;
            let positions = reader.u16()?;
            if last.is_some_and(|last| last >= (source, slot, first)) {
                return Err(Rejection::StripOrder);
            }
            if positions == 0 || positions > MAX_STRIP_POSITIONS {
                return Err(Rejection::StripRange);
            }
            let end = first.checked_add(u32::from(positions) - 1).ok_or(Rejection::StripRange)?;
            last = Some((source, slot, end));
            let length = reader.u32()? as usize;
            let data = reader.bytes(length)?;
            let member = members.iter().find(|member| member.source == source && member.slot == slot);
            let member = member.ok_or(Rejection::StripMember)?;
            nodes.clear();
            let start = leaves(&member.layout, first, end, data, &mut nodes)?;
            let siblings = usize::from(reader.u8()?);
            let mut siblings = reader.siblings(siblings)?;
            let shape = member.layout.shape();
            let root = join(&mut nodes, &shape, 0, shape.depth(), &mut siblings);
            if !siblings.is_empty() || root != Some((0, *member.root)) {
                return Err(Rejection::StripRoot);
            }
            let dtype = member.layout.dtype;
            let strip = Strip { source, slot, dtype, first: (start / u64::from(dtype.bytes())) as u32, data };
            let place = strips.partition_point(|other| (other.slot, other.first) <= (slot, strip.first));
            strips.insert(place, strip);
        }
        Ok(Self { strips, last: [0; 8] })
    }

    /// An element under one source.
    pub(super) fn element_of(&self, source: Source, slot: Slot, element: u32) -> Option<i64> {
        let strips = self.strips.iter().filter(|strip| strip.source == source && strip.slot == slot);
        strips.filter_map(|strip| strip.value(element)).next()
    }
}

/// Hashes the leaves from `first` to `end`, both of which hold data; the offset in the tensor at which the data begin.
fn leaves(layout: &TensorLayout, first: u32, end: u32, data: &[u8], nodes: &mut Vec<Node>) -> Result<u64, Rejection> {
    let bounds = layout.leaf_range(first).zip(layout.leaf_range(end));
    let (start, stop) = bounds.map(|(first, last)| (first.start, last.end)).ok_or(Rejection::StripRange)?;
    if data.len() as u64 != stop.saturating_sub(start) {
        return Err(Rejection::StripData);
    }
    let mut rest = data;
    for position in first..=end {
        let Some(range) = layout.leaf_range(position) else { continue };
        let length = range.end.saturating_sub(range.start) as usize;
        let (leaf, behind) = rest.split_at_checked(length).ok_or(Rejection::StripData)?;
        rest = behind;
        nodes.push((position, leaf_hash(&layout.leaf_header(position), leaf)));
    }
    Ok(start)
}

/// What an op reads: of a tensor that lies under two roots, whatever strip holds the element. An honest node's are equal.
impl Fetch for Strips<'_> {
    #[inline]
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let hint = self.last.get_mut(usize::from(slot & 7))?;
        if let Some(strip) = self.strips.get(usize::from(*hint))
            && strip.slot == slot
            && let Some(value) = strip.value(element)
        {
            return Some(value);
        }
        let behind = self.strips.partition_point(|strip| (strip.slot, strip.first) <= (slot, element));
        let index = behind.checked_sub(1)?;
        let strip = self.strips.get(index)?;
        match strip.value(element).filter(|_| strip.slot == slot) {
            Some(value) => {
                *hint = index as u8;
                Some(value)
            }
            // A strip under another root may begin later and end earlier than the one that holds the element.
            None => {
                let of_slot = self.strips.iter().filter(|strip| strip.slot == slot);
                of_slot.filter_map(|strip| strip.value(element)).next()
            }
        }
    }

    fn run(&self, slot: Slot, first: u32, count: u32) -> Option<&[u8]> {
        let strips = self.strips.iter().filter(|strip| strip.slot == slot);
        strips.filter_map(|strip| strip.bytes(first, count)).next()
    }
}
