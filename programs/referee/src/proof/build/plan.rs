//! Which leaves a proof opens, and in which strips.

use super::{BuildError, Evidence, Leaves, Unknown};
use crate::commit::{TensorLayout, siblings_of};
use crate::graph::{ResolvedGraph, Slot};
use crate::proof::{MAX_STRIP_POSITIONS, Source};
use crate::semantics::{EvaluateError, Fetch, evaluate_output};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Bytes of a strip besides its data and siblings.
const STRIP_BYTES: u64 = 14;
const SIBLING_BYTES: u64 = 32;

/// What one element reads.
pub(super) struct Reads<'a> {
    pub(super) op: u16,
    pub(super) output: u8,
    pub(super) element: u32,
    pub(super) claimed: Source,
    /// By source and slot: what is known of the tensor, and the leaves that are opened of it.
    pub(super) tensors: BTreeMap<(Source, Slot), (&'a dyn Leaves, BTreeSet<u32>)>,
}

impl<'a> Reads<'a> {
    /// Evaluates the element on the values under the node's roots and notes the leaves behind it, its own included.
    pub(super) fn of_element(
        evidence: &Evidence<'a>,
        slot: Slot,
        element: u32,
        source: Source,
    ) -> Result<Self, BuildError> {
        let resolved = evidence.resolved;
        let tensor = resolved.tensors.get(usize::from(slot)).ok_or(BuildError::NoTensor { slot })?;
        let (op, output) = tensor.producer.ok_or(BuildError::NoTensor { slot })?;
        if element >= tensor.elements() {
            return Err(BuildError::NoElement { slot, element });
        }
        if evidence.place(source, slot).is_none() {
            return Err(BuildError::NotThere { slot, source });
        }
        let own = (evidence.tensor)(source, slot).ok_or(BuildError::Unknown(Unknown::Tensor { slot }))?;
        let position = tensor.layout.address(element).position;
        let mut recorder = Recorder { evidence, resolved, tensors: BTreeMap::new(), last: None, unknown: None };
        let evaluated = evaluate_output(resolved, slot, element, &mut recorder);
        if let Some(unknown) = recorder.unknown {
            return Err(BuildError::Unknown(unknown));
        }
        match evaluated {
            Err(EvaluateError::Malformed) => return Err(BuildError::Malformed),
            Err(EvaluateError::Missing { slot, .. }) => return Err(BuildError::Unknown(Unknown::Tensor { slot })),
            Ok(_) => {}
        }
        let mut tensors = recorder.tensors;
        tensors.entry((source, slot)).or_insert((own, BTreeSet::new())).1.insert(position);
        Ok(Self { op, output, element, claimed: source, tensors })
    }
}

/// Fetches from what is known and notes the leaves.
struct Recorder<'e, 'a> {
    evidence: &'e Evidence<'a>,
    resolved: &'a ResolvedGraph,
    tensors: BTreeMap<(Source, Slot), (&'a dyn Leaves, BTreeSet<u32>)>,
    /// The leaf that was noted last.
    last: Option<(Slot, u32)>,
    unknown: Option<Unknown>,
}

impl Fetch for Recorder<'_, '_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let tensor = self.resolved.tensors.get(usize::from(slot))?;
        let Some((source, leaves)) = self.evidence.source_of(slot) else {
            self.unknown = Some(Unknown::Tensor { slot });
            return None;
        };
        let address = tensor.layout.address(element);
        if self.last.replace((slot, address.position)) != Some((slot, address.position)) {
            self.tensors.entry((source, slot)).or_insert((leaves, BTreeSet::new())).1.insert(address.position);
        }
        let value = leaves
            .leaf(address.position)
            .and_then(|leaf| tensor.dtype.read(leaf, (address.offset / tensor.dtype.bytes()) as usize));
        if value.is_none() {
            self.unknown = Some(Unknown::Leaf { source, slot, position: address.position });
        }
        value
    }
}

/// A range of positions, both ends included; both hold data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Span {
    /// The positions that hold data.
    pub(super) fn positions(self, layout: &TensorLayout) -> Vec<u32> {
        (self.first..=self.last).filter(|position| layout.leaf_range(*position).is_some()).collect()
    }

    /// The bytes of the tensor that it holds.
    pub(super) fn range(self, layout: &TensorLayout) -> Option<core::ops::Range<u64>> {
        Some(layout.leaf_range(self.first)?.start..layout.leaf_range(self.last)?.end)
    }

    /// Bytes of a proof that opens it; `None` if no strip may be that long.
    fn cost(self, layout: &TensorLayout) -> Option<u64> {
        if self.last - self.first >= u32::from(MAX_STRIP_POSITIONS) {
            return None;
        }
        let (range, shape) = (self.range(layout)?, layout.shape());
        let siblings = siblings_of(&self.positions(layout), &shape, 0, shape.depth()).len() as u64;
        Some(STRIP_BYTES + (range.end - range.start) + SIBLING_BYTES * siblings)
    }
}

/// The strips that open these leaves in the fewest bytes: neighbours are joined, and gaps and the rest of a row are
/// opened too where that is cheaper than the siblings that it spares.
pub(super) fn strips(layout: &TensorLayout, leaves: &BTreeSet<u32>) -> Vec<Span> {
    let groups = groups(layout, leaves);
    // The cheapest way to open the groups up to each, and the strip that it ends with.
    let mut best: Vec<(u64, Option<(usize, Span)>)> = alloc::vec![(0, None)];
    for end in 0..groups.len() {
        let mut cheapest: Option<(u64, Option<(usize, Span)>)> = None;
        for start in (0..=end).rev() {
            let behind = groups.get(end + 1).map_or(u32::MAX, |group| group.first);
            let before = start.checked_sub(1).and_then(|at| groups.get(at)).map(|group| group.last);
            let (Some(first), Some(last)) = (groups.get(start), groups.get(end)) else { continue };
            let span = Span { first: first.first, last: last.last };
            let Some((cost, span)) = widened(layout, span, before, behind) else { break };
            let total = best.get(start).map_or(u64::MAX, |(cost, _)| *cost).saturating_add(cost);
            if cheapest.is_none_or(|(cost, _)| total < cost) {
                cheapest = Some((total, Some((start, span))));
            }
        }
        best.push(cheapest.unwrap_or((u64::MAX, None)));
    }
    let mut spans = Vec::new();
    let mut at = groups.len();
    while let Some((_, Some((start, span)))) = best.get(at) {
        spans.push(*span);
        at = *start;
    }
    spans.reverse();
    spans
}

/// Runs of leaves that have nothing but padding between them, none longer than a strip.
fn groups(layout: &TensorLayout, leaves: &BTreeSet<u32>) -> Vec<Span> {
    let mut groups: Vec<Span> = Vec::new();
    for position in leaves {
        match groups.last_mut() {
            Some(group)
                if (group.last + 1..*position).all(|between| layout.leaf_range(between).is_none())
                    && position - group.first < u32::from(MAX_STRIP_POSITIONS) =>
            {
                group.last = *position;
            }
            _ => groups.push(Span { first: *position, last: *position }),
        }
    }
    groups
}

/// The cheapest strip around a span: as it is, from the start or to the end of its row, or of the tensor; within the
/// given neighbours.
fn widened(layout: &TensorLayout, span: Span, before: Option<u32>, behind: u32) -> Option<(u64, Span)> {
    let row = |position: u32| position >> layout.row_depth() << layout.row_depth();
    let end_of_row = |position: u32| row(position).saturating_add(layout.leaves_per_row - 1);
    let end = end_of_row(layout.row_groups().saturating_sub(1) << layout.row_depth());
    let firsts = [span.first, row(span.first), 0];
    let lasts = [span.last, end_of_row(span.last), end];
    let mut cheapest: Option<(u64, Span)> = None;
    for first in firsts.into_iter().filter(|first| before.is_none_or(|before| *first > before)) {
        for last in lasts.into_iter().filter(|last| *last < behind) {
            let span = Span { first, last };
            if let Some(cost) = span.cost(layout)
                && cheapest.is_none_or(|(least, _)| cost < least)
            {
                cheapest = Some((cost, span));
            }
        }
    }
    cheapest
}
